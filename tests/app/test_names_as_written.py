"""Names of classes, galaxies, files, runs and columns are shown as they are written, whatever they look like to Qt.

The whole window is opened on a project with such names, every room is looked at, and all texts of all widgets are read.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from galaxies import ellipse, write_dataset
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt, QTimer
from PySide6.QtGui import QAction, QTextDocument, QUndoCommand, QUndoStack
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QInputDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QTabBar,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app import theme
from app.data.import_wizard import ImportWizard
from app.session.session import Session
from app.shell import actions
from app.shell.menus import Menus
from app.shell.window import MainWindow
from app.shell.workspaces import WORKSPACES
from app.studies.studies import StudiesPanel
from app.train.comparison import ComparisonPanel
from app.train.runs import RunsPanel
from app.widgets.plain_text import RichLabel, as_written, in_window_title
from core.errors import NotPossible
from core.events import result_of
from core.printable import on_one_line
from core.project import notes
from core.project.notes import Notes
from core.project.project import Project
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings

STUDY = Path(__file__).parents[1] / "golden" / "bench" / "studies" / "2026-11-27 13.59.49 training size"
QUICK = {
    "network": {"depth": 2, "channels": 6, "dense": 8, "dropout": 0.0},
    "optimiser": {"epochs": 1, "batch_size": 16},
    "device": "cpu",
}
CLASSES = ("a<5 & b>7", "<img src=x>", "<a href='x'>$x_1$</a>", "&File \u202eright\x1b[2K", "long " + 300 * "x")
RUNS = ("2026-11-27 10.00.00 <u>first & last", "2026-11-27 10.00.01 second <img src=y>")
MARKS = ("<img", "<a href", "<i>", "<u>", "<b>shape", "<b>project", "<b>mine", "<b>r", "<b>cutouts", "a<5")
"""What stands in the names here, and in no HTML of our own; but for ``<i>`` in the explanations of settings."""
AMPERSANDS = ("& b>7", "& co", "& last", "&File", "& $", "&tag", "& more", "& yours")


def write(path: Path, names: list[str]) -> Path:
    draw = np.random.default_rng(0)
    stamps = [[ellipse(24, 4, 4 if name == CLASSES[0] else 2)] for name in names]
    images = (np.array(stamps) + draw.normal(0, 0.03, (len(names), 1, 24, 24))).astype(np.float32)
    ids = [f"<i>{row}</i> & co" for row in range(len(names))]
    columns = {"<b>shape": names, "<u>ratio & $r_e$": draw.uniform(size=len(names))}
    return write_dataset(path, images, columns, ["<b>shape"], ["<b>r"], ids=ids)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with such names, and a network that was trained in it, twice."""
    folder = tmp_path_factory.mktemp("html") / "<b>project & $x$ [*]"
    Project.create(folder, "<b>project").close()
    data = write(folder / "datasets" / "<i>survey & co.h5", [*CLASSES] * 12)
    run = RunFolder.create(folder / "runs" / RUNS[0])
    result_of(loop.run(RunSettings.model_validate(QUICK), data, run, threading.Event()))
    notes.write(run.path, Notes("<b>mine</b> & yours", ("<i>tag", "&tag")))
    shutil.copytree(run.path, run.path.with_name(RUNS[1]))
    return folder


@pytest.fixture
def window(
    project: Path, qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The window on a copy of that project, with a galaxy and a run chosen."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    theme.apply(qapp, False)
    folder = tmp_path / project.name
    shutil.copytree(project, folder)
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.resize(1280, 720)
    opened.show()
    opened.opening.open_project(folder)
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None)
    opened.session.set_current(3)
    assert opened.session.project is not None
    opened.session.open_run(opened.session.project.runs()[0])
    yield opened
    opened.close()


def plain(rich: str) -> str:
    """What a reader sees of HTML."""
    document = QTextDocument()
    document.setHtml(rich)
    return document.toPlainText().replace("\u200b", "")


def swallowed(text: str, *, is_rich: bool) -> bool:
    """Whether Qt would take a part of one of the names for markup."""
    return is_rich and any(mark in text.replace("<p><i>", "") for mark in MARKS)


def of_models(widget: QWidget) -> Iterator[tuple[str, str]]:
    """Texts and tooltips of the cells of lists, tables and trees, and of what a box offers."""
    model = widget.model() if isinstance(widget, QAbstractItemView | QComboBox) else None
    if not isinstance(model, QAbstractItemModel):
        return
    for row in range(min(model.rowCount(), 100)):
        for column in range(model.columnCount()):
            index: Any = model.index(row, column, QModelIndex())
            yield str(index.data(Qt.ItemDataRole.DisplayRole) or ""), str(index.data(Qt.ItemDataRole.ToolTipRole) or "")
    for way, count in ((Qt.Orientation.Horizontal, model.columnCount()), (Qt.Orientation.Vertical, model.rowCount())):
        for section in range(min(count, 100)):
            text = model.headerData(section, way, Qt.ItemDataRole.DisplayRole)
            tip = model.headerData(section, way, Qt.ItemDataRole.ToolTipRole)
            yield str(text or ""), str(tip or "")


def of_plots(widget: QWidget) -> Iterator[str]:
    """HTML in the titles, axes and legends of plots."""
    if isinstance(widget, pg.GraphicsView):
        for item in widget.scene().items():
            if isinstance(item, pg.AxisItem):
                yield item.labelText or ""
            elif isinstance(item, pg.LabelItem):
                yield item.text


def mnemonics(widget: QWidget) -> Iterator[str]:
    """Texts in which an ampersand marks a shortcut."""
    if isinstance(widget, QAbstractButton) or (isinstance(widget, QLabel) and widget.buddy() is not None):
        yield widget.text()
    elif isinstance(widget, QGroupBox):
        yield widget.title()
    elif isinstance(widget, QTabBar):
        yield from (widget.tabText(place) for place in range(widget.count()))
    yield from (action.text() for action in widget.actions() if isinstance(action, QAction))


def read(root: QWidget) -> tuple[list[str], list[str]]:
    """All texts of a window as they are seen, and those of which Qt swallows a part."""
    seen: list[str] = []
    wrong: list[str] = []
    for widget in (root, *root.findChildren(QWidget)):
        if isinstance(widget, QLabel):
            is_rich = widget.textFormat() != Qt.TextFormat.PlainText
            assert not is_rich or isinstance(widget, RichLabel) or not GuiQt.mightBeRichText(widget.text())
            seen.append(plain(widget.text()) if is_rich else widget.text())
            wrong += [widget.text()] if swallowed(widget.text(), is_rich=is_rich) else []
        texts = [widget.toolTip(), widget.statusTip(), widget.whatsThis()]
        shows_tips = not isinstance(widget, QMenu) or widget.toolTipsVisible()
        texts += [action.toolTip() for action in widget.actions() if shows_tips]
        for text, tip in of_models(widget):
            seen.append(text)
            texts.append(tip)
            wrong += [text] if isinstance(widget, QTableView) and on_one_line(text) != text else []
        for text in of_plots(widget):
            seen.append(plain(text))
            wrong += [text] if swallowed(text, is_rich=True) else []
        for text in texts:
            is_rich = GuiQt.mightBeRichText(text)
            seen.append(plain(text) if is_rich else text)
            wrong += [text] if swallowed(text, is_rich=is_rich) else []
        for text in mnemonics(widget):
            seen.append(text.replace("&&", "&"))
            wrong += [text] if any(mark in text.replace("&&", "") for mark in AMPERSANDS) else []
    return seen, wrong


def assert_as_written(*roots: QWidget) -> list[str]:
    seen: list[str] = []
    for root in roots:
        texts, wrong = read(root)
        assert wrong == []
        seen += texts
    return seen


@pytest.mark.slow
def test_every_room_shows_names_as_they_are_written(window: MainWindow, qtbot: QtBot):
    seen: list[str] = []
    for name in WORKSPACES:
        window.show_workspace(name)
        wait_for_all_work(qtbot)
        seen += assert_as_written(window)
    for name in (
        *CLASSES,
        *(run[20:] for run in RUNS),
        "<i>survey & co",
        "<b>shape",
        "<u>ratio & $r_e$",
        "<i>3</i> & co",
    ):
        assert any(on_one_line(name) in text for text in seen), name
    assert "[*][*]" in window.windowTitle()
    assert window.size().width() == 1280, "a long name makes no panel wider than the window"


def test_undo_and_redo_name_a_label_as_it_is_written(qtbot: QtBot):
    undo = QUndoStack()
    menus = Menus(dict.fromkeys(actions.COMMANDS, lambda: None), undo)
    qtbot.addWidget(menus)
    edit = next(menu for menu in menus.findChildren(QMenu) if menu.title() == "Edit")
    undoing, redoing = edit.actions()[-2:]
    assert (undoing.text(), undoing.isEnabled(), redoing.isEnabled()) == ("Undo", False, False)
    undo.push(QUndoCommand(f"label 1 galaxy “{CLASSES[0]}”"))
    assert undoing.isEnabled()
    assert f"Undo label 1 galaxy “{CLASSES[0]}”" in assert_as_written(menus, edit)
    undoing.trigger()
    assert (undoing.text(), undoing.isEnabled(), redoing.isEnabled()) == ("Undo", False, True)
    assert f"Redo label 1 galaxy “{CLASSES[0]}”" in assert_as_written(menus, edit)
    redoing.trigger()
    assert undo.canUndo()


def test_studies_and_unreadable_runs_are_named_as_they_are_written(qtbot: QtBot, qapp: QApplication, tmp_path: Path):
    theme.apply(qapp, False)
    folder = tmp_path / "project"
    Project.create(folder, "project").close()
    shutil.copytree(STUDY, folder / "studies" / "2026-11-27 13.59.49 <u>study & co")
    for name in RUNS:
        (folder / "runs" / name).mkdir()
        (folder / "runs" / name / "settings.toml").write_text('"a<5 & b>7" = 1\n')
    session = Session()
    session.open_project(folder)
    panels = [RunsPanel(session), StudiesPanel(session)]
    for panel in panels:
        qtbot.addWidget(panel)
        panel.show()
    wait_for_all_work(qtbot)
    seen = assert_as_written(*panels)
    for name in ("<u>study & co", *(run[20:] for run in RUNS)):
        assert any(name in text for text in seen), name
    session.close()


def test_notices_name_things_as_they_are_written(window: MainWindow):
    window.report(NotPossible("“<img src=x>” is “a<5 & b>7”.", "Take “&File”.", "<i>1.fits"))
    window.session.message.emit("Saved as <i>2</i> & co.fits.")
    window.report(RuntimeError("<img src=x>"))
    seen = assert_as_written(window, *QApplication.topLevelWidgets())
    assert any("<img src=x>" in text and "&File" in text for text in seen)
    for widget in QApplication.topLevelWidgets():
        if widget is not window:
            widget.close()


def test_the_import_shows_names_as_they_are_written(window: MainWindow, qtbot: QtBot, tmp_path: Path):
    folder = tmp_path / "<b>cutouts & more"
    folder.mkdir()
    for number in range(3):
        (folder / f"<i>{number} & co.fits").write_text("no FITS")
    (folder / "&labels.csv").write_text("id,<b>shape & $x$\n<i>0 & co,<img src=x>\n<i>1 & co,a<5 & b>7\n")
    window.take_files([folder])
    wizard = window.findChildren(ImportWizard)[-1]
    wait_for_all_work(qtbot)
    seen = assert_as_written(wizard)
    assert any("<b>cutouts & more" in text for text in seen)
    wizard.close()


def asked(act: Any) -> list[str]:
    """What a question says that ``act`` asks; it is answered with no."""
    seen: list[str] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QMessageBox | QInputDialog)
        seen.extend(assert_as_written(dialog))
        dialog.reject()

    QTimer.singleShot(0, look)
    act()
    return seen


def test_questions_name_a_run_as_it_is_written(window: MainWindow, qtbot: QtBot):
    window.show_workspace("compare")
    wait_for_all_work(qtbot)
    panel = window.docks.panel("comparison")
    assert isinstance(panel, ComparisonPanel)
    panel.table.selectRow(0)
    for act in (panel._remove, panel._continue):
        assert any("<u>first & last" in text or "second <img src=y>" in text for text in asked(act))


def test_the_style_sheet_shows_labels_as_plain_text_but_for_our_own_html(qapp: QApplication, qtbot: QtBot):
    theme.apply(qapp, True)
    root = QWidget()
    qtbot.addWidget(root)
    usual, rich = QLabel("<b>x</b>", root), RichLabel("<b>x</b>", root)
    root.show()
    assert (usual.textFormat(), rich.textFormat()) == (Qt.TextFormat.PlainText, Qt.TextFormat.RichText)


def test_only_what_looks_like_html_is_escaped():
    assert as_written("M 31 & M 33") == "M 31 & M 33"
    assert as_written("<img src=x>") == '<p style="white-space: pre-wrap">&lt;img src=x&gt;</p>'
    assert plain(as_written(CLASSES[-1])) == CLASSES[-1]
    assert "\u200b" in as_written(CLASSES[-1]), "a long word can be broken"
    assert as_written("<b>\u202ex") == '<p style="white-space: pre-wrap">&lt;b&gt;\\u202ex</p>', "turns nothing round"
    assert in_window_title("a[*]b") == "a[*][*]b"
