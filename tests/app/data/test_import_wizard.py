from __future__ import annotations

import csv
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QFileDialog, QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from small_survey import Survey

from app.data.import_wizard import ImportWizard
from app.session.session import Session
from core.data.cutouts import Cutouts


@pytest.fixture
def empty_session(qapp: QApplication) -> Iterator[Session]:
    opened = Session()
    yield opened
    opened.close()


@pytest.fixture
def wizard(qtbot: QtBot, empty_session: Session, tmp_path: Path) -> Iterator[ImportWizard]:
    shown = ImportWizard(empty_session, tmp_path / "project")
    qtbot.addWidget(shown)
    with qtbot.waitExposed(shown):
        shown.show()
    yield shown
    shown.close()


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def looked(qtbot: QtBot, wizard: ImportWizard, text: str) -> None:
    qtbot.waitUntil(lambda: text in wizard.preview_text.text(), timeout=20_000)


def chosen(qtbot: QtBot, wizard: ImportWizard, survey: Survey) -> None:
    wizard.set_sources([survey.folder.parent])
    looked(qtbot, wizard, "90 galaxies")


def imported(qtbot: QtBot, wizard: ImportWizard) -> None:
    assert wizard.start.isEnabled()
    click(qtbot, wizard.start)
    qtbot.waitUntil(lambda: wizard.pages.currentIndex() == 2, timeout=30_000)


def test_a_folder_is_looked_at_and_its_catalogue_found(qtbot: QtBot, wizard: ImportWizard, survey: Survey) -> None:
    chosen(qtbot, wizard, survey)
    assert "24 × 24 pixels; band r; 0.4″ per pixel" in wizard.preview_text.text()
    assert wizard.mosaic.count == 16
    assert wizard.choices.catalogue == survey.catalogue
    assert "Recognise: objid" in wizard.choices.id_column.currentText()
    assert "90 of 90 galaxies have a catalogue row" in wizard.preview_text.text()


def test_a_choice_without_effect_stays_hidden_when_its_columns_are_offered(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey
) -> None:
    chosen(qtbot, wizard, survey)
    assert wizard.form.value().field is None
    assert not wizard.form.editor("field_column").isVisible()


def test_the_preview_follows_what_is_typed_before_the_field_is_left(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey
) -> None:
    chosen(qtbot, wizard, survey)
    field = wizard.form.editor("size")
    wizard.form._rows["size"].input.set_value(20)
    field.setFocus()
    assert isinstance(field, QSpinBox)
    field.selectAll()
    qtbot.keyClicks(field, "16")
    looked(qtbot, wizard, "Stamps will be 16 × 16 pixels")
    assert field.hasFocus()


def test_all_fields_begin_in_one_line(wizard: ImportWizard) -> None:
    choices = wizard.choices
    fields = [choices.id_column, choices.missing, wizard.form.editor("hdu"), choices.name, choices.project]
    assert len({field.mapTo(wizard, field.rect().topLeft()).x() for field in fields}) == 1


def test_large_stamps_are_said_to_take_long(qtbot: QtBot, wizard: ImportWizard, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(np.full((128, 128), 40 + number, dtype=np.uint8)).save(folder / f"{number}.png")
    wizard.set_sources([folder])
    looked(qtbot, wizard, "2 galaxies of 128 × 128 pixels")
    assert "takes about 4 times as long as on 64 × 64" in wizard.preview_text.text()


def test_galaxies_are_imported_into_a_project_that_the_user_names(
    qtbot: QtBot, wizard: ImportWizard, empty_session: Session, survey: Survey, tmp_path: Path
) -> None:
    chosen(qtbot, wizard, survey)
    wizard.choices.name.setText("my cutouts")
    wizard.choices.project.setText(str(tmp_path / "chosen"))
    label = next(action for action in wizard.choices.labels.list.actions() if action.data() == "shape")
    label.trigger()
    looked(qtbot, wizard, "labels: shape")
    imported(qtbot, wizard)
    assert wizard.report.counts["Imported"] == "90"
    assert str(tmp_path / "chosen" / "datasets" / "my cutouts.h5") in wizard.report.place.text()
    assert empty_session.project is not None
    assert empty_session.project.folder == tmp_path / "chosen"
    with qtbot.waitSignal(wizard.imported) as opened:
        click(qtbot, wizard.open_button)
    assert opened.args == [tmp_path / "chosen" / "datasets" / "my cutouts.h5"]
    with Cutouts.open(opened.args[0]) as cutouts:
        assert cutouts.labels == ("shape",)
        assert sorted(cutouts.ids) == sorted(survey.ids)


def test_what_cannot_be_used_is_in_the_report_and_in_its_file(
    qtbot: QtBot, wizard: ImportWizard, own_survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = own_survey.folder / f"{own_survey.ids[0]}.fits"
    broken.write_bytes(b"<!DOCTYPE html><p>404")
    chosen(qtbot, wizard, own_survey)
    assert "1 file or row will be left out" in wizard.left_out.text()
    imported(qtbot, wizard)
    assert (wizard.report.counts["Imported"], wizard.report.counts["Unusable"]) == ("89", "1")
    item = wizard.report.table.item(0, 0)
    assert item is not None
    assert broken.name in item.text()
    table = tmp_path / "report.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(table), ""))
    click(qtbot, wizard.save)
    with table.open() as file:
        lines = list(csv.DictReader(file))
    assert broken.name in lines[0]["file"]
    assert lines[0]["reason"]
    assert lines[0]["remedy"]


def test_dropped_files_are_chosen(qtbot: QtBot, wizard: ImportWizard, survey: Survey) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(survey.folder / f"{name}.fits")) for name in survey.ids[:3]])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    wizard.dropEvent(QDropEvent(QPointF(10, 10), Qt.DropAction.CopyAction, data, buttons, keys))
    looked(qtbot, wizard, "3 galaxies")


def test_a_catalogue_that_was_cleared_is_not_used(qtbot: QtBot, wizard: ImportWizard, survey: Survey) -> None:
    chosen(qtbot, wizard, survey)
    wizard.choices.catalogue_field.clear()
    qtbot.waitUntil(
        lambda: "catalogue" not in wizard.preview_text.text() and "90 galaxies" in wizard.preview_text.text(),
        timeout=20_000,
    )
    assert wizard.choices.catalogue is None
    imported(qtbot, wizard)
    assert wizard.report.counts["Imported"] == "90"


def test_a_catalogue_that_does_not_fit_stands_in_the_way(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("name,shape\nM31,spiral\nM32,elliptical\n")
    chosen(qtbot, wizard, survey)
    wizard.choices.catalogue_field.setText(str(other))
    qtbot.waitUntil(lambda: wizard.problem_text.isVisible(), timeout=20_000)
    assert not wizard.start.isEnabled()


def test_nothing_usable_is_said_and_not_imported(qtbot: QtBot, wizard: ImportWizard, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("nothing here")
    wizard.set_sources([tmp_path / "notes"])
    qtbot.waitUntil(lambda: wizard.problem_text.isVisible(), timeout=20_000)
    assert not wizard.start.isEnabled()


def test_a_dataset_is_never_overwritten_unasked(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey, tmp_path: Path
) -> None:
    chosen(qtbot, wizard, survey)
    wizard.choices.name.setText("taken")
    there = tmp_path / "project" / "datasets" / "taken.h5"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"precious")
    wizard.choices.name.setText("taken ")
    assert not wizard.start.isEnabled()
    assert "already" in wizard.problem_text.text()
    assert there.read_bytes() == b"precious"


def test_a_cancelled_import_leaves_nothing(
    qtbot: QtBot, wizard: ImportWizard, own_survey: Survey, tmp_path: Path
) -> None:
    for number in range(3000):  # long enough to be cancelled
        (own_survey.folder / f"copy{number}.fits").hardlink_to(own_survey.folder / f"{own_survey.ids[0]}.fits")
    wizard.set_sources([own_survey.folder])
    looked(qtbot, wizard, "3,090 galaxies")
    click(qtbot, wizard.start)
    qtbot.waitUntil(lambda: wizard.progress.bar.maximum() > 0, timeout=20_000)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
        qtbot.keyClick(wizard.focusWidget() or wizard, key)
    assert wizard.progress.stop.isEnabled()
    assert not wizard.progress.stop.hasFocus(), "no key cancels an import by chance"
    assert wizard.is_importing
    click(qtbot, wizard.progress.stop)
    qtbot.waitUntil(lambda: wizard.pages.currentIndex() == 0, timeout=20_000)
    assert list((tmp_path / "project" / "datasets").iterdir()) == []


def test_an_import_goes_on_when_the_wizard_is_closed_and_comes_back_with_its_report(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey
) -> None:
    chosen(qtbot, wizard, survey)
    click(qtbot, wizard.start)
    wizard.close()
    qtbot.waitUntil(lambda: wizard.isVisible() and wizard.pages.currentIndex() == 2, timeout=20_000)
    assert wizard.report.counts["Imported"] == "90"


def test_the_user_is_asked_which_of_two_columns_holds_the_ids(
    qtbot: QtBot, wizard: ImportWizard, own_survey: Survey
) -> None:
    others = dict(zip(own_survey.ids, reversed(own_survey.ids), strict=True))
    rows = [f"{name},{others[name]},{'ab'[place % 2]}\n" for place, name in enumerate(own_survey.ids)]
    catalogue = own_survey.folder / "table.csv"
    catalogue.write_text("galaxy,partner,label\n" + "".join(rows))
    wizard.set_sources([own_survey.folder])
    looked(qtbot, wizard, "90 galaxies")
    wizard.choices.catalogue_field.setText(str(catalogue))
    qtbot.waitUntil(lambda: "“galaxy” and “partner”" in wizard.problem_text.text(), timeout=20_000)
    assert wizard.choices.id_column.currentText() == "Which one? galaxy or partner"
    assert not wizard.start.isEnabled()
    qtbot.keyClick(wizard.choices.id_column, Qt.Key.Key_Down)
    looked(qtbot, wizard, "matched by “galaxy”; labels: label")
    assert wizard.choices.id_column.currentText() == "galaxy"
    imported(qtbot, wizard)
    assert "90 of 90 images matched by the column “galaxy”" in wizard.report.notes.text()


def test_the_user_says_what_means_that_there_is_no_label(
    qtbot: QtBot, wizard: ImportWizard, own_survey: Survey
) -> None:
    rows = [f"{name},{('None', 'Weak', 'Strong')[place % 3]}\n" for place, name in enumerate(own_survey.ids)]
    catalogue = own_survey.folder / "table.csv"
    catalogue.write_text("name,label\n" + "".join(rows))
    wizard.set_sources([own_survey.folder])
    looked(qtbot, wizard, "90 galaxies")
    wizard.choices.catalogue_field.setText(str(catalogue))
    looked(qtbot, wizard, "“None” in 30 rows of “label” is a class")
    wizard.choices.missing.selectAll()
    qtbot.keyClicks(wizard.choices.missing, "None")
    qtbot.keyClick(wizard.choices.missing, Qt.Key.Key_Return)
    looked(qtbot, wizard, "Taken as missing in “label”: “None” in 30 rows")
    imported(qtbot, wizard)
    assert wizard.report.counts["Without label"] == "30"


def test_a_field_of_radii_is_chosen_among_the_columns_and_shown_before_the_import(
    qtbot: QtBot, wizard: ImportWizard, survey: Survey
) -> None:
    chosen(qtbot, wizard, survey)
    size, field = wizard.form.editor("size"), wizard.form.editor("field")
    assert isinstance(size, QSpinBox) and isinstance(field, QDoubleSpinBox)
    for widget, side in ((size, 12), (field, 16)):
        automatic = typing.cast("QWidget", widget.parentWidget()).findChild(QCheckBox)
        assert isinstance(automatic, QCheckBox)
        click(qtbot, automatic)
        widget.setValue(side)
    looked(qtbot, wizard, "Stamps will be 12 × 12 pixels: central 16 px, resampled to 12 px.")
    column = wizard.form.editor("field_column")
    assert isinstance(column, QComboBox)
    assert [column.itemText(place) for place in range(column.count())] == ["all alike", "objid", "shape", "width"]
    column.setCurrentText("width")
    column.activated.emit(column.currentIndex())
    looked(qtbot, wizard, "central 16 × “width” px, resampled to 12 px")
