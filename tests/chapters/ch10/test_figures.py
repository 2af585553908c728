"""The drawing of the lessons says what each row is asked for, in words and in boxes."""

import re

from chapters.ch10.figures import lessons
from transformer_lab.tasks.answers import IGNORED, sequences
from transformer_lab.tasks.digits import DigitTask
from transformer_lab.tasks.expressions import TOKENS


def test_what_is_asked_for_is_what_training_asks_for():
    """Each line of the lower half is a prefix of the sequence, and behind its arrow stands its last target."""
    task = DigitTask(high=42, min_args=2, max_args=2, operations=("Max",))
    (tokens,), (targets,) = sequences(task, [("Max", (42, 17))])
    words = [TOKENS[token] for token in tokens]
    counted = [place for place, target in enumerate(targets) if target != IGNORED]
    figure = lessons(words, counted[0] + 1)
    for place in counted:
        assert f"{' '.join(words[:place + 1])}: {TOKENS[targets[place]]}" in figure.alt
    drawn = re.findall(r"<text[^>]*>(?:<tspan[^>]*>)?([^<]*)", figure.svgs[0])
    boxes = len(words) + sum(place + 1 for place in counted) + 2 * len(counted)
    assert len([word for word in drawn if word in {*words, "[EOS]"}]) == boxes
