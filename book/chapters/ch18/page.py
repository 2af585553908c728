"""What the attention visualiser loads: models of expressions, one of repeating strings, one that is proved right, and
what their heads say on average. ``python -m chapters.ch18.page``.
"""

from dataclasses import replace

import numpy as np

from transformer_lab.analysis.cache import Runner
from transformer_lab.analysis.digit_model import load
from transformer_lab.analysis.plane_models import UNTIL_PROVED, params_of, recipe
from transformer_lab.places import shipped
from transformer_lab.tasks.expressions import PAD, TOKENS
from transformer_lab.tasks.rules import RuleTask, sample
from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .repeats import MARK, spelt, strings
from .study import model_of

#: What the explorable calls each model, and texts to begin with: some need one head. A model of expressions has the
#: record ``digits/NAME-0``.
MODELS = {
    "digits": ("three digits", ["Max ( 2 , 0 , 5 )", "Min ( 9 , 6 , 5 )", "Second ( 8 , 1 , 6 )"]),
    "nested": ("nested, 0 to 9", ["Max ( 5 , First ( 3 , 7 ) )", "Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )"]),
    "arithmetic": ("arithmetic", ["Add ( 3 , Add ( 3 , 4 ) )", "Add ( Add ( 6 , 8 ) , 6 )"]),
    "repeating": ("strings that repeat", ["> d q a k f c q m d q a k f c", "> c q b h f m e k c",
                                          "> a b c d e f g h i j a b c d c"]),
    "rule": ("a rule, proved right", ["7 4 9 3 6 5 1 +", "8 3 + 1 9 2 7 5 +", "10 9 7 5 3 1 9 7 5 3 1 +"]),
}
MOST = 1000  # held-out inputs that are averaged over


def means(run: Runner, tokens: np.ndarray, pad: int = PAD) -> list[np.ndarray]:
    """What each layer's heads read on average, place by place (n_heads, n_ctx, d_head); nothing, where no input is."""
    real, acts = (tokens != pad)[:, None, :, None], run.cache(tokens)
    layers = [acts[f"blocks.{layer}.z"].astype(float) for layer in range(run.config.n_layers)]
    return [(z * real).sum(axis=0) / np.maximum(real.sum(axis=0), 1) for z in layers]


def of_expressions(name: str):
    """A model of expressions, held-out inputs, how it spells them, and the token that fills up."""
    found = load(shipped("digits", f"{name}-0"))[0]
    config, task = found.run.model, found.run.task
    tokens = np.pad(task.encoded(task.parts.held_out[:MOST]).tokens, ((0, 0), (0, config.n_ctx)))[:, :config.n_ctx]
    return Runner(found.params, config), tokens, TOKENS[:config.d_vocab], PAD


def of_strings():
    """The first model that repeats strings, strings, how it spells them; none is filled up."""
    return model_of(0), strings(MOST, seed=7).tokens, list(spelt(range(MARK + 1))), -1


def of_the_rule():
    """The first of the models that are proved right on every context of 32 tokens, and contexts; none is filled up."""
    task = RuleTask(n_ctx=32)
    run = Runner(params_of(UNTIL_PROVED[32].load().isel(seed=0)), replace(recipe().model, n_ctx=task.n_ctx))
    return run, sample(task, MOST, seed=7).tokens, [*map(str, range(11)), "+"], -1


#: What is no model of expressions.
OTHERS = {"repeating": of_strings, "rule": of_the_rule}


def heads_bytes() -> bytes:
    """The weights and means in half precision; ``heads``: each model's title, its words and some texts."""
    models, arrays, told = {}, {}, {}
    for name, (title, texts) in MODELS.items():
        run, tokens, words, pad = OTHERS[name]() if name in OTHERS else of_expressions(name)
        models[name] = run.params, run.config
        arrays |= {f"mean.{name}.{layer}": mean.astype(np.float16)
                   for layer, mean in enumerate(means(run, tokens, pad))}
        told[name] = {"title": title, "words": words, "texts": texts}
    return page_bytes(models, arrays, dtype="float16", heads=told)


if __name__ == "__main__":
    write_page_data("attention-heads.bin", heads_bytes())
