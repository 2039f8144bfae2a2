"""The lines of a match between a network and another survey: what was found, with its numbers, and a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.adapt.survey_statistics import SurveyStatistics
from core.data import target as targets
from core.data.class_names import complete_mapping, suggest_kin
from core.data.recipe import StampRecipe
from core.data.target import Classes, NoAnswers, Target
from core.errors import NotPossible
from core.nets import band_mapping, transfer, zero_points
from core.nets.band_mapping import BandMapping
from core.nets.predictor import Predictor
from core.wording import capitalised, count_of, percent, with_minus

State = Literal["fits", "can be adapted", "a problem", "not known"]
Action = Literal["", "bands", "resample", "scaling", "classes"]

SAME_SIZE = 1.15  # ratio of the sizes of galaxies that is no difference: the medians are known to a few per cent
_SAME_MEAN, _SAME_SPREAD = 0.5, 2.0  # of scaled values, in standard deviations of the training's
_MOST_OUTSIDE = 0.05  # share of the pixels outside the range of nearly all of the training's
_BLIND_SPREAD, _BLIND_OUTSIDE = 0.1, 0.5  # with less, or more, of that a network sees next to nothing
_SAME_NOISE = 2.0  # ratio of brightness to noise


@dataclass(frozen=True)
class MatchLine:
    """One thing in which two surveys have to agree.

    Attributes
    ----------
    aspect
        What it is about, by name: ``bands``, ``stamps``, ``size``, ``values``, ``noise``, ``zero points``, ``classes``
        or ``labels``.
    state
        Whether it fits.
    sentence
        What was found, with its numbers.
    remedy
        What to do about it; empty: nothing.
    action
        Which remedy the program has for it; empty: none.
    """

    aspect: str
    state: State
    sentence: str
    remedy: str = ""
    action: Action = ""

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Surveys:
    """A network with the statistics of both surveys; None where they are not known, and ``why`` of the source."""

    predictor: Predictor
    source: SurveyStatistics | None
    target: SurveyStatistics | None
    why: str

    @property
    def resample(self) -> float:
        """By which factor galaxies have to be enlarged to span as many pixels as in the training; NaN: unknown."""
        if self.source is None or self.target is None or not self.target.radius > 0:
            return math.nan
        return self.source.radius / self.target.radius


@dataclass(frozen=True)
class ClassChoice:
    """Which classes of a network the classes of a target are.

    Attributes
    ----------
    mapping
        The network's by the target's, by their names or as they were chosen.
    suggested
        Classes of much the same kind for those that have no counterpart.
    """

    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    suggested: Mapping[str, str] = field(default_factory=dict[str, str])


def find_classes(old: Target, new: Target | None, chosen: Mapping[str, str]) -> ClassChoice:
    """Find which classes of a network those of a target are; ``chosen`` is what the user said, empty for none."""
    if not (isinstance(old, Classes) and isinstance(new, Classes)):
        return ClassChoice()
    mapping = complete_mapping(old.names, new.names, chosen)
    undecided = [name for name in new.names if name not in chosen]
    return ClassChoice(mapping, suggest_kin(old.names, undecided, mapping))


def on_bands(
    wanted: Sequence[str], bands: Sequence[str], mapping: BandMapping | None, *, is_proposed: bool
) -> MatchLine:
    """Whether the bands of the target can feed those of the network, with what does."""
    own, other = ", ".join(wanted), ", ".join(bands)
    if mapping is None and len(wanted) != len(bands):
        sentence = f"The network takes {own}; these images have {other}."
        return MatchLine("bands", "a problem", sentence, "Choose what feeds each of its bands.", "bands")
    if mapping is None and tuple(wanted) == tuple(bands):
        return MatchLine("bands", "fits", f"Both have {own}.")
    if mapping is None:
        sentence = f"The network was trained on {own}; these images have {other}, taken in this order."
        return MatchLine("bands", "can be adapted", sentence, "Choose others if they are not the same.", "bands")
    if is_proposed:
        sentence = f"The network takes {own}; these images have {other}. {mapping.text} could feed it."
        return MatchLine("bands", "can be adapted", sentence, "Accept that, or choose otherwise.", "bands")
    if mapping == band_mapping.put_in_order(wanted, bands):
        return MatchLine("bands", "fits", f"Both have {own}; the images' are put into this order.", "", "bands")
    return MatchLine("bands", "fits", f"The network's {own} are fed {mapping.text}.", "", "bands")


def on_stamps(
    predictor: Predictor, shape: tuple[int, int, int], recipe: StampRecipe | None, *, sizes_fit: bool = False
) -> MatchLine:
    """Whether the stamps have the size of those of the training, and were made alike or show galaxies as large."""
    own, here = (f"{side[2]} × {side[1]} px" for side in (predictor.stamp_shape, shape))
    try:
        predictor.check(predictor.bands, (len(predictor.bands), *shape[1:]), math.nan)
    except NotPossible as problem:
        return MatchLine("stamps", "a problem", problem.sentence, "Resample them to that size.", "resample")
    if shape[1:] != tuple(predictor.stamp_shape[1:]):
        sentence = f"Stamps have {here} here, and {own} in the training."
        return MatchLine("stamps", "can be adapted", sentence, "Resample them to that size.", "resample")
    made = predictor.stamps
    if made is not None and recipe is not None and not sizes_fit and made.is_made_otherwise(recipe):
        sentence = f"Stamps have {here}, as in the training, but show {recipe.describe()} (there {made.describe()})."
        return MatchLine("stamps", "can be adapted", sentence, "Import the files again in the same way if you can.")
    if made is not None and recipe is not None and made.shows_another_field(recipe):
        files = f"whole files of {recipe.native_size:.0f} px (there {made.native_size:.0f})"
        if sizes_fit:
            sentence = (
                f"Stamps have {here}, as in the training; they show {files}, with galaxies as large all the same."
            )
            return MatchLine("stamps", "fits", sentence)
        sentence = (
            f"Stamps have {here}, as in the training, but show {files}: galaxies may be larger or smaller on them."
        )
        return MatchLine("stamps", "can be adapted", sentence, "The size of the galaxies tells by how much.")
    return MatchLine("stamps", "fits", f"Stamps have {here}, as in the training.")


def on_sizes(surveys: Surveys, recipe: StampRecipe | None = None) -> MatchLine:
    """Whether galaxies span as many pixels as in the training; the recipe tells whether the files hold more detail."""
    source, target = surveys.source, surveys.target
    scales = _describe_scales(surveys.predictor.pixel_scale, math.nan if target is None else target.pixel_scale)
    if target is None:
        return MatchLine("size", "not known", f"It is measured once the bands are chosen.{scales}")
    here = f"The typical half-light radius is {target.radius:.1f} px here" if target.radius > 0 else ""
    if math.isnan(surveys.resample):
        why = surveys.why or "The galaxies cannot be told from the sky in most stamps."
        sentence = f"{here}{'; in the training it is not known. ' if here else ''}{why}{scales}"
        return MatchLine("size", "not known", sentence)
    assert source is not None
    sentence = f"{here}, and {source.radius:.1f} px in the training.{scales}"
    if 1 / SAME_SIZE <= surveys.resample <= SAME_SIZE:
        return MatchLine("size", "fits", sentence)
    how = "Enlarge" if surveys.resample > 1 else "Shrink"
    remedy = f"{how} the galaxies by {surveys.resample:.2f}, so that they span as many pixels."
    if surveys.resample > 1 and recipe is not None and recipe.file_pixels > SAME_SIZE:
        side = surveys.predictor.stamp_shape[2]
        settings = recipe.enlarged(surveys.resample, side).settings
        unit = "px" if settings.field_unit == "pixels" else settings.field_unit
        lost = f"{recipe.file_pixels:.1f} × {recipe.file_pixels:.1f}"
        remedy += f" Better still, import the files again with stamps of {side} px and a field of {settings.field:.3g}"
        remedy += f" {unit}: a pixel of these stamps was made of {lost} of theirs, whose detail is then kept."
    return MatchLine("size", "can be adapted", sentence, remedy, "resample")


def on_values(
    surveys: Surveys,
    outside: NDArray[np.float64] | None,
    refitted: NDArray[np.float32] | None,
) -> MatchLine:
    """Whether pixel values lie where the network expects them after its input scaling.

    Parameters
    ----------
    surveys
        The network and both statistics.
    outside
        (C,) share of the target's pixels outside the range of 99.8 % of the training's; None: unknown.
    refitted
        (n, C, H, W) stamps of the target under an input scaling that was fitted to them.
    """
    target, scaling = surveys.target, surveys.predictor.normalisation
    if target is None:
        return MatchLine("values", "not known", "They are measured once the bands are chosen.")
    spread = f"mean {_list_numbers(target.mean)} and standard deviation {_list_numbers(target.deviation)}"
    if scaling.samplewise == "standard":
        return MatchLine("values", "fits", f"Each galaxy is scaled by itself; then pixels here have {spread}.")
    sentence = f"After the network's input scaling, pixels here have {spread}; in the training it was about 0 and 1."
    away = 0.0
    if outside is not None:
        away = float(outside.max())
        sentence += f" {percent(away, 1)} lie outside the range of 99.8 % of the training's pixels."
    usual = np.abs(target.mean).max() <= _SAME_MEAN and away <= _MOST_OUTSIDE
    if usual and (target.deviation >= 1 / _SAME_SPREAD).all() and (target.deviation <= _SAME_SPREAD).all():
        return MatchLine("values", "fits", sentence)
    is_blind = (target.deviation < _BLIND_SPREAD).any() or away > _BLIND_OUTSIDE
    remedy = "Fit the input scaling to these galaxies"
    if refitted is not None:
        mean, deviation = refitted.mean(axis=(0, 2, 3)), refitted.std(axis=(0, 2, 3))
        remedy += f" (then {_list_numbers(mean)} and {_list_numbers(deviation)})"
    remedy += "; or train the network anew with each galaxy scaled by itself."
    return MatchLine("values", "a problem" if is_blind else "can be adapted", sentence, remedy, "scaling")


def on_noise(surveys: Surveys) -> MatchLine:
    """Whether galaxies stand out from the sky as in the training, and whether they are saturated."""
    source, target = surveys.source, surveys.target
    if target is None:
        return MatchLine("noise", "not known", "It is measured once the bands are chosen.")
    here = f"The brightest pixel is {_list_numbers(target.peak_to_noise, '.3g')} times the noise of the sky here"
    extra = _describe_extra(target, source)
    if source is None:
        return MatchLine("noise", "not known", f"{here}; of the training it is not known.{extra} {surveys.why}")
    sentence = f"{here}, and {_list_numbers(source.peak_to_noise, '.3g')} times in the training.{extra}"
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = target.peak_to_noise / source.peak_to_noise
    known = ratio[np.isfinite(ratio)]
    if not len(known):
        return MatchLine("noise", "not known", sentence)
    if (known <= _SAME_NOISE).all() and (known >= 1 / _SAME_NOISE).all():
        return MatchLine("noise", "fits", sentence)
    noisier = bool((known < 1).all())
    remedy = (
        "Train the network anew with noise added (augmentation), or fine-tune it here."
        if noisier
        else "Fine-tuning shows it galaxies with as little noise."
    )
    return MatchLine("noise", "can be adapted", sentence, remedy)


def on_zero_points(predictor: Predictor, here: Sequence[float | None]) -> MatchLine:
    """Whether pixel values mean the same brightness."""
    if predictor.normalisation.samplewise == "standard":
        return MatchLine("zero points", "fits", "They do not matter: each galaxy is scaled by itself.")
    own = predictor.zero_points or (None,) * len(predictor.bands)
    if here and None not in own and None not in here:
        numbers = ", ".join(f"{value:g}" for value in dict.fromkeys(own))
        return MatchLine(
            "zero points", "fits", f"Known of both; pixel values are brought to those of the training, {numbers}."
        )
    if not zero_points.depends_on_zero_points(predictor):
        return MatchLine("zero points", "not known", "Not known of the training; pixel values are taken as they are.")
    return MatchLine(
        "zero points",
        "not known",
        "Known of the training, but not of these images; pixel values are taken as they are.",
        "Import the images with their zero point, or fit the input scaling to them.",
    )


def on_classes(old: Target, new: Target | None, why: str, found: ClassChoice) -> MatchLine:
    """Whether what the network learned is what the target's labels say."""
    known = ", ".join(targets.outputs(old))
    if isinstance(old, NoAnswers):
        sentence = "The network has learned from galaxies without labels, and knows no classes."
        return MatchLine("classes", "can be adapted", f"{sentence} {why}".strip(), "Fine-tuning gives it a head.")
    if new is None:
        return MatchLine("classes", "not known", f"The network knows {known}. {why}")
    own = ", ".join(targets.outputs(new))
    if type(old) is not type(new):
        sentence = f"The network learned {known}, and the labels here are {own}: of another kind."
        return MatchLine("classes", "a problem", sentence, "Fine-tuning replaces its head, which starts at random.")
    if not isinstance(new, Classes):
        rows = transfer.matched_rows(old, new)
        same = [targets.outputs(new)[row] for row in rows]
        fresh = [name for name in targets.outputs(new) if name not in same]
        if not fresh:
            return MatchLine("classes", "fits", f"Both are about {own}.")
        sentence = f"The network knows {known}; {', '.join(fresh)} it has not learned."
        return MatchLine("classes", "can be adapted", sentence, "Fine-tuning starts these outputs at random.")
    renamed = [f"“{name}” is its “{match}”" for name, match in found.mapping.items() if name != match]
    fresh = [name for name in new.names if name not in found.mapping]
    taken = f" {'; '.join(renamed)}." if renamed else ""
    if not fresh:
        return MatchLine(
            "classes", "fits", f"The network knows {known}; all of {own} are among them.{taken}", "", "classes"
        )
    listed = ", ".join(f"“{name}”" for name in fresh)
    sentence = f"The network knows {known}.{taken} It does not know {listed} by this name."
    kin = ", ".join(f"{name} = {match}" for name, match in found.suggested.items())
    remedy = (
        f"Are these the same kinds: {kin}?"
        if kin
        else "Say which of its classes they are, or let them start at random."
    )
    return MatchLine("classes", "can be adapted", sentence, remedy, "classes")


def on_labels(labelled: int, unlabelled: int, test: int) -> MatchLine:
    """How many galaxies have labels to judge the network by and to tune it with."""
    sentence = f"{count_of(labelled, 'labelled galaxy')} to judge by and to tune with"
    sentence += f", {test:,} more in the test part, which is left alone" if test else ""
    sentence += f"; {unlabelled:,} without a label." if unlabelled else "."
    if labelled:
        return MatchLine("labels", "fits", sentence)
    return MatchLine("labels", "a problem", sentence, "Label some, or adapt the network without labels.")


def _describe_scales(trained: float, here: float) -> str:
    if math.isnan(trained) and math.isnan(here):
        return " The pixel scales are not known."
    texts = ["unknown" if math.isnan(value) else f"{value:.3g}″/px" for value in (here, trained)]
    return f" The pixel scale is {texts[0]} here and {texts[1]} in the training."


def _describe_extra(target: SurveyStatistics, source: SurveyStatistics | None) -> str:
    """Saturation and the correlation of the noise, where one of the surveys has any."""
    found: list[str] = []
    for text, name, least in (
        ("{} of the stamps are saturated", "saturated", 0.02),
        ("noise of neighbouring pixels correlates by {}", "correlation", 0.15),
    ):
        values = [float(np.nanmax(getattr(each, name))) for each in (target, source) if each is not None]
        if max(values) < least:
            continue
        shown = [percent(value) if name == "saturated" else f"{value:.2f}" for value in values]
        found.append(text.format(shown[0]) + (f" (in the training {shown[1]})" if len(shown) > 1 else ""))
    return f" {capitalised('; '.join(found))}." if found else ""


def _list_numbers(values: NDArray[Any], form: str = ".2f") -> str:
    """Numbers of all bands, once where they are the same."""
    texts = [with_minus(format(float(value), f"z{form}")) if np.isfinite(value) else "–" for value in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)
