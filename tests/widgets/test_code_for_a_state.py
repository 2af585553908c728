"""The code that an explorable shows runs when it is pasted anywhere, with the package alone, and prints the picture's
numbers.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from transformer_lab.widgets.bundle import JS, asked, names, node
from transformer_lab.widgets.by_hand import MISTAKES

ROOT = Path(__file__).resolve().parents[2]
#: The states whose code is run.
STATES = {
    "ask-model": [{}, {"expression": "Min ( 4 , 0 , 7 )", "step": 2000}],
    "attention-heads": [{}, {"ablated": [[0, 3], [1, 0]], "layer": 1, "head": 2},
                        {"model": "nested", "text": "Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )", "weighted": True,
                         "ablated": [[0, 1]], "how": "zero"},
                        {"ablated": [[0, 3], [1, 1]], "how": "other", "other": "Min ( 3 , 7 , 0 )", "layer": 1}],
    "backward-replay": [{"gradient": name, "operation": "Min", "first": 3, "second": 0}
                        for name in ("right", "copied", "twice", "both")],
    "block-trace": [{"stage": stage, "target": "5"} for stage in (0, 3, 16, 17, 18, 25, 34)],
    "char-writer": [{"length": 40}, {"text": "KING RICHARD III:\nNow ", "length": 160, "at": 150}],
    "clipped-norms": [{}, {"optimizer": "adamw", "rate": 4, "level": 9}, {"by": "value", "rate": 6, "largest": 9}],
    "cost-of-attention": [{}, {"order": "shuffled", "side": 1, "step": 40, "query": 5, "rescale": False},
                          {"view": "mask", "pattern": "strided", "edits": [[15, 0], [9, 8]]}],
    "decoding": [{}, {"model": "arithmetic", "expression": "Add ( Max ( 3 , 7 ) , Min ( 2 , 9 ) )", "step": 1},
                 {"expression": "Max ( 5 , Last ( 6 , 3 ) )"},
                 {"pick": "drawn", "temperature": 2.0, "top_k": 7, "top_p": 0.9, "draws": 3, "step": 1}],
    "draw-digit": [{}, {"example": -1, "edits": [[9, 16], [10, 7], [17, 16]], "out": [0, 5]}],
    "gradient-graph": [{"mistake": name, "weights": "trained"} for name in MISTAKES] + [{"weights": "silent"}],
    "loss-walk": [{"order": order, "step": 90} for order in ("joint", "write", "look")],
    "mask-painter": [{}, {"preset": "encoder-decoder", "edits": [[7, 0], [0, 7]], "layers": 2}],
    "norm-placement": [{}, {"placement": "before", "depth": 4, "warmup": False, "place": 5},
                       {"placement": "none", "depth": 8}],
    "phase-scrubber": [{"step": 60}, {"order": "joint", "positions": "none", "step": 20, "seed": 3, "example": 2},
                       {"step": 60, "used": "look"}],
    "plane-model": [{}, {"seed": 0, "step": 700, "sequence": "4 7 +"},
                    {"edits": [["W_E", 12, 0.4], ["W_K", 1, -2.0]], "sequence": "10 + 3 5 +"}],
    "positions": [{}, {"turned": True, "offset": -5, "d_model": 16, "base": 100}],
    "rotary-turns": [{}, {"query": 90, "key": 12, "squeeze": 4}, {"how": "added", "query": 60},
                     {"view": "length", "code": "learned", "way": "last", "length": 64},
                     {"view": "length", "code": "alibi", "length": 96}],
    "scaling-fit": [{}, {"floor": False, "skip": 2}, {"moved": [0.1, -0.02, 0, 0, 0.05, 0, -0.03], "drop": 1},
                    {"moved": [-0.3, -0.1, 0, 0, 0.1, 0.2, 0.3], "skip": 4, "drop": 4}],
    "seen-unseen": [{}, {"share": 10, "answers": "dealt", "step": 2000}, {"share": 80, "step": 0}],
    "soft-lookup": [{}, {"temperature": 0.5, "scaled": False}],
    "valley-walk": [{}, {"rule": "momentum", "rate": 3.2, "momentum": 0.7, "stretch": 30},
                    {"rule": "adam", "rate": 0.06, "momentum": 0.9, "step": 90}],
    "whole-machine": [{}, *({"zoom": zoom, "layer": 1, "head": 1, "row": 3, "column": 2, "asked": f"blocks.1.{name}"}
                            for zoom, name in (("block", "mlp_out"), ("head", "pattern"), ("head", "written")))],
}
#: Of all that follows from a state, the numbers that its code prints.
PRINTED = {
    "ask-model": "now.top.map((token) => now.acts.probs[token])",
    "attention-heads": "[now.weights[now.layer][now.head], now.found.probs]",
    "backward-replay": "[now.grads.W_Q, now.grads.W_U]",
    "block-trace": "now.at.name === 'loss' ? [now.loss] : now.value",
    "char-writer": "now.top.slice(0, 5).map(({ share }) => share)",
    "clipped-norms": "state.by === 'value' ? now.means : [now.share, now.median]",
    "cost-of-attention": "now.kept ? [now.kept[state.query].l, now.kept[state.query].o] : [now.hits / now.asked]",
    "decoding": "now.step.top.map(({ share }) => share)",
    "draw-digit": "[now.probs]",
    "gradient-graph": "[now.acts.pattern, ...['W_QK', 'W_OV'].map((name) => "
                      "now.grads[name].flat().reduce((top, g) => Math.max(top, Math.abs(g)), 0))]",
    "loss-walk": "[now.walks[state.order][state.step]].map(({ look, write, loss }) => [look, write, loss])",
    "mask-painter": "[now.open, now.knows]",
    "norm-placement": "[now.derived[now.at], now.measured[now.at], now.losses]",
    "phase-scrubber": "[Array.from(now.acts.pattern), now.acts.probs[now.letters[0]]]",
    "plane-model": "[now.acts.logits.at(-1), now.proof.margin]",
    "positions": "[now.score]",
    "rotary-turns": "'score' in now ? [now.score] : "
                    "[now.otherMean ?? now.means[['none', 'learned', 'sinusoidal', 'rotary', 'alibi', 'relative']"
                    ".indexOf(state.code)]]",
    "scaling-fit": "[now.law.exponent, now.law.floor, now.prediction, now.within, now.exponents]",
    "seen-unseen": "[now.totals.trained, now.totals.heldOut]",
    "soft-lookup": "[now.pattern, now.z, now.d.k]",
    "valley-walk": "[now.walk[state.step].at, now.walk[state.step].loss, now.kept]",
    "whole-machine": "[now.made.value]",
}
CLOSE = {"phase-scrubber": 2e-3}  # sixty steps of training in float32, in another order of additions
RUN = """
import contextlib, io, json, sys
printed = {}
for name, sources in json.load(sys.stdin).items():
    for source in sources:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(source, {"__name__": name})
        printed.setdefault(name, []).append(out.getvalue())
print(json.dumps(printed))
"""
FLOAT = re.compile(r"-?\d+\.\d*(?:e[+-]?\d+)?|-?\d+e[+-]?\d+|nan|inf")


@pytest.fixture(scope="module")
def codes():
    return {name: [asked(name, "code", state) for state in states] for name, states in STATES.items()}


def picture(name, state):
    """What the explorable draws, as a flat list."""
    module = (JS / f"{name}.js").as_uri()
    return json.loads(node(
        f'import {{ readFileSync }} from "node:fs"; import lab from "{module}"; '
        f'const bytes = lab.data ? readFileSync(new URL(`data/${{lab.data}}.bin`, "{module}")) : null; '
        "const data = bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
        f"const [state, now] = lab.finished({json.dumps(state)}, data); "
        f"process.stdout.write(JSON.stringify([{PRINTED[name]}].flat(Infinity)));"))


def test_every_explorable_that_shows_code_is_here():
    assert sorted(STATES) == [name for name in names() if asked(name, "code", {})]


@pytest.mark.parametrize("working", ["in the book", "elsewhere, with the package alone"])
def test_each_code_runs_where_it_is_pasted_and_prints_the_numbers_of_the_picture(codes, working, tmp_path):
    folder, path = (ROOT / "book", f"{ROOT}") if working == "in the book" else (tmp_path, f"{tmp_path / 'package'}")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "transformer_lab").symlink_to(ROOT / "transformer_lab")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRANSFORMER_LAB")}
    done = subprocess.run([sys.executable, "-P", "-c", RUN], cwd=folder, input=json.dumps(codes), text=True,
                          env=environment | {"PYTHONPATH": path}, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, outputs in json.loads(done.stdout).items():
        for state, output in zip(STATES[name], outputs, strict=True):
            found, shown = np.array(FLOAT.findall(output), float), picture(name, state)
            assert found.shape == np.shape(shown), (name, state, output[:300])
            assert np.allclose(found, shown, rtol=1e-5, atol=CLOSE.get(name, 1e-7)), (name, state)


def test_no_line_of_code_is_wider_than_a_page_and_none_needs_a_chapter(codes):
    for sources in codes.values():
        for source in sources:
            assert max(map(len, source.splitlines())) <= 90 and "chapters" not in source
