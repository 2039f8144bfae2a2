"""What the numbers of a part of a run's own dataset hold for."""

from __future__ import annotations

NOTES = {
    "test": "locked away during training and every choice",
    "validation": "the best epoch was chosen on this part: slightly optimistic",
    "all": "most of these galaxies were trained on: far too optimistic for new ones",
}
"""By the part."""

SINGLE_VIEW = "of the best epoch, which was chosen on this part: slightly optimistic; one view of each galaxy, float32"
"""Of the validation part while a run is trained."""


def note_part(part: str, views: int) -> str:
    """What the numbers of a part hold for, with answers averaged over so many views of each galaxy."""
    if views == 1:
        return NOTES[part]
    return f"{NOTES[part]}; answers averaged over {views} views of each galaxy, where the training's curves show one"
