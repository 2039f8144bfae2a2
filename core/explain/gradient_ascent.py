r"""Let an image grow, step by step, towards what a network answers to most.

The image is written as a sum of waves, :math:`I = M\,F^{-1}[f^{-p} z]`: :math:`F` is the Fourier transform,
:math:`f` the spatial frequency, and :math:`M` mixes the bands as they vary together in a galaxy. The coefficients
:math:`z` climb the gradient of the goal with Adam, in steps that shrink to nothing along a cosine. Which image is
best does not depend on this way of writing; on the road to it, however, broad patterns in the colours of galaxies
come long before the fine noise that a network can be driven to just as well.

References
----------
Olah, Mordvintsev & Schubert 2017, "Feature visualization", Distill, doi:10.23915/distill.00007; Kingma & Ba 2015
(Adam).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from core.errors import NotPossible
from core.explain.question import full_precision
from core.explain.settings import AscentSettings
from core.nets.normalisation import Normalisation

Goal = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Of an image (C, H, W): what is to become as large as possible, and the number that is shown for it."""
Restraint = Callable[[Tensor, int, float], Tensor]
"""What becomes of an image (C, H, W) after step ``number`` (from 1), the share of the first step's length given."""

_OWN_COLOURS = 0.01  # of the bands' variance: what each may do without the others


def climb(
    start: Tensor, mixing: Tensor, goal: Goal, restrain: Restraint, settings: AscentSettings, random: torch.Generator
) -> Iterator[tuple[Tensor, float]]:
    """Change an image step by step.

    Parameters
    ----------
    start
        (C, H, W), scaled as the network wants it.
    mixing
        (C, C), from :func:`band_mixing`.
    goal, restrain
        Where to, and within what limits.
    settings
        Number and length of the steps, jitter and smoothness.
    random
        Draws the jitter; on the processor.

    Yields
    ------
    tuple
        After each step the image (C, H, W), and the goal's number for the image before it, as the network saw it.
    """
    waves = Waves(start, mixing, settings.smoothness)
    coefficients = waves.of(start).requires_grad_()
    adam = torch.optim.Adam([coefficients], lr=settings.step)
    for number in range(settings.steps):
        share = 0.5 * (1 + math.cos(math.pi * number / settings.steps))
        adam.param_groups[0]["lr"] = settings.step * share
        shift = torch.randint(-settings.jitter, settings.jitter + 1, (2,), generator=random).tolist()
        coefficients.grad, shown = slope(coefficients, waves, goal, shift)
        with torch.no_grad():
            adam.step()
            image = restrain(waves.image(coefficients), number + 1, share)
            coefficients.copy_(waves.of(image))
        yield image, shown


def slope(coefficients: Tensor, waves: Waves, goal: Goal, shift: list[int]) -> tuple[Tensor, float]:
    """Gradient of the goal's negative with respect to the coefficients, and the goal's number.

    The goal sees the image shifted by ``shift`` pixels (down, across), round and round.
    """
    with torch.enable_grad(), full_precision(coefficients.device):
        wanted, shown = goal(torch.roll(waves.image(coefficients), shift, (1, 2)))
        (downhill,) = torch.autograd.grad(-wanted, coefficients)  # of the coefficients only: the network stays clean
    return downhill, float(shown.detach())


def require_pixelwise(scaling: Normalisation) -> None:
    """Images grow in scaled pixels, which must be those of the image.

    Raises
    ------
    NotPossible
        The input scaling mixes the pixels of a stamp.
    """
    if not scaling.is_pixelwise:
        raise NotPossible(
            "Dreams grow pixel by pixel, and this network's input scaling mixes the pixels of a stamp.",
            "Train a network without whitening, whose galaxies are not scaled each by itself.",
        )


def band_mixing(image: Tensor) -> Tensor:
    """How the bands of a scaled image (C, H, W) vary together: the root of their covariance, with a mean square of one.

    An image in which nothing varies does not tell; its bands are left apart.
    """
    pixels = image.flatten(1).cpu().to(torch.float64)
    pixels = pixels - pixels.median(dim=1, keepdim=True).values
    covariance = pixels @ pixels.T  # (C, C)
    alone = torch.eye(len(image), dtype=torch.float64)
    strength = float(covariance.trace()) / len(image)
    if strength == 0:
        return alone.to(image)
    covariance = (1 - _OWN_COLOURS) * covariance / strength + _OWN_COLOURS * alone
    variances, directions = torch.linalg.eigh(covariance)
    return (directions * variances.sqrt() @ directions.T).to(image)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """An image (C, H, W) under a Gaussian of ``sigma`` pixels, which goes round at the borders."""
    height, width = image.shape[1:]
    gauss = torch.exp(-2 * (math.pi * sigma * _frequencies(height, width, image.device)) ** 2)
    return torch.fft.irfft2(torch.fft.rfft2(image) * gauss, s=(height, width))


class Waves:
    """An image as coefficients of waves, (C, H, W // 2 + 1, 2) for real and imaginary parts, and back.

    Parameters
    ----------
    like
        An image (C, H, W) of the size in question.
    mixing
        (C, C), from :func:`band_mixing`.
    smoothness
        The power p of 1/f^p; the weights have a mean square of one.
    """

    def __init__(self, like: Tensor, mixing: Tensor, smoothness: float) -> None:
        self._size = tuple(like.shape[1:])
        height, width = like.shape[1:]
        frequencies = _frequencies(height, width, like.device)
        weights = frequencies.clamp(min=1 / max(height, width)) ** -smoothness
        self._weights = weights / weights.square().mean().sqrt()
        self._mixing, self._parting = mixing, torch.linalg.inv(mixing)

    def of(self, image: Tensor) -> Tensor:
        """The coefficients of an image (C, H, W)."""
        apart = torch.einsum("ij,jhw->ihw", self._parting, image)
        return torch.view_as_real(torch.fft.rfft2(apart, norm="ortho") / self._weights)

    def image(self, coefficients: Tensor) -> Tensor:
        """The image (C, H, W) of coefficients; differentiable."""
        waves = torch.view_as_complex(coefficients) * self._weights
        return torch.einsum("ij,jhw->ihw", self._mixing, torch.fft.irfft2(waves, s=self._size, norm="ortho"))


def _frequencies(height: int, width: int, device: torch.device) -> Tensor:
    """Spatial frequencies of a real image's waves in cycles per pixel, (H, W // 2 + 1)."""
    down = torch.fft.fftfreq(height, device=device)[:, None]
    return torch.hypot(down, torch.fft.rfftfreq(width, device=device))
