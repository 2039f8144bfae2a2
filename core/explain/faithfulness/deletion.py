r"""Deletion and insertion: whether the network needs the pixels that a map calls important.

*Deletion* replaces the pixels of the galaxy, those with the largest values of the map first, by an image without
galaxy, and follows the network's output; the sooner it falls, the better the map has found what it depends on.
*Insertion* puts the pixels onto the empty image in the same order, and the output should rise soon. The areas under
both curves are compared with those of random orders.

What is followed is the probability of a class, or the vote fraction. For a quantity :math:`q`, which has none, the
relative change is followed instead, :math:`(q - q_{\rm empty}) / (q_{\rm full} - q_{\rm empty})`: one for the whole
galaxy, zero for the empty image, outside these where parts of a galaxy yield more or less than both. Where the network
gives the same value for both, there is no change to follow, and the curves are NaN.

Both orders are of regions, not of single pixels, as in Samek et al. (2017). Images with single pixels missing
everywhere are far from the training distribution: the output collapses for that reason alone, and hardly any map could
do better. The random orders are therefore of squares, and the map is smoothed by a few pixels before its pixels are
ranked. Otherwise a map as fine as the pixels inserts scattered pixels, and fails whatever it has found.

A reversed random order is equally random, and what is left after deletion in one order is what insertion in the
reversed order has put in. So the same images give both random curves, mirror images with the same area.

References
----------
Petsiuk, Das & Saenko 2018, "RISE: randomized input sampling for explanation of black-box models", BMVC;
Samek, Binder, Montavon, Lapuschkin & Müller 2017, "Evaluating the visualization of what a deep neural network has
learned", IEEE Transactions on Neural Networks and Learning Systems 28, 2660.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from core.data.target import Quantities
from core.errors import NotPossible, Stopped
from core.events import NEVER, Progress, Work
from core.explain import fused
from core.explain.explained_output import ExplainedOutput, select_output
from core.explain.faithfulness.settings import DeletionSettings
from core.nets import heads
from core.nets.device import full_precision
from core.nets.predictor import Predictor

_CHUNK_BYTES = {"cpu": 16e6}  # as for occlusion: near the processor's caches; a graphics card is faster with more
_LARGE_CHUNK_BYTES = 512e6
_ROUNDING = 1e-6  # a smaller relative change of a quantity is float32 rounding


@dataclass(frozen=True, eq=False)
class DeletionCurves:
    """The network's output while pixels are deleted or inserted, each float64 (n + 1,).

    Attributes
    ----------
    target_name
        The class, answer or quantity that is followed.
    fractions
        Share of the pixels that are deleted or inserted, from 0 to 1.
    deletion, insertion
        Output in the order of the map.
    random_deletion, random_insertion
        Output in random order, the mean over several orders.
    """

    target_name: str
    fractions: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    random_deletion: NDArray[np.float64]
    random_insertion: NDArray[np.float64]

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve; small is good."""
        return self._area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve; large is good."""
        return self._area(self.insertion)

    @property
    def random_deletion_area(self) -> float:
        """Area under the deletion curve in random order; equal to that of insertion."""
        return self._area(self.random_deletion)

    @property
    def random_insertion_area(self) -> float:
        """Area under the insertion curve in random order; equal to that of deletion."""
        return self._area(self.random_insertion)

    @property
    def is_faithful(self) -> bool:
        """Whether the map ranks the pixels better than chance, in both directions.

        The output falls sooner (smaller deletion area) and rises sooner (larger insertion area) than in random
        order. One alone is not enough: a map of all bright pixels may destroy any galaxy quickly. False where the
        curves are NaN.
        """
        return self.deletion_area < self.random_deletion_area and self.insertion_area > self.random_insertion_area

    def sentence(self) -> str:
        """The areas as text."""
        verdict = "The network needs" if self.is_faithful else "It is not clear that the network needs"
        return (
            f"{verdict} the pixels that the map calls important: as they go, “{self.target_name}” keeps "
            f"{self.deletion_area:.2f} on average ({self.random_deletion_area:.2f} in random order); as they come, it "
            f"has {self.insertion_area:.2f} ({self.random_insertion_area:.2f})."
        )

    def _area(self, curve: NDArray[np.float64]) -> float:
        return float(np.trapezoid(curve, self.fractions))


def compute_curves(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None,
    ranking: NDArray[np.floating],
    settings: DeletionSettings,
    stop: threading.Event = NEVER,
) -> Work[DeletionCurves]:
    """Follow one output while the pixels of a galaxy are deleted, and inserted, in the order of a map.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to follow; None: the one with the highest score.
    ranking
        A map (H, W) whose most important pixels have the largest values. Equal pixels come in random order, NaN
        last.
    settings
        Number of steps and of random orders, what replaces the pixels, and how far the map is smoothed.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, the map does not fit the image, or the image is not finite.
    """
    explained = select_output(predictor, image, output)
    height, width = explained.image.shape[1:]
    if ranking.shape != (height, width):
        raise NotPossible(f"The map is {ranking.shape}, and the image is {(height, width)}.")
    random = np.random.default_rng(settings.seed)
    ranks = torch.from_numpy(_ranks(_smooth(ranking, settings.smoothing), random))
    counts = torch.linspace(0, height * width, settings.steps + 1, dtype=torch.float64).round().long()
    within = counts[1:-1, None, None]
    shuffled = (_random_blocks((height, width), settings.block, random) for _ in range(settings.rankings))
    random_orders = [torch.from_numpy(_ranks(squares, random)) for squares in shuffled]
    kept = [ranks >= within, *(order < within for order in (ranks, *random_orders))]  # (n - 1, H, W) each
    values = yield from _evaluate_masks(explained, settings, torch.cat(kept), stop)
    full, empty = values[:2]
    deletion, insertion, *random_insertions = values[2:].reshape(len(kept), -1)
    random_insertion = np.mean(random_insertions, axis=0)
    return DeletionCurves(
        target_name=explained.name,
        fractions=counts.numpy() / (height * width),
        deletion=np.r_[full, deletion, empty],
        insertion=np.r_[empty, insertion, full],
        random_deletion=np.r_[full, random_insertion[::-1], empty],
        random_insertion=np.r_[empty, random_insertion, full],
    )


def _smooth(ranking: NDArray[np.floating], sigma: float) -> NDArray[np.float64]:
    """The map (H, W) smoothed with a Gaussian; NaN stay, and count as zero for their neighbours."""
    known = np.isfinite(ranking)
    values = gaussian_filter(np.where(known, ranking, 0.0).astype(np.float64), sigma, mode="nearest")
    return np.where(known, values, np.nan)


def _ranks(ranking: NDArray[np.floating], random: np.random.Generator) -> NDArray[np.int64]:
    """Rank (H, W) of each pixel in descending order, from 0."""
    values = np.where(np.isnan(ranking), -np.inf, ranking).ravel()
    order = np.lexsort((random.random(values.size), -values))
    ranks = np.empty(values.size, np.int64)
    ranks[order] = np.arange(values.size)
    return ranks.reshape(ranking.shape)


def _random_blocks(shape: tuple[int, int], side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A map (H, W) of squares of random values, on a grid with a random offset."""
    top, left = random.integers(side, size=2)
    values = random.random((math.ceil(shape[0] / side) + 1, math.ceil(shape[1] / side) + 1))
    return values.repeat(side, axis=0).repeat(side, axis=1)[top : top + shape[0], left : left + shape[1]]


@torch.no_grad()
def _evaluate_masks(
    explained: ExplainedOutput, settings: DeletionSettings, kept: Tensor, stop: threading.Event
) -> Work[NDArray[np.float64]]:
    """The followed value, float64 (2 + m,): for the image, the empty image, and images with only some pixels kept.

    ``kept`` (m, H, W) holds their masks. Pixels are replaced after the scaling where that is pixelwise.
    """
    predictor, device = explained.predictor, explained.image.device
    is_pixelwise = predictor.normalisation.is_pixelwise
    outputs = fused.logits_of_scaled(predictor) if is_pixelwise else fused.logits_of_physical(predictor)
    cover = explained.baseline_image(settings.fill, settings.seed)
    budget = _CHUNK_BYTES.get(device.type, _LARGE_CHUNK_BYTES)
    chunk = max(1, int(budget / (4 * 64 * kept[0].numel())))
    found: list[Tensor] = []
    with full_precision(device):
        both = torch.stack([explained.image, cover])
        full, empty = predictor.normalisation(both) if is_pixelwise else both
        found.append(outputs(torch.stack([full, empty])))
        for done, which in enumerate(kept.split(chunk)):
            if stop.is_set():
                raise Stopped
            found.append(outputs(torch.where(which[:, None].to(device), full, empty)))
            yield Progress(min(len(kept), (done + 1) * chunk), len(kept), "images")
    return np.asarray(_followed_values(explained, torch.cat(found)).cpu(), np.float64)


def _followed_values(explained: ExplainedOutput, outputs: Tensor) -> Tensor:
    """The followed values (n,) from the network's outputs (n, K); the first two are the image's and the empty one's."""
    target = explained.predictor.target
    if not isinstance(target, Quantities):
        return heads.apply_activation(target, outputs)[:, explained.index]
    values = explained.scores(outputs).double()
    full, empty = values[:2]
    change = full - empty
    if change.abs() <= _ROUNDING * torch.maximum(full.abs(), empty.abs()):
        return torch.full_like(values, math.nan)
    return (values - empty) / change
