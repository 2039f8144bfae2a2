r"""Gradients averaged over random draws: SmoothGrad, and expected gradients.

The gradient of one image is noisy, since the network's output has a kink wherever a response crosses zero. *SmoothGrad*
averages it over copies of the image with noise :math:`\epsilon` that has the sky's own scatter, or a multiple of it.
Like a deconvnet's pattern it is in scaled pixels :math:`s`, in which all bands have the same spread: the score's rise
per standard deviation of the training pixels,

.. math:: A_i = \Bigl\langle \frac{\partial f}{\partial s_i}(x + \epsilon) \Bigr\rangle .

It does not add up to the score.

*Expected gradients* are integrated gradients averaged over many baselines :math:`x'`, so that the result does not
depend on the level or noise of a single one. Each draw takes a new baseline and one point :math:`\alpha` on the path
from it:

.. math:: A_i = \Bigl\langle (x_i - x'_i) \,
          \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr) \Bigr\rangle ,

which adds up to :math:`f(x) - \langle f(x') \rangle`. The completeness error is how far the sum over a finite number of
draws deviates from that. The original draws the baselines from the training images; here they are empty skies of pixels
drawn from the galaxy's own border. Other galaxies as baselines would explain how this galaxy differs from those; empty
skies explain the evidence as such, as in the other maps. Where a network divides each stamp by its own scatter, the
paths begin after that, as those of :mod:`~core.explain.integrated_gradients` do. The points :math:`\alpha` are
stratified, one in each :math:`n`-th of the path.

References
----------
Smilkov, Thorat, Kim, Viégas & Wattenberg 2017, "SmoothGrad: removing noise by adding noise", ICML workshop; Erion,
Janizek, Sturmfels, Lundberg & Lee 2021, "Improving performance of deep learning models with axiomatic attribution
priors and expected gradients", Nature Machine Intelligence 3, 620.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.explain import fused, integrated_gradients
from core.explain.explained_output import ExplainedOutput, select_output
from core.explain.explanation import Explanation
from core.explain.settings import ExpectedGradientSettings, SmoothGradSettings
from core.nets.device import full_precision
from core.nets.predictor import Predictor


@dataclass(frozen=True)
class _Draw:
    """Where the gradient is taken, the factor that it is multiplied by, and the baseline; (C, H, W) each."""

    point: Tensor
    weight: Tensor
    sky: Tensor | None


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: SmoothGradSettings | ExpectedGradientSettings = SmoothGradSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Average the gradient of one output over random draws; the type of ``settings`` chooses the method.

    The explanation's ``map`` (H, W) is the sum over bands of its ``bands_map`` (C, H, W). With the same seed the draws
    are the same, however many go through the network at a time.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Number and kind of draws.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite.
    """
    explained = select_output(predictor, image, output)
    outputs = fused.logits_of_scaled(predictor)
    is_smooth = isinstance(settings, SmoothGradSettings)
    seen = explained if is_smooth else integrated_gradients.past_own_scatter(explained, explained.image)[0]
    draws = _draw_noisy_copies(explained, settings) if is_smooth else _draw_path_points(explained, seen, settings)
    total, skies = torch.zeros_like(explained.image), list[float]()
    for first in range(0, settings.samples, integrated_gradients.batch_size(explained)):
        if stop.is_set():
            raise Stopped
        last = min(first + integrated_gradients.batch_size(explained), settings.samples)
        drawn = [next(draws) for _ in range(first, last)]
        points = torch.stack([draw.point for draw in drawn])
        _, slopes = integrated_gradients.scores_and_gradients(seen, outputs, points, of_scaled=is_smooth)
        total += (slopes * torch.stack([draw.weight for draw in drawn])).sum(dim=0) / settings.samples
        empty = [draw.sky for draw in drawn if draw.sky is not None]
        if empty:
            skies += _scores(seen, torch.stack(empty))
        yield Progress(last, settings.samples, "samples")
    bands, baseline = total.cpu().numpy(), float(np.mean(skies)) if skies else math.nan
    difference = explained.score - baseline
    return Explanation(
        galaxy_id=galaxy_id,
        method="smoothgrad" if is_smooth else "expected gradients",
        target_name=explained.name,
        map=bands.sum(axis=0),
        score=explained.score,
        baseline_score=baseline,
        error=None
        if is_smooth
        else integrated_gradients.relative_error(float(bands.sum(dtype=np.float64)) - difference, difference),
        settings=settings,
        probability=explained.probability,
        unit=explained.unit,
        bands_map=bands,
        steps=settings.samples,
    )


def unsupported_reason(_predictor: Predictor) -> str:
    """Empty: every network supports this method."""
    return ""


def _draw_noisy_copies(explained: ExplainedOutput, settings: SmoothGradSettings) -> Iterator[_Draw]:
    random = torch.Generator().manual_seed(settings.seed)
    spread = settings.noise * explained.background_scatter()[:, None, None]
    while True:
        noise = torch.randn(explained.image.shape, generator=random).to(spread.device)
        yield _Draw(explained.image + spread * noise, torch.ones_like(explained.image), None)


def _draw_path_points(
    explained: ExplainedOutput, seen: ExplainedOutput, settings: ExpectedGradientSettings
) -> Iterator[_Draw]:
    """Points on paths to the image as it is ``seen`` past a scaling by its own scatter."""
    random = np.random.default_rng(settings.seed)
    places = (random.permutation(settings.samples) + random.random(settings.samples)) / settings.samples
    for place in places.tolist():
        _, sky = integrated_gradients.past_own_scatter(explained, explained.baseline_image("noise", random))
        step = seen.image - sky
        yield _Draw(sky + place * step, step, sky)


@torch.no_grad()
def _scores(explained: ExplainedOutput, images: Tensor) -> list[float]:
    with full_precision(images.device):
        return explained.scores(explained.predictor.logits(images)).tolist()
