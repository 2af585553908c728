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
    for cell in held(held(model, "content", dict), "cells", list):
        for output in held(cell, "outputs", list):
            data = held(output, "data", dict)
            if "lab-static" in str(data.get("text/html")):
                data.pop(MODEL, None)


def held(box, name: str, kind: type):
    """What a dict has under a name, if it is of this kind, else nothing: a file that is no notebook is saved as it is.

    >>> held({"cells": [1]}, "cells", list), held({"cells": 5}, "cells", list), held("a text", "cells", list)
    ([1], [], [])
    """
    found = box.get(name) if isinstance(box, dict) else None
    return found if isinstance(found, kind) else kind()
