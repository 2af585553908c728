"""``python -m transformer_lab`` is the command ``transformer-lab``; Ctrl-C is answered while it still loads."""

import os
import signal
import sys
from contextlib import suppress


def main() -> int:
    """The exit code of the command line, 130 where it was stopped before there was one."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else it is ignored, as behind nohup
        signal.signal(signal.SIGINT, stopped)
    import numpy.random  # noqa: F401  # loaded on demand otherwise, and its compiled code passes over a Ctrl-C

    from .cli import main as command  # loading takes a third of a second

    try:
        signal.signal(signal.SIGINT, before)
        code = command()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to stop
    except KeyboardInterrupt:  # between two lines of this or of command, outside of what that looks after
        stopped()
    return code


def stopped(*signal_and_frame):
    """End here: an exception in the middle of an import may be taken for a library that is missing."""
    with suppress(OSError):
        os.write(2, b"\ntransformer-lab: stopped.\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
