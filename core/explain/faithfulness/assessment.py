"""Assessment of one map: where it lies, and whether the network needs the pixels that it calls important."""

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
from core.explain.faithfulness.localisation import Localisation, localise
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.nets.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Assessment:
    """Localisation and faithfulness of one map.

    Attributes
    ----------
    explanation
        The map.
    segmentation
        Galaxy, neighbours and sky in its image.
    localisation
        How much of the map lies on each of them.
    curves
        The output without the pixels that the map calls important; None for the map of a layer.
    """

    explanation: Explanation
    segmentation: Segmentation
    localisation: Localisation
    curves: DeletionCurves | None = None

    def sentences(self) -> list[str]:
        """The assessment as text."""
        return [*self.localisation.sentences(), *([self.curves.sentence()] if self.curves else [])]


def explain_and_assess(
    predictor: Predictor,
    image: NDArray[np.float32],
    output: int | str | None,
    settings: FaithfulnessSettings,
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Assessment]:
    """Make a map, and assess it.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        The method, and how its map is assessed.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, the image is not finite, or the method does not work
        for the network.
    """
    made = yield from methods.explain(
        settings.method, predictor, image, output, methods.METHODS[settings.method].settings(), stop, galaxy_id
    )
    return (yield from assess(predictor, image, made, settings, stop))


def assess(
    predictor: Predictor,
    image: NDArray[np.float32],
    made: Explanation,
    settings: FaithfulnessSettings,
    stop: threading.Event = NEVER,
) -> Work[Assessment]:
    """Assess a map that exists already; the parameters are those of :func:`explain_and_assess`.

    The map of a layer or filter has no deletion curves, since there is no output to follow.
    """
    parts = segment(image, settings.segmentation)
    found = localise(made.map, parts)
    if made.target_name not in predictor.output_names:
        return Assessment(made, parts, found)
    curves = yield from deletion.compute_curves(predictor, image, made.target_name, made.map, settings.deletion, stop)
    return Assessment(made, parts, found, curves)
