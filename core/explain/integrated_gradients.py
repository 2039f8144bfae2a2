r"""Integrated gradients: the contribution of each pixel as the score changes from an empty image to the galaxy.

On the straight path from a baseline :math:`x'` without the galaxy to the image :math:`x`, pixel :math:`i` contributes

.. math:: A_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr)\, d\alpha ,

and all pixels and bands together account for the whole difference (completeness):
:math:`\sum_i A_i = f(x) - f(x')`. The completeness error is the deviation from that as a fraction of the
difference, and is given with every map. Errors of single pixels may cancel in the sum, so an error of the map itself is
given too: the sum of the absolute changes when every second gradient is left out, as a fraction of the map's absolute
sum. For networks trained on real galaxies, the deviation from a map of many hundreds of gradients is 0.5 to 1.5 times
that estimate.

The integral is a trapezoid sum. The score itself is known at every node :math:`\alpha_j`, and so is the error of each
interval: the change that its two gradients predict minus the actual change of the score. The intervals with the largest
error are halved until the total error is below the tolerance. Every gradient stays in the sum, so that nothing is
computed twice, unlike when the number of midpoints is doubled. The first intervals are short near the empty image,
:math:`\alpha_j = (j/n)^3`, since the output changes fastest where the galaxy begins to stand out.

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
from core.explain.explained_output import ExplainedOutput, full_precision, select_output
from core.explain.explanation import Explanation
from core.explain.settings import GradientSettings
from core.nets.predictor import Predictor

_FEWEST_HALVED = 2
_FRACTION_HALVED = 8  # one interval in this many
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
    """Attribute the score of one output to pixels and bands.

    The explanation's ``map`` (H, W) is the sum over bands of its ``bands_map`` (C, H, W). Yields progress in steps,
    and as a preview the map from the first, coarse integral. At most half a gigabyte of gradients is kept, which
    may end the work before ``most_steps``; the error shows it.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units; the path is straight in these, not in the scaled ones.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Baseline, tolerance and numbers of steps.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

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
    explained = select_output(predictor, image, output)
    baseline = _baseline(explained, settings)
    most = min(settings.most_steps, max(settings.steps, int(_KEPT_BYTES / (4 * baseline.numel()))))
    new_nodes = np.linspace(0, 1, settings.steps + 1) ** 3
    outputs = fused.logits_of_scaled(predictor)
    path = _Path(np.zeros(0), np.zeros(0), np.zeros(0), [])
    while True:
        for nodes in np.array_split(new_nodes, math.ceil(len(new_nodes) / batch_size(explained))):
            if stop.is_set():
                raise Stopped
            path = _merge(path, _evaluate_nodes(explained, outputs, baseline, nodes))
            yield Progress(len(path.nodes) - 1, None, "steps")
        if path.error <= settings.tolerance or len(path.nodes) > most:
            break
        if len(new_nodes) > settings.steps:
            yield Preview(_explanation(explained, path, settings, galaxy_id))
        new_nodes = _midpoints_of_worst(path)[: most + 1 - len(path.nodes)]
        if len(new_nodes) == 0:
            break
    return _explanation(explained, path, settings, galaxy_id)


def unsupported_reason(_predictor: Predictor) -> str:
    """Empty: every network supports this method."""
    return ""


def _baseline(explained: ExplainedOutput, settings: GradientSettings) -> Tensor:
    """The baseline image, (C, H, W), where the path starts."""
    if settings.baseline == "blurred":
        return explained.blurred(settings.blur)
    return explained.baseline_image(settings.baseline, settings.seed)


@dataclass(frozen=True)
class _Path:
    """Scores and gradients at n nodes along the path, in rising order.

    ``scores`` (n,), ``slopes`` (n,): derivative of the score along the path; ``contributions``: n tensors (C, H, W),
    those of the pixels to the slope, which add up to it.
    """

    nodes: NDArray[np.float64]
    scores: NDArray[np.float64]
    slopes: NDArray[np.float64]
    contributions: list[Tensor]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Error of each interval: predicted minus actual change of the score, (n - 1,)."""
        return np.diff(self.nodes) * (self.slopes[1:] + self.slopes[:-1]) / 2 - np.diff(self.scores)

    @property
    def error(self) -> float:
        """Completeness error of the whole path."""
        return relative_error(float(self.errors.sum()), float(self.scores[-1] - self.scores[0]))

    def integral(self, every: int = 1) -> NDArray[np.float32]:
        """Trapezoid sum of the contributions at every ``every``-th node and the last: (C, H, W)."""
        chosen = [*range(0, len(self.nodes) - 1, every), len(self.nodes) - 1]
        intervals = np.diff(self.nodes[chosen])
        total = torch.zeros_like(self.contributions[0])
        for weight, place in zip((np.append(intervals, 0) + np.append(0, intervals)) / 2, chosen, strict=True):
            total.add_(self.contributions[place], alpha=float(weight))
        return total.cpu().numpy()


def _evaluate_nodes(
    explained: ExplainedOutput, outputs: Callable[[Tensor], Tensor], baseline: Tensor, nodes: NDArray[np.float64]
) -> _Path:
    """Compute scores and gradients at new nodes; ``outputs`` takes scaled images."""
    step = explained.image - baseline  # (C, H, W)
    reached = torch.as_tensor(nodes, dtype=torch.float32, device=step.device)[:, None, None, None]
    scores, gradients = scores_and_gradients(explained, outputs, baseline + reached * step)
    contributions = gradients.mul_(step)
    return _Path(nodes, _to_float64(scores), _to_float64(contributions.flatten(1).sum(dim=1)), list(contributions))


def scores_and_gradients(
    explained: ExplainedOutput, outputs: Callable[[Tensor], Tensor], images: Tensor, *, of_scaled: bool = False
) -> tuple[Tensor, Tensor]:
    """Scores (n,) of physical images, and gradients (n, C, H, W) with respect to physical or scaled pixels.

    ``outputs``, from :func:`~core.explain.fused.logits_of_scaled`, takes scaled images.
    """
    scaled, vjp = fused.scale_with_vjp(explained.predictor.normalisation, images)
    with torch.enable_grad(), full_precision(images.device):
        scores = explained.scores(outputs(scaled.requires_grad_()))
        (gradients,) = torch.autograd.grad(scores.sum(), scaled)
    return scores.detach(), gradients if of_scaled else vjp(gradients)


def _merge(path: _Path, more: _Path) -> _Path:
    order = np.argsort(np.append(path.nodes, more.nodes))
    contributions = [*path.contributions, *more.contributions]
    return _Path(
        np.append(path.nodes, more.nodes)[order],
        np.append(path.scores, more.scores)[order],
        np.append(path.slopes, more.slopes)[order],
        [contributions[place] for place in order],
    )


def _midpoints_of_worst(path: _Path) -> NDArray[np.float64]:
    """The midpoints of the intervals with the largest error."""
    number = max(_FEWEST_HALVED, len(path.nodes) // _FRACTION_HALVED)
    worst = np.argsort(-np.abs(path.errors), kind="stable")[:number]
    return (path.nodes[worst] + path.nodes[worst + 1]) / 2


def _explanation(explained: ExplainedOutput, path: _Path, settings: GradientSettings, galaxy_id: str) -> Explanation:
    bands = path.integral()  # (C, H, W)
    changed = float(np.abs(bands - path.integral(every=2)).sum(dtype=np.float64))
    score, start = float(path.scores[-1]), float(path.scores[0])
    return Explanation(
        galaxy_id=galaxy_id,
        method="integrated gradients",
        target_name=explained.name,
        map=bands.sum(axis=0),
        score=score,
        baseline_score=start,
        error=relative_error(float(bands.sum(dtype=np.float64)) - (score - start), score - start),
        settings=settings,
        probability=explained.probability,
        unit=explained.unit,
        bands_map=bands,
        steps=len(path.nodes),
        map_error=relative_error(changed, float(np.abs(bands).sum(dtype=np.float64))),
    )


def relative_error(off: float, difference: float) -> float:
    """An error as a fraction of a score difference."""
    if difference == 0:
        return 0.0 if off == 0 else math.inf
    return abs(off / difference)


def batch_size(explained: ExplainedOutput) -> int:
    """Images per batch, with all their responses kept for the gradient."""
    pixels = explained.image[0].numel()
    return max(1, int(_CHUNK_BYTES / (16 * explained.predictor.network.settings.channels * pixels)))


def _to_float64(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)
