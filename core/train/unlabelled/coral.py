r"""CORAL: the features of two surveys get the same covariances.

With the covariance matrices :math:`C_S` and :math:`C_T` of :math:`d` features over the galaxies of both surveys in a
batch, the loss is

.. math:: \frac{1}{4 d^2}\, \lVert C_S - C_T \rVert_F^2 .

References
----------
Sun & Saenko 2016, arXiv:1607.01719 (Deep CORAL).
"""

from __future__ import annotations

from torch import Tensor


def loss(source: Tensor, target: Tensor) -> Tensor:
    """The CORAL loss, a scalar, of the features (n, d) and (m, d) of two surveys; n and m at least 2."""
    difference = covariance(source) - covariance(target)
    return difference.square().sum() / (4 * source.shape[1] ** 2)


def covariance(features: Tensor) -> Tensor:
    """The unbiased covariance matrix (d, d) of features (n, d)."""
    off = features - features.mean(dim=0)
    return off.T @ off / (len(features) - 1)
