"""The figures of merit of a run, ``metrics.json``, with its shape checked once for all who read it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.project.files import write_atomically
from core.reading import is_there, read_json, reading

_MOST_EPOCHS = 10**9


class _Table(BaseModel):
    """A table of names and values, of which those that are known must be of their kind."""

    model_config = ConfigDict(extra="allow", strict=True)


_Interval = Annotated[list[float | None], Field(min_length=2, max_length=2)]


class _Intervals(_Table):
    accuracy: _Interval | None = None
    balanced_accuracy: _Interval | None = None
    macro_f1: _Interval | None = None


class _Scores(_Table):
    loss: float | None = None
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    macro_f1: float | None = None
    log_loss: float | None = None
    log_loss_error: float | None = None
    r2: float | None = None
    neighbours_accuracy: float | None = None
    intervals: _Intervals | None = None
    galaxies: int | None = Field(None, ge=0)
    views: int | None = Field(None, ge=1)
    note: str | None = None
    sentence: str | None = None


class _Afterwards(_Table):
    sentence: str = ""


class _Baseline(_Scores):
    counted_as: dict[str, str] | None = None
    afterwards: _Afterwards | None = None


class _Verdict(_Table):
    sentence: str = ""
    advice: str = ""


class _Data(_Table):
    data: str = ""
    checksum: str = ""
    galaxies: dict[str, int] = Field(default_factory=dict[str, int])
    classes: dict[str, dict[str, int]] | None = None


class _Metrics(_Table):
    epochs: int = Field(0, ge=0, le=_MOST_EPOCHS)
    best_epoch: int = Field(0, ge=0, le=_MOST_EPOCHS)
    reason: str = ""
    data: _Data | None = None
    verdict: _Verdict | None = None
    validation: _Scores | None = None
    training: _Scores | None = None
    test: _Scores | None = None
    baseline: _Baseline | None = None
    elsewhere: dict[str, _Scores] | None = None
    warnings: list[str] | None = None


def read_metrics(file: Path) -> dict[str, Any]:
    """Read the metrics of a run as plain values; none where the file is missing, and None for what is no number.

    Raises
    ------
    UnreadableFile
        It is damaged, or a value is of another kind than it should be.
    """
    if not is_there(file):
        return {}
    values = without_nan(read_json(file, "The numbers of this run"))
    with reading("The numbers of this run", file):
        _Metrics.model_validate(values)
    return values


def write_metrics(file: Path, values: Mapping[str, Any]) -> None:
    """Write the metrics of a run; what is not a number or infinite is unknown, since JSON has neither."""
    text = json.dumps(without_nan(values), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(file, text + "\n")


def without_nan(value: Any) -> Any:
    """Plain values with None for what is not a number or infinite, which JSON lacks."""
    match value:
        case Mapping():
            return {name: without_nan(each) for name, each in value.items()}
        case list() | tuple():
            return [without_nan(each) for each in value]
        case _:
            pass
    return None if isinstance(value, float) and not math.isfinite(value) else value
