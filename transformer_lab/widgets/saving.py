"""What JupyterLab writes when it saves a notebook with explorables: ``make lab`` names it as the server's
``pre_save_hook``.
"""

from __future__ import annotations

from ..signatures import checked

__all__ = ["keep_stills"]

MODEL = "application/vnd.jupyter.widget-view+json"


@checked
def keep_stills(model: dict, **_) -> None:
    """Leave the still picture of each explorable in what is saved, not the number of a model that dies with its kernel.

    >>> output = {"data": {MODEL: {"model_id": "ab"}, "text/html": '<div class="lab-static">'}}
    >>> keep_stills({"type": "notebook", "content": {"cells": [{"outputs": [output]}]}})
    >>> list(output["data"])
    ['text/html']
    """
    if model.get("type") != "notebook":
        return
    for cell in model["content"].get("cells", []):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "lab-static" in "".join(data.get("text/html", "")):
                data.pop(MODEL, None)
