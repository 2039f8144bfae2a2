"""Settings, drawn parts and notes are taken back as labels are, and done again."""

from __future__ import annotations

from app.session.edit_commands import DrawParts, describe_change
from app.session.session import Session
from core.data import kept_parts


def test_edits_of_a_setting_are_one_step_back(session: Session) -> None:
    before = session.draft.settings
    for epochs in (40, 41, 42):  # as typed, or dragged
        session.draft.edit("optimiser.epochs", epochs)
    session.draft.edit("optimiser", session.draft.settings.optimiser.model_copy(update={"learning_rate": 0.5}))
    assert session.undo.count() == 2
    assert session.undo.undoText() == "change of “Learning rate”"
    session.undo.undo()
    assert session.draft.settings.optimiser.epochs == 42
    session.undo.undo()
    assert session.draft.settings == before
    session.undo.redo()
    session.undo.redo()
    assert (session.draft.settings.optimiser.epochs, session.draft.settings.optimiser.learning_rate) == (42, 0.5)


def test_an_edit_that_leads_back_is_no_step(session: Session) -> None:
    epochs = session.draft.settings.optimiser.epochs
    session.draft.edit("optimiser.epochs", epochs + 1)
    session.draft.edit("optimiser.epochs", epochs)
    assert not session.undo.canUndo()


def test_what_the_program_adapts_itself_is_not_undone(session: Session) -> None:
    session.draft.adapt({"data.labels": ("shape",)})
    assert not session.undo.canUndo()


def test_several_settings_are_named_by_their_section() -> None:
    assert describe_change({"loss.focus": "Focus", "loss.knee": "Knee"}) == "change of 2 settings of “Loss”"
    assert describe_change({"loss.focus": "Focus", "seed": "Seed"}) == "change of 2 settings"


def test_each_galaxy_gets_its_part_back(session: Session) -> None:
    dataset = session.dataset
    kept_parts.draw_again(dataset.cutouts.path, dataset.journal, seed=3)
    dataset.refresh_parts()
    file = kept_parts.file_for(dataset.cutouts.path, dataset.journal)
    before = file.read_bytes()
    session.undo.push(DrawParts(session))
    drawn = file.read_bytes()
    assert drawn != before and session.undo.undoText() == "drawing the parts again"
    session.undo.undo()
    assert file.read_bytes() == before
    session.undo.redo()
    assert file.read_bytes() == drawn
