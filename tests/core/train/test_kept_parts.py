"""Parts that a project keeps from one training to the next, and what is said where a test part was seen."""

import os
import threading
import time

import numpy as np
import pytest
from galaxies import write_dataset

from core.cli.main import main
from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.data.parts import KeptParts
from core.data.settings import DataSettings
from core.errors import CatalogueProblem, NotPossible, Problem
from core.events import Skipped, result_of
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.project import Project
from core.project.runs import RunFolder
from core.train import loop, resuming
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings, TransferSettings

NEVER = threading.Event()


def settings(epochs=1, start_from="", seed=1, **data):
    return RunSettings(
        data=DataSettings(**data),
        network=NetworkSettings(depth=2, channels=4),
        optimiser=OptimiserSettings(batch_size=64, epochs=epochs, decay="constant"),
        stopping=StoppingSettings(patience=0, snapshots=0),
        transfer=TransferSettings(start_from=str(start_from)),
        seed=seed,
    )


@pytest.fixture
def survey(tmp_path, draw):
    """A project, its dataset of 150 galaxies and its journal of hand labels."""
    project = Project.create(tmp_path / "project", "project")
    images, kinds, _ = draw(150, 16)
    names = np.array(["point", "disk", "edge-on"])[kinds]
    given = np.repeat(["train", "test", ""], (100, 40, 10))
    columns = {"kind": names, "split": given}
    data = write_dataset(project.dataset_path("survey"), images, columns, ["kind"])
    yield project, data, project.labels(data)
    project.close()


def train(project, name, data, wish, journal=None):
    """Train; returns the run and the sentences that were said before it."""
    folder = RunFolder.create(project.folder / "runs" / name)
    work = loop.run(wish, data, folder, NEVER, hand_labels=journal)
    return folder, [str(event.problem) for event in work if isinstance(event, Skipped)]


def parts_of(run):
    return KeptParts.load(run.split_file).parts


def test_the_first_training_fixes_the_parts_and_later_seeds_shares_and_labels_move_nobody(survey):
    project, data, journal = survey
    first, said = train(project, "first", data, settings(), journal)
    kept = KeptParts.load(project.folder / "splits" / "survey.csv")
    assert kept.parts == parts_of(first)
    with Cutouts.open(data) as cutouts:
        for name in cutouts.ids[:20]:
            journal.record(name, "kind", "", "point")
    second, more = train(project, "second", data, settings(seed=5, test=0.3, validation=0.3), journal)
    assert parts_of(second) == kept.parts
    assert not [text for text in (*said, *more) if "tested" in text]


def test_galaxies_beyond_a_limit_are_kept_as_training_galaxies(survey):
    project, data, journal = survey
    limited, _ = train(project, "limited", data, settings(train_limit=20), journal)
    whole, said = train(project, "whole", data, settings(), journal)
    assert parts_of(limited).items() < parts_of(whole).items()
    assert not [text for text in said if "tested" in text]


def test_a_run_that_trains_on_test_galaxies_of_an_earlier_one_says_so_with_their_number(survey):
    project, data, journal = survey
    first, _ = train(project, "first", data, settings(), journal)
    other, said = train(project, "other", data, settings(split_seed=9), journal)
    test = {name for name, part in parts_of(first).items() if part == 2}
    used = sum(part < 2 for name, part in parts_of(other).items() if name in test)
    assert any(f"“first” ({used})" in text for text in said)
    assert f"“first” ({used})" in other.card.read_text(encoding="utf-8")
    result_of(resuming.run(other, NEVER, epochs=2))
    assert f"“first” ({used})" in other.card.read_text(encoding="utf-8"), "also after it was resumed"
    again, _ = train(project, "again", data, settings(), journal)
    assert parts_of(again) == parts_of(first), "the parts of the project are still the first ones"


def test_parts_are_drawn_again_only_on_purpose(survey):
    project, data, journal = survey
    first, _ = train(project, "first", data, settings(), journal)
    assert kept_parts.draw_again(data, journal) == 2
    second, said = train(project, "second", data, settings(), journal)
    assert parts_of(second) != parts_of(first)
    assert any("“first”" in text for text in said)
    with pytest.raises(Problem, match="lies in none"):
        kept_parts.draw_again(project.folder / "elsewhere.h5", None)


def test_the_command_names_the_runs_that_parts_drawn_again_spoil(survey, tmp_path, capsys):
    project, data, _ = survey
    train(project, "first", data, settings())
    kept = KeptParts.load(kept_parts.file_for(data, None))
    quick = ("--set", "optimiser.epochs=1", "--set", "network.depth=1", "--set", "network.channels=4")
    folder, project_folder = project.folder / "runs" / "again", project.folder
    project.close()
    assert main(["train", str(data), "-o", str(folder), "--draw-again", *quick]) == 0
    said = capsys.readouterr().err
    assert "The parts are drawn again, with seed" in said and "this spoils the test parts of “first”" in said
    assert KeptParts.load(kept_parts.file_for(data, None)).seed != kept.seed
    assert (project_folder / "runs" / "first" / "metrics.json").exists()


def test_a_project_from_before_keeps_the_parts_of_its_last_finished_run(survey):
    project, data, journal = survey
    first, _ = train(project, "first", data, settings(seed=3), journal)
    (project.folder / "splits" / "survey.csv").unlink()
    second, said = train(project, "second", data, settings(), journal)
    assert parts_of(second) == parts_of(first)
    assert not [text for text in said if "tested" in text]


def test_starting_from_a_network_that_has_seen_the_test_part_is_said_with_the_number(survey, tmp_path, draw):
    project, data, journal = survey
    base, _ = train(project, "base", data, settings(), journal)
    images, kinds, _ = draw(150, 16, seed=4)
    names = np.array(["point", "disk", "edge-on"])[kinds]
    elsewhere = write_dataset(tmp_path / "elsewhere.h5", images, {"kind": names}, ["kind"])  # the same ids
    tuned = RunFolder.create(tmp_path / "tuned")
    wish = settings(start_from=base.path, seed=8)
    said = [str(event.problem) for event in loop.run(wish, elsewhere, tuned, NEVER) if isinstance(event, Skipped)]
    test = {name for name, part in parts_of(tuned).items() if part == 2}
    seen = sum(part == 0 for name, part in parts_of(base).items() if name in test)
    assert seen > 0
    assert any(f"“base” was trained on {seen}" in text for text in said)
    same, said = train(project, "same parts", data, settings(start_from=base.path), journal)
    assert not [text for text in said if "has seen its test part" in text]
    assert parts_of(same) == parts_of(base)


def test_a_run_is_resumed_with_the_labels_and_parts_with_which_it_began(survey):
    project, data, journal = survey
    run, _ = train(project, "run", data, settings(), journal)
    whole, _ = train(project, "whole", data, settings(epochs=2), journal)
    with Cutouts.open(data) as cutouts:
        journal.record_all("kind", [(name, "", "merger") for name in cutouts.ids[:30]])
    kept_parts.draw_again(data, journal)
    before = run.split_file.read_bytes()
    result_of(resuming.run(run, NEVER, epochs=2, hand_labels=journal))
    assert run.split_file.read_bytes() == before

    def losses(folder):
        return [[row["loss"], row["val_loss"]] for row in read_history(folder.history_file)]

    assert losses(run) == losses(whole)


@pytest.mark.parametrize("given", ["later", "earlier"])
def test_a_run_from_before_is_resumed_with_the_labels_that_had_been_given_when_it_began(survey, given):
    project, data, journal = survey
    run, _ = train(project, "run", data, settings(), journal)
    run.labels_file.unlink()
    began = time.time() + (60 if given == "earlier" else -60)
    os.utime(run.split_file, (began, began))
    name = next(name for name, part in parts_of(run).items() if part == 0)
    with Cutouts.open(data) as cutouts:
        row = cutouts.ids.index(name)
        other = "disk" if str(cutouts.columns["kind"][row]) != "disk" else "point"
    journal.record(name, "kind", "", other)
    if given == "later":
        assert result_of(resuming.run(run, NEVER, epochs=2, hand_labels=journal)).epochs == 2
        return
    with pytest.raises(NotPossible, match="labels of this run's galaxies have changed"):
        result_of(resuming.run(run, NEVER, epochs=2, hand_labels=journal))


def test_given_parts_are_those_of_the_run_and_what_they_leave_open_is_said(survey):
    project, data, journal = survey
    run, said = train(project, "given", data, settings(split_column="split"), journal)
    with Cutouts.open(data) as cutouts:
        column = dict(zip(cutouts.ids, cutouts.columns["split"].tolist(), strict=True))
    found = parts_of(run)
    assert {name for name, part in found.items() if part == 2} == {n for n, part in column.items() if part == "test"}
    assert len(found) == 140
    assert any("says nothing of 10 labelled galaxies, which are in no part" in text for text in said)
    assert any("gives no validation part" in text for text in said)
    assert not (project.folder / "splits" / "survey.csv").exists()
    assert kept_parts.read(data, journal) is None, "given parts are not what a draw goes on from"


def test_an_object_in_two_given_parts_is_said_with_the_number(survey, tmp_path):
    project, data, _ = survey
    with Cutouts.open(data) as cutouts:
        images, kind = cutouts.images[:], cutouts.columns["kind"]
    columns = {"kind": kind, "set": np.repeat(["train", "val", "test"], 50), "object": np.arange(150) // 2 % 60}
    twice = write_dataset(tmp_path / "twice.h5", images, columns, ["kind"])
    _, said = train(project, "twice", twice, settings(split_column="set", group="object"))
    assert any("15 objects have images in more than one part" in text for text in said)
    with pytest.raises(CatalogueProblem, match="which are no part"):
        train(project, "wrong", twice, settings(split_column="kind"))
