"""The window: opening, arranging, remembering, and closing without losing anything."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, QSize, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot
from small_survey import Survey

from app import theme
from app.data.import_wizard import ImportWizard
from app.jobs.job import Job
from app.notices import CrashDialog
from app.shell import recent
from app.shell.window import MainWindow, choose_size
from app.shell.workspaces import WORKSPACES
from app.train.comparison import ComparisonPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.errors import Problem
from core.events import Progress
from core.project import notes
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings


@pytest.fixture
def themed(qapp: QApplication) -> None:
    """The theme of the program, whose style sheet takes more room than none; with it, all takes longer."""
    theme.apply(qapp, False)


@pytest.fixture
def window(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """On screen."""
    with qtbot.waitExposed(window):
        window.show()
    return window


def is_open(window: MainWindow, name: str) -> bool:
    cutouts = window.session.dataset.cutouts
    return cutouts is not None and cutouts.path.stem == name


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def opened(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    window.opening.open_project(project)
    qtbot.waitUntil(lambda: window.session.dataset.cutouts is not None, timeout=20_000)


def visible(window: MainWindow) -> set[str]:
    return {name for name, dock in window.docks._docks.items() if dock.isVisible()}


def wizard_of(window: MainWindow) -> ImportWizard:
    return window.findChildren(ImportWizard)[-1]


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    button, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, button, keys))


def working(stop):
    while not stop.is_set():
        time.sleep(0.005)
        yield Progress(1, 10, "things")


def test_at_first_it_says_where_to_begin(window: MainWindow) -> None:
    assert window.welcome.isVisible()
    assert window.welcome.demonstration.isVisible()
    assert window.welcome.importing.isVisible()
    assert [name for name, button in window.buttons.items() if button.isEnabled()] == ["simulate"]


def test_galaxies_can_be_simulated_without_a_dataset_and_one_that_is_opened_meanwhile_leaves_the_room_in_sight(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    click(qtbot, window.welcome.simulating)
    assert visible(window) == {"simulation"} and not window.welcome.isVisible()
    assert window.buttons["simulate"].isChecked() and not window.buttons["data"].isEnabled()
    opened(qtbot, window, project)
    assert visible(window) == {"simulation"} and window.buttons["data"].isEnabled()
    window.session.close_cutouts()
    assert window.welcome.isVisible() and not visible(window)
    assert not any(button.isChecked() for button in window.buttons.values())
    click(qtbot, window.buttons["simulate"])
    assert visible(window) == {"simulation"} and not window.welcome.isVisible()


def test_who_simulates_without_a_project_gets_one_of_that_name(window: MainWindow, tmp_path: Path) -> None:
    window.session.project_wanted.emit("Simulated SDSS r")
    assert window.session.project is not None
    assert window.session.project.folder == tmp_path / "home" / "Simulated SDSS r"
    window.session.project_wanted.emit("another")
    assert window.session.project.folder.name == "Simulated SDSS r"


def test_a_project_opens_with_its_newest_dataset(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    assert is_open(window, "new")
    assert window.windowTitle() == "new – Two surveys – Tuning Fork"
    assert not window.welcome.isVisible()
    assert visible(window) == {"gallery", "cutout", "dataset"}


@pytest.mark.slow
@pytest.mark.usefixtures("themed")
def test_every_workspace_fits_a_small_screen_shows_what_it_is_about_and_leaves_the_files_free(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    opened(qtbot, window, project)
    window.resize(1280, 720)
    for name, button in window.buttons.items():
        click(qtbot, button)
        assert window.docks.current == name
        assert ("gallery" in visible(window)) == (name not in {"compare", "adapt", "studies", "simulate"})
        assert window.minimumSizeHint().width() <= 1280
        assert window.minimumSizeHint().height() <= 720
        assert (window.width(), window.height()) == (1280, 720)
    window.close()
    Project.open(project).close()
    assert QApplication.activeWindow() is not window


def test_a_room_is_there_at_once_and_its_panels_are_built_one_after_the_other(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    opened(qtbot, window, project)
    window.show()
    panels = [name for column in WORKSPACES["train"].columns for area in column for name in area]
    qtbot.waitUntil(lambda: all(window.docks.built(name) for name in ("gallery", "cutout", "dataset")))
    click(qtbot, window.buttons["train"])
    assert {"settings", "training", "runs", "gallery"} <= visible(window)
    assert not any(window.docks.built(name) for name in ("settings", "pretraining", "training", "runs"))
    assert window.docks.panel("runs") is window.docks.built("runs"), "which is built when it is asked for"
    qtbot.waitUntil(lambda: all(window.docks.built(name) for name in panels), timeout=20_000)
    order = list(window.docks._panels)  # as they were built, several between two looks on a fast machine
    in_front, behind = ("settings", "training"), ("pretraining", "network", "augmentation")
    assert max(map(order.index, in_front)) < min(map(order.index, behind))
    window.docks.bring_to_front("network")
    assert window.docks.panel("network").isVisible()


def test_a_room_that_is_shown_while_something_is_at_work_hears_all_of_it(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    opened(qtbot, window, project)
    job = Job("Studying", working)
    window.session.activity.add_study(job)
    job.start()
    click(qtbot, window.buttons["train"])
    assert all(window.docks.built(name) for name in ("settings", "training", "network"))
    job.close()


@pytest.mark.usefixtures("themed")
def test_settings_and_start_are_in_sight_on_a_small_screen(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    window.resize(1280, 720)
    click(qtbot, window.buttons["train"])
    settings, training, gallery = (window.docks.panel(name) for name in ("settings", "training", "gallery"))
    assert isinstance(settings, SettingsPanel) and isinstance(training, TrainingPanel)
    qtbot.waitUntil(settings.isVisible)
    bar, place = settings.area.verticalScrollBar(), QRect(QPoint(0, 0), settings.size())
    assert bar.maximum() > 0, "there is more than fits"
    for end in (bar.minimum(), bar.maximum()):
        bar.setValue(end)
        for widget in (settings.start, settings.outlook, settings.area):
            assert widget.isVisible()
            assert place.contains(QRect(widget.mapTo(settings, QPoint(0, 0)), widget.size()))
    assert settings.area.width() >= 300 and settings.area.height() >= 300
    assert training.width() >= 400 and training.height() >= 180
    left, middle, right = (panel.mapTo(window, QPoint(0, 0)).x() for panel in (settings, training, gallery))
    assert left < middle < right


def test_an_arrangement_is_remembered_until_it_is_reset(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    gallery = window.docks._docks["gallery"]
    widths: list[int] = []

    def is_laid_out() -> bool:
        widths.append(gallery.width())
        return widths[-1] < window.width() / 2 and len(set(widths[-30:])) == 1 and len(widths) > 30

    qtbot.waitUntil(is_laid_out)
    before = gallery.width()
    docks = [window.docks._docks[name] for name in ("gallery", "cutout", "dataset")]
    window.resizeDocks(docks, [before + 90, docks[1].width() - 90, docks[2].width()], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: gallery.width() > before + 40)
    wide = gallery.width()
    click(qtbot, window.buttons["train"])
    click(qtbot, window.buttons["data"])
    qtbot.waitUntil(lambda: abs(gallery.width() - wide) <= 3)
    window.menus.actions_by_name["reset_layout"].trigger()
    qtbot.waitUntil(lambda: abs(gallery.width() - before) <= 3)


def test_the_next_window_looks_like_the_last_one(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    docks = [window.docks._docks[name] for name in ("gallery", "cutout", "dataset")]
    window.resizeDocks(docks, [580, 340, 340], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: [dock.width() for dock in docks] == pytest.approx([580, 340, 340], abs=10))
    widths = [dock.width() for dock in docks]
    window.close()
    again = MainWindow()
    qtbot.addWidget(again)
    again.show()
    opened(qtbot, again, project)
    kept = [again.docks._docks[name] for name in ("gallery", "cutout", "dataset")]
    qtbot.waitUntil(lambda: [dock.width() for dock in kept] == pytest.approx(widths, abs=3))
    again.close()


def test_a_dataset_from_elsewhere_becomes_part_of_a_project(
    qtbot: QtBot, window: MainWindow, survey_dataset: Path, tmp_path: Path
) -> None:
    window.opening.open_dataset(survey_dataset)
    qtbot.waitUntil(lambda: is_open(window, "survey"), timeout=20_000)
    assert window.session.dataset.cutouts is not None
    assert window.session.dataset.cutouts.path == tmp_path / "home" / "survey" / "datasets" / "survey.h5"


def test_projects_of_late_are_offered_again(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    assert recent.projects() == [project]
    window.menus.recent.aboutToShow.emit()
    assert [action.text() for action in window.menus.recent.actions()] == ["Two surveys"]


def test_a_dropped_project_is_opened(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    drop(window, project)
    qtbot.waitUntil(lambda: is_open(window, "new"), timeout=20_000)


def test_a_dropped_dataset_is_opened(qtbot: QtBot, window: MainWindow, survey_dataset: Path) -> None:
    drop(window, survey_dataset)
    qtbot.waitUntil(lambda: is_open(window, "survey"), timeout=20_000)


def test_a_dropped_folder_of_images_is_imported_and_opened(qtbot: QtBot, window: MainWindow, survey: Survey) -> None:
    drop(window, survey.folder)
    wizard = wizard_of(window)
    qtbot.waitUntil(wizard.start.isEnabled, timeout=20_000)
    click(qtbot, wizard.start)
    qtbot.waitUntil(lambda: wizard.pages.currentIndex() == 2, timeout=20_000)
    click(qtbot, wizard.open_button)
    qtbot.waitUntil(lambda: is_open(window, "cutouts"), timeout=20_000)
    assert not wizard.isVisible()


def test_a_dropped_file_that_is_no_dataset_goes_to_the_import(
    qtbot: QtBot, window: MainWindow, project: Path, tmp_path: Path
) -> None:
    opened(qtbot, window, project)
    foreign = tmp_path / "Galaxy10.h5"
    foreign.write_bytes(b"not ours")
    drop(window, foreign)
    qtbot.waitUntil(lambda: bool(window.findChildren(ImportWizard)), timeout=20_000)
    assert wizard_of(window).isVisible()
    assert wizard_of(window).choices.sources == [foreign]
    wizard_of(window).close()


def test_what_cannot_be_opened_after_a_drop_that_could_is_not_imported(
    qtbot: QtBot, window: MainWindow, survey_dataset: Path, tmp_path: Path
) -> None:
    drop(window, survey_dataset)
    qtbot.waitUntil(lambda: is_open(window, "survey"), timeout=20_000)
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"nothing")
    window.opening.open_dataset(broken)
    qtbot.waitUntil(window.notices.isVisible, timeout=20_000)
    assert "broken.h5" in window.notices.texts[0]
    assert not window.findChildren(ImportWizard)


def test_the_import_comes_back_as_it_was_left_open_and_new_once_it_was_closed(
    window: MainWindow, survey: Survey
) -> None:
    window.menus.actions_by_name["import"].trigger()
    first = wizard_of(window)
    window.take_files([survey.folder])
    assert wizard_of(window) is first
    assert first.choices.sources == [survey.folder]
    first.close()
    window.menus.actions_by_name["import"].trigger()
    assert wizard_of(window).choices.sources == []
    wizard_of(window).close()


def test_what_cannot_be_opened_is_said_and_what_was_open_stays(
    qtbot: QtBot, window: MainWindow, project: Path, tmp_path: Path
) -> None:
    opened(qtbot, window, project)
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"nothing")
    window.opening.open_dataset(broken)
    qtbot.waitUntil(lambda: window.notices.isVisible(), timeout=20_000)
    assert "broken.h5" in window.notices.texts[0]
    assert is_open(window, "new")


def test_a_defect_of_the_program_is_shown_with_its_log(window: MainWindow) -> None:
    window.report(ZeroDivisionError("a defect"))
    dialog = window.findChild(CrashDialog)
    assert dialog is not None
    assert dialog.isVisible()
    dialog.close()


def test_a_job_is_shown_and_can_be_stopped_in_the_status_bar(qtbot: QtBot, window: MainWindow) -> None:
    job = Job("Counting", working)
    window.session.activity.add(job)
    job.start()
    qtbot.waitUntil(lambda: window.jobs.bars[0].isVisible(), timeout=5000)
    with qtbot.waitSignal(job.ended):
        click(qtbot, window.jobs.bars[0].stop)
    assert window.jobs.bars == []


def test_a_theme_is_chosen_and_remembered(window: MainWindow) -> None:
    window.menus.actions_by_name["dark"].trigger()
    assert theme.is_dark()
    again = MainWindow()
    assert again.menus.actions_by_name["dark"].isChecked()
    again.close()
    again.deleteLater()
    window.menus.actions_by_name["light"].trigger()
    assert not theme.is_dark()


def test_undo_stands_in_the_menu(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    from app.session import label_commands

    opened(qtbot, window, project)
    label_commands.give(window.session, [0], "merger")
    undo = next(action for action in window.findChildren(QAction) if action.text().startswith("Undo"))
    assert undo.text() == "Undo label 1 galaxy “merger”"
    before = window.session.dataset.label(0)
    undo.trigger()
    assert window.session.dataset.label(0) != before


def test_closing_asks_while_a_training_runs_and_then_waits_for_it(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("Training", working)
    window.session.activity.training = job
    window.session.activity.add(job)
    job.start()
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    proposed = []
    monkeypatch.setattr(QMessageBox, "question", lambda *given: proposed.append(given[-1]) or answers.pop(0))
    assert not window.close()
    assert job.is_running
    assert proposed == [QMessageBox.StandardButton.No]
    assert window.close()
    assert not job.is_running
    assert answers == []


def test_another_project_waits_until_the_training_is_over(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    job = Job("Training", working)
    window.session.activity.training = job
    window.session.activity.add(job)
    job.start()
    window.opening.open_project(project)
    assert window.session.project is None
    assert "Stop it first" in window.notices.texts[0]
    with qtbot.waitSignal(job.ended):
        job.stop()


def test_a_project_that_is_open_elsewhere_is_refused_in_words(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    other = Project.open(project)
    window.opening.open_project(project)
    qtbot.waitUntil(lambda: bool(window.notices.texts))
    assert "another window" in window.notices.texts[0]
    other.close()


def test_a_note_that_was_typed_last_is_kept_when_the_window_is_closed(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    other = Project.open(project)
    folder = other.new_run("first").path
    other.close()
    (folder / "settings.toml").write_text(toml.dumps(RunSettings()))
    opened(qtbot, window, project)
    click(qtbot, window.buttons["compare"])
    panel = window.docks.panel("comparison")
    assert isinstance(panel, ComparisonPanel)
    qtbot.waitUntil(lambda: bool(panel.table.shown), timeout=20_000)
    panel.table.selectAll()
    panel.text.setPlainText("Too fast.")
    window.close()
    assert notes.read(folder).text == "Too fast."


def test_problems_of_panels_reach_the_strip(window: MainWindow) -> None:
    window.session.report(Problem("The sky is cloudy.", "Wait.", "sky"))
    assert "The sky is cloudy." in window.notices.texts[0]


@pytest.mark.parametrize(
    ("screen", "size"),
    [((1280, 720), (1278, 688)), ((1366, 768), (1282, 736)), ((1920, 1080), (1632, 918)), ((3840, 2160), (3264, 1836))],
)
def test_a_new_window_suits_its_screen(screen: tuple[int, int], size: tuple[int, int]) -> None:
    """A 4K screen at scale 2 is one of 1920 × 1080."""
    assert choose_size(QSize(*screen)).toTuple() == size


def test_hand_labels_that_stay_with_another_project_are_named(
    qtbot: QtBot, window: MainWindow, project: Path, tmp_path: Path
) -> None:
    opened(qtbot, window, project)
    window.session.dataset.set_labels([0, 1], ["merger", "merger"])
    source = window.session.dataset.cutouts
    assert source is not None
    path = source.path
    window.opening.open_project(tmp_path / "second")
    window.opening.open_dataset(path)
    qtbot.waitUntil(lambda: any("2 labels given by hand" in text for text in window.notices.texts))


def test_a_project_reopens_as_it_was_left(qtbot: QtBot, window: MainWindow, project: Path) -> None:
    opened(qtbot, window, project)
    window.session.open_cutouts(project / "datasets" / "old.h5")
    run = RunFolder.create(project / "runs" / "2026-01-01 00.00.00 first")
    run.settings_file.write_text(toml.dumps(RunSettings()))
    window.session.open_run(run)
    window.session.set_current(7)
    window.session.draft.edit_together({"optimiser.epochs": 77, "transfer.start_from": str(run.path)})
    window.show_workspace("compare")
    window.close()
    moved = project.with_name("moved")
    project.rename(moved)
    again = MainWindow()
    qtbot.addWidget(again)
    again.show()
    opened(qtbot, again, moved)
    qtbot.waitUntil(lambda: again.docks.current == "compare")
    assert is_open(again, "old")
    assert again.session.current == 7
    assert again.session.run == RunFolder(moved / "runs" / run.name)
    assert again.session.draft.settings.optimiser.epochs == 77
    assert Path(again.session.draft.settings.transfer.start_from) == moved / "runs" / run.name
    again.close()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        pytest.param("[]", marks=pytest.mark.slow),
        pytest.param('{"format": 99}', marks=pytest.mark.slow),
        '{"format": 1, "draft": "x = ", "dataset": "no.h5"}',
    ],
)
def test_a_project_opens_whatever_was_kept_of_it(qtbot: QtBot, window: MainWindow, project: Path, text: str) -> None:
    (project / "window.json").write_text(text)
    opened(qtbot, window, project)
    assert window.docks.current == "data"
