"""Models of Hugging Face's ``transformers`` as models of this package, and back: GPT-2, Llama, BERT, T5 and ViT.

>>> sorted(FAMILIES)
['bert', 'gpt2', 'llama', 't5', 'vit']
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from ..errors import DataError, DtypeError, installed
from ..names import parameter_shapes
from ..rules import Is
from .hf_families import FAMILIES, Settings

__all__ = ["from_hf", "to_hf"]


def from_hf(source):
    """The model of this package that calculates what a model of ``transformers`` does: a ``Transformer``, ``Bert``,
    ``EncoderDecoder`` or ``ViT``, at evaluation, with the weights in single precision or better.

    ``source`` is the model itself, or a folder on this machine with ``config.json`` and ``*.safetensors``. Nothing is
    ever fetched, weights that are pickled are never opened, and a setting that is not known here is refused.
    """
    settings, tensors, kind = of_folder(source) if isinstance(source, str | Path) else of_model(source)
    name = settings.get("model_type")
    if name not in FAMILIES:
        raise DataError(f"The model is of the type {name!r}; known here are {', '.join(FAMILIES)}.")
    family, theirs = FAMILIES[name], Settings(settings)
    if kind not in family.classes:
        raise DataError(f"The model is a {kind}; known here are {', '.join(family.classes)}.")
    fields = family.read(theirs, kind)
    theirs.finish()
    if name == "t5" and "lm_head.weight" in tensors:  # its settings do not say
        fields["tied"] = tensors["lm_head.weight"].equal(tensors["shared.weight"])
    config = family.config(**fields)
    return family.model(config, taken(tensors, config, family)).eval()


def to_hf(model):
    """The model of ``transformers`` that calculates what a model of this package does, with the same weights."""
    transformers = installed("transformers", "Models of Hugging Face")
    for name, family in FAMILIES.items():
        if type(model) is not family.model or not same(family, name, model.config):
            continue
        settings = family.write(model.config)
        kind = settings.get("architectures", family.classes)[0]
        made = getattr(transformers, kind)(transformers.AutoConfig.for_model(name, **settings))
        made = made.to(next(model.parameters()).dtype)
        made.load_state_dict(laid_back(model, family, made.state_dict()), strict=False)
        made.tie_weights()
        return made.eval()
    raise DtypeError("model", type(model).__name__, f"one that is also a {', '.join(FAMILIES)}",
                     "What transformers has no setting for, it does not calculate.")


def same(family, name, config) -> bool:
    """Whether their settings say all that ours do."""
    try:
        settings = family.write(config)
        if "num_labels" in settings:
            settings["id2label"] = dict.fromkeys(range(settings["num_labels"]))
        read = family.read(Settings(settings), settings.get("architectures", family.classes)[0])
        return family.config(**read) == config
    except (KeyError, DataError):
        return False


def of_model(model):
    config = model.config if isinstance(model, torch.nn.Module) and hasattr(model, "config") else None
    if not hasattr(config, "to_dict") or not hasattr(config, "model_type"):
        raise DtypeError("source", type(model).__name__, "a folder, or a model of transformers", "Pass one of them.")
    return config.to_dict(), model.state_dict(), type(model).__name__


def of_folder(path):
    """The settings, the tensors and the class of the model that lies in a folder."""
    path = Is((str, os.PathLike), "a folder, or a model of transformers", "Pass one of them.")("source", path)
    folder = Path(path)
    if not os.path.isdir(folder):  # of a name that no folder can have, too
        raise DataError(f"{str(path)[:200]} is no folder on this machine, and nothing is fetched from here. Bring it "
                        "with `hf download NAME --local-dir FOLDER`.")
    files = sorted(file for file in folder.glob("*.safetensors") if file.is_file())
    if not files:
        kinds = ("*.bin", "*.pt", "*.pth", "*.ckpt")
        pickled = sorted(entry.name for kind in kinds for entry in folder.glob(kind))
        raise DataError(f"{path} has no weights as safetensors" + (
            f"; {pickled[0]} is pickled, and to open it would run what is in it. Take a version with safetensors."
            if pickled else "."))
    try:
        settings = json.loads(written(folder / "config.json"))
        tensors = {name: value for file in files for name, value in safetensors.torch.load_file(file).items()}
        kind = (settings.get("architectures") or [""])[0]
    except (OSError, ValueError, RecursionError, AttributeError, TypeError, IndexError,
            safetensors.SafetensorError) as fault:
        raise DataError(f"{path} can not be read as a model of transformers: {fault}") from None
    return settings, tensors, kind


def written(path: Path) -> bytes:
    """What a file says, if it is one and of the length of settings: a pipe would never end."""
    if not path.is_file() or path.stat().st_size > 2**20:
        raise OSError(f"{path.name} is no file of settings")
    return path.read_bytes()


def path_of(name, config, family) -> tuple[str, int | None]:
    """Their name of one of our parameters, and which third of it."""
    layer = re.search(r"blocks\.(\d+)\.", name)
    before, _, word = re.sub(r"blocks\.\d+", "blocks.#", name).rpartition(".")
    before += "." * bool(before)
    stem, names = re.sub(r"(?:^|(?<=cross_))[Wb]_|_[wb]$", "", word), family.names
    if stem == "class" and getattr(config, "masked_lm", False):
        stem = "class of two"
    found = names.get(before + word, names.get(before + stem))
    if word == "W_in" and config.gated and "wi" in found:  # T5 numbers its two
        found += "_1"
    found = found.replace("#", layer[1] if layer else "")
    found, _, third = found.partition("[")
    if found.startswith("="):
        return found[1:], None
    return f"{found}.{'weight' if word.startswith(('W_', 'cross_W_')) or word.endswith('_w') else 'bias'}", (
        int(third[0]) if third else None)


def taken(tensors, config, family) -> dict:
    """Our parameters, out of their tensors; what is missing, of another shape or left over is refused."""
    params, used = {}, set()
    for before, now in family.older:
        tensors = {name.replace(before, now): value for name, value in tensors.items()}
    for name, shape in parameter_shapes(config).items():
        path, third = path_of(name, config, family)
        path = path if path in tensors else path.partition(".")[2]  # a model that was saved without its head
        if path not in tensors:
            raise DataError(f"The weights of this model have no {path_of(name, config, family)[0]}.")
        used.add(path)
        value = tensors[path].detach()
        value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        value = value if third is None else value.chunk(3, dim=-1)[third]
        value = value.flatten(1).T if turned(name, family) else value
        if value.numel() != torch.Size(shape).numel():
            raise DataError(f"{path} has the shape {tuple(tensors[path].shape)}, which does not fit {name} of {shape}.")
        value = value.reshape(shape)
        params[name] = (side_by_side(value) if family.halves and name[-2:] in ("_Q", "_K") else value).numpy().copy()
    left = [name for name in tensors if name not in used and not name.endswith(family.unread or ("\n",))]
    if left:
        raise DataError(f"The weights of this model have {left[0]} besides, which is not known here.")
    return params


def laid_back(model, family, theirs) -> dict:
    """Their tensors, out of our parameters."""
    given, thirds = {}, {}
    for name, value in model.named_parameters():
        path, third = path_of(name, model.config, family)
        path = path if path in theirs else path.partition(".")[2]
        value = value.detach()
        value = half_apart(value) if family.halves and name[-2:] in ("_Q", "_K") else value
        shape = theirs[path].shape
        if turned(name, family):
            value = value.reshape(-1, shape[0]).T if name[-2:] != "_O" else value.flatten(0, -2).T
        if third is None:
            given[path] = value.reshape(shape)
        else:
            thirds.setdefault(path, {})[third] = value.flatten(1) if name[-3:-1] == "W_" else value.flatten()
    return given | {path: torch.cat([parts[i] for i in range(3)], dim=-1) for path, parts in thirds.items()}


def turned(name, family) -> bool:
    """Whether a matrix of theirs maps columns where ours maps rows."""
    word = name.rpartition(".")[2].removeprefix("cross_")
    if word == "W_U":
        return True
    return word.startswith("W_") and word not in ("W_E", "W_pos", "W_type", "W_rel") and not family.columns


def side_by_side(x):
    """The pairs of a head (..., d_head), which stood half a head apart, side by side."""
    return x.unflatten(-1, (2, -1)).mT.flatten(-2)


def half_apart(x):
    return x.unflatten(-1, (-1, 2)).mT.flatten(-2)
