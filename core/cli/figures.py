"""Figures that commands write: learning curves, losses against learning rates, and speed against batch size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.project.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.train.batch_size_finder import BatchSizes
    from core.train.learning_rate_finder import RateRange

_TRAINING, _VALIDATION, _BEST = "#0072B2", "#D55E00", "#555555"  # Okabe & Ito: distinguishable with any colour vision


def save_curves(history: Sequence[Mapping[str, float]], path: Path, title: str, best_epoch: int) -> None:
    """Draw loss and score of training and validation against the epoch, with the best epoch marked.

    Parameters
    ----------
    history
        Rows of a run's ``history.csv``, at least one.
    path
        Of the PNG, written atomically.
    title
        Of the figure.
    best_epoch
        Counted from 1.
    """
    from core.publish.run_figures import draw_curves

    figure = draw_curves(history, best_epoch)
    figure.suptitle(title)
    _save(figure, path)


def save_rates(found: RateRange, path: Path) -> None:
    """Draw the loss of a range test against the learning rate, with the rates that were found.

    Parameters
    ----------
    found
        The result of the test.
    path
        Of the PNG, written atomically.
    """
    figure = _blank(height=3.8)
    axes = figure.subplots()
    axes.plot(found.rates, found.losses, ".", ms=4, color=_TRAINING, alpha=0.5, label="each batch")
    axes.plot(found.rates, found.smoothed, color=_TRAINING, label="smoothed")
    axes.axvline(found.suggestion, color=_VALIDATION, label=f"suggested: {found.suggestion:.1e}")
    axes.axvline(found.steepest, color=_BEST, lw=1, ls=":", label=f"steepest: {found.steepest:.1e}")
    if found.diverged is not None:
        axes.axvline(found.diverged, color=_BEST, lw=1, ls="--", label=f"diverges: {found.diverged:.1e}")
    axes.set_xscale("log")
    axes.set_ylim(found.smoothed.min() * 0.9, found.smoothed[: found.smoothed.argmin() + 1].max() * 1.3)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize="small")
    _save(figure, path)


def save_batch_sizes(found: BatchSizes, path: Path) -> None:
    """Draw galaxies per second, and memory where it is known, against the batch size.

    Parameters
    ----------
    found
        The result of the test.
    path
        Of the PNG, written atomically.
    """
    figure = _blank(height=4.6)
    speed, memory = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    sizes = [each.size for each in found.tried]
    speed.plot(sizes, [each.speed for each in found.tried], "o-", color=_TRAINING)
    memory.plot(sizes, [each.memory / 1e9 for each in found.tried], "o-", color=_TRAINING)
    speed.set_ylabel("galaxies per second")
    memory.set_ylabel("memory [GB]")
    memory.set_xlabel("batch size [galaxies]")
    memory.set_xscale("log", base=2)
    memory.set_xticks(sizes, [str(size) for size in sizes])
    for axes in (speed, memory):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.axvline(found.suggestion, color=_VALIDATION, label=f"suggested: {found.suggestion}")
    speed.legend(frameon=False, fontsize="small")
    _save(figure, path)


def _blank(height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
