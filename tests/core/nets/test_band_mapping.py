"""Which bands of a dataset feed a network: read, proposed by their names, applied, and remembered."""

import numpy as np
import pytest
from galaxies import write_dataset
from hypothesis import given
from hypothesis import strategies as st

from core.data.cutouts import Cutouts
from core.errors import SettingsProblem
from core.nets.band_mapping import GREY, BandMapping, propose, put_in_order, suggest
from core.nets.mapped_cutouts import MappedCutouts
from core.project import band_choices

UGRI = ("u", "g", "r", "i")


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("i,r,g", (("i",), ("r",), ("g",))),
        (" R , r,r ", (("r",), ("r",), ("r",))),
        ("g, mean(r, i) ,4", (("g",), ("r", "i"), ("i",))),
    ],
)
def test_bands_are_picked_repeated_and_averaged_by_name_or_number(text, sources):
    mapping = BandMapping.parse(text, UGRI, ("a", "b", "c"))
    assert mapping.sources == sources
    assert BandMapping.parse(mapping.text, UGRI, ("a", "b", "c")) == mapping


@pytest.mark.parametrize(
    ("text", "words"), [("g,r", "names 2 bands, and the network needs 3"), ("g,r,z", "no band “z”"), ("0,1,2", "“0”")]
)
def test_what_does_not_fit_is_said_with_the_bands_that_there_are(text, words):
    with pytest.raises(SettingsProblem, match=words) as told:
        BandMapping.parse(text, UGRI, ("a", "b", "c"))
    assert "u, g, r, i" in told.value.remedy


@pytest.mark.parametrize(
    ("wanted", "bands", "text"),
    [
        (("g", "r", "i"), UGRI, "g,r,i"),
        (("i", "r", "g"), ("G", "R", "I"), "I,R,G"),
        (("F814W", "F606W"), ("acs_f606w", "acs_f814w", "mask"), "acs_f814w,acs_f606w"),
        (("sdss_r",), ("DECam g", "DECam r"), "DECam r"),
        (("g", "r", "i"), ("r",), "r,r,r"),
        (("g", "r", "i"), ("g", "r", "z"), None),
        (("g", "r"), ("sdss_g", "hsc_g", "r"), None),
        (("red", "green", "blue"), UGRI, None),
    ],
)
def test_a_proposal_is_made_where_the_names_leave_no_doubt(wanted, bands, text):
    found = propose(wanted, bands)
    assert (found.text if found else None) == text


@given(st.lists(st.lists(st.sampled_from(UGRI), min_size=1, max_size=3, unique=True), min_size=1, max_size=4))
def test_images_are_the_means_of_the_bands_that_feed_them(chosen):
    mapping = BandMapping(tuple(map(tuple, chosen)))
    images = np.arange(2 * 4 * 3 * 3, dtype=np.float32).reshape(2, 4, 3, 3)
    found = mapping.apply(images, UGRI)
    for place, each in enumerate(chosen):
        expected = np.mean([images[:, UGRI.index(name)] for name in each], axis=0)
        np.testing.assert_allclose(found[:, place], expected, rtol=1e-6)
    np.testing.assert_array_equal(found[0], mapping.apply(images[0], UGRI))


def test_a_dataset_is_seen_with_the_bands_of_the_network(tmp_path):
    images = np.random.default_rng(1).normal(size=(5, 4, 8, 8)).astype(np.float32)
    data = write_dataset(tmp_path / "ugri.h5", images, {"kind": list("ababa")}, ["kind"], UGRI)
    mapping = BandMapping((("i",), ("g", "r")))
    with Cutouts.open(data) as whole:
        seen = MappedCutouts(whole, mapping, ("one", "two"))
        assert seen.shape == (5, 2, 8, 8)
        assert [band.name for band in seen.bands] == ["one", "two"]
        assert seen.checksum == whole.checksum
        assert seen.ids == whole.ids
        rows = np.array([3, 0])
        np.testing.assert_allclose(seen.images[rows][:, 1], images[rows, 1:3].mean(axis=1), rtol=1e-6)
        np.testing.assert_array_equal(seen.images[2][0], images[2, 3])
        again = seen.reopen()
        np.testing.assert_array_equal(again.images[1:3], seen.images[1:3])
        again.close()


def test_a_choice_is_kept_with_the_run_whichever_of_its_weights_are_meant(tmp_path):
    run = tmp_path / "run"
    (run / "snapshots").mkdir(parents=True)
    (run / "settings.toml").write_text("")
    band_choices.remember(run, UGRI, "g,r,i")
    band_choices.remember(run / "best.safetensors", ("r",), "r,r,r")
    assert band_choices.recall(run / "snapshots" / "epoch-0001.safetensors", UGRI) == "g,r,i"
    assert band_choices.recall(run, ("r",)) == "r,r,r"
    assert band_choices.recall(run, ("g", "r", "i", "u")) == ""
    for bands in (UGRI, ("r",)):
        band_choices.remember(run, bands, "")
    assert not (run / "bands.json").exists()
    loose = tmp_path / "loose.safetensors"
    band_choices.remember(loose, UGRI, "u,g,r")
    assert band_choices.recall(loose, UGRI) == "u,g,r"


def test_where_names_tell_nothing_the_order_is_suggested_if_there_are_as_many():
    assert suggest(("red", "green", "blue"), ("i", "r", "g")) == "i,r,g"
    assert suggest(("g", "r"), ("r", "g")) == "g,r"
    assert not suggest(("red", "green", "blue"), ("i", "r"))


@pytest.mark.parametrize(("bands", "text"), [(UGRI, "mean(u,g,r,i)"), (("r",), "r"), ((GREY,), None)])
def test_a_network_of_one_grey_band_takes_the_mean_of_whatever_there_is(bands, text):
    found = put_in_order((GREY,), bands)
    assert text == (None if found is None else found.text)
