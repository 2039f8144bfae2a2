import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.comparison import ComparisonPanel
from app.train.runs import RunsPanel
from core.data import split as splits
from core.evaluate import evaluation
from core.events import result_of
from core.nets import temperature
from core.nets.temperature import Temperature
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

COLUMNS = "id,predicted,p_edge-on,p_round,entropy,unlikeness,more_unlike_than,problem"


def shown(qtbot: QtBot, session: Session) -> RunsPanel:
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(800, 300)
    panel.show()
    return panel


def select_first(qtbot: QtBot, panel: RunsPanel) -> None:
    item = panel.table.topLevelItem(0)
    assert item is not None
    place = panel.table.visualItemRect(item).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_runs_are_listed_with_their_best_epoch_and_the_part_of_each_score(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    item = panel.table.topLevelItem(0)
    assert item is not None
    assert item.text(0) == "first"
    assert 1 <= int(item.text(3)) <= 3
    assert "accuracy" in item.text(1)
    assert item.text(2) == "–"  # nobody has looked at the test part
    assert item.text(4) == "random weights"
    run = panel.chosen or session_with_run.run
    assert run is not None
    galaxies = json.loads(run.metrics_file.read_text())["data"]["galaxies"]
    assert item.text(5) == f"{galaxies['training']} / {galaxies['validation']}"
    for words in (f"{galaxies['validation']} galaxies, answers averaged", "macro F1", "commonest class"):
        assert words in item.toolTip(1)
    assert not item.toolTip(2)


def test_a_run_in_training_has_no_numbers_of_an_earlier_epoch(qtbot: QtBot, session_with_run: Session) -> None:
    """Each epoch writes the numbers of the best one so far, but the table is not drawn anew for each."""
    assert session_with_run.run is not None
    session_with_run.activity.training_folder = session_with_run.run.path
    panel = shown(qtbot, session_with_run)
    qtbot.waitUntil(lambda: not panel._remarks.is_running, timeout=60_000)
    item = panel.table.topLevelItem(0)
    assert item is not None
    assert (item.text(1), item.text(3)) == ("in training", "–")


def test_numbers_of_another_temperature_than_the_run_has_now_are_marked(
    qtbot: QtBot, session_with_run: Session
) -> None:
    run = session_with_run.run
    assert run is not None
    metrics = json.loads(run.metrics_file.read_text())
    metrics["validation"]["decision"] = "most probable class"  # as an evaluation notes it
    run.metrics_file.write_text(json.dumps(metrics))
    panel, table = shown(qtbot, session_with_run), ComparisonPanel(session_with_run)
    qtbot.addWidget(table)
    table.show()
    qtbot.waitUntil(lambda: not panel._remarks.is_running and table.table.model().rowCount() == 1, timeout=60_000)
    item = panel.table.topLevelItem(0)
    assert item is not None and "*" not in item.text(1)
    temperature.keep(run.best, Temperature(1.4, 0.1, 40, (0.5, 0.4), (0.03, 0.02)))
    session_with_run.runs_changed.emit()
    qtbot.waitUntil(lambda: (panel.table.topLevelItem(0) or item).text(1).endswith("*"), timeout=60_000)
    marked = panel.table.topLevelItem(0)
    assert marked is not None and "evaluate it again" in marked.toolTip(1)
    model = table.table.model()
    qtbot.waitUntil(lambda: f"{model.index(0, 1).data()}".endswith("*"), timeout=60_000)


def test_numbers_over_earlier_labels_are_marked_and_never_stand_beside_others_unmarked(
    qtbot: QtBot, session_with_run: Session
) -> None:
    session = session_with_run
    assert session.run is not None and session.project is not None and session.dataset.cutouts is not None
    first = session.run
    other = RunFolder(shutil.copytree(first.path, first.path.with_name("2026-01-02 03.04.05 second")))
    panel, table = shown(qtbot, session), ComparisonPanel(session)
    qtbot.addWidget(table)
    table.show()
    qtbot.waitUntil(lambda: not panel._remarks.is_running and table.table.model().rowCount() == 2, timeout=60_000)
    items = {panel.table.topLevelItem(place).text(0): place for place in range(2)}  # type: ignore[union-attr]

    def number(title: str) -> str:
        item = panel.table.topLevelItem(items[title])
        return "" if item is None else item.text(1)

    assert "*" not in number("first") + number("second") and "(" not in number("first") + number("second")
    assert not panel.note.text()  # they are of the same galaxies with the same labels
    rows = splits.load(first.split_file, session.dataset.cutouts.ids).validation[:3].tolist()
    labels = [session.dataset.label(row) for row in rows]
    session.dataset.set_labels(rows, ["edge-on" if label == "round" else "round" for label in labels])
    qtbot.waitUntil(lambda: number("first").endswith("*") and number("second").endswith("*"), timeout=60_000)
    item = panel.table.topLevelItem(items["first"])
    assert item is not None and "3 labels of this part have changed: evaluate it again" in item.toolTip(1)
    result_of(evaluation.run(other, session.dataset.cutouts.path, hand_labels=session.dataset.journal))
    session.runs_changed.emit()
    qtbot.waitUntil(lambda: number("second").endswith("(a)") or number("second").endswith("(b)"), timeout=60_000)
    assert "*" not in number("second")
    assert "* (" in number("first") and number("first")[-3:] != number("second")[-3:]
    assert "do not compare" in panel.note.text() and "before 3 of them changed" in panel.note.toolTip()
    model = table.table.model()
    shown_numbers = lambda: sorted(f"{model.index(row, 1).data()}"[-3:] for row in range(model.rowCount()))  # noqa: E731
    qtbot.waitUntil(lambda: shown_numbers() == ["(a)", "(b)"], timeout=60_000)
    table.table.selectAll()
    assert "validation numbers are of different galaxies or labels, and cannot be compared" in table.summary.text()


def test_a_click_opens_the_run_and_its_network(qtbot: QtBot, session_with_run: Session) -> None:
    session_with_run.open_run(None)
    panel = shown(qtbot, session_with_run)
    panel.table.clearSelection()
    with qtbot.waitSignal(session_with_run.predictor_changed):
        select_first(qtbot, panel)
    assert session_with_run.run is not None
    assert session_with_run.predictor_path is not None


def test_a_click_changes_no_setting_and_a_button_takes_them_all_over_and_gives_them_back(
    qtbot: QtBot, session_with_run: Session
) -> None:
    session = session_with_run
    session.open_run(None)
    session.draft.edit_together({"optimiser.epochs": 77, "data.train_limit": 50, "data.test": 0.3})
    mine = session.draft.settings
    panel = shown(qtbot, session)
    panel.table.clearSelection()
    with qtbot.assertNotEmitted(session.draft.changed), qtbot.waitSignal(session.predictor_changed):
        select_first(qtbot, panel)
    qtbot.mouseClick(panel.explain, Qt.MouseButton.LeftButton)
    assert session.draft.settings == mine
    assert session.run is not None
    qtbot.mouseClick(panel.use_settings, Qt.MouseButton.LeftButton)
    assert session.draft.settings == toml.load(RunSettings, session.run.settings_file)
    session.undo.undo()
    assert session.draft.settings == mine
    session.undo.redo()
    assert session.draft.settings.optimiser.epochs == 3


def test_settings_of_a_run_on_other_labels_leave_the_labels_as_they_are(
    qtbot: QtBot, session_with_run: Session
) -> None:
    session = session_with_run
    assert session.run is not None
    other = RunSettings.model_validate({"data": {"labels": ["bar"], "group": "field"}, "optimiser": {"epochs": 9}})
    session.run.settings_file.write_text(toml.dumps(other), encoding="utf-8")
    panel = shown(qtbot, session)
    select_first(qtbot, panel)
    qtbot.mouseClick(panel.use_settings, Qt.MouseButton.LeftButton)
    settings = session.draft.settings
    assert (settings.data.labels, settings.data.group, settings.optimiser.epochs) == ((), "", 9)


def test_fine_tune_from_makes_it_the_beginning_of_the_next_training(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    qtbot.mouseClick(panel.fine_tune, Qt.MouseButton.LeftButton)
    assert session_with_run.run is not None
    assert Path(session_with_run.draft.settings.transfer.start_from) == session_with_run.run.path


def test_predictions_are_saved_as_a_table(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    table = tmp_path / "predictions.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(table), ""))
    qtbot.mouseClick(panel.predict, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(table.exists, timeout=30_000)
    assert table.read_text().splitlines()[0] == COLUMNS
    assert len(table.read_text().splitlines()) == 121


def test_without_runs_it_says_what_will_be_here(qtbot: QtBot) -> None:
    session = Session()
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
    session.close()


def test_files_of_a_folder_are_predicted_as_the_training_galaxies_were(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, table, told = tmp_path / "new", tmp_path / "predictions.csv", []
    folder.mkdir()
    for number in range(3):
        image = 10 * np.random.default_rng(number).random((24, 24), dtype=np.float32)
        fits.writeto(folder / f"n{number}.fits", image, fits.Header({"PIXSCALE": 0.8}))
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_arguments: str(folder))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(table), ""))
    session_with_run.message.connect(told.append)
    panel.ask_folder.trigger()
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert [line.split(",")[0] for line in table.read_text().splitlines()] == ["id", "n0", "n1", "n2"]
    assert "Predictions are saved in predictions.csv: 3 galaxies." in told[0]
    assert "How the stamps of its training were made is not known" in told[0]  # they were drawn and not imported
    assert "0.8 arcsec/pixel" in told[0]


def test_files_that_cannot_be_predicted_are_named(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, table = tmp_path / "new", tmp_path / "predictions.csv"
    folder.mkdir()
    fits.writeto(folder / "good.fits", np.random.default_rng(1).random((24, 24), dtype=np.float32))
    for name in ("broken", "page"):
        (folder / f"{name}.fits").write_text("<html>404</html>")
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_arguments: str(folder))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(table), ""))
    with qtbot.waitSignal(session_with_run.problem, timeout=20_000) as told:
        panel.ask_folder.trigger()
    sentence = str(told.args[0])
    assert "2 files could not be used and have no prediction" in sentence
    assert "broken.fits: " in sentence and "page.fits: " in sentence
    lines = table.read_text().splitlines()
    assert lines[0] == COLUMNS
    assert [line.split(",")[:2] for line in lines[1:]] == [["good", "round"], ["broken.fits", ""], ["page.fits", ""]]


def test_files_with_other_bands_are_refused_with_the_way_out(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = np.random.default_rng(1).random((4, 24, 24), dtype=np.float32)
    fits.writeto(tmp_path / "four.fits", cube, fits.Header({"BANDS": "ugri"}))
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_arguments: ([str(tmp_path / "four.fits")], ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(tmp_path / "table.csv"), ""))
    with qtbot.waitSignal(session_with_run.problem, timeout=20_000) as told:
        panel.ask_files.trigger()
    sentence = str(told.args[0])
    assert "u, g, r, i" in sentence and "Import them" in sentence and "--band-map" in sentence


def test_an_accuracy_has_its_error_and_a_button_leads_to_what_it_names(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    item = panel.table.topLevelItem(0)
    assert item is not None
    assert "±" in item.text(1)
    for button, workspace in ((panel.explain, "explain"), (panel.fine_tune, "train")):
        with qtbot.waitSignal(session_with_run.workspace_wanted) as wanted:
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert wanted.args == [workspace]


def test_a_dock_leaves_room_for_a_run_and_for_two_lines_of_buttons(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    panel.resize(440, 300)
    panel.resize(440, panel.minimumSizeHint().height())
    lowest = max((panel.predict_files, panel.explain), key=lambda button: button.geometry().bottom())
    place = lowest.mapTo(panel, lowest.rect().bottomLeft())
    assert panel.rect().contains(place)
    item = panel.table.topLevelItem(0)
    assert item is not None
    assert panel.table.viewport().rect().contains(panel.table.visualItemRect(item).center())
    assert panel.table.visualItemRect(item).bottom() <= panel.table.viewport().rect().bottom()


def test_a_right_click_on_a_run_offers_what_the_buttons_do(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    panel.table.customContextMenuRequested.emit(panel.table.rect().center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    offered = {action.text(): action for action in menu.actions()}
    assert list(offered) == [button.text() for button in (panel.explain, panel.fine_tune, panel.predict)]
    with qtbot.waitSignal(session_with_run.workspace_wanted) as wanted:
        offered[panel.explain.text()].trigger()
    assert wanted.args == ["explain"]
    menu.close()


@pytest.mark.slow
def test_a_report_is_written_from_the_menu(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    path = tmp_path / "report.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), "Report (*.html)"))
    with qtbot.waitSignal(session_with_run.message) as told:
        panel.ask_report.trigger()
    assert told.args == [f"The report is saved as {path}."]
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_a_network_is_exported_from_the_menu_into_a_folder_of_its_own(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    select_first(qtbot, panel)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    for _ in range(2):  # its own files may be written again
        with qtbot.waitSignal(session_with_run.message, timeout=200_000) as told:
            panel.ask_export.trigger()
        assert told.args is not None
        assert "The ONNX file gives the network's answers" in told.args[0]
    names = {"network.onnx", "predict.py", "network.safetensors", "README.md", "methods.md", "methods.tex"}
    assert {path.name for path in (tmp_path / "first for others").iterdir()} == names | {"references.bib"}
