r"""Gradients averaged over random draws: SmoothGrad, and expected gradients.

The gradient of one image is ragged, since the network's answer bends wherever a response crosses zero. *SmoothGrad*
averages it over copies of the image with noise :math:`\epsilon` of the sky's own scatter, or a multiple of it. Like a
deconvnet's pattern it is told in the pixels :math:`s` that the first layer sees, in which all bands have the same
spread, as the score's rise per standard deviation of the training pixels:

.. math:: A_i = \Bigl\langle \frac{\partial f}{\partial s_i}(x + \epsilon) \Bigr\rangle .

It does not add up to the score.

*Expected gradients* are integrated gradients averaged over many baselines :math:`x'`, so that no single one, with its
level or its noise, decides. Each draw takes another baseline and one place :math:`\alpha` on the way from it:

.. math:: A_i = \Bigl\langle (x_i - x'_i) \,
          \frac{\partial f}{\partial x_i}\bigl(x' + \alpha (x - x')\bigr) \Bigr\rangle ,

which adds up to :math:`f(x) - \langle f(x') \rangle`. How far the sum over a finite number of draws is off is the
error. The original draws the baselines from the training images; here they are empty skies of pixels drawn from the
galaxy's own border. Against other galaxies the question would be why it is this galaxy rather than those; against
skies it is why there is evidence at all, as for the other maps. The places are spread evenly, one in each
:math:`n`-th of the way.

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
from core.explain.explanation import Explanation
from core.explain.question import Question, ask, full_precision
from core.explain.settings import ExpectedGradientSettings, SmoothGradSettings
from core.nets.predictor import Predictor


@dataclass(frozen=True)
class _Draw:
    """Where the gradient is looked at, what it is multiplied by, and the sky it comes from; (C, H, W) each."""

    looked_at: Tensor
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
    """Average the gradient of one output over draws; which ones, the kind of ``settings`` tells.

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
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite.
    """
    question = ask(predictor, image, output)
    outputs = fused.after_scaling(predictor)
    is_smooth = isinstance(settings, SmoothGradSettings)
    draws = _noisy(question, settings) if is_smooth else _on_the_way(question, settings)
    total, skies = torch.zeros_like(question.image), list[float]()
    for first in range(0, settings.samples, integrated_gradients.chunk(question)):
        if stop.is_set():
            raise Stopped
        last = min(first + integrated_gradients.chunk(question), settings.samples)
        drawn = [next(draws) for _ in range(first, last)]
        looked_at = torch.stack([draw.looked_at for draw in drawn])
        _, slopes = integrated_gradients.slopes(question, outputs, looked_at, of_scaled=is_smooth)
        total += (slopes * torch.stack([draw.weight for draw in drawn])).sum(dim=0) / settings.samples
        empty = [draw.sky for draw in drawn if draw.sky is not None]
        if empty:
            skies += _scores(question, torch.stack(empty))
        yield Progress(last, settings.samples, "samples")
    bands, baseline = total.cpu().numpy(), float(np.mean(skies)) if skies else math.nan
    difference = question.score - baseline
    return Explanation(
        galaxy_id=galaxy_id,
        method="smoothgrad" if is_smooth else "expected gradients",
        target_name=question.name,
        map=bands.sum(axis=0),
        score=question.score,
        baseline_score=baseline,
        error=None
        if is_smooth
        else integrated_gradients.share_of(float(bands.sum(dtype=np.float64)) - difference, difference),
        settings=settings,
        probability=question.probability,
        unit=question.unit,
        bands_map=bands,
        steps=settings.samples,
    )


def why_not(_predictor: Predictor) -> str:
    """Every network can be asked in this way."""
    return ""


def _noisy(question: Question, settings: SmoothGradSettings) -> Iterator[_Draw]:
    random = torch.Generator().manual_seed(settings.seed)
    spread = settings.noise * question.scatter()[:, None, None]
    while True:
        noise = torch.randn(question.image.shape, generator=random).to(spread.device)
        yield _Draw(question.image + spread * noise, torch.ones_like(question.image), None)


def _on_the_way(question: Question, settings: ExpectedGradientSettings) -> Iterator[_Draw]:
    random = np.random.default_rng(settings.seed)
    places = (random.permutation(settings.samples) + random.random(settings.samples)) / settings.samples
    for place in places.tolist():
        sky = question.cover("noise", random)
        step = question.image - sky
        yield _Draw(sky + place * step, step, sky)


@torch.no_grad()
def _scores(question: Question, images: Tensor) -> list[float]:
    with full_precision(images.device):
        return question.scores(question.predictor.logits(images)).tolist()
