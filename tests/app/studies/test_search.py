from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.studies.search import SearchPanel
from app.studies.studies import StudiesPanel
from app.studies.widgets.axis_inputs import ChoicesEditor, RangeEditor
from core.studies.search_space import searchable_knobs
from core.studies.settings import SearchSettings

RATE = "optimiser.learning_rate"


def shown(qtbot: QtBot, session: Session) -> SearchPanel:
    panel = SearchPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 760)
    panel.show()
    return panel


def click(qtbot: QtBot, widget: object) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def tick(qtbot: QtBot, panel: SearchPanel, name: str) -> None:
    box = panel.space.tick(name)
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


def prepare(qtbot: QtBot, panel: SearchPanel, **wish: object) -> None:
    """Search the learning rate only, in very short trials."""
    for text in SearchSettings().space:
        if not text.startswith(RATE):
            tick(qtbot, panel, text.partition("=")[0])
    few = {"coarse": 2, "coarse_epochs": 1, "fine": 1, "fine_epochs": 2, "pruner": "none", **wish}
    panel.form.set_value(SearchSettings.model_validate(few))


def searched(qtbot: QtBot, session: Session, panel: SearchPanel) -> None:
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: session.activity.studying is None and panel.best.text().startswith("Best:"), timeout=60_000)


def test_a_search_by_clicks_finds_settings_that_one_click_puts_on_the_forms(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session)
    prepare(qtbot, panel)
    assert panel.space.texts() == (f"{RATE}=0.0001:0.1:log",)
    assert not panel.use.isEnabled()
    panel.name.setText("rates")
    searched(qtbot, session, panel)

    has_error = " ± " in panel.best.text()
    assert has_error != ("Its error is unknown" in panel.more.text()), "a score has its error, or a sentence why not"
    assert panel.plot.axes == ["Learning rate", "Score"]
    assert [line.wide for line in panel.plot.lines] == [False, False, True]
    assert sorted(line.dashed for line in panel.plot.lines) == [False, True, True]
    assert panel.trials.model().rowCount() == 3
    assert session.study is not None
    assert session.study.parent.name == "studies"
    assert (session.study / "trials.csv").exists()

    names = [panel.trials.text(row, 0) for row in range(3)]
    assert names == ["coarse 0", "coarse 1", "fine 0"]
    best = panel.best.text().split(",")[0].removeprefix("Best: ")
    click(qtbot, panel.use)
    rate = float(panel.trials.text(names.index(best), 4))
    assert session.draft.settings.optimiser.learning_rate == pytest.approx(rate, rel=0.01)
    assert session.draft.settings.optimiser.epochs == 2
    assert panel.start.text() == "Go on"

    picked = panel.plot.place("coarse 1", 1).toPoint()
    qtbot.mouseClick(panel.plot, Qt.MouseButton.LeftButton, pos=picked)
    assert panel.plot.marked == panel.trials.selected
    panel.trials.select("coarse 1")
    click(qtbot, panel.open_run)
    assert session.run is not None
    assert session.run.name == "coarse-0001"

    figure = tmp_path / "figure.svg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(figure), "SVG (*.svg)"))
    click(qtbot, panel.figure)
    qtbot.waitUntil(figure.exists, timeout=30_000)


@pytest.mark.slow
def test_a_search_that_was_stopped_is_opened_again_and_goes_on(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    studies = StudiesPanel(session)
    qtbot.addWidget(studies)
    studies.show()
    assert studies.empty.isVisible()
    prepare(qtbot, panel, coarse=30, fine=0)
    click(qtbot, panel.start)
    assert not panel.space.isEnabled()
    qtbot.waitUntil(lambda: panel.trials.model().rowCount() >= 1, timeout=60_000)
    click(qtbot, panel.stop)
    qtbot.waitUntil(lambda: session.activity.studying is None, timeout=60_000)
    done = len(panel.plot.lines)
    assert 1 <= done < 30
    assert "still to be done" in panel.more.text()

    click(qtbot, panel.fresh)
    assert session.study is None
    assert not panel.plot.lines
    assert panel.space.isEnabled()

    def told() -> str:
        item = studies.list.topLevelItem(0)
        return "" if item is None else item.text(1)

    qtbot.waitUntil(lambda: told() == f"{done} trials", timeout=10_000)
    assert studies.list.topLevelItemCount() == 1
    item = studies.list.topLevelItem(0)
    assert item is not None
    place = studies.list.visualItemRect(item).center()
    qtbot.mouseClick(studies.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(panel.start.isEnabled, timeout=30_000)
    assert len(panel.plot.lines) == done
    assert panel.form.value().coarse == 30
    assert not panel.space.isEnabled()

    panel.form.set_value(panel.form.value().model_copy(update={"coarse": done + 1}))
    searched(qtbot, session, panel)
    assert len(panel.plot.lines) == done + 1


def test_knobs_are_ticked_on_the_form_with_ranges_and_choices_of_the_declaration(
    qtbot: QtBot, session: Session
) -> None:
    panel = shown(qtbot, session)
    form = panel.space
    assert {text.partition("=")[0] for text in form.texts()} == {
        text.partition("=")[0] for text in SearchSettings().space
    }
    assert not form.tick("network.activation").isVisible()
    qtbot.keyClicks(form.search_text, "activation")
    assert form.tick("network.activation").isVisible()
    tick(qtbot, panel, "network.activation")
    choices = form.editor("network.activation")
    assert isinstance(choices, ChoicesEditor)
    for choice in ("leaky relu", "prelu"):
        click(qtbot, choices.boxes[choice])
    assert "network.activation=relu,gelu" in form.texts()
    assert "Activation" in panel.plot.axes
    editor = form.editor("network.depth")
    assert isinstance(editor, RangeEditor)
    editor.high.setValue(2)
    assert "Depth" in form.problem
    assert not panel.start.isEnabled()
    editor.high.setValue(4)
    assert panel.start.isEnabled()
    assert set(searchable_knobs()) >= {text.partition("=")[0] for text in form.texts()}


def test_without_a_dataset_it_says_what_it_is_for(qtbot: QtBot) -> None:
    session = Session()
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
    session.close()


def test_it_says_that_the_test_part_is_not_read(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert "No trial reads the test part" in panel.unseen.text()
