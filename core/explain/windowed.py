"""A network's answers for many images that differ from one image by a small patch.

A patch of a few pixels can change only a window of each layer (:mod:`~core.explain.reach`). So the network is run
once on the unchanged image, and its responses are kept. For each position of the patch only the change is convolved;
the old responses are added where pools and activations need whole values, and subtracted afterwards. All windows of
a layer have the same size, the largest that any position needs, pushed inwards at the border, so that all positions
go through the layer in one batch. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.explain.reach import AxisStep, WindowedStage, pair, spans
from core.explain.toom_cook import LONGEST, ToomCook
from core.nets.cnn import GlobalMean

_FEW = 16  # with fewer channels, products of polynomials are no quicker


class Windowed:
    """A network that looks at one image again and again, with a patch put on it at one position after another.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    parts
        Its layers, from :func:`~core.explain.reach.stages`.
    neck, head
        What becomes of the last layer's responses (n, C, h, w): one row of values for each image, and the answers.
    image
        (C, H, W), scaled as the network wants it.
    cover
        What the patch shows, (C, H, W), scaled too: the pixels at its place.
    patch
        Side of the patch in pixels; it is cut off at the far border.
    rows, columns
        First pixel of the patch at each position.

    Attributes
    ----------
    ends
        What the head says of the image, and of the image covered all over.
    bytes_per_position
        Memory that the most demanding layer takes.
    """

    def __init__(
        self,
        parts: Sequence[WindowedStage],
        neck: Callable[[Tensor], Tensor],
        head: Callable[[Tensor], Tensor],
        image: Tensor,
        cover: Tensor,
        patch: int,
        rows: Sequence[int],
        columns: Sequence[int],
    ) -> None:
        self._parts, self._neck, self._head, self._patch = parts, neck, head, patch
        self._rows, self._columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
        self._down = spans([(s.spread[0], [p[0] for p in s.pools]) for s in parts], image.shape[1], rows, patch)
        self._across = spans([(s.spread[1], [p[1] for p in s.pools]) for s in parts], image.shape[2], columns, patch)
        self._shape = image.shape[1:]
        self._change = _below_nothing((cover - image).permute(1, 2, 0))
        self._convolved: list[Tensor] = []  # of each stage, the old responses (H W, C) of its convolution, and zeros
        self._old: list[Tensor] = []  # the old responses of all of it
        both = torch.stack([image, cover]).permute(2, 3, 0, 1)  # (H, W, 2, C)
        for part in parts:
            if part.convolution is not None:
                both = part.convolution(both.permute(2, 3, 0, 1)).permute(2, 3, 0, 1)
            self._convolved.append(both[:, :, 0].flatten(0, 1))
            both = _through(part, both.contiguous())
            self._old.append(both[:, :, 0].flatten(0, 1).clone())
        both = both.permute(2, 3, 0, 1)
        self._last = both[:1]  # (1, C, h, w)
        self.ends = head(neck(both))
        self._products = [self._product(number) for number in range(len(parts))]
        self._kept: dict[int, Tensor] = {}
        self.bytes_per_position = self._largest()

    def answers(self, which: NDArray[np.int64]) -> Tensor:
        """What the head says with the patch at the positions numbered ``which`` (n,)."""
        rows, columns = np.divmod(which, len(self._columns))
        y = self._axis(self._rows[rows], self._patch)
        x = self._axis(self._columns[columns], self._patch)
        change = _picked(self._change, _places_inside(y, x, *self._shape) + 1)  # (patch, patch, n, C)
        for number in range(len(self._parts)):
            change = self._next(number, rows, columns, change)
        if isinstance(self._neck, GlobalMean):
            return self._head(self._neck(self._last) + change.sum(dim=(0, 1)) / self._last[0, 0].numel())
        y = self._axis(-self._down[-1].out[rows], self._last.shape[2])
        x = self._axis(-self._across[-1].out[columns], self._last.shape[3])
        whole = _picked(_below_nothing(change), _places_inside(y, x, *change.shape[:3]) + 1)
        return self._head(self._neck(self._last + whole.permute(2, 3, 0, 1)))

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

    def _product(self, number: int) -> ToomCook | None:
        """The quick way through a stage's convolution, where there is one."""
        convolution, down, across = self._parts[number].convolution, self._down[number], self._across[number]
        if convolution is None or convolution.groups > 1 or set(pair(convolution.dilation)) != {1}:
            return None
        if convolution.in_channels < _FEW or max(down.changed_width, across.changed_width) > LONGEST:
            return None
        height, width = convolution.kernel_size
        return ToomCook(convolution.weight, down.changed_width - height + 1, across.changed_width - width + 1)

    def _axis(self, starts: NDArray[np.int64], width: int) -> Tensor:
        """Pixels of n windows along one axis, int64 (width, n)."""
        return torch.from_numpy(np.arange(width)[:, None] + starts).to(self._last.device)

    def _largest(self) -> int:
        """Bytes that the most demanding stage takes for one position."""
        sizes = [
            down.seen_width * across.seen_width * (24 + 12 * table.shape[1])
            for table, down, across in zip(self._convolved, self._down, self._across, strict=True)
        ]
        flat = 0 if isinstance(self._neck, GlobalMean) else 12 * self._last.numel()
        return max(*sizes, flat)


def _convolved(part: WindowedStage, change: Tensor) -> Tensor:
    """All that a change (h, w, n, C) can do to the responses, (h + k - 1, w + k - 1, n, filters)."""
    convolution = part.convolution
    if convolution is None:
        return change
    reach = (part.spread[0].kernel - 1, part.spread[1].kernel - 1)
    windows = change.permute(2, 3, 0, 1)
    found = functional.conv2d(windows, convolution.weight, None, 1, reach, convolution.dilation, convolution.groups)
    return found.permute(2, 3, 0, 1)


def _through(part: WindowedStage, x: Tensor) -> Tensor:
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


def _highest(x: Tensor, axis: int, pool: nn.MaxPool2d, step: AxisStep) -> Tensor:
    """A pool along one axis; torch's also notes where the maximum was, which takes twice the memory."""
    last = (step.size(x.shape[axis]) - 1) * step.stride
    offsets = range(0, step.kernel, pair(pool.dilation)[axis])
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
