"""The Dreams panel on small networks: classes, quantities and layers, live growth, stopping and saving."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.explain.dreams import DreamsPanel
from app.session.session import Session
from app.widgets.inputs import NumberInput
from core.events import result_of
from core.explain.dream import Dream
from core.explain.settings import ClassDreamSettings, DeepDreamSettings
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop
from core.train.settings import RunSettings


@pytest.fixture(scope="module")
def measured(trained: Path, galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run that tells the axis ratio."""
    folder = tmp_path_factory.mktemp("measured") / "project"
    shutil.copytree(trained, folder)
    project = Project.open_or_create(folder, "measured")
    try:
        settings = toml.load(RunSettings, next(iter(project.runs())).settings_file)
        data = settings.data.model_copy(update={"labels": ("axis_ratio",)})
        longer = settings.optimiser.model_copy(update={"epochs": 12})
        settings = settings.model_copy(update={"data": data, "optimiser": longer})
        result_of(loop.run(settings, galaxies, project.new_run("axis ratio"), threading.Event()))
    finally:
        project.close()
    return folder


@pytest.fixture
def session_of_ratios(measured: Path, galaxies: Path, tmp_path: Path) -> Iterator[Session]:
    """A session that looks at the run that tells the axis ratio."""
    shutil.copytree(measured, tmp_path / "copy")
    opened = Session()
    opened.open_project(tmp_path / "copy")
    opened.open_cutouts(galaxies)
    assert opened.project is not None
    opened.open_run(next(run for run in opened.project.runs() if run.title == "axis ratio"))
    yield opened
    opened.close()


def shown(qtbot: QtBot, session: Session) -> DreamsPanel:
    """The panel with what its network can dream of."""
    panel = DreamsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1100, 700)
    panel.show()
    qtbot.waitUntil(lambda: panel.subject.count() > 0, timeout=30_000)
    return panel


def choose(panel: DreamsPanel, subject: str) -> None:
    place = panel.subject.findText(subject, Qt.MatchFlag.MatchStartsWith)
    assert place >= 0
    panel.subject.setCurrentIndex(place)


def number(panel: DreamsPanel, name: str) -> NumberInput:
    """The input of a field of the form that is seen."""
    field = next(widget for widget in panel.findChildren(QWidget, name) if widget.isVisible() or _is_open(widget))
    found = field.parentWidget()
    assert isinstance(found, NumberInput)
    return found


def _is_open(field: QWidget) -> bool:
    """Whether its input is seen, though the field itself is not, as long as it is left to the program."""
    parent = field.parentWidget()
    return parent is not None and parent.isVisible()


def give(panel: DreamsPanel, name: str, value: float) -> None:
    """Type a number into the form that is seen."""
    typed = number(panel, name)
    if typed.automatic is not None:
        typed.automatic.setChecked(False)
    typed.field.setValue(value)  # pyright: ignore[reportArgumentType]


def loosen(panel: DreamsPanel) -> None:
    """Let pixels get darker than the sky: a network that was trained for a second looks for that too."""
    for form in panel.forms.values():
        form.set_value(form.value().model_copy(update={"galaxy_range": False}))


def dream(qtbot: QtBot, panel: DreamsPanel) -> Dream:
    """What has grown after a click on Start."""
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.start.isEnabled() and panel.dream is not None, timeout=60_000)
    assert panel.dream is not None
    return panel.dream


def is_picture(view: QWidget) -> bool:
    """Whether something other than one colour is seen in the middle."""
    middle = view.grab().toImage().copy(view.width() // 4, view.height() // 4, view.width() // 2, view.height() // 2)
    seen = {middle.pixel(x, y) for x in range(0, middle.width(), 5) for y in range(0, middle.height(), 5)}
    return len(seen) > 5


@pytest.mark.slow
def test_a_class_is_dreamt_of_and_grows_before_ones_eyes(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    choose(panel, "edge-on")
    loosen(panel)
    give(panel, "steps", 400)
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert not panel.start.isEnabled()
    seen = set[int]()

    def is_over() -> bool:
        seen.add(len(panel.view.curve.values))
        return panel.start.isEnabled()

    qtbot.waitUntil(is_over, timeout=60_000)
    assert len(seen - {0, 400}) >= 2  # previews
    made = panel.dream
    assert made is not None
    assert (made.method, made.target_name) == ("dream", "edge-on")
    assert np.array_equal(panel.view.curve.values, made.curve)
    assert len(made.curve) == 400
    assert made.curve[-40:].mean() > made.curve[:10].mean() + 1
    assert made.probability_after is not None
    assert made.probability_before is not None
    assert made.probability_after > max(0.9, made.probability_before)
    assert panel.view.after_note.text() == f"edge-on: p = {made.probability_after:.3f}"


def test_what_it_begins_with_is_called_by_its_name(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert session_with_run.dataset.cutouts is not None
    assert (panel.view.before_title.text(), panel.view.before_note.text()) == (
        "Galaxy",
        session_with_run.dataset.cutouts.ids[0],
    )
    assert is_picture(panel.view.before)
    assert not is_picture(panel.view.after)
    for start, title in (("noise", "Start: noise"), ("empty", "Start: empty sky"), ("galaxy", "Start: galaxy")):
        panel.forms["class"].set_value(ClassDreamSettings.model_validate({"start": start, "steps": 2}))
        dream(qtbot, panel)
        assert panel.view.before_title.text() == title
    choose(panel, "activation1")
    panel.forms["layer"].set_value(DeepDreamSettings(steps=2, octaves=1))
    dream(qtbot, panel)
    assert panel.view.before_title.text() == "Start: galaxy"


@pytest.mark.slow
def test_a_wished_value_is_reached(qtbot: QtBot, session_of_ratios: Session) -> None:
    panel = shown(qtbot, session_of_ratios)
    assert panel.subject.currentText() == "axis_ratio"
    loosen(panel)
    give(panel, "wished", 0.5)
    give(panel, "steps", 150)
    made = dream(qtbot, panel)
    assert made.settings.wished == 0.5  # pyright: ignore[reportAttributeAccessIssue]
    assert made.score_after == pytest.approx(0.5, abs=0.02)
    assert made.score_after != pytest.approx(made.score_before, abs=0.05)
    give(panel, "wished", 0.8)
    made = dream(qtbot, panel)
    assert made.score_after == pytest.approx(0.8, abs=0.02)
    low, high = panel.view.curve.value_range
    assert low < made.curve.min() < 0.8 < high


def test_a_class_has_no_wished_value(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert not any(_is_open(field) for field in panel.findChildren(QWidget, "wished"))


@pytest.mark.slow
def test_a_layer_is_amplified_in_the_galaxy(qtbot: QtBot, session_with_run: Session) -> None:
    session_with_run.set_current(5)
    panel = shown(qtbot, session_with_run)
    assert session_with_run.dataset.cutouts is not None
    choose(panel, "activation2")
    assert panel.subject.currentText().endswith(" filters")
    loosen(panel)
    give(panel, "octaves", 2)
    give(panel, "steps", 20)
    made = dream(qtbot, panel)
    assert (made.method, made.target_name, made.galaxy_id) == (
        "deep dream",
        "activation2",
        session_with_run.dataset.cutouts.ids[5],
    )
    assert np.array_equal(made.start, session_with_run.dataset.cutouts.images[5])
    assert not np.array_equal(made.image, made.start)
    assert len(made.curve) == 2 * 20
    finest = made.curve[20:]
    assert finest[-5:].mean() > 1.3 * finest[0]
    assert is_picture(panel.view.after)
    give(panel, "filter", 2)
    assert dream(qtbot, panel).target_name == "activation2, filter 2"


def test_a_filter_that_is_not_there_is_told_and_another_dream_can_follow(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    choose(panel, "activation2")
    give(panel, "steps", 2)
    give(panel, "filter", 5000)
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.start.isEnabled(), timeout=30_000)
    assert "no filter 5000" in panel.state.text()
    assert panel.dream is None
    assert is_picture(panel.view.before)
    give(panel, "filter", 1)
    dream(qtbot, panel)


def test_stopping_keeps_the_image_as_it_is(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    give(panel, "steps", 10_000)
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.dream is not None, timeout=30_000)
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.start.isEnabled(), timeout=30_000)
    assert panel.dream is not None
    assert 0 < len(panel.dream.curve) < 10_000
    assert np.array_equal(panel.view.curve.values, panel.dream.curve)
    assert panel.save.isEnabled()
    give(panel, "steps", 3)
    assert len(dream(qtbot, panel).curve) == 3


def test_stopping_before_anything_is_seen_brings_the_galaxy_back(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    panel.forms["class"].set_value(ClassDreamSettings(steps=10_000))
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.start.isEnabled(), timeout=30_000)
    assert panel.dream is None
    assert panel.view.before_title.text() == "Galaxy"
    assert not panel.save.isEnabled()


def test_closing_the_panel_ends_the_dream(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    give(panel, "steps", 10_000)
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.dream is not None, timeout=30_000)
    panel.close()
    assert not session_with_run.activity.jobs


def test_a_dream_is_saved_as_picture_and_fits(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    assert not panel.save.isEnabled()
    give(panel, "steps", 10)
    made = dream(qtbot, panel)
    session_with_run.set_current(9)  # the dream is still that of the first galaxy
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(tmp_path / "J12+05.6"), "Picture and FITS")
    )
    with qtbot.waitSignal(session_with_run.message, timeout=30_000):
        qtbot.mouseClick(panel.save, Qt.MouseButton.LeftButton)
    path = tmp_path / "J12+05.6.fits"
    assert fits.getheader(path)["OBJECT"] == made.galaxy_id == "G0-0000"
    for name, wanted in (("PRIMARY", made.image), ("START", made.start), ("CURVE", made.curve)):
        assert np.array_equal(np.asarray(fits.getdata(path, name)).reshape(wanted.shape), wanted)
    with Image.open(tmp_path / "J12+05.6.png") as picture:
        assert picture.width > 500


def test_another_network_begins_anew(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    give(panel, "steps", 10_000)
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.dream is not None, timeout=30_000)
    assert session.run is not None
    folder = session.run.path.with_name("another")
    shutil.copytree(session.run.path, folder)
    session.open_run(RunFolder(folder))
    assert panel.dream is None
    qtbot.waitUntil(lambda: not session.activity.jobs and panel.subject.count() > 0, timeout=30_000)
    wait_for_all_work(qtbot)
    assert panel.dream is None  # nothing that was still under way has come
    assert panel.view.before_title.text() == "Galaxy"
    assert len(panel.view.curve.values) == 0
    assert panel.start.isEnabled()


def test_nothing_is_asked_while_nobody_looks(qtbot: QtBot, session_with_run: Session) -> None:
    panel = DreamsPanel(session_with_run)
    qtbot.addWidget(panel)
    session_with_run.set_current(7)
    wait_for_all_work(qtbot)
    assert panel.subject.count() == 0
    panel.show()
    qtbot.waitUntil(lambda: panel.subject.count() > 0, timeout=30_000)
    assert session_with_run.dataset.cutouts is not None
    assert panel.view.before_note.text() == session_with_run.dataset.cutouts.ids[7]


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = DreamsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    assert panel.empty.title.text() == "No network yet"
    session.close_cutouts()
    assert panel.empty.text.text() == "Open a dataset and train a network first."
