"""Why a loss has become NaN or infinite: a bad image, the number format, or too high a learning rate."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import NotANumber
from core.train import schedule
from core.train.plan import TrainingPlan


def diagnose(
    plan: TrainingPlan, where: str, images: Tensor | None = None, rows: NDArray[np.int64] | None = None
) -> NotANumber:
    """Find the cause, and return the problem to raise.

    Parameters
    ----------
    plan
        The run, with its current weights.
    where
        Epoch and batch.
    images, rows
        The batch as the network received it, (n, C, H, W), and its rows in the dataset; None in a validation.
    """
    rate = schedule.largest_rate(plan.settings)
    slower = f"Choose a learning rate below {rate:g}, or a warm-up."
    if images is not None and rows is not None and len(bad := _bad_rows(images, rows)):
        galaxies = ", ".join(str(row + 1) for row in bad[:5]) + (" …" if len(bad) > 5 else "")
        cause, remedy = (
            f"Galaxy {galaxies} of the dataset has a pixel that is not finite.",
            "Import without those images.",
        )
    elif not all(bool(parameter.isfinite().all()) for parameter in plan.predictor.network.parameters()):
        cause, remedy = "The learning rate was too high: weights have overflowed.", slower
    elif images is not None and plan.precision == torch.float16 and _is_finite_in_float32(plan, images, rows):
        cause, remedy = "A response was too large for float16.", "Choose bfloat16 or float32 as the precision."
    else:
        cause, remedy = "The learning rate was probably too high: the outputs have grown without bound.", slower
    kept = "" if where.startswith("epoch 1,") else " The weights of earlier epochs are kept."
    return NotANumber(f"The loss is not a number any more. {cause}", remedy + kept, where)


def _bad_rows(images: Tensor, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    finite = images.isfinite().flatten(1).all(dim=1).cpu().numpy()
    return np.unique(rows[~finite])


@torch.no_grad()
def _is_finite_in_float32(plan: TrainingPlan, images: Tensor, rows: NDArray[np.int64] | None) -> bool:
    network = plan.called_part
    network.eval()
    outputs = network(images.float(), *(() if rows is None else plan.beside(rows)))
    network.train()
    return bool(outputs.isfinite().all())
