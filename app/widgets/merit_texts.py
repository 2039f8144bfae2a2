"""Figures of merit with their errors, as they stand in tables and beside their names."""

from __future__ import annotations

from typing import Any

from core.wording import with_minus

OF_CLASSES = ("Class", "Galaxies", "Completeness", "Purity", "F1")


def format_share(fraction: Any) -> str:
    """Format a share with its interval, such as ``0.71 +0.06 −0.07`` or ``0.71 ± 0.06``."""
    if fraction.value is None:
        return "–"
    up, down = (f"{abs(bound - fraction.value):.2f}" for bound in reversed(fraction.interval))
    return f"{fraction.value:.2f} ± {up}" if up == down else f"{fraction.value:.2f} +{up} −{down}"


def format_mean(value: float | None, interval: tuple[float, float] | None) -> str:
    """Format a mean over the classes with half of its interval, such as ``0.71 ± 0.06``: it is almost symmetric."""
    if value is None or interval is None:
        return format_number(value)
    return f"{value:.2f} ± {(interval[1] - interval[0]) / 2:.2f}"


def format_classes(report: Any) -> list[tuple[str, ...]]:
    """The rows of a table of the classes of a :class:`~core.metrics.report.ClassReport`, below :data:`OF_CLASSES`."""
    _, _, of_classes = report.mean_intervals
    return [
        (
            name,
            str(report.counts[name]),
            format_share(report.completeness[name]),
            format_share(report.purity[name]),
            format_mean(f1, interval),
        )
        for (name, f1), interval in zip(report.f1.items(), of_classes, strict=True)
    ]


def format_number(value: float | None) -> str:
    """Format a number with two decimals; a dash where there is none."""
    return "–" if value is None else with_minus(f"{value:.2f}")
