"""The decision of a run: asked for in words, kept in its folder, and the class frequencies that it starts from.

It is kept in ``decision.toml`` beside the weights, not inside them: the weights of a finished run never change. Without
that file the most probable class is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit
from numpy.typing import NDArray

from core.data.target import Classes
from core.errors import NotPossible, Problem, SettingsProblem
from core.metrics import decision as decisions
from core.metrics import kept_decision
from core.metrics.decision import MOST_PROBABLE, Aim, Decision
from core.metrics.frequency_trial import try_estimate
from core.nets.predictor import Predictor
from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.reading import is_there, read_toml, reading, set_aside

AIMS: tuple[Aim, ...] = ("macro F1", "balanced accuracy", "accuracy")
_FORMS = (
    "most-probable, balanced, balanced:POWER, thresholds, thresholds:AIM (macro-f1, balanced-accuracy or accuracy), "
    "thresholds:CLASS=T,…, frequencies:CLASS=F,… or frequencies:estimated"
)
_PAIR = re.compile(r"\s*(.+?)\s*=\s*([0-9.eE+-]+)\s*(?:,|$)")

Labelled = tuple[NDArray[np.int64], NDArray[np.floating[Any]]]
"""Class indices (n,) and probabilities (n, K) of the same galaxies."""


@dataclass(frozen=True)
class Basis:
    """What a decision may be computed from.

    Attributes
    ----------
    names
        The K classes.
    assumed
        Gives the class frequencies (K,) that the probabilities assume.
    validation
        Gives labels and probabilities of the validation part; raises :class:`NotPossible` where there are none.
    scores
        (n, K) probabilities of the galaxies that are decided on.
    """

    names: Sequence[str]
    assumed: Callable[[], NDArray[np.float64]]
    validation: Callable[[], Labelled]
    scores: NDArray[np.floating[Any]]


def resolve(wish: str, basis: Basis) -> Decision:
    """The decision that is asked for in words, such as ``balanced:0.5`` or ``frequencies:estimated``.

    Raises
    ------
    SettingsProblem
        There is no such decision, or it does not fit the classes.
    NotPossible
        What it needs is not known.
    """
    return replace(_resolve(wish, basis), asked=wish)


def _resolve(wish: str, basis: Basis) -> Decision:
    kind, _, rest = (part.strip() for part in wish.partition(":"))
    match kind.casefold():
        case "most-probable" | "most probable" if not rest:
            return MOST_PROBABLE
        case "balanced":
            return decisions.balanced(basis.names, basis.assumed(), _read_power(rest))
        case "thresholds" if "=" in rest:
            return decisions.thresholds(basis.names, _read_numbers(rest, basis.names).tolist())
        case "thresholds":
            return decisions.choose_thresholds(basis.names, *basis.validation(), _read_aim(rest))
        case "frequencies" if rest.casefold() == "estimated":
            return estimated(basis)
        case "frequencies" if "=" in rest:
            return decisions.for_frequencies(basis.names, basis.assumed(), _read_numbers(rest, basis.names))
    raise SettingsProblem(f"“{wish}” is not a decision.", f"Choose one of: {_FORMS}.", "--decision")


def estimated(basis: Basis) -> Decision:
    """Most probable with the class frequencies that are estimated from the galaxies themselves, without their labels.

    The estimate is tried on the validation part first, if there is one; see :mod:`core.metrics.frequency_trial`.

    Raises
    ------
    NotPossible
        There are no galaxies, or the trial has failed.
    """
    if not len(basis.scores):
        raise NotPossible("Class frequencies cannot be estimated without galaxies.", "Choose other galaxies.")
    assumed = basis.assumed()
    found, errors = decisions.estimate_frequencies(basis.scores, assumed)
    try:
        labels, scores = basis.validation()
        trial = try_estimate(labels, scores, assumed, found)
    except NotPossible:
        trial = None
    if trial is None:
        how = "not tried on labelled galaxies: the errors hold for calibrated probabilities"
    elif trial.has_failed:
        off = trial.bias[trial.worst]
        raise NotPossible(
            f"The class frequencies cannot be estimated with this network: tried on {trial.galaxies:,} labelled "
            f"validation galaxies, the frequency of “{basis.names[trial.worst]}” came out too "
            f"{'high' if off > 0 else 'low'} by {abs(off):.2f}.",
            "Its probabilities are not calibrated well enough. Give the frequencies (frequencies:CLASS=F,…) or label "
            "some of these galaxies.",
        )
    else:
        errors = trial.errors(errors)
        how = (
            f"tried on {trial.galaxies:,} validation galaxies: off by {abs(trial.bias[trial.worst]):.3f} at most, "
            "which is in the errors"
        )
    decision = decisions.for_frequencies(basis.names, assumed, found, errors)
    return replace(decision, text=f"{decision.text}; {how}")


def is_estimated(wish: str | None) -> bool:
    """Whether a decision in words needs frequencies that are estimated, which is tried on the validation part."""
    return [part.strip().casefold() for part in (wish or "").partition(":")] == ["frequencies", ":", "estimated"]


def needs_validation(wish: str) -> bool:
    """Whether a decision in words is chosen or tried on the validation part."""
    kind, _, rest = (part.strip().casefold() for part in wish.partition(":"))
    return (kind == "thresholds" and "=" not in rest) or is_estimated(wish)


def _read_power(text: str) -> float:
    try:
        power = float(text or 1)
    except ValueError:
        power = -1.0
    if not 0 <= power <= 3:
        raise SettingsProblem(f"“{text}” is not a power from 0 to 3.", "Choose balanced:1, for instance.", "--decision")
    return power


def _read_aim(text: str) -> Aim:
    wanted = text.casefold().replace("-", " ") or "macro f1"
    for aim in AIMS:
        if aim.casefold() == wanted:
            return aim
    raise SettingsProblem(f"Thresholds cannot be chosen for “{text}”.", f"Choose one of: {_FORMS}.", "--decision")


def _read_numbers(text: str, names: Sequence[str]) -> NDArray[np.float64]:
    """Read ``elliptical=0.6,spiral=0.4``: a number for each class."""
    known = {name.casefold(): place for place, name in enumerate(names)}
    found = np.full(len(names), np.nan)
    for name, number in _PAIR.findall(text):
        if name.casefold() not in known:
            raise SettingsProblem(f"There is no class “{name}”.", f"The classes are: {', '.join(names)}.", "--decision")
        try:
            found[known[name.casefold()]] = float(number)
        except ValueError:
            raise SettingsProblem(f"“{number}” is not a number.", "", "--decision") from None
    if np.isnan(found).any():
        missing = [name for name, value in zip(names, found, strict=True) if np.isnan(value)]
        raise SettingsProblem(f"There is no number for: {', '.join(missing)}.", "Name each class once.", "--decision")
    return found


# -- in the folder of a run --------------------------------------------------------------------------------------------


def read_kept(weights: Path | str, names: Sequence[str]) -> Decision:
    """The decision that is kept for a run; the most probable class if there is none.

    Parameters
    ----------
    weights
        A weights file, or the folder of a run.
    names
        The classes that the network knows.

    Raises
    ------
    UnreadableFile, WrongVersion
        The file is damaged, for other classes, or of a newer program.
    """
    return kept_decision.read(RunFolder.of(weights).decision_file, names)


def kept_wish(folder: RunFolder) -> str:
    """How the decision of a run was asked for in words, see :func:`resolve`; raises as :func:`read_kept`."""
    file = folder.decision_file
    return (kept_decision.parse(file) if is_there(file) else MOST_PROBABLE).asked


def keep(folder: RunFolder, decision: Decision) -> None:
    """Keep the decision in the folder of a run; the most probable class needs no file. A damaged one is set aside."""
    file = folder.decision_file
    try:
        if is_there(file):
            kept_decision.parse(file)
    except Problem:
        set_aside(file)
    if decision.kind == MOST_PROBABLE.kind:
        file.unlink(missing_ok=True)
        return
    document = tomlkit.document()
    document.add(tomlkit.comment("How a galaxy's class follows from its probabilities: the largest weight × p."))
    document.add("format", tomlkit.item(kept_decision.FORMAT))
    for name, value in decision.to_dict().items():
        document.add(name, tomlkit.item(value))
    write_atomically(file, tomlkit.dumps(document))


def assumed_frequencies(predictor: Predictor, weights: Path | str) -> NDArray[np.float64]:
    """The class frequencies (K,) that a network's probabilities assume.

    They are noted in its file. Networks of earlier versions noted how many galaxies of each class they were trained on,
    and the settings in their folder say whether the classes were balanced.

    Raises
    ------
    NotPossible
        They are not known.
    """
    names = predictor.output_names
    noted = predictor.card.get("assumed_frequencies")
    if noted is not None and set(noted) == set(names):
        return np.array([noted[name] for name in names], np.float64)
    counts = (predictor.card.get("classes") or {}).get("training", {})
    file = RunFolder.of(weights).settings_file
    if not isinstance(predictor.target, Classes) or set(counts) != set(names) or not file.exists():
        raise NotPossible(
            "It is not noted how frequent the classes were in the training of this network.",
            "Choose the most probable class, or thresholds.",
            str(weights),
        )
    with reading("The settings", file):
        optimiser = read_toml(file, "The settings").get("optimiser", {})
        # their default was then True
        is_balanced = optimiser.get("class_weights", True) or optimiser.get("balanced_batches", False)
    if is_balanced:
        return np.full(len(names), 1 / len(names))
    found = np.array([max(counts[name], 0.5) for name in names], np.float64)
    return found / found.sum()
