r"""Which responses of each layer a change of a few pixels can reach.

A convolution is linear: the change of its output is the convolution of the change, so a change of the pixels
:math:`[a, b)` along one axis becomes, for a kernel of :math:`k` pixels and padding :math:`p`, one of the responses
:math:`[a + p - k + 1, b + p)`. A pool of kernel :math:`k` and stride :math:`s` carries it to

.. math:: \lceil (a - k + 1) / s \rceil \le i \le \lfloor (b - 1) / s \rfloor .
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Identity)
_POINTWISE_IN_EVALUATION = (nn.BatchNorm2d, nn.Dropout)


@dataclass(frozen=True)
class AxisStep:
    """Kernel, stride and padding of one layer along one axis; ``kernel`` is the full extent of a dilated one."""

    kernel: int
    stride: int
    padding: int

    def size(self, pixels: int) -> int:
        """Number of responses along an axis of ``pixels`` pixels."""
        return (pixels + 2 * self.padding - self.kernel) // self.stride + 1


_IDENTITY = AxisStep(1, 1, 0)


@dataclass(frozen=True)
class WindowedStage:
    """A convolution (or none) and the pools and pointwise layers up to the next one.

    ``spread`` and ``pools`` hold the steps of the convolution and of each later layer along both axes (vertical,
    horizontal).
    """

    convolution: nn.Conv2d | None
    later: tuple[nn.Module, ...]
    spread: tuple[AxisStep, AxisStep]
    pools: tuple[tuple[AxisStep, AxisStep], ...]


@dataclass(frozen=True)
class Span:
    """The windows of one stage along one axis, for P positions of the patch.

    Attributes
    ----------
    changed, changed_width
        Responses of the convolution that may change: first one, int64 (P,), and their number, the same for all. They
        may reach beyond the border, where there is nothing to change. seen, seen_width Responses of the convolution
        that enter the pools; within the border. out, out_width Responses after the pools; within the border. between,
        after Length of the axis after the convolution, and after the pools.
    """

    changed: NDArray[np.int64]
    changed_width: int
    seen: NDArray[np.int64]
    seen_width: int
    out: NDArray[np.int64]
    out_width: int
    between: int
    after: int


def spans(
    stages: Sequence[tuple[AxisStep, Sequence[AxisStep]]], pixels: int, positions: Sequence[int], patch: int
) -> list[Span]:
    """Windows of each stage (convolution, pools) along one axis, for a patch that starts at each of ``positions``."""
    out, out_width = np.asarray(positions, dtype=np.int64), patch
    low, high = out, np.minimum(out + patch, pixels)  # the true reach; windows may be larger
    found: list[Span] = []
    for spread, pools in stages:
        changed, changed_width = out + spread.padding - spread.kernel + 1, out_width + spread.kernel - 1
        after = between = spread.size(pixels)
        low = np.clip(low + spread.padding - spread.kernel + 1, 0, between)
        high = np.clip(high + spread.padding, 0, between)
        for pool in pools:
            after = pool.size(after)
            low = np.clip(-((pool.kernel - 1 - low) // pool.stride), 0, after)  # rounded up
            high = np.clip((high - 1) // pool.stride + 1, 0, after)
        out_width = max(1, int((high - low).max()))
        out = np.clip(low, 0, after - out_width)
        seen, seen_width = out, out_width
        for pool in reversed(pools):
            seen, seen_width = seen * pool.stride, (seen_width - 1) * pool.stride + pool.kernel
        found.append(Span(changed, changed_width, seen, seen_width, out, out_width, between, after))
        pixels = after
    return found


def split_stages(layers: Sequence[nn.Module]) -> list[WindowedStage] | None:
    """Split the layers before each convolution; None if one of them is of an unknown kind."""
    groups: list[list[nn.Module]] = [[]]
    for module in layers:
        if isinstance(module, nn.Conv2d) and groups[-1]:
            groups.append([])
        groups[-1].append(module)
    found = [_make_stage(group) for group in groups]
    known = [stage for stage in found if stage is not None]
    return known if len(known) == len(found) else None


def _make_stage(group: Sequence[nn.Module]) -> WindowedStage | None:
    convolution = group[0] if group and isinstance(group[0], nn.Conv2d) else None
    later = tuple(group if convolution is None else group[1:])
    spread = (_IDENTITY, _IDENTITY) if convolution is None else _convolution_steps(convolution)
    pools = [_pool_steps(module) for module in later]
    known = tuple(pool for pool in pools if pool is not None)
    if spread is None or len(known) < len(pools):
        return None
    return WindowedStage(convolution, later, spread, known)


def _convolution_steps(convolution: nn.Conv2d) -> tuple[AxisStep, AxisStep] | None:
    padding = convolution.padding
    if convolution.padding_mode != "zeros" or isinstance(padding, str) or set(convolution.stride) != {1}:
        return None
    vertical, horizontal = _extent(convolution.kernel_size, convolution.dilation)
    return AxisStep(vertical, 1, padding[0]), AxisStep(horizontal, 1, padding[1])


def _pool_steps(module: nn.Module) -> tuple[AxisStep, AxisStep] | None:
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        if pair(module.padding) != (0, 0) or module.ceil_mode:
            return None
        dilation = module.dilation if isinstance(module, nn.MaxPool2d) else 1
        (down, across), (stride, stride2) = _extent(module.kernel_size, dilation), pair(module.stride)
        return AxisStep(down, stride, 0), AxisStep(across, stride2, 0)
    is_pointwise = isinstance(module, _POINTWISE)
    if not module.training:
        is_pointwise = is_pointwise or isinstance(module, _POINTWISE_IN_EVALUATION)
    return (_IDENTITY, _IDENTITY) if is_pointwise else None


def _extent(kernel: int | tuple[int, ...], dilation: int | tuple[int, ...]) -> tuple[int, int]:
    (k, k2), (d, d2) = pair(kernel), pair(dilation)
    return d * (k - 1) + 1, d2 * (k2 - 1) + 1


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """The value along both axes (vertical, horizontal), given once or for each."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
