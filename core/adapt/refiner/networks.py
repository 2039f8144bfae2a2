"""The two networks: a refiner, which adds a residual to a stamp, and a discriminator, which judges its patches.

References
----------
Shrivastava et al. 2017, CVPR, arXiv:1612.07828 (SimGAN), section 2 and appendix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from core.adapt.refiner.settings import RefinerSettings
from core.nets.device import arrange

_SMALL = 0.1  # of the usual weights of the last layer: a new refiner changes little
_SLOPE = 0.2
_MOST = 3.0  # the largest residual in units of the scaled stamp: a factor of 20 for a bright pixel
_STRIDES = (2, 2, 1)


class _Block(nn.Module):
    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(filters, filters, 3, padding=1)
        self.second = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class Refiner(nn.Module):
    """Residual blocks at full resolution.

    Parameters
    ----------
    bands
        Of the stamps.
    settings
        Its size.
    """

    def __init__(self, bands: int, settings: RefinerSettings) -> None:
        super().__init__()
        self.noise_planes, filters = settings.noise_planes, settings.filters
        self.first = nn.Conv2d(bands + self.noise_planes, filters, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(filters) for _ in range(settings.blocks)))
        self.last = nn.Conv2d(filters, bands, 1)
        with torch.no_grad():
            for values in self.last.parameters():
                values.mul_(_SMALL)

    def forward(self, scaled: Tensor, noise: Tensor) -> Tensor:
        """The residual (n, C, H, W) of scaled stamps (n, C, H, W), to be added to them.

        ``noise`` (n, K, H, W) holds standard normal numbers, K planes for each stamp.
        """
        x = arrange(torch.cat([scaled, noise], dim=1))
        x = torch.relu(self.first(x))
        return self.last(self.blocks(x)).clamp(-_MOST, _MOST)


class Discriminator(nn.Module):
    """Convolutions with a stride: one answer for each patch of 15 × 15 pixels, every 4 pixels.

    Their weights are divided by their largest singular value (Miyato et al. 2018, arXiv:1802.05957): a discriminator
    that runs ahead of the refiner has no gradient left to learn from.
    """

    def __init__(self, bands: int, settings: RefinerSettings) -> None:
        super().__init__()
        width, layers = settings.filters, list[nn.Module]()
        planes = bands
        for stride in _STRIDES:
            layers += [spectral_norm(nn.Conv2d(planes, width, 3, stride, padding=1)), nn.LeakyReLU(_SLOPE)]
            planes, width = width, 2 * settings.filters
        layers.append(nn.Conv2d(planes, 1, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, scaled: Tensor) -> Tensor:
        """The logits (n, h, w) that patches of scaled stamps (n, C, H, W) are refined ones."""
        return self.layers(arrange(scaled))[:, 0]
