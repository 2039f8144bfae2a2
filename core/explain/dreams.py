r"""Inceptionism: images that show what a network looks for.

*Class dream*: the image that a network calls most clearly a member of a class,

.. math:: \operatorname*{argmax}_I \; S_c(I) - \lambda \lVert I - I_0 \rVert^2 ,

in the pixels that the network sees (scaled ones), counted from the empty sky :math:`I_0`, so that light costs and
darkness does not. For a quantity with a wished value :math:`v` the first term is :math:`-((f(I) - v) / \sigma)^2`,
with the quantity's scatter :math:`\sigma` over the training galaxies.

*Deep dream*: a galaxy in which the responses of a layer, or of one filter, are amplified, first at a coarse size of
the image, then at finer and finer ones.

How the images grow is told in :mod:`core.explain.gradient_ascent`.

References
----------
Simonyan, Vedaldi & Zisserman 2014, "Deep inside convolutional networks", ICLR workshop; Mordvintsev, Olah & Tyka
2015, "Inceptionism: going deeper into neural networks"; Yosinski et al. 2015, "Understanding neural networks through
deep visualization".
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.target import Quantities
from core.errors import NotANumber, NotPossible, Stopped
from core.events import NEVER, Preview, Progress, Work
from core.explain import activations
from core.explain.dream import Dream
from core.explain.gradient_ascent import Goal, Restraint, band_mixing, blurred, climb, require_pixelwise
from core.explain.question import Question, ask, full_precision
from core.explain.settings import AscentSettings, ClassDreamSettings, DeepDreamSettings
from core.nets.device import memory_format
from core.nets.normalisation import border
from core.nets.predictor import Predictor

_PREVIEW_EVERY = 8


def class_dream(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: ClassDreamSettings = ClassDreamSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Dream]:
    """Find the image with the highest score for one output, or with the wished quantity.

    Yields progress in steps, and every few steps as a preview the dream so far.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units: a galaxy that lends its size, its background and the colours in which the
        image grows; with ``start="galaxy"`` the dream begins with it.
    output
        Name or number of the output; None: the one that the network says of the galaxy.
    settings
        Start, penalty, and how the image grows.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose image it is.

    Raises
    ------
    NotPossible
        The image or the output does not fit the network, its input scaling mixes pixels, or a value is wished of
        something that is not a quantity.
    NotANumber
        The image is not finite, or the dream has grown beyond all measure.

    Examples
    --------
    >>> from core.data.cutouts import Cutouts
    >>> from core.events import result_of
    >>> predictor = Predictor.load("runs/first")
    >>> with Cutouts.open("survey.h5") as cutouts:
    ...     image = cutouts.images[0]
    >>> dream = result_of(class_dream(predictor, image, "edge-on", ClassDreamSettings(steps=32)))
    >>> dream.target_name, dream.image.shape
    ('edge-on', (1, 24, 24))
    """
    require_pixelwise(predictor.normalisation)
    question = ask(predictor, image, output)
    wished = settings.wished
    if wished is not None and not isinstance(predictor.target, Quantities):
        raise NotPossible(f"“{question.name}” is not a quantity.", "Leave the wished value empty.", "wished")
    scatter = 1.0 if predictor.output_scale is None else float(predictor.output_scale.scale[question.index])
    random = torch.Generator().manual_seed(settings.seed)
    sky = _Sky.of(question)
    empty = predictor.normalisation(sky.level[None])[0]

    def goal(scaled: Tensor) -> tuple[Tensor, Tensor]:
        score = question.scores(predictor.network(_batch(scaled)))[0]
        wanted = score / scatter if wished is None else -((score - wished) / scatter).square()
        return wanted - settings.penalty * (scaled - empty).square().sum(), score

    darkest, brightest = _range(question, sky)

    def restrain(scaled: Tensor, number: int, share: float) -> Tensor:
        if settings.blur and number % settings.blur_every == 0:
            scaled = blurred(scaled, settings.blur * math.sqrt(share))
        return torch.clamp(scaled, darkest, brightest) if settings.galaxy_range else scaled

    match settings.start:
        case "noise":
            start = sky.level + sky.noise * torch.randn(question.image.shape, generator=random).to(predictor.device)
        case "empty":
            start = sky.level.expand_as(question.image)
        case "galaxy":
            start = question.image
    dream = _dreamless(question, start, question.name, "dream", settings, galaxy_id)
    growth = _grown(question, predictor.normalisation(start[None])[0], goal, restrain, settings, random)
    return (yield from _watched(dream, question, growth, settings.steps, stop))


def deep_dream(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: DeepDreamSettings = DeepDreamSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Dream]:
    """Amplify in a galaxy what a layer, or one of its filters, sees there.

    The parameters are those of :func:`class_dream`; ``output`` is what is scored before and after, and steers
    nothing.

    Raises
    ------
    NotPossible
        The image does not fit the network, its input scaling mixes pixels, or it has no such output, layer or filter.
    NotANumber
        The image is not finite, or the dream has grown beyond all measure.

    Examples
    --------
    >>> from core.data.cutouts import Cutouts
    >>> from core.events import result_of
    >>> predictor = Predictor.load("runs/first")
    >>> with Cutouts.open("survey.h5") as cutouts:
    ...     image = cutouts.images[0]
    >>> dream = result_of(deep_dream(predictor, image, settings=DeepDreamSettings(layer="activation2", steps=8)))
    >>> dream.target_name, dream.image.shape
    ('activation2', (1, 24, 24))
    """
    require_pixelwise(predictor.normalisation)
    question = ask(predictor, image, output)
    channels, height, width = question.image.shape
    row = activations.row_of(predictor, settings.layer, (channels, height, width))
    name, number = activations.short(row.name), settings.filter
    if number is not None and number > row.shape[0]:
        raise NotPossible(f"The layer {name} has no filter {number}.", f"It has {row.shape[0]}.", "filter")
    features = predictor.network.features
    layers = features[: list(dict(features.named_children())).index(name) + 1]
    random = torch.Generator().manual_seed(settings.seed)

    def goal(scaled: Tensor) -> tuple[Tensor, Tensor]:
        responses = layers(_batch(scaled))[0]  # (F, h, w)
        wanted = responses.square().mean() if number is None else responses[number - 1].mean()
        return wanted, wanted

    darkest, brightest = _range(question, _Sky.of(question))

    def restrain(scaled: Tensor, _number: int, _share: float) -> Tensor:
        return torch.clamp(scaled, darkest, brightest) if settings.galaxy_range else scaled

    sizes = octaves(height, width, settings, row.stride)

    def growth() -> Iterator[tuple[Tensor, float]]:
        galaxy = predictor.normalisation(question.image[None])[0]
        detail = torch.zeros_like(galaxy)
        for size in sizes:
            coarse = resized(galaxy, size)
            for scaled, value in _grown(question, coarse + resized(detail, size), goal, restrain, settings, random):
                detail = scaled - coarse
                yield scaled, value

    target = name if number is None else f"{name}, filter {number}"
    dream = _dreamless(question, question.image, target, "deep dream", settings, galaxy_id)
    return (yield from _watched(dream, question, growth(), settings.steps * len(sizes), stop))


def octaves(height: int, width: int, settings: DeepDreamSettings, stride: int) -> list[tuple[int, int]]:
    """Sizes (height, width) of the octaves, the coarsest first; the last one is the image's own.

    ``stride`` is that of the layer: smaller images have no response in it.
    """
    factors = [settings.octave_ratio**number for number in reversed(range(settings.octaves))]
    sizes = [(round(height / factor), round(width / factor)) for factor in factors]
    return [size for size in sizes if min(size) >= stride]


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """An image (C, h, w) at another size, without aliasing."""
    if tuple(image.shape[1:]) == size:
        return image
    return functional.interpolate(image[None], size, mode="bicubic", antialias=True)[0]


@dataclass(frozen=True)
class _Sky:
    """Level and noise of a galaxy's background, each (C, 1, 1) in physical units."""

    level: Tensor
    noise: Tensor

    @classmethod
    def of(cls, question: Question) -> _Sky:
        edge = border(question.image.cpu().numpy()[None])[0]  # (C, P)
        level = np.median(edge, axis=1, keepdims=True)
        noise = 1.4826 * np.median(np.abs(edge - level), axis=1, keepdims=True)
        return cls(*(torch.from_numpy(value[:, :, None]).to(question.image) for value in (level, noise)))


def _range(question: Question, sky: _Sky) -> tuple[Tensor, Tensor]:
    """The darkest and the brightest pixel that a dream may have in each band, (C, 1, 1), scaled."""
    scaled = question.predictor.normalisation
    return scaled(sky.level[None])[0], scaled(question.image.amax(dim=(1, 2), keepdim=True)[None])[0]


def _grown(
    question: Question,
    start: Tensor,
    goal: Goal,
    restrain: Restraint,
    settings: AscentSettings,
    random: torch.Generator,
) -> Iterator[tuple[Tensor, float]]:
    """Let a scaled image (C, H, W) grow in the colours of the galaxy, if these are wanted."""
    galaxy = question.predictor.normalisation(question.image[None])[0]
    mixing = band_mixing(galaxy) if settings.galaxy_colours else torch.eye(len(galaxy), device=galaxy.device)
    return climb(start, mixing, goal, restrain, settings, random)


def _watched(
    dream: Dream, question: Question, growth: Iterator[tuple[Tensor, float]], steps: int, stop: threading.Event
) -> Work[Dream]:
    """Let an image grow to its end, and tell of it."""
    curve: list[float] = []
    scaled = torch.empty(0)
    for scaled, value in growth:
        if stop.is_set():
            raise Stopped
        curve.append(value)
        yield Progress(len(curve), steps, "steps")
        if len(curve) % _PREVIEW_EVERY == 0 and len(curve) < steps:
            yield Preview(_seen(dream, question, scaled, curve))
    return _seen(dream, question, scaled, curve)


def _seen(dream: Dream, question: Question, scaled: Tensor, curve: list[float]) -> Dream:
    """The dream with the image that it has grown into."""
    predictor = question.predictor
    image = predictor.normalisation.inverse(resized(scaled, (dream.start.shape[1], dream.start.shape[2]))[None])[0]
    if not bool(torch.isfinite(image).all()):
        raise NotANumber("The dream has grown beyond all measure.", "Choose a smaller step, or a larger penalty.")
    score, probability = _answer(question, image)
    return replace(
        dream,
        image=_array(image),
        curve=np.array(curve),
        score_after=score,
        probability_after=probability,
    )


def _dreamless(
    question: Question, start: Tensor, target_name: str, method: str, settings: AscentSettings, galaxy_id: str
) -> Dream:
    """A dream before its first step."""
    score, probability = _answer(question, start)
    return Dream(
        galaxy_id=galaxy_id,
        method=method,
        target_name=target_name,
        image=_array(start),
        start=_array(start),
        curve=np.zeros(0),
        settings=settings,
        output_name=question.name,
        score_before=score,
        score_after=score,
        probability_before=probability,
        probability_after=probability,
        unit=question.unit,
    )


@torch.no_grad()
def _answer(question: Question, image: Tensor) -> tuple[float, float | None]:
    """Score and probability of an image (C, H, W) in physical units."""
    with full_precision(image.device):
        asked = replace(question, image=image, outputs=question.predictor.logits(image[None]))
    return asked.score, asked.probability


def _batch(scaled: Tensor) -> Tensor:
    return scaled[None].contiguous(memory_format=memory_format(scaled.device))


def _array(image: Tensor) -> NDArray[np.float32]:
    return image.detach().cpu().contiguous().numpy().copy()
