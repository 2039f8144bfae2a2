"""A plain PyTorch script for galaxy images, as a good student writes it: the peer of the program's defaults.

Four blocks of 32, 64, 96 and 128 filters with batch normalisation; flips, rotation, zoom from 0.75 to 1.3, shifts by a
tenth, and noise; AdamW with one cycle up to a rate of 0.004, weight decay 0.02, 30 epochs; the square root of the
inverse class frequencies as weights in the loss; the epoch with the lowest validation loss.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FILTERS, BATCH, RATE, DECAY = (32, 64, 96, 128), 64, 4e-3, 0.02


def build(bands: int, classes: int) -> nn.Sequential:
    """The network."""
    layers: list[nn.Module] = []
    inputs = bands
    for filters in FILTERS:
        layers += [nn.Conv2d(inputs, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        inputs = filters
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def vary(images: Tensor) -> Tensor:
    """Rotate, mirror, zoom, shift and add noise."""
    count = len(images)
    angle, flip = torch.rand(count) * 2 * math.pi, torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    zoom = torch.exp(torch.empty(count).uniform_(math.log(0.75), math.log(1.3)))
    shift = (torch.rand(count, 2) * 2 - 1) * 0.2  # of half the side
    rows = [
        torch.stack([flip * angle.cos() / zoom, -flip * angle.sin() / zoom, shift[:, 0]], 1),
        torch.stack([angle.sin() / zoom, angle.cos() / zoom, shift[:, 1]], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return (moved + 0.05 * torch.randn_like(moved)).contiguous(memory_format=torch.channels_last)


def train(
    images: np.ndarray, labels: np.ndarray, validation: tuple[np.ndarray, np.ndarray], epochs: int = 30, seed: int = 1
):
    """Train on images (n, C, H, W) and labels (n,); returns the function from images to probabilities (n, K)."""
    torch.manual_seed(seed)
    classes = int(labels.max()) + 1
    x, y = torch.from_numpy(images), torch.from_numpy(labels).long()
    centre, scale = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    x, seen = (x - centre) / scale, (torch.from_numpy(validation[0]) - centre) / scale
    true = torch.from_numpy(validation[1]).long()
    counts = torch.bincount(y, minlength=classes).float().clamp_min(1)
    weights = (counts.sum() / (classes * counts)).sqrt()
    network = build(x.shape[1], classes)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    batches = -(-len(x) // BATCH)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=epochs * batches)
    lowest, best = math.inf, network.state_dict()
    for _ in range(epochs):
        network.train()
        for rows in torch.randperm(len(x)).tensor_split(batches):
            with torch.autocast("cpu", torch.bfloat16):
                outputs = network(vary(x[rows]))
            loss = functional.cross_entropy(outputs.float(), y[rows], weights)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
        network.eval()
        with torch.no_grad():
            reached = functional.cross_entropy(torch.cat([network(part) for part in seen.split(128)]), true, weights)
        if reached < lowest:
            lowest, best = reached.item(), {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best)
    network.eval()

    @torch.no_grad()
    def answer(new: np.ndarray) -> np.ndarray:
        parts = ((torch.from_numpy(new) - centre) / scale).split(128)
        return torch.cat([network(part).softmax(1) for part in parts]).numpy()

    return answer
