"""Refined stamps of earlier steps, so that the discriminator does not forget what the refiner did before.

References
----------
Shrivastava et al. 2017, section 2.3: half of each batch of the discriminator comes from the buffer, and half of each
batch that was just refined replaces random stamps in it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class HistoryBuffer:
    """A limited number of refined stamps, kept on the CPU.

    Parameters
    ----------
    capacity
        How many are kept; 0: none.
    stamps
        (n, C, H, W) that are there already, as after an interruption.
    """

    def __init__(self, capacity: int, stamps: Tensor | None = None) -> None:
        self._capacity = capacity
        self._stamps = [] if stamps is None else list(stamps[:capacity])

    def __len__(self) -> int:
        return len(self._stamps)

    def stamps(self) -> Tensor:
        """All of them (n, C, H, W); an empty tensor where there is none."""
        return torch.stack(self._stamps) if self._stamps else torch.empty(0)

    def mix(self, refined: Tensor, random: np.random.Generator) -> Tensor:
        """A batch for the discriminator, of as many stamps: half of it from the buffer as soon as it holds as many.

        The other half of the batch that was just refined goes into the buffer.

        Parameters
        ----------
        refined
            (n, C, H, W), without gradients.
        random
            Decides which stamps are taken and replaced.
        """
        half = len(refined) // 2
        mixed = refined
        if 0 < half <= len(self._stamps):
            taken = random.choice(len(self._stamps), half, replace=False)
            earlier = torch.stack([self._stamps[place] for place in taken]).to(refined.device)
            mixed = torch.cat([refined[: len(refined) - half], earlier])
        self._add(refined[: max(half, 1)].detach().cpu(), random)
        return mixed

    def _add(self, new: Tensor, random: np.random.Generator) -> None:
        """Append what there is room for; the rest replaces stamps at random."""
        room = self._capacity - len(self._stamps)
        self._stamps += [stamp.clone() for stamp in new[: max(room, 0)]]
        rest = new[max(room, 0) :]
        if self._capacity:
            places = random.choice(self._capacity, min(len(rest), self._capacity), replace=False)
            for place, stamp in zip(places, rest, strict=False):
                self._stamps[place] = stamp.clone()
