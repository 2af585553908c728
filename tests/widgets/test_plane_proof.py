"""The page's proof in the plane is the package's: same verdict, same counterexample, same margins, after any edit."""

import json
import shutil

import numpy as np
import pytest

from transformer_lab import generator
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import leaves_of, prove
from transformer_lab.byhand.transformer import forward, unpack
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.rules import RuleTask
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_data, shipped_file

FACTS, ARRAYS = page_data(shipped_file("plane-model").read_bytes())
CONFIG = ModelConfig(**FACTS["config"])
SHAPES = parameter_shapes(CONFIG)
FAMILIES = families(RuleTask(n_ctx=8))
EVEN, PLUS = [0, 2, 4, 6, 8, 10], 11

PROVE = """import {{ families }} from "{folder}/families.js"; import {{ proofOf }} from "{folder}/prove.js";
import {{ activations, layoutOf, planeOf }} from "{folder}/model.js"; import {{ text }} from "node:stream/consumers";
const {{ config, shapes, thetas, tokens }} = JSON.parse(await text(process.stdin));
const layout = layoutOf(config, shapes), all = families(layout, {even});
process.stdout.write(JSON.stringify(thetas.map((theta, i) => {{
  const plane = planeOf(Float64Array.from(theta), layout, {plus}), proof = proofOf(plane, all).go(Infinity);
  const corners = proof.results.map((found) => [...found.corners]);
  return {{ proved: proof.done && !proof.wrong, margin: proof.margin, boxes: proof.boxes, found: proof.counterexample,
    margins: proof.results.map(({{ margin }}) => margin),
    wrong: proof.wrong, corners, acts: activations(plane, tokens[i]) }};
}})));"""


def edited(seed):
    """A model of the page, with some weights moved, as far as a reader would drag them."""
    rng = generator(seed, "edits of the plane")
    rows = ARRAYS[f"seed-{FACTS['followed'][rng.integers(3)]}"] if rng.random() < 0.3 else ARRAYS["last"]
    theta = rows[rng.integers(len(rows))].astype(float)
    where = rng.integers(len(theta), size=int(rng.integers(1, 5)))
    theta[where] += rng.normal(size=len(where), scale=float(rng.choice([0.1, 0.5, 2.0])))
    return theta


def page(thetas, tokens, folder=JS / "plane"):
    asked = {"config": FACTS["config"], "shapes": FACTS["shapes"], "thetas": [theta.tolist() for theta in thetas],
             "tokens": tokens}
    source = PROVE.format(folder=folder.as_uri(), even=EVEN, plus=PLUS)
    return json.loads(node(source, json.dumps(asked)))


@pytest.fixture(scope="module")
def models():
    return [edited(seed) for seed in range(200)]


@pytest.fixture(scope="module")
def sequences():
    return [generator(seed, "sequences").integers(12, size=1 + seed % 8).tolist() for seed in range(200)]


@pytest.fixture(scope="module")
def proofs(models):
    """What the package says of each."""
    return [prove(plane_of(unpack(theta, SHAPES), CONFIG, PLUS), FAMILIES) for theta in models]


def margins_of(proof):
    """The least lead of each family, proved or found."""
    return np.array([min(leaf["margin"] for leaf in leaves_of(tree)) for tree in proof.trees])


def same(theta, one, other):
    """Whether contexts are the same to the model: where a token's weight is below rounding, another is as good."""
    ends = [forward(unpack(theta, SHAPES), np.array([tokens]), CONFIG)["logits"][0, -1] for tokens in (one, other)]
    return one == other or (len(one) == len(other) and np.allclose(*ends, rtol=1e-13, atol=1e-13))


def test_page_and_package_agree_on_200_edits(models, sequences, proofs):
    verdicts = [proof.proved for proof in proofs]
    assert 40 < sum(verdicts) < 160 and sum(proof.boxes > 168 for proof in proofs) >= 5  # of every kind
    differ = 0
    for theta, found, proof in zip(models, page(models, sequences), proofs, strict=True):
        assert (found["proved"], found["wrong"], found["boxes"]) == (
            proof.proved, len(proof.counterexamples), proof.boxes)
        assert found["margin"] == min(found["margins"])
        assert np.allclose(found["margins"], margins_of(proof), rtol=1e-7, atol=1e-7)
        if not proof.proved:
            margin, context = proof.counterexamples[0]
            assert same(theta, found["found"]["context"], list(context))
            differ += found["found"]["context"] != list(context)
            assert found["found"]["margin"] == pytest.approx(margin, rel=1e-9, abs=1e-9)
        polygons = [tree.get("corners") for tree in proof.trees]
        assert all(np.allclose(np.reshape(page_has, (-1, 2)), corners, rtol=1e-9, atol=1e-9)
                   for page_has, corners in zip(found["corners"], polygons, strict=True) if corners)
    assert differ <= 2


def test_every_activation_of_a_sequence_is_numpys(models, sequences):
    for theta, tokens, found in zip(models, sequences, page(models, sequences), strict=True):
        acts = forward(unpack(theta, SHAPES), np.array([tokens]), CONFIG)
        for name in ("resid_pre", "q", "k", "v", "pattern", "z", "resid_mid", "resid_post", "logits"):
            got, want = found["acts"][name], np.squeeze(acts[name if name == "logits" else f"blocks.0.{name}"][0])
            want = want.reshape(len(tokens), -1)
            for row, numpys in zip(got, want, strict=True):
                assert np.allclose(row, numpys[:len(row)], rtol=1e-9, atol=1e-9), name


FAULTS = [("families.js", "masks.fill(all, 0, place);", ""), ("families.js", "scores[row + i * V + c] - certain", "0"),
          ("support.js", "const reach = furthest", "const reach = 0.9999 * furthest"),
          ("support.js", "if (!(found > reach + step)) return reach;", "return reach;"),
          ("leads.js", "look(corners[2 * d] * (1 - share)", "((a, b) => a + b)(corners[2 * d] * (1 - share)"),
          ("leads.js", "if (on > 0 && on < n) crossing[crossed++] = h;", "if (on > n) crossing[crossed++] = h;"),
          ("prove.js", "for (const part of split(plane, box, it.a)) decide(part, family);",
           "for (const part of split(plane, box, it.a).slice(1)) decide(part, family);"),
          ("model.js", "theta[b_out] * theta[W_U + a]", "theta[W_U + a]")]


@pytest.mark.parametrize(("file", "right", "wrong"), FAULTS)
def test_a_fault_in_the_pages_proof_is_seen(tmp_path, models, proofs, file, right, wrong):
    shutil.copytree(JS, tmp_path / "js", ignore=shutil.ignore_patterns("data"))
    source = (tmp_path / "js" / "plane" / file).read_text("utf-8")
    assert source.count(right) == 1
    (tmp_path / "js" / "plane" / file).write_text(source.replace(right, wrong), "utf-8")
    found = page(models, [[0]] * 200, tmp_path / "js" / "plane")
    assert not all(one["boxes"] == proof.boxes and np.allclose(one["margins"], margins_of(proof), rtol=1e-7, atol=1e-7)
                   for one, proof in zip(found, proofs, strict=True))
