"""Whether to believe one map: where it lies, and whether the network needs what it points at."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.segmentation import Segmentation, segment
from core.events import NEVER, Work
from core.explain import methods
from core.explain.explanation import Explanation
from core.explain.faithfulness import deletion
from core.explain.faithfulness.deletion import DeletionCurves
from core.explain.faithfulness.localisation import Localisation, shares
from core.explain.faithfulness.settings import BeliefSettings
from core.nets.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Belief:
    """What is known of one map.

    Attributes
    ----------
    explanation
        The map.
    segmentation
        What is galaxy, neighbour and sky in its image.
    shares
        How much of the map lies on each.
    curves
        What becomes of the answer without the pixels that the map points at; None: of a layer.
    """

    explanation: Explanation
    segmentation: Segmentation
    shares: Localisation
    curves: DeletionCurves | None = None

    def sentences(self) -> list[str]:
        """What to think of it, in words and numbers."""
        return [*self.shares.sentences(), *([self.curves.sentence()] if self.curves else [])]


def believe(
    predictor: Predictor,
    image: NDArray[np.float32],
    output: int | str | None,
    settings: BeliefSettings,
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Belief]:
    """Make a map, and ask whether to believe it.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Which map, and how it is judged.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose image it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, the image is not finite, or the network cannot be asked by
        this method.
    """
    made = yield from methods.explain(
        settings.method, predictor, image, output, methods.METHODS[settings.method].settings(), stop, galaxy_id
    )
    return (yield from judge(predictor, image, made, settings, stop))


def judge(
    predictor: Predictor,
    image: NDArray[np.float32],
    made: Explanation,
    settings: BeliefSettings,
    stop: threading.Event = NEVER,
) -> Work[Belief]:
    """Ask whether to believe a map that is there already; the parameters are those of :func:`believe`.

    Of the map of a layer or filter there are no curves, since the network does not answer with it.
    """
    parts = segment(image, settings.segmentation)
    found = shares(made.map, parts)
    if made.target_name not in predictor.output_names:
        return Belief(made, parts, found)
    curves = yield from deletion.curves(predictor, image, made.target_name, made.map, settings.deletion, stop)
    return Belief(made, parts, found, curves)
