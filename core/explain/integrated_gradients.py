r"""Integrated gradients: follow the score from an empty image to the galaxy and ask each pixel for its share.

On the straight way from a baseline :math:`x'` without the galaxy to the image :math:`x`, pixel :math:`i` contributes

.. math:: A_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr)\, d\alpha ,

and all pixels and bands together account for the whole difference (completeness):
:math:`\sum_i A_i = f(x) - f(x')`. How far the sum is off, as a share of the difference, is the error of the integral,
and is given with every map. Errors of pixels that cancel in the sum stay hidden there, so the map's own error is given
too: the sum of the absolute changes when every second gradient is left out, as a share of the map's. On networks
trained on real galaxies a map from many hundreds of gradients differs by half of that to one and a half times as much.

The integral is a trapezoid sum. The score itself is known at every node :math:`\alpha_j`, and so is the error of each
piece of the way: what its two gradients promise, less what the score really does there. The pieces with the largest
error are halved until the whole error is below the tolerance. Every gradient is kept in the sum, so that nothing is
computed twice, as doubling the number of midpoints would. The first pieces are short near the empty image,
:math:`\alpha_j = (j/n)^3`, since a network's answer changes fastest when the galaxy begins to stand out.

References
----------
Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks", ICML.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import Stopped
from core.events import NEVER, Preview, Progress, Work
from core.explain import fused
from core.explain.explanation import Explanation
from core.explain.question import Question, ask, full_precision
from core.explain.settings import GradientSettings
from core.nets.predictor import Predictor

_FEWEST_HALVED = 2
_SHARE_HALVED = 8  # one piece in so many
_CHUNK_BYTES = 256e6
_KEPT_BYTES = 512e6


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: GradientSettings = GradientSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Share out the score of one output among pixels and bands.

    The explanation's ``map`` (H, W) is the sum over bands of its ``bands_map`` (C, H, W). Yields progress in steps,
    and as a preview the map from the first, coarse integral. Not more gradients are kept than fit into half a
    gigabyte, which may end the work before ``most_steps``; the error tells.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units; the way to it is straight in these, not in the scaled ones.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Baseline, tolerance and numbers of steps.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite.

    Examples
    --------
    Pixels and bands together account for the score, up to the error of the integral:

    >>> from core.data.cutouts import Cutouts
    >>> from core.events import result_of
    >>> predictor = Predictor.load("runs/first")
    >>> with Cutouts.open("survey.h5") as cutouts:
    ...     image = cutouts.images[0]
    >>> made = result_of(explain(predictor, image, "disk", GradientSettings(tolerance=0.01)))
    >>> made.error <= 0.01
    True
    >>> difference = made.score - made.baseline_score
    >>> bool(abs(made.map.sum() - difference) <= 0.011 * abs(difference))
    True
    """
    question = ask(predictor, image, output)
    baseline = _baseline(question, settings)
    most = min(settings.most_steps, max(settings.steps, int(_KEPT_BYTES / (4 * baseline.numel()))))
    wanted = np.linspace(0, 1, settings.steps + 1) ** 3
    outputs = fused.after_scaling(predictor)
    way = _Way(np.zeros(0), np.zeros(0), np.zeros(0), [])
    while True:
        for nodes in np.array_split(wanted, math.ceil(len(wanted) / chunk(question))):
            if stop.is_set():
                raise Stopped
            way = _with_nodes(way, _walked(question, outputs, baseline, nodes))
            yield Progress(len(way.nodes) - 1, None, "steps")
        if way.error <= settings.tolerance or len(way.nodes) > most:
            break
        if len(wanted) > settings.steps:
            yield Preview(_explanation(question, way, settings, galaxy_id))
        wanted = _halves(way)[: most + 1 - len(way.nodes)]
        if len(wanted) == 0:
            break
    return _explanation(question, way, settings, galaxy_id)


def why_not(_predictor: Predictor) -> str:
    """Every network can be asked in this way."""
    return ""


def _baseline(question: Question, settings: GradientSettings) -> Tensor:
    """Where the way starts, (C, H, W)."""
    if settings.baseline == "blurred":
        return question.blurred(settings.blur)
    return question.cover(settings.baseline, settings.seed)


@dataclass(frozen=True)
class _Way:
    """What is known along the way, at n nodes in rising order.

    ``scores`` (n,), ``slopes`` (n,): derivative of the score along the way; ``shares``: n tensors (C, H, W), the
    contributions of the pixels to the slope, which add up to it.
    """

    nodes: NDArray[np.float64]
    scores: NDArray[np.float64]
    slopes: NDArray[np.float64]
    shares: list[Tensor]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Of each piece: what the slopes promise less what the score does, (n - 1,)."""
        return np.diff(self.nodes) * (self.slopes[1:] + self.slopes[:-1]) / 2 - np.diff(self.scores)

    @property
    def error(self) -> float:
        """Completeness error of the whole."""
        return share_of(float(self.errors.sum()), float(self.scores[-1] - self.scores[0]))

    def integral(self, every: int = 1) -> NDArray[np.float32]:
        """Trapezoid sum of the shares at every so many-th node, and the last: (C, H, W)."""
        chosen = [*range(0, len(self.nodes) - 1, every), len(self.nodes) - 1]
        pieces = np.diff(self.nodes[chosen])
        total = torch.zeros_like(self.shares[0])
        for weight, place in zip((np.append(pieces, 0) + np.append(0, pieces)) / 2, chosen, strict=True):
            total.add_(self.shares[place], alpha=float(weight))
        return total.cpu().numpy()


def _walked(
    question: Question, outputs: Callable[[Tensor], Tensor], baseline: Tensor, nodes: NDArray[np.float64]
) -> _Way:
    """Ask the network at new nodes; ``outputs`` takes scaled images."""
    step = question.image - baseline  # (C, H, W)
    reached = torch.as_tensor(nodes, dtype=torch.float32, device=step.device)[:, None, None, None]
    scores, gradients = slopes(question, outputs, baseline + reached * step)
    shares = gradients.mul_(step)
    return _Way(nodes, _double(scores), _double(shares.flatten(1).sum(dim=1)), list(shares))


def slopes(
    question: Question, outputs: Callable[[Tensor], Tensor], images: Tensor, *, of_scaled: bool = False
) -> tuple[Tensor, Tensor]:
    """Scores (n,) of physical images, and how fast they rise with each pixel (n, C, H, W), physical or as scaled.

    ``outputs``, from :func:`~core.explain.fused.after_scaling`, takes scaled images.
    """
    scaled, way_back = fused.scaled_with_way_back(question.predictor.normalisation, images)
    with torch.enable_grad(), full_precision(images.device):
        scores = question.scores(outputs(scaled.requires_grad_()))
        (gradients,) = torch.autograd.grad(scores.sum(), scaled)
    return scores.detach(), gradients if of_scaled else way_back(gradients)


def _with_nodes(way: _Way, more: _Way) -> _Way:
    order = np.argsort(np.append(way.nodes, more.nodes))
    shares = [*way.shares, *more.shares]
    return _Way(
        np.append(way.nodes, more.nodes)[order],
        np.append(way.scores, more.scores)[order],
        np.append(way.slopes, more.slopes)[order],
        [shares[place] for place in order],
    )


def _halves(way: _Way) -> NDArray[np.float64]:
    """The middles of the pieces with the largest error."""
    number = max(_FEWEST_HALVED, len(way.nodes) // _SHARE_HALVED)
    worst = np.argsort(-np.abs(way.errors), kind="stable")[:number]
    return (way.nodes[worst] + way.nodes[worst + 1]) / 2


def _explanation(question: Question, way: _Way, settings: GradientSettings, galaxy_id: str) -> Explanation:
    bands = way.integral()  # (C, H, W)
    changed = float(np.abs(bands - way.integral(every=2)).sum(dtype=np.float64))
    score, start = float(way.scores[-1]), float(way.scores[0])
    return Explanation(
        galaxy_id=galaxy_id,
        method="integrated gradients",
        target_name=question.name,
        map=bands.sum(axis=0),
        score=score,
        baseline_score=start,
        error=share_of(float(bands.sum(dtype=np.float64)) - (score - start), score - start),
        settings=settings,
        probability=question.probability,
        unit=question.unit,
        bands_map=bands,
        steps=len(way.nodes),
        map_error=share_of(changed, float(np.abs(bands).sum(dtype=np.float64))),
    )


def share_of(off: float, difference: float) -> float:
    """An error as a share of a score difference."""
    if difference == 0:
        return 0.0 if off == 0 else math.inf
    return abs(off / difference)


def chunk(question: Question) -> int:
    """Images that go through the network at a time, with all their responses kept for the gradient."""
    pixels = question.image[0].numel()
    return max(1, int(_CHUNK_BYTES / (16 * question.predictor.network.settings.channels * pixels)))


def _double(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)
