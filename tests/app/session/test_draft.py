"""The draft: no edit leaves it invalid, and every edit is heard of once."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.session.draft import Draft
from core.errors import SettingsProblem
from core.train.settings import OptimiserSettings, RunSettings


@pytest.fixture
def draft(qapp: object) -> Draft:
    return Draft()


def test_a_knob_is_edited_by_its_dotted_name(qtbot: QtBot, draft: Draft) -> None:
    with qtbot.waitSignal(draft.changed):
        draft.edit("optimiser.learning_rate", 0.02)
    assert draft.settings == RunSettings(optimiser=OptimiserSettings(learning_rate=0.02))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("optimiser.learning_rate", -1.0, "greater than 0"),
        ("optimiser.epochs", "many", "integer"),
        ("optimiser.learning_rats", 0.1, "learning_rate"),
        ("optimizer.learning_rate", 0.1, "optimiser"),
        ("seed.first", 1, "seed"),
        ("data.test", 0.8, "too little to train on"),
    ],
)
def test_an_edit_that_does_not_fit_is_explained_and_leaves_the_draft_as_it_was(
    qtbot: QtBot, draft: Draft, name: str, value: Any, told: str
) -> None:
    before = draft.settings
    with qtbot.assertNotEmitted(draft.changed), pytest.raises(SettingsProblem, match=told):
        draft.edit(name, value)
    assert draft.settings is before


def test_a_part_that_was_made_without_validation_is_refused(draft: Draft) -> None:
    wrong = draft.settings.optimiser.model_copy(update={"epochs": -3})
    with pytest.raises(SettingsProblem) as refused:
        draft.edit("optimiser", wrong)
    assert refused.value.where == "optimiser.epochs"
    with pytest.raises(SettingsProblem):
        draft.replace(draft.settings.model_copy(update={"optimiser": wrong}))
    assert draft.settings == RunSettings()


def test_knobs_that_depend_on_each_other_change_together_with_one_signal(draft: Draft) -> None:
    draft.edit("data.test", 0.6)
    with pytest.raises(SettingsProblem):
        draft.edit("data.validation", 0.5)
    heard: list[RunSettings] = []
    draft.changed.connect(lambda: heard.append(draft.settings))
    draft.edit_together({"data.validation": 0.5, "data.test": 0.2, "seed": 7})
    assert [(one.data.validation, one.data.test, one.seed) for one in heard] == [(0.5, 0.2, 7)]


def test_of_several_edits_none_is_taken_if_one_does_not_fit(draft: Draft) -> None:
    with pytest.raises(SettingsProblem):
        draft.edit_together({"seed": 7, "optimiser.epochs": 0})
    assert draft.settings == RunSettings()


def test_what_is_so_already_is_no_change(qtbot: QtBot, draft: Draft) -> None:
    with qtbot.assertNotEmitted(draft.changed):
        draft.edit("optimiser", OptimiserSettings())
        draft.replace(RunSettings())
