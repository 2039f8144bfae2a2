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
from core.errors import NotANumber, NotPossible, Stopped, TooFewGalaxies
from core.evaluate import tables
from core.events import NEVER, Skipped, Work
from core.explain.features import last_features
from core.nets import answers as network_answers
from core.nets.opening import NetworkOnData, open_network_on_data
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
    """

    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    reasons: tuple[str, ...]
    method: Method
    rule: str
    probabilities: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()

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
        Weights files or folders of runs; several answer together. Random choice needs none.
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
    classes = _names_of(networks) or pool.classes
    method, why = choose_method(settings, len(pool.labelled), len(classes))
    rows = np.concatenate([pool.labelled, candidates])
    is_labelled = np.arange(len(rows)) < len(pool.labelled)
    known = Known(rows, is_labelled)
    known = yield from look(networks, data, known, method, similar_by, stop)
    places, reasons = propose(known, method, settings.count, settings.seed)
    found = known.rows[places]
    mean = None if known.probabilities is None else known.probabilities.mean(axis=0)[places]
    rule = f"{why} {_describe_pool(pool, len(candidates), settings)}"
    return Suggestions(found, tuple(ids[row] for row in found), reasons, method, rule, mean, known.names)


def choose_method(settings: SuggestSettings, labelled: int, classes: int) -> tuple[Method, str]:
    """The method that is used with so many labelled training galaxies of so many classes, and why."""
    if settings.part == "validation":
        return "random", "Galaxies of the validation part are drawn at random, since they are to judge fairly."
    if settings.method != "auto":
        return settings.method, f"The method is {settings.method}, as chosen."
    limit = settings.switch_at * max(classes, 1)
    of = f"{count_of(labelled, 'training galaxy', 'training galaxies')} labelled"
    rule = f"{settings.switch_at} for each of {max(classes, 2)} classes" if classes else f"{settings.switch_at}"
    if labelled < limit:
        return "typical", f"With {of}, fewer than {rule}, typical galaxies are worth most."
    if classes:
        return "diverse", f"With {of}, at least {rule}, diverse and uncertain galaxies are worth most."
    return "core-set", f"With {of}, galaxies far from all of them are worth most (there are no classes to doubt)."


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
        Features are not finite.
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
        with open_network_on_data(network, data) as opened:
            for doubt in opened.doubts:
                yield Skipped(doubt)
            if number == 0 and method != "uncertain":
                features = yield from last_features(opened.predictor, opened.cutouts, known.rows, stop)
                _require_finite(features, network)
            if method in {"uncertain", "diverse"}:
                found, names = yield from _probabilities(opened, network, method, known.rows, names, stop)
                probabilities.append(found)
    if stop.is_set():
        raise Stopped
    return Known(known.rows, known.is_labelled, features, np.stack(probabilities) if probabilities else None, names)


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
    own = () if isinstance(target, targets.Quantities) else targets.outputs(target)
    if len(own) < 2:
        raise NotPossible(
            f"“{method}” needs a network that gives probabilities of classes or answers; this one gives quantities.",
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
    scores = (yield from network_answers.compute(opened.predictor, opened.cutouts, rows, stop)).scores
    return scores[:, [own.index(name) for name in names]], names


def _sample(candidates: NDArray[np.int64], settings: SuggestSettings) -> NDArray[np.int64]:
    """At most so many candidates as the settings say, drawn at random."""
    if len(candidates) <= settings.candidates:
        return candidates
    drawn = np.random.default_rng(settings.seed).choice(candidates, settings.candidates, replace=False)
    return np.sort(drawn)


def _names_of(networks: Sequence[Path]) -> tuple[str, ...]:
    """The classes or answers of the first network; none for quantities, or without one."""
    from core.nets.predictor import Predictor

    if not networks:
        return ()
    target = Predictor.load(networks[0]).target
    return () if isinstance(target, targets.Quantities) else targets.outputs(target)


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


def _require_finite(features: NDArray[np.float32], network: Path) -> None:
    if not np.isfinite(features).all():
        raise NotANumber(
            f"The network's features are not finite for {int((~np.isfinite(features).all(axis=1)).sum())} galaxies.",
            "Import their images again, or train the network again with a lower learning rate.",
            str(network),
        )


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
