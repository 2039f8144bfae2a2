"""A network's outputs for many images that differ from one image by a small patch.

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
from core.nets.device import arrange

_FEWEST_CHANNELS = 16  # with fewer channels, Toom-Cook is no faster


class WindowedNetwork:
    """A network applied to one image with a patch put on it at many positions.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    parts
        The layers, from :func:`~core.explain.reach.split_stages`.
    neck, head
        Applied to the last layer's responses (n, C, h, w): one row of values for each image, and the outputs.
    image
        (C, H, W), scaled as the network's input.
    cover
        What the patch shows, (C, H, W), scaled too: the pixels of this image at the patch's position.
    patch
        Side of the patch in pixels; it is cut off at the far border.
    rows, columns
        First pixel of the patch at each position.

    Attributes
    ----------
    value
        The outputs for the image (1, K).
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
        steps = [[(s.spread[axis], [p[axis] for p in s.pools]) for s in parts] for axis in (0, 1)]
        self._down = spans(steps[0], image.shape[1], rows, patch)
        is_alike = steps[0] == steps[1] and image.shape[1] == image.shape[2] and list(rows) == list(columns)
        self._across = self._down if is_alike else spans(steps[1], image.shape[2], columns, patch)
        self._shape = image.shape[1:]
        self._change = _table_with_zero_row((cover - image).permute(1, 2, 0))
        # of each stage the responses (H W, C) to the unchanged image, after its convolution and at its end
        self._convolution_responses: list[Tensor] = []
        self._stage_responses: list[Tensor] = []
        self._cover = cover
        x = image[:, :, :, None].permute(1, 2, 3, 0)  # (H, W, 1, C)
        for part in parts:
            if part.convolution is not None:
                images = arrange(x.permute(2, 3, 0, 1))
                x = part.convolution(images).permute(2, 3, 0, 1)
            x = x.contiguous()
            self._convolution_responses.append(x.flatten(0, 2))
            x = _apply_later_layers(part, x)
            self._stage_responses.append(x.flatten(0, 2))
        self._last_responses = x.permute(2, 3, 0, 1)  # (1, C, h, w)
        self.value = head(neck(self._last_responses))
        self._fast_convolutions = [self._fast_convolution(number) for number in range(len(parts))]
        self._tables: dict[int, Tensor] = {}
        self.bytes_per_position = self._largest_stage_bytes()

    def evaluate(self, which: NDArray[np.int64]) -> Tensor:
        """The outputs with the patch at the positions numbered ``which`` (n,)."""
        rows, columns = np.divmod(which, len(self._columns))
        y = self._window_pixels(self._rows[rows], self._patch)
        x = self._window_pixels(self._columns[columns], self._patch)
        change = _gather(self._change, _indices_inside(y, x, *self._shape) + 1)  # (patch, patch, n, C)
        for number in range(len(self._parts)):
            change = self._propagate(number, rows, columns, change)
        if isinstance(self._neck, GlobalMean):
            mean_change = change.sum(dim=(0, 1)) / self._last_responses[0, 0].numel()
            return self._head(self._neck(self._last_responses) + mean_change)
        y = self._window_pixels(-self._down[-1].out[rows], self._last_responses.shape[2])
        x = self._window_pixels(-self._across[-1].out[columns], self._last_responses.shape[3])
        whole = _gather(_table_with_zero_row(change), _indices_inside(y, x, *change.shape[:3]) + 1)
        return self._head(self._neck(self._last_responses + whole.permute(2, 3, 0, 1)))

    def evaluate_covered(self) -> Tensor:
        """The outputs for the image covered all over (1, K)."""
        x = arrange(self._cover[None])
        for part in self._parts:
            for layer in (part.convolution, *part.later):
                x = x if layer is None else layer(x)
        return self._head(self._neck(x))

    def _propagate(self, number: int, rows: NDArray[np.int64], columns: NDArray[np.int64], change: Tensor) -> Tensor:
        """Carry changes (h, w, n, C) through one stage."""
        part, down, across = self._parts[number], self._down[number], self._across[number]
        table = self._fill_table(number, change)
        y = self._window_pixels(down.seen[rows] - down.changed[rows], down.seen_width)
        x = self._window_pixels(across.seen[columns] - across.changed[columns], across.seen_width)
        new = _indices_inside(y, x, down.changed_width, across.changed_width, len(rows)).add_(
            down.between * across.between + 1
        )
        y = self._window_pixels(down.seen[rows], down.seen_width)
        x = self._window_pixels(across.seen[columns], across.seen_width)
        whole = _gather_sum(table, _indices(y, x, across.between), new)
        y = self._window_pixels(down.out[rows], down.out_width)
        x = self._window_pixels(across.out[columns], across.out_width)
        old = _gather(self._stage_responses[number], _indices(y, x, across.after))
        return _apply_later_layers(part, whole).sub_(old)

    def _fill_table(self, number: int, change: Tensor) -> Tensor:
        """A table of pixels: the old responses of a stage's convolution, a row of zeros, and the changes.

        Its memory is reused.
        """
        old = self._convolution_responses[number]
        down, across = self._down[number], self._across[number]
        shape = (down.changed_width, across.changed_width, change.shape[2], old.shape[1])
        rows = len(old) + 1 + shape[0] * shape[1] * shape[2]
        kept = self._tables.get(number)
        if kept is None or len(kept) < rows:
            kept = self._tables[number] = torch.cat([old, old.new_zeros(rows - len(old), shape[3])])
        changed, fast = kept[len(old) + 1 : rows].view(shape), self._fast_convolutions[number]
        if fast is not None:
            fast.convolve(change, changed)
        else:
            changed.copy_(_convolve_change(self._parts[number], change))
        return kept[:rows]

    def _fast_convolution(self, number: int) -> ToomCook | None:
        """The fast algorithm for a stage's convolution; None where it does not apply."""
        convolution, down, across = self._parts[number].convolution, self._down[number], self._across[number]
        if convolution is None or convolution.groups > 1 or set(pair(convolution.dilation)) != {1}:
            return None
        if convolution.in_channels < _FEWEST_CHANNELS or max(down.changed_width, across.changed_width) > LONGEST:
            return None
        height, width = convolution.kernel_size
        return ToomCook(convolution.weight, down.changed_width - height + 1, across.changed_width - width + 1)

    def _window_pixels(self, starts: NDArray[np.int64], width: int) -> Tensor:
        """Pixels of n windows along one axis, int64 (width, n)."""
        return torch.from_numpy(np.arange(width)[:, None] + starts).to(self._last_responses.device)

    def _largest_stage_bytes(self) -> int:
        """Bytes that the most demanding stage takes for one position."""
        sizes = [
            down.seen_width * across.seen_width * (24 + 12 * table.shape[1])
            for table, down, across in zip(self._convolution_responses, self._down, self._across, strict=True)
        ]
        flat = 0 if isinstance(self._neck, GlobalMean) else 12 * self._last_responses.numel()
        return max(*sizes, flat)


def _convolve_change(part: WindowedStage, change: Tensor) -> Tensor:
    """The change of the responses, (h + k - 1, w + k - 1, n, filters), caused by a change (h, w, n, C)."""
    convolution = part.convolution
    if convolution is None:
        return change
    reach = (part.spread[0].kernel - 1, part.spread[1].kernel - 1)
    windows = change.permute(2, 3, 0, 1)
    found = functional.conv2d(windows, convolution.weight, None, 1, reach, convolution.dilation, convolution.groups)
    return found.permute(2, 3, 0, 1)


def _apply_later_layers(part: WindowedStage, x: Tensor) -> Tensor:
    """Pools and pointwise layers, for pixels (h, w, n, C)."""
    for module, (down, across) in zip(part.later, part.pools, strict=True):
        if isinstance(module, nn.MaxPool2d):
            x = _max_pool_axis(_max_pool_axis(x, 0, module, down), 1, module, across)
        elif isinstance(module, nn.AvgPool2d):  # all windows are channels of one image
            pooled = module(x.flatten(2)[None].permute(0, 3, 1, 2))[0].permute(1, 2, 0)
            x = pooled.reshape(*pooled.shape[:2], *x.shape[2:])
        else:  # all pixels are images of one pixel
            x = module(x.view(-1, x.shape[3], 1, 1)).view(x.shape)
    return x


def _max_pool_axis(x: Tensor, axis: int, pool: nn.MaxPool2d, step: AxisStep) -> Tensor:
    """Max pooling along one axis; torch's own also records the positions of the maxima, in twice the memory."""
    last = (step.size(x.shape[axis]) - 1) * step.stride
    offsets = range(0, step.kernel, pair(pool.dilation)[axis])
    pixels = x.movedim(axis, 0)
    return reduce(torch.maximum, [pixels[i : i + last + 1 : step.stride] for i in offsets]).movedim(0, axis)


def _table_with_zero_row(x: Tensor) -> Tensor:
    """Table of the pixels of ``x`` (..., C) with a row of zeros before the first, for pixels outside."""
    return functional.pad(x.reshape(-1, x.shape[-1]), (0, 0, 1, 0))


def _indices(y: Tensor, x: Tensor, width: int) -> Tensor:
    """Rows of a table of pixels that lie in lines of ``width``: windows (h, w, n)."""
    return (y * width)[:, None] + x


def _indices_inside(y: Tensor, x: Tensor, height: int, width: int, pieces: int = 1) -> Tensor:
    """The same in a table (height, width, pieces), where window i takes piece i; -1 outside it."""
    outside = -height * width * pieces
    y = torch.where((y >= 0) & (y < height), y * (width * pieces), outside)
    x = torch.where((x >= 0) & (x < width), x * pieces, outside)
    if pieces > 1:
        x += torch.arange(pieces, device=x.device)
    return (y[:, None] + x).clamp_(min=-1)


def _gather(table: Tensor, places: Tensor) -> Tensor:
    """Windows (h, w, n, C) from a table of pixels (P, C)."""
    return table.index_select(0, places.view(-1)).view(*places.shape, -1)


def _gather_sum(table: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """``_gather(table, one) + _gather(table, other)``, on a processor in one pass."""
    if table.device.type != "cpu":
        return _gather(table, one) + _gather(table, other)
    pairs = torch.stack([one, other], dim=3).view(-1, 2)
    return functional.embedding_bag(pairs, table, mode="sum").view(*one.shape, -1)
