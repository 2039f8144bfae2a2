r"""Integrated gradients: the contribution of each pixel as the score changes from an empty image to the galaxy.

On the straight path from a baseline :math:`x'` without the galaxy to the image :math:`x`, pixel :math:`i` contributes

.. math:: A_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr)\, d\alpha ,

and all pixels and bands together account for the whole difference (completeness):
:math:`\sum_i A_i = f(x) - f(x')`. The completeness error is the deviation from that as a fraction of the
difference, and is given with every map. Errors of single pixels may cancel in the sum, so an error of the map itself is
given too: the sum of the absolute changes when every second gradient is left out, as a fraction of the map's absolute
sum. Where gradients are averages it is a share of that between 1 and 0.35, the smaller the more the changes have
already fallen from that between every fourth and every second gradient. The deviation from a map of many hundreds of
gradients is 0.5 to 1.5 times that estimate, in trained networks and in such of random weights.

The integral is a trapezoid sum over scaled pixels :math:`s_i(\alpha)`: of each interval the mean of the gradients at
its ends, times the change of the scaled pixel, which is known exactly however strongly the scaling bends,

.. math:: A_i \approx \sum_j \tfrac{1}{2} \left( \frac{\partial f}{\partial s_i}\Big|_{\alpha_j}
    + \frac{\partial f}{\partial s_i}\Big|_{\alpha_{j+1}} \right)
    \bigl( s_i(\alpha_{j+1}) - s_i(\alpha_j) \bigr) .

The nodes are evenly spaced. What such a sum misses comes from the jumps of the gradient, which are spread over the
whole path; so the gradients are averages over a node's stretch, see :mod:`~core.explain.path_averages`, where the
network's layers are of a known kind. The completeness error then falls with the square of the number of steps, and if
it is above the tolerance a new row of nodes is taken, with as many as should do. The earlier row is given up: each of
its averages would be over a longer stretch.

A network may divide each stamp by its own scatter (*samplewise* in :mod:`core.nets.normalisation`). On the straight
path from an image of one value it then sees the same stamp all the way, since only the contrast changes, and an empty
one at the end: the score jumps at :math:`\alpha = 0`, gradients grow like :math:`1 / \alpha`, and there is no integral;
if the bands have different values, all of the change lies in a last small piece of the path. The axioms ask for a
function that is continuous along the path, and the rest of the network is one. So there the image and the baseline are
each divided by their own scatter first, the path is straight between the results, and the contributions are those of
the pixels of the scaled stamp. What the network sees at both ends, and with it the difference that the pixels account
for, stays the same.

References
----------
Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks", ICML.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from core.nets.device import arrange, full_precision
from core.nets.normalisation import scale_samplewise
from core.nets.predictor import Predictor

_ORDER, _ORDER_OF_AVERAGES = 1.0, 2.0  # the error falls about as this power of the number of steps
_LEAST_GROWTH, _MOST_GROWTH = 1.5, 4.0  # of the number of steps from row to row
_EVERY = (1, 2, 4)  # of the nodes are taken for a map, and for two coarser ones that tell its error
# the error of a map of averages, as a share of the change when half of them are left out, by how many times larger the
# change was before; measured on trained and random networks with 12 to 100 steps
_SHARE_AT_TWICE, _SHARE_FALLS, _LEAST_SHARE = 1.39, 1.3, 0.35
_CHUNK_BYTES = 256e6


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
    and as previews the maps that are not exact enough yet.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units; the path is straight in these, not in the scaled ones, unless the network divides
        each stamp by its own scatter.
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
    explained, baseline = past_own_scatter(explained, _baseline(explained, settings))
    averaged = outputs_along_path(explained.predictor)
    outputs = averaged or fused.logits_of_scaled(explained.predictor)
    steps, done = settings.steps, 0
    while True:
        nodes = np.linspace(0, 1, steps + 1)
        row = _Row(nodes, averaged is not None, tuple(torch.zeros_like(baseline) for _ in _EVERY), [])
        for first in range(0, len(nodes), batch_size(explained)):
            if stop.is_set():
                raise Stopped
            last = min(first + batch_size(explained), len(nodes))
            _integrate(explained, outputs, baseline, row, first, last)
            yield Progress(done + last - 1, None, "steps")
        done += steps
        made = _explanation(explained, row, settings, galaxy_id)
        assert made.error is not None
        if made.error <= settings.tolerance or steps >= settings.most_steps:
            return made
        yield Preview(made)
        order = _ORDER if averaged is None else _ORDER_OF_AVERAGES
        growth = (made.error / settings.tolerance) ** (1 / order)
        wanted = steps * min(max(growth, _LEAST_GROWTH), _MOST_GROWTH)
        steps = min(settings.most_steps, max(_EVERY) * math.ceil(wanted / max(_EVERY)))


def unsupported_reason(_predictor: Predictor) -> str:
    """Empty: every network supports this method."""
    return ""


def _baseline(explained: ExplainedOutput, settings: GradientSettings) -> Tensor:
    """The baseline image, (C, H, W), where the path starts."""
    if settings.baseline == "blurred":
        return explained.blurred(settings.blur)
    return explained.baseline_image(settings.baseline, settings.seed)


def past_own_scatter(explained: ExplainedOutput, baseline: Tensor) -> tuple[ExplainedOutput, Tensor]:
    """The same output as one of the image and baseline that the network has divided by their own scatter already.

    Unchanged where it does not do that. The scores of image and baseline stay what they are.
    """
    scaling = explained.predictor.normalisation
    if scaling.samplewise != "standard":
        return explained, baseline
    image, start = scale_samplewise(torch.stack([explained.image, baseline]), scaling.samplewise)
    predictor = replace(explained.predictor, normalisation=scaling.without_samplewise())
    return replace(explained, predictor=predictor, image=image), start


@dataclass
class _Row:
    """Evenly spaced nodes along the path, and the sums over those that are done.

    ``sums`` (C, H, W) are what each pixel contributes, by the gradients of all nodes, of every second and of every
    fourth; ``scores`` are those at the nodes. ``is_averaged``: the gradients are averages.
    """

    nodes: NDArray[np.float64]
    is_averaged: bool
    sums: tuple[Tensor, ...]
    scores: list[float]

    @property
    def difference(self) -> float:
        """Of the scores at the ends of the path."""
        return self.scores[-1] - self.scores[0]

    @property
    def map_error(self) -> float:
        """Estimated error of the sum over all nodes, see :mod:`~core.explain.integrated_gradients`."""
        fine, coarse, coarser = self.sums
        change = (fine - coarse).abs().sum(dtype=torch.float64).item()
        change_before = (coarse - coarser).abs().sum(dtype=torch.float64).item()
        share = 1.0
        if self.is_averaged and change > 0:
            share = min(max(_SHARE_AT_TWICE - _SHARE_FALLS * (change_before / change - 2), _LEAST_SHARE), 1.0)
        return relative_error(share * change, fine.abs().sum(dtype=torch.float64).item())


def _integrate(
    explained: ExplainedOutput, outputs: Callable[[Tensor], Tensor], baseline: Tensor, row: _Row, first: int, last: int
) -> None:
    """Add the nodes from ``first`` to before ``last``; ``outputs`` takes scaled images.

    Averages take both neighbours with them, which therefore go through the network again in the next call.
    """
    count = len(row.nodes)
    start, end = max(0, first - max(_EVERY)), min(count, last + max(_EVERY))
    reached = torch.as_tensor(row.nodes[start:end], dtype=torch.float32, device=baseline.device)[:, None, None, None]
    images = torch.lerp(baseline, explained.image, reached)
    seen = slice(max(start, first - row.is_averaged) - start, min(end, last + row.is_averaged) - start)
    own = slice(first - start - seen.start, last - start - seen.start)
    scaling = explained.predictor.normalisation
    if scaling.is_pixelwise:
        inputs = arrange(scaling.scale_fast(images))
        scores, gradients = _go_through(explained, outputs, inputs[seen].detach(), own)
    else:
        inputs = images
        scores, gradients = scores_and_gradients(explained, outputs, images[seen])
        gradients = gradients[own]
    nodes = np.arange(first, last)
    for total, every in zip(row.sums, _EVERY, strict=True):
        taken = nodes[(nodes % every == 0) | (nodes == count - 1)]
        before = np.maximum(0, (taken - 1) // every * every)
        after = np.minimum(count - 1, taken + every)
        change = inputs[after - start] - inputs[before - start]
        total += change.mul_(gradients[taken - first]).sum(dim=0) / 2
    row.scores += _to_float64(scores[own]).tolist()


def scores_and_gradients(
    explained: ExplainedOutput, outputs: Callable[[Tensor], Tensor], images: Tensor, *, of_scaled: bool = False
) -> tuple[Tensor, Tensor]:
    """Scores (n,) of physical images, and gradients (n, C, H, W) with respect to physical or scaled pixels.

    ``outputs``, from :func:`~core.explain.fused.logits_of_scaled`, takes scaled images.
    """
    scaled, vjp = fused.scale_with_vjp(explained.predictor.normalisation, images)
    scores, gradients = _go_through(explained, outputs, scaled)
    return scores, gradients if of_scaled else vjp(gradients)


def _go_through(
    explained: ExplainedOutput,
    outputs: Callable[[Tensor], Tensor],
    scaled: Tensor,
    of_images: slice = slice(None),
) -> tuple[Tensor, Tensor]:
    """Scores of all the scaled images, and gradients with respect to the pixels of some."""
    with torch.enable_grad(), full_precision(scaled.device):
        scores = explained.scores(outputs(scaled.requires_grad_()))
        (gradients,) = torch.autograd.grad(scores[of_images].sum(), scaled)
    return scores.detach(), gradients[of_images]


def _explanation(explained: ExplainedOutput, row: _Row, settings: GradientSettings, galaxy_id: str) -> Explanation:
    bands = row.sums[0].cpu().numpy()
    return Explanation(
        galaxy_id=galaxy_id,
        method="integrated gradients",
        target_name=explained.name,
        map=bands.sum(axis=0),
        score=row.scores[-1],
        baseline_score=row.scores[0],
        error=relative_error(float(bands.sum(dtype=np.float64)) - row.difference, row.difference),
        settings=settings,
        probability=explained.probability,
        unit=explained.unit,
        bands_map=bands,
        steps=len(row.nodes),
        map_error=row.map_error,
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
