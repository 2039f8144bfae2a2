"""Making an ensemble of runs: whether they belong together, which galaxies none of them has seen, and its numbers.

The parts of an ensemble follow from those of its runs. A galaxy is in the training part if it is in that of any run; or
else in the validation part if it is in that of any; or else in the test part. So a test galaxy is one that no network
was trained or chosen on.
"""

from __future__ import annotations

import contextlib
import csv
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from core.data.cutouts import Cutouts
from core.data.parts import PARTS, parse_seed
from core.data.split import to_text
from core.data.target import Quantities
from core.errors import NotPossible, Problem, UnreadableFile
from core.evaluate import evaluation
from core.evaluate.ensemble import calibrate_together
from core.events import NEVER, Skipped, Work
from core.nets.ensemble import require_together
from core.nets.predictor import Predictor
from core.project import ensembles
from core.project.ensembles import EnsembleList
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics, write_metrics
from core.project.runs import RunFolder
from core.reading import read_lines, reading

_Parts = dict[str, tuple[int, str]]  # row and part by id


def make(
    members: Sequence[RunFolder | Path | str], folder: RunFolder, stop: threading.Event = NEVER
) -> Work[RunFolder]:
    """Make an ensemble of runs in a folder, and evaluate it on its validation part.

    Yields progress, and a :class:`~core.events.Skipped` for what is to be noted: how the common error bars were
    calibrated, galaxies that had to leave the test part.

    Parameters
    ----------
    members
        The folders of two or more runs.
    folder
        Of the ensemble; it holds nothing, or the runs.
    stop
        Ends the work with :class:`~core.errors.Stopped`; there is no ensemble then.

    Returns
    -------
    RunFolder
        The ensemble, which may be used wherever a run is asked for answers.

    Raises
    ------
    NotPossible
        The runs do not belong together: they have learned other things, or other galaxies.
    UnreadableFile
        A run has no network, or no record of its parts.
    """
    runs = [RunFolder.at(each) for each in members]
    _require_single_runs(runs)
    networks = [Predictor.load(run.best) for run in runs]
    require_together(networks, [run.title for run in runs])
    _require_one_dataset(runs, networks)
    parts = [_read_parts(run) for run in runs]
    common = combine_parts(parts)
    tested = {name for each in parts for name, (_, part) in each.items() if part == "test"}
    left = sum(part == "test" for _, part in common.values())
    calibration, target = {}, networks[0].target
    if isinstance(target, Quantities):
        found, sentence = yield from calibrate_together([run.path for run in runs], target, stop)
        calibration = {} if found is None else found.to_dict()
        yield Skipped(Problem(sentence))
    listed = EnsembleList(tuple(runs), len(tested) - left, left, calibration)
    _write(listed, folder, common, parse_seed(read_lines(runs[0].split_file)[0]))
    if folder.data is not None:
        journal = LabelJournal(folder.labels_file) if folder.labels_file.exists() else None
        with contextlib.suppress(Problem):  # without labels, say, it is an ensemble all the same
            yield from evaluation.run(folder, None, "validation", stop, hand_labels=journal)
    return folder


def combine_parts(parts: Sequence[_Parts]) -> _Parts:
    """The part of each galaxy in an ensemble: the one nearest to the training that it has in any run.

    Examples
    --------
    >>> one = {"a": (0, "train"), "b": (1, "validation"), "c": (2, "test"), "d": (3, "test")}
    >>> other = {"a": (0, "train"), "b": (1, "test"), "c": (2, "test"), "d": (3, "train")}
    >>> {name: part for name, (_, part) in combine_parts([one, other]).items()}
    {'a': 'train', 'b': 'validation', 'c': 'test', 'd': 'train'}
    """
    found: _Parts = {}
    for each in parts:
        for name, (row, part) in each.items():
            before = found.get(name, (row, PARTS[-1]))[1]
            found[name] = row, min(before, part, key=PARTS.index)
    return found


def _require_single_runs(runs: Sequence[RunFolder]) -> None:
    if len({run.path.resolve() for run in runs}) < 2:
        raise NotPossible("An ensemble is made of two or more runs.", "Name several runs.")
    for run in runs:
        if run.is_ensemble:
            raise NotPossible(f"“{run.title}” is itself an ensemble.", "Name the runs that it consists of.", run.name)
        if not run.best.exists():
            raise UnreadableFile(f"“{run.title}” has no network yet.", "Train it first.", str(run.path))


def _require_one_dataset(runs: Sequence[RunFolder], networks: Sequence[Predictor]) -> None:
    """Require that all were trained on one dataset: else nobody can tell which galaxies none of them has seen."""
    known = {network.card.get("checksum") for network in networks}
    if len(known) == 1:
        return
    data = next((run.data for run in runs if run.data is not None), None)
    if data is not None:
        with Cutouts.open(data) as cutouts:  # an earlier version had another fingerprint of the same dataset
            if all(map(cutouts.is_known_as, known)):
                return
    own = networks[0].card.get("checksum")
    other = next(run for run, network in zip(runs, networks, strict=True) if network.card.get("checksum") != own)
    raise NotPossible(
        f"“{other.title}” was trained on another dataset than “{runs[0].title}”, or the dataset was changed between "
        "them, so that it cannot be told which galaxies none of the networks has seen.",
        "Train them on one dataset.",
        other.name,
    )


def _read_parts(run: RunFolder) -> _Parts:
    if not run.split_file.exists():
        raise UnreadableFile(
            f"“{run.title}” has no record of its parts, so that it cannot be told which galaxies it has seen.",
            "Train it again.",
            str(run.path),
        )
    with reading("The parts of this run", run.split_file):
        lines = [line for line in read_lines(run.split_file) if not line.startswith(("# seed = ", "# rule = "))]
        return {each["id"]: (int(each["row"]), each["part"]) for each in csv.DictReader(lines)}


def _write(listed: EnsembleList, folder: RunFolder, parts: _Parts, seed: int) -> None:
    runs = listed.members
    rule = f"Of {len(runs)} runs: train, or else validation, if it is that in any of them."
    lines = [(name, row, part) for name, (row, part) in sorted(parts.items(), key=lambda each: each[1][0])]
    write_atomically(folder.split_file, to_text(seed, rule, lines))
    if (data := runs[0].data) is not None:
        folder.save_data_path(data)
    if (labels := next((run.labels_file for run in runs if run.labels_file.exists()), None)) is not None:
        shutil.copyfile(labels, folder.labels_file)
    first = read_metrics(runs[0].metrics_file)
    known = {name: first[name] for name in ("format", "data") if name in first}
    write_metrics(folder.metrics_file, known | {"reason": "finished"})
    ensembles.write(listed, folder.ensemble_file)
