"""Names of classes, files and runs are shown as they are written, whatever HTML they look like."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset
from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QWidget
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.dataset import DatasetPanel
from app.data.gallery import GalleryPanel
from app.panel.room import load
from app.session.session import Session
from app.shell.workspaces import PANELS
from app.widgets.plain_text import as_written
from core.events import result_of
from core.train import loop
from core.train.settings import RunSettings

QUICK = {
    "network": {"depth": 2, "channels": 6, "dense": 8, "dropout": 0.0},
    "optimiser": {"epochs": 1, "batch_size": 16},
    "device": "cpu",
}
CLASSES = ("a<5 & b>7", "<img src=x>")


def write(path: Path, names: list[str]) -> Path:
    draw = np.random.default_rng(0)
    stamps = [[ellipse(24, 4, 4 if name == CLASSES[0] else 2)] for name in names]
    images = (np.array(stamps) + draw.normal(0, 0.03, (len(names), 1, 24, 24))).astype(np.float32)
    ids = [f"<i>{row}</i> & co" for row in range(len(names))]
    return write_dataset(path, images, {"<b>shape": names}, ["<b>shape"], "r", ids=ids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("html")


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    """Galaxies with such names, and a network that was trained on them."""
    opened = Session()
    opened.open_project(folder / "project")
    opened.open_cutouts(write(folder / "galaxies.h5", [*CLASSES] * 30))
    assert opened.project is not None
    run = opened.project.new_run("<u>first</u>")
    opened.draft.replace(RunSettings.model_validate(QUICK))
    result_of(loop.run(opened.draft.settings, folder / "galaxies.h5", run, threading.Event()))
    opened.set_current(0)
    opened.open_run(run)
    yield opened
    opened.close()


def swallowed(root: QWidget) -> list[str]:
    """Texts and tooltips of which Qt would take a part for HTML."""
    found = []
    for label in root.findChildren(QLabel):
        is_auto = label.textFormat() == Qt.TextFormat.AutoText and GuiQt.mightBeRichText(label.text())
        if is_auto or (label.textFormat() == Qt.TextFormat.RichText and "<img" in label.text()):
            found.append(label.text())
    tips = [widget.toolTip() for widget in (root, *root.findChildren(QWidget))]
    for view in root.findChildren(QAbstractItemView):
        model = view.model()
        if model is not None:
            cells = ((row, column) for row in range(model.rowCount()) for column in range(model.columnCount()))
            tips += [str(model.index(*cell).data(Qt.ItemDataRole.ToolTipRole) or "") for cell in cells]
    marks = ("<img", "<i>", "<u>first", "<b>shape")
    return found + [tip for tip in tips if any(mark in tip for mark in marks) and "<p><i>" not in tip]


def test_no_panel_takes_a_name_for_html(session: Session, qtbot: QtBot):
    for name, entry in PANELS.items():
        panel = load(entry.source)(session)
        qtbot.addWidget(panel)
        panel.resize(700, 600)
        panel.show()
        wait_for_all_work(qtbot)
        assert swallowed(panel) == [], name
        panel.close()


def test_what_is_wrong_with_a_class_is_said_with_its_name(folder: Path, qtbot: QtBot):
    alone = Session()
    alone.open_project(folder / "another")
    alone.open_cutouts(write(folder / "rare.h5", [CLASSES[0]] * 20 + [CLASSES[1]]))
    panel = DatasetPanel(alone)
    qtbot.addWidget(panel)
    panel.show()
    assert "<img src=x>" in panel.problem.text()
    assert swallowed(panel) == []
    panel.close()
    alone.close()


def test_an_ampersand_in_a_name_is_no_shortcut(session: Session, qtbot: QtBot):
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel._fill_menu()
    assert {action.text().split("\t")[0] for action in panel.menu.actions()} > {"<img src=x>", "a<5 && b>7"}


def test_only_what_looks_like_html_is_escaped():
    assert as_written("M 31 & M 33") == "M 31 & M 33"
    assert as_written("<img src=x>") == '<p style="white-space: pre-wrap">&lt;img src=x&gt;</p>'
