r"""How much of an earlier network is tuned, block by block: when each is unfrozen, and at which rate it learns.

Blocks are counted from the input, from 1; the head counts as one more. With gradual unfreezing the head is trained
alone at first, then one block more, from the last one on, every so many epochs, until only those blocks are left that
stay frozen: a head that has still to learn what is new sends no large gradients into blocks that have learned already.
With a rate per block :math:`\rho`, block b of B learns at :math:`\rho^{B + 1 - b}` times the rate of the head.

References
----------
Howard & Ruder 2018, ACL, 328 (ULMFiT).
"""

from __future__ import annotations

from core.train import schedule
from core.train.settings import RunSettings, TransferSettings


def frozen_blocks(settings: TransferSettings, blocks: int, epoch: int) -> int:
    """How many of a network's blocks are frozen in an epoch, counted from 1.

    Examples
    --------
    >>> chosen = TransferSettings(start_from="run", unfreeze_every=2, freeze_blocks=1)
    >>> [frozen_blocks(chosen, 4, epoch) for epoch in range(1, 9)]
    [4, 4, 3, 3, 2, 2, 1, 1]
    """
    if not settings.unfreeze_every or not settings.start_from:
        return settings.freeze_blocks
    return max(settings.freeze_blocks, blocks - (epoch - 1) // settings.unfreeze_every)


def first_epoch(settings: TransferSettings, blocks: int, block: int) -> int | None:
    """The epoch in which a block begins to learn; None: it stays frozen."""
    if block <= settings.freeze_blocks:
        return None
    return 1 + settings.unfreeze_every * (blocks + 1 - block) if settings.start_from else 1


def rate_share(settings: TransferSettings, blocks: int, block: int) -> float:
    """The learning rate of a block as a share of that of the head."""
    return settings.block_rate ** (blocks + 1 - block) if settings.start_from else 1.0


def describe_rates(settings: RunSettings, blocks: int) -> dict[int, str]:
    """The largest learning rate of each block and of the head, as text; ``epoch 3: 1e-4`` where it begins later."""
    chosen, found = settings.transfer, dict[int, str]()
    for block in range(1, blocks + 2):
        first = first_epoch(chosen, blocks, block)
        rate = schedule.largest_rate(settings) * rate_share(chosen, blocks, block)
        later = f"epoch {first}: " if first is not None and first > 1 else ""
        text = f"{rate:.2g}".replace("e-0", "e-")
        found[block] = "–" if first is None else later + text
    return found
