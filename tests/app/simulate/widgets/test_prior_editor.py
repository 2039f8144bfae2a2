"""A prior is changed where it stands, shows its density, and says in place what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.simulate.widgets.prior_editor import PriorEditor, summarise
from app.simulate.widgets.section_form import SectionForm
from app.widgets.inputs import DecimalSpin
from core.settings.declare import knobs
from core.simulate.galaxy_settings import GalaxySettings
from core.simulate.priors import MagnitudePrior, RadiusPrior


def type_into(qtbot: QtBot, field: object, text: str) -> None:
    assert isinstance(field, DecimalSpin)
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def choose(qtbot: QtBot, box: object, text: str) -> None:
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


@pytest.fixture
def editor(qtbot: QtBot) -> PriorEditor:
    made = PriorEditor(knobs(GalaxySettings)["magnitude"], MagnitudePrior())
    qtbot.addWidget(made)
    made.resize(380, 400)
    made.show()
    return made


def test_a_line_says_what_a_prior_is_and_opens_its_form_by_a_click(qtbot: QtBot, editor: PriorEditor) -> None:
    assert editor.summary.text() == "uniform, 18 – 24 mag"
    assert editor.form is None
    qtbot.mouseClick(editor.button, Qt.MouseButton.LeftButton)
    assert editor.form is not None and editor.form.isVisible() and editor.large.isVisible()
    qtbot.mouseClick(editor.button, Qt.MouseButton.LeftButton)
    assert not editor.form.isVisible()


def test_another_limit_and_another_kind_change_the_prior_and_the_plot_of_its_density(
    qtbot: QtBot, editor: PriorEditor
) -> None:
    qtbot.mouseClick(editor.button, Qt.MouseButton.LeftButton)
    assert editor.form is not None
    with qtbot.waitSignal(editor.changed):
        type_into(qtbot, editor.form.editor("high"), "22")
    assert editor.value == MagnitudePrior(high=22)
    assert (editor.large.values[0], editor.large.values[-1]) == (18, 22)
    np.testing.assert_allclose(editor.large.heights, 1)
    choose(qtbot, editor.form.editor("kind"), "power law")
    type_into(qtbot, editor.form.editor("slope"), "0.6")
    assert editor.value == MagnitudePrior(high=22, kind="power law", slope=0.6)
    np.testing.assert_allclose(editor.small.heights, 10 ** (0.6 * (editor.small.values - 22)))
    assert editor.summary.text() == "power law, 18 – 22 mag"


def test_limits_in_the_wrong_order_are_said_in_place_and_change_nothing(qtbot: QtBot, editor: PriorEditor) -> None:
    qtbot.mouseClick(editor.button, Qt.MouseButton.LeftButton)
    assert editor.form is not None
    with qtbot.assertNotEmitted(editor.changed):
        type_into(qtbot, editor.form.editor("high"), "17")
    assert "smaller than the highest" in editor.problem
    assert editor.value == MagnitudePrior()
    type_into(qtbot, editor.form.editor("high"), "20")
    assert editor.problem == "" and editor.value == MagnitudePrior(high=20)


def test_the_density_of_a_prior_from_a_catalogue_is_asked_for_and_shown_when_it_comes(qtbot: QtBot) -> None:
    prior = MagnitudePrior(kind="column", table="cosmos.fits", column="i_mag")
    editor = PriorEditor(knobs(GalaxySettings)["magnitude"], prior)
    qtbot.addWidget(editor)
    with qtbot.waitSignal(editor.density_wanted) as asked:
        editor.request_density()
    assert asked.args == [prior]
    assert len(editor.small.values) == 0
    editor.set_density(np.array([18.0, 20, 22]), np.array([0.0, 0.2, 0.4]))
    np.testing.assert_allclose(editor.small.heights, [0, 0.5, 1])
    assert editor.summary.text() == "as i_mag of cosmos.fits, 18 – 24 mag"


def test_every_kind_of_prior_is_told_in_a_few_words() -> None:
    assert summarise(RadiusPrior(low=1, high=20)) == "log-uniform, 1 – 20 pixels"
    assert summarise(RadiusPrior(kind="normal", typical=3, unit="arcsec")) == "3 ± 0.2 dex, 1 – 20 arcsec"
    assert summarise(RadiusPrior(kind="tied", tied_to="bulge_radius", pivot=2)) == "tied to bulge radius, 1 – 20 pixels"


@pytest.fixture
def section(qtbot: QtBot) -> SectionForm:
    made = SectionForm(GalaxySettings())
    qtbot.addWidget(made)
    made.resize(380, 700)
    made.show()
    return made


def test_only_the_priors_of_the_chosen_kind_of_galaxies_are_shown(qtbot: QtBot, section: SectionForm) -> None:
    def shown() -> list[str]:
        return [name for name, editor in section.priors.items() if editor.isVisible()]

    assert set(shown()) == set(GalaxySettings().parameters)
    with qtbot.waitSignal(section.changed) as changed:
        choose(qtbot, section.form.editor("kind"), "single Sérsic")
    assert changed.args == [GalaxySettings(kind="single Sérsic")]
    assert set(shown()) == set(GalaxySettings(kind="single Sérsic").parameters)


def test_a_prior_that_does_not_fit_the_others_is_said_and_keeps_the_last_valid_ones(
    qtbot: QtBot, section: SectionForm
) -> None:
    disk = section.priors["disk_radius"]
    qtbot.mouseClick(disk.button, Qt.MouseButton.LeftButton)
    assert disk.form is not None
    choose(qtbot, disk.form.editor("kind"), "tied")
    assert section.value.disk_radius.tied_to == "magnitude" and section.problem == ""
    type_into(qtbot, disk.form.editor("pivot"), "3")
    with qtbot.assertNotEmitted(section.changed):
        choose(qtbot, disk.form.editor("tied_to"), "sersic_index")
    assert "sersic_index" in section.problem and section.error.isVisible()
    assert section.value.disk_radius.tied_to == "magnitude"
    choose(qtbot, disk.form.editor("tied_to"), "bulge_radius")
    assert section.problem == "" and not section.error.isVisible()
    assert section.value.disk_radius.tied_to == "bulge_radius"
