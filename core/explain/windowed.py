r"""A network's outputs for many images that differ from one image by a small patch.

A patch of a few pixels can change only a window of each layer. A convolution is linear: the change of its output is
the convolution of the change, so a change of the pixels :math:`[a, b)` along one axis becomes, for a kernel of
:math:`k` pixels and padding :math:`p`, one of the responses :math:`[a + p - k + 1, b + p)`. A pool of kernel
:math:`k` and stride :math:`s` carries it to

.. math:: \lceil (a - k + 1) / s \rceil \le i \le \lfloor (b - 1) / s \rfloor .

So the network is run once on the unchanged image, and its responses are kept. For each position of the patch only the
change is convolved; the old responses are added where pools and activations need whole values, and subtracted
afterwards. All windows of a layer have the same size, the largest that any position needs, pushed inwards at the
border, so that all positions go through the layer in one batch. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.explain.products import LONGEST, Products
from core.nets.cnn import CNN, GlobalMean

_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Identity)
_POINTWISE_IN_EVALUATION = (nn.BatchNorm2d, nn.Dropout)
_FEW = 16  # with fewer channels, products of polynomials are no quicker


@dataclass(frozen=True)
class Step:
    """What one layer does along one axis; ``kernel`` counts the holes of a dilated one."""

    kernel: int
    stride: int
    padding: int

    def size(self, pixels: int) -> int:
        """Responses along an axis of so many pixels."""
        return (pixels + 2 * self.padding - self.kernel) // self.stride + 1


_NOTHING = Step(1, 1, 0)


@dataclass(frozen=True)
class Stage:
    """A convolution (or none) and the pools and pointwise layers up to the next one.

    ``spread`` and ``pools`` say for the convolution and for each later layer what it does along both axes
    (vertical, horizontal).
    """

    convolution: nn.Conv2d | None
    later: tuple[nn.Module, ...]
    spread: tuple[Step, Step]
    pools: tuple[tuple[Step, Step], ...]


@dataclass(frozen=True)
class Span:
    """The windows of one stage along one axis, for P positions of the patch.

    Attributes
    ----------
    changed, changed_width
        Responses of the convolution that may change: first ones, int64 (P,), and common number. They may reach
        beyond the border, where there is nothing to change.
    seen, seen_width
        Responses of the convolution that the pools look at; within the border.
    out, out_width
        Responses after the pools; within the border.
    between, after
        Length of the axis after the convolution, and after the pools.
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
    stages: Sequence[tuple[Step, Sequence[Step]]], pixels: int, positions: Sequence[int], patch: int
) -> list[Span]:
    """Windows of each stage (convolution, pools) along one axis, for a patch that starts at each of ``positions``."""
    out, out_width = np.asarray(positions, dtype=np.int64), patch
    low, high = out, np.minimum(out + patch, pixels)  # the true reach, where windows are larger than it
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


def stages(layers: Sequence[nn.Module]) -> list[Stage] | None:
    """Cut the layers before each convolution; None if one of them is of a kind that is not understood here."""
    groups: list[list[nn.Module]] = [[]]
    for module in layers:
        if isinstance(module, nn.Conv2d) and groups[-1]:
            groups.append([])
        groups[-1].append(module)
    found = [_stage(group) for group in groups]
    known = [stage for stage in found if stage is not None]
    return known if len(known) == len(found) else None


def _stage(group: Sequence[nn.Module]) -> Stage | None:
    convolution = group[0] if group and isinstance(group[0], nn.Conv2d) else None
    later = tuple(group if convolution is None else group[1:])
    spread = (_NOTHING, _NOTHING) if convolution is None else _spread(convolution)
    pools = [_pool(module) for module in later]
    known = tuple(pool for pool in pools if pool is not None)
    if spread is None or len(known) < len(pools):
        return None
    return Stage(convolution, later, spread, known)


def _spread(convolution: nn.Conv2d) -> tuple[Step, Step] | None:
    padding = convolution.padding
    if convolution.padding_mode != "zeros" or isinstance(padding, str) or set(convolution.stride) != {1}:
        return None
    vertical, horizontal = _extent(convolution.kernel_size, convolution.dilation)
    return Step(vertical, 1, padding[0]), Step(horizontal, 1, padding[1])


def _pool(module: nn.Module) -> tuple[Step, Step] | None:
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        if _pair(module.padding) != (0, 0) or module.ceil_mode:
            return None
        dilation = module.dilation if isinstance(module, nn.MaxPool2d) else 1
        (down, across), (stride, stride2) = _extent(module.kernel_size, dilation), _pair(module.stride)
        return Step(down, stride, 0), Step(across, stride2, 0)
    is_pointwise = isinstance(module, _POINTWISE)
    if not module.training:
        is_pointwise = is_pointwise or isinstance(module, _POINTWISE_IN_EVALUATION)
    return (_NOTHING, _NOTHING) if is_pointwise else None


def _extent(kernel: int | tuple[int, ...], dilation: int | tuple[int, ...]) -> tuple[int, int]:
    (k, k2), (d, d2) = _pair(kernel), _pair(dilation)
    return d * (k - 1) + 1, d2 * (k2 - 1) + 1


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class Windowed:
    """A network that looks at one image again and again, with a patch put on it at one position after another.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    network
        In evaluation mode.
    parts
        Its layers, from :func:`stages`.
    image
        (C, H, W), scaled as the network wants it.
    fill
        Values (C,) of the patch, scaled too.
    patch
        Side of the patch in pixels; it is cut off at the far border.
    rows, columns
        First pixel of the patch at each position.
    """

    def __init__(
        self,
        network: CNN,
        parts: Sequence[Stage],
        image: Tensor,
        fill: Tensor,
        patch: int,
        rows: Sequence[int],
        columns: Sequence[int],
    ) -> None:
        self._network, self._parts, self._patch = network, parts, patch
        self._rows, self._columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
        self._down = spans([(s.spread[0], [p[0] for p in s.pools]) for s in parts], image.shape[1], rows, patch)
        self._across = spans([(s.spread[1], [p[1] for p in s.pools]) for s in parts], image.shape[2], columns, patch)
        self._shape = image.shape[1:]
        self._change = _below_nothing((fill[:, None, None] - image).permute(1, 2, 0))
        self._convolved: list[Tensor] = []  # of each stage, the old responses (H W, C) of its convolution, and zeros
        self._old: list[Tensor] = []  # the old responses of all of it
        response = image.permute(1, 2, 0)[:, :, None]  # (H, W, 1, C)
        for part in parts:
            if part.convolution is not None:
                response = part.convolution(response.permute(2, 3, 0, 1)).permute(2, 3, 0, 1)
            self._convolved.append(response.flatten(0, 2))
            response = _through(part, response.contiguous())
            self._old.append(response.flatten(0, 2).clone())
        self._last = response.permute(2, 3, 0, 1)  # (1, C, h, w)
        self._products = [self._product(number) for number in range(len(parts))]
        self._kept: dict[int, Tensor] = {}
        self.bytes_per_position = self._largest()

    def outputs(self, which: NDArray[np.int64]) -> Tensor:
        """The network's outputs (n, K) with the patch at the positions numbered ``which`` (n,)."""
        rows, columns = np.divmod(which, len(self._columns))
        y = self._axis(self._rows[rows], self._patch)
        x = self._axis(self._columns[columns], self._patch)
        change = _picked(self._change, _places_inside(y, x, *self._shape) + 1)  # (patch, patch, n, C)
        for number in range(len(self._parts)):
            change = self._next(number, rows, columns, change)
        neck, head = self._network.neck, self._network.head
        if isinstance(neck, GlobalMean):
            return head(neck(self._last) + change.sum(dim=(0, 1)) / self._last[0, 0].numel())
        y = self._axis(-self._down[-1].out[rows], self._last.shape[2])
        x = self._axis(-self._across[-1].out[columns], self._last.shape[3])
        whole = _picked(_below_nothing(change), _places_inside(y, x, *change.shape[:3]) + 1)
        return head(neck(self._last + whole.permute(2, 3, 0, 1)))

    def _next(self, number: int, rows: NDArray[np.int64], columns: NDArray[np.int64], change: Tensor) -> Tensor:
        """Carry changes (h, w, n, C) through one stage."""
        part, down, across = self._parts[number], self._down[number], self._across[number]
        table = self._beside_old(number, change)
        y = self._axis(down.seen[rows] - down.changed[rows], down.seen_width)
        x = self._axis(across.seen[columns] - across.changed[columns], across.seen_width)
        new = _places_inside(y, x, down.changed_width, across.changed_width, len(rows)).add_(
            down.between * across.between + 1
        )
        y, x = self._axis(down.seen[rows], down.seen_width), self._axis(across.seen[columns], across.seen_width)
        whole = _sums(table, _places(y, x, across.between), new)
        y, x = self._axis(down.out[rows], down.out_width), self._axis(across.out[columns], across.out_width)
        return _through(part, whole).sub_(_picked(self._old[number], _places(y, x, across.after)))

    def _beside_old(self, number: int, change: Tensor) -> Tensor:
        """One table of pixels: the old responses of a stage's convolution, one of zeros, and the changes.

        Its memory is used again and again.
        """
        old = self._convolved[number]
        down, across = self._down[number], self._across[number]
        shape = (down.changed_width, across.changed_width, change.shape[2], old.shape[1])
        rows = len(old) + 1 + shape[0] * shape[1] * shape[2]
        kept = self._kept.get(number)
        if kept is None or len(kept) < rows:
            kept = self._kept[number] = torch.cat([old, old.new_zeros(rows - len(old), shape[3])])
        changed, products = kept[len(old) + 1 : rows].view(shape), self._products[number]
        if products is not None:
            products.write(change, changed)
        else:
            changed.copy_(_convolved(self._parts[number], change))
        return kept[:rows]

    def _product(self, number: int) -> Products | None:
        """The quick way through a stage's convolution, where there is one."""
        convolution, down, across = self._parts[number].convolution, self._down[number], self._across[number]
        if convolution is None or convolution.groups > 1 or set(_pair(convolution.dilation)) != {1}:
            return None
        if convolution.in_channels < _FEW or max(down.changed_width, across.changed_width) > LONGEST:
            return None
        height, width = convolution.kernel_size
        return Products(convolution.weight, down.changed_width - height + 1, across.changed_width - width + 1)

    def _axis(self, starts: NDArray[np.int64], width: int) -> Tensor:
        """Pixels of n windows along one axis, int64 (width, n)."""
        return torch.from_numpy(np.arange(width)[:, None] + starts).to(self._last.device)

    def _largest(self) -> int:
        """Bytes that the most demanding stage takes for one position."""
        sizes = [
            down.seen_width * across.seen_width * (24 + 12 * table.shape[1])
            for table, down, across in zip(self._convolved, self._down, self._across, strict=True)
        ]
        flat = 0 if isinstance(self._network.neck, GlobalMean) else 12 * self._last.numel()
        return max(*sizes, flat)


def _convolved(part: Stage, change: Tensor) -> Tensor:
    """All that a change (h, w, n, C) can do to the responses, (h + k - 1, w + k - 1, n, filters)."""
    convolution = part.convolution
    if convolution is None:
        return change
    reach = (part.spread[0].kernel - 1, part.spread[1].kernel - 1)
    windows = change.permute(2, 3, 0, 1)
    found = functional.conv2d(windows, convolution.weight, None, 1, reach, convolution.dilation, convolution.groups)
    return found.permute(2, 3, 0, 1)


def _through(part: Stage, x: Tensor) -> Tensor:
    """Pools and pointwise layers, for pixels (h, w, n, C)."""
    for module, (down, across) in zip(part.later, part.pools, strict=True):
        if isinstance(module, nn.MaxPool2d):
            x = _highest(_highest(x, 0, module, down), 1, module, across)
        elif isinstance(module, nn.AvgPool2d):  # all windows are channels of one image
            pooled = module(x.flatten(2)[None].permute(0, 3, 1, 2))[0].permute(1, 2, 0)
            x = pooled.reshape(*pooled.shape[:2], *x.shape[2:])
        else:  # all pixels are images of one pixel
            x = module(x.view(-1, x.shape[3], 1, 1)).view(x.shape)
    return x


def _highest(x: Tensor, axis: int, pool: nn.MaxPool2d, step: Step) -> Tensor:
    """A pool along one axis; torch's also notes where the maximum was, which takes twice the memory."""
    last = (step.size(x.shape[axis]) - 1) * step.stride
    offsets = range(0, step.kernel, _pair(pool.dilation)[axis])
    pixels = x.movedim(axis, 0)
    return reduce(torch.maximum, [pixels[i : i + last + 1 : step.stride] for i in offsets]).movedim(0, axis)


def _below_nothing(x: Tensor) -> Tensor:
    """Table of the pixels of ``x`` (..., C) with a row of zeros before the first, for what lies outside."""
    return functional.pad(x.reshape(-1, x.shape[-1]), (0, 0, 1, 0))


def _places(y: Tensor, x: Tensor, width: int) -> Tensor:
    """Rows of a table of pixels that lie in lines of ``width``: windows (h, w, n)."""
    return (y * width)[:, None] + x


def _places_inside(y: Tensor, x: Tensor, height: int, width: int, pieces: int = 1) -> Tensor:
    """The same in a table (height, width, pieces), where window i looks at piece i; -1 outside it."""
    outside = -height * width * pieces
    y = torch.where((y >= 0) & (y < height), y * (width * pieces), outside)
    x = torch.where((x >= 0) & (x < width), x * pieces, outside)
    if pieces > 1:
        x += torch.arange(pieces, device=x.device)
    return (y[:, None] + x).clamp_(min=-1)


def _picked(table: Tensor, places: Tensor) -> Tensor:
    """Windows (h, w, n, C) from a table of pixels (P, C)."""
    return table.index_select(0, places.view(-1)).view(*places.shape, -1)


def _sums(table: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """``_picked(table, one) + _picked(table, other)``, on a processor in one pass."""
    if table.device.type != "cpu":
        return _picked(table, one) + _picked(table, other)
    pairs = torch.stack([one, other], dim=3).view(-1, 2)
    return functional.embedding_bag(pairs, table, mode="sum").view(*one.shape, -1)
