"""Image files with faults: each is that file's problem, said with its place, and never the whole import's."""

import io
import os
import struct
import sys
import tokenize
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from PIL import Image

from core.data import importing, pictures, stamp_format
from core.data import preview as previews
from core.data.cutouts import Cutouts
from core.data.discovery import discover
from core.data.fits import read_image
from core.data.marks import find_marks
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.data.wcs import transform_coordinates
from core.errors import UnreadableFile
from core.events import result_of

RANDOM = np.random.default_rng(0)


def image(side: int = 12) -> np.ndarray:
    return RANDOM.normal(size=(side, side)).astype(np.float32)


def run(folder: Path) -> tuple[ImportReport, Cutouts]:
    report = result_of(importing.run(folder, folder.parent / "out.h5"))
    return report, Cutouts.open(folder.parent / "out.h5")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three whole images."""
    there = tmp_path / "in"
    there.mkdir()
    for number in range(3):
        fits.writeto(there / f"g{number}.fits", image())
    return there


@pytest.mark.parametrize("mark", [-1e30, 1e20, 1.6e38, 3.4028235e38, 1e300])
def test_an_absurd_value_is_a_missing_pixel_and_the_galaxy_is_named(mark: float, folder: Path) -> None:
    pixels = image().astype(np.float64)
    pixels[3, 3] = mark
    fits.writeto(folder / "marked.fits", pixels)
    report, cutouts = run(folder)
    with cutouts:
        row = cutouts.ids.index("marked")
        assert cutouts.missing[row] == pytest.approx(1 / 144)
        assert abs(cutouts.images[row]).max() < 10
    if mark < 1e39:  # larger ones are infinite in float32
        (note,) = report.notes
        assert "marked" in note
        assert f"{np.float32(mark):.6g}" in note
    seen = result_of(previews.preview([folder], ImportSettings(), None))
    assert all(abs(stamp[np.isfinite(stamp)]).max() < 10 for stamp in seen.stamps)


@pytest.mark.parametrize(
    "pixels",
    [
        np.array([[0.1, 1e6], [-0.2, 0.3]]),  # a cosmic ray
        np.array([[0.1, -9999], [65535, 0.3]]),
        10 ** np.arange(25.0, 35.0).reshape(2, 5),  # erg/s
        np.array([[1e14, 2e16], [3e18, np.nan]]),
        np.zeros((3, 3)),
        np.full((3, 3), np.nan),
    ],
)
def test_values_that_may_be_real_are_left_alone(pixels: np.ndarray) -> None:
    assert not find_marks(pixels.astype(np.float32)).any()


def test_all_marks_of_an_image_are_found_whatever_their_sign() -> None:
    pixels = image()
    pixels[:4] = -1e30
    pixels[5, 5], pixels[6, 6] = 1e20, np.inf
    assert find_marks(pixels).sum() == 4 * 12 + 1
    masked = np.zeros((4, 4), np.float32)
    masked[0, 0] = 1e20
    assert find_marks(masked).sum() == 1


@pytest.mark.parametrize(
    "error", [RecursionError("too deep"), tokenize.TokenError("EOF in multi-line", (1, 0)), struct.error("unpack")]
)
def test_whatever_reading_one_file_raises_is_that_files_problem(
    error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.zeros((12, 12), np.uint8)).save(folder / "bad.png")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    report, cutouts = run(folder)
    with cutouts:
        assert len(cutouts) == 3
    (problem,) = report.unusable
    assert problem.where == "bad.png"
    assert str(error.args[0]) in problem.sentence
    assert result_of(previews.preview([folder], ImportSettings(), None)).count == 4


def test_the_report_keeps_the_exception_and_the_line_where_it_arose(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.zeros((12, 12), np.uint8)).save(folder / "bad.png")
    monkeypatch.setattr(Image, "open", lambda *_, **__: {}["no such key"])
    report, cutouts = run(folder)
    cutouts.close()
    assert "KeyError" in report.unusable[0].sentence
    assert "KeyError in core/data/pictures.py:" in report.unusable[0].detail
    report.save(folder / "report.csv")
    assert report.unusable[0].detail in (folder / "report.csv").read_text()


@pytest.mark.parametrize("step", ["prepare", "look_at"])
def test_a_step_that_fails_for_one_file_is_that_files_problem_in_preview_and_import(
    step: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"prepare": (importing, previews), "look_at": (stamp_format,)}[step]
    whole = getattr(where[0], step)

    def fail(first: object, *others: object) -> object:
        if getattr(first, "image", first)[0, 0, 0] == 77:
            raise AttributeError("a fault of ours")
        return whole(first, *others)

    pixels = np.where(np.arange(12) == 0, 77, image()).astype(np.float32)
    pixels[5, 5] = np.nan  # so that there is something to prepare
    fits.writeto(folder / "odd.fits", pixels)
    for module in where:
        monkeypatch.setattr(module, step, fail)
    report, cutouts = run(folder)
    with cutouts:
        assert cutouts.ids[:3] == ["g0", "g1", "g2"]
    seen = result_of(previews.preview([folder], ImportSettings(), None))
    told = [*report.unusable, *seen.problems] if step == "look_at" else report.unusable
    assert seen.count == 4
    assert any("AttributeError" in problem.sentence for problem in told)
    assert step == "look_at" or any("AttributeError" in note for note in seen.notes)


def test_one_damaged_extension_of_a_stack_is_reported_and_the_others_are_imported(folder: Path) -> None:
    units = [fits.PrimaryHDU(), *(fits.CompImageHDU(image(), name=f"galaxy{n}") for n in range(4))]
    fits.HDUList(units).writeto(folder / "stack.fits")
    content = bytearray((folder / "stack.fits").read_bytes())
    end = content.index(b"END" + b" " * 77, content.index(b"GALAXY2"))
    table = end - end % 2880 + 2880
    content[table : table + 8] = b"\xff" * 8  # how long its tile is, and where
    (folder / "stack.fits").write_bytes(content)
    report, cutouts = run(folder)
    with cutouts:
        assert [name for name in cutouts.ids if "galaxy" in name.lower()] == ["GALAXY0", "GALAXY1", "GALAXY3"]
    assert [problem.where for problem in report.unusable] == ["stack.fits [GALAXY2]"]


def test_damaged_images_of_a_container_are_reported_and_the_others_are_imported(folder: Path) -> None:
    images = np.random.default_rng(2).normal(size=(50, 12, 12)).astype(np.float32)
    with h5py.File(folder / "many.h5", "w") as file:
        made = file.create_dataset("images", data=images, chunks=(1, 12, 12), compression="gzip")
        place = made.id.get_chunk_info(17).byte_offset
        file["id"] = [f"m{number}" for number in range(50)]
    content = bytearray((folder / "many.h5").read_bytes())
    content[place + 10 : place + 40] = bytes(30)
    (folder / "many.h5").write_bytes(content)
    np.savez(folder / "more.npz", images=images, id=[f"n{number}" for number in range(50)])
    content = bytearray((folder / "more.npz").read_bytes())
    content[3000] ^= 255  # only the checksum at the end tells
    (folder / "more.npz").write_bytes(content)
    report, cutouts = run(folder)
    with cutouts:
        assert set(cutouts.ids) >= {f"m{number}" for number in range(50) if number != 17}
        assert "m17" not in cutouts.ids
    assert [problem.where for problem in report.unusable][:1] == ["many.h5 [image 18]"]


def test_an_npz_whose_header_is_broken_off_is_one_problem_of_the_import(folder: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.random.default_rng(0).normal(size=(3, 12, 12)).astype(np.float32))
    whole = array.getvalue()
    broken = whole.replace(b"12), }", b"12    ")
    with pytest.raises(tokenize.TokenError):
        np.lib.format.read_array(io.BytesIO(broken))
    for name, members in (("all", {"images": broken}), ("one", {"images": whole, "more": broken})):
        with zipfile.ZipFile(folder / f"{name}.npz", "w") as archive:  # whose own checksums are right
            for key, content in members.items():
                archive.writestr(f"{key}.npy", content)
    report, cutouts = run(folder)
    with cutouts:
        assert sorted(cutouts.ids) == ["g0", "g1", "g2", "one_0", "one_1", "one_2"]
    (problem,) = report.unusable
    assert "all.npz" in problem.where
    assert "more (it is damaged" in report.notes[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'DEC--TAN'", b"'DEC-\0TAN'"),
        (b"'nmgy    '", b"'nm\0\x1b[2J'"),
        (b"'r       '", b"'r\x9b\0     '"),
        (b"  11.0", b"  \x001.0"),
    ],
)
@pytest.mark.parametrize("unit", [fits.PrimaryHDU, fits.CompImageHDU])
def test_control_characters_in_a_header_reach_neither_the_dataset_nor_the_terminal(
    unit: type[fits.ImageHDU], old: bytes, new: bytes, folder: Path
) -> None:
    made = unit(image(), fits.Header(SKY | {"CRVAL1": 11.0, "BUNIT": "nmgy", "FILTER": "r"}))
    made.writeto(folder / "odd.fits")
    content = (folder / "odd.fits").read_bytes()
    assert old in content
    (folder / "odd.fits").write_bytes(content.replace(old, new))
    report, cutouts = run(folder)
    with cutouts:
        assert len(cutouts) + len(report.unusable) == 4
        told = [*report.notes, *(band.name + band.unit for band in cutouts.bands), *cutouts.ids]
        headers = [cutouts.header(row) for row in range(len(cutouts))]
    assert all(text.isprintable() for text in told)
    assert not any("\0" in text for text in headers)


def test_a_picture_without_pixels_is_reported(folder: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "empty.png")
    content = bytearray((folder / "empty.png").read_bytes())
    content[16:20] = bytes(4)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (folder / "empty.png").write_bytes(content)
    report, cutouts = run(folder)
    cutouts.close()
    assert [problem.where for problem in report.unusable] == ["empty.png"]


def test_postscript_called_jpg_starts_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bounding = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 12 12\n%%EndComments\nshowpage\n"
    (tmp_path / "a.jpg").write_bytes(bounding)
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *given, **_: started.append(given))
    with pytest.raises(UnreadableFile, match="a PostScript document"):
        pictures.read_picture(tmp_path / "a.jpg")
    assert not started


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_and_a_loop_of_links_are_reported_and_the_rest_is_imported(folder: Path) -> None:
    os.mkfifo(folder / "pipe.fits")
    (folder / "loop.fits").symlink_to(folder / "loop.fits")
    (folder / "gone.fits").symlink_to(folder / "not there")
    (folder / "again").symlink_to(folder)
    report, cutouts = run(folder)
    with cutouts:
        assert cutouts.ids == ["g0", "g1", "g2"]
    assert [Path(problem.where).name for problem in report.unusable] == ["gone.fits", "loop.fits", "pipe.fits"]
    with pytest.raises(UnreadableFile, match="pipe"):
        result_of(discover([folder / "pipe.fits"], ImportSettings()))


def test_files_of_one_name_in_two_folders_have_ids_of_their_own_and_it_is_said(tmp_path: Path) -> None:
    for name in ("in/north", "in/south"):
        (tmp_path / name).mkdir(parents=True)
        fits.writeto(tmp_path / name / "1.fits", image())
    fits.writeto(tmp_path / "in/north/2.fits", image())
    report, cutouts = run(tmp_path / "in")
    with cutouts:
        assert cutouts.ids == ["north/1", "2", "south/1"]
    assert any("“north/1” for 1 and 1 more" in note for note in report.notes)


@pytest.mark.parametrize(
    ("galaxy", "beside"),
    [
        ("G{}fitim", ("G{}mskim", "G{}psfim", "G{}segim", "G{}sigma")),
        ("g{}", ("g{}_mask", "g{}-rms", "g{}.seg", "g{}_model")),
        ("g{}_sci", ("g{}_wht", "g{}_psf")),
    ],
)
def test_files_that_lie_beside_an_image_are_left_out_and_counted(
    galaxy: str, beside: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 10, 2):
        for name in (galaxy, *beside):
            fits.writeto(tmp_path / "in" / f"{name.format(number)}.fits", image())
    report, cutouts = run(tmp_path / "in")
    with cutouts:
        assert cutouts.ids == [galaxy.format(number) for number in (1, 2, 10)]
    (note,) = [note for note in report.notes if "beside the images" in note]
    assert note.count("3 as a") == len(beside)
    seen = result_of(previews.preview([tmp_path / "in"], ImportSettings(), None))
    assert (seen.count, note in seen.notes) == (3, True)


def test_a_mask_without_its_image_is_imported_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("g1_psf", "g10_psf", "g10", "mask", "0mask"):
        fits.writeto(tmp_path / "in" / f"{name}.fits", image())
    _, cutouts = run(tmp_path / "in")
    with cutouts:
        assert cutouts.ids == ["0mask", "g1_psf", "g10", "mask"]


@pytest.mark.parametrize("shape", [(1, 64), (64, 1), (3, 64), (2, 3)])
def test_a_thin_strip_is_refused_with_its_size(shape: tuple[int, int], folder: Path) -> None:
    fits.writeto(folder / "strip.fits", RANDOM.normal(size=shape))
    report, cutouts = run(folder)
    cutouts.close()
    assert f"only {shape[1]} × {shape[0]} pixels" in report.unusable[0].sentence


SKY = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CRPIX1": 3.0, "CRPIX2": 3.0}
TURNED = {"1_1": -6e-5, "1_2": 8e-5, "2_1": 8e-5, "2_2": 6e-5}


@pytest.mark.parametrize(
    "cards",
    [
        {f"PC{place}": value for place, value in TURNED.items()},
        {f"CD{place}": value for place, value in TURNED.items()},
        {f"CD{place}": value for place, value in TURNED.items()} | {"CDELT1": 1.0, "CDELT2": 1.0},
        {"CDELT1": -2e-4, "CDELT2": 2e-4},
        {"CDELT1": -2e-4, "CDELT2": 2e-4, "CROTA2": 30.0},
        {"CDELT1": -2e-4, "CDELT2": 3e-4, **{f"PC{place}": 1e4 * value for place, value in TURNED.items()}},
        {"CDELT1": -0.25, "CDELT2": 0.25, "CUNIT1": "arcsec", "CUNIT2": "arcsec"},
        {"PC1_1": -2e-4, "PC2_2": 2e-4, "CDELT2": 1.0},
    ],
)
def test_the_pixel_scale_is_astropys_however_the_header_gives_it_also_after_resampling(
    cards: dict[str, object], tmp_path: Path
) -> None:
    unit = fits.PrimaryHDU(image(8))
    unit.header.update(SKY | cards)
    unit.writeto(tmp_path / "a.fits")
    read = read_image(tmp_path / "a.fits")
    expected = 3600 * np.sqrt(float(proj_plane_pixel_area(WCS(unit.header))))
    assert read.pixel_scale == pytest.approx(expected, rel=1e-6)
    smaller = transform_coordinates(read.wcs, 0, 0, 0.5)
    kept = WCS(fits.Header.fromstring(smaller, sep="\n"))
    assert 3600 * np.sqrt(float(proj_plane_pixel_area(kept))) == pytest.approx(2 * expected, rel=1e-6)


def test_coordinates_without_any_step_give_no_pixel_scale(tmp_path: Path) -> None:
    unit = fits.PrimaryHDU(image(8))
    unit.header.update(SKY)
    unit.writeto(tmp_path / "a.fits")
    assert np.isnan(read_image(tmp_path / "a.fits").pixel_scale)
