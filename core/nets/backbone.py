"""Ready-made, pre-trained networks as backbones, cut into stages that can be inspected and frozen one by one.

timm has several hundred; those that are a chain of convolutional stages can be used, with any number of bands. The
stages replace the blocks of the plain network; neck and head stay the same. Weights come from a safetensors file or
from the hub, see :mod:`core.nets.backbone_weights`, among them the Zoobot encoders, trained on the votes of Galaxy Zoo.
Our scaled images have mean 0 and variance 1 in each band, like the images such weights were trained on.

References
----------
Wightman, PyTorch Image Models, doi:10.5281/zenodo.4414861; Walmsley et al. 2023, JOSS 8, 5312 (Zoobot).
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from core import extras
from core.errors import NotPossible, SettingsProblem
from core.nets import backbone_weights

_WHERE = "network.backbone"
_WITHOUT = (
    "leave the backbone empty, or start from a network that comes along (“tuningfork settings base-networks” lists "
    "them)"
)
_HEAD_MODULES = ("global_pool", "head", "fc", "classifier", "head_drop")  # modules after the stages
_PROBE_SIDE, _TOLERANCE = 64, 1e-4
_SUGGESTION = "Choose a convolutional one, such as resnet18, convnext_nano or efficientnet_b0."


class BackboneStage(nn.Sequential):
    """The layers at one scale; ``places`` are the names of its parts in the network that it was cut from."""

    places: tuple[str, ...]


def build_stages(name: str, bands: int) -> list[BackboneStage]:
    """Build the stages of a timm network for images with ``bands`` bands, weights drawn from torch's random state.

    Raises
    ------
    SettingsProblem
        There is no such network, or it is not a chain of convolutional stages.
    NotPossible
        timm is not installed.
    """
    whole = _create_network(name, bands)
    parts = _split_modules(whole)
    ends = [info["module"] for info in whole.feature_info]
    cut: list[list[tuple[str, nn.Module]]] = [[]]
    for place, module in parts:
        cut[-1].append((place, module))
        if place in ends and place != ends[-1]:
            cut.append([])
    found = [_make_stage(part) for part in cut if part]
    _require_chain(name, whole, found, bands)
    return found


def load_weights(made: Sequence[BackboneStage], name: str, weights: str) -> None:
    """Load weights from a file or from the hub into the stages of the network ``name``, in place.

    See :func:`core.nets.backbone_weights.load`, also for what it raises.
    """
    own = {
        f"{place}.{key}" if key else place: value
        for stage in made
        for place, module in zip(stage.places, stage, strict=True)
        for key, value in module.state_dict(keep_vars=True).items()
    }
    backbone_weights.load(own, name, weights)


def _import_timm() -> Any:
    try:
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: from a torchvision built for another torch
        is_left_out = getattr(sys, "frozen", False) and isinstance(error, ModuleNotFoundError)
        raise NotPossible(
            "This program was built without the ready-made networks of timm."
            if is_left_out
            else f"timm, which has the ready-made networks, cannot be used here ({error}).",
            extras.how_to_get("backbones", _WITHOUT),
            _WHERE,
        ) from error


def _create_network(name: str, bands: int) -> Any:
    timm = _import_timm()
    known: list[str] = timm.list_models()
    if name.split(".", maxsplit=1)[0] not in known:
        near = difflib.get_close_matches(name, known, 3)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "Their list is at huggingface.co/timm."
        raise SettingsProblem(f"timm knows no network “{name}”.", remedy, _WHERE)
    whole = timm.create_model(name, pretrained=False, num_classes=0, in_chans=bands)
    if not getattr(whole, "feature_info", None):
        raise SettingsProblem(f"The network {name} has no stages.", _SUGGESTION, _WHERE)
    return whole


def _split_modules(whole: Any) -> list[tuple[str, nn.Module]]:
    """The chain of modules, split just finely enough that each stage ends with a module."""
    ends = [info["module"] for info in whole.feature_info]

    def split(place: str, module: nn.Module) -> list[tuple[str, nn.Module]]:
        inside = place not in ends and any(end.startswith(f"{place}.") for end in ends)
        if not inside or not isinstance(module, nn.Sequential):
            return [(place, module)]
        return [part for name, child in module.named_children() for part in split(f"{place}.{name}", child)]

    found: list[tuple[str, nn.Module]] = []
    for name, child in whole.named_children():
        if name in _HEAD_MODULES:
            break
        found += split(name, child)
    return found


def _make_stage(parts: Sequence[tuple[str, nn.Module]]) -> BackboneStage:
    made = BackboneStage()
    for place, module in parts:
        made.add_module(place.replace(".", "_"), module)
    made.places = tuple(place for place, _ in parts)
    return made


def _require_chain(name: str, whole: Any, found: Sequence[BackboneStage], bands: int) -> None:
    """Check that the stages in sequence give the same features as the network before its head."""
    image = torch.linspace(-1, 1, bands * _PROBE_SIDE * _PROBE_SIDE).reshape(1, bands, _PROBE_SIDE, _PROBE_SIDE)
    modes = whole.training
    whole.eval()
    try:
        with torch.no_grad():
            wanted = whole.forward_features(image)
            x = image
            for stage in found:
                x = stage.eval()(x)
        is_chain = (
            wanted.dim() == 4
            and x.shape == wanted.shape
            and torch.allclose(x, wanted, atol=_TOLERANCE, rtol=_TOLERANCE)
        )
    except (RuntimeError, TypeError, AssertionError, ValueError, NotImplementedError):
        is_chain = False
    if not is_chain:
        raise SettingsProblem(f"The network {name} is no chain of convolutional stages.", _SUGGESTION, _WHERE)
    whole.train(modes)
