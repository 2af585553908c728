"""Does a certificate hold? A second look that shares no code with the search and believes none of its numbers: each
polygon must be convex (exact on the numbers as they stand), contain all that its contexts reach (with room for what
float64 can be off), and have the answer in the lead; and the families must be those of the rule, all of them.
"""

import hashlib
import json

import numpy as np

from ...errors import DataError

TINY, CLOSE = 1e-12, 1e-6  # more than rounding does to a sum, relative to its terms; and to a lead


def need(holds, what):
    if not holds:
        raise DataError(f"The certificate does not hold: {what}.")


def check(text, weights: dict) -> tuple[int, float]:
    """The number of contexts on which it proves these weights right, and the least lead; DataError if it does not."""
    try:
        said, total = json.loads(text), hashlib.sha256()
        seal = hashlib.sha256(json.dumps(said | {"seal": ""}, sort_keys=True).encode()).hexdigest()
        need(said["seal"] == seal, "its own checksum does not fit it")
        for name, value in sorted(weights.items()):
            total.update(f"{name} {value.dtype.str} {value.shape}\n".encode() + value.tobytes())
        need(said["weights"] == total.hexdigest(), "it is of other weights")
        return families(said, {name.rpartition(".")[2]: value.astype(float) for name, value in weights.items()})
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as fault:
        raise fault if isinstance(fault, DataError) else DataError(f"This is no certificate: {fault}.") from None


def families(said, w):
    x = w["W_E"] + w["W_pos"][:, None]                                          # (position, token, 2)
    every, others, contexts, margins = [*range(12)], [1, 3, 5, 7, 9, 11], 0, []
    names = [[t, j, even] for t in range(1, len(x)) for j in range(t) for even in range(0, 11, 2)]
    need((said["rule"], said["n_ctx"], x.shape[1]) == ("plus_last_even", len(x), 12), "it is about another task")
    need([family["family"] for family in said["families"]] == names, "the families are not those of the rule")
    for (t, j, even), tree in zip(names, said["families"], strict=True):
        scores = x[:t + 1] @ w["W_K"][:, 0] @ (x[t, 11] @ w["W_Q"][:, 0]) / 2**0.5
        allowed = [every] * j + [[even]] + [others] * (t - j - 1) + [[11]]
        margins.append(follow(tree, allowed, scores, x[t, 11] + x[:t + 1] @ w["W_V"][:, 0], w))
        contexts += 12**j * 6**(t - j - 1)
    need(contexts == said["contexts"] and abs(min(margins) - said["margin"]) < CLOSE, "its sums are wrong")
    return contexts, min(margins)


def follow(tree, allowed, scores, points, w):
    """The least lead in a box: of its parts, one for each token in one position, or of its polygon."""
    if "split" in tree:
        i = tree["split"]
        return min(follow(part, [*allowed[:i], [token], *allowed[i + 1:]], scores, points, w)
                   for token, part in zip(allowed[i], tree["parts"], strict=True))
    need(encloses(corners := np.array(tree["corners"], float), allowed, scores, points), "a polygon does not fit")
    answer = next(tokens[0] for tokens in allowed[-2::-1] if tokens[0] % 2 == 0)
    need(abs(tree["margin"] - (margin := lead(corners, w, answer))) < CLOSE < margin, "a lead is wrong")
    return margin


def encloses(corners, allowed, scores, points):
    """Whether the polygon is convex, and no context reaches beyond an edge."""
    edges, away = np.roll(corners, -1, axis=0) - corners, corners - corners[:, None]
    left = edges[:, None, 0] * away[..., 1] > edges[:, None, 1] * away[..., 0]  # (edge, corner)
    out = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.hypot(*edges.T)[:, None]
    scores = scores - max(scores[i, tokens].min() for i, tokens in enumerate(allowed))
    reach = (out * corners).sum(axis=1)
    beyond = sum(np.max([np.exp(min(scores[i, x], 600)) * ((pull := out @ points[i, x] - reach) + TINY * np.abs(pull))
                         for x in tokens], axis=0) for i, tokens in enumerate(allowed))
    return left.sum() == len(left) * (len(left) - 2) and (beyond <= 0).all()


def lead(corners, w, answer):
    """The least lead over a polygon, at a corner of one of the cells into which the hidden units' lines cut it."""
    cells = [corners]
    for a, b in zip(w["W_in"].T, w["b_in"], strict=True):
        cells = [part for cell in cells for part in cut(cell, cell @ a + b)]
    z = np.concatenate(cells)
    logits = (z + np.maximum(z @ w["W_in"] + w["b_in"], 0) @ w["W_out"] + w["b_out"]) @ w["W_U"] + w["b_U"]
    return float((logits[:, answer] - np.delete(logits, answer, axis=1).max(axis=1)).min())


def cut(cell, side):
    between = [p + (q - p) * (s / (s - r)) for p, q, s, r in zip(
        cell, np.roll(cell, -1, axis=0), side, np.roll(side, -1), strict=True) if s * r < 0]
    return [np.array([*cell[part * side >= 0], *between]) for part in (1, -1)] if between else [cell]
