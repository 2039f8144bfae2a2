r"""The subject of an attribution map: one image, one output of a network, and the score to be explained.

The *score* of a class or of a vote fraction is its output before the softmax, since probabilities saturate: a
galaxy with 99.99 % for spiral keeps that whatever is covered, and its map would be empty. The score of a
quantity is the quantity in its unit; of one that is learned as a logarithm its natural logarithm, so that a map tells
by which factor a pixel changes it.

An angle is two outputs, :math:`\rho\,(\cos, \sin)(2\pi x / P)`, and what speaks for it is neither of them: its score is
the component of the two along the direction that the network predicts for the image itself, which stays the same
while pixels are changed. It is about one where the network is sure, and about zero where nothing points that way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from astropy.stats import mad_std
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from core.data.encodings import Encoding
from core.data.target import Quantities, encodings_of, periods_of
from core.errors import NotANumber, NotPossible
from core.nets import encoding, heads, side_inputs
from core.nets.device import arrange, full_precision
from core.nets.normalisation import border_pixels
from core.nets.predictor import Predictor

Fill = Literal["background", "mean", "zero"]
_BORDER_CLIP_SIGMA = 4.0  # pixels of the border further than this from its median belong to a neighbour


@dataclass(frozen=True)
class ExplainedOutput:
    """One image (C, H, W), float32 in physical units on the network's device, and one output of the network.

    ``outputs`` are the network's raw outputs (logits) for the image, ``index`` counts what it answers: the class,
    answer or quantity to be explained. ``angle`` is the one towards which an angle is explained; None for all else.
    """

    predictor: Predictor
    image: Tensor
    index: int
    outputs: Tensor
    angle: float | None = None

    @property
    def name(self) -> str:
        """The class, answer or quantity that is explained."""
        return self.predictor.output_names[self.index]

    @property
    def unit(self) -> str:
        """Unit of the score, empty for classes, vote fractions and pure numbers; of an angle the direction."""
        if self.angle is not None:
            return f"towards {self.angle:.3g} {self.value_unit}".strip()
        if self.encoding.is_logarithm:
            return f"ln({self.value_unit})" if self.value_unit else "ln"
        return self.value_unit

    @property
    def encoding(self) -> Encoding:
        """How what is explained is learned."""
        return encodings_of(self.predictor.target)[self.index]

    @property
    def value_unit(self) -> str:
        """Unit of what is explained; empty for classes, vote fractions and pure numbers."""
        target = self.predictor.target
        return target.units[self.index] if isinstance(target, Quantities) else ""

    def scores(self, outputs: Tensor) -> Tensor:
        """The scores (n,) in the network's outputs."""
        if self.angle is not None:
            return self.components(outputs) @ self.direction
        return self.components(outputs)[:, 0] if self.encoding.is_logarithm else self.values(outputs)

    def values(self, outputs: Tensor) -> Tensor:
        """The class's output or the quantity (n,) itself; an angle as the one nearest to that of the explanation."""
        target = self.predictor.target
        if isinstance(target, Quantities):
            outputs = heads.apply_activation(target, outputs, self.predictor.output_scale)
        found = outputs[:, self.index]
        if self.angle is None:
            return found
        period = periods_of(target)[self.index] or math.nan
        return found - period * ((found - self.angle) / period).detach().round()

    def components(self, outputs: Tensor) -> Tensor:
        """Cosine and sine (n, 2) of an angle, the logarithm or the quantity (n, 1) itself, in physical units."""
        target = self.predictor.target
        assert isinstance(target, Quantities)
        return heads.components(target, outputs, self.predictor.output_scale)[:, encoding.places(target)[self.index]]

    @property
    def direction(self) -> Tensor:
        """Cosine and sine (2,) of the angle towards which an angle is explained."""
        phase = 2 * math.pi * (self.angle or 0.0) / (periods_of(self.predictor.target)[self.index] or math.nan)
        return torch.tensor([math.cos(phase), math.sin(phase)], device=self.image.device)

    @property
    def score(self) -> float:
        """The score of the image."""
        return float(self.scores(self.outputs))

    @property
    def probability(self) -> float | None:
        """Probability of the class, or vote fraction, as it is predicted elsewhere; None for quantities.

        It may be averaged over mirror images and turns, whereas the score is that of the image as it stands.
        """
        target, views = self.predictor.target, self.predictor.views
        if isinstance(target, Quantities):
            return None
        if len(views) == 1 and self.predictor.temperature is None:
            return float(heads.apply_activation(target, self.outputs)[0, self.index])
        with torch.no_grad():
            return float(self.predictor.scores(self.image[None])[0, self.index])

    def fill_values(self, fill: Fill) -> Tensor:
        """Values (C,) of an image without the galaxy, see :func:`fill_values`."""
        return fill_values(self.image, fill)

    def background_scatter(self) -> Tensor:
        """Standard deviation (C,) of the border from its median absolute deviation, so that neighbours weigh little.

        Where the border does not vary at all, a hundredth of the image's standard deviation.
        """
        pixels = self.image.cpu().numpy()
        edge = border_pixels(pixels[None])[0]  # (C, P)
        found, least = mad_std(edge, axis=1), pixels.std(axis=(1, 2)) / 100
        return torch.from_numpy(np.where(found > 0, found, least).astype(np.float32)).to(self.image.device)

    def blurred(self, width: float) -> Tensor:
        """The image (C, H, W) under a Gaussian of ``width`` pixels (standard deviation), mirrored at the border."""
        pixels = gaussian_filter(self.image.cpu().numpy(), (0, width, width))
        return torch.from_numpy(pixels).to(self.image.device)

    def baseline_image(self, fill: Fill | Literal["noise"], seed: int | np.random.Generator = 0) -> Tensor:
        """An image (C, H, W) without the galaxy, see :func:`baseline_image`."""
        return baseline_image(self.image, fill, seed)


def fill_values(image: Tensor, fill: Fill) -> Tensor:
    """Values (C,) of an image without the galaxy: the median of the border, the image's mean, or zero."""
    match fill:
        case "background":
            edge = border_pixels(image.cpu().numpy()[None])[0]  # (C, P)
            return torch.from_numpy(np.median(edge, axis=1).astype(np.float32)).to(image.device)
        case "mean":
            return image.mean(dim=(1, 2))
        case "zero":
            return torch.zeros_like(image[:, 0, 0])


def baseline_image(image: Tensor, fill: Fill | Literal["noise"], seed: int | np.random.Generator = 0) -> Tensor:
    """An image (C, H, W) without the galaxy: one value per band everywhere, or noise.

    Each pixel of the noise is a pixel of the border with all its bands, drawn at random with the ``seed``; pixels of
    bright neighbours are left out.
    """
    if fill != "noise":
        return fill_values(image, fill)[:, None, None].expand_as(image)
    edge = border_pixels(image.cpu().numpy()[None])[0]  # (C, P)
    off = np.abs(edge - np.median(edge, axis=1, keepdims=True))
    is_sky = (off <= _BORDER_CLIP_SIGMA * np.asarray(mad_std(edge, axis=1))[:, None]).all(axis=0)
    sky = edge[:, is_sky] if is_sky.any() else edge
    sample = np.random.default_rng(seed).integers(sky.shape[1], size=image.shape[1:])
    return torch.from_numpy(sky[:, sample]).to(image.device)


def select_output(
    predictor: Predictor, image: Tensor | NDArray[np.float32], output: int | str | None = None
) -> ExplainedOutput:
    """Check the image, run the network on it and choose the output to be explained.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output; None: the class or answer with the highest score, or the first quantity.

    Raises
    ------
    NotPossible
        The image does not fit the network, or it has no such output.
    NotANumber
        The image, or the network's output for it, is not finite.
    """
    tensor = check_image(predictor, image)
    with torch.no_grad(), full_precision(tensor.device):
        outputs = predictor.network(arrange(predictor.normalisation.scale_fast(tensor[None])))  # (1, K)
    return select_from_outputs(predictor, tensor, output, outputs)


def check_image(predictor: Predictor, image: Tensor | NDArray[np.float32]) -> Tensor:
    """The image (C, H, W) as float32 on the network's device, if it fits; errors as :func:`select_output`."""
    if predictor.side is not None:
        side_inputs.require(None, predictor.side)
    tensor = torch.as_tensor(image, dtype=torch.float32).to(predictor.device)
    bands = len(predictor.bands)
    if tensor.ndim != 3 or tensor.shape[0] != bands:
        raise NotPossible(
            f"The network looks at {bands} band{'s' * (bands != 1)}, and the image is {tuple(tensor.shape)}.",
            "Choose a dataset with the same bands.",
        )
    predictor.check(predictor.bands, (bands, tensor.shape[1], tensor.shape[2]), float("nan"))
    if not bool(torch.isfinite(tensor).all()):
        raise NotANumber("The image holds NaN or infinite pixels.", "Import the file again.")
    return tensor


def select_from_outputs(
    predictor: Predictor, image: Tensor, output: int | str | None, outputs: Tensor
) -> ExplainedOutput:
    """Choose the output when the network's ``outputs`` (1, K) are known already; errors as :func:`select_output`."""
    if not bool(torch.isfinite(outputs).all()):
        raise NotANumber(
            "The network's output for this image is not finite.", "Train it again with a lower learning rate."
        )
    explained = ExplainedOutput(predictor, image, _output_index(predictor, output, outputs), outputs)
    if periods_of(predictor.target)[explained.index] is None:
        return explained
    return replace(explained, angle=float(explained.values(outputs)))


def _output_index(predictor: Predictor, output: int | str | None, outputs: Tensor) -> int:
    names = predictor.output_names
    if output is None:
        return 0 if isinstance(predictor.target, Quantities) else int(outputs.argmax())
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, int) and 0 <= output < len(names):
        return output
    raise NotPossible(f"The network has no output “{output}”.", f"Its outputs are: {', '.join(names)}.")
