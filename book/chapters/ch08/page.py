"""What *Ask the trained model* shows: the model while it learns, and what it answers to all 5,000 inputs; and what
*Seen and unseen* shows: which inputs models answer right that were trained on more or fewer of them.

``python -m chapters.ch08.page`` trains ``digits/digits-0`` again (seconds), makes sure that it ends in the same
weights, bit for bit, and writes the same bytes. The map shows what they answer in half precision, as on the page. Then
it trains twelve models more (minutes): the runs of seed 0 in the studies ``scarce``, ``fractions`` and ``shuffled``, up
to rounding, and three that remember fewer dealt answers.
"""

import tempfile
from pathlib import Path

import numpy as np

from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.errors import DataError
from transformer_lab.places import shipped
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.training import train
from transformer_lab.widgets.asked import STEPS
from transformer_lab.widgets.page_data import page_bytes, write_page_data
from transformer_lab.widgets.seen_unseen import ANSWERS, SHARES
from transformer_lab.widgets.seen_unseen import STEPS as KEPT

from .study import RECIPE, of_all, shuffled

RUN = RECIPES["digits"]
INPUTS = all_inputs(RUN.task)


def kept() -> dict[int, dict]:
    """The weights after each of the steps, of a run that ends where the shipped one did."""
    with tempfile.TemporaryDirectory() as folder:
        record = train(Path(folder) / "run", RUN, keep=STEPS)
    wanted = load(shipped("digits", "digits-0"))[1]
    if any(not np.array_equal(value, wanted.weights[name]) for name, value in record.weights.items()):
        raise DataError(f"Training did not end in the shipped weights; train with {wanted.manifest['versions']}.")
    return record.history.kept


def answers(params: dict) -> np.ndarray:
    """What the model says to each input with rounded weights."""
    halved = {name: value.astype(np.float16).astype(np.float64) for name, value in params.items()}
    return DigitModel(RUN, halved).logits(RUN.task.encoded(INPUTS).tokens).argmax(-1)


def right_of(share: int, dealt: str) -> tuple[np.ndarray, np.ndarray]:
    """For one of the twelve models: which inputs it answers right at each step (step, input), which it trained on."""
    run = RECIPE.replace(seed=0, data_seed=0, **(of_all if dealt == "true" else shuffled)(share))
    with tempfile.TemporaryDirectory() as folder:
        kept = train(Path(folder) / "run", run, keep=KEPT).history.kept
    data, seen = run.task.encoded(INPUTS), set(run.task.parts.train)
    said = np.stack([DigitModel(run, kept[step]).logits(data.tokens).argmax(-1) for step in KEPT])
    return said == data.targets, np.array([x in seen for x in INPUTS])


def seen_unseen() -> bytes:
    """What *Seen and unseen* loads: a bit an input, packed along the inputs."""
    found = {name: [right_of(share, name) for share in SHARES] for name in ANSWERS}
    arrays = {f"{name}/right": np.packbits([right for right, _ in models], axis=-1) for name, models in found.items()}
    arrays |= {f"{name}/trained": np.packbits([seen for _, seen in models], axis=-1) for name, models in found.items()}
    return page_bytes({}, arrays, shares=list(SHARES), steps=list(KEPT))


def main() -> None:
    weights, held_out = kept(), set(RUN.task.parts.held_out)
    arrays = {"steps": np.array(STEPS, np.uint16), "held_out": np.array([x in held_out for x in INPUTS], np.uint8),
              "answers": np.array([answers(weights[step]) for step in STEPS], np.uint8)}
    models = {str(step): (weights[step], RUN.model) for step in STEPS}
    write_page_data("ask.bin", page_bytes(models, arrays, dtype="float16"))
    write_page_data("seen-unseen.bin", seen_unseen())


if __name__ == "__main__":
    main()
