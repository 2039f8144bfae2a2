from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.panels.explanation import ExplanationPanel
from app.session import Session


def shown(qtbot: QtBot, session: Session) -> ExplanationPanel:
    panel = ExplanationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1100, 650)
    panel.show()
    return panel


def finished(panel: ExplanationPanel, galaxy: str) -> bool:
    return all(
        view.explanation is not None
        and view.explanation.galaxy_id == galaxy
        and view.note.text() not in {"", "…", "First look…"}
        for view in panel.maps.values()
    )


def test_a_click_on_a_galaxy_shows_its_probabilities_and_both_maps(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert session_with_run.cutouts is not None
    session_with_run.set_current(3)
    galaxy = session_with_run.cutouts.ids[3]
    qtbot.waitUntil(lambda: finished(panel, galaxy), timeout=60_000)
    shares = [float(text.split()[-1]) for text in panel.bars.texts]
    assert sum(shares) == pytest.approx(1, abs=0.02)
    assert panel.truth.text() == "Label: edge-on"
    assert "ompleteness error" in panel.maps["integrated-gradients"].note.text()
    assert panel.maps["occlusion"].explanation.map.shape == (24, 24)


def test_only_the_newest_galaxy_is_explained(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert session_with_run.cutouts is not None
    for row in range(8):
        session_with_run.set_current(row)
        qtbot.wait(10)
    qtbot.waitUntil(lambda: finished(panel, session_with_run.cutouts.ids[7]), timeout=60_000)
    qtbot.wait(300)
    assert finished(panel, session_with_run.cutouts.ids[7])


def test_another_class_can_be_asked_for(qtbot: QtBot, session_with_run: Session) -> None:
    session_with_run.set_current(0)
    panel = shown(qtbot, session_with_run)
    assert session_with_run.cutouts is not None
    qtbot.waitUntil(lambda: finished(panel, session_with_run.cutouts.ids[0]), timeout=60_000)
    predicted = panel.maps["occlusion"].explanation.target_name
    other = next(name for name in ("round", "edge-on") if name != predicted)
    place = panel.outputs.findText(other)
    panel.outputs.setCurrentIndex(place)
    panel.outputs.activated.emit(place)
    qtbot.waitUntil(
        lambda: all(v.explanation is not None and v.explanation.target_name == other for v in panel.maps.values()),
        timeout=30_000,
    )


def test_the_maps_are_saved_as_fits_and_pictures(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_with_run.set_current(0)
    panel = shown(qtbot, session_with_run)
    assert session_with_run.cutouts is not None
    qtbot.waitUntil(lambda: finished(panel, session_with_run.cutouts.ids[0]), timeout=60_000)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(tmp_path))
    with qtbot.waitSignal(session_with_run.message, timeout=30_000):
        qtbot.mouseClick(panel.save, Qt.MouseButton.LeftButton)
    maps = sorted(tmp_path.glob("*.fits"))
    assert len(maps) == 2
    assert len(list(tmp_path.glob("*.png"))) == 2
    assert any(np.array_equal(fits.getdata(path), panel.maps["occlusion"].explanation.map) for path in maps)


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
