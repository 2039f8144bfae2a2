"""A knob that was declared once can be asked for everything about it."""

from typing import Literal

import pytest
from pydantic import ValidationError

from core.errors import SettingsProblem
from core.settings.declare import Settings, ineffective_settings, knobs, setting
from core.settings.toml import apply_overrides


class Lens(Settings):
    """For the tests."""

    power: float = setting(
        2.0, title="Power", help="How strong.", unit="dioptre", gt=0, le=10, scale="log", level="expert", source="me"
    )
    shape: Literal["convex", "concave"] = setting("convex", title="Shape", help="Which way.")
    count: int | None = setting(None, title="Count", help="How many.", ge=1)


def test_a_knob_knows_what_was_declared():
    knob = knobs(Lens)["power"]
    assert (knob.name, knob.title, knob.help, knob.unit) == ("power", "Power", "How strong.", "dioptre")
    assert (knob.low, knob.high, knob.low_is_open, knob.high_is_open) == (0, 10, True, False)
    assert (knob.scale, knob.level, knob.source, knob.default) == ("log", "expert", "me", 2.0)
    assert knob.range == "0 < x ≤ 10"


def test_limits_that_are_missing_are_none():
    knob = knobs(Lens)["shape"]
    assert knob.low is None
    assert knob.high is None
    assert knob.range == ""
    assert knobs(Lens)["count"].low == 1


def test_knobs_keep_the_order_of_their_declaration():
    assert list(knobs(Lens)) == ["power", "shape", "count"]


@pytest.mark.parametrize("wrong", [{"power": 0}, {"power": 11}, {"shape": "flat"}, {"colour": "red"}, {"count": 0}])
def test_values_outside_the_declaration_are_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        Lens(**wrong)


def test_settings_are_frozen_and_compared_by_value():
    lens = Lens(power=3)
    assert lens == Lens(power=3) != Lens()
    assert hash(lens) == hash(Lens(power=3))
    with pytest.raises(ValidationError):
        lens.power = 4


def test_a_wrong_default_is_a_defect_and_found_at_once():
    class Wrong(Settings):
        power: float = setting(-1.0, title="Power", help="How strong.", gt=0)

    with pytest.raises(ValidationError):
        Wrong()


def test_a_choice_is_known_in_any_case_of_letters_and_kept_as_it_was_declared():
    class Chart(Settings):
        """A chart."""

        kind: Literal["PCA", "t-SNE"] = setting("PCA", title="Map", help="Which one.")
        title: str = setting("PCA", title="Caption", help="Above it.")

    assert Chart.model_validate({"kind": "t-sne", "title": "pca"}) == Chart(kind="t-SNE", title="pca")
    assert apply_overrides(Chart(), ["kind=T-SNE"]).kind == "t-SNE"
    with pytest.raises(SettingsProblem, match=r"umap.*PCA"):
        apply_overrides(Chart(), ["kind=umap"])


class Shutter(Settings):
    """For the tests."""

    mode: Literal["fixed", "timed"] = setting("fixed", title="Mode", help="How.")
    seconds: float = setting(1.0, title="Seconds", help="How long.", applies=("mode", {"timed"}))


class Camera(Settings):
    """For the tests."""

    shutter: Shutter = setting(Shutter(), title="Shutter", help="Which.")


def test_a_knob_that_depends_on_another_knows_when_it_has_an_effect():
    knob = knobs(Shutter)["seconds"]
    assert knob.applies == ("mode", ("timed",))
    assert knob.has_effect(Shutter(mode="timed"))
    assert not knob.has_effect(Shutter())
    assert knobs(Shutter)["mode"].has_effect(Shutter())


def test_what_was_changed_without_effect_is_named():
    assert (
        ineffective_settings(Camera()) == ineffective_settings(Camera(shutter=Shutter(mode="timed", seconds=2))) == []
    )
    assert ineffective_settings(Camera(shutter=Shutter(seconds=2))) == ["shutter.seconds"]
