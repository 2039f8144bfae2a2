"""What the views of the inside of a network show: responses, dreams, their growth, and how far a job is."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.explain.widgets.dream_view import DreamView
from app.explain.widgets.growth_plot import GrowthPlot
from app.explain.widgets.response_view import ResponseView
from app.jobs.job import Job
from app.widgets.responsive_split import ResponsiveSplit
from app.widgets.split_form import SplitForm
from app.widgets.state_line import StateLine
from core.events import Progress
from core.explain.dream import Dream
from core.explain.settings import ClassDreamSettings, DeepDreamSettings


def test_maps_of_strength_begin_at_zero_and_others_are_centred_on_it(qtbot: QtBot) -> None:
    view = ResponseView()
    qtbot.addWidget(view)
    maps = np.linspace(1, 4, 2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3)
    view.show_responses(maps, "Responses to G1")
    assert view.bar.limits == (0, 4)
    view.show_responses(maps - 6, "Responses to G1")
    assert view.bar.limits == (-5, 5)
    view.show_responses(np.zeros((2, 3, 3), np.float32), "Responses to G2")
    assert view.bar.limits == (0, 1)
    assert view.maps.count == 2
    view.clear()
    assert view.maps.count == 0


def test_a_map_that_was_clicked_is_told(qtbot: QtBot) -> None:
    view = ResponseView()
    qtbot.addWidget(view)
    view.resize(300, 500)
    view.show_responses(np.ones((6, 4, 4), np.float32), "")
    view.show()
    with qtbot.waitSignal(view.clicked) as told:
        qtbot.mouseClick(view.maps, Qt.MouseButton.LeftButton, pos=view.maps.place_rect(4).center())
    assert told.args == [4]


def test_without_a_step_there_is_a_sentence_and_no_axis(qtbot: QtBot) -> None:
    plot = GrowthPlot()
    qtbot.addWidget(plot)
    plot.show()
    sentence = next(label for label in plot.findChildren(QLabel) if label.text())
    assert sentence.isVisible()
    plot.begin("Score of spiral", 20, None)
    assert sentence.isVisible()
    plot.set_values(np.array([1.0, 3.0, 2.0]))
    assert not sentence.isVisible()
    assert plot.title.text() == "Score of spiral"
    assert plot.values.tolist() == [1, 3, 2]
    low, high = plot.value_range
    assert low < 1 < 3 < high
    plot.begin("Score of spiral", 20, None)
    assert sentence.isVisible()


def test_the_wished_value_is_always_in_view(qtbot: QtBot) -> None:
    plot = GrowthPlot()
    qtbot.addWidget(plot)
    plot.begin("axis_ratio", 20, -4.0)
    plot.set_values(np.array([1.0, np.nan, 2.0]))
    low, high = plot.value_range
    assert low < -4 < 2 < high
    plot.begin("axis_ratio", 20, None)
    plot.set_values(np.array([1.0, 2.0]))
    assert plot.value_range[0] > 0


def grown(**changes: object) -> Dream:
    values: dict[str, object] = {
        "galaxy_id": "G1",
        "method": "dream",
        "target_name": "spiral",
        "image": np.ones((1, 8, 8), np.float32),
        "start": np.zeros((1, 8, 8), np.float32),
        "curve": np.array([1.0, 2.0]),
        "settings": ClassDreamSettings(),
        "output_name": "spiral",
        "score_before": -1.0,
        "score_after": 2.5,
        "probability_before": 0.2,
        "probability_after": 0.93,
    }
    return Dream(**(values | changes))  # pyright: ignore[reportArgumentType]


def test_a_dream_is_told_by_its_probability_or_by_its_value(qtbot: QtBot) -> None:
    view = DreamView()
    qtbot.addWidget(view)
    view.show_dream(grown())
    assert (view.before_note.text(), view.after_note.text()) == ("spiral: p = 0.200", "spiral: p = 0.930")
    assert view.before_title.text() == "Start: noise"
    of_number = {"probability_before": None, "probability_after": None, "output_name": "radius", "unit": "arcsec"}
    view.show_dream(grown(**of_number, settings=DeepDreamSettings()))
    assert (view.before_note.text(), view.after_note.text()) == ("radius: −1 arcsec", "radius: 2.5 arcsec")
    assert view.before_title.text() == "Start: galaxy"
    view.show_galaxy(np.zeros((1, 8, 8), np.float32), "G1")
    assert (view.before_title.text(), view.before_note.text(), view.after_note.text()) == ("Galaxy", "G1", "")
    assert len(view.curve.values) == 0


def test_the_line_tells_progress_and_nothing_of_what_was_stopped(qtbot: QtBot) -> None:
    line, job = StateLine(), Job("Looking", lambda _stop: iter(()))  # pyright: ignore[reportArgumentType]
    qtbot.addWidget(line)
    line.follow(job)
    job.happened.emit([Progress(1200, 15000, "galaxies"), Progress(2, 3, "")])
    assert line.text() == "1,200 of 15,000 galaxies"
    job.happened.emit([Progress(0, None, "map")])
    assert line.text() == "Working…"
    job.stopped.emit()
    assert line.text() == ""


def test_a_split_form_gives_what_stands_open_and_what_is_folded(qtbot: QtBot) -> None:
    form = SplitForm(ClassDreamSettings, ("start", "steps"), "How it grows", ("wished",))
    qtbot.addWidget(form)
    form.show()
    qtbot.waitUntil(lambda: form.open.editor("start").isVisible())
    assert form.open.editor("start").mapTo(form, QPoint()).y() < form.open.editor("steps").mapTo(form, QPoint()).y()
    form.set_value(ClassDreamSettings(steps=12, blur=2.0, wished=3.0))
    assert form.value() == ClassDreamSettings(steps=12, blur=2.0, wished=3.0)
    start = form.open.editor("start")
    assert isinstance(start, QComboBox)
    start.setCurrentText("galaxy")
    start.activated.emit(start.currentIndex())
    assert form.value() == ClassDreamSettings(start="galaxy", steps=12, blur=2.0, wished=3.0)
    assert not form.problem


@pytest.mark.parametrize(("width", "way"), [(700, Qt.Orientation.Horizontal), (500, Qt.Orientation.Vertical)])
def test_two_sides_turn_when_it_gets_narrow(qtbot: QtBot, width: int, way: Qt.Orientation) -> None:
    first, second = QWidget(), QWidget()
    sides = ResponsiveSplit(first, second, 620, (200, 500), (300, 300))
    qtbot.addWidget(sides)
    sides.resize(1200 - width, 600)
    sides.show()
    sides.resize(width, 600)
    qtbot.waitUntil(lambda: sides.orientation() == way)
    assert (first.height() == sides.height()) == (way == Qt.Orientation.Horizontal)
