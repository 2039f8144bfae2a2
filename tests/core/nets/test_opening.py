"""A network and a dataset are opened together, and it is seen once whether they fit."""

from __future__ import annotations

import dataclasses

import pytest

from core.errors import NotPossible, UnreadableFile
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor


def test_what_fits_is_opened_without_doubts(survey_run, survey_dataset) -> None:
    with open_network_on_data(survey_run, survey_dataset) as opened:
        assert opened.doubts == ()
        assert opened.predictor.output_names == ("disk", "edge-on", "spheroid")
        assert opened.cutouts.images[0].shape == opened.cutouts.shape[1:]
    with pytest.raises(ValueError):
        opened.cutouts.images[0]


def test_another_band_and_pixel_scale_are_doubts(survey_run, survey_dataset, tmp_path) -> None:
    trained = Predictor.load(survey_run)
    other = dataclasses.replace(trained, bands=("J",), pixel_scale=2 * trained.pixel_scale)
    other.save(tmp_path / "other.safetensors")
    with open_network_on_data(tmp_path / "other.safetensors", survey_dataset) as opened:
        sentences = [doubt.sentence for doubt in opened.doubts]
    assert len(sentences) == 2
    assert "trained on J" in sentences[0] and "arcsec/pixel" in sentences[1]


def test_another_number_of_bands_is_refused(survey_run, survey_dataset, tmp_path) -> None:
    wide = dataclasses.replace(Predictor.load(survey_run), bands=("g", "r"), training_range=None, zero_points=())
    wide.save(tmp_path / "wide.safetensors")
    with (
        pytest.raises(NotPossible, match="trained on 2 bands"),
        open_network_on_data(tmp_path / "wide.safetensors", survey_dataset),
    ):
        pass


def test_a_missing_file_of_either_kind_is_named(survey_run, survey_dataset, tmp_path) -> None:
    for network, data in ((tmp_path / "no.safetensors", survey_dataset), (survey_run, tmp_path / "no.h5")):
        with pytest.raises(UnreadableFile) as caught, open_network_on_data(network, data):
            pass
        assert "no." in caught.value.where
