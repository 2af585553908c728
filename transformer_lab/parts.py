"""What a transformer may be made of: for each field of a ``ModelConfig`` that is a choice, what one may choose.

The functions of each choice stand in tables of the same names in ``byhand`` and ``models``.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import DtypeError, UnknownNameError
from .rules import By, Choice
from .signatures import checked
from .wording import written

__all__ = ["BEYOND", "BYHAND", "CONFIG", "PAGE", "PARTS", "TWIN", "Part", "check_known"]


#: The three forms of the model.
BYHAND, TWIN, PAGE = "model by hand", "PyTorch model", "page's model"


@dataclass(frozen=True)
class Part:
    """One choice of a part: what it does, its equation (LaTeX), the parameters that it brings, the width that must be
    even for it, and which models have it.
    """

    meaning: str
    equation: str = ""
    params: tuple[str, ...] = ()
    even: str = ""
    where: tuple[str, ...] = (BYHAND, TWIN, PAGE)


#: Field of a ModelConfig → what it may be, the default first.
PARTS: dict[str, dict[str, Part]] = {
    "positions": {
        "none": Part("no position code"),
        "learned": Part("a learned row is added to each token", r"x_\text{pos}[t] = W_\text{pos}[t]", ("W_pos",)),
        "sinusoidal": Part("a fixed row is added to each token (Vaswani et al. 2017, section 3.5)",
                           r"x_\text{pos}[t, 2i] = \sin(t / 10000^{2i/d})", even="d_model"),
        "rotary": Part("queries and keys are turned by angles that grow with the position (Su et al. 2021, eq. 15)",
                       r"\tilde q_t = R_t\, q_t, \quad \tilde k_t = R_t\, k_t", even="d_head"),
        "alibi": Part("scores fall with the distance, in each head at a rate of its own (Press et al. 2022)",
                      r"s_{tj} = q_t k_j^\top / \sqrt{d_\text{head}} - 2^{-8h/n_\text{heads}}\, |t - j|"),
        "relative": Part("each class of distances has a learned bias, the same in all layers (Raffel et al. 2020)",
                         r"s_{tj} = q_t k_j^\top / \sqrt{d_\text{head}} + W_\text{rel}[\text{bucket}(j - t)]",
                         ("W_rel",), where=(TWIN,)),
    },
    "norm": {  # the parameters' names follow "ln1_", "ln2_" or "ln_final_"
        "none": Part("no norm"),
        "layer": Part("every row gets mean 0 and variance 1, then gain and offset (Ba et al. 2016)",
                      r"\hat r = \gamma \odot (r - \bar r) / \sqrt{\operatorname{var} r + \epsilon} + \beta",
                      ("w", "b")),
        "rms": Part("every row gets mean square 1, then a gain (Zhang and Sennrich 2019)",
                    r"\hat r = \gamma \odot r / \sqrt{\overline{r^2} + \epsilon}", ("w",)),
    },
    "placement": {
        "pre": Part("norm before each part, and one at the end (Xiong et al. 2020)", r"r + f(\hat r)"),
        "post": Part("norm after each sum (Vaswani et al. 2017)", r"\operatorname{norm}(r + f(r))"),
        "both": Part("norm before and after each part, and one at the end (Gemma 2)",
                     r"r + \operatorname{norm}(f(\hat r))", where=(TWIN,)),
    },
    "activation": {
        "relu": Part("what is below 0 becomes 0", r"\max(u, 0)"),
        "gelu": Part("GELU by its tanh form, as in GPT-2 (Hendrycks and Gimpel 2016)",
                     r"\tfrac12 u\,(1 + \tanh(\sqrt{2/\pi}\,(u + 0.044715\,u^3)))"),
        "gelu_exact": Part("GELU itself, as in BERT (Hendrycks and Gimpel 2016)",
                           r"\tfrac12 u\,(1 + \operatorname{erf}(u / \sqrt2))"),
        "silu": Part("the input times its sigmoid, as in LLaMA (Elfwing et al. 2018)", r"u / (1 + e^{-u})"),
        "squared_relu": Part("the square of what is above 0, as in Primer (So et al. 2021)", r"\max(u, 0)^2"),
    },
    "mask": {
        "bidirectional": Part("a query sees every position"),
        "causal": Part("a query sees itself and what came before"),
        "prefix": Part("a query sees itself, what came before, and the first ``prefix`` positions (Raffel et al. 2020)",
                       where=(TWIN,)),
    },
    "sparsity": {  # what is left of what the mask lets a query see
        "none": Part("all of it"),
        "local": Part("what is nearer than ``window`` positions (Beltagy et al. 2020)", where=(TWIN,)),
        "strided": Part("what is near, and every ``window``-th position (Child et al. 2019)", where=(TWIN,)),
        "global": Part("what is near; the first ``n_global`` positions see all and are seen by all (Longformer)",
                       where=(TWIN,)),
        "random": Part("that, and ``n_random`` random blocks of ``window`` positions for each block (BigBird)",
                       where=(TWIN,)),
    },
    "read_out": {
        "all": Part("logits at every position"),
        "first": Part("logits at the first position"),
        "last": Part("logits at the last position that is not padding"),
        "mean": Part("logits of the mean row, padding left out"),
    },
}


#: Other fields that only the PyTorch model reads, and with which value they change nothing.
BEYOND = {"n_kv_heads": 0, "gated": False, "scaled": True, "logit_scale": 1.0, "rotary_base": 10000.0,
          "dropout_pattern": 0.0}


def check_config(argument: str, config):
    """Anything that says which parts a transformer has: a ModelConfig, or the configuration of a family."""
    if not all(hasattr(config, field) for field in PARTS):
        raise DtypeError(argument, written(config), "a ModelConfig", "Pass transformer_lab.ModelConfig(...).")
    return config


CONFIG = By(check_config)


@checked
def check_known(config: CONFIG, where: Choice((BYHAND, TWIN, PAGE))) -> None:
    """Refuse a configuration with a part that the model ``where`` (:data:`BYHAND`, …) does not have."""
    for field, entries in PARTS.items():
        if where not in entries[getattr(config, field)].where:
            known = ", ".join(repr(name) for name, part in entries.items() if where in part.where)
            raise UnknownNameError(f"config.{field}", repr(getattr(config, field)), f"what the {where} has: {known}",
                                   "Take one of these, or add a line to its table.")
    for field, neutral in BEYOND.items() if where != TWIN else ():
        if getattr(config, field) != neutral:
            raise UnknownNameError(f"config.{field}", repr(getattr(config, field)),
                                   f"what the {where} has: {neutral!r}", f"Take that, or the {TWIN}.")
