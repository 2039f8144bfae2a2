r"""ZCA whitening: removing the correlations between pixels while changing the images as little as possible.

With the mean :math:`\mu` and the covariance :math:`\Sigma = V \operatorname{diag}(\lambda) V^\mathsf{T}` of the
training images as vectors of :math:`D = C H W` values,

.. math:: x \mapsto V \operatorname{diag}\bigl((\lambda + \epsilon \bar\lambda)^{-1/2}\bigr) V^\mathsf{T} (x - \mu) ,

where :math:`\bar\lambda` is the mean variance of a value. The floor :math:`\epsilon` keeps directions in which the
training galaxies hardly vary from being blown up; this is Keras' ``zca_epsilon`` for images of unit variance.

A sample of :math:`n` images determines at most :math:`n - 1` directions, and the :math:`D \times D` matrix would not
fit into a file for large stamps. Only the first :math:`r` directions are kept, as many as make sixteen million
numbers; all others are given the mean of the variance that is left. Up to 4096 values, such as 64 × 64 pixels in one
band, nothing is left out.

References
----------
Bell & Sejnowski 1997, Vision Research 37, 3327; Krizhevsky 2009, Learning multiple layers of features from tiny images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MAX_NUMBERS = 2**24  # 64 MiB in the file of a network
_EXACT_NUMBERS = 2**25  # of the sample: beyond, products are in float32
_RANK_TOLERANCE = 1e-10  # of the largest variance: less is rounding


class Whitening(nn.Module):
    """The transform: buffers ``mean`` (D,), ``directions`` (r, D), ``gains`` (r,) along them, ``rest`` () elsewhere."""

    mean: Tensor
    directions: Tensor
    gains: Tensor
    rest: Tensor

    def __init__(self, mean: Tensor, directions: Tensor, gains: Tensor, rest: Tensor) -> None:
        super().__init__()
        for name, value in (("mean", mean), ("directions", directions), ("gains", gains), ("rest", rest)):
            self.register_buffer(name, value.detach().to(torch.float32).clone())

    def forward(self, images: Tensor) -> Tensor:
        """Whitened images (N, C, H, W)."""
        return self._scale_along(images.flatten(1) - self.mean, self.gains, self.rest).view(images.shape)

    def inverse(self, whitened: Tensor) -> Tensor:
        """Invert :meth:`forward`: the images (N, C, H, W) before whitening."""
        flat = self._scale_along(whitened.flatten(1), 1 / self.gains, 1 / self.rest)
        return (flat + self.mean).view(whitened.shape)

    def _scale_along(self, flat: Tensor, along: Tensor, across: Tensor) -> Tensor:
        return across * flat + ((flat @ self.directions.T) * (along - across)) @ self.directions


def fit(images: Tensor, floor: float) -> Whitening:
    """Fit the transform to a random sample of training images.

    Parameters
    ----------
    images
        (N, C, H, W), scaled.
    floor
        Added to each variance, as a share of their mean.
    """
    flat = images.flatten(1)
    count, values = flat.shape
    flat = flat.to(torch.float64 if flat.numel() <= _EXACT_NUMBERS else torch.float32)
    mean = flat.mean(dim=0)
    flat = flat - mean
    total = float(flat.square().mean(dim=0).sum())
    if count > values:
        variances, vectors = torch.linalg.eigh((flat.T @ flat / count).double())
        directions = vectors.T
    else:  # the same variances in a smaller matrix
        variances, vectors = torch.linalg.eigh((flat @ flat.T / count).double())
        directions = vectors.T.to(flat.dtype) @ flat
    variances, directions = variances.flip(0).clamp_min(0), directions.flip(0)
    most = int((variances > _RANK_TOLERANCE * variances[0]).sum())
    most = min(most, max(1, _MAX_NUMBERS // values))
    variances, directions = variances[:most], directions[:most]
    directions = directions / directions.norm(dim=1, keepdim=True).clamp_min(torch.finfo(directions.dtype).tiny)
    added = floor * total / values if total > 0 else 1.0  # identical images stay zero
    gains = (variances + added).rsqrt()
    if most == values:  # nothing is left over; a small gain minimises rounding errors
        return Whitening(mean, directions, gains, gains[0])
    left = max(0.0, total - float(variances.sum())) / (values - most)
    return Whitening(mean, directions, gains, torch.tensor((left + added) ** -0.5))
