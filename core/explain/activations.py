"""The feature maps of every layer for one galaxy, and the weights of the first layer as pictures.

The convolutional part of a network keeps the image's shape: each filter of each layer gives a map of its responses,
which covers the stamp like a coarser grid. The head has no such maps and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import NotPossible
from core.explain.explained_output import select_output
from core.explain.signed_colours import signed_rgb
from core.nets import layers
from core.nets.device import arrange, full_precision
from core.nets.layers import LayerRow
from core.nets.predictor import Predictor

_FEATURES_PREFIX = "features."


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The responses of one layer to one image.

    Attributes
    ----------
    layer
        Its row in the table of layers.
    responses
        float32 (F, h, w), row 0 at the bottom; after the activation where ``layer`` is one.
    """

    layer: LayerRow
    responses: NDArray[np.float32]

    @property
    def name(self) -> str:
        """The layer's short name, such as ``activation3``."""
        return short_name(self.layer.name)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge of the maps on the stamp, in pixels from the centre of its first pixel.

        Each response covers a square of one stride about the centre of its receptive field.
        """
        height, width = self.responses.shape[1:]
        start = self.layer.offset - self.layer.stride / 2
        return start, start + width * self.layer.stride, start, start + height * self.layer.stride


def short_name(name: str) -> str:
    """A layer's name without the part of the network it is in."""
    return name.removeprefix(_FEATURES_PREFIX)


def layers_with_maps(predictor: Predictor, shape: tuple[int, int, int]) -> list[LayerRow]:
    """The layers with maps, in their order, for stamps of ``shape`` (C, H, W)."""
    return [row for row in layers.table(predictor.network, shape) if row.name.startswith(_FEATURES_PREFIX)]


def find_layer(predictor: Predictor, layer: str, shape: tuple[int, int, int]) -> LayerRow:
    """The layer of this name, with or without ``features.`` before it; empty: the last one.

    Raises
    ------
    NotPossible
        There is no such layer, or it has no maps.
    """
    known = layers_with_maps(predictor, shape)
    for row in known:
        if short_name(row.name) == short_name(layer):
            return row
    if not layer:
        return known[-1]
    names = ", ".join(short_name(row.name) for row in known)
    raise NotPossible(f"The network has no maps of a layer “{layer}”.", f"Its layers are: {names}.")


@torch.no_grad()
def responses(predictor: Predictor, images: Tensor, layer: str) -> Tensor:
    """Responses (n, F, h, w) of one layer to images (n, C, H, W) in physical units, on the network's device."""
    with full_precision(predictor.device):
        x = scale_images(predictor, images)
        for name, module in predictor.network.features.named_children():
            x = module(x)
            if name == short_name(layer):
                return x
    raise KeyError(layer)


def scale_images(predictor: Predictor, images: Tensor) -> Tensor:
    """Scale images (n, C, H, W) in physical units for the first layer."""
    return arrange(predictor.normalisation(images.to(predictor.device, torch.float32)))


@torch.no_grad()
def feature_maps(predictor: Predictor, image: NDArray[np.float32]) -> list[FeatureMaps]:
    """The responses of every layer with maps to one image (C, H, W) in physical units.

    Raises
    ------
    NotPossible, NotANumber
        The image does not fit the network, or is not finite.
    """
    explained = select_output(predictor, image)
    channels, height, width = explained.image.shape
    found: list[FeatureMaps] = []
    with full_precision(predictor.device):
        x = scale_images(predictor, explained.image[None])
        for row in layers_with_maps(predictor, (channels, height, width)):
            x = predictor.network.get_submodule(row.name)(x)  # (1, F, h, w)
            found.append(FeatureMaps(row, x[0].cpu().contiguous().numpy()))
    return found


def first_weights(predictor: Predictor) -> NDArray[np.float32]:
    """The weights of the first convolution, float32 (F, C, k, k), laid out like a stamp: row 0 at the bottom.

    Raises
    ------
    NotPossible
        The network begins with something else.
    """
    first = next(iter(predictor.network.features), None)
    if not isinstance(first, nn.Conv2d):
        raise NotPossible("The network does not begin with a convolution.", "Choose another network.")
    return first.weight.detach().cpu().contiguous().numpy().copy()


def first_weights_rgb(predictor: Predictor) -> NDArray[np.uint8]:
    """The weights of the first convolution as pictures, uint8 (F, k, k, 3); grey is zero, each with its own scale."""
    return signed_rgb(first_weights(predictor), predictor.bands)
