"""A catalogue that is labelled by hand says the same as one that is read anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import split as splits
from core.data import target as targets
from core.data.labelled_catalogue import LabelledCatalogue
from core.data.settings import DataSettings
from core.errors import Problem
from core.project.labels import apply_labels

NAMES = [f"g{number:02d}" for number in range(40)]
IDS = st.lists(st.sampled_from(NAMES), min_size=12, max_size=45) | st.permutations(NAMES)  # with other images, and none
LABELS = st.sampled_from(["", "spiral", "smooth", "merger", "10", "9", "3.0", "nan", " spiral ", "0.25"])
CHANGES = st.lists(
    st.lists(st.tuples(st.integers(0, 44), LABELS), min_size=1, max_size=6) | st.just("undo"), min_size=1, max_size=8
)
SETTINGS = st.builds(
    DataSettings,
    labels=st.sampled_from([(), ("shape",), ("number",), ("code",), ("new",), ("yes", "no"), ("number", "yes")]),
    kind=st.sampled_from(["auto", "auto", "classes", "quantities", "vote fractions"]),
    group=st.sampled_from(["", "", "field", "shape", "nothing"]),
    validation=st.sampled_from([0.15, 0.4]),
    test=st.sampled_from([0.0, 0.2]),
    train_limit=st.sampled_from([None, 5]),
    train_draw=st.sampled_from(["evenly", "in proportion"]),
    split_seed=st.sampled_from([None, 3]),
)


def columns_for(ids: list[str], seed: int) -> dict[str, np.ndarray]:
    draw, count = np.random.default_rng(seed), len(ids)
    yes = draw.uniform(size=count).round(2).astype(np.float32)
    return {
        "id": np.array(ids),
        "shape": draw.choice(["spiral", "smooth", "smooth", ""], count),
        "number": np.where(draw.uniform(size=count) < 0.2, np.nan, draw.normal(size=count)).astype(np.float32),
        "code": draw.integers(1, 12, count),
        "yes": yes,
        "no": 1 - yes,
        "field": draw.choice(["a", "b", "c", "d", ""], count),
    }


def read_anew(ids: list[str], columns: dict[str, Any], given_labels: dict, data: DataSettings, seed: int) -> list[Any]:
    """Columns, target and parts by the functions that a training calls."""
    present = apply_labels(columns, ids, given_labels)
    texts = {name: [targets.label_text(value) for value in values] for name, values in present.items()}
    try:
        target = targets.recognise(present, data.labels or ("shape",), data.kind, {"number": "kpc"})
    except Problem as problem:
        return [texts, None, str(problem)]
    if data.group and data.group not in present:
        return [texts, target, f"data.group: There is no column “{data.group}”. Choose another."]
    try:
        groups = texts[data.group] if data.group else None
        split = splits.split(ids, targets.encode(target, present), target, data, seed, groups)
    except Problem as problem:
        return [texts, target, str(problem)]
    return [texts, target, [split.train.tolist(), split.validation.tolist(), split.test.tolist(), split.rule]]


def as_it_says(catalogue: LabelledCatalogue) -> list[Any]:
    texts = {name: [targets.label_text(value) for value in values] for name, values in catalogue.columns.items()}
    target, split = catalogue.target, catalogue.split
    if split is None:
        return [texts, target, str(catalogue.problem)]
    return [texts, target, [split.train.tolist(), split.validation.tolist(), split.test.tolist(), split.rule]]


@settings(max_examples=50)
@given(ids=IDS, changes=CHANGES, data=SETTINGS, later=SETTINGS, seed=st.integers(0, 3))
def test_labels_one_after_the_other_are_the_same_as_all_read_anew(ids, changes, data, later, seed):
    columns = columns_for(ids, seed)
    catalogue = LabelledCatalogue(ids, columns, ("shape",), {"number": "kpc"})
    catalogue.apply_settings(data, seed)
    given_labels: dict[tuple[str, str], str] = {}
    done: list[tuple[str, list[int], list[str]]] = []
    for number, change in enumerate(changes):
        column = (data.labels or ("shape",))[0]
        if change != "undo":
            rows, labels = [row % len(ids) for row, _ in change], [label for _, label in change]
            old = [
                "" if column not in catalogue.columns else targets.label_text(catalogue.columns[column][row])
                for row in rows
            ]
            done.append((column, rows, old))
        elif done:
            column, rows, labels = done.pop()
        else:
            continue
        changed = catalogue.set_labels(column, rows, labels)
        given_labels |= {(ids[row], column): label for row, label in zip(rows, labels, strict=True)}
        touched = {ids[row] for row in rows}
        assert changed.tolist() == [row for row, name in enumerate(ids) if name in touched]
        if number % 2 == 0:  # the parts are not asked for after every label
            assert as_it_says(catalogue) == read_anew(ids, columns, given_labels, data, seed)
    assert as_it_says(catalogue) == read_anew(ids, columns, given_labels, data, seed)
    catalogue.apply_settings(later, seed + 1)
    assert as_it_says(catalogue) == read_anew(ids, columns, given_labels, later, seed + 1)
    again = LabelledCatalogue(ids, columns, ("shape",), {"number": "kpc"}, given_labels)
    again.apply_settings(later, seed + 1)
    assert as_it_says(again) == as_it_says(catalogue)


def test_counts_follow_the_labels_and_a_class_that_nobody_has_is_gone():
    ids = [f"g{row}" for row in range(8)]
    catalogue = LabelledCatalogue(ids, {"shape": np.array(["a", "b"] * 4)}, ("shape",))
    texts = catalogue.texts("shape")
    assert texts is not None
    catalogue.set_labels("shape", [0, 2, 4, 6], ["c", "c", "c", ""])
    assert {text: texts.count(text) for text in ("a", "b", "c", "", "d")} == {"a": 0, "b": 4, "c": 3, "": 1, "d": 0}
    assert catalogue.target == targets.Classes("shape", ("b", "c"))


def test_the_catalogue_that_was_read_stays_as_it_is():
    column = np.array(["a", "b"] * 4)
    catalogue = LabelledCatalogue([f"g{row}" for row in range(8)], {"shape": column}, ("shape",))
    catalogue.set_labels("shape", [0], ["b"])
    assert column.tolist() == ["a", "b"] * 4


def test_every_image_of_a_galaxy_gets_its_label():
    catalogue = LabelledCatalogue(["g", "h", "g"], {"shape": np.array(["a", "b", "a"])}, ("shape",))
    assert catalogue.set_labels("shape", [0], ["b"]).tolist() == [0, 2]
    assert catalogue.columns["shape"].tolist() == ["b", "b", "b"]


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(3), 7, True, "x "])
def test_a_column_that_is_written_to_keeps_the_text_of_its_labels(value):
    column = np.array([value] * 3)
    before = [targets.label_text(one) for one in column]
    catalogue = LabelledCatalogue(["g", "h", "i"], {"shape": column}, ("shape",))
    catalogue.set_labels("shape", [1], ["other"])
    assert [targets.label_text(one) for one in catalogue.columns["shape"]] == [before[0], "other", before[2]]
