"""Measure galaxies: quantities with error bars and flags, by one network or by several together.

The network's answers are those of :mod:`core.evaluate.predict`. Here they are made a measurement: the images are
brought to the zero point of the training and sizes to the pixel scale of the images, errors are calibrated, and each
galaxy is flagged where its number should not be used without a look.

References
----------
Tuccillo et al. 2018, MNRAS 475, 894 (profile fitting by a network); Lakshminarayanan, Pritzel & Blundell 2017,
arXiv:1612.01474; Euclid Collaboration: Bretonnière et al. 2023, A&A 671, A102.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.encodings import Encoding
from core.data.seen import seen_ids
from core.data.target import Quantities
from core.errors import NotPossible, Problem
from core.evaluate import pixel_scales, raw_files, tables
from core.evaluate.ensemble import calibrate_together, combine_predictions
from core.evaluate.predict import Predictions, predict_rows
from core.evaluate.raw_files import Sources
from core.evaluate.tables import TableColumn
from core.events import NEVER, Skipped, Work
from core.metrics.error_bars import describe_factors
from core.nets import zero_points
from core.nets.combination import Combined
from core.nets.opening import NetworkOnData, open_network_on_data
from core.nets.predictor import Predictor
from core.nets.training_range import measure_images
from core.project import ensembles

_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Measurements:
    """Quantities of n galaxies.

    Attributes
    ----------
    ids
        n ids, as text.
    target
        The K quantities with their units.
    found
        Values (n, K) and their errors, with the parts that data and ignorance cause.
    flags
        For each galaxy what is doubtful about it, in words; empty: nothing.
    runs
        Names of the networks' runs.
    errors_are
        What the errors are, and on which galaxies they were calibrated, as a sentence.
    problems
        What holds for all galaxies, such as another pixel scale or an unknown zero point.
    notes
        Of image files: how their stamps were made.
    left_out
        Of image files: those that could not be used.
    pixels_are
        How the pixel values were brought to the unit of the training, or that they were taken as they are.
    """

    ids: tuple[str, ...]
    target: Quantities
    found: Combined
    flags: list[str]
    runs: tuple[str, ...]
    errors_are: str
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    left_out: list[Problem] = field(default_factory=list[Problem])
    pixels_are: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def unread(self) -> int:
        """How many image files could not be used."""
        return len(self.left_out)

    @property
    def flagged(self) -> int:
        """How many galaxies have a flag."""
        return sum(bool(flag) for flag in self.flags)


@dataclass(frozen=True, eq=False)
class _Member:
    """What one network says of the galaxies, and what is doubtful about each by its training range and pixel scale."""

    predictions: Predictions
    flags: list[str]
    has_calibration: bool


def run(
    networks: Sequence[Path | str],
    data: Sources,
    stop: threading.Event = NEVER,
    *,
    given_zero_points: Sequence[float] = (),
    catalogue: Path | str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Work[Measurements]:
    """Measure the galaxies of a dataset, or of image files, whose stamps are then made as those of the training.

    Yields :class:`~core.events.Progress`, and a :class:`~core.events.Skipped` for each warning.

    Parameters
    ----------
    networks
        Weights files, folders of runs or of ensembles, which have learned the same quantities; several answer together.
    data
        The dataset, or image files and folders.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    given_zero_points
        The magnitude of one unit of the pixels, of each band of the data or one for all; empty: as the dataset or the
        headers of the files have it.
    catalogue
        Of image files, where the field of the stamps or the network needs one of its columns.
    changes
        Of image files: import settings by name that override those of the training, such as ``pixel_scale``.

    Raises
    ------
    NotPossible
        A network predicts classes, the networks have learned different quantities, or the stamps do not fit.
    SettingsProblem
        The zero points are not as many as the bands.
    UnreadableFile, WrongVersion
        A file cannot be read.
    """
    members = ensembles.expand([Path(each) for each in networks])
    return (yield from _say_once(_run(members, data, stop, given_zero_points, catalogue, changes)))


def _run(
    members: Sequence[tuple[Path, Path]],
    data: Sources,
    stop: threading.Event,
    given_zero_points: Sequence[float],
    catalogue: Path | str | None,
    changes: Mapping[str, Any] | None,
) -> Work[Measurements]:
    paths = [path for path, _ in members]
    target = _common_target(paths)
    if not raw_files.are_raw(data):
        return (
            yield from _measure(
                members, target, Path(data if isinstance(data, str | Path) else data[0]), given_zero_points, stop
            )
        )
    with raw_files.temporary_dataset() as made:
        of_files = {"zero_point": tuple(given_zero_points)} if given_zero_points else {}  # of the files' pixels
        changes = {**(changes or {}), **of_files}
        report = yield from raw_files.import_for(paths[0], data, made, changes, stop, catalogue)
        for _, named in members:
            raw_files.require_fitting_bands(named, made)
        found = yield from _measure(members, target, made, (), stop)
        found.notes.extend(report.notes)
        found.left_out.extend(report.unusable)
        return found


def _say_once(work: Work[Measurements]) -> Work[Measurements]:
    """The same work without the warnings that several networks repeat."""
    said: set[str] = set()
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value
        if isinstance(event, Skipped):
            if str(event.problem) in said:
                continue
            said.add(str(event.problem))
        yield event


def write(measured: Measurements, path: Path) -> None:
    """Write a table: for each quantity its value and error, of several networks also the two parts of the error.

    The units are in the columns' metadata; in CSV, which has no place for them, in columns of their own.

    Raises
    ------
    SettingsProblem
        Tables cannot be written under such a name.
    """
    found, count = measured.found, len(measured)
    columns: list[TableColumn] = [("id", np.asarray(measured.ids, dtype=str), "")]
    parts = [("error", found.errors)]
    if found.ignorance is not None:
        parts += [("error_data", found.data), ("error_networks", found.ignorance)]
    for place, (name, unit) in enumerate(zip(measured.target.columns, measured.target.units, strict=True)):
        columns.append((name, found.values[:, place], unit))
        columns += [(f"{name}_{part}", each[:, place], unit) for part, each in parts if each is not None]
        if unit and path.suffix.lower() == ".csv":
            columns.append((f"{name}_unit", np.full(count, unit), ""))
    columns.append(("flags", np.asarray(measured.flags, dtype=str), ""))
    about = {"RUN": ", ".join(measured.runs), "ERRORS": measured.errors_are, "PIXELS": measured.pixels_are}
    tables.write_columns(columns, path, about)


def _common_target(paths: Sequence[Path]) -> Quantities:
    """What the networks have learned, in the order of the first.

    Raises
    ------
    NotPossible
        That is no quantity, or not the same for all.
    """
    targets = [Predictor.load(path).target for path in paths]
    first = targets[0]
    for path, target in zip(paths, targets, strict=True):
        if not isinstance(target, Quantities):
            raise NotPossible(
                "This network predicts no quantities, and there is nothing to measure with it.",
                "Write its classes or vote fractions with “tuningfork predict”.",
                path.name,
            )
        assert isinstance(first, Quantities)
        if _described(target) != _described(first):
            raise NotPossible(
                f"This network measures {_in_words(target)}; “{paths[0].name}” measures {_in_words(first)}.",
                "Only networks that have learned the same quantities in the same units answer together.",
                path.name,
            )
    assert isinstance(first, Quantities)
    return first


def _described(target: Quantities) -> set[tuple[str, str, Encoding]]:
    return set(zip(target.columns, target.units, target.encodings, strict=True))


def _in_words(target: Quantities) -> str:
    texts: list[str] = []
    for name, unit, encoding in zip(target.columns, target.units, target.encodings, strict=True):
        learned = " as an angle" if encoding.period is not None else " as a logarithm" * encoding.is_logarithm
        texts.append(f"{name}{f' [{unit}]' if unit else ''}{learned}")
    return ", ".join(texts)


def _measure(
    networks: Sequence[tuple[Path, Path]],
    target: Quantities,
    data: Path,
    given_zero_points: Sequence[float],
    stop: threading.Event,
) -> Work[Measurements]:
    paths = [path for path, _ in networks]
    members: list[_Member] = []
    problems: list[Problem] = []
    pixels: dict[str, None] = {}
    for path, named in networks:
        with open_network_on_data(path, data, given_zero_points=given_zero_points, bands_of=named) as opened:
            members.append((yield from _ask(opened, path, stop)))
            pixels[zero_points.describe_pixels(opened.cutouts, opened.whole, opened.predictor)] = None
            for problem in (
                zero_points.describe_unknown(opened.cutouts, opened.predictor) if _is_foreign(opened) else ()
            ):
                if str(problem) not in map(str, problems):
                    yield Skipped(problem)
                    problems.append(problem)
    predictions = [member.predictions for member in members]
    for problem in (each for one in predictions for each in one.problems):
        problems += [problem] if str(problem) not in map(str, problems) else []
    together = combine_predictions(predictions, target)
    calibration, sentence = None, _describe_errors(members, together)
    if len(members) > 1:
        calibration, sentence = yield from calibrate_together(paths, target, stop)
        sentence = " ".join(filter(None, (_describe_spread(together), sentence)))
    if target.logarithms and together.errors is not None:
        sentence += f" {_describe_logarithms(target)}"
    return Measurements(
        ids=predictions[0].ids,
        target=target,
        found=together if calibration is None else together.scaled(calibration.factors),
        flags=_join_flags([member.flags for member in members]),
        runs=tuple(each.run for each in predictions),
        errors_are=sentence,
        problems=problems,
        pixels_are=" ".join(pixels),
    )


def _is_foreign(opened: NetworkOnData) -> bool:
    """Whether it is another dataset than that of the training, whose unit is the right one whatever it is."""
    return not opened.cutouts.is_known_as(opened.predictor.card.get("checksum"))


def _ask(opened: NetworkOnData, path: Path, stop: threading.Event) -> Work[_Member]:
    statistics: list[NDArray[np.float64]] = []
    predictor, cutouts = opened.predictor, opened.cutouts
    predictions = yield from predict_rows(opened, None, stop, lambda images: statistics.append(measure_images(images)))
    flags: list[list[str]] = [[] for _ in predictions.ids]
    known = predictor.training_range
    if known is not None and statistics:
        outside = known.describe_outside(np.concatenate(statistics), predictions.scores, predictions.names)
        for row, text in enumerate(outside):
            flags[row] += [f"outside the training range: {text}"] if text else []
    if pixel_scales.has_sizes(predictor.target):
        ratios = pixel_scales.scale_ratios(predictor, cutouts.pixel_scale)
        for row in np.flatnonzero(np.isnan(ratios)):
            flags[row].append("pixel scale unknown")
        for row in np.flatnonzero(np.abs(ratios - 1) > _TOLERANCE):
            flags[row].append(f"pixel scale {ratios[row]:.3g} times that of the training")
    if (size := cutouts.shape[2:]) != (own := predictor.stamp_shape[1:]):
        for row in flags:
            row.append(f"stamp of {size[1]} × {size[0]} pixels, {own[1]} × {own[0]} in the training")
    seen: set[str] = set()
    with contextlib.suppress(Problem):  # without the record of its parts nobody knows
        seen = seen_ids(path)
    for row, name in enumerate(predictions.ids):
        flags[row] += ["used in the training"] if name in seen else []
    return _Member(predictions, ["; ".join(each) for each in flags], predictor.calibration is not None)


def _join_flags(each: Sequence[Sequence[str]]) -> list[str]:
    """The flags of each galaxy by all networks, every one once."""
    joined: list[str] = []
    for texts in zip(*each, strict=True):
        parts = dict.fromkeys(part for text in texts for part in text.split("; ") if part)
        joined.append("; ".join(parts))
    return joined


def _describe_errors(members: Sequence[_Member], together: Combined) -> str:
    """What the errors of a single network are."""
    if together.errors is None:
        return (
            "This network gives no error bars: train with the Gaussian loss of quantities (loss.quantities = "
            "gaussian), or measure with several runs together."
        )
    predictions = members[0].predictions
    return describe_factors(predictions.calibration, predictions.names)


def _describe_logarithms(target: Quantities) -> str:
    return (
        f"Learned as logarithms: {', '.join(target.logarithms)}; there error / value is the standard deviation of ln "
        "value, and the error bar reaches from value × exp(−error / value) to value × exp(error / value)."
    )


def _describe_spread(together: Combined) -> str:
    if together.data is not None:
        return ""
    return "Not every network gives error bars: the errors are the spread of the networks alone."
