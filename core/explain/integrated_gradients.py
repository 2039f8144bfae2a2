r"""Integrated gradients: the contribution of each pixel as the score changes from an empty image to the galaxy.

On the straight path from a baseline :math:`x'` without the galaxy to the image :math:`x`, pixel :math:`i` contributes

.. math:: A_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr)\, d\alpha ,

and all pixels and bands together account for the whole difference (completeness):
:math:`\sum_i A_i = f(x) - f(x')`. The completeness error is the deviation from that as a fraction of the
difference, and is given with every map. Errors of single pixels may cancel in the sum, so an error of the map itself is
given too: the sum of the absolute changes when every second gradient is left out, as a fraction of the map's absolute
sum; half of it where gradients are averages, since those that are left then lack a half of their stretch. The deviation
from a map of many hundreds of gradients is 0.5 to 1.5 times that estimate.

The integral is a trapezoid sum over scaled pixels :math:`s_i(\alpha)`: of each interval the mean of the gradients at
its ends, times the change of the scaled pixel, which is known exactly however strongly the scaling bends,

.. math:: A_i \approx \sum_j \tfrac{1}{2} \left( \frac{\partial f}{\partial s_i}\Big|_{\alpha_j}
    + \frac{\partial f}{\partial s_i}\Big|_{\alpha_{j+1}} \right)
    \bigl( s_i(\alpha_{j+1}) - s_i(\alpha_j) \bigr) .

The first nodes are evenly spaced. There are more errors of single pixels than of the sum, and they come from the jumps
of the gradient, which are spread over the whole path. So the gradients of the first pass are averages over a node's
stretch, see :mod:`~core.explain.path_averages`, where the network's layers are of a known kind and there are at least
16 intervals that fit into one batch. The score itself is known at every node :math:`\alpha_j`, and so is the error of
each interval: the change that its two gradients predict minus the actual change of the score. The intervals with the
largest error are halved until the total error is below the tolerance. Every gradient stays in the sum, so that nothing
is computed twice.

References
----------
Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks", ICML.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import Stopped
from core.events import NEVER, Preview, Progress, Work
from core.explain import fused
from core.explain.explained_output import ExplainedOutput, select_output
from core.explain.explanation import Explanation
from core.explain.path_averages import outputs_along_path
from core.explain.settings import GradientSettings
from core.nets.device import full_precision
from core.nets.predictor import Predictor

_FEWEST_AVERAGED = 16  # intervals; between nodes that are farther apart, responses are not linear
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
    most = min(settings.most_steps, max(settings.steps, int(_KEPT_BYTES / (8 * baseline.numel()))))
    new_nodes = np.linspace(0, 1, settings.steps + 1)
    fits = _FEWEST_AVERAGED < len(new_nodes) <= batch_size(explained)
    averaged = outputs_along_path(predictor) if fits else None
    outputs = averaged or fused.logits_of_scaled(predictor)
    path = _Path(np.zeros(0), np.zeros(0), [], [], averaged is not None)
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
        if outputs is averaged:  # it takes nodes in an even row
            outputs = fused.logits_of_scaled(predictor)
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

    ``scores`` (n,); ``inputs`` and ``gradients``: n tensors (C, H, W) each, where the path is at a node, and the
    score's derivatives there, both in scaled pixels where the scaling is one pixel by pixel, else in physical ones.
    ``is_averaged``: the gradients of the first pass are averages.
    """

    nodes: NDArray[np.float64]
    scores: NDArray[np.float64]
    inputs: list[Tensor]
    gradients: list[Tensor]
    is_averaged: bool = False

    @cached_property
    def errors(self) -> NDArray[np.float64]:
        """Error of each interval: predicted minus actual change of the score, (n - 1,)."""
        predicted = [float(self._between(place, place + 1).sum(dtype=torch.float64)) for place in range(len(self) - 1)]
        return np.array(predicted) - np.diff(self.scores)

    @property
    def error(self) -> float:
        """Completeness error of the whole path."""
        return relative_error(float(self.errors.sum()), float(self.scores[-1] - self.scores[0]))

    def integral(self, every: int = 1) -> NDArray[np.float32]:
        """Trapezoid sum over every ``every``-th node and the last: (C, H, W)."""
        chosen = [*range(0, len(self) - 1, every), len(self) - 1]
        total = torch.zeros_like(self.inputs[0])
        for start, end in itertools.pairwise(chosen):
            total.add_(self._between(start, end))
        return total.cpu().numpy()

    def _between(self, start: int, end: int) -> Tensor:
        """What each pixel contributes from one node to another."""
        change = self.inputs[end] - self.inputs[start]
        return change.mul_(self.gradients[start] + self.gradients[end]).mul_(0.5)

    def __len__(self) -> int:
        return len(self.nodes)


def _evaluate_nodes(
    explained: ExplainedOutput, outputs: Callable[[Tensor], Tensor], baseline: Tensor, nodes: NDArray[np.float64]
) -> _Path:
    """Compute scores and gradients at new nodes; ``outputs`` takes scaled images."""
    reached = torch.as_tensor(nodes, dtype=torch.float32, device=baseline.device)[:, None, None, None]
    images = baseline + reached * (explained.image - baseline)
    scaling = explained.predictor.normalisation
    scores, gradients = scores_and_gradients(explained, outputs, images, of_scaled=scaling.is_pixelwise)
    inputs = scaling.scale_fast(images) if scaling.is_pixelwise else images
    return _Path(nodes, _to_float64(scores), list(inputs), list(gradients))


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
    inputs, gradients = [*path.inputs, *more.inputs], [*path.gradients, *more.gradients]
    return _Path(
        np.append(path.nodes, more.nodes)[order],
        np.append(path.scores, more.scores)[order],
        [inputs[place] for place in order],
        [gradients[place] for place in order],
        path.is_averaged,
    )


def _midpoints_of_worst(path: _Path) -> NDArray[np.float64]:
    """The midpoints of the intervals with the largest error."""
    number = max(_FEWEST_HALVED, len(path.nodes) // _FRACTION_HALVED)
    worst = np.argsort(-np.abs(path.errors), kind="stable")[:number]
    return (path.nodes[worst] + path.nodes[worst + 1]) / 2


def _explanation(explained: ExplainedOutput, path: _Path, settings: GradientSettings, galaxy_id: str) -> Explanation:
    bands = path.integral()  # (C, H, W)
    changed = float(np.abs(bands - path.integral(every=2)).sum(dtype=np.float64)) * (0.5 if path.is_averaged else 1)
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
