r"""Activation maximisation ("inceptionism"): images that show what a network looks for.

*Class dream*: the image with the highest score for a class,

.. math:: \operatorname*{argmax}_I \; S_c(I) - \lambda \lVert I - I_0 \rVert^2 ,

in scaled pixels, with the penalty counted from the empty sky :math:`I_0`, so that light costs and darkness does not.
For a quantity with a wished value :math:`v` the first term is :math:`-((f(I) - v) / \sigma)^2`, with the quantity's
scatter :math:`\sigma` over the training galaxies; for an angle the sum of that over its cosine and sine, and for a
quantity that is learned as a logarithm that of the logarithms. Without a wish an angle grows towards the one predicted
for the galaxy.

*Deep dream*: a galaxy in which the responses of a layer, or of one filter, are amplified, first at a coarse size of
the image, then at finer and finer ones.

The optimisation is described in :mod:`core.explain.gradient_ascent`.

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
from astropy.stats import mad_std
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.target import Quantities
from core.errors import NotANumber, NotPossible, Stopped
from core.events import NEVER, Preview, Progress, Work
from core.explain import activations
from core.explain.dream import Dream
from core.explain.explained_output import ExplainedOutput, select_output
from core.explain.gradient_ascent import Constraint, Goal, ascend, band_mixing, blur, require_pixelwise
from core.explain.settings import AscentSettings, ClassDreamSettings, DeepDreamSettings
from core.nets import encoding
from core.nets.device import arrange, full_precision
from core.nets.normalisation import border_pixels
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

    Yields progress in steps, and every few steps the dream so far as a preview.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units: a galaxy that gives the size, the background and the colours of the dream; with
        ``start="galaxy"`` also the first image.
    output
        Name or number of the output; None: the one predicted for the galaxy.
    settings
        Start, penalty, and the optimisation.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible
        The image or the output does not fit the network, its input scaling mixes pixels, or a value is wished for
        an output that is not a quantity.
    NotANumber
        The image is not finite, or the dream has diverged.

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
    explained = select_output(predictor, image, output)
    wished = settings.wished
    if wished is not None and not isinstance(predictor.target, Quantities):
        raise NotPossible(f"“{explained.name}” is not a quantity.", "Leave the wished value empty.", "wished")
    if wished is not None and wished <= 0 and explained.encoding.is_logarithm:
        raise NotPossible(f"“{explained.name}” is always positive.", "Wish for a value above zero.", "wished")
    if wished is not None and explained.angle is not None:
        explained = replace(explained, angle=wished)
    scatter = _scatter(explained)
    random = torch.Generator().manual_seed(settings.seed)
    sky = _Sky.of(explained)
    empty = predictor.normalisation(sky.level[None])[0]

    def goal(scaled: Tensor) -> tuple[Tensor, Tensor]:
        outputs = predictor.network(_as_batch(scaled))
        wanted = explained.scores(outputs)[0] / scatter if wished is None else -_distance(explained, outputs, wished)
        return wanted - settings.penalty * (scaled - empty).square().sum(), explained.values(outputs)[0]

    darkest, brightest = _pixel_range(explained, sky)

    def constrain(scaled: Tensor, number: int, share: float) -> Tensor:
        if settings.blur and number % settings.blur_every == 0:
            scaled = blur(scaled, settings.blur * math.sqrt(share))
        return torch.clamp(scaled, darkest, brightest) if settings.galaxy_range else scaled

    match settings.start:
        case "noise":
            start = sky.level + sky.noise * torch.randn(explained.image.shape, generator=random).to(predictor.device)
        case "empty":
            start = sky.level.expand_as(explained.image)
        case "galaxy":
            start = explained.image
    dream = _initial_dream(explained, start, explained.name, "dream", settings, galaxy_id)
    growth = _ascend(explained, predictor.normalisation(start[None])[0], goal, constrain, settings, random)
    return (yield from _run_ascent(dream, explained, growth, settings.steps, stop))


def _scatter(explained: ExplainedOutput) -> float:
    """Scatter of the explained quantity, or of an angle's components, over the training galaxies; else 1."""
    target, scale = explained.predictor.target, explained.predictor.output_scale
    if scale is None or not isinstance(target, Quantities):
        return 1.0
    return float(scale.scale[encoding.places(target)[explained.index][0]])


def _distance(explained: ExplainedOutput, outputs: Tensor, wished: float) -> Tensor:
    """Squared distance of the quantity, or of an angle's components, from what is wished, in units of their scatter."""
    found = explained.components(outputs)[0]
    aim = math.log(wished) if explained.encoding.is_logarithm else wished
    aim = torch.full_like(found, aim) if explained.angle is None else explained.direction
    return ((found - aim) / _scatter(explained)).square().sum()


def deep_dream(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: DeepDreamSettings = DeepDreamSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Dream]:
    """Amplify in a galaxy what a layer, or one of its filters, responds to.

    The parameters are those of :func:`class_dream`; ``output`` is only scored before and after.

    Raises
    ------
    NotPossible
        The image does not fit the network, its input scaling mixes pixels, or it has no such output, layer or filter.
    NotANumber
        The image is not finite, or the dream has diverged.

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
    explained = select_output(predictor, image, output)
    channels, height, width = explained.image.shape
    row = activations.find_layer(predictor, settings.layer, (channels, height, width))
    name, number = activations.short_name(row.name), settings.filter
    if number is not None and number > row.shape[0]:
        raise NotPossible(f"The layer {name} has no filter {number}.", f"It has {row.shape[0]}.", "filter")
    features = predictor.network.features
    layers = features[: list(dict(features.named_children())).index(name) + 1]
    random = torch.Generator().manual_seed(settings.seed)

    def goal(scaled: Tensor) -> tuple[Tensor, Tensor]:
        responses = layers(_as_batch(scaled))[0]  # (F, h, w)
        wanted = responses.square().mean() if number is None else responses[number - 1].mean()
        return wanted, wanted

    darkest, brightest = _pixel_range(explained, _Sky.of(explained))

    def constrain(scaled: Tensor, _number: int, _share: float) -> Tensor:
        return torch.clamp(scaled, darkest, brightest) if settings.galaxy_range else scaled

    sizes = octave_sizes(height, width, settings, row.stride)

    def growth() -> Iterator[tuple[Tensor, float]]:
        galaxy = predictor.normalisation(explained.image[None])[0]
        detail = torch.zeros_like(galaxy)
        for size in sizes:
            coarse = resize(galaxy, size)
            for scaled, value in _ascend(explained, coarse + resize(detail, size), goal, constrain, settings, random):
                detail = scaled - coarse
                yield scaled, value

    target = name if number is None else f"{name}, filter {number}"
    dream = _initial_dream(explained, explained.image, target, "deep dream", settings, galaxy_id)
    return (yield from _run_ascent(dream, explained, growth(), settings.steps * len(sizes), stop))


def octave_sizes(height: int, width: int, settings: DeepDreamSettings, stride: int) -> list[tuple[int, int]]:
    """Sizes (height, width) of the octaves, the coarsest first; the last one is the image's own.

    ``stride`` is that of the layer: smaller images have no response in it.
    """
    factors = [settings.octave_ratio**number for number in reversed(range(settings.octaves))]
    sizes = [(round(height / factor), round(width / factor)) for factor in factors]
    return [size for size in sizes if min(size) >= stride]


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
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
    def of(cls, explained: ExplainedOutput) -> _Sky:
        edge = border_pixels(explained.image.cpu().numpy()[None])[0]  # (C, P)
        level = np.median(edge, axis=1, keepdims=True)
        noise = np.asarray(mad_std(edge, axis=1))[:, None]
        return cls(*(torch.from_numpy(value[:, :, None]).to(explained.image) for value in (level, noise)))


def _pixel_range(explained: ExplainedOutput, sky: _Sky) -> tuple[Tensor, Tensor]:
    """Limits of a dream's pixels in each band, darkest and brightest, (C, 1, 1), scaled."""
    scaled = explained.predictor.normalisation
    return scaled(sky.level[None])[0], scaled(explained.image.amax(dim=(1, 2), keepdim=True)[None])[0]


def _ascend(
    explained: ExplainedOutput,
    start: Tensor,
    goal: Goal,
    constrain: Constraint,
    settings: AscentSettings,
    random: torch.Generator,
) -> Iterator[tuple[Tensor, float]]:
    """Optimise a scaled image (C, H, W), in the colours of the galaxy if the settings say so."""
    galaxy = explained.predictor.normalisation(explained.image[None])[0]
    mixing = band_mixing(galaxy) if settings.galaxy_colours else torch.eye(len(galaxy), device=galaxy.device)
    return ascend(start, mixing, goal, constrain, settings, random)


def _run_ascent(
    dream: Dream, explained: ExplainedOutput, growth: Iterator[tuple[Tensor, float]], steps: int, stop: threading.Event
) -> Work[Dream]:
    """Run the ascent to its end, with progress and previews."""
    curve: list[float] = []
    scaled = torch.empty(0)
    for scaled, value in growth:
        if stop.is_set():
            raise Stopped
        curve.append(value)
        yield Progress(len(curve), steps, "steps")
        if len(curve) % _PREVIEW_EVERY == 0 and len(curve) < steps:
            yield Preview(_with_image(dream, explained, scaled, curve))
    return _with_image(dream, explained, scaled, curve)


def _with_image(dream: Dream, explained: ExplainedOutput, scaled: Tensor, curve: list[float]) -> Dream:
    """The dream with its present image, curve and score."""
    predictor = explained.predictor
    image = predictor.normalisation.inverse(resize(scaled, (dream.start.shape[1], dream.start.shape[2]))[None])[0]
    if not bool(torch.isfinite(image).all()):
        raise NotANumber("The dream has diverged.", "Choose a smaller step, or a larger penalty.")
    score, probability = _score_image(explained, image)
    return replace(
        dream,
        image=_to_numpy(image),
        curve=np.array(curve),
        score_after=score,
        probability_after=probability,
    )


def _initial_dream(
    explained: ExplainedOutput, start: Tensor, target_name: str, method: str, settings: AscentSettings, galaxy_id: str
) -> Dream:
    """A dream before its first step."""
    score, probability = _score_image(explained, start)
    return Dream(
        galaxy_id=galaxy_id,
        method=method,
        target_name=target_name,
        image=_to_numpy(start),
        start=_to_numpy(start),
        curve=np.zeros(0),
        settings=settings,
        output_name=explained.name,
        score_before=score,
        score_after=score,
        probability_before=probability,
        probability_after=probability,
        unit=explained.value_unit,
    )


@torch.no_grad()
def _score_image(explained: ExplainedOutput, image: Tensor) -> tuple[float, float | None]:
    """Score and probability of an image (C, H, W) in physical units; of an angle the angle itself."""
    with full_precision(image.device):
        scored = replace(explained, image=image, outputs=explained.predictor.logits(image[None]))
    return float(scored.values(scored.outputs)), scored.probability


def _as_batch(scaled: Tensor) -> Tensor:
    return arrange(scaled[None])


def _to_numpy(image: Tensor) -> NDArray[np.float32]:
    return image.detach().cpu().contiguous().numpy().copy()
