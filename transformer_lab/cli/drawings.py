"""The figures of a model of a rule: a table of functions, each from a :class:`~.view.View` to a figure."""

from __future__ import annotations

import numpy as np

from ..analysis import views
from ..analysis.saturation import entropy
from ..names import parameter_shapes
from ..plots import Figure, bars, cells, curves, plane
from ..tasks.rules import floor
from .view import AXES, View, everywhere, kinds, only_read, query_token, short, territory

__all__ = ["DRAWINGS"]


def rounded(z: np.ndarray) -> np.ndarray:
    """About eight heights for lines, at round numbers."""
    step = np.ptp(z) / 8
    size = 10.0 ** np.floor(np.log10(step)) if step > 0 else 1.0
    step = size * min((1, 2, 5, 10), key=lambda each: abs(each * size - step))
    return np.arange(np.ceil(z.min() / step), np.floor(z.max() / step) + 1) * step


# ---- model and training --------------------------------------------------------------------------------------------

def architecture(view: View) -> Figure:
    shapes = parameter_shapes(view.run.model)
    names = [f"{name.removeprefix('blocks.')} {' × '.join(map(str, shape))}" for name, shape in shapes.items()]
    return bars([float(np.prod(shape)) for shape in shapes.values()], names, x_label="weights", digits=0)


def learning_curve(view: View) -> Figure:
    step, seen = view.metrics["step"], view.metrics
    losses = {name: seen[key] for name, key in (("training", "loss"), ("held out", "held_out_loss")) if key in seen}
    right = {"held out": 100 * seen["held_out_accuracy"]} if "held_out_accuracy" in seen else {}
    panels = {"Cross-entropy (nats)": losses} | ({"Right next tokens (%)": right} if right else {})
    return curves(panels, step, x_label="step", y_label={title: title.lower() for title in panels},
                  bounds={"Cross-entropy (nats)": {"floor": floor(view.run.task)}})


# ---- embeddings, queries, keys, values ---------------------------------------------------------------------------

def embeddings(view: View) -> Figure:
    places = [*map(str, range(view.run.model.n_ctx))]
    tables = {"Tokens": view.params["W_E"].T, "Places": view.params["W_pos"].T}
    return cells(tables, columns={"Tokens": view.words, "Places": places}, unit="coordinate", row_label="dimension")


def embedding_points(view: View) -> Figure:
    groups, table = kinds(view), view.params["W_E"]
    return plane({"Tokens": {name: table[part] for name, part in groups.items()},
                  "Places": {"place": view.params["W_pos"]},
                  "Tokens in places": {name: view.all.x[part].reshape(-1, 2) for name, part in groups.items()}},
                 names={"Tokens": {name: [view.words[token] for token in part] for name, part in groups.items()},
                        "Places": {"place": [*map(str, range(view.run.model.n_ctx))]}}, square=True, **AXES)


def landscape(view: View) -> Figure:
    x, y, odds = territory(view)
    inside = everywhere(view, "x")
    return plane({word: {"": inside} for word in view.words}, heights={word: (x, y, odds[word]) for word in view.words},
                 levels=[0.1, 0.5, 0.9], square=True, **AXES)


def attention_tables(view: View) -> Figure:
    tables = {name: short(view)[name][:, 0] for name in ("W_Q", "W_K", "W_V")}
    points = {"Queries": {"query": everywhere(view, "q")}, "Keys": {"key": everywhere(view, "k")},
              "Values": {"value": everywhere(view, "v")}}
    return cells(tables, row_label="from dimension", column_label="to dimension", unit="weight") + plane(points, **AXES)


def by_token_and_place(view: View) -> Figure:
    places = [*map(str, range(view.run.model.n_ctx))]
    tables = {f"{name}, dimension {axis}": getattr(view.all, part)[:, head, :, axis]
              for part, name in (("q", "query"), ("k", "key"), ("v", "value"))
              for head in range(view.all.q.shape[1]) for axis in range(view.all.q.shape[-1])}
    return cells(tables, rows=view.words, columns=places, row_label="token", column_label="place", unit="coordinate",
                 written=None)


def queries_and_keys(view: View) -> Figure:
    return plane({"query": everywhere(view, "q"), "key": everywhere(view, "k")}, square=True, **AXES)


def one_query(view: View) -> Figure:
    place, token = min(5, view.run.model.n_ctx - 1), query_token(view)
    query, keys = view.all.q[token, 0, place].astype(float), view.all.k[:, 0].astype(float)
    x, y = views.grid(np.concatenate([keys.reshape(-1, 2), query[None]]))
    title = f"Query {view.words[token]} in place {place}"
    points = {"may be read": keys[:, :place + 1].reshape(-1, 2)}
    if keys[:, place + 1:].size:
        points["hidden by the mask"] = keys[:, place + 1:].reshape(-1, 2)
    field = views.score_field(query, x, y)
    return plane({title: points}, heights={title: (x, y, field)}, levels=rounded(field), square=True,
                 marks={"the query": query}, **AXES)


def what_values_say(view: View) -> Figure:
    ends = only_read(view)
    groups = kinds(view)
    return plane({"": {name: ends[part, 0] for name, part in groups.items()}}, regions={"": territory(view)},
                 names={"": {name: [view.words[token] for token in part] for name, part in groups.items()}},
                 square=True, **AXES)


# ---- one sequence after the other --------------------------------------------------------------------------------

def titled(view: View) -> dict[str, tuple[list[str], dict]]:
    return {" ".join(words): (words, found) for words, found in view.demos}


def moved(found: dict) -> np.ndarray:
    """What attention does to the stream, an arrow (place, 2, 2) each."""
    return np.stack([found["resid_pre"], found["resid_mid"]], axis=1)


def sequence_points(view: View) -> Figure:
    rows = titled(view)
    return plane({title: {"all": everywhere(view, "x"), "this sequence": found["resid_pre"]}
                  for title, (_, found) in rows.items()},
                 names={title: {"this sequence": words} for title, (words, _) in rows.items()}, square=True, **AXES)


def attention(view: View) -> Figure:
    drawn = None
    for title, (words, found) in titled(view).items():
        for head, (q, k, pattern) in enumerate(zip(found["q"], found["k"], found["pattern"], strict=True)):
            raw, named = (q @ k.T) / np.sqrt(q.shape[-1]), f"{title}: " if len(found["q"]) == 1 else f"head {head}, "
            seen = np.where(np.tri(len(words)), raw, np.nan)
            scores = cells({f"{named}scores": raw, "masked": seen}, rows=words, columns=words, row_label="query",
                           column_label="key", unit="score", written=None, width=280)
            shares = cells({"attention": pattern}, rows=words, columns=words, row_label="query", column_label="key",
                           unit="attention", written=None, width=280)
            drawn = scores + shares if drawn is None else drawn + scores + shares
    return drawn


def what_is_read(view: View) -> Figure:
    drawn = None
    for title, (words, found) in titled(view).items():
        tables = cells({f"{title}: values": found["v"][0], "read": found["z"][0]}, rows=words, row_label="place",
                       column_label="dimension", unit="coordinate", width=280)
        shares = cells({"attention": found["pattern"][0]}, rows=words, columns=words, row_label="query",
                       column_label="key", unit="attention", written=None, width=280)
        drawn = shares + tables if drawn is None else drawn + shares + tables
    return drawn


def residual_tables(view: View) -> Figure:
    drawn = None
    for title, (words, found) in titled(view).items():
        part = cells({f"{title}: before": found["resid_pre"], "read": found["attn_out"], "after": found["resid_mid"]},
                     rows=words, row_label="place", column_label="dimension", unit="coordinate")
        drawn = part if drawn is None else drawn + part
    return drawn


def residual_moves(view: View) -> Figure:
    rows = titled(view)
    return plane({title: {"residual stream": found["resid_mid"]} for title, (_, found) in rows.items()},
                 moves={title: {"": moved(found)} for title, (_, found) in rows.items()},
                 names={title: {"residual stream": words} for title, (words, _) in rows.items()}, square=True, **AXES)


def demonstration(number: int):
    def drawn(view: View) -> Figure:
        words, found = view.demos[number % len(view.demos)]
        land = territory(view)
        return plane({"Before": {"": found["resid_pre"]}, "Where attention takes it": {"": found["resid_mid"]},
                      "After": {"": found["resid_mid"]}},
                     moves={"Where attention takes it": {"": moved(found)}},
                     regions=dict.fromkeys(("Before", "Where attention takes it", "After"), land),
                     names={"Before": {"": words}, "After": {"": words}}, square=True, **AXES)
    return drawn


def outputs(view: View) -> Figure:
    drawn = None
    for title, (words, found) in titled(view).items():
        part = cells({f"{title}: logits": found["logits"]}, rows=words, columns=view.words, row_label="after",
                     column_label="next", unit="logit", written=None, width=420) + cells(
            {"probabilities": found["probabilities"]}, rows=words, columns=view.words, row_label="after",
            column_label="next", unit="probability", written=None, width=420)
        drawn = part if drawn is None else drawn + part
    return drawn


# ---- whole tables and whole planes -------------------------------------------------------------------------------

def all_scores(view: View) -> Figure:
    table = views.score_table(view.all)
    n_ctx, d_vocab = table.shape[:2]
    parts = [d_vocab * place for place in range(1, n_ctx)]
    names = [f"place {i // d_vocab}" if i % d_vocab == d_vocab // 2 else "" for i in range(n_ctx * d_vocab)]
    return cells(table.reshape(n_ctx * d_vocab, -1), rows=names, columns=names, row_label="query, by place and token",
                 column_label="key, by place and token", unit="score", row_parts=parts, column_parts=parts,
                 written=None, width=868)


def scores_of_the_sign(view: View) -> Figure:
    table = views.score_table(view.all)[-1, query_token(view)]
    return cells(table, columns=view.words, row_label="place of the key", column_label="its token", unit="score",
                 written=None)


def summary(view: View) -> Figure:
    x, y, odds = territory(view)
    table = np.stack(list(odds.values()), axis=-1)
    points = {"Every token in every place": {"": everywhere(view, "x")},
              "If one value is all": {"": only_read(view).reshape(-1, 2)}}
    return plane(heights={"How open it is (nats)": (x, y, entropy(table))}, levels=[0.5, 1.0, 1.5, 2.0],
                 square=True, **AXES) + plane(
        points, regions=dict.fromkeys(points, (x, y, odds)), square=True, **AXES)


def fields_of_a_sequence(view: View) -> Figure:
    words, found = view.demos[0]
    q, k = found["q"][0].astype(float), found["k"][0].astype(float)
    x, y = views.grid(np.concatenate([q, k]))
    fields = {f"{place}: {word}": views.score_field(q[place], x, y) for place, word in enumerate(words)}
    return plane({title: {"key": k[:place + 1]} for place, title in enumerate(fields)},
                 heights={title: (x, y, field) for title, field in fields.items()},
                 levels=rounded(np.stack([*fields.values()])), square=True, **AXES)


def feed_forward_moves(view: View) -> Figure:
    rows = titled(view)
    ends = [found[name] for _, found in view.demos for name in ("resid_mid", "resid_post")]
    land = territory(view, "resid_post", views.grid(np.concatenate(ends).astype(float)))
    return plane({title: {"": found["resid_post"]} for title, (_, found) in rows.items()},
                 moves={title: {"feed-forward": np.stack([found["resid_mid"], found["resid_post"]], axis=1)}
                        for title, (_, found) in rows.items()},
                 regions=dict.fromkeys(rows, land), names={title: {"": words} for title, (words, _) in rows.items()},
                 square=True, **AXES)


def hidden_lines(view: View) -> Figure:
    W = short(view)
    return plane(regions={"": territory(view)}, lines={"feed-forward": np.vstack([W["W_in"], W["b_in"]]).T},
                 square=True, **AXES)


#: By number: the name of the file, whether the model must live in a plane, and the function. 1 to 18 as in the study
#: in which these models were first drawn; 3 and 4 are text.
DRAWINGS = {
    1: ("architecture", False, architecture), 2: ("learning-curve", False, learning_curve),
    5: ("embeddings", False, embeddings), 6: ("embedding-points", True, embedding_points),
    7: ("landscape", True, landscape), 8: ("attention-tables", True, attention_tables),
    9: ("queries-and-keys", True, queries_and_keys), 10: ("one-query", True, one_query),
    11: ("what-values-say", True, what_values_say), 12: ("sequence-points", True, sequence_points),
    13: ("attention", False, attention), 14: ("what-is-read", False, what_is_read),
    15: ("residual-tables", False, residual_tables), 16: ("demonstration-1", True, demonstration(0)),
    17: ("demonstration-2", True, demonstration(1)), 18: ("demonstration-3", True, demonstration(2)),
    19: ("by-token-and-place", False, by_token_and_place), 20: ("all-scores", False, all_scores),
    21: ("scores-of-the-sign", False, scores_of_the_sign), 22: ("outputs", False, outputs),
    23: ("residual-moves", True, residual_moves), 24: ("summary", True, summary),
    25: ("fields-of-a-sequence", True, fields_of_a_sequence), 26: ("feed-forward-moves", True, feed_forward_moves),
    27: ("hidden-lines", True, hidden_lines),
}
