"""The beginning of a run: what it has in common with earlier test parts, and the first files in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import NotPossible, Problem
from core.project.files import write_atomically
from core.project.history import append_history
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.settings import toml
from core.train import environment, overlaps, run_report
from core.train.checkpoint import Checkpoint
from core.train.plan import TrainingPlan
from core.train.unlabelled import beginning


def note_overlaps(
    plan: TrainingPlan, cutouts: Cutouts, folder: RunFolder, hand_labels: LabelJournal | None
) -> list[Problem]:
    """Find what the run has in common with earlier test parts, also for its report."""
    found = overlaps.find(plan.split, cutouts, plan.settings, folder, hand_labels)
    if found:
        plan.facts["overlaps"] = [str(problem) for problem in found]
    return found


def prepare_folder(plan: TrainingPlan, folder: RunFolder, cutouts: Cutouts, earlier: Checkpoint | None) -> None:
    """Write settings, environment and split; for a resumed run, discard what came after its last complete epoch."""
    fingerprint = splits.fingerprint(plan.split, cutouts.ids)
    if earlier is not None and _recorded_split(folder, cutouts.ids) not in {None, fingerprint}:
        raise NotPossible(
            "The split of the data differs from the one with which this run began, so that it cannot be resumed.",
            "Restore its split, or start a new run from its weights.",
            str(folder.split_file),
        )
    if earlier is not None and not folder.labels_file.exists():
        run_report.require_same_counts(folder, plan)
    write_atomically(folder.settings_file, toml.dumps(plan.settings.with_paths_for(folder.path)))
    folder.save_data_path(cutouts.path)
    machine = environment.describe(plan.device, plan.precision, plan.settings.seed, cutouts.checksum, fingerprint)
    write_atomically(folder.environment_file, machine)
    if earlier is None:
        beginning.save_list(plan, folder.unlabelled_file)
    splits.save(plan.split, cutouts.ids, folder.split_file)  # last: a run with a split goes on with what it has
    folder.history_file.unlink(missing_ok=True)
    if earlier is not None:
        for ended in earlier.history:
            append_history(folder.history_file, ended)
        run_report.append_log(folder, f"goes on after epoch {len(earlier.history)}")
    for notice in plan.notices:
        run_report.append_log(folder, str(notice))


def _recorded_split(folder: RunFolder, ids: Sequence[str]) -> str | None:
    """The fingerprint of the split with which a run began; None: there is none.

    The oldest runs saved the split alone, from which it is computed.
    """
    recorded = environment.recorded_split(folder.environment_file)
    if recorded is None and folder.split_file.exists():
        return splits.fingerprint(splits.load(folder.split_file, ids), ids)
    return recorded
