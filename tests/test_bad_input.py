"""Every public function answers nonsense with one of the package's own errors, whatever the argument, and in time.

Each function is called as its docstring's examples call it (see example_calls.py); then each argument in turn is
replaced by things that no one should pass. The function may cope, but what it raises must be a LabError; what
breaks a rule in the signature must be refused.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import functools
import inspect
import io
import os
import re
import resource
import shutil
import signal
import warnings
from fractions import Fraction
from pathlib import Path

import example_calls
import numpy as np
import pytest
import torch
import xarray

from transformer_lab import ModelConfig, config
from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand import optimizers
from transformer_lab.byhand.transformer import init
from transformer_lab.errors import LabError
from transformer_lab.models import bert, encoder_decoder, hf, vit
from transformer_lab.models import transformer as models
from transformer_lab.models.transformer import Transformer
from transformer_lab.places import shipped
from transformer_lab.plain_rules import Either
from transformer_lab.rules import Array, Choice, Number, Whole
from transformer_lab.signatures import rules_of
from transformer_lab.tasks import answers, digit_data, digits, patterns, rules
from transformer_lab.training import History, Run, stepper, torch_stepper
from transformer_lab.training.stepper import Stepper
from transformer_lab.widgets.page_data import shipped_file

ROOT = Path(__file__).resolve().parents[1]
SECONDS, BYTES = 20, 4 * 2**30
ROWS = np.arange(6.0).reshape(2, 3)
NONSENSE = {
    "None": None, "a word": "nonsense", "an empty word": "", "minus one": -1, "a fraction": 0.37, "NaN": float("nan"),
    "1e400": float("1e400"), "a huge count": 10**12, "10**400": 10**400, "a Fraction": Fraction(1, 3), "1j": 1j,
    "True": True, "an object": object(), "a class": dict, "a function": lambda *args, **kwargs: None,
    "a date": datetime.date(2020, 1, 1), "NumPy's date": np.datetime64("2020-01-01"), "bytes": b"\x00\xff",
    "an empty list": [], "ragged rows": [[1.0], [1.0, 2.0]], "a dict": {"unknown": 1}, "an empty dict": {},
    "a set": {1, 2}, "an iterator": iter(()), "strings": np.array(["a", "b"]), "too many axes": np.zeros((1,) * 9),
    "an empty array": np.empty((0, 3)), "an array with NaN": np.full((2, 3), np.nan), "no axes": np.array(3.0),
    "huge tokens": np.full((2, 3), 10**9), "negative tokens": np.full((2, 3), -5), "flags": ROWS > 2,
    "a complex array": ROWS * 1j, "an object array": ROWS.astype(object),
    "a masked array": np.ma.masked_array(ROWS, ROWS > 2), "words": ["a", "b"], "halves": ROWS.astype(np.float16),
    "an additive mask": np.where(ROWS > 2, 0, -np.inf), "a FIFO": "fifo", "a file's path": "file/below",
}
SPOILED = {
    "turned": lambda value: value.T, "longer": lambda value: np.concatenate([value, value]),
    "without its first axis": lambda value: value[0], "with one more axis": lambda value: value[None],
    "as objects": lambda value: value.astype(object), "as words": lambda value: value.astype(str),
    "with NaN": lambda value: np.where(np.arange(value.size).reshape(value.shape) == 0, np.nan, value),
    "masked": lambda value: np.ma.masked_array(value, np.ones(value.shape, bool)), "complex": lambda value: value * 1j,
    "in Fortran's order": np.asfortranarray, "backwards": lambda value: value[::-1],
    "none of it": lambda value: value[:0],
}
#: Parts of a pass by hand, called by functions that check what comes in; checks and decorators, tested by themselves.
PARTS = ("byhand.block.", "byhand.ends.unembed",
         "checks.", "errors.", "rules.", "plain_rules.", "signatures.", "taps.", "exercises.", "cli.", "plots.figure.",
         "plots.labelled.", "plots.style.", "plots.svg.")
#: What runs a reader's own function has that function's faults; what writes into the package is for its authors.
EXEMPT = ("analysis.operations.count_operations", "widgets.page_data.write_page_data")
SMALL = Run.of(digit_data.Digits(), n_layers=1, d_model=8, d_mlp=8, steps=2, batch=2, warmup=0)
#: Calls for functions whose docstring and signature give none.
ASKED = [("Max", (5, 8, 3)), ("Min", (5, 8, 3))]
TABLE = {
    "models.hf.from_hf": lambda: {"source": hf.to_hf(Transformer(GPT, init(GPT)))},
    "models.hf.to_hf": lambda: {"model": Transformer(GPT, init(GPT))},
    "analysis.ablation.means_of": lambda: {"forward": lambda tap: tap("blocks.0.z", np.ones((2, 1, 3, 2))),
                                           "name": "blocks.0.z"},
    "analysis.ablation.stand_in": lambda: {"forward": lambda tap: tap("blocks.0.z", np.ones((2, 1, 3, 2))),
                                           "name": "blocks.0.z", "how": "resample", "seed": 0},
    "tasks.answers.exact": lambda: {"written": np.array([[4, 1]]), "answers": np.array([[4, 1]])},
    "tasks.answers.questions": lambda: {"task": digits.DigitTask(), "expressions": ASKED},
    "tasks.answers.write": lambda: {"logits_of": lambda tokens: np.ones((*tokens.shape, 20)),
                                    "asked": answers.questions(digits.DigitTask(), ASKED)},
    "tasks.digits.check_expression": lambda: {"task": digits.DigitTask(), "expression": ASKED[0]},
    "tasks.expressions.operation_of": lambda: {"expression": ASKED[0]},
    "tasks.splits.baselines": lambda: {"train": ASKED, "held_out": ASKED},
    "analysis.digit_model.load": lambda: {"folder": shipped("digits", "digits-0")},
    "analysis.digit_model.trained": lambda: {"study": "study", "recipe": SMALL, "seed": 0, "keep": (0,), "d_mlp": 4},
    "analysis.digit_model.learned": lambda: {"name": "study", "recipe": SMALL, "seed": 0},
    "analysis.digit_model.curve": lambda: {"history": History(
        [{"step": 0, "held_out_accuracy": 0.1}, {"step": 1, "held_out_accuracy": 0.2}])},
    "analysis.all_answers.trained": lambda: {"folder": "run", "run": SMALL, "at": (0,), "every": 1},
    "analysis.all_answers.answered": lambda: {"folder": "run", "run": SMALL, "at": (0,), "every": 1},
    "training.run.train": lambda: {"folder": "run", "run": SMALL, "every": 1, "checkpoint_every": 1, "keep": (0,)},
    "widgets.page_data.page_model": lambda: {"data": shipped_file("small-block").read_bytes(), "name": "model"},
    "training.run.read_run": lambda: {"folder": shipped("digits", "digits-0")},
    "training.records.read_record": lambda: {"folder": shipped("digits", "digits-0")},
    "training.records.write_record": lambda: {
        "folder": "new", "config": {"seed": 1}, "history": History([{"step": 0, "loss": 2.5}], kept={0: {"w": ROWS}}),
        "state": {"w": ROWS, "optimizer.m": ROWS}, "step": 1, "stopped": "", "timing": {}, "conditions": {}},
    "training.runs.recorded": lambda: {
        "folder": "new", "stepper": Stepper(PARAMS, MODEL), "batches": lambda step: BATCH, "config": {"seed": 1},
        "steps": 2, "learning_rate": 0.1, "evaluate": lambda stepper: {"right": 0.5}, "every": 1,
        "best": ("right", max), "keep": (0, 2), "checkpoint_every": 1, "limit": 9.0},
    "training.datasets.write_dataset": lambda: {
        "folder": "new", "dataset": xarray.Dataset({"heads": ("throw", [0.5, 1.0])}, {"throw": ["a", "b"]}, {"of": 1}),
        "config": {"seed": 1}, "made_with": {"numpy": "2"}, "timing": {"s": 1.0}, "replace": False},
}
#: Functions that still let a foreign error through; the list only ever gets shorter.
UNMENDED = ()
FUNCTIONS = {name: member for name, member in example_calls.public_functions().items()
             if not name.startswith(PARTS + EXEMPT) and inspect.signature(member).parameters}




def made_anew(make, method):
    """A method, each time of an object that no call has touched; or a class, called."""
    return lambda *args, **given: getattr(make(), method)(*args, **given)


MODEL = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6, read_out="last")
PARAMS, BATCH = init(MODEL, dtype=np.float64), (np.array([[1, 2, 3], [2, 1, 4]]), np.array([3, 0]))
STATE = Stepper(PARAMS, MODEL).state()
DIGITS = load(shipped("digits", "digits-0"))[0]
HISTORY = [{"step": 0, "train": 2.0, "held_out": 2.0}, {"step": 1, "train": 1.0, "held_out": 3.0}]
TENSORS = [torch.tensor(each) for each in BATCH]
GPT = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6, **models.GPT2)
BERT = bert.BertConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6, n_classes=3)
T5 = encoder_decoder.EncoderDecoderConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6)
VIT = vit.ViTConfig(d_vocab=5, image=4, d_model=4, n_heads=2, d_mlp=6)
#: Methods and classes: what makes the object, the method, a call that works.
METHODS = {
    "ModelConfig": (lambda: config, "ModelConfig", MODEL.to_dict()),
    "ModelConfig.from_dict": (lambda: ModelConfig, "from_dict", {"values": MODEL.to_dict()}),
    "OneHeadConfig": (lambda: config, "OneHeadConfig", {"d_vocab": 5, "n_ctx": 3, "positions": "learned", "d_pos": 2}),
    "TrainConfig": (lambda: config, "TrainConfig", config.TrainConfig().to_dict()),
    "DigitTask": (lambda: digits, "DigitTask", digits.DigitTask().to_dict()),
    "Digits": (lambda: digit_data, "Digits", digit_data.Digits().to_dict()),
    "Run.of": (lambda: Run, "of", {"task": digit_data.Digits(), "n_layers": 1, "steps": 2, "batch": 2, "warmup": 0}),
    "Run.replace": (lambda: SMALL, "replace", {"seed": 3, "steps": 4, "low": 0, "d_model": 8}),
    "Momentum": (lambda: optimizers, "Momentum", {"mu": 0.9}),
    "Adam": (lambda: optimizers, "Adam", {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8}),
    "PatternTask": (lambda: patterns, "PatternTask", patterns.PatternTask().to_dict()),
    "RuleTask": (lambda: rules, "RuleTask", rules.RuleTask("lucky7").to_dict()),
    "SGD.update": (optimizers.SGD, "update", {"theta": np.ones(3), "g": np.ones(3), "learning_rate": 0.1}),
    "AdamW": (lambda: optimizers, "AdamW", {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1}),
    "AdamW.update": (optimizers.AdamW, "update", {"theta": np.ones(3), "g": np.ones(3), "learning_rate": 0.1}),
    "AdamW.load_state": (optimizers.AdamW, "load_state", {"state": {"t": np.array(1), "m": ROWS, "v": ROWS}}),
    "Stepper": (lambda: stepper, "Stepper", {
        "params": PARAMS, "model": MODEL, "optimizer": "adam", "train": ["W_E"], "max_norm": 1.0, "seed": 0,
        "tap": None, "beta1": 0.9}),
    "Stepper.step": (lambda: Stepper(PARAMS, MODEL), "step", {"batch": BATCH, "learning_rate": 0.1}),
    "Stepper.evaluate": (lambda: Stepper(PARAMS, MODEL), "evaluate", {"batch": BATCH}),
    "Stepper.load_state": (lambda: Stepper(PARAMS, MODEL), "load_state", {"state": STATE}),
    "TorchStepper": (lambda: torch_stepper, "TorchStepper", {
        "module": Transformer(MODEL, PARAMS), "optimizer": "adam", "train": ["W_E"], "max_norm": 1.0, "seed": 0}),
    "TorchStepper.step": (lambda: torch_stepper.TorchStepper(Transformer(MODEL, PARAMS)), "step",
                          {"batch": BATCH, "learning_rate": 0.1}),
    "Transformer": (lambda: models, "Transformer", {"config": MODEL, "params": PARAMS}),
    "Transformer.forward": (lambda: Transformer(MODEL, PARAMS), "forward", {"tokens": TENSORS[0]}),
    "Transformer.loss": (lambda: Transformer(MODEL, PARAMS), "loss", {
        "tokens": TENSORS[0], "targets": TENSORS[1], "weights": torch.ones(2)}),
    "BertConfig": (lambda: bert, "BertConfig", BERT.to_dict() | {"n_types": 2, "n_classes": 3}),
    "Bert.forward": (lambda: bert.Bert(BERT, init(BERT)), "forward", {"tokens": TENSORS[0], "types": TENSORS[0] % 2}),
    "Bert.classify": (lambda: bert.Bert(BERT, init(BERT)), "classify", {"tokens": TENSORS[0]}),
    "Bert.loss": (lambda: bert.Bert(BERT, init(BERT)), "loss", {"tokens": TENSORS[0], "targets": TENSORS[1] % 3}),
    "EncoderDecoderConfig": (lambda: encoder_decoder, "EncoderDecoderConfig", T5.to_dict() | {"start": 1}),
    "EncoderDecoder.forward": (lambda: encoder_decoder.EncoderDecoder(T5, init(T5)), "forward", {
        "source": TENSORS[0], "tokens": TENSORS[0]}),
    "EncoderDecoder.loss": (lambda: encoder_decoder.EncoderDecoder(T5, init(T5)), "loss", {
        "source": TENSORS[0], "targets": TENSORS[0]}),
    "ViTConfig": (lambda: vit, "ViTConfig", VIT.to_dict() | {"image": 4, "patch": 2, "channels": 1}),
    "ViT.forward": (lambda: vit.ViT(VIT, init(VIT)), "forward", {"images": torch.ones(2, 1, 4, 4)}),
    "ViT.loss": (lambda: vit.ViT(VIT, init(VIT)), "loss", {"images": torch.ones(2, 1, 4, 4), "targets": TENSORS[1]}),
    "History.overfitting": (lambda: History(HISTORY), "overfitting", {"train": "train", "held_out": "held_out"}),
    "History": (lambda: History(HISTORY), "__getitem__", {"name": "train"}),
    "DigitModel.top": (lambda: DIGITS, "top", {"expression": ASKED[0]}),
    "DigitModel.right": (lambda: DIGITS, "right", {"expressions": ASKED}),
    "DigitModel.said": (lambda: DIGITS, "said", {"expressions": ASKED}),
}
FUNCTIONS |= {name: made_anew(make, method) for name, (make, method, call) in METHODS.items()}
TABLE |= {name: functools.partial(copy.copy, call) for name, (make, method, call) in METHODS.items()}


class HangError(BaseException):
    """A call took longer than any bad call may."""


@contextlib.contextmanager
def limits():
    """A call may take some seconds of the processor and some memory, and no more; where it waits, some minutes."""
    def stop(number, frame):
        raise HangError

    clocks = {signal.SIGPROF: (signal.ITIMER_PROF, SECONDS), signal.SIGALRM: (signal.ITIMER_REAL, 10 * SECONDS)}
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = {number: signal.signal(number, stop) for number in clocks}
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, hard))
    for clock, seconds in clocks.values():
        signal.setitimer(clock, seconds)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for number, (clock, _) in clocks.items():
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A function that takes a folder may make one of any name; some names are taken."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    (tmp_path / "file").write_text("")


@functools.cache
def kept_call(name: str):
    if name in TABLE:
        return [], TABLE[name]()
    for call in example_calls.candidates(name):
        with contextlib.suppress(Exception), limits():
            args, kwargs = copy.deepcopy(call)
            FUNCTIONS[name](*args, **kwargs)
            return call
    raise LookupError(f"{name} has no example that can be called: give its docstring one, or TABLE a line")


def call_of(name: str) -> tuple[list, dict]:
    return copy.deepcopy(kept_call(name))


def places_of(name: str):
    args, kwargs = kept_call(name)
    return [*range(len(args)), *kwargs]


def outcome(name: str, place, value):
    """What a call with one argument replaced ends in: ``"returned"``, ``"refused"``, or a word on the stranger."""
    args, kwargs = call_of(name)
    (args if isinstance(place, int) else kwargs)[place] = value
    shutil.rmtree("new", ignore_errors=True)
    try:
        with limits():
            FUNCTIONS[name](*args, **kwargs)
    except LabError as error:
        return "refused" if str(error).strip() else "said nothing"
    except HangError:
        return f"hung for {SECONDS} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "returned"


def violations(rule, value):
    """Values next to a rule's bounds, outside."""
    match rule:
        case Either():
            yield from violations(rule.first, value)
        case Array() if isinstance(value, np.ndarray):
            yield from ((words, change(value)) for words, change in SPOILED.items()
                        if words in ("as objects", "as words", "masked") and value.ndim)
            if not rule.lead:
                yield "with one more axis", value[None]
            for words, bound, step in (("low", rule.low, -1), ("high", rule.high, 1), ("below", rule.below, 1)):
                if isinstance(bound, (int, float)):
                    yield f"beyond {words}", np.full_like(value, bound + step)
        case Whole():
            yield from [(f"beyond {bound}", bound + step) for bound, step in ((rule.low, -1), (rule.high, 1))
                        if isinstance(bound, int)]
            yield "a fraction", 1.5
        case Number():
            bounds = ((rule.low, -1), (rule.high, 1), (rule.above, 0))
            yield from [(f"beyond {bound}", bound + step) for bound, step in bounds if bound is not None]
            yield "NaN", float("nan")
        case Choice():
            yield "no such name", "no such name"


def test_what_is_not_guarded_is_what_the_book_says():
    said = (ROOT / "book" / "using.md").read_text("utf-8").partition("## What is checked")[2].partition("\n## ")[0]
    names = {name for line in said.splitlines() if line.startswith("- ")
             for name in re.findall(r"`([\w.]+)`", line.partition(":")[0])}
    assert names == {name.rstrip(".") for name in PARTS + EXEMPT}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_example_works(name):
    args, kwargs = call_of(name)
    FUNCTIONS[name](*args, **kwargs)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_nonsense_is_answered_with_the_packages_own_error(name):
    strangers = []
    args, kwargs = kept_call(name)
    for place in places_of(name):
        value = args[place] if isinstance(place, int) else kwargs[place]
        spoiled = {}
        if isinstance(value, np.ndarray) and value.ndim:
            for words, change in SPOILED.items():
                with contextlib.suppress(Exception):
                    spoiled[words] = change(value)
        for kind, nonsense in {**NONSENSE, **spoiled}.items():
            if callable(nonsense) and (value is None or callable(value)):
                continue  # a reader's own function has faults of its own
            if (found := outcome(name, place, nonsense)) not in ("returned", "refused"):
                strangers.append(f"{place}={kind}: {found}")
    if strangers and name.startswith(UNMENDED):
        pytest.xfail("\n".join(strangers))
    assert not strangers, "\n".join(strangers)


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if hasattr(FUNCTIONS[name], "unchecked")))
def test_what_breaks_a_rule_in_the_signature_is_refused(name):
    rules, kwargs = rules_of(FUNCTIONS[name]), kept_call(name)[1]
    broken = [(place, words, value)
              for place, old in kwargs.items() for words, value in violations(rules.get(place), old)]
    assert [(place, words) for place, words, value in broken if outcome(name, place, value) != "refused"] == []
