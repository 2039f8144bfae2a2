r"""Gradient ascent on an image: activation maximisation in Fourier space.

The image is written as a sum of waves, :math:`I = M\,F^{-1}[f^{-p} z]`: :math:`F` is the Fourier transform,
:math:`f` the spatial frequency, and :math:`M` mixes the bands as they covary in a galaxy. The coefficients :math:`z`
follow the gradient of the goal with Adam, at a learning rate that falls to zero along a cosine. The optimum does not
depend on the parametrisation; the path to it, however, reaches broad patterns in the colours of galaxies long before
the fine noise that would drive the network just as well.

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
from core.explain.explained_output import full_precision
from core.explain.settings import AscentSettings
from core.nets.normalisation import Normalisation

Goal = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From an image (C, H, W) to the value to be maximised, and the value that is reported for it."""
Constraint = Callable[[Tensor, int, float], Tensor]
"""From an image (C, H, W), the step's number (from 1) and its length relative to the first, to a constrained image."""

_INDEPENDENT_VARIANCE = 0.01  # fraction of the bands' variance that is independent in each band


def ascend(
    start: Tensor, mixing: Tensor, goal: Goal, constrain: Constraint, settings: AscentSettings, random: torch.Generator
) -> Iterator[tuple[Tensor, float]]:
    """Optimise an image step by step.

    Parameters
    ----------
    start
        (C, H, W), scaled as the network's input.
    mixing
        (C, C), from :func:`band_mixing`.
    goal, constrain
        What is maximised, and what is applied to the image after each step.
    settings
        Number and length of the steps, jitter and smoothness.
    random
        Generator for the jitter; on the CPU.

    Yields
    ------
    tuple
        After each step the image (C, H, W), and the goal's number for the image before it, as the network saw it.
    """
    waves = FourierParametrisation(start, mixing, settings.smoothness)
    coefficients = waves.coefficients(start).requires_grad_()
    adam = torch.optim.Adam([coefficients], lr=settings.step)
    for number in range(settings.steps):
        share = 0.5 * (1 + math.cos(math.pi * number / settings.steps))
        adam.param_groups[0]["lr"] = settings.step * share
        shift = torch.randint(-settings.jitter, settings.jitter + 1, (2,), generator=random).tolist()
        coefficients.grad, shown = goal_gradient(coefficients, waves, goal, shift)
        with torch.no_grad():
            adam.step()
            image = constrain(waves.image(coefficients), number + 1, share)
            coefficients.copy_(waves.coefficients(image))
        yield image, shown


def goal_gradient(
    coefficients: Tensor, waves: FourierParametrisation, goal: Goal, shift: list[int]
) -> tuple[Tensor, float]:
    """Gradient of the goal's negative with respect to the coefficients, and the goal's number.

    The image is shifted by ``shift`` pixels (down, across) first, with wrap-around.
    """
    with torch.enable_grad(), full_precision(coefficients.device):
        wanted, shown = goal(torch.roll(waves.image(coefficients), shift, (1, 2)))
        (downhill,) = torch.autograd.grad(-wanted, coefficients)  # leaves the network without gradients
    return downhill, float(shown.detach())


def require_pixelwise(scaling: Normalisation) -> None:
    """Make sure that the input scaling is pixelwise, since images are optimised in scaled pixels.

    Raises
    ------
    NotPossible
        The input scaling mixes the pixels of a stamp.
    """
    if not scaling.is_pixelwise:
        raise NotPossible(
            "Dreams need an input scaling that is pixel by pixel, and this network's mixes the pixels of a stamp.",
            "Train a network without whitening and without a scaling of each galaxy by itself.",
        )


def band_mixing(image: Tensor) -> Tensor:
    """Square root (C, C) of the bands' covariance in a scaled image (C, H, W), normalised to a mean variance of one.

    The identity for an image without any variation.
    """
    pixels = image.flatten(1).cpu().to(torch.float64)
    pixels = pixels - pixels.median(dim=1, keepdim=True).values
    covariance = pixels @ pixels.T  # (C, C)
    alone = torch.eye(len(image), dtype=torch.float64)
    strength = float(covariance.trace()) / len(image)
    if strength == 0:
        return alone.to(image)
    covariance = (1 - _INDEPENDENT_VARIANCE) * covariance / strength + _INDEPENDENT_VARIANCE * alone
    variances, directions = torch.linalg.eigh(covariance)
    return (directions * variances.sqrt() @ directions.T).to(image)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Smooth an image (C, H, W) with a Gaussian of ``sigma`` pixels, with wrap-around at the borders."""
    height, width = image.shape[1:]
    gauss = torch.exp(-2 * (math.pi * sigma * _frequencies(height, width, image.device)) ** 2)
    return torch.fft.irfft2(torch.fft.rfft2(image) * gauss, s=(height, width))


class FourierParametrisation:
    """An image as Fourier coefficients, (C, H, W // 2 + 1, 2) for real and imaginary parts, and back.

    Parameters
    ----------
    like
        An image (C, H, W) of the wanted size.
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
        self._mixing, self._unmixing = mixing, torch.linalg.inv(mixing)

    def coefficients(self, image: Tensor) -> Tensor:
        """The coefficients of an image (C, H, W)."""
        apart = torch.einsum("ij,jhw->ihw", self._unmixing, image)
        return torch.view_as_real(torch.fft.rfft2(apart, norm="ortho") / self._weights)

    def image(self, coefficients: Tensor) -> Tensor:
        """The image (C, H, W) of coefficients; differentiable."""
        waves = torch.view_as_complex(coefficients) * self._weights
        return torch.einsum("ij,jhw->ihw", self._mixing, torch.fft.irfft2(waves, s=self._size, norm="ortho"))


def _frequencies(height: int, width: int, device: torch.device) -> Tensor:
    """Spatial frequencies of a real image's waves in cycles per pixel, (H, W // 2 + 1)."""
    down = torch.fft.fftfreq(height, device=device)[:, None]
    return torch.hypot(down, torch.fft.rfftfreq(width, device=device))
