"""``python -m transformer_lab`` is the command ``transformer-lab``; Ctrl-C is answered while it still loads."""

import os
import sys


def main() -> int:
    """The exit code of the command line, 130 where it was stopped before there was one."""
    try:
        from .cli import main as command  # loading takes a third of a second
    except KeyboardInterrupt:
        os.write(2, b"\ntransformer-lab: stopped.\n")
        return 130
    return command()


if __name__ == "__main__":
    sys.exit(main())
