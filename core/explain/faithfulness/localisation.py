"""How much of a map lies on the galaxy, on its neighbours, and on the sky.

There are two questions. *Where does the map lie?* That is answered by the shares of its absolute values. *On what does
the decision rest?* Only evidence for the output counts here, and it must be compared with the area: the sky is large,
and a little in each of its pixels adds up to more than a small galaxy has. The decision rests on the region whose share
of the evidence for the output is largest *in excess of its share of the area*, which is what a uniform map would put
there. The same measure holds for a coarse map, which spreads the evidence of a galaxy over the sky around it.

Evidence for and against do not cancel. They alternate from pixel to pixel in the maps of fine methods, and the net
evidence of a galaxy may be less than that of the sky, though nearly all of it lies on the galaxy.
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
from core.wording import percent

Region = Literal["galaxy", "neighbour", "sky", "nothing"]
REGIONS: tuple[Region, ...] = ("galaxy", "neighbour", "sky", "nothing")
_ROUNDING = 1e-6  # relative to the whole map: less is no evidence


@dataclass(frozen=True)
class Localisation:
    """Shares of one map on galaxy, neighbours and sky.

    Attributes
    ----------
    galaxy, neighbours, sky
        Share of the absolute attribution on each, in [0, 1]; they add up to 1. NaN for a map of zeros.
    area_galaxy, area_neighbours, area_sky
        Share of the pixels of each.
    rests_on
        The region on which the decision rests; ``"nothing"`` where no region holds evidence for the output.
    """

    galaxy: float
    neighbours: float
    sky: float
    area_galaxy: float
    area_neighbours: float
    area_sky: float
    rests_on: Region

    def sentences(self) -> list[str]:
        """The shares and the verdict as text."""
        if math.isnan(self.galaxy):
            return ["The map is empty: no pixel speaks for or against the answer."]
        shares = [_describe_share("of the evidence lies on the galaxy", self.galaxy, self.area_galaxy)]
        if self.area_neighbours:
            shares.append(_describe_share("on neighbours", self.neighbours, self.area_neighbours))
        shares.append(_describe_share("on the sky", self.sky, self.area_sky))
        whole = [", ".join(shares) + "."]
        if not self.area_galaxy:
            whole.append("There is no galaxy at the centre of the image.")
        return [*whole, _VERDICTS[self.rests_on]]


_VERDICTS: dict[Region, str] = {
    "galaxy": "The decision rests on the galaxy.",
    "neighbour": "The decision rests on a neighbour.",
    "sky": "The decision rests on the sky.",
    "nothing": "No part of the image speaks for the answer.",
}


def localise(map: NDArray[np.floating], segmentation: Segmentation) -> Localisation:  # noqa: A002
    """Measure how much of a map lies on each region.

    Parameters
    ----------
    map
        (H, W), finite.
    segmentation
        Segmentation of the same image.

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
        return _localisation(np.full(3, math.nan), areas, "nothing")
    fractions = strengths / whole
    return _localisation(fractions, areas, _decisive_region(np.clip(values, 0, None), parts, areas))


def _decisive_region(
    evidence: NDArray[np.float64], parts: Sequence[NDArray[np.bool_]], areas: NDArray[np.float64]
) -> Region:
    whole = evidence.sum()
    if whole == 0:
        return "nothing"
    excess = np.array([evidence[part].sum() for part in parts]) / whole - areas
    strongest = int(excess.argmax())
    return REGIONS[strongest] if excess[strongest] > _ROUNDING else "nothing"


def _localisation(fractions: NDArray[np.float64], areas: NDArray[np.float64], region: Region) -> Localisation:
    galaxy, neighbours, sky = fractions.tolist()
    area_galaxy, area_neighbours, area_sky = areas.tolist()
    return Localisation(galaxy, neighbours, sky, area_galaxy, area_neighbours, area_sky, region)


def _describe_share(where: str, share: float, area: float) -> str:
    return f"{percent(share)} {where} ({percent(area)} of the image)"
