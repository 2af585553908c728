"""``python -m transformer_lab`` is the command ``transformer-lab``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
