"""Forms: every settings model goes in and comes out unchanged; what is wrong is said at its field."""

from __future__ import annotations

import types
import typing

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QLabel, QSlider, QWidget

from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from core.data.settings import DataSettings, ImportSettings
from core.data.stretch import StretchSettings
from core.explain.settings import GradientSettings, OcclusionSettings
from core.nets.settings import LossSettings, NetworkSettings
from core.settings.declare import Knob, Settings, knobs
from core.train.settings import (
    AugmentationSettings,
    OptimiserSettings,
    RunSettings,
    StoppingSettings,
    TransferSettings,
)

MODELS = [
    AugmentationSettings,
    DataSettings,
    GradientSettings,
    ImportSettings,
    LossSettings,
    NetworkSettings,
    OcclusionSettings,
    OptimiserSettings,
    StoppingSettings,
    StretchSettings,
    TransferSettings,
    RunSettings,
]
WORDS = st.text("abcXYZ019_-. ", max_size=12).map(str.strip)


def values(knob: Knob) -> st.SearchStrategy:
    """Valid values of one knob, as many digits as a person types."""
    annotation = knob.annotation
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        inner = next(kind for kind in typing.get_args(annotation) if kind is not type(None))
        return st.none() | plain(knob, inner)
    return plain(knob, annotation)


def plain(knob: Knob, annotation) -> st.SearchStrategy:
    if typing.get_origin(annotation) is typing.Literal:
        return st.sampled_from(typing.get_args(annotation))
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        low, high = knob.low if knob.low is not None else -(10**6), knob.high if knob.high is not None else 10**6
        return st.integers(int(low), int(high))
    if annotation is float:
        low, high = knob.low if knob.low is not None else -1e6, knob.high if knob.high is not None else 1e6
        numbers = st.floats(low, high, exclude_min=knob.low_is_open, exclude_max=knob.high_is_open)
        return numbers.map(lambda number: float(f"{number:.6g}")).filter(
            lambda number: (
                low <= number <= high
                and not (knob.low_is_open and number < low + 1e-6)
                and not (knob.high_is_open and number > high - 1e-6)
                and (number == 0 or abs(number) > 1e-6)
            )
        )
    if annotation is str:
        return WORDS
    if typing.get_origin(annotation) is tuple:
        return st.lists(WORDS.filter(bool), max_size=3).map(tuple)
    if typing.get_origin(annotation) is dict:
        return st.dictionaries(*2 * (st.text("ab,= ", max_size=5),), max_size=3)
    assert issubclass(annotation, Settings), annotation
    return models(annotation)


def models(model: type[Settings]) -> st.SearchStrategy:
    """Valid settings of a model."""
    fields = {name: values(knob) for name, knob in knobs(model).items()}

    def made(chosen):
        try:
            return model(**chosen)
        except ValidationError:
            assume(False)

    return st.fixed_dictionaries(fields).map(made)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_random_settings_go_in_and_come_out_unchanged(qapp, model):
    form, fresh = SettingsForm(model), SettingsForm(model)

    @hypothesis_settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(models(model))
    def in_and_out(settings):
        form.set_value(settings)
        assert form.value() == settings
        assert form.problem == ""
        # what the fields themselves hold, not what the form remembers
        typed = {name: row.input.value() for name, row in form._rows.items()}
        read = model(**{name: getattr(settings, name) for name in model.model_fields} | typed)
        for name in typed:
            assert getattr(read, name) == pytest.approx(getattr(settings, name)), name

    in_and_out()
    assert fresh.value() == model()
    form.deleteLater()
    fresh.deleteLater()


@pytest.fixture
def form(qtbot):
    form = SettingsForm(OptimiserSettings)
    qtbot.addWidget(form)
    form.show()
    return form


def typed(qtbot, editor, text):
    editor.setFocus()
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)


def test_a_typed_number_is_told_with_the_whole_settings(qtbot, form):
    with qtbot.waitSignal(form.changed) as told:
        typed(qtbot, form.editor("epochs"), "25")
    assert told.args == [OptimiserSettings(epochs=25)]


def test_a_number_can_be_typed_in_scientific_notation(qtbot, form):
    row = form._rows["learning_rate"]
    row.input.automatic.setChecked(False)
    typed(qtbot, form.editor("learning_rate"), "3e-4")
    assert form.value().learning_rate == pytest.approx(3e-4)
    row.input.automatic.setChecked(True)
    assert form.value().learning_rate is None


def test_a_slider_and_its_number_agree(qtbot, form):
    row, knob = form._rows["epochs"], knobs(OptimiserSettings)["epochs"]
    row.input.slider.setValue(row.input.slider.maximum())
    assert form.value().epochs == knob.high
    typed(qtbot, form.editor("epochs"), str(knob.low))
    assert row.input.slider.value() == 0


def test_pairs_of_names_are_typed_and_what_is_no_pair_is_told(qtbot):
    form = SettingsForm(TransferSettings, TransferSettings(start_from="earlier"))
    qtbot.addWidget(form)
    form.show()
    typed(qtbot, form.editor("class_map"), "ring = spiral, bar =")
    assert form.value().class_map == {"ring": "spiral", "bar": ""}
    assert form.problem == ""
    typed(qtbot, form.editor("class_map"), "ring, bar")
    assert "ring, bar" in form.problem
    assert form.value().class_map == {"ring": "spiral", "bar": ""}


def test_setting_a_value_says_nothing(qtbot, form):
    with qtbot.assertNotEmitted(form.changed):
        form.set_value(OptimiserSettings(epochs=3, method="sgd"))


def test_a_changed_field_offers_its_way_back(qtbot, form):
    row = form._rows["epochs"]
    assert not row.reset.isVisible()
    typed(qtbot, form.editor("epochs"), "7")
    assert row.reset.isVisible()
    row.reset.click()
    assert form.value() == OptimiserSettings()
    assert not row.reset.isVisible()


def test_what_does_not_go_together_is_said_and_not_told(qtbot):
    form = SettingsForm(OcclusionSettings)
    qtbot.addWidget(form)
    form.show()
    with qtbot.assertNotEmitted(form.changed):
        typed(qtbot, form.editor("stride"), "20")
    assert "stride" in form.problem
    assert form.value() == OcclusionSettings()
    shown = [label.text() for label in form.findChildren(QLabel) if label.isVisible()]
    assert form.problem in shown
    typed(qtbot, form.editor("stride"), "4")
    assert form.problem == ""
    assert form.value().stride == 4


def test_every_field_carries_its_help_and_its_unit(qtbot):
    form = SettingsForm(RunSettings)
    qtbot.addWidget(form)
    for part, knob in knobs(RunSettings).items():
        if isinstance(knob.annotation, type) and issubclass(knob.annotation, Settings):
            for name, inner in knobs(knob.annotation).items():
                editor = form.editor(f"{part}.{name}")
                assert inner.help in editor.toolTip(), name
                assert editor.accessibleName() == inner.title
                if inner.unit and hasattr(editor, "suffix"):
                    assert editor.suffix().strip() == inner.unit


def test_experts_fields_are_folded_away_at_first(qtbot, form):
    assert form.editor("epochs").isVisible()
    assert not form.editor("momentum").isVisible()


def test_excluded_fields_keep_their_value(qtbot):
    form = SettingsForm(OptimiserSettings, OptimiserSettings(momentum=0.5), exclude=("momentum",))
    qtbot.addWidget(form)
    with pytest.raises(KeyError):
        form.editor("momentum")
    typed(qtbot, form.editor("epochs"), "9")
    assert form.value() == OptimiserSettings(momentum=0.5, epochs=9)


def test_a_text_may_be_chosen_among_those_that_are_offered(qtbot) -> None:
    form = SettingsForm(OcclusionSettings)
    qtbot.addWidget(form)
    form.offer("layer", ["conv1", "conv2"])
    combo = form.editor("layer")
    assert [combo.itemText(place) for place in range(combo.count())] == ["–", "conv1", "conv2"]
    assert form.value().layer == ""
    with qtbot.waitSignal(form.changed):
        combo.setCurrentIndex(2)
        combo.activated.emit(2)
    assert form.value().layer == "conv2"
    form.offer("layer", ["conv2", "conv3"])
    assert form.value().layer == form.editor("layer").currentText() == "conv2"
    with qtbot.waitSignal(form.changed):
        form.offer("layer", ["conv7"])
    assert form.value().layer == ""


def test_fields_that_have_no_effect_are_hidden_until_they_have_one(qtbot, form):
    form.findChild(Fold).button.click()
    assert form.editor("lowest_share").isVisible()
    assert not form.editor("decay_every").isVisible()
    assert not form.editor("momentum").isVisible()
    decay = form.editor("decay")
    decay.setCurrentText("step")
    decay.activated.emit(decay.currentIndex())
    assert form.editor("decay_every").isVisible()
    assert not form.editor("lowest_share").isVisible()
    assert not form._rows["decay_every"].reset.isVisible()
    typed(qtbot, form.editor("decay_every"), "3")
    assert form._rows["decay_every"].reset.isVisible()
    form.set_value(OptimiserSettings(decay_every=3))
    assert not form.editor("decay_every").isVisible()
    assert not form._rows["decay_every"].reset.isVisible()


class Styled(QObject):
    """Notes the labels, numbers and switches that the style sheet is applied to; lists are always styled at once."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Polish and isinstance(watched, QLabel | QAbstractSpinBox | QCheckBox | QSlider):
            self.names.append(f"{type(watched).__name__} {watched.objectName()}")
        return False


@pytest.mark.parametrize("model", [OptimiserSettings, AugmentationSettings, NetworkSettings])
def test_nothing_of_a_form_is_styled_before_it_is_shown(qtbot, qapp: QApplication, model: type[Settings]) -> None:
    parent, styled = QWidget(), Styled()
    qtbot.addWidget(parent)
    qapp.installEventFilter(styled)
    form = SettingsForm(model, parent=parent)
    form.set_label_width(100)
    form.set_value(model())
    assert styled.names == []
    parent.show()
    qapp.removeEventFilter(styled)
    assert any(name.startswith("QLabel") for name in styled.names)
