"""Five films of a model of a rule as it learns; every frame is a figure, and the axes stand still."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ..analysis import views
from ..plots import Figure, cells, plane
from ..plots.save import KINDS, Sheet
from ..plots.style import HOUSE
from .view import AXES, View, everywhere, kinds, territory

__all__ = ["FILMS", "frames"]

WIDEST = 868


def ends(parts) -> dict:
    """Both axes' ends that hold all points of all frames."""
    points = np.concatenate([part.reshape(-1, 2) for part in parts])
    room = 0.06 * (np.ptp(points, axis=0) + 1e-9)
    low, high = points.min(axis=0) - room, points.max(axis=0) + room
    return {"x_range": (float(low[0]), float(high[0])), "y_range": (float(low[1]), float(high[1]))}


def embeddings(found: list[View]):
    whole = ends([part for view in found for part in (view.params["W_E"], view.params["W_pos"], everywhere(view, "x"))])

    def frame(view: View, step: int) -> Figure:
        groups, table = kinds(view), view.params["W_E"]
        return plane({f"Tokens, step {step:,}": {name: table[part] for name, part in groups.items()},
                      "Places": {"place": view.params["W_pos"]},
                      "Tokens in places": {name: view.all.x[part].reshape(-1, 2) for name, part in groups.items()}},
                     names={f"Tokens, step {step:,}": {name: [view.words[token] for token in part]
                                                       for name, part in groups.items()},
                            "Places": {"place": [*map(str, range(len(view.params["W_pos"])))]}}, **AXES, **whole)
    return frame


def parts_of(found: list[View]):
    whole = {part: ends([everywhere(view, part) for view in found]) for part in "xqkv"}
    names = {"x": ("Tokens in places", "residual stream"), "q": ("Queries", "query"), "k": ("Keys", "key"),
             "v": ("Values", "value")}

    def frame(view: View, step: int) -> Figure:
        drawn = [plane({f"{title}, step {step:,}" if part == "x" else title: {kind: everywhere(view, part)}},
                       **AXES, **whole[part]) for part, (title, kind) in names.items()]
        return drawn[0] + drawn[1] + drawn[2] + drawn[3]
    return frame


def queries_and_keys(found: list[View]):
    whole = ends([everywhere(view, part) for view in found for part in "qk"])

    def frame(view: View, step: int) -> Figure:
        points = {"query": everywhere(view, "q"), "key": everywhere(view, "k")}
        return plane({f"step {step:,}": points}, **AXES, **whole)
    return frame


def with_scores(found: list[View]):
    near, tables = queries_and_keys(found), [views.score_table(view.all) for view in found]
    top = max(float(np.abs(table).max()) for table in tables)

    def frame(view: View, step: int) -> Figure:
        table = views.score_table(view.all)
        return near(view, step) + cells(table.reshape(-1, table.shape[2] * table.shape[3]), limit=top, unit="score",
                                        row_label="query, by place and token", column_label="key, by place and token",
                                        written=None, width=560)
    return frame


def outputs(found: list[View]):
    inside = np.concatenate([everywhere(view, "x") for view in found])
    axes = views.grid(inside, 60)

    def frame(view: View, step: int) -> Figure:
        title = f"What comes next, step {step:,}"
        return plane({title: {"": everywhere(view, "x")}}, regions={title: territory(view, axes=axes)}, square=True,
                     **AXES)
    return frame


#: By number: the name of the file, and what makes the function that draws a frame from all models of the film.
FILMS = {1: ("embeddings", embeddings), 2: ("embeddings-queries-keys-values", parts_of),
         3: ("queries-and-keys", queries_and_keys), 4: ("queries-keys-scores", with_scores), 5: ("outputs", outputs)}


def frames(number: int, found: list[View], steps) -> list[bytes]:
    """The frames of a film, each a PNG of the same size."""
    frame = FILMS[number][1](found)
    return [picture(frame(view, int(step))) for view, step in zip(found, steps, strict=True)]


def picture(figure: Figure) -> bytes:
    with matplotlib.rc_context(HOUSE):
        canvas, buffer = FigureCanvasAgg(Sheet(figure.panels, WIDEST)), io.BytesIO()
        canvas.figure.savefig(buffer, format="png", **KINDS["png"])
    return buffer.getvalue()


def gif(pictures: list[bytes], seconds: float) -> bytes:
    """Pictures as a GIF that begins again; the last stands longer."""
    shown = [Image.open(io.BytesIO(each)).convert("RGB") for each in pictures]
    palette = shown[-1].quantize(64)
    shown = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in shown]
    buffer, pause = io.BytesIO(), round(1000 * seconds)
    shown[0].save(buffer, format="GIF", save_all=True, append_images=shown[1:], loop=0,
                  duration=[pause] * (len(shown) - 1) + [max(pause, 2000)])
    return buffer.getvalue()
