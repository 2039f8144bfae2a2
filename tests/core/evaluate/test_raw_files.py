"""A network sees files as it saw the galaxies of its training, whatever the files, the sizes and the settings."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from astropy.io import fits
from galaxies import ellipse
from PIL import Image

from core.cli.main import main
from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.data.target import Classes
from core.errors import NotPossible, SettingsProblem, UnreadableFile
from core.evaluate import predict, raw_files
from core.events import Event, Skipped, Work, result_of
from core.nets import cnn, normalisation
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project import band_choices

COUNT = 5
RANDOM = np.random.default_rng(11)


def galaxy(number: int, planes: int, side: int) -> np.ndarray:
    light = 120 * ellipse(side, 2.0 + 0.5 * number, 1.5, 0.7 * number)
    return light + RANDOM.normal(60, 3, (planes, side, side))


def sides() -> list[int]:
    return [20, 20, 20, 23, 17]


def fits_float(folder: Path) -> None:
    for number, side in enumerate(sides()):
        image = galaxy(number, 1, side)[0].astype(np.float32)
        image[2, 3 : 3 + number] = np.nan
        fits.writeto(folder / f"g{number}.fits", image, fits.Header({"PIXSCALE": 0.5, "FILTER": "r", "BUNIT": "nJy"}))


def fits_cube(folder: Path) -> None:
    for number, side in enumerate(sides()):
        cube = np.clip(galaxy(number, 3, side), 0, 255).astype(np.uint8)
        fits.writeto(folder / f"g{number}.fits", cube, fits.Header({"PIXSCALE": 0.5, "BANDS": "irg"}))


def put_into_other_order(folder: Path, names: str) -> None:
    """Write some of the files of :func:`fits_cube` again, with their bands in the order g, r, i."""
    for path in folder.glob(names):
        cube = fits.getdata(path)
        fits.writeto(path, cube[::-1], fits.Header({"PIXSCALE": 0.5, "BANDS": "gri"}), overwrite=True)


def band_files(folder: Path) -> None:
    for number, side in enumerate(sides()):
        for band in "gr":
            image = galaxy(number, 1, side)[0].astype(np.float32)
            fits.writeto(folder / f"g{number}_{band}.fits", image, fits.Header({"PIXSCALE": 0.5}))


def jpegs(folder: Path) -> None:
    for number, side in enumerate(sides()):
        pixels = np.clip(galaxy(number, 3, side), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(pixels).save(folder / f"g{number}.jpg")


def _stack(bits: type) -> dict[str, np.ndarray]:
    images = np.stack([galaxy(number, 3, 20).transpose(1, 2, 0) for number in range(COUNT)])
    images = np.clip(images, 0, 255).astype(bits)
    return {
        "images": images,
        "id": np.array([f"g{number}" for number in range(COUNT)], dtype="S4"),
        "radius": 2.0 + 0.3 * np.arange(COUNT),
        "pxscale": np.full(COUNT, 0.5),
    }


def npz(folder: Path) -> None:
    np.savez(folder / "all.npz", **_stack(np.float32))


def hdf5(folder: Path) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        file.update(_stack(np.uint8))


def stack(folder: Path) -> None:
    """One file with an extension for each galaxy."""
    units = [fits.ImageHDU(galaxy(number, 1, 20)[0].astype(np.float32), name=f"G{number}") for number in range(COUNT)]
    for unit in units:
        unit.header["PIXSCALE"] = 0.5
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(folder / "stack.fits")


def ext_bands(folder: Path) -> None:
    for number, side in enumerate(sides()):
        units = [fits.ImageHDU(galaxy(number, 1, side)[0].astype(np.float32), name=f"SCI-{band}") for band in "GRI"]
        fits.HDUList([fits.PrimaryHDU(header=fits.Header({"PIXSCALE": 0.5})), *units]).writeto(
            folder / f"g{number}.fits"
        )


def bands_last(folder: Path) -> None:
    for number, side in enumerate(sides()):
        cube = galaxy(number, 3, side).astype(np.float32).transpose(1, 2, 0)
        fits.writeto(folder / f"g{number}.fits", cube, fits.Header({"PIXSCALE": 0.5}))


MORE: dict[str, Callable[[Path], None]] = {made.__name__: made for made in (stack, ext_bands, bands_last)}
KINDS: dict[str, Callable[[Path], None]] = {
    made.__name__: made for made in (fits_float, fits_cube, band_files, jpegs, npz, hdf5)
}
FITS: dict[str, dict[str, Any]] = {
    "auto": {},
    "crop or pad": {"fit": "crop or pad"},
    "resample": {"fit": "resample"},
    "field": {"field": 12},
    "field in arcsec": {"field": 7.3, "field_unit": "arcsec", "pixel_scale": 0.5},
    "field of radii": {"field": 4, "field_column": "radius"},
}
SIZES, FILLS = (8, 20, 26), ("background", "zero")
EVERY = list(itertools.product([*KINDS, *MORE], FITS, SIZES, FILLS))
SOME = [
    (kind, fit, SIZES[(a + b) % 3], FILLS[(a + b // 3) % 2])
    for (a, kind), (b, fit) in itertools.product(enumerate(KINDS), enumerate(FITS))
    if (a + b) % 2 == 0
] + [(kind, "resample", SIZES[2], FILLS[0]) for kind in MORE]
CASES = [pytest.param(*case, marks=() if case in SOME else pytest.mark.slow) for case in EVERY]


def network_for(dataset: Path, path: Path) -> Path:
    """A small network with random weights that takes the dataset for its training galaxies."""
    with Cutouts.open(dataset) as cutouts:
        shape = cutouts.shape[1:]
        plan = NetworkSettings(depth=1, channels=4, dense=0, dropout=0)
        network = cnn.build(plan, shape, 2, torch.Generator().manual_seed(1)).eval().requires_grad_(False)
        bands = tuple(band.name for band in cutouts.bands)
        scaling = normalisation.fit(cutouts.images[:], "standard")
        target, scale = Classes("kind", ("a", "b")), cutouts.median_pixel_scale
        Predictor(network, scaling, target, bands, shape, scale, stamps=cutouts.recipe).save(path)
    return path


def imported(source: Path, output: Path, catalogue: Path | None = None, **settings: object) -> Path:
    result_of(importing.run([source], output, ImportSettings(**settings), catalogue, threading.Event()))
    return output


def catalogue_of(tmp_path: Path, letter: str = "g") -> Path:
    table = tmp_path / "radii.csv"
    table.write_text("id,radius\n" + "".join(f"{letter}{number},{2 + 0.3 * number}\n" for number in range(COUNT)))
    return table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


@pytest.mark.parametrize(("kind", "fit", "size", "fill"), CASES)
def test_files_and_the_dataset_made_of_them_get_the_same_answers(
    kind: str, fit: str, size: int, fill: str, folder: Path, tmp_path: Path
) -> None:
    (KINDS | MORE)[kind](folder)
    catalogue = None
    if "field_column" in FITS[fit] and kind not in {"npz", "hdf5"}:
        catalogue = catalogue_of(tmp_path, "G" if kind == "stack" else "g")  # names of extensions are in capitals
    dataset = imported(folder, tmp_path / "d.h5", catalogue, size=size, fill=fill, **FITS[fit])
    network = network_for(dataset, tmp_path / "net.safetensors")
    of_files = result_of(predict.run(network, folder, catalogue=catalogue))
    of_dataset = result_of(predict.run(network, dataset))
    assert len(of_dataset) == COUNT
    assert of_files.ids == of_dataset.ids
    assert np.array_equal(of_files.scores, of_dataset.scores)
    assert not of_files.problems
    assert of_files.notes[0].startswith("Stamps are made as in training: ")


def planes(folder: Path) -> None:
    """One cube whose planes are galaxies."""
    cube = np.concatenate([galaxy(number, 1, 20) for number in range(COUNT)]).astype(np.float32)
    fits.writeto(folder / "cube.fits", cube, fits.Header({"PIXSCALE": 0.5}))


def chosen_extensions(folder: Path) -> None:
    for number in range(COUNT):
        units = [
            fits.ImageHDU(galaxy(number, 1, 20)[0].astype(np.float32), name=name) for name in ("VIS", "NIR-Y", "NIR-J")
        ]
        fits.HDUList([fits.PrimaryHDU(), *units]).writeto(folder / f"g{number}.fits")


@pytest.mark.parametrize(
    ("write", "hdu", "galaxies"),
    [(chosen_extensions, "NIR-J,VIS", COUNT), (chosen_extensions, "*", 3 * COUNT), (planes, "planes", COUNT)],
)
def test_chosen_extensions_are_followed(
    write: Callable[[Path], None], hdu: str, galaxies: int, folder: Path, tmp_path: Path
) -> None:
    write(folder)
    dataset = imported(folder, tmp_path / "d.h5", hdu=hdu, size=12, fit="resample")
    network = network_for(dataset, tmp_path / "net.safetensors")
    of_files, of_dataset = result_of(predict.run(network, folder)), result_of(predict.run(network, dataset))
    assert len(of_dataset) == galaxies and of_files.ids == of_dataset.ids
    assert np.array_equal(of_files.scores, of_dataset.scores)


@pytest.mark.parametrize("kind", ["fits_float", "fits_cube", "band_files", "jpegs"])
def test_a_galaxy_alone_is_made_into_the_stamp_that_it_was_among_others(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    """Alone it has no majority, and no other galaxies show the pattern of its names."""
    KINDS[kind](folder)
    dataset = imported(folder, tmp_path / "d.h5")
    network = network_for(dataset, tmp_path / "net.safetensors")
    with Cutouts.open(dataset) as cutouts:
        for number in (0, 3, 4):  # of the usual size, larger, smaller
            files = sorted(folder.glob(f"g{number}*"))
            result_of(raw_files.import_for(network, files, tmp_path / "one.h5"))
            with Cutouts.open(tmp_path / "one.h5") as one:
                assert one.ids == [f"g{number}"]
                assert np.array_equal(one.images[0], cutouts.images[cutouts.ids.index(f"g{number}")])
                assert np.array_equal(one.pixel_scale, cutouts.pixel_scale[:1], equal_nan=True)


def test_the_bands_of_the_training_count_and_not_those_of_the_majority(folder: Path, tmp_path: Path) -> None:
    fits_cube(folder)
    network = network_for(imported(folder, tmp_path / "d.h5"), tmp_path / "net.safetensors")
    for number in range(9):
        fits.writeto(folder / f"h{number}.fits", galaxy(1, 1, 20)[0].astype(np.float32))
    events: list[Event] = []
    found = result_of(collected(predict.run(network, folder), events))
    assert found.ids == tuple(f"g{number}" for number in range(COUNT))
    skipped = [event.problem for event in events if isinstance(event, Skipped)]
    assert len(skipped) == 9
    assert "It has 1 band, and the stamps are to have 3." in skipped[0].sentence


def collected(work: Work[Any], events: list[Event]) -> Work[Any]:
    """The work, with its events in a list."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value
        events.append(event)
        yield event


def test_the_extension_and_the_pixel_scale_of_the_training_are_followed(folder: Path, tmp_path: Path) -> None:
    for number in range(COUNT):
        units = [fits.ImageHDU(galaxy(number, 1, 20)[0].astype(np.float32), name=name) for name in ("A", "B")]
        fits.HDUList([fits.PrimaryHDU(), *units]).writeto(folder / f"g{number}.fits")
    dataset = imported(folder, tmp_path / "d.h5", hdu="B", pixel_scale=0.7, size=16, bands="red")
    network = network_for(dataset, tmp_path / "net.safetensors")
    assert np.array_equal(
        result_of(predict.run(network, folder)).scores, result_of(predict.run(network, dataset)).scores
    )
    other = tmp_path / "other.h5"
    report = result_of(raw_files.import_for(network, folder, other, {"hdu": "A"}))
    assert "extension B; bands red; 0.7 arcsec/pixel where a file gives none." in report.notes[0]
    assert report.notes[0].endswith("What you chose otherwise: hdu = A.")
    with Cutouts.open(other) as cutouts, Cutouts.open(dataset) as own:
        assert cutouts.shape == own.shape
        assert not np.array_equal(cutouts.images[:], own.images[:])


# --- what differs is told


def told(network: Path, source: Path) -> str:
    return " ".join(str(problem) for problem in result_of(predict.run(network, source)).problems)


def test_other_native_sizes_scales_units_and_depths_are_told(folder: Path, tmp_path: Path) -> None:
    def write(name: str, side: int, dtype: type = np.float32, **cards: object) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        for number in range(3):
            image = np.clip(galaxy(number, 1, side)[0], 0, 255).astype(dtype)
            fits.writeto(tmp_path / name / f"g{number}.fits", image, fits.Header(cards))
        return tmp_path / name

    usual = {"PIXSCALE": 0.5, "BUNIT": "nJy", "FILTER": "r"}
    own = write("own", 24, **usual)
    network = network_for(imported(own, tmp_path / "d.h5", size=12, fit="resample"), tmp_path / "net.safetensors")
    assert told(network, own) == ""
    assert "The files have 36 pixels along a side" in told(network, write("larger", 36, **usual))
    assert "0.25 arcsec/pixel before they are resampled" in told(
        network, write("finer", 24, **usual | {"PIXSCALE": 0.25})
    )
    assert "“counts”; in training it was “nJy”" in told(network, write("counts", 24, **usual | {"BUNIT": "counts"}))
    assert "The bands are g" in told(network, write("green", 24, **usual | {"FILTER": "g"}))
    assert "8-bit pictures" in told(network, write("bytes", 24, np.uint8, **usual))


def test_a_dataset_that_was_imported_otherwise_is_told(folder: Path, tmp_path: Path) -> None:
    fits_float(folder)
    network = network_for(
        imported(folder, tmp_path / "whole.h5", size=10, fit="resample"), tmp_path / "net.safetensors"
    )
    cropped = imported(folder, tmp_path / "cropped.h5", size=10, fit="crop or pad")
    with open_network_on_data(network, cropped) as opened:
        text = " ".join(str(doubt) for doubt in opened.doubts)
    assert "central 10 px" in text
    assert "resampled to 10 px" in text


def test_a_field_of_radii_needs_a_catalogue_and_says_so(folder: Path, tmp_path: Path) -> None:
    fits_float(folder)
    catalogue = catalogue_of(tmp_path)
    dataset = imported(folder, tmp_path / "d.h5", catalogue, size=10, field=3, field_column="radius")
    network = network_for(dataset, tmp_path / "net.safetensors")
    with pytest.raises(SettingsProblem, match="multiple of the catalogue column “radius”, and there is no catalogue"):
        result_of(predict.run(network, folder))


@pytest.mark.parametrize("names", ["g*.fits", "g[01].fits"], ids=["all", "some"])
def test_bands_in_another_order_are_put_into_that_of_the_training(names: str, folder: Path, tmp_path: Path) -> None:
    fits_cube(folder)
    network = network_for(imported(folder, tmp_path / "d.h5"), tmp_path / "net.safetensors")
    expected = result_of(predict.run(network, folder))
    put_into_other_order(folder, names)
    found = result_of(predict.run(network, folder))
    assert np.array_equal(found.scores, expected.scores)
    said = " ".join([*found.notes, *(problem.text for problem in found.problems)])
    assert "g, r, i" in said and "put into the order" in said
    other = imported(folder, tmp_path / "other.h5")
    assert np.array_equal(result_of(predict.run(network, other)).scores, expected.scores), "and so in a dataset"


def test_files_with_more_bands_are_refused_with_the_way_out(folder: Path, tmp_path: Path) -> None:
    """Also where the bands of the training were named by the user."""
    fits_cube(folder)
    dataset = imported(folder, tmp_path / "d.h5", bands="red,green,blue")
    network = network_for(dataset, tmp_path / "net.safetensors")
    four = tmp_path / "four.fits"
    fits.writeto(four, galaxy(1, 4, 20).astype(np.float32), fits.Header({"BANDS": "ugri"}))
    with pytest.raises(NotPossible, match="takes red, green, blue; these files have u, g, r, i") as told:
        result_of(predict.run(network, four))
    assert "Import them as a dataset and choose" in told.value.remedy and "--band-map" in told.value.remedy
    band_choices.remember(network, ("u", "g", "r", "i"), "i,r,g")
    assert len(result_of(predict.run(network, four))) == 1


def test_bands_of_other_names_are_left_as_they_are(folder: Path, tmp_path: Path) -> None:
    fits_cube(folder)
    network = network_for(imported(folder, tmp_path / "d.h5"), tmp_path / "net.safetensors")
    for path in folder.glob("*.fits"):
        fits.setval(path, "BANDS", value="zyg")
    expected = result_of(predict.run(network, tmp_path / "d.h5"))
    found = result_of(predict.run(network, folder))
    assert np.array_equal(found.scores, expected.scores)
    assert "The bands are z, y, g" in str(found.problems[0])


# --- earlier files


def test_a_network_of_an_earlier_version_follows_its_dataset_or_says_that_it_cannot(
    folder: Path, tmp_path: Path
) -> None:
    fits_float(folder)
    dataset = imported(folder, tmp_path / "d.h5", size=10, fit="resample")
    without_recipe(dataset)
    run = tmp_path / "run"
    run.mkdir()
    network = Predictor.load(network_for(dataset, tmp_path / "net.safetensors"))
    with Cutouts.open(dataset) as cutouts:
        assert cutouts.recipe is not None and cutouts.recipe.settings.fit == "resample"
        card = {"checksum": cutouts.checksum}
    dataclasses.replace(network, stamps=None, card=card).save(run / "best.safetensors")
    (run / "data.txt").write_text("../d.h5\n")
    found = result_of(predict.run(run, folder))
    assert "each file as a whole, resampled to 10 px" in found.notes[0]
    assert np.array_equal(found.scores, result_of(predict.run(run, dataset)).scores)
    dataset.unlink()
    assert "is not known" in result_of(predict.run(run, folder)).notes[0]


def without_recipe(dataset: Path) -> None:
    """Make the dataset one of before recipes were stored."""
    with h5py.File(dataset, "r+") as file:
        del file.attrs["stamps"]


def test_a_network_file_of_format_2_is_read(folder: Path, tmp_path: Path) -> None:
    fits_float(folder)
    path = network_for(imported(folder, tmp_path / "d.h5"), tmp_path / "net.safetensors")
    with safetensors.safe_open(path, framework="pt") as file:
        plan = json.loads(file.metadata()["tuning_fork"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del plan["stamps"]
    plan["format"] = 2
    path.write_bytes(safetensors.torch.save(tensors, {"tuning_fork": json.dumps(plan)}))
    assert Predictor.load(path).stamps is None


def test_a_recipe_survives_the_file(folder: Path, tmp_path: Path) -> None:
    band_files(folder)
    dataset = imported(folder, tmp_path / "d.h5", size=10, field=6.5, field_unit="arcsec", fill="zero")
    path = network_for(dataset, tmp_path / "net.safetensors")
    with Cutouts.open(dataset) as cutouts:
        assert cutouts.recipe is not None
        assert Predictor.load(path).stamps == cutouts.recipe
        assert cutouts.recipe.settings.bands == "*_{band:g,r}.fits"
        assert (cutouts.recipe.native_size, cutouts.recipe.native_pixel_scale) == (20, 0.5)


def test_what_is_not_there_and_what_is_no_image_is_told(survey_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such dataset"):
        result_of(predict.run(survey_run, tmp_path / "nothing.h5"))
    (tmp_path / "a.fits").write_text("<html>404</html>")
    with pytest.raises(UnreadableFile, match="None of 1 files"):
        result_of(predict.run(survey_run, tmp_path))
    with pytest.raises(UnreadableFile, match="folder and no dataset"), open_network_on_data(survey_run, tmp_path):
        pass


def test_the_counts_of_a_table_add_up(tmp_path, survey_run, survey, capsys):
    folder = tmp_path / "some"
    shutil.copytree(survey.folder, folder)
    for name in ("broken.fits", "page.fits"):
        (folder / name).write_text("<html>404</html>")
    assert main(["predict", str(survey_run), str(folder), "-o", str(tmp_path / "t.csv"), "--quiet"]) in {0, 1}
    count = len(list(folder.iterdir()))
    said = capsys.readouterr().out
    assert f"{count - 2} of {count} galaxies; 2 have no answer (why: column “problem”): " in said
