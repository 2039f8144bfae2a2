"""How much of a map lies on the galaxy, on its neighbours, and on the sky.

Two questions have two answers. *Where does the map lie?* The shares of its absolute values tell, whatever their sign.
*On what does the decision rest?* Only what speaks for the answer counts there, and a fair count is needed: the sky is
wide, and a little in each of its pixels adds up to more than a small galaxy has. The decision rests on the part whose
share of the evidence for the answer is largest *in excess of its share of the area*, which is what an even map would
put there. A coarse map, which spills the light of a galaxy over the sky around it, is judged by the same measure.

Evidence for and against are not set off against each other. They alternate from pixel to pixel in the maps of fine
methods, and what is left of a galaxy's evidence then may be less than what is left of the sky's, though nearly all of
it lies on the galaxy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.data.segmentation import Segmentation
from core.errors import NotPossible

Ground = Literal["galaxy", "neighbour", "sky", "nothing"]
GROUNDS: tuple[Ground, ...] = ("galaxy", "neighbour", "sky", "nothing")
_ROUNDING = 1e-6  # of the whole map: less is no evidence


@dataclass(frozen=True)
class Localisation:
    """Of one map.

    Attributes
    ----------
    galaxy, neighbours, sky
        Share of the absolute attribution on each, in [0, 1]; they add up to 1. NaN for a map of zeros.
    area_galaxy, area_neighbours, area_sky
        Share of the pixels of each.
    rests_on
        On what the decision rests; ``"nothing"`` where no part speaks for the answer.
    """

    galaxy: float
    neighbours: float
    sky: float
    area_galaxy: float
    area_neighbours: float
    area_sky: float
    rests_on: Ground

    def sentences(self) -> list[str]:
        """In words and numbers."""
        if math.isnan(self.galaxy):
            return ["The map is empty: no pixel speaks for or against the answer."]
        told = [_told("of the evidence lies on the galaxy", self.galaxy, self.area_galaxy)]
        if self.area_neighbours:
            told.append(_told("on neighbours", self.neighbours, self.area_neighbours))
        told.append(_told("on the sky", self.sky, self.area_sky))
        whole = [", ".join(told) + "."]
        if not self.area_galaxy:
            whole.append("There is no galaxy at the centre of the image.")
        return [*whole, _VERDICTS[self.rests_on]]


_VERDICTS: dict[Ground, str] = {
    "galaxy": "The decision rests on the galaxy.",
    "neighbour": "The decision rests on a neighbour.",
    "sky": "The decision rests on the sky.",
    "nothing": "No part of the image speaks for the answer.",
}


def shares(map: NDArray[np.floating], segmentation: Segmentation) -> Localisation:  # noqa: A002
    """Share out a map.

    Parameters
    ----------
    map
        (H, W), finite.
    segmentation
        Of the same image.

    Raises
    ------
    NotPossible
        The map is of another size.
    """
    if map.shape != segmentation.labels.shape:
        raise NotPossible(f"The map is {map.shape}, and the image is {segmentation.labels.shape}.")
    parts = (segmentation.galaxy, segmentation.neighbours, segmentation.sky)
    values = np.asarray(map, np.float64)
    values = values / (np.abs(values).max() or 1.0)  # sums of the smallest and largest numbers stay finite
    areas = np.array([part.mean() for part in parts])
    strengths = np.array([np.abs(values[part]).sum() for part in parts])
    whole = float(strengths.sum())
    if whole == 0:
        return _shared(np.full(3, math.nan), areas, "nothing")
    fractions = strengths / whole
    return _shared(fractions, areas, _ground(np.clip(values, 0, None), parts, areas))


def _ground(evidence: NDArray[np.float64], parts: Sequence[NDArray[np.bool_]], areas: NDArray[np.float64]) -> Ground:
    whole = evidence.sum()
    if whole == 0:
        return "nothing"
    excess = np.array([evidence[part].sum() for part in parts]) / whole - areas
    strongest = int(excess.argmax())
    return GROUNDS[strongest] if excess[strongest] > _ROUNDING else "nothing"


def _shared(fractions: NDArray[np.float64], areas: NDArray[np.float64], ground: Ground) -> Localisation:
    galaxy, neighbours, sky = fractions.tolist()
    area_galaxy, area_neighbours, area_sky = areas.tolist()
    return Localisation(galaxy, neighbours, sky, area_galaxy, area_neighbours, area_sky, ground)


def _told(where: str, share: float, area: float) -> str:
    return f"{100 * share:.0f} % {where} ({100 * area:.0f} % of the image)"
