"""How numbers look in a terminal: bars, shares, tables."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Sequence

WIDTH = 24

#: What stands for our signs where the output cannot show them.
PLAIN = str.maketrans("█▉▊▋▌▍▎▏▓▒░─✓✗", "#########=.-+x")


def streams() -> None:
    """Make output and input usable whatever they are: closed ones lead nowhere, and no sign is too much for them."""
    codecs.register_error("plain", lambda fault: (fault.object[fault.start:fault.end].translate(PLAIN).encode(
        fault.encoding, "backslashreplace").decode(fault.encoding), fault.end))
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (stays open as long as the process)
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "plain"), (sys.stderr, "plain")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def say(text: object = "", **how) -> None:
    r"""Print, with names from outside shown as they are spelt: nothing in them commands the terminal.

    >>> say("a name\x1b[2J")
    a name\x1b[2J
    """
    print("".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in str(text)), **how)


def bar(share: float) -> str:
    """A share between 0 and 1 as a bar of eighths of a cell.

    >>> bar(0.5)
    '████████████            '
    """
    eighths = int(8 * WIDTH * share)
    full, rest = divmod(eighths, 8)
    return ("█" * full + " ▏▎▍▌▋▊▉"[rest] * (rest > 0)).ljust(WIDTH)


def percent(share: float, digits: int = 1) -> str:
    """A share in percent. What is not quite all or nothing is never rounded to it.

    >>> percent(1.0), percent(0.9999), percent(0.00001)
    ('100.0 %', '> 99.9 %', '< 0.1 %')
    """
    least = 10.0**-digits
    if 0 < share < 1:
        if 100 * share > 100 - least:
            return f"> {100 - least:.{digits}f} %"
        if 100 * share < least:
            return f"< {least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def table(rows: Iterable[Sequence[str]], heads: Sequence[str] = (), left: Sequence[int] = (0,)) -> str:
    """Columns, those in ``left`` to the left and the others to the right.

    >>> print(table([("W_E", "1,280")], ["tensor", "weights"]))
    tensor  weights
    W_E       1,280
    """
    rows = [tuple(str(cell).replace("\n", "\\n") for cell in row) for row in ([heads] if heads else []) + [*rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(widths[i]) if i in left else cell.rjust(widths[i])
                               for i, cell in enumerate(row)).rstrip() for row in rows)


def shares(named: dict) -> str:
    """A bar for each share.

    >>> print(shares({"Max": 1.0, "Second": 0.25}))
      Max     ████████████████████████  100.0 %
      Second  ██████                     25.0 %
    """
    width = max(map(len, named))
    return "\n".join(f"  {name:{width}}  {bar(share)}  {percent(share):>7}" for name, share in named.items())


def ranking(ranked) -> str:
    """Answers with their probabilities."""
    longest = max(len(entry.text) for entry in ranked)
    return "\n".join(f"  {entry.text:>{longest}}  {percent(entry.probability, 2):>9}  {bar(entry.probability)}".rstrip()
                     for entry in ranked)


def shade(pattern) -> str:
    """An attention pattern as text: a darker cell for more attention.

    >>> shade([0.0, 0.1, 0.9])
    ' ░█'
    """
    return "".join(" ░▒▓█"[min(4, int(value * 4 + 0.75))] for value in pattern)
