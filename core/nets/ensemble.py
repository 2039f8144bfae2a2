"""An ensemble: several networks as one, which answers with their mean and says where their doubt comes from.

It is used wherever a network is asked for answers or features. What looks into a single network, such as its filters,
or goes on with its training, is not possible with it: one of its runs is chosen for that.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.target import Classes, Quantities, Target, outputs
from core.errors import NotPossible, Problem, UnreadableFile
from core.nets import heads, temperature
from core.nets.calibration import ErrorBarCalibration
from core.nets.combination import Doubt, combine, combine_probabilities
from core.nets.predictor import Predictor
from core.nets.temperature import Temperature
from core.project import ensembles
from core.project.runs import RunFolder
from core.reading import reading

_SCALE_TOLERANCE = 1.05
_ZERO_POINT_TOLERANCE = 1e-4  # mag


class Ensemble(Predictor):
    """Several networks that answer together; bands, stamps and target are those of the first.

    Parameters
    ----------
    members
        The networks, which fit together, see :func:`require_together`.
    title
        Of the ensemble.
    calibration
        Of their common error bars.
    left_out, tested
        Numbers of galaxies, see :class:`core.project.ensembles.EnsembleList`.
    own_temperature
        Of the mean of the networks' probabilities, and whether there is one for other networks, as
        :func:`core.nets.temperature.read` gives both.
    """

    def __init__(
        self,
        members: Sequence[Predictor],
        title: str,
        calibration: ErrorBarCalibration | None = None,
        left_out: int = 0,
        tested: int = 0,
        own_temperature: tuple[Temperature | None, bool] = (None, False),
    ) -> None:
        first = members[0]
        self._members = tuple(members)
        self._places = [_places_of(first, member) for member in members]
        self.left_out, self.tested = left_out, tested
        self.normalisation, self.target, self.bands = first.normalisation, first.target, first.bands
        self.stamp_shape, self.pixel_scale, self.output_scale = first.stamp_shape, first.pixel_scale, None
        self.card = _common_card(members) | {"run": title}
        self.bands_from, self.stamps = first.bands_from, first.stamps
        self.views = max((member.views for member in members), key=len)
        self.calibration, self.training_range = calibration, first.training_range
        self.zero_points, self.side = first.zero_points, first.side
        self.temperature, is_of_others = own_temperature
        said = [
            *_tell_temperatures(members),
            *_tell_stale(is_of_others),
            *(note for member in members for note in member.notes),
        ]
        self.notes = tuple({str(note): note for note in said}.values())

    def __repr__(self) -> str:
        return f"Ensemble({self.card['run']!r}, {len(self._members)} networks)"

    def __getattr__(self, name: str) -> Never:
        if name == "network":
            self.require_one()
        raise AttributeError(name)

    def require_one(self) -> Never:
        """Say that this takes one network: see the single network's."""
        raise NotPossible(
            f"“{self.card['run']}” are {len(self._members)} networks, and this is possible with one only.",
            "Choose one of the runs that it consists of.",
        )

    @property
    def members(self) -> tuple[Predictor, ...]:
        """The networks."""
        return self._members

    @property
    def member_temperatures(self) -> tuple[float | None, ...]:
        """The temperature of each of its networks, None where it is not calibrated."""
        known = (member.temperature for member in self._members)
        return tuple(None if each is None else each.value for each in known)

    @property
    def has_error_bars(self) -> bool:
        """Quantities always have error bars: at least the scatter of the networks."""
        return isinstance(self.target, Quantities)

    @property
    def causes_of_doubt(self) -> tuple[str, ...]:
        """What is told of its doubt: quantities need the error bars of all networks for what the data cause."""
        is_known = not self.has_error_bars or all(member.has_error_bars for member in self._members)
        return ("data", "networks") if is_known else ("networks",)

    def held(self, values: NDArray[np.float64]) -> Ensemble:
        """The networks of the image alone that these are for a galaxy with these values of the catalogue."""
        if self.side is None:
            return self
        held = copy.copy(self)
        held._members = tuple(member.held(values) for member in self._members)
        held.side = None
        return held

    def scores_and_error_bars(self, images: Tensor, beside: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The mean of the scores, and of quantities their standard deviations; not differentiable."""
        return self.answer(images, beside)[:2]

    @torch.no_grad()
    def answer(self, images: Tensor, beside: Tensor | None = None) -> tuple[Tensor, Tensor | None, Doubt]:
        """The mean of the scores, standard deviations of quantities, and what the doubt comes from.

        Probabilities are at the ensemble's own temperature, if it has one; the doubt is that of their mean before it.
        """
        return self.join([member.scores_and_error_bars(images, beside) for member in self._members])

    def join(self, answers: Sequence[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None, Doubt]:
        """The answers of all its networks, each in its own order of the names, as one."""
        scores, errors = [], []
        for (found, bars), places in zip(answers, self._places, strict=True):
            scores.append(found.cpu().numpy()[:, places])
            errors.append(None if bars is None else bars.cpu().numpy()[:, places])
        if not isinstance(self.target, Quantities):
            mean, doubt = combine_probabilities(np.stack(scores))
            together = self._to_tensor(mean)
            if self.temperature is not None:
                together = heads.temper(together, self.temperature.value)
            return together, None, doubt
        found = combine(np.stack(scores), errors, self.target.encodings)
        if self.calibration is not None:
            found = found.scaled(self.calibration.factors)
        assert found.errors is not None and found.ignorance is not None  # there are several
        return self._to_tensor(found.values), self._to_tensor(found.errors), Doubt(found.data, found.ignorance)

    def _to_tensor(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)

    def to(self, device: torch.device | str) -> Ensemble:
        """Move all networks to a device, in place."""
        for member in self._members:
            member.to(device)
        return self

    def check(self, bands: Sequence[str], shape: tuple[int, int, int], pixel_scale: float) -> list[Problem]:
        """Check whether all networks can be used on such stamps; see the single network's."""
        found = [problem for member in self._members for problem in member.check(bands, shape, pixel_scale)]
        return list({str(problem): problem for problem in found}.values())


def _tell_temperatures(members: Sequence[Predictor]) -> list[Problem]:
    """That probabilities of networks are averaged as they were calibrated; nothing if none was."""
    found = [member.temperature.value for member in members if member.temperature is not None]
    if not found:
        return []
    values, has = ", ".join(f"{value:.3g}" for value in found), "has" if len(found) == 1 else "have"
    return [
        Problem(
            f"{len(found)} of its {len(members)} networks {has} been calibrated (temperature {values}): their "
            "calibrated probabilities enter the mean.",
            "Calibrate the ensemble instead; a run's temperature is removed in Evaluate."
            if len(found) < len(members)
            else "",
        )
    ]


def _tell_stale(is_of_others: bool) -> list[Problem]:
    """That there is a temperature for what the networks were before; nothing if there is none."""
    if not is_of_others:
        return []
    return [
        Problem(
            "The temperature of this ensemble was fitted before one of its networks was trained on, calibrated or "
            "given its own probabilities back, and is not used.",
            "Fit it again, or remove it.",
            temperature.NAME,
        )
    ]


def load(file: Path, device: torch.device | str = "cpu") -> Ensemble:
    """Load the networks of an ensemble.

    Raises
    ------
    UnreadableFile, WrongVersion
        The list or one of the networks cannot be read.
    NotPossible
        They do not fit together any more.
    """
    listed = ensembles.read(file)
    members = [_load_member(run, file, device) for run in listed.members]
    titles = [run.title for run in listed.members]
    require_together(members, titles)
    calibration = None
    if listed.calibration:
        with reading("The list of this ensemble", file, "Make the ensemble anew of its runs."):
            calibration = ErrorBarCalibration.from_dict(listed.calibration)
            if len(calibration.factors) != len(members[0].output_names):
                raise ValueError(f"{len(calibration.factors)} factors of {len(members[0].output_names)} quantities")
    own = temperature.read(file) if isinstance(members[0].target, Classes) else (None, False)
    return Ensemble(members, RunFolder(file.parent).name, calibration, listed.left_out, listed.tested, own)


def _load_member(run: RunFolder, file: Path, device: torch.device | str) -> Predictor:
    if run.is_ensemble:
        raise UnreadableFile(
            f"“{run.title}”, which is listed in this ensemble, is itself an ensemble.",
            "Make the ensemble anew of single runs.",
            str(file),
        )
    return Predictor.load(run.best, device)


def scales_alike(predictor: Predictor) -> bool:
    """Whether all networks of an ensemble scale pixel values alike; a single network does."""
    first, *others = [member.normalisation for member in predictor.members]
    own = first.state_dict()
    return all(
        (each.kind, each.samplewise) == (first.kind, first.samplewise)
        and each.state_dict().keys() == own.keys()
        and all(torch.equal(value, own[name]) for name, value in each.state_dict().items())
        for each in others
    )


def require_together(members: Sequence[Predictor], titles: Sequence[str]) -> None:
    """Require that networks can answer together; their input scaling and their views may differ.

    Raises
    ------
    NotPossible
        They have learned other things, take other bands, or their training stamps were others.
    """
    first = members[0]
    for member, title in zip(members[1:], titles[1:], strict=True):
        if (why := _difference(first, member)) is not None:
            raise NotPossible(
                f"“{title}” and “{titles[0]}” cannot answer together: {why}.",
                "Only networks that have learned the same from the same kind of stamps can.",
                title,
            )


def _difference(first: Predictor, other: Predictor) -> str | None:
    """Why two networks do not belong together, as the end of a sentence; None: they do."""
    learned = _describe(first.target), _describe(other.target)
    if learned[0] != learned[1]:
        return f"one knows {', '.join(sorted(learned[1]))}, the other {', '.join(sorted(learned[0]))}"
    if (first.bands, first.bands_from) != (other.bands, other.bands_from):
        return f"one was trained on the bands {', '.join(other.bands)}, the other on {', '.join(first.bands)}" + (
            ", made of other bands of the images" if first.bands == other.bands else ""
        )
    if first.side != other.side and (why := _differing_columns(first, other)):
        return why
    if first.stamp_shape[1:] != other.stamp_shape[1:]:
        sides = [f"{shape[2]} × {shape[1]}" for shape in (other.stamp_shape, first.stamp_shape)]
        return f"the stamps of one have {sides[0]} pixels, those of the other {sides[1]}"
    ratio = other.pixel_scale / first.pixel_scale if first.pixel_scale else 1.0
    if ratio > _SCALE_TOLERANCE or ratio < 1 / _SCALE_TOLERANCE:  # false if either is unknown
        return f"one was trained at {other.pixel_scale:.3g} arcsec/pixel, the other at {first.pixel_scale:.3g}"
    for band, own, there in zip(first.bands, _zero_points(first), _zero_points(other), strict=True):
        if (own is None) != (there is None) or (own is not None and abs(own - (there or 0)) > _ZERO_POINT_TOLERANCE):
            known = ["unknown" if value is None else f"{value:g}" for value in (there, own)]
            return f"the zero point of {band} was {known[0]} in the training of one, {known[1]} in that of the other"
    if first.stamps is not None and other.stamps is not None and (found := first.stamps.differences(other.stamps)):
        return f"their stamps were made in different ways ({found[0].sentence.rstrip('.')})"
    return None


def _differing_columns(first: Predictor, other: Predictor) -> str:
    """How the catalogue columns beside the image differ; their scaling may."""
    columns = [() if each.side is None else each.side.columns for each in (other, first)]
    one, there = (", ".join(f"{column.name} [{column.unit}]" for column in each) or "nothing" for each in columns)
    return "" if one == there else f"one takes {one} beside the image, the other {there}"


def _zero_points(predictor: Predictor) -> tuple[float | None, ...]:
    return predictor.zero_points or (None,) * len(predictor.bands)


def _describe(target: Target) -> set[str]:
    """What a network has learned, in any order: names, of quantities with units and scales."""
    if not isinstance(target, Quantities):
        return set(outputs(target)) or {"nothing that has a name"}
    texts: set[str] = set()
    for name, unit, encoding in zip(target.columns, target.units, target.encodings, strict=True):
        learned = f" after {encoding.period:g}" if encoding.period else " as a logarithm" * encoding.is_logarithm
        texts.add(f"{name}{f' [{unit}]' if unit else ''}{learned}")
    return texts


def _places_of(first: Predictor, member: Predictor) -> list[int]:
    return [member.output_names.index(name) for name in first.output_names]


def _common_card(members: Sequence[Predictor]) -> dict[str, Any]:
    """What the cards of all networks say alike."""
    first, *others = [member.card for member in members]
    return {name: value for name, value in first.items() if all(card.get(name) == value for card in others)}
