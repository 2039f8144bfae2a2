import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.studies.space_form import SpaceForm
from core.studies import search_space
from core.train.settings import RunSettings


def shown(qtbot: QtBot) -> SpaceForm:
    form = SpaceForm(RunSettings())
    qtbot.addWidget(form)
    form.show()
    return form


@pytest.mark.parametrize(
    "text",
    [
        "network.depth=2:5",
        "network.depth=3,5",
        "network.activation=relu,gelu",
        "augmentation.horizontal_flip=False,True",
        "optimiser.learning_rate=0.001:0.01:log",
        "optimiser.learning_rate=0.001:0.01:linear",
        "stopping.min_delta=0:0.5",
    ],
)
def test_a_space_survives_the_form(qtbot: QtBot, text: str) -> None:
    form = shown(qtbot)
    form.set_texts((text,))
    assert search_space.parse_space(form.texts(), RunSettings()) == search_space.parse_space((text,), RunSettings())
    assert not form.problem


def test_every_knob_can_be_ticked_and_has_an_editor(qtbot: QtBot) -> None:
    form = shown(qtbot)
    for name in search_space.searchable_knobs():
        form.set_texts(("network.channels" if name == "network.depth" else "network.depth",))
        form.tick(name).click()
        assert name in [axis.name for axis in search_space.parse_space(form.texts(), RunSettings())]
        assert form.editor(name).isVisible()


def test_a_knob_without_effect_is_hidden_until_the_other_one_is_searched(qtbot: QtBot) -> None:
    form = shown(qtbot)
    form.all_settings.setChecked(True)
    assert not form.tick("optimiser.momentum").isVisible()  # AdamW has none
    form.tick("optimiser.method").click()
    assert form.tick("optimiser.momentum").isVisible()


def test_what_is_not_searched_shows_the_value_of_all_trials(qtbot: QtBot) -> None:
    form = shown(qtbot)
    base = RunSettings.model_validate({"optimiser": {"batch_size": 48}})
    form.set_base(base)
    assert "48 galaxies" in [label.text() for label in form.findChildren(QLabel)]


def test_nothing_ticked_is_a_problem_that_is_told(qtbot: QtBot) -> None:
    form = shown(qtbot)
    for text in form.texts():
        form.tick(text.partition("=")[0]).click()
    assert form.texts() == ()
    assert "Tick" in form.problem
    assert form.error.isVisible()
