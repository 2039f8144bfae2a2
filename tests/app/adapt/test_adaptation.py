"""The Adapt room: a trained network, another survey, and how the two fit."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.adapt.adaptation import AdaptationPanel
from app.session.session import Session


def opened(qtbot: QtBot, session: Session) -> AdaptationPanel:
    panel = AdaptationPanel(session)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def test_without_a_network_it_says_where_one_comes_from(qtbot: QtBot, session: Session) -> None:
    panel = opened(qtbot, session)
    assert panel.empty is not None and panel.empty.isVisible()
    assert panel.empty.title.text() == "No network to adapt"


def test_the_run_that_is_looked_at_is_compared_with_the_open_dataset(qtbot: QtBot, session_with_run: Session) -> None:
    panel = opened(qtbot, session_with_run)
    assert panel.network.path == session_with_run.predictor_path
    qtbot.waitUntil(lambda: bool(panel.match.text()), timeout=20_000)
    assert panel.match.text() == "Bands, size and pixel scale are those of the training."
