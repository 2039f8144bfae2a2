import csv
import threading
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from core.data.cutouts import Cutouts
from core.data.importing import run
from core.data.preview import ImportPreview, preview
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.errors import CatalogueProblem, SettingsProblem, Stopped, UnreadableFile
from core.events import Event, Progress, Skipped, result_of

SHARED = Path(__file__).parents[4] / "shared" / "data"
RANDOM = np.random.default_rng(8)


def cutout(path: Path, side: int = 8, **cards: object) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RANDOM.normal(size=(side, side)).astype(np.float32)
    unit = fits.PrimaryHDU(image)
    unit.header.update(cards)
    unit.writeto(path)
    return image


def picture(path: Path, side: int = 8) -> None:
    Image.fromarray(RANDOM.integers(0, 255, (side, side, 3)).astype(np.uint8)).save(path)


def run_all(work) -> tuple[list[Event], ImportReport]:
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return events, end.value


def imported(source: Path, output: Path, catalogue: Path | None = None, **settings: object) -> ImportReport:
    return result_of(run([source], output, ImportSettings(**settings), catalogue, threading.Event()))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "data.h5"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_images_labels_and_units_arrive_in_the_dataset(source: Path, output: Path) -> None:
    images = [cutout(source / f"{n}.fits", FILTER="r", BUNIT="nJy", PIXSCALE=0.2) for n in range(70)]
    table = Table({"id": [str(n) for n in range(70)], "class": ["a", "b"] * 35, "radius": np.arange(70.0)})
    table["radius"].unit = "arcsec"
    table.write(source / "catalogue.fits")
    report = imported(source, output, source / "catalogue.fits")
    assert (report.imported, report.unusable, report.without_label, report.without_image) == (70, [], [], [])
    with Cutouts.open(output) as cutouts:
        assert np.array_equal(cutouts.images[:][:, 0], np.array(images))
        assert cutouts.ids == [str(n) for n in range(70)]
        assert cutouts.labels == ("class",)
        assert [(band.name, band.unit) for band in cutouts.bands] == [("r", "nJy")]
        assert cutouts.units == {"radius": "arcsec"}
        assert cutouts.columns["class"].tolist() == ["a", "b"] * 35
        assert set(cutouts.pixel_scale) == {0.2}
        assert "size" in cutouts.origin.settings


def bad_files(folder: Path) -> dict[str, str]:
    """Every kind of unusable file, with a word of the reason that is to be given."""
    whole = (folder / "1.fits").read_bytes()
    (folder / "truncated.fits").write_bytes(whole[:2990])
    (folder / "empty.fits").write_bytes(b"")
    (folder / "web.fits").write_bytes(b"<html>503</html>")
    table = fits.BinTableHDU.from_columns([fits.Column("a", "K", array=np.arange(3))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(folder / "table.fits")
    arrays = {
        "line": np.ones(9),
        "four": np.ones((2, 2, 8, 8)),
        "nan": np.full((8, 8), np.nan),
        "constant": np.full((8, 8), 3.0),
        "tiny": np.ones((1, 1)),
        "cube": RANDOM.normal(size=(3, 8, 8)),
    }
    for name, array in arrays.items():
        fits.PrimaryHDU(array).writeto(folder / f"{name}.fits")
    return {
        "truncated.fits": "truncated",
        "empty.fits": "empty",
        "web.fits": "web page",
        "table.fits": "table",
        "line.fits": "1-D",
        "four.fits": "4-D",
        "nan.fits": "No pixel",
        "constant.fits": "same value",
        "tiny.fits": "1 × 1",
        "cube.fits": "3 bands",
    }


def test_unusable_files_are_reported_and_the_rest_is_imported(source: Path, output: Path, tmp_path: Path) -> None:
    for n in range(12):
        cutout(source / f"{n}.fits")
    expected = bad_files(source)
    events, report = run_all(run([source], output, ImportSettings(), None, threading.Event()))
    assert report.imported == 12
    told = {problem.where: problem for problem in report.unusable}
    assert set(told) == set(expected)
    assert all(expected[name] in problem.sentence and problem.remedy for name, problem in told.items())
    assert [event.problem for event in events if isinstance(event, Skipped)] == report.unusable
    report.save(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [problem.where for problem in report.unusable]
    assert set(rows[0]) == {"file", "reason", "remedy", "detail"}
    with Cutouts.open(output) as cutouts:
        assert len(cutouts.unusable) == len(expected)


def test_a_folder_of_nothing_but_bad_files_says_how_many_and_why(source: Path, output: Path, tmp_path: Path) -> None:
    for n in range(3):
        (source / f"{n}.fits").write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"None of 3 files could be used. The first: The file is empty"):
        imported(source, output)
    assert not output.exists()
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UnreadableFile, match="no FITS, JPEG"):
        imported(tmp_path / "nothing", output)


def test_a_sample_of_bad_files_does_not_hide_the_good_one(source: Path, output: Path) -> None:
    for n in range(400):
        (source / f"{n}.fits").write_bytes(b"")
    cutout(source / "1x.fits")
    assert imported(source, output).imported == 1


def test_missing_unmatched_and_contradictory_rows_are_counted(source: Path, output: Path) -> None:
    for name in "abcd":
        cutout(source / f"{name}.fits")
    rows = ["file,class", "a.fits,s", "a.fits,s", "b.fits,s", "b.fits,e", "c.fits,", "x.fits,s", "y.fits,e"]
    (source / "labels.csv").write_text("\n".join(rows))
    report = imported(source, output, source / "labels.csv")
    assert report.imported == 4
    assert report.without_label == ["b", "c", "d"]
    assert report.without_image == ["x.fits", "y.fits"]
    assert [problem.where for problem in report.unusable] == ["b.fits"]
    assert any("identical" in note for note in report.notes)
    assert any("All labels are “s”" in note for note in report.notes)
    with Cutouts.open(output) as cutouts:
        assert cutouts.columns["class"].tolist() == ["s", "", "", ""]


def test_one_galaxy_of_a_class_imports_with_a_note(source: Path, output: Path) -> None:
    for n in range(5):
        cutout(source / f"{n}.fits")
    (source / "labels.csv").write_text("file,class\n0.fits,a\n1.fits,a\n2.fits,a\n3.fits,a\n4.fits,merger\n")
    report = imported(source, output, source / "labels.csv")
    assert (report.imported, report.without_label) == (5, [])
    assert any("Only one galaxy is labelled “merger”" in note for note in report.notes)


def test_18_digit_ids_survive(source: Path, output: Path) -> None:
    ids = ["587722953303916935", "587722953303916936"]
    for name in ids:
        cutout(source / f"{name}.fits")
    (source / "labels.csv").write_text("objid,class\n" + "".join(f"{name},c{n}\n" for n, name in enumerate(ids)))
    imported(source, output, source / "labels.csv")
    with Cutouts.open(output) as cutouts:
        assert cutouts.ids == ids
        assert cutouts.columns["class"].tolist() == ["c0", "c1"]


def test_a_catalogue_with_rounded_ids_is_refused_and_nothing_is_written(source: Path, output: Path) -> None:
    cutout(source / "587722953303916935.fits")
    Table({"objid": [5.87722953303916935e17], "class": ["a"]}).write(source / "catalogue.fits")
    with pytest.raises(CatalogueProblem, match="lost their last digits"):
        imported(source, output, source / "catalogue.fits")
    assert not output.parent.exists() or not list(output.parent.iterdir())


def test_labels_come_from_folders(source: Path, output: Path) -> None:
    for name in ("spiral/1", "spiral/2", "elliptical/3"):
        cutout(source / f"{name}.fits")
    imported(source, output, labels_from_folders=True)
    with Cutouts.open(output) as cutouts:
        assert cutouts.labels == ("class",)
        assert dict(zip(cutouts.ids, cutouts.columns["class"], strict=True)) == {
            "1": "spiral",
            "2": "spiral",
            "3": "elliptical",
        }


def test_classes_that_differ_only_in_spelling_are_named_and_not_merged(source: Path, output: Path) -> None:
    for name in ("edge-on/1", "Edge On/2", "S0/3", "S0-/4"):
        cutout(source / f"{name}.fits")
    report = imported(source, output, labels_from_folders=True)
    told = [note for note in report.notes if "different classes" in note]
    assert len(told) == 1 and "“edge-on” (1)" in told[0] and "“Edge On” (1)" in told[0]
    with Cutouts.open(output) as cutouts:
        assert set(cutouts.columns["class"].tolist()) == {"edge-on", "Edge On", "S0", "S0-"}


def test_label_columns_can_be_named(source: Path, output: Path) -> None:
    for n in range(3):
        cutout(source / f"{n}.fits")
    (source / "t.csv").write_text("id,class,radius,q\n0,a,1.5,0.2\n1,b,2.5,0.3\n2,a,,0.4\n")
    report = imported(source, output, source / "t.csv", labels=("radius", "q"))
    assert report.without_label == ["2"]
    with Cutouts.open(output) as cutouts:
        assert cutouts.labels == ("radius", "q")


def test_the_most_frequent_size_wins_and_the_others_are_fitted(source: Path, output: Path) -> None:
    for n, side in enumerate([8, 8, 8, 12, 6]):
        cutout(source / f"{n}.fits", side, PIXSCALE=0.3)
    report = imported(source, output)
    assert report.imported == 5
    with Cutouts.open(output) as cutouts:
        assert cutouts.shape == (5, 1, 8, 8)
        assert cutouts.missing.tolist() == pytest.approx([0, 0, 0, 0, 1 - 36 / 64])
    imported(source, output, size=6, fit="resample")
    with Cutouts.open(output) as cutouts:
        assert cutouts.shape == (5, 1, 6, 6)
        assert cutouts.pixel_scale.tolist() == pytest.approx([0.4, 0.4, 0.4, 0.6, 0.3])


def test_pictures_are_stored_with_8_bits_until_a_file_with_more_turns_up(source: Path, output: Path) -> None:
    for n in range(300):
        picture(source / f"{n}.png")
    imported(source, output)
    with Cutouts.open(output) as cutouts:
        assert cutouts.is_picture
        before = cutouts.images[:]
    values = RANDOM.normal(size=(3, 8, 8)).astype(np.float32)
    fits.PrimaryHDU(values).writeto(source / "1000.fits")  # not in the sample: every third is
    report = imported(source, output)
    assert report.imported == 301
    with Cutouts.open(output) as cutouts:
        assert not cutouts.is_picture
        assert np.array_equal(cutouts.images[:300], before)
        assert np.array_equal(cutouts.images[300], values)


def test_galaxy10_files_bring_their_labels(source: Path, output: Path) -> None:
    with h5py.File(source / "Galaxy10.h5", "w") as file:
        file["images"] = RANDOM.integers(0, 255, (150, 9, 9, 3)).astype(np.uint8)
        file["ans"], file["ra"] = np.arange(150, dtype=np.uint8) % 10, np.linspace(0, 1, 150)
    events, report = run_all(run([source], output, ImportSettings(), None, threading.Event()))
    assert report.imported == 150
    assert next(e for e in reversed(events) if isinstance(e, Progress)) == Progress(150, 150, "files")
    with Cutouts.open(output) as cutouts:
        assert cutouts.labels == ("ans",)
        assert cutouts.columns["ans"].tolist() == [n % 10 for n in range(150)]
        assert cutouts.is_picture


def test_a_stack_of_extensions_becomes_one_stamp_each(source: Path, output: Path) -> None:
    units = [fits.ImageHDU(RANDOM.normal(size=(8, 8))) for _ in range(5)]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(source / "psf.fits")
    assert imported(source, output).imported == 5
    with Cutouts.open(output) as cutouts:
        assert cutouts.ids == [f"psf_{n}" for n in range(1, 6)]


def test_band_names_that_are_too_few_are_refused(source: Path, output: Path) -> None:
    fits.PrimaryHDU(RANDOM.normal(size=(3, 8, 8))).writeto(source / "a.fits")
    with pytest.raises(SettingsProblem, match="2 bands are named"):
        imported(source, output, bands="g,r")
    assert imported(source, output, bands="g,r,i").imported == 1


def test_other_units_and_filters_are_noted(source: Path, output: Path) -> None:
    for n in range(3):
        cutout(source / f"{n}.fits", FILTER="r", BUNIT="nJy")
    cutout(source / "3.fits", FILTER="g", BUNIT="counts")
    notes = " ".join(imported(source, output).notes)
    assert "band g and not r: 1" in notes
    assert "unit “counts” and not “nJy”: 1" in notes


def test_what_lies_beside_the_cutouts_is_noted(source: Path, output: Path) -> None:
    cutout(source / "0.fits")
    (source / "labels.csv").write_text("file,class\n0.fits,a\n")
    (source / "notes.txt").write_text("hello")
    notes = " ".join(imported(source, output).notes)
    assert "labels.csv lies beside" in notes
    assert "1 .txt" in notes


@pytest.mark.parametrize("after", [0, 1, 30, 200])
def test_stopping_leaves_nothing_behind(after: int, source: Path, output: Path) -> None:
    for n in range(300):
        (source / f"{n}.fits").write_bytes(b"")  # a Skipped event for each
    for n in range(20):
        cutout(source / f"good {n}.fits")
    stop = threading.Event()
    work = run([source], output, ImportSettings(), None, stop)
    with pytest.raises(Stopped):
        for number, _ in enumerate(work):
            if number >= after:
                stop.set()
    assert not output.parent.exists() or not list(output.parent.iterdir())


def test_an_earlier_dataset_survives_a_failed_import(source: Path, output: Path) -> None:
    cutout(source / "0.fits")
    imported(source, output)
    before = output.read_bytes()
    work = run([source], output, ImportSettings(), None, stop := threading.Event())
    with pytest.raises(Stopped):
        for _ in work:
            stop.set()
    assert output.read_bytes() == before


def test_two_imports_are_the_same(source: Path, output: Path) -> None:
    for n in range(9):
        cutout(source / f"{n}.fits", side=8 + n % 3)
    checksums = set()
    for _ in range(2):
        imported(source, output)
        with Cutouts.open(output) as cutouts:
            checksums.add(cutouts.checksum)
    assert len(checksums) == 1


def test_the_dataset_may_lie_among_the_files(source: Path) -> None:
    cutout(source / "0.fits")
    for _ in range(2):
        assert imported(source, source / "data.h5").unusable == []


def test_memory_does_not_grow_with_the_pixels(source: Path, output: Path) -> None:
    peaks = []
    for first, count in ((0, 50), (50, 200)):
        for n in range(first, first + count):
            cutout(source / f"{n}.fits", 64)
        tracemalloc.start()
        imported(source, output)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    pixels = 200 * 64 * 64 * 4
    assert peaks[1] - peaks[0] < 0.1 * pixels


# --- preview


def previewed(source: Path, catalogue: Path | None = None, **settings: object) -> ImportPreview:
    return result_of(preview([source], ImportSettings(**settings), catalogue, threading.Event()))


def test_a_preview_shows_the_first_galaxies_and_finds_the_catalogue_above_the_folder(source: Path) -> None:
    for n in range(20):
        cutout(source / "cutouts" / f"{n}.fits", 8 if n else 9, FILTER="r", PIXSCALE=0.3)
    (source / "labels.csv").write_text("file_loc,class\n" + "".join(f"cutouts/{n}.fits,a\n" for n in range(15)))
    seen = previewed(source / "cutouts")
    assert (seen.count, len(seen.stamps), seen.names[:2]) == (20, 16, ["0", "1"])
    assert seen.shapes == {(1, 8, 8): 19, (1, 9, 9): 1}
    assert (seen.bands, seen.pixel_scale) == (("r",), 0.3)
    assert seen.catalogue == source / "labels.csv"
    assert (seen.columns, seen.id_column, seen.label_columns) == (("file_loc", "class"), "file_loc", ("class",))
    assert (seen.matched, seen.problems) == (15, [])


def test_a_preview_tells_of_a_catalogue_that_does_not_fit_and_does_not_suggest_one(source: Path) -> None:
    cutout(source / "0.fits")
    (source / "labels.csv").write_text("file,class\nelse.fits,a\n")
    assert previewed(source).catalogue is None
    seen = previewed(source, source / "labels.csv")
    assert seen.catalogue == source / "labels.csv"
    assert "names the images" in seen.problems[0].sentence
    assert seen.columns == ("file", "class")


def test_a_preview_of_bad_bands_shows_the_images_and_the_problem(source: Path) -> None:
    fits.PrimaryHDU(RANDOM.normal(size=(3, 8, 8))).writeto(source / "a.fits")
    seen = previewed(source, bands="g,r")
    assert len(seen.stamps) == 1
    assert isinstance(seen.problems[0], SettingsProblem)


def test_a_preview_of_a_galaxy10_file_shows_its_columns(source: Path) -> None:
    with h5py.File(source / "Galaxy10.h5", "w") as file:
        file["images"], file["ans"] = np.arange(20 * 192).reshape(20, 8, 8, 3).astype(np.uint8), np.arange(20) % 3
    seen = previewed(source / "Galaxy10.h5")
    assert (seen.count, len(seen.stamps), seen.columns, seen.label_columns) == (20, 16, ("ans",), ("ans",))


# --- real data


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip("no real cutouts here")
    return path


@pytest.mark.parametrize("catalogue", ["catalogue.csv", "catalogue.fits"])
def test_real_sdss_galaxies_join_their_catalogue(catalogue: str, output: Path) -> None:
    folder = shared("sdss_gz1_fits")
    report = imported(folder, output, folder / catalogue)
    assert (report.imported, report.unusable, report.without_label, report.without_image) == (900, [], [], [])
    with Cutouts.open(output) as cutouts:
        assert cutouts.shape == (900, 3, 106, 106)
        assert cutouts.is_picture
        assert [band.name for band in cutouts.bands] == ["i", "r", "g"]
        assert all(
            name == f"{Path(file).stem}" for name, file in zip(cutouts.ids, cutouts.columns["file"], strict=True)
        )


def test_real_sdss_r_band_images_keep_unit_scale_and_coordinates(output: Path) -> None:
    folder = shared("sdss_r_fits")
    report = imported(folder / "sources", output, folder / "sources.csv")
    assert (report.imported, report.unusable, report.without_label) == (1304, [], [])
    with Cutouts.open(output) as cutouts:
        assert cutouts.labels == ()
        assert (cutouts.bands[0].name, cutouts.bands[0].unit) == ("r", "nanomaggy")
        assert cutouts.pixel_scale == pytest.approx(0.396, abs=1e-3)
        sky = cutouts.wcs(5)
        assert sky is not None
        ra, dec = sky.all_pix2world([[32, 32]], 0)[0]
        assert (ra, dec) == pytest.approx((cutouts.columns["ra"][5], cutouts.columns["dec"][5]), abs=1 / 3600)


@pytest.mark.slow
def test_real_jpegs_join_their_labels_and_bad_downloads_are_reported(output: Path) -> None:
    folder = shared("sdss_gz1")
    report = imported(folder, output, folder / "labels.csv", size=64, fit="resample")
    assert report.imported + len(report.unusable) == 3331
    assert report.without_label == []
    assert all("web page" in problem.sentence for problem in report.unusable)


def test_folders_named_after_parts_give_them_and_are_no_classes(source, output):
    for part in ("train", "valid", "test"):
        for kind in ("spiral", "smooth"):
            cutout(source / part / kind / f"{part} {kind}.fits")
    report = imported(source, output, labels_from_folders=True)
    with Cutouts.open(output) as cutouts:
        assert cutouts.split_column == "split"
        told = dict(zip(cutouts.ids, cutouts.columns["split"].tolist(), strict=True))
        assert told == {name: name.split()[0].replace("valid", "validation") for name in cutouts.ids}
        assert {str(kind) for kind in cutouts.columns["class"]} == {"spiral", "smooth"}
    assert any("2 train, 2 validation, 2 test" in note for note in report.notes)


def test_folders_of_parts_may_lie_below_those_of_classes_or_be_the_chosen_ones(source, output, tmp_path):
    for part in ("Train", "Test"):
        for kind in ("spiral", "smooth"):
            cutout(source / kind / part / f"{part} {kind}.fits")
            cutout(tmp_path / "chosen" / part / kind / f"{part} {kind}.fits")
    chosen = [tmp_path / "chosen" / part for part in ("Train", "Test")]
    for sources, where in (([source], output), (chosen, output.with_name("chosen.h5"))):
        result_of(run(sources, where, ImportSettings(labels_from_folders=True), None, threading.Event()))
        with Cutouts.open(where) as cutouts:
            assert [str(part) for part in cutouts.columns["split"]] == [name.split()[0].lower() for name in cutouts.ids]
            assert [str(kind) for kind in cutouts.columns["class"]] == [name.split()[1] for name in cutouts.ids]


def test_a_class_that_is_called_test_is_a_class_where_nothing_is_called_train(source, output):
    for kind in ("test", "bus"):
        cutout(source / kind / f"{kind}.fits")
    imported(source, output, labels_from_folders=True)
    with Cutouts.open(output) as cutouts:
        assert cutouts.split_column == ""
        assert {str(kind) for kind in cutouts.columns["class"]} == {"test", "bus"}


def test_a_column_of_parts_is_recognised_chosen_or_refused(source, output, tmp_path):
    names = [f"g{number}" for number in range(6)]
    for name in names:
        cutout(source / f"{name}.fits")
    columns = {
        "id": names,
        "label": ["a", "b"] * 3,
        "Split": ["train"] * 3 + ["VAL", "test", ""],
        "mine": ["train", "test"] * 3,
        "odd": ["train", "test", "spare"] * 2,
    }
    Table(columns).write(tmp_path / "catalogue.csv")
    found = {}
    for chosen in ("", "mine", "none"):
        where = output.with_name(f"{chosen or 'recognised'}.h5")
        report = imported(source, where, tmp_path / "catalogue.csv", split_column=chosen)
        with Cutouts.open(where) as cutouts:
            found[chosen] = cutouts.split_column
            assert "Split" in cutouts.columns
        if not chosen:
            assert any("3 train, 1 validation, 1 test; 1 galaxies have none" in note for note in report.notes)
    assert found == {"": "Split", "mine": "mine", "none": ""}
    with pytest.raises(CatalogueProblem, match="“spare”, which is no part"):
        imported(source, output, tmp_path / "catalogue.csv", split_column="odd")
    seen = result_of(preview([source], ImportSettings(), tmp_path / "catalogue.csv", threading.Event()))
    assert seen.split_column == "Split"
