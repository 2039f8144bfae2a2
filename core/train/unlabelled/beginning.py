"""Begin to learn from galaxies without labels: choose them, say what does not fit, read their images."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import NotPossible, Problem, SettingsProblem, TooFewGalaxies
from core.events import NEVER, Work
from core.project.labels import LabelJournal
from core.train.forward import epoch_batches
from core.train.plan import TrainingPlan
from core.train.unlabelled import galaxies
from core.train.unlabelled.other_survey import compare_pixels, open_for_network
from core.train.unlabelled.settings import ALIGNING
from core.train.unlabelled.term import UnlabelledTerm
from core.wording import count_of

_FEWEST = 2
_SAMPLE = 128  # stamps of each survey, to compare their pixels


def prepare(
    plan: TrainingPlan,
    hand_labels: LabelJournal | None = None,
    earlier: Path | None = None,
    stop: threading.Event = NEVER,
    *,
    is_rehearsal: bool = False,
) -> Work[None]:
    """Choose the galaxies that a training is shown without labels, if its settings want any.

    They are noted in the plan: ``unlabelled``, facts and notices.

    Parameters
    ----------
    plan
        Of the training.
    hand_labels
        As the training has them.
    earlier
        Of a run that is resumed: the file of the galaxies that it has been shown; None: a new one.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    is_rehearsal
        Whether nothing will be learned, so that the fingerprint of the dataset need not be known.

    Raises
    ------
    Problem
        The method does not suit what is learned, the dataset cannot be read or does not fit, or there are no galaxies.
    """
    settings = plan.settings.unlabelled
    if settings.method == "none":
        return
    _require_suitable(plan)
    with open_galaxies(plan) as (cutouts, notices):
        if not is_own(plan) and not is_rehearsal:
            yield from cutouts.read_checksum(stop)
        part = None
        if is_own(plan):
            rows = galaxies.of_own_dataset(cutouts, plan.split, plan.settings, hand_labels)
        else:
            ids = plan.cutouts.ids
            held_out = [ids[row] for row in np.concatenate([plan.split.validation, plan.split.test]).tolist()]
            rows, part = galaxies.of_other_dataset(cutouts, plan.settings.data, plan.settings.seed, held_out)
        if earlier is not None:
            _require_same_dataset(plan, cutouts)
            rows = galaxies.load(earlier, cutouts)
            part = None if part is None else part.without(rows)
        _require_enough(rows, plan)
        if not is_own(plan):
            notices = [*notices, *_compare_pixels(plan, cutouts, rows), *_about_best_epoch(plan)]
        plan.unlabelled = UnlabelledTerm(plan, rows, part)
        plan.facts["unlabelled"] = {
            "method": settings.method,
            "data": cutouts.path.name,
            "checksum": "" if is_rehearsal else cutouts.checksum,
            "galaxies": len(rows),
        }
        what = f"{count_of(len(rows), 'galaxy')} of {cutouts.path.name} are shown without labels ({settings.method})."
        plan.notices += [Problem(what, "", "unlabelled.method"), *notices]


def is_own(plan: TrainingPlan) -> bool:
    """Whether the galaxies without labels are of the run's own dataset."""
    path = plan.settings.unlabelled.dataset
    return not path or Path(path).expanduser().resolve() == plan.cutouts.path.resolve()


@contextlib.contextmanager
def open_galaxies(plan: TrainingPlan) -> Iterator[tuple[Cutouts, list[Problem]]]:
    """The dataset of the galaxies without labels as the network takes it, and how it differs from the run's own."""
    if is_own(plan):
        yield plan.cutouts, []
        return
    settings = plan.settings.unlabelled
    with open_for_network(Path(settings.dataset).expanduser(), plan.predictor, settings.bands) as opened:
        yield opened


def save_list(plan: TrainingPlan, path: Path) -> None:
    """Write which galaxies are shown without labels, if any are."""
    if plan.unlabelled is not None:
        with open_galaxies(plan) as (cutouts, _):
            galaxies.save(path, cutouts, plan.unlabelled.rows)


def open_images(plan: TrainingPlan, stop: threading.Event = NEVER) -> Work[contextlib.ExitStack]:
    """Open the images of the galaxies without labels, if any are shown, until the stack that is returned is closed."""
    with contextlib.ExitStack() as opened:
        if plan.unlabelled is not None:
            cutouts, _ = opened.enter_context(open_galaxies(plan))
            opened.callback(plan.unlabelled.close)
            yield from plan.unlabelled.open_images(plan, cutouts, stop)
        return opened.pop_all()


def _require_suitable(plan: TrainingPlan) -> None:
    """Require that the method can work with what is learned, and with the weights that are trained."""
    method, network = plan.settings.unlabelled.method, plan.predictor.network
    if plan.predictor.side is not None:
        raise SettingsProblem(
            f"“{method}” learns from images without a catalogue, and beside the image this network takes "
            f"{', '.join(plan.predictor.side.names)}.",
            "Choose no columns beside the image, or no galaxies without labels.",
            "unlabelled.method",
        )
    if method not in ALIGNING and not isinstance(plan.target, Classes):
        raise SettingsProblem(
            f"The method “{method}” works on the probabilities of classes, and here no classes are learned.",
            f"Choose one of {', '.join(ALIGNING)}, or none.",
            "unlabelled.method",
        )
    has_dense = network.settings.dense > 0
    if method in ALIGNING and plan.settings.transfer.freeze_blocks == len(network.blocks) and not has_dense:
        raise SettingsProblem(
            f"All blocks are frozen, so that “{method}” cannot change the features.",
            "Freeze fewer blocks, or choose another method.",
            "transfer.freeze_blocks",
        )
    smallest = min(len(batch) for pool in epoch_batches(plan, 1) for batch in pool)
    if method in ALIGNING and smallest < _FEWEST:
        raise SettingsProblem(
            f"The method “{method}” compares galaxies with each other, and needs at least two in every batch.",
            "Choose a larger batch size.",
            "optimiser.batch_size",
        )


def _require_same_dataset(plan: TrainingPlan, cutouts: Cutouts) -> None:
    before = (plan.predictor.card.get("unlabelled") or {}).get("checksum")
    if before is not None and not cutouts.is_known_as(before):
        raise NotPossible(
            f"The dataset {cutouts.path.name}, whose galaxies are shown without labels, has changed since this run "
            "began, so that it cannot be resumed.",
            "Start a new run from its weights instead.",
            str(cutouts.path),
        )


def _require_enough(rows: galaxies.Rows, plan: TrainingPlan) -> None:
    if len(rows) < _FEWEST:
        where = "This dataset has" if is_own(plan) else f"{Path(plan.settings.unlabelled.dataset).name} has"
        raise TooFewGalaxies(
            f"{where} {count_of(len(rows), 'galaxy')} beside those that the run learns or is judged on.",
            "Name a dataset with galaxies without labels (unlabelled.dataset), or limit the training galaxies.",
            "unlabelled.dataset",
        )


def _about_best_epoch(plan: TrainingPlan) -> list[Problem]:
    """The hint that the labelled survey would choose an epoch before the network has moved to the other one."""
    if plan.settings.stopping.keep == "last":
        return []
    return [
        Problem(
            "The labelled survey chooses the best epoch: an early one may suit it better than one that has adapted.",
            "Keep the last epoch (stopping.keep = last).",
            "stopping.keep",
        )
    ]


def _compare_pixels(plan: TrainingPlan, cutouts: Cutouts, rows: galaxies.Rows) -> list[Problem]:
    own, other = (
        each.images[some[np.unique(np.linspace(0, len(some) - 1, min(len(some), _SAMPLE)).astype(np.int64))]]
        for each, some in ((plan.cutouts, plan.split.train), (cutouts, rows))
    )
    found = compare_pixels(own, other, plan.predictor.normalisation)
    return [] if found is None else [found]
