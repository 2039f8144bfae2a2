r"""Deletion and insertion: whether the network needs the pixels that a map calls important.

*Deletion* replaces the pixels of the galaxy, those with the largest values of the map first, by an image without
galaxy, and follows what the network says; the sooner its answer falls, the better the map has found what it rests
on. *Insertion* puts the pixels onto the empty image in the same order, and the answer should rise soon. The areas
under both curves are compared with those of random orders.

What is followed is the probability of a class, or the vote fraction. A quantity :math:`q` has none, and its change is
followed instead, :math:`(q - q_{\rm empty}) / (q_{\rm full} - q_{\rm empty})`: one for the whole galaxy, zero for the
empty image, beyond these where pieces of a galaxy look larger or smaller than both. Where the network gives the same
value for both, there is no change to follow, and the curves are NaN.

Both orders are of regions, not of single pixels, as in Samek et al. (2017). Pixels that are missing everywhere look
like nothing that the network has ever seen: its answer collapses for that reason alone, and nearly no map could be
better. The random orders are therefore of squares, and the map is smoothed by a few pixels before its pixels are put
in order. Without that, a map as fine as the pixels inserts scattered pixels, and fails whatever it has found.

A random order read backwards is as random, and what is left after deleting the one is what was inserted by the
other. So the same images give both random curves, one the mirror of the other, with one area under both.

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
from core.explain.faithfulness.settings import DeletionSettings
from core.explain.question import Question, ask, full_precision
from core.nets import heads
from core.nets.predictor import Predictor

_CHUNK_BYTES = {"cpu": 16e6}  # as for occlusion: near the processor's caches; a graphics card wants more
_LARGE_CHUNK_BYTES = 512e6
_ROUNDING = 1e-6  # a smaller change of a quantity, as a share of it, is float32's own


@dataclass(frozen=True, eq=False)
class DeletionCurves:
    """What the network says while pixels go or come, each float64 (n + 1,).

    Attributes
    ----------
    target_name
        The class, answer or quantity that is followed.
    fractions
        Share of the pixels that are deleted or inserted, from 0 to 1.
    deletion, insertion
        In the order of the map.
    random_deletion, random_insertion
        In random order, the mean over several.
    """

    target_name: str
    fractions: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    random_deletion: NDArray[np.float64]
    random_insertion: NDArray[np.float64]

    @property
    def deletion_area(self) -> float:
        """Under the deletion curve; small is good."""
        return self._area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Under the insertion curve; large is good."""
        return self._area(self.insertion)

    @property
    def random_deletion_area(self) -> float:
        """Under the deletion curve in random order; as large as that of insertion."""
        return self._area(self.random_deletion)

    @property
    def random_insertion_area(self) -> float:
        """Under the insertion curve in random order; as large as that of deletion."""
        return self._area(self.random_insertion)

    @property
    def is_faithful(self) -> bool:
        """Whether the map orders the pixels better than chance, in both directions.

        The answer falls sooner (smaller deletion area) and rises sooner (larger insertion area) than in random
        order. One alone is not enough: a map of all bright pixels may destroy any galaxy quickly. False where the
        curves are NaN.
        """
        return self.deletion_area < self.random_deletion_area and self.insertion_area > self.random_insertion_area

    def sentence(self) -> str:
        """The areas in words."""
        verdict = "The network needs" if self.is_faithful else "It is not clear that the network needs"
        return (
            f"{verdict} the pixels that the map calls important: as they go, “{self.target_name}” keeps "
            f"{self.deletion_area:.2f} on average ({self.random_deletion_area:.2f} in random order); as they come, it "
            f"has {self.insertion_area:.2f} ({self.random_insertion_area:.2f})."
        )

    def _area(self, curve: NDArray[np.float64]) -> float:
        return float(np.trapezoid(curve, self.fractions))


def curves(
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
        A map (H, W), the most important pixels having the largest values. Equal pixels come in random order, NaN
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
    question = ask(predictor, image, output)
    height, width = question.image.shape[1:]
    if ranking.shape != (height, width):
        raise NotPossible(f"The map is {ranking.shape}, and the image is {(height, width)}.")
    random = np.random.default_rng(settings.seed)
    places = torch.from_numpy(_places(_smoothed(ranking, settings.smoothing), random))
    counts = torch.linspace(0, height * width, settings.steps + 1, dtype=torch.float64).round().long()
    within = counts[1:-1, None, None]
    shuffled = (_squares((height, width), settings.block, random) for _ in range(settings.rankings))
    by_chance = [torch.from_numpy(_places(squares, random)) for squares in shuffled]
    kept = [places >= within, *(order < within for order in (places, *by_chance))]  # (n - 1, H, W) each
    followed = yield from _followed(question, settings, torch.cat(kept), stop)
    full, empty = followed[:2]
    deletion, insertion, *random_insertions = followed[2:].reshape(len(kept), -1)
    random_insertion = np.mean(random_insertions, axis=0)
    return DeletionCurves(
        target_name=question.name,
        fractions=counts.numpy() / (height * width),
        deletion=np.r_[full, deletion, empty],
        insertion=np.r_[empty, insertion, full],
        random_deletion=np.r_[full, random_insertion[::-1], empty],
        random_insertion=np.r_[empty, random_insertion, full],
    )


def _smoothed(ranking: NDArray[np.floating], sigma: float) -> NDArray[np.float64]:
    """The map (H, W) after a Gaussian; NaN stays, and gives nothing to its neighbours."""
    known = np.isfinite(ranking)
    values = gaussian_filter(np.where(known, ranking, 0.0).astype(np.float64), sigma, mode="nearest")
    return np.where(known, values, np.nan)


def _places(ranking: NDArray[np.floating], random: np.random.Generator) -> NDArray[np.int64]:
    """Place (H, W) of each pixel in descending order, from 0."""
    values = np.where(np.isnan(ranking), -np.inf, ranking).ravel()
    order = np.lexsort((random.random(values.size), -values))
    places = np.empty(values.size, np.int64)
    places[order] = np.arange(values.size)
    return places.reshape(ranking.shape)


def _squares(shape: tuple[int, int], side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A map (H, W) of squares of random values, on a grid that begins anywhere."""
    top, left = random.integers(side, size=2)
    values = random.random((math.ceil(shape[0] / side) + 1, math.ceil(shape[1] / side) + 1))
    return values.repeat(side, axis=0).repeat(side, axis=1)[top : top + shape[0], left : left + shape[1]]


@torch.no_grad()
def _followed(
    question: Question, settings: DeletionSettings, kept: Tensor, stop: threading.Event
) -> Work[NDArray[np.float64]]:
    """What is followed, float64 (2 + m,): of the image, of the empty image, and where only some pixels are kept.

    ``kept`` (m, H, W) tells which. Pixels are replaced after the scaling where it works on each of them by itself.
    """
    predictor, device = question.predictor, question.image.device
    is_pixelwise = predictor.normalisation.is_pixelwise
    outputs = fused.after_scaling(predictor) if is_pixelwise else fused.logits(predictor)
    cover = question.cover(settings.fill, settings.seed)
    budget = _CHUNK_BYTES.get(device.type, _LARGE_CHUNK_BYTES)
    chunk = max(1, int(budget / (4 * 64 * kept[0].numel())))
    found: list[Tensor] = []
    with full_precision(device):
        both = torch.stack([question.image, cover])
        full, empty = predictor.normalisation(both) if is_pixelwise else both
        found.append(outputs(torch.stack([full, empty])))
        for done, which in enumerate(kept.split(chunk)):
            if stop.is_set():
                raise Stopped
            found.append(outputs(torch.where(which[:, None].to(device), full, empty)))
            yield Progress(min(len(kept), (done + 1) * chunk), len(kept), "images")
    return np.asarray(_answers(question, torch.cat(found)).cpu(), np.float64)


def _answers(question: Question, outputs: Tensor) -> Tensor:
    """What is followed (n,), from the network's outputs (n, K); the first two are of the image and the empty one."""
    target = question.predictor.target
    if not isinstance(target, Quantities):
        return heads.activation(target, outputs)[:, question.index]
    values = question.scores(outputs).double()
    full, empty = values[:2]
    change = full - empty
    if change.abs() <= _ROUNDING * torch.maximum(full.abs(), empty.abs()):
        return torch.full_like(values, math.nan)
    return (values - empty) / change
