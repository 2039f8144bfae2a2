"""Target and parts of so many galaxies that they are found in the background."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.session import dataset, label_commands
from app.session.session import Session
from core.data.target import Classes, Quantities


@pytest.fixture
def many(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session for which 120 galaxies are many."""
    monkeypatch.setattr(dataset, "_AT_ONCE", 100)
    yield session
    session.dataset._drawing._request.close()


def test_target_and_parts_are_the_earlier_ones_until_all_are_there(qtbot: QtBot, many: Session) -> None:
    before = many.dataset.split
    many.draft.edit("data.labels", ("axis_ratio",))
    assert isinstance(many.dataset.target, Classes)
    assert many.dataset.label_column == "shape"
    assert many.dataset.split is before
    with qtbot.waitSignal(many.dataset.split_changed):
        pass
    assert isinstance(many.dataset.target, Quantities)
    assert many.dataset.label_column == "axis_ratio"


def test_settings_that_are_changed_back_leave_all_as_it_was(qtbot: QtBot, many: Session) -> None:
    before, seed = many.dataset.split, many.draft.settings.seed
    assert before is not None
    many.draft.edit("seed", seed + 1)
    many.draft.edit("seed", seed)
    wait_for_all_work(qtbot)
    assert many.dataset.split is not None
    assert many.dataset.split.test.tolist() == before.test.tolist()


def test_a_label_that_is_given_meanwhile_goes_to_the_column_in_sight_and_is_drawn(qtbot: QtBot, many: Session) -> None:
    label_commands.give(many, [0], "irregular")
    many.draft.edit("seed", 5)
    label_commands.give(many, list(range(1, 11)), "irregular")
    wait_for_all_work(qtbot)
    assert many.dataset.columns["shape"][:12].tolist() == ["irregular"] * 11 + ["edge-on"]
    assert isinstance(many.dataset.target, Classes)
    assert many.dataset.target.names == ("edge-on", "irregular", "round")
    split = many.dataset.split
    assert split is not None
    assert split.seed == 5
    assert np.concatenate([split.train, split.validation, split.test]).size == 120


def test_what_comes_after_the_dataset_was_closed_is_not_shown(qtbot: QtBot, many: Session) -> None:
    many.draft.edit("seed", 5)
    many.close_cutouts()
    with qtbot.assertNotEmitted(many.dataset.split_changed):
        wait_for_all_work(qtbot)
    assert many.dataset.split is None
