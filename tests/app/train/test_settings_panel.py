"""The rail of settings: sections, search, and what is known of a training before it is started."""

import dataclasses
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.network import NetworkPanel
from app.train.settings_panel import SettingsPanel
from app.train.widgets.outlook_view import format_range, format_roughly
from app.widgets.forms import SettingsForm
from core.nets.predictor import Predictor


def shown(qtbot: QtBot, session: Session) -> SettingsPanel:
    panel = SettingsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(454, 620)
    panel.show()
    return panel


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def wait_for_the_time(qtbot: QtBot, panel: SettingsPanel) -> None:
    qtbot.waitUntil(lambda: panel.outlook.time.text().startswith("About"), timeout=60_000)


def test_what_will_happen_is_told_before_the_start(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    wait_for_the_time(qtbot, panel)
    view, split = panel.outlook, session.dataset.split
    assert split is not None
    assert (
        view.galaxies.text() == f"Trains on {len(split.train)} galaxies of 2 classes, validates on "
        f"{len(split.validation)}."
    )
    assert view.plan.text().startswith("Up to 3 epochs from random weights; learns ")
    assert "for 3 epochs on CPU" in view.time.text()
    assert "Input 24 × 24 pixels, 1 band: at most 5 blocks." in panel.form.cost.text()
    assert "sees 10 pixels" in panel.form.cost.text()


def test_more_epochs_take_longer_and_are_not_measured_again(qtbot: QtBot, session: Session, begun: list[str]) -> None:
    panel = shown(qtbot, session)
    wait_for_the_time(qtbot, panel)
    before, epoch_time = list(begun), panel.forecast.epoch_time
    assert epoch_time is not None
    session.draft.edit_together({"optimiser.epochs": 5000, "stopping.patience": 3, "optimiser.learning_rate": 0.1})
    whole = format_range(epoch_time.of_run(5000), epoch_time.uncertainty)
    assert panel.outlook.time.text().startswith(f"About {whole} for 5,000")
    assert not panel.forecast.is_looking
    session.draft.edit("network.depth", 3)
    assert panel.forecast.epoch_time is None
    session.draft.edit("network.depth", 2)
    assert panel.forecast.epoch_time is epoch_time
    assert begun == before


def test_a_long_training_on_large_stamps_is_told_how_long_small_ones_take(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    wait_for_the_time(qtbot, panel)
    forecast = panel.forecast
    assert forecast.outlook is not None and forecast.epoch_time is not None
    assert "stamp size" not in panel.outlook.notice.toolTip()
    slow = dataclasses.replace(forecast.epoch_time, training_batches=1, training_seconds=1000.0, earlier="slow one")
    for side, is_told in ((99, False), (128, True)):
        forecast.outlook = dataclasses.replace(forecast.outlook, stamp=(1, side, side))
        forecast.epoch_time = slow
        forecast.changed.emit()
        told = panel.outlook.notice.text()
        assert ("Stamps of 64 px instead of 128 × 128 would take about 13 min" in told) == is_told
        assert ("stamp size 64" in told) == is_told
    assert "as in “slow one”" in panel.outlook.time.text()


def test_what_cannot_be_trained_is_told_before_the_start_and_what_is_only_unwise_is_a_hint(
    qtbot: QtBot, session: Session
) -> None:
    session.draft.edit("network.depth", 9)
    panel = shown(qtbot, session)
    notice = panel.outlook.notice
    qtbot.waitUntil(lambda: "at most 5 blocks" in notice.text(), timeout=30_000)
    assert notice.property("role") == "problem"
    session.draft.edit("network.depth", 1)
    qtbot.waitUntil(lambda: "sees 4 pixels at once" in notice.text(), timeout=30_000)
    assert notice.property("role") != "problem"
    session.draft.edit("network.depth", 3)
    qtbot.waitUntil(lambda: panel.forecast.outlook is not None, timeout=30_000)
    assert notice.text() == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"pixel_scale": 1.7}, "the network was trained on 1.7", marks=pytest.mark.slow),
        ({"bands": ("J",)}, "The bands are r; "),
    ],
    ids=["pixel scale", "bands"],
)
def test_a_base_with_another_band_or_pixel_scale_is_told_before_the_start(
    qtbot: QtBot, session: Session, trained: Path, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    run = next((trained / "runs").iterdir())
    base = tmp_path / "base.safetensors"
    dataclasses.replace(Predictor.load(run), **change).save(base)
    session.draft.edit("transfer.start_from", str(base))
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.outlook.notice.text() != "", timeout=60_000)
    assert told in panel.outlook.notice.text()
    assert panel.outlook.notice.property("role") != "problem" and panel.start.isEnabled()


def test_what_a_fine_tuning_starts_from_is_told_before_the_start(qtbot: QtBot, session: Session, trained: Path) -> None:
    run = next((trained / "runs").iterdir())
    session.draft.edit_together({"transfer.start_from": str(run), "transfer.freeze_blocks": 1})
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: "1 block frozen" in panel.outlook.plan.text(), timeout=60_000)
    assert "“first”" in panel.outlook.plan.text()
    assert " of " in panel.outlook.plan.text().split("learns ")[1]
    assert panel.start.text() == "Fine-tune"


def test_a_training_is_not_slowed_by_measuring(qtbot: QtBot, session: Session, begun: list[str]) -> None:
    session.draft.edit("optimiser.epochs", 500)
    panel = shown(qtbot, session)
    click(qtbot, panel.start)
    assert session.activity.training is not None
    qtbot.waitUntil(lambda: panel.forecast.outlook is not None, timeout=60_000)
    assert panel.forecast.epoch_time is None
    assert "once nothing else is trained" in panel.outlook.time.text()
    session.activity.training.stop()
    wait_for_the_time(qtbot, panel)


def test_a_section_is_one_click_away_and_the_one_in_sight_is_marked(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    wanted: list[str] = []
    session.panel_wanted.connect(wanted.append)
    for name, section in panel.form.sections.items():
        click(qtbot, panel.sections.buttons[name])
        assert panel.sections.buttons[name].isChecked()
        top = section.mapTo(panel, section.rect().topLeft()).y() - panel.area.mapTo(panel, panel.rect().topLeft()).y()
        assert 0 <= top < panel.area.height() - 40, name
    assert wanted == ["augmentation", "network"]
    panel.area.verticalScrollBar().setValue(0)
    assert panel.sections.buttons["data"].isChecked()


def test_the_search_finds_settings_in_all_sections_and_gives_all_back(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    form = panel.form
    assert not form.optimiser.editor("momentum").isVisibleTo(form)
    qtbot.keyClicks(panel.search, "weight decay")
    assert form.optimiser.editor("weight_decay").isVisibleTo(form)
    assert not form.optimiser.editor("epochs").isVisibleTo(form)
    assert not form.sections["stopping"].isVisibleTo(form)
    assert not panel.sections.buttons["stopping"].isEnabled()
    panel.search.clear()
    assert form.optimiser.editor("epochs").isVisibleTo(form)
    assert not form.optimiser.editor("weight_decay").isVisibleTo(form), "it was folded away before"
    assert all(button.isEnabled() for button in panel.sections.buttons.values())


def test_every_setting_that_is_found_stands_in_line_and_has_its_reset_button_in_sight(
    qtbot: QtBot, session: Session
) -> None:
    session.draft.edit_together({"optimiser.decay": "step", "optimiser.momentum": 0.5, "stopping.min_delta": 0.1})
    panel = shown(qtbot, session)
    panel.search.setText("a")
    QApplication.processEvents()
    forms = [form for form in panel.form.findChildren(SettingsForm) if form.isVisible()]
    rows = [row for form in forms for row in form._rows.values() if row.input.field.isVisible()]
    left = {cast("QWidget", row.input).mapTo(panel, QPoint(0, 0)).x() for row in rows}
    assert len(rows) > 30
    assert len(left) == 1
    resets = [row.reset for row in rows if row.reset.isVisible()]
    assert resets
    for reset in resets:
        right = reset.mapTo(panel.area.viewport(), QPoint(reset.width(), 0)).x()
        assert right <= panel.area.viewport().width(), reset.toolTip()


def test_what_a_fine_tuning_is_made_of_is_locked_while_it_runs(qtbot: QtBot, session: Session, trained: Path) -> None:
    run = next((trained / "runs").iterdir())
    session.draft.edit_together({"transfer.start_from": str(run), "optimiser.epochs": 500})
    panel, network = shown(qtbot, session), NetworkPanel(session)
    qtbot.addWidget(network)
    network.show()
    qtbot.waitUntil(lambda: len(panel.form.base.classes.boxes) == 2, timeout=30_000)
    qtbot.waitUntil(lambda: network.table.model().rowCount() > 0, timeout=30_000)
    base = panel.form.base
    choices = [panel.form.transfer.editor("freeze_blocks"), *base.classes.boxes.values(), base.bands]
    assert all(choice.isEnabled() for choice in choices)
    click(qtbot, panel.start)
    assert session.activity.training is not None
    assert not any(choice.isEnabled() for choice in choices)
    first = network.table.visualRect(network.table.model().index(0, 0)).center()
    qtbot.mouseClick(network.table.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert session.draft.settings.transfer.freeze_blocks == 0
    session.draft.edit("optimiser.learning_rate", 0.02)
    assert not any(choice.isEnabled() for choice in choices), "also after the draft was changed"
    session.activity.training.stop()
    qtbot.waitUntil(lambda: session.activity.training is None, timeout=30_000)
    qtbot.waitUntil(lambda: all(choice.isEnabled() for choice in choices))
    qtbot.mouseClick(network.table.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert session.draft.settings.transfer.freeze_blocks == 1


def test_the_proposed_name_of_a_fine_tuning_tells_what_it_starts_from(
    qtbot: QtBot, session: Session, trained: Path
) -> None:
    run = next((trained / "runs").iterdir())
    form = shown(qtbot, session).form
    session.draft.edit("transfer.start_from", str(run))
    assert form.run_name == "first, fine-tuned"
    session.draft.edit("transfer.freeze_blocks", 1)
    assert form.run_name == "first, fine-tuned, 1 block frozen"
    session.draft.edit("transfer.start_from", str(run.with_name("2026-01-01 10.00.00 first, fine-tuned")))
    assert form.run_name == "first, fine-tuned, 1 block frozen"


def test_the_search_ends_when_the_user_goes_to_another_room_or_fine_tunes(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    panel.search.setText("weight decay")
    panel.hide()
    panel.show()
    assert panel.search.text() == ""
    panel.search.setText("weight decay")
    session.workspace_wanted.emit("train")
    assert panel.search.text() == ""
    assert panel.form.sections["transfer"].isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (12, "12 s"),
        (54, "55 s"),
        (55, "1 min"),
        (89, "1.5 min"),
        (230, "4 min"),
        (3590, "1 h"),
        (9000, "2.5 h"),
    ],
)
def test_an_estimated_time_has_no_more_digits_than_are_known(seconds: float, text: str) -> None:
    assert format_roughly(seconds) == text


def test_an_uncertain_time_is_told_as_a_range() -> None:
    assert format_range(95, 0.1) == "1.5 min"
    assert format_range(95, 0.5) == "50 s to 2.5 min"
    assert format_range(0.1, 0.3) == "1 s"
