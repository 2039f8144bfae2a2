"""Whether a network's receptive field is large enough for the galaxies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import Problem
from core.nets.settings import NetworkSettings

if TYPE_CHECKING:
    from core.nets.layers import LayerRow


def final_receptive_field(rows: Sequence[LayerRow]) -> int:
    """Side in pixels of the receptive field of a unit before the head; it may extend beyond the stamp."""
    return [row.receptive_field for row in rows if row.name.startswith("features.")][-1]


def narrow_field_warning(field: int, size: float, settings: NetworkSettings) -> Problem | None:
    """A warning if the galaxies are larger than the last block's receptive field; None if not, or the size is unknown.

    A flattening head combines all positions of the last block, so that it needs no warning.
    """
    if settings.pooling == "flatten" or math.isnan(size) or field >= size:
        return None
    return Problem(
        f"The last block sees {field} pixels at once, and half of the galaxies are larger than {size:.0f}: it cannot "
        "tell how their parts lie together.",
        "One more block doubles its view; larger kernels widen it, too.",
        "network.depth",
    )


def warning(
    rows: Sequence[LayerRow], side: int, size: Callable[[], float], settings: NetworkSettings
) -> Problem | None:
    """The warning for a network's layers on stamps of this side; ``size`` measures the galaxies, if it is needed."""
    field = final_receptive_field(rows)
    return None if field >= side else narrow_field_warning(field, size(), settings)
