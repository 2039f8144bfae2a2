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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.nets.cnn import CNN, GlobalMean

_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Identity)
_POINTWISE_IN_EVALUATION = (nn.BatchNorm2d, nn.Dropout)


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
        self._change = _ringed(fill[None, :, None, None] - image[None])
        self._shape = image.shape[1:]
        self._convolved: list[Tensor] = []  # of each stage, the old responses (H W, C) of its convolution
        self._old: list[Tensor] = []  # and of all of it
        response = image[None].contiguous(memory_format=torch.channels_last)
        for part in parts:
            response = response if part.convolution is None else part.convolution(response)
            self._convolved.append(_pixels(response).clone())
            response = _through(part.later, response)
            self._old.append(_pixels(response).clone())
        self._last = response  # (1, C, h, w)
        self._kept: dict[int, Tensor] = {}
        self.bytes_per_position = self._largest()

    def outputs(self, which: NDArray[np.int64]) -> Tensor:
        """The network's outputs (n, K) with the patch at the positions numbered ``which`` (n,)."""
        rows, columns = np.divmod(which, len(self._columns))
        zero = np.zeros_like(rows)
        y = self._axis(self._rows[rows], self._patch, zero, self._shape[0])
        x = self._axis(self._columns[columns], self._patch, zero, self._shape[1])
        change = _picked(self._change, _places(y, x, self._shape[1] + 2))  # (n, C, patch, patch)
        for number in range(len(self._parts)):
            change = self._next(number, rows, columns, change)
        neck, head = self._network.neck, self._network.head
        if isinstance(neck, GlobalMean):
            return head(neck(self._last) + change.sum(dim=(2, 3)) / self._last[0, 0].numel())
        down, across = self._down[-1], self._across[-1]
        y = self._axis(zero, down.after, down.out[rows], down.out_width)
        x = self._axis(zero, across.after, across.out[columns], across.out_width)
        return head(neck(self._last + _picked(_ringed(change), _places_in_each(y, x, change.shape))))

    def _next(self, number: int, rows: NDArray[np.int64], columns: NDArray[np.int64], change: Tensor) -> Tensor:
        """Carry changes (n, C, h, w) through one stage."""
        part, down, across = self._parts[number], self._down[number], self._across[number]
        if part.convolution is not None:
            change = _convolved(part.convolution, part.spread, change)
        table = self._beside_old(number, change)
        y = self._axis(down.seen[rows], down.seen_width, down.changed[rows], down.changed_width)
        x = self._axis(across.seen[columns], across.seen_width, across.changed[columns], across.changed_width)
        new = _places_in_each(y, x, change.shape) + len(self._convolved[number])
        y, x = self._axis(down.seen[rows], down.seen_width), self._axis(across.seen[columns], across.seen_width)
        whole = _sums(table, _places(y, x, across.between), new)
        y, x = self._axis(down.out[rows], down.out_width), self._axis(across.out[columns], across.out_width)
        return _through(part.later, whole).sub_(_picked(self._old[number], _places(y, x, across.after)))

    def _beside_old(self, number: int, change: Tensor) -> Tensor:
        """The old responses of a stage's convolution and, below them, the ringed changes: one table of pixels.

        Its memory is used again and again; the rings stay zero.
        """
        n, filters, height, width = change.shape
        old = self._convolved[number]
        ringed = (n, height + 2, width + 2, filters)
        rows = len(old) + n * (height + 2) * (width + 2)
        kept = self._kept.get(number)
        if kept is None or len(kept) < rows:
            kept = self._kept[number] = torch.cat([old, old.new_zeros(rows - len(old), filters)])
        kept[len(old) : rows].view(ringed)[:, 1:-1, 1:-1].copy_(change.permute(0, 2, 3, 1))
        return kept[:rows]

    def _axis(
        self, starts: NDArray[np.int64], width: int, origin: NDArray[np.int64] | None = None, pixels: int = 0
    ) -> Tensor:
        """Pixels of n windows along one axis, int64 (n, width).

        With an ``origin`` (n,) they are places in a ringed piece that starts there and is ``pixels`` long.
        """
        places = torch.arange(width, device=self._last.device)
        if origin is None:
            return places + torch.from_numpy(starts).to(places.device)[:, None]
        places = places + torch.from_numpy(starts - origin).to(places.device)[:, None]
        return places.clamp_(-1, pixels).add_(1)

    def _largest(self) -> int:
        """Bytes that the most demanding stage takes for one position."""
        sizes = [
            down.seen_width * across.seen_width * (24 + 12 * table.shape[1])
            for table, down, across in zip(self._convolved, self._down, self._across, strict=True)
        ]
        flat = 0 if isinstance(self._network.neck, GlobalMean) else 12 * self._last.numel()
        return max(*sizes, flat)


def _convolved(convolution: nn.Conv2d, spread: tuple[Step, Step], change: Tensor) -> Tensor:
    """All that a change (n, C, h, w) can do to the responses, (n, filters, h + k - 1, w + k - 1)."""
    reach = (spread[0].kernel - 1, spread[1].kernel - 1)
    return functional.conv2d(change, convolution.weight, None, 1, reach, convolution.dilation, convolution.groups)


def _through(modules: Sequence[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x


def _pixels(x: Tensor) -> Tensor:
    """(n, C, h, w) → (n h w, C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _ringed(x: Tensor) -> Tensor:
    """Put a ring of zeros around each piece (n, C, h, w), for what lies outside: (n (h + 2) (w + 2), C)."""
    return _pixels(functional.pad(x, (1, 1, 1, 1)))


def _places(y: Tensor, x: Tensor, width: int) -> Tensor:
    """Rows of a table of pixels that lie in lines of ``width``: windows (n, h, w)."""
    return (y * width)[:, :, None] + x[:, None, :]


def _places_in_each(y: Tensor, x: Tensor, shape: Sequence[int]) -> Tensor:
    """The same, where window i is taken from the i-th of n ringed pieces of ``shape`` (n, C, h, w)."""
    first = torch.arange(shape[0], device=y.device)[:, None] * (shape[2] + 2)  # pieces stand one below the other
    return _places(y + first, x, shape[3] + 2)


def _picked(table: Tensor, places: Tensor) -> Tensor:
    """Windows (n, C, h, w), channels last, from a table of pixels (P, C)."""
    return table.index_select(0, places.view(-1)).view(*places.shape, -1).permute(0, 3, 1, 2)


def _sums(table: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """``_picked(table, one) + _picked(table, other)``, on a processor in one pass."""
    if table.device.type != "cpu":
        return _picked(table, one) + _picked(table, other)
    pairs = torch.stack([one, other], dim=3).view(-1, 2)
    return functional.embedding_bag(pairs, table, mode="sum").view(*one.shape, -1).permute(0, 3, 1, 2)
