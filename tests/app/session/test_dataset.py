"""The open dataset: its labels, those given by hand included, and its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from pytestqt.qtbot import QtBot

import app.theme
from app.session.session import Session
from app.theme import class_colours
from core.data.store import Band, DatasetWriter, Origin


@pytest.fixture
def session(sky_session: Session) -> Session:
    return sky_session


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    path = tmp_path / "unlabelled.h5"
    ids = [f"G{row}" for row in range(20)]
    with DatasetWriter(path, (1, 8, 8), [Band("r")], "float32") as writer:
        writer.append(np.zeros((20, 1, 8, 8), np.float32), ids, np.full(20, 0.4), [""] * 20, np.zeros(20))
        writer.finish(Table({"id": ids}), [], Origin("test", "2026-01-01", "drawn", ""), [])
    return path


def test_a_class_has_one_colour_whichever_network_names_it(session: Session) -> None:
    names = session.dataset.class_names
    colours = class_colours(len(names) + 2)
    assert session.dataset.class_colours(names[::-1]) == colours[: len(names)][::-1]
    others = session.dataset.class_colours(["irregular", names[1], "barred"])
    assert others == [colours[-2], colours[1], colours[-1]], "classes of another network have what is left"


def test_colours_of_classes_come_from_the_dataset_alone() -> None:
    users = {
        path.name
        for path in Path(app.theme.__file__).parent.rglob("*.py")
        if "import class_colours" in path.read_text("utf-8")
    }
    others = {
        "chart_plot.py",
        "overlay_plot.py",
        "binned_plots.py",
        "truth_plot.py",
        "lines_plot.py",
        "importance_plot.py",
    }  # runs, environments, methods
    assert users == {"dataset.py", *others}


def test_opening_a_dataset_draws_the_parts(session: Session) -> None:
    assert session.dataset.split is not None
    parts = np.concatenate([session.dataset.split.train, session.dataset.split.validation, session.dataset.split.test])
    assert sorted(parts.tolist()) == list(range(90))


def test_another_seed_draws_other_parts_and_says_so(qtbot: QtBot, session: Session) -> None:
    assert session.dataset.split is not None
    before = session.dataset.split.test.tolist()
    with qtbot.waitSignals([session.dataset.split_changed, session.draft.changed]):
        session.draft.edit("seed", 5)
    assert session.dataset.split.test.tolist() != before


def test_settings_that_make_no_parts_are_explained(session: Session) -> None:
    session.draft.edit("data.group", "nonsense")
    assert session.dataset.split is None
    assert session.dataset.split_problem is not None
    assert "nonsense" in session.dataset.split_problem.sentence


def test_hand_labels_are_kept_with_the_project(session: Session, survey_dataset: Path, tmp_path: Path) -> None:
    session.dataset.set_labels([0, 1], ["merger", ""])
    session.close()
    again = Session()
    again.open_project(tmp_path / "project")
    again.open_cutouts(survey_dataset)
    assert again.dataset.label(0) == "merger"
    assert again.dataset.label(1) == ""
    assert again.dataset.cutouts is not None
    assert again.dataset.cutouts.columns["shape"][0] != "merger"  # the dataset itself is never changed
    again.close()


def test_labels_given_to_an_unlabelled_dataset_can_be_learned(qapp: object, unlabelled: Path, tmp_path: Path) -> None:
    session = Session()
    session.open_project(tmp_path / "project")
    session.open_cutouts(unlabelled)
    assert session.dataset.split_problem is not None
    session.dataset.set_labels(range(10), ["spiral"] * 10)
    session.dataset.set_labels(range(10, 20), ["smooth"] * 10)
    assert session.draft.settings.data.labels == ("label",)
    assert session.dataset.split is not None
    session.close()


def test_label_columns_of_another_dataset_are_forgotten(session: Session, unlabelled: Path) -> None:
    session.draft.edit("data.labels", ("width",))
    session.open_cutouts(unlabelled)
    assert session.draft.settings.data.labels == ()


def test_a_dataset_is_replaced_without_a_moment_of_emptiness(session: Session, unlabelled: Path) -> None:
    seen: list[bool] = []
    session.dataset.changed.connect(lambda: seen.append(session.dataset.cutouts is not None))
    session.open_cutouts(unlabelled)
    assert seen == [True]
