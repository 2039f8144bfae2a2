"""Freezing the blocks of a network, and unfreezing them as the training goes on, see :mod:`core.train.tuned_blocks`."""

from __future__ import annotations

from core.nets import transfer
from core.nets.cnn import CNN
from core.train import distributed
from core.train.plan import TrainingPlan
from core.train.settings import TransferSettings
from core.train.tuned_blocks import frozen_blocks


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
