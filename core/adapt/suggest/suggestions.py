"""Proposals: which galaxies of a dataset should be labelled next, in which order, and why.

Features and probabilities of labelled and unlabelled galaxies are computed batch by batch; the choice itself
(:mod:`core.adapt.suggest.proposals`) takes seconds for the hundred thousand candidates that are looked at by default.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapt.suggest.pool import Pool, find_pool
from core.adapt.suggest.proposals import Known, propose
from core.adapt.suggest.settings import Method, SuggestSettings
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import Classes, VoteFractions
from core.errors import NotPossible, Stopped, TooFewGalaxies
from core.evaluate import tables
from core.events import NEVER, Skipped, Work
from core.nets import answers as network_answers
from core.nets import base_networks, kept_features
from core.nets.opening import NetworkOnData, open_network_on_data
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.wording import count_of


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Galaxies to label, the most useful first.

    Attributes
    ----------
    rows
        int64 (b,), their rows.
    ids
        Their b ids.
    reasons
        Why each was proposed, in words.
    method
        By which method.
    rule
        In words: why that method, and among which galaxies.
    probabilities
        float32 (b, K), the mean of the networks; None where the method needs none.
    names
        The K classes or answers.
    classes
        The classes or answers of the network, or else of the labels so far.
    labelled, validation
        Labelled galaxies of the training and of the validation part.
    """

    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    reasons: tuple[str, ...]
    method: Method
    rule: str
    probabilities: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    labelled: int = 0
    validation: int = 0

    def __len__(self) -> int:
        return len(self.rows)


def run(
    networks: Sequence[Path],
    data: Path,
    settings: SuggestSettings,
    stop: threading.Event = NEVER,
    *,
    similar_by: Path | None = None,
    parts: DataSettings | None = None,
    parts_seed: int = 0,
    hand_labels: LabelJournal | None = None,
) -> Work[Suggestions]:
    """Propose galaxies of a dataset.

    Yields progress in galaxies, and a :class:`~core.events.Skipped` for each doubt whether a network fits them.

    Parameters
    ----------
    networks
        Weights files, folders of runs or base networks by their names; several answer together. Without one, the
        features of the first base network that comes with the program say which galaxies are typical.
    data
        The dataset.
    settings
        Method and number.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    similar_by
        The network whose features say which galaxies are similar, for typical ones and the core-set: one that has seen
        many galaxies rather than one that was tuned on a few labels. None: the first of ``networks``.
    parts, parts_seed
        What is learned and how the parts are drawn, as of a training with these settings; None: the defaults.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.

    Raises
    ------
    NotPossible
        The method needs a network, or one with classes; or the stamps do not fit it.
    TooFewGalaxies
        No galaxy is left that may be proposed.
    """
    with Cutouts.open(data) as cutouts:
        pool = find_pool(cutouts, parts or DataSettings(), parts_seed, hand_labels, settings.part)
        ids = cutouts.ids
    if not len(pool.candidates):
        raise TooFewGalaxies(
            f"No unlabelled galaxy belongs to the {settings.part} part, so that none can be proposed.",
            "Those of the other parts may be labelled in the gallery.",
            data.name,
        )
    candidates = _sample(pool.candidates, settings)
    answers = _names_of(networks)
    similar_by = similar_by or _base_network(networks)
    classes = answers or pool.classes
    method, why = choose_method(settings, len(pool.labelled), len(classes), has_answers=bool(answers))
    rows = np.concatenate([pool.labelled, candidates])
    is_labelled = np.arange(len(rows)) < len(pool.labelled)
    known = Known(rows, is_labelled)
    known = yield from look(networks, data, known, method, similar_by, stop)
    places, reasons = propose(known, method, settings.count, settings.seed)
    found = known.rows[places]
    mean = None if known.probabilities is None else known.probabilities.mean(axis=0)[places]
    rule = f"{why} {_describe_pool(pool, len(candidates), settings)}"
    return Suggestions(
        found,
        tuple(ids[row] for row in found),
        reasons,
        method,
        rule,
        mean,
        known.names,
        classes,
        len(pool.labelled),
        pool.validation,
    )


def choose_method(
    settings: SuggestSettings, labelled: int, classes: int, *, has_answers: bool = True
) -> tuple[Method, str]:
    """The method that is used, and why.

    Parameters
    ----------
    settings
        The chosen method, and where “auto” turns from one to the other.
    labelled, classes
        Numbers of labelled training galaxies and of classes.
    has_answers
        Whether there is a network that gives probabilities.
    """
    if settings.part == "validation":
        return "random", "Galaxies of the validation part are drawn at random, since they are to judge fairly."
    if settings.method != "auto":
        return settings.method, f"The method is {settings.method}, as chosen."
    limit = settings.switch_at * max(classes, 1)
    of = f"{count_of(labelled, 'training galaxy', 'training galaxies')} labelled"
    rule = f"{settings.switch_at} for each of {classes} classes" if classes > 1 else f"{settings.switch_at}"
    if labelled < limit:
        return "typical", f"With {of}, fewer than {rule}, typical galaxies are worth most."
    if has_answers:
        return "diverse", f"With {of}, at least {rule}, diverse and uncertain galaxies are worth most."
    return "core-set", f"With {of}, galaxies far from all of them are worth most (no network says how sure it is)."


def look(
    networks: Sequence[Path],
    data: Path,
    known: Known,
    method: Method,
    similar_by: Path | None = None,
    stop: threading.Event = NEVER,
) -> Work[Known]:
    """Compute what the method needs of these galaxies: the features of one network, the probabilities of all.

    Raises
    ------
    NotPossible
        There is no network, its classes differ from another one's, or it has none and the method needs them; or the
        stamps do not fit it.
    NotANumber
        Features or probabilities are not finite.
    """
    if method == "random":
        return known
    by_features = [similar_by or networks[0]] if similar_by or networks else []
    asked = list(networks) if method in {"uncertain", "diverse"} else by_features
    if not asked:
        raise NotPossible(
            f"A network is needed to choose galaxies ({method}).", "Name a run or a weights file, or choose random."
        )
    features: NDArray[np.float32] | None = None
    probabilities: list[NDArray[np.float32]] = []
    names: tuple[str, ...] = ()
    for number, network in enumerate(asked):
        with open_network_on_data(network, data, needs_answers=method in {"uncertain", "diverse"}) as opened:
            for doubt in opened.doubts:
                yield Skipped(doubt)
            if number == 0 and method != "uncertain":
                features = yield from _features(opened, known.rows, stop, is_asked_again=method != "diverse")
            if method in {"uncertain", "diverse"}:
                found, names = yield from _probabilities(opened, network, method, known.rows, names, stop)
                probabilities.append(found)
    if stop.is_set():
        raise Stopped
    return Known(known.rows, known.is_labelled, features, np.stack(probabilities) if probabilities else None, names)


def _features(
    opened: NetworkOnData, rows: NDArray[np.int64], stop: threading.Event, *, is_asked_again: bool
) -> Work[NDArray[np.float32]]:
    """Features (n, F); of a network that will be asked again, those of all galaxies are kept if most are needed."""
    if is_asked_again and 2 * len(rows) >= len(opened.cutouts):
        return (yield from kept_features.of_dataset(opened, stop))[rows]
    return (yield from kept_features.of_rows(opened, rows, stop))


def _probabilities(
    opened: NetworkOnData,
    network: Path,
    method: str,
    rows: NDArray[np.int64],
    names: tuple[str, ...],
    stop: threading.Event,
) -> Work[tuple[NDArray[np.float32], tuple[str, ...]]]:
    """Probabilities (n, K) in the order of ``names``, which are the network's own where there are none yet."""
    target = opened.predictor.target
    own = targets.outputs(target) if isinstance(target, Classes | VoteFractions) else ()
    if len(own) < 2:
        raise NotPossible(
            f"“{method}” needs a network that gives probabilities of classes or answers; this one gives none.",
            "Choose typical, core-set or random.",
            str(network),
        )
    names = names or own
    if set(names) != set(own):
        raise NotPossible(
            f"The networks have different classes: {', '.join(names)}, and {', '.join(own)}.",
            "Choose networks that were trained on the same classes.",
            str(network),
        )
    for problem in opened.remarks_on(rows):
        yield Skipped(problem)
    scores = (yield from network_answers.compute(opened.predictor, opened.cutouts, rows, stop)).scores
    return scores[:, [own.index(name) for name in names]], names


def _sample(candidates: NDArray[np.int64], settings: SuggestSettings) -> NDArray[np.int64]:
    """At most so many candidates as the settings say, drawn at random."""
    if len(candidates) <= settings.candidates:
        return candidates
    drawn = np.random.default_rng(settings.seed).choice(candidates, settings.candidates, replace=False)
    return np.sort(drawn)


def _names_of(networks: Sequence[Path]) -> tuple[str, ...]:
    """The classes or answers of the first network; none for quantities, without answers, or without a network."""
    target = Predictor.load(networks[0], needs_answers=False).target if networks else None
    return targets.outputs(target) if isinstance(target, Classes | VoteFractions) else ()


def _base_network(networks: Sequence[Path]) -> Path | None:
    """The base network whose features are used where no network is named; None: none is needed, or there is none."""
    known = base_networks.base_networks()
    return None if networks or not known else Path(known[0].name)


def _describe_pool(pool: Pool, looked_at: int, settings: SuggestSettings) -> str:
    total = len(pool.candidates)
    sample = "" if looked_at == total else f", of which a random sample of {looked_at:,} was looked at"
    apart = (
        f"; {count_of(pool.elsewhere, 'unlabelled one belongs', 'unlabelled ones belong')} to other parts and "
        f"{'is' if pool.elsewhere == 1 else 'are'} left alone"
        if pool.elsewhere
        else ""
    )
    return f"{count_of(total, 'unlabelled galaxy', 'unlabelled galaxies')} of the {settings.part} part{sample}{apart}."


def write(found: Suggestions, path: Path) -> None:
    """Write the proposals as a table, in the format of the file name's suffix.

    Raises
    ------
    SettingsProblem
        It is the suffix of no table.
    """
    columns: list[tables.TableColumn] = [
        ("id", np.asarray(found.ids, dtype=str), ""),
        ("suggested", np.arange(1, len(found) + 1), ""),
        ("method", np.full(len(found), found.method), ""),
        ("why", np.asarray(found.reasons, dtype=str), ""),
    ]
    if found.probabilities is not None:
        columns += [(f"p_{name}", found.probabilities[:, place], "") for place, name in enumerate(found.names)]
    tables.write_columns(columns, path, {"METHOD": found.method})
