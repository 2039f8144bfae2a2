"""Weights of backbones from a safetensors file or the hub, whoever wrote it: timm, Zoobot, a training script.

Programs put different words before the names of an encoder's tensors (``encoder.``, ``model.backbone.``): whatever
stands before most of them is taken off. Only safetensors files are read, since pickles (``.ckpt``, ``.pt``, ``.bin``)
can run programs when they are opened; a file whose tensors do not fit says which do not.

References
----------
Wightman, PyTorch Image Models, doi:10.5281/zenodo.4414861; Walmsley et al. 2023, JOSS 8, 5312 (Zoobot).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from core.errors import NotPossible, UnreadableFile

HUB = "hf_hub:"
_WHERE = "network.weights"
_SHOWN = 3  # names in a sentence
_COUNTER = "num_batches_tracked"  # counts training steps, and is no weight
_OWN = "network.features."  # before the names of tensors in files of this program
_PICKLES = {".ckpt", ".pt", ".pth", ".bin", ".pkl"}
_KERAS = {".keras", ".h5", ".hdf5", ".weights"}


def load(own: Mapping[str, Tensor], name: str, weights: str) -> None:
    """Load weights into the tensors of a network, in place.

    Parameters
    ----------
    own
        The tensors of the network ``name``, as it names them.
    name
        Of the network in timm.
    weights
        A safetensors file, ``hub`` for timm's own, or ``hf_hub:owner/name``.

    Raises
    ------
    UnreadableFile
        The file is missing, is not a safetensors file, or holds the weights of another network.
    NotPossible
        The hub cannot be reached.
    """
    path = _fetch(name, weights) if weights == "hub" or weights.startswith(HUB) else Path(weights).expanduser()
    given = _read(path)
    _refuse_own(given, path)
    prefix = _find_prefix(own, given)
    missing = [key for key in own if f"{prefix}{key}" not in given and not key.endswith(_COUNTER)]
    if missing:
        raise _explain_mismatch(name, path, given, len(own), missing)
    with torch.no_grad():
        for key, value in own.items():
            if key.endswith(_COUNTER):
                continue
            value.copy_(_fit_shape(given[f"{prefix}{key}"], value, key, path))


def adapt_to_bands(weight: Tensor, bands: int) -> Tensor:
    """Convert weights (F, C, k, k) of a first layer to another number of bands.

    Each band gets the mean over the old ones, times C/bands: the responses to an image that is the same in all bands
    are then unchanged.
    """
    return weight.mean(1, keepdim=True).expand(-1, bands, -1, -1) * (weight.shape[1] / bands)


def _find_prefix(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """What the file has before the names of the network's tensors: that with which most of them are there."""
    candidates = {""}
    for key in own:
        candidates |= {name.removesuffix(key) for name in given if name.endswith(f".{key}")}
        if len(candidates) > 1:
            break
    counts = {prefix: sum(f"{prefix}{key}" in given for key in own) for prefix in candidates}
    return max(counts, key=lambda prefix: (counts[prefix], -len(prefix)))


def _refuse_own(given: Mapping[str, Tensor], path: Path) -> None:
    if any(key.startswith(_OWN) for key in given):
        raise UnreadableFile(
            "This is a network of this program, and not the weights of a backbone.",
            "Choose it under “Start from” (--start-from), which takes its layers as they are.",
            str(path),
        )


def _explain_mismatch(
    name: str, path: Path, given: Mapping[str, Tensor], count: int, missing: list[str]
) -> UnreadableFile:
    there = [key for key in given if key.endswith("weight")] or list(given)
    return UnreadableFile(
        f"These are not the weights of {name}: {len(missing)} of its {count} tensors are missing ({_list(missing)}), "
        f"and the file has {_list(there)}.",
        "Choose the file of that network, or name under Backbone the network whose layers are called so.",
        str(path),
    )


def _list(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def _fetch(name: str, weights: str) -> Path:
    repository = weights.removeprefix(HUB)
    if weights == "hub":
        timm = importlib.import_module("timm")
        repository = str((timm.get_pretrained_cfg(name) or _NoWeights).hf_hub_id or "")
    if not repository:
        raise NotPossible(f"The hub has no weights of {name}.", "Choose a file, or none.", _WHERE)
    hub: Any = importlib.import_module("huggingface_hub")
    try:
        return Path(hub.hf_hub_download(repository, "model.safetensors"))
    except Exception as error:
        raise NotPossible(
            f"The weights of {repository} cannot be fetched from the hub ({type(error).__name__}).",
            "Look whether there is a network and a file model.safetensors there, or give a file.",
            _WHERE,
        ) from error


class _NoWeights:
    hf_hub_id = ""


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file is that file's problem
        ending = path.suffix.lower()
        remedy = "Other formats are not read, since they can run programs."
        if ending in _PICKLES:
            remedy += (
                " Convert it once, with PyTorch and where you trust it: take its state_dict with "
                "torch.load(…, weights_only=True), and write it with safetensors.torch.save_file."
            )
        elif ending in _KERAS:
            remedy = (
                "Weights of Keras belong to layers of Keras. Choose the same network in timm, whose own weights “hub” "
                "fetches, or convert them to safetensors under timm's names."
            )
        raise UnreadableFile(f"This is no safetensors file ({error}).", remedy, str(path)) from None


def _fit_shape(given: Tensor, own: Tensor, key: str, path: Path) -> Tensor:
    """Adapt a tensor of the file to the network's shape: the first layer's weights to another number of bands."""
    if given.shape == own.shape:
        return given
    if given.dim() == 4 and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]:
        return adapt_to_bands(given, own.shape[1])
    raise UnreadableFile(
        f"“{key}” has the shape {tuple(given.shape)} in this file, and {tuple(own.shape)} in the network.",
        "Choose the file of this network, or name under Backbone the one of this size.",
        str(path),
    )
