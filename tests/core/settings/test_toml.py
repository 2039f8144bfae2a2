"""Settings travel through TOML unchanged, and mistakes are told with their place."""

import tomllib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsProblem, UnreadableFile
from core.settings.declare import Settings, setting
from core.settings.toml import apply_overrides, differences, dumps, load, loads, replace_values, validate
from core.simulate.settings import SurveySettings


class Inner(Settings):
    """For the tests."""

    rate: float = setting(0.5, title="Rate", help="How fast.", unit="pixels", gt=0, lt=1)
    kind: Literal["a", "b", "none"] = setting("a", title="Kind", help="Which one.")


class Outer(Settings):
    """For the tests."""

    name: str = setting("x", title="Name", help="What it is called.")
    limit: int | None = setting(None, title="Limit", help="How many at most.", ge=1)
    parts: tuple[str, ...] = setting((), title="Parts", help="Which ones.")
    inner: Inner = setting(Inner(), title="Inner", help="What lies inside.")
    last: bool = setting(False, title="Last", help="Comes after a table.")


outers = st.builds(
    Outer,
    name=st.text(st.characters(exclude_categories=["Cs"])),
    limit=st.none() | st.integers(1, 10**9),
    parts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3).map(tuple),
    inner=st.builds(Inner, rate=st.floats(0, 1, exclude_min=True, exclude_max=True), kind=st.sampled_from(["a", "b"])),
    last=st.booleans(),
)


@given(outers)
def test_settings_come_back_from_toml_as_they_were(settings: Outer):
    assert loads(Outer, dumps(settings)) == settings


def test_each_value_stands_under_its_meaning_unit_and_range():
    text = dumps(Outer())
    assert "# Rate: How fast. [pixels; 0 < x < 1]\nrate = 0.5" in text
    assert "# Kind: Which one. [one of a, b, none]" in text
    assert "# limit =" in text
    assert tomllib.loads(text)["last"] is False  # not inside the table


def test_an_unknown_name_is_told_with_the_nearest_known_one():
    with pytest.raises(SettingsProblem) as caught:
        loads(Outer, "[inner]\nrte = 0.1", "run.toml")
    assert caught.value.remedy == "Did you mean “rate”?"
    assert caught.value.where == "run.toml, inner.rte"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("size", "Known names: name, limit, parts, inner, last."),  # “parts” and “last” are no nearer than any word
        ("rate", "Did you mean “inner.rate”?"),
        ("inner.kinds", "Did you mean “kind”?"),
    ],
)
def test_a_name_is_suggested_only_if_it_is_near_or_the_same_in_another_section(name, remedy):
    with pytest.raises(SettingsProblem) as caught:
        replace_values(Outer(), {name: 1})
    assert caught.value.remedy == remedy


def test_a_section_alone_is_a_file_too():
    text = dumps(Outer(), "inner")
    assert list(tomllib.loads(text)) == ["inner"]
    assert loads(Outer, text) == Outer()


def test_a_value_outside_its_limits_is_told_with_the_limit():
    with pytest.raises(SettingsProblem) as caught:
        validate(Outer, {"inner": {"rate": 2}})
    assert "less than 1" in caught.value.sentence
    assert caught.value.where == "inner.rate"


@pytest.mark.parametrize("text", ["name =", "= 3", "name = 'x", "\x00"])
def test_what_is_not_toml_is_told(text: str):
    with pytest.raises(SettingsProblem, match="not valid TOML"):
        loads(Outer, text)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None):
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        load(Outer, path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("inner.rate=2e-1", Outer(inner=Inner(rate=0.2))),
        ("inner.kind = b", Outer(inner=Inner(kind="b"))),
        ('name="a b"', Outer(name="a b")),
        ("name=a=b", Outer(name="a=b")),
        ("limit=none", Outer()),
        ("inner.kind=none", Outer(inner=Inner(kind="none"))),
        ('parts=["u", "v"]', Outer(parts=("u", "v"))),
        ("parts=u, v", Outer(parts=("u", "v"))),
        ("parts=u", Outer(parts=("u",))),
        ("last=true", Outer(last=True)),
    ],
)
def test_a_dotted_override_changes_one_value(assignment: str, expected: Outer):
    assert apply_overrides(Outer(), [assignment]) == expected


@pytest.mark.parametrize("assignment", ["inner.rate", "inner.rate=5", "name.part=1", "nothing=1", "inner.rate=fast"])
def test_an_override_that_does_not_fit_is_told(assignment: str):
    with pytest.raises(SettingsProblem):
        apply_overrides(Outer(), [assignment])


def test_differences_are_named_by_their_dotted_place():
    changed = Outer(limit=3, inner=Inner(rate=0.25))
    assert differences(Outer(), changed) == [("limit", None, 3), ("inner.rate", 0.5, 0.25)]
    assert differences(changed, changed) == []


def test_values_that_do_not_go_together_are_told_without_listing_all_values():
    for told in (
        lambda: loads(SurveySettings, "brightest = 19.9", "survey.toml"),
        lambda: apply_overrides(SurveySettings(), ["brightest=19.9"]),
    ):
        with pytest.raises(SettingsProblem) as problem:
            told()
        assert problem.value.sentence == "The brightest magnitude must be smaller than the faintest."
        assert problem.value.where in {"survey.toml", ""}


@pytest.mark.parametrize("value", ["9" * 5000, "0x" + "f" * 5000, "[" * 100_000, "x" * 100_000, "inf", "nan"])
def test_odd_values_are_refused_in_a_short_sentence(value: str):
    with pytest.raises(SettingsProblem) as caught:
        apply_overrides(Outer(), [f"limit={value}"])
    assert len(caught.value.sentence) < 400
    with pytest.raises(SettingsProblem) as caught:
        loads(Outer, f"limit = {value}", "run.toml")
    assert len(str(caught.value)) < 500
    assert "run.toml" in caught.value.where


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path):
    (tmp_path / "a.toml").write_bytes(b'\xef\xbb\xbfname = "a"\n')
    assert load(Outer, tmp_path / "a.toml").name == "a"


@pytest.mark.parametrize("stated", ["inf", "nan", "-1", "0", "1.5", "new", "", "9999999999", "٣"])
def test_a_format_that_is_no_number_is_told(stated: str):
    with pytest.raises(SettingsProblem, match=f"their format is “{stated}”, and formats have numbers"):
        loads(Outer, f"# Tuning Fork settings, format {stated}\nname = 'x'\n")
