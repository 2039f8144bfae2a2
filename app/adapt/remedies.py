"""What the buttons beside the lines of a match offer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.nets import band_mapping

if TYPE_CHECKING:
    from core.adapt.match import SurveyMatch

LABEL_STUDY = "transfer"  # the panel of the Studies room that finds out how many labels are needed


def offer(match: SurveyMatch, aspect: str) -> tuple[str, str]:
    """The text of the button beside a line, and its tooltip; empty: there is none."""
    line = match.line(aspect)
    if line.action == "bands":
        return ("Use these", f"Feed the network {match.bands}.") if is_proposed(match) else ("Choose…", "")
    if line.action == "classes":
        if match.classes.suggested:
            pairs = ", ".join(f"{name} = {kin}" for name, kin in match.classes.suggested.items())
            return "Take these", f"Count and continue {pairs}. Each can be changed below."
        return "Choose…", "Which class of the network each class here is."
    if line.action == "scaling":
        return "Fit the scaling", "Fit the network's input scaling to these galaxies; their labels are not used."
    if line.action == "resample":
        if math.isnan(match.resample) or aspect == "stamps":
            return "Resample…", f"Make a dataset with stamps of {match.side} pixels."
        tip = f"Make a dataset with galaxies {match.resample:.2f} times as large, on stamps of {match.side} pixels."
        return f"Resample × {match.resample:.2f}", tip
    return "", ""


def is_proposed(match: SurveyMatch) -> bool:
    """Whether the bands that could feed the network have still to be agreed to."""
    line = match.line("bands")
    return bool(match.bands) and line.state == "can be adapted"


def is_ready(match: SurveyMatch) -> bool:
    """Whether a training on this dataset can start from the network."""
    return match.new is not None and fits(match)


def fits(match: SurveyMatch) -> bool:
    """Whether the network can be shown these galaxies."""
    are_whole = all(match.line(aspect).state != "a problem" for aspect in ("bands", "stamps"))
    return are_whole and not is_proposed(match)


def suggest_bands(match: SurveyMatch, bands: Sequence[str]) -> str:
    """What to show in the chooser of the bands where nothing is proposed."""
    return band_mapping.suggest(match.wanted, bands)


def find_free(path_of: Callable[[str], Path], name: str) -> Path:
    """A path that is not taken, by this name or with a number."""
    number, path = 2, path_of(name)
    while path.exists():
        number, path = number + 1, path_of(f"{name} {number}")
    return path
