"""Whether a network sees enough of its galaxies at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import Problem
from core.nets.settings import NetworkSettings

if TYPE_CHECKING:
    from core.nets.layers import LayerRow


def final_receptive_field(rows: Sequence[LayerRow]) -> int:
    """Side of the square of pixels that a unit before the head sees; it may reach over the stamp's edge."""
    return [row.receptive_field for row in rows if row.name.startswith("features.")][-1]


def narrow_field_warning(field: int, size: float, settings: NetworkSettings) -> Problem | None:
    """A warning, if the galaxies are larger than what the last block sees; None: all is well, or the size unknown.

    A flattening head puts what the blocks see together again, place by place, so that it needs no warning.
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
    """The warning for a network's layers on stamps of this side; ``size`` measures the galaxies if there is need to."""
    field = final_receptive_field(rows)
    return None if field >= side else narrow_field_warning(field, size(), settings)
