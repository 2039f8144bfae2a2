"""Belief in the window: the table by class leads to its galaxies, and maps are doubted in words."""

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from waiting import paint

from app.explain.faithfulness import FaithfulnessPanel
from app.explain.maps.panel import ExplanationPanel
from app.session.session import Session
from core.data import split as splits
from core.events import result_of
from core.explain.faithfulness.localisation import REGIONS
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.explain.faithfulness.table import FaithfulnessTable, assess_many

LEFT = Qt.MouseButton.LeftButton


def shown(qtbot: QtBot, session: Session) -> FaithfulnessPanel:
    panel = FaithfulnessPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    return panel


def asked(qtbot: QtBot, panel: FaithfulnessPanel, part: str) -> FaithfulnessTable:
    panel.parts.setCurrentIndex(panel.parts.findData(part))
    qtbot.mouseClick(panel.ask, LEFT)
    qtbot.waitUntil(lambda: panel.faithfulness is not None and panel.ask.isVisible(), timeout=60_000)
    assert panel.faithfulness is not None
    return panel.faithfulness


def click_cell(qtbot: QtBot, panel: FaithfulnessPanel, down: int, across: int) -> None:
    item = panel.table.item(down, across)
    assert item is not None
    place = panel.table.visualItemRect(item).center()
    qtbot.mouseClick(panel.table.viewport(), LEFT, pos=place)


def test_each_galaxy_of_the_part_has_its_line_and_its_point(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = asked(qtbot, panel, "test")
    assert session_with_run.run is not None and session_with_run.dataset.cutouts is not None
    test = splits.load(session_with_run.run.split_file, session_with_run.dataset.cutouts.ids).test
    assert sorted(line.row for line in found.lines) == sorted(test.tolist())
    assert panel.map.count == len(test)
    assert [panel.table.item(row, 0).text() for row in range(3)] == ["edge-on", "round", "all galaxies"]  # pyright: ignore[reportOptionalMemberAccess]
    assert panel.sentences.text().split("\n\n") == found.sentences()
    assert str(len(test)) in panel.state.text()


def test_a_click_on_a_share_selects_the_galaxies_behind_it(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = asked(qtbot, panel, "validation")
    region = max(REGIONS, key=found.classes[0].counts.__getitem__)
    column = 2 + REGIONS.index(region)
    click_cell(qtbot, panel, 0, column)
    behind = [line.row for line in found.lines if line.label == "edge-on" and line.rests_on == region]
    assert session_with_run.selection.tolist() == behind != []
    assert session_with_run.current == behind[0]
    click_cell(qtbot, panel, 2, column)
    assert session_with_run.selection.tolist() == found.rows(region)
    click_cell(qtbot, panel, 0, 1)  # only shares lead to galaxies
    assert session_with_run.selection.tolist() == found.rows(region)


def test_a_click_on_a_point_goes_to_its_galaxy(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = asked(qtbot, panel, "validation")
    paint(panel)
    place = next(place for place, line in enumerate(found.lines) if line.row != session_with_run.current)
    at = panel.map.position(place).toPoint()
    canvas = panel.map.childAt(panel.map.rect().center())
    assert canvas is not None
    qtbot.mouseClick(canvas, LEFT, pos=canvas.mapFrom(panel.map, at))
    assert session_with_run.current in [
        line.row
        for line in found.lines
        if abs(line.galaxy - found.lines[place].galaxy) < 0.05
        and abs(line.area_galaxy - found.lines[place].area_galaxy) < 0.05
    ]


def test_the_table_is_saved(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    assert not panel.save.isEnabled()
    found = asked(qtbot, panel, "test")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "belief"), "CSV (*.csv)"))
    with qtbot.waitSignal(session_with_run.message, timeout=10_000):
        qtbot.mouseClick(panel.save, LEFT)
    with (tmp_path / "belief.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == [line.galaxy_id for line in found.lines]
    assert [float(line["galaxy"]) for line in lines] == pytest.approx([line.galaxy for line in found.lines], rel=1e-5)


@pytest.mark.slow
def test_what_is_stopped_shows_nothing_and_can_be_asked_again(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    panel.parts.setCurrentIndex(panel.parts.findData("all"))
    qtbot.mouseClick(panel.ask, LEFT)
    assert not panel.ask.isVisible()
    qtbot.mouseClick(panel.stop, LEFT)
    qtbot.waitUntil(lambda: panel.ask.isVisible(), timeout=30_000)
    assert panel.faithfulness is None
    assert asked(qtbot, panel, "test").lines


def test_the_table_grows_while_it_is_made_and_stays_when_it_is_stopped(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    panel.parts.setCurrentIndex(panel.parts.findData("all"))
    qtbot.mouseClick(panel.ask, LEFT)
    qtbot.waitUntil(lambda: panel.faithfulness is not None, timeout=60_000)
    assert panel.stop.isVisible(), "it is still at work"
    qtbot.mouseClick(panel.stop, LEFT)
    qtbot.waitUntil(lambda: panel.ask.isVisible(), timeout=30_000)
    kept = panel.faithfulness
    assert kept is not None
    assert not kept.is_whole
    assert panel.map.count == len(kept.lines) >= 8
    assert f"first {len(kept.lines)} of {kept.asked}" in panel.sentences.text()
    assert panel.state.text() == f"Stopped: all galaxies: {len(kept.lines)} galaxies of {kept.asked}"
    assert panel.save.isEnabled()


def test_galaxies_that_the_network_was_trained_on_are_counted(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = asked(qtbot, panel, "test")
    assert found.seen == 0
    run, cutouts = session_with_run.run, session_with_run.dataset.cutouts
    assert run is not None and cutouts is not None
    rows = splits.load(run.split_file, cutouts.ids)
    chosen = [*rows.train[:3].tolist(), *rows.test[:2].tolist()]
    told = result_of(assess_many(run.path, cutouts.path, chosen, FaithfulnessSettings(method="grad-cam")))
    assert told.seen == 3
    assert any("trained or chosen on 3 of these 5 galaxies" in sentence for sentence in told.sentences())


def test_without_a_network_there_is_nothing_to_believe(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
    assert not panel.ask.isVisible()


@pytest.mark.slow
def test_maps_are_doubted_while_somebody_reads_it(qtbot: QtBot, session_with_run: Session) -> None:
    panel = ExplanationPanel(session_with_run)
    qtbot.addWidget(panel)
    panel.resize(1100, 800)
    panel.show()
    session_with_run.set_current(3)
    qtbot.waitUntil(lambda: all(side.finished_map is not None for side in panel.sides), timeout=60_000)
    assert not any(text.text() for text in panel.faithfulness.texts)
    qtbot.mouseClick(panel.faithfulness.button, LEFT)
    qtbot.waitUntil(lambda: all("random weights" in text.text() for text in panel.faithfulness.texts), timeout=60_000)
    qtbot.waitUntil(lambda: "rank correlation" in panel.faithfulness.agreement.text(), timeout=60_000)
    assert all("of the evidence lies on the galaxy" in text.text() for text in panel.faithfulness.texts)
    before = [text.text() for text in panel.faithfulness.texts]
    session_with_run.set_current(8)
    qtbot.waitUntil(lambda: not any(text.text() in before for text in panel.faithfulness.texts), timeout=60_000)
    qtbot.waitUntil(lambda: all("random weights" in text.text() for text in panel.faithfulness.texts), timeout=60_000)
