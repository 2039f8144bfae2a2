"""Names of classes in two surveys: what is the same, what is a kind of it, and what has nothing to do with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.class_names import complete_mapping, propose_mapping

names = st.lists(st.text(st.characters(categories=["L", "N", "Pd", "Pc", "Zs"]), min_size=1), unique=True, max_size=6)
words = st.sampled_from(["spiral", "elliptical", "edge-on", "merger", "barred", "lens", "disk", "S0", "7", "cw"])
made = st.lists(st.lists(words, min_size=1, max_size=3).map("_".join), unique=True, max_size=6)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            ("edge-on", "elliptical", "spiral"),
            ("edge_on", "elliptical", "spiral_cw", "spiral_acw"),
            {"edge_on": "edge-on", "elliptical": "elliptical", "spiral_cw": "spiral", "spiral_acw": "spiral"},
        ),
        (("Edge On", "Spirals"), ("edgeon", "SPIRAL GALAXY"), {"edgeon": "Edge On", "SPIRAL GALAXY": "Spirals"}),
        (("galaxy", "star"), ("Galaxies", "stars"), {"Galaxies": "galaxy", "stars": "star"}),
        (("spiral", "spiral_barred"), ("spiral_barred_tight",), {"spiral_barred_tight": "spiral_barred"}),
        (("spiral", "edge-on"), ("spiral_edge_on", "non-spiral", "not spiral", "spiral_no", "barred spiral"), {}),
        (("1", "2", "10"), ("1", "1_5", "100"), {"1": "1"}),
        (("S", "E"), ("S0", "E0", "Sa"), {}),
        (("disk", "Disk"), ("disk", "DISK"), {"disk": "disk"}),
        (("irregular", "lens"), ("regular", "lenses", "len"), {"lenses": "lens"}),
    ],
)
def test_what_people_call_the_same_is_found_and_nothing_else(old, new, wanted):
    assert propose_mapping(old, new) == wanted


@given(names)
def test_classes_of_the_same_name_are_themselves(old):
    assert propose_mapping(old, old) == {name: name for name in old}


@given(made, made)
def test_a_proposal_is_a_fixed_point_and_every_pair_shares_its_words(old, new):
    found = propose_mapping(old, new)
    assert set(found) <= set(new) and set(found.values()) <= set(old)
    again = propose_mapping(old, list(found.values()))
    assert all(again[name] == name for name in found.values())
    assert complete_mapping(old, new, found) == found
    for name, match in found.items():
        assert name.replace("-", "_").startswith(match.replace("-", "_"))


@given(names, names)
def test_whatever_the_names_are_a_class_is_mapped_to_one_that_exists(old, new):
    assert set(propose_mapping(old, new).values()) <= set(old)


def test_what_the_user_chose_counts_and_an_empty_name_is_none():
    chosen = {"spiral_cw": "", "blob": "elliptical", "gone": "spiral", "ring": "no such class"}
    found = complete_mapping(("elliptical", "spiral"), ("spiral_cw", "spiral_acw", "blob", "ring"), chosen)
    assert found == {"spiral_acw": "spiral", "blob": "elliptical"}
