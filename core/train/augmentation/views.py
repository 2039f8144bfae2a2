"""The mirror images and quarter turns that leave a galaxy's label as it is, over which answers are averaged."""

from __future__ import annotations

from collections.abc import Sequence

from core.nets.predictor import AS_IT_STANDS, View
from core.train.augmentation.settings import AugmentationSettings


def permitted_views(
    settings: AugmentationSettings, shape: Sequence[int], *, mirrors_swap_labels: bool = False
) -> tuple[View, ...]:
    """The views over which a network's answers are averaged; the one of the galaxy as it stands comes first.

    They are those that the training may show: the augmentation leaves out what would change the labels.

    Parameters
    ----------
    settings
        The augmentation of the training, without what changes the labels.
    shape
        (C, H, W) of the stamps; quarter turns need square ones.
    mirrors_swap_labels
        Whether a mirrored galaxy has another label, which the training swaps.
    """
    if not settings.average_answers:
        return (AS_IT_STANDS,)
    is_square = shape[1] == shape[2]
    turns = (
        {0}
        | ({2} if settings.rotation >= 180 else set())
        | ({1, 3} if settings.rotation >= 90 and is_square else set())
    )
    flips = {AS_IT_STANDS}
    if settings.horizontal_flip and not mirrors_swap_labels:
        flips.add((True, 0))
    if settings.vertical_flip and not mirrors_swap_labels:
        flips.add((True, 2))
    if settings.horizontal_flip and settings.vertical_flip:
        flips.add((False, 2))
    return tuple(sorted({(mirrored, (own + turn) % 4) for mirrored, own in flips for turn in turns}))
