"""The drawing of chapter 10: one pass over a sequence, and the same lessons given one at a time."""

from __future__ import annotations

from matplotlib.patches import FancyBboxPatch

from transformer_lab.checks import check_whole
from transformer_lab.plots import Figure
from transformer_lab.plots.figure import laid_out
from transformer_lab.plots.style import empty
from transformer_lab.rules import Each, Whole
from transformer_lab.signatures import checked
from transformer_lab.theme import color

__all__ = ["lessons"]

LINE, END = 27, "[EOS]"    # px between two lines


@checked
def lessons(words: Each(str), n_question: Whole(1)) -> Figure:
    """Token boxes: a sequence with what its rows are asked for, then each of its prefixes with what it is asked for.

    >>> lessons(["Max", "(", "5", ")", "5"], 4).alt
    'Boxes of tokens. One pass: Max ( 5 ) 5; asked for below ): 5, below 5: [EOS]. One at a time: Max ( 5 ): 5; \
Max ( 5 ) 5: [EOS].'
    """
    check_whole("n_question", n_question, high=len(words))
    asked = [*words[n_question:], END]
    ends = range(n_question, n_question + len(asked))
    one = ", ".join(f"below {words[end - 1]}: {said}" for end, said in zip(ends, asked, strict=True))
    each = "; ".join(f"{' '.join(words[:end])}: {said}" for end, said in zip(ends, asked, strict=True))
    said = [f"Boxes of tokens. One pass: {' '.join(words)}; asked for {one}", f"One at a time: {each}"]
    return laid_out([""], lambda title, width: _drawn(words, n_question, asked, width), said)


def _drawn(words, n_question, asked, width):
    drawing, axes = empty(width, LINE * (4.9 + len(asked)))
    axes.set_axis_off()
    axes.set(xlim=(0, len(words) + 2.4), ylim=(4.7 + len(asked), -0.2))
    axes.text(0, 0.4, "One pass", fontsize=12.5, fontweight="bold", color=color("ink"), va="center")
    _boxes(axes, words, n_question, 1.4)
    for place, said in enumerate(asked, n_question - 1):
        axes.annotate("", (place + 0.5, 2.55), (place + 0.5, 1.95),
                      arrowprops={"arrowstyle": "->", "color": color("ink"), "linewidth": 1})
        _word(axes, place + 0.5, 2.9, said, "bold")
    axes.text(0, 4.1, "The same, one at a time", fontsize=12.5, fontweight="bold", color=color("ink"), va="center")
    for line, said in enumerate(asked):
        end, height = n_question + line, 5.1 + line
        _boxes(axes, words[:end], n_question, height)
        axes.annotate("", (end + 0.75, height), (end + 0.1, height),
                      arrowprops={"arrowstyle": "->", "color": color("ink"), "linewidth": 1})
        _word(axes, end + 0.85, height, said, "bold", "left")
    return drawing


def _boxes(axes, words, n_question, height):
    for place, word in enumerate(words):
        axes.add_patch(FancyBboxPatch((place + 0.08, height - 0.36), 0.84, 0.72, facecolor=color("other"),
                                      alpha=0.12 if place < n_question else 0.4, linewidth=0,
                                      boxstyle="round,pad=0,rounding_size=0.1"))
        _word(axes, place + 0.5, height, word, "normal" if place < n_question else "bold")


def _word(axes, place, height, word, weight, side="center"):
    axes.text(place, height, word, fontsize=11, fontfamily="monospace", fontweight=weight, color=color("ink"),
              ha=side, va="center")
