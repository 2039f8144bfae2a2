"""The attribution methods by name: title, settings and module of each.

A method's module has ``explain(predictor, image, output, settings, stop, galaxy_id) -> Work[Explanation]``, and
``unsupported_reason(predictor)``, a sentence why the method does not work for a network, empty if it does.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import NotPossible, SettingsProblem
from core.events import NEVER, Work
from core.explain.settings import (
    ClassDreamSettings,
    DeconvnetSettings,
    DeepDreamSettings,
    ExpectedGradientSettings,
    GradCamSettings,
    GradientSettings,
    GuidedSettings,
    OcclusionSettings,
    SmoothGradSettings,
)
from core.settings.declare import Settings

if TYPE_CHECKING:
    from core.explain.explanation import Explanation
    from core.nets.predictor import Predictor


@dataclass(frozen=True)
class Method:
    """An attribution method, or a kind of dream.

    Attributes
    ----------
    name
        Name on the command line and in file names.
    title
        Name in the window.
    settings
        Class of its settings.
    module
        Import path of its code, which is loaded on first use.
    """

    name: str
    title: str
    settings: type[Settings]
    module: str


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("occlusion", "Occlusion sensitivity", OcclusionSettings, "core.explain.occlusion"),
        Method("integrated-gradients", "Integrated gradients", GradientSettings, "core.explain.integrated_gradients"),
        Method("deconvnet", "Deconvnet", DeconvnetSettings, "core.explain.deconvnet"),
        Method("guided-backprop", "Guided backpropagation", GuidedSettings, "core.explain.guided"),
        Method("grad-cam", "Grad-CAM", GradCamSettings, "core.explain.gradcam"),
        Method("smoothgrad", "SmoothGrad", SmoothGradSettings, "core.explain.sampled_gradients"),
        Method("expected-gradients", "Expected gradients", ExpectedGradientSettings, "core.explain.sampled_gradients"),
    )
}

DREAMS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("dream", "Class dream", ClassDreamSettings, "core.explain.dreams"),
        Method("deep-dream", "Deep dream", DeepDreamSettings, "core.explain.dreams"),
    )
}
"""Kinds of activation maximisation by name; these give a :class:`~core.explain.dream.Dream`, not a map."""


def unsupported_reason(name: str, predictor: Predictor) -> str:
    """Why a method does not work for a network, in a sentence; empty if it does."""
    reason = cast("Callable[[Predictor], str]", importlib.import_module(METHODS[name].module).unsupported_reason)
    return next(filter(None, map(reason, predictor.members)), "")


def explain(
    name: str,
    predictor: Predictor,
    image: NDArray[np.float32],
    output: int | str | None = None,
    settings: Settings | None = None,
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Make an attribution map by the method of this ``name``; the other parameters are those of the method's function.

    That of an ensemble is the mean of its networks' maps, see :mod:`core.explain.together`.

    Raises
    ------
    SettingsProblem
        There is no such method.
    NotPossible
        The method does not work for this network.

    Examples
    --------
    >>> from core.data.cutouts import Cutouts
    >>> from core.events import result_of
    >>> from core.nets.predictor import Predictor
    >>> predictor = Predictor.load("runs/first")
    >>> with Cutouts.open("survey.h5") as cutouts:
    ...     image, name = cutouts.images[0], cutouts.ids[0]
    >>> for method in ("grad-cam", "smoothgrad"):
    ...     made = result_of(explain(method, predictor, image, galaxy_id=name))
    ...     print(made.method, made.map.shape)
    grad-cam (24, 24)
    smoothgrad (24, 24)
    """
    if name not in METHODS:
        raise SettingsProblem(f"There is no method “{name}”.", f"Choose one of: {', '.join(METHODS)}.", "method")
    reason = unsupported_reason(name, predictor)
    if reason:
        raise NotPossible(reason, "Choose another method.")
    function = cast("Callable[..., Work[Explanation]]", importlib.import_module(METHODS[name].module).explain)
    settings = settings or METHODS[name].settings()
    if len(predictor.members) > 1:
        together = cast("Callable[..., Work[Explanation]]", importlib.import_module("core.explain.together").explain)
        return (yield from together(function, predictor, image, output, settings, stop, galaxy_id))
    return (yield from function(predictor, image, output, settings, stop, galaxy_id))
