"""Which blocks are frozen in which epoch.

With gradual unfreezing the head is trained alone at first, then one block more, from the last one on, every so many
epochs, until only those blocks are left that stay frozen: a head that has still to learn what is new sends no large
gradients into blocks that have learned already.

References
----------
Howard & Ruder 2018, ACL, 328 (ULMFiT).
"""

from __future__ import annotations

from core.nets import transfer
from core.nets.cnn import CNN
from core.train import distributed
from core.train.plan import TrainingPlan
from core.train.settings import TransferSettings


def frozen_blocks(settings: TransferSettings, blocks: int, epoch: int) -> int:
    """How many of a network's blocks are frozen in an epoch, counted from 1."""
    if not settings.unfreeze_every or not settings.start_from:
        return settings.freeze_blocks
    return max(settings.freeze_blocks, blocks - (epoch - 1) // settings.unfreeze_every)


def freeze(network: CNN, settings: TransferSettings, epoch: int | None = None) -> None:
    """Freeze the blocks of an epoch, or those that stay frozen to the end.

    Raises
    ------
    SettingsProblem
        The network has fewer blocks.
    """
    blocks = settings.freeze_blocks if epoch is None else frozen_blocks(settings, len(network.blocks), epoch)
    keeps = settings.batch_statistics == "kept" and bool(settings.start_from)
    transfer.freeze(network, blocks, keeps_statistics=keeps)


def begin_epoch(plan: TrainingPlan, epoch: int) -> None:
    """Freeze the blocks of an epoch that begins."""
    network, settings = plan.predictor.network, plan.settings.transfer
    if frozen_blocks(settings, len(network.blocks), epoch) != network.frozen_blocks:
        freeze(network, settings, epoch)
        plan.distributed_network = distributed.wrap_again(network)
