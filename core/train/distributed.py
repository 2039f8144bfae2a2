"""Data-parallel training: as many processes as torchrun starts, each with its share of every batch.

All processes draw the same random numbers and augment the same batch; each passes its own galaxies of it forwards and
backwards through the network. The outputs are gathered, so that every process computes the loss of the whole batch, and
the gradients are summed. The results are therefore those of one process with the same batch size, up to rounding. In a
single process all of this does nothing.

References
----------
Li et al. 2020, VLDB 13, 3005 (DistributedDataParallel); Goyal et al. 2017 (one loss over all shares of a batch).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from core.errors import SettingsProblem


def expected_processes() -> int:
    """Number of processes that torchrun has started for this training; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_processes() -> int:
    """Number of processes that share this machine and its memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


@contextlib.contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the process group of the training, and leave it at the end.

    Parameters
    ----------
    device
        As in the settings; with GPUs each process of a machine takes its own.
    """
    if expected_processes() == 1:
        yield
        return
    on_gpus = device in {"auto", "cuda"} and torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpus else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if _is_initialised() else 1


def rank() -> int:
    """Number of this process, from 0; only the first one writes files and prints."""
    return dist.get_rank() if _is_initialised() else 0


def _is_initialised() -> bool:
    return dist.is_available() and dist.is_initialized()  # some builds of torch lack the distributed package


def own_slice(count: int) -> slice:
    """Which of ``count`` galaxies this process takes; the shares differ by one at most."""
    own, total = rank(), world_size()
    return slice(count * own // total, count * (own + 1) // total)


def gather(outputs: Tensor, count: int) -> Tensor:
    """Gather the outputs (count, K) of all processes; gradients flow back to this process's own share alone."""
    if world_size() == 1:
        return outputs
    most = -(-count // world_size())
    own = torch.zeros(most, *outputs.shape[1:], dtype=outputs.dtype, device=outputs.device)
    own[: len(outputs)] = outputs.detach()
    parts = [torch.empty_like(own) for _ in range(world_size())]
    dist.all_gather(parts, own)
    ends = [count * number // world_size() for number in range(world_size() + 1)]
    whole = [part[: end - start] for part, start, end in zip(parts, ends, ends[1:], strict=False)]
    whole[rank()] = outputs
    return torch.cat(whole)


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether a flag is set in any process, so that all of them act alike."""
    if world_size() == 1:
        return flag
    seen = torch.tensor(float(flag), device=device)
    dist.all_reduce(seen, dist.ReduceOp.MAX)
    return bool(seen > 0)


def wrap(network: nn.Module, smallest_batch: int) -> nn.Module:
    """Wrap the network so that its gradients are averaged over the processes.

    Its batch-normalisation layers are replaced in place by ones that see the whole batch.

    Raises
    ------
    SettingsProblem
        A batch has fewer galaxies than there are processes.
    """
    if world_size() == 1:
        return network
    if smallest_batch < world_size():
        raise SettingsProblem(
            f"A batch of {smallest_batch} galaxies cannot be shared by {world_size()} processes.",
            "Choose a larger batch size, or fewer processes.",
            "optimiser.batch_size",
        )
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, WholeBatchNorm.from_batch_norm(child))
    return DistributedDataParallel(network, broadcast_buffers=False)


def wrap_again(network: nn.Module) -> nn.Module:
    """Wrap a network anew after other parts of it were frozen: which gradients are averaged is noted at first."""
    return network if world_size() == 1 else DistributedDataParallel(network, broadcast_buffers=False)


class WholeBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the shares of all processes; torch's own works on GPUs only."""

    @classmethod
    def from_batch_norm(cls, norm: nn.BatchNorm2d) -> WholeBatchNorm:
        """Make one with the same parameters, running statistics and mode."""
        made = cls(norm.num_features, norm.eps, norm.momentum)
        made.weight, made.bias = norm.weight, norm.bias
        made.running_mean, made.running_var = norm.running_mean, norm.running_var
        made.num_batches_tracked = norm.num_batches_tracked
        return made.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """(n, C, H, W) → the same, each filter with mean 0 and variance 1 over the whole batch, then scaled."""
        if not self.training:
            return super().forward(input)
        from torch.distributed.nn import functional as differentiable

        x = input.float()
        count = torch.full((1,), float(x.numel() // x.shape[1]), device=x.device)
        sums = differentiable.all_reduce(torch.cat([x.sum((0, 2, 3)), count]))
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        off = x - mean[:, None, None]
        variance = differentiable.all_reduce((off * off).sum((0, 2, 3))) / count
        self._update_running_statistics(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (off * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _update_running_statistics(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)
        self.num_batches_tracked += 1
