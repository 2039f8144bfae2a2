"""Plain files that are read many at a time give what each of them gives alone, and what astropy reads."""

import gzip
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.data import regular_files
from core.data.cutouts import Cutouts
from core.data.field_factors import FieldFactors
from core.data.importing import decide_format, read_stamps, run
from core.data.plain_runs import PlainRun, PlainRuns
from core.data.settings import ImportSettings
from core.errors import Problem, Stopped
from core.events import result_of

SIDE = 16


def _usual(random, kind=np.float32, **cards):
    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRVAL1"], header["CRVAL2"] = float(random.uniform(0, 360)), float(random.uniform(-90, 90))
    header["CRPIX1"], header["CRPIX2"] = 8.5, float(random.integers(1, 16))
    header["CDELT1"], header["CDELT2"] = -1e-4, 1e-4
    header["FILTER"], header["BUNIT"], header["DATE"] = "r", "nanomaggy", str(random.integers(2000, 2030))
    header.update(cards)
    pixels = random.normal(100, 20, (SIDE, SIDE))
    return fits.PrimaryHDU(pixels.astype(kind), header)


def _odd_files(random):
    """Files that are out of the ordinary in one way each, by name."""
    yield "double", _usual(random, np.float64)
    yield "enormous", fits.PrimaryHDU(np.where(np.eye(SIDE), 1e300, random.normal(size=(SIDE, SIDE))))
    yield "short", _usual(random, np.int16)
    yield "long", _usual(random, np.int64)
    yield "bytes", _usual(random, np.uint8)
    yield "unsigned", _usual(random, np.uint16)  # with BZERO
    scaled = _usual(random)
    scaled.scale("int16", bscale=0.25, bzero=7)
    yield "scaled", scaled
    gaps = _usual(random)
    gaps.data[3, :4] = np.nan
    yield "gaps", gaps
    nothing = _usual(random)
    nothing.data[:] = np.nan
    yield "nothing", nothing
    marked = _usual(random)
    marked.data[5, 5] = 1.6e38
    yield "marked", marked
    flat = _usual(random)
    flat.data[:] = 3
    yield "flat", flat
    almost = _usual(random)
    almost.data[:] = 3
    almost.data[-1, -1] = 4
    yield "almost flat", almost
    for name, value in {"small mark": -1.1e15, "largest value": 9.9e14}.items():
        extreme = _usual(random)
        extreme.data[2, 9] = value
        yield name, extreme
    yield "blank", _usual(random, np.int32, BLANK=100)
    yield "other filter", _usual(random, FILTER="g")
    yield "other unit", _usual(random, BUNIT="adu")
    yield "other scale", _usual(random, CDELT1=-2e-4, CDELT2=2e-4)
    yield "no sky", fits.PrimaryHDU(random.normal(size=(SIDE, SIDE)).astype(np.float32))
    yield "larger", fits.PrimaryHDU(random.normal(size=(SIDE + 5, SIDE + 2)).astype(np.float32))
    yield "table", fits.HDUList([_usual(random), fits.BinTableHDU.from_columns([])])
    yield "extension", fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(_usual(random).data)])
    yield "compressed", fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(_usual(random).data)])
    yield "end in a comment", _usual(random, DATE="x", COMMENT="END")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, random = tmp_path_factory.mktemp("odd"), np.random.default_rng(3)
    for number in range(150):
        _usual(random).writeto(folder / f"a{number}.fits")
    for name, unit in _odd_files(random):
        for number in range(2):  # alone among usual files, and one after the other
            unit.writeto(folder / f"a{random.integers(150)} {name} {number}.fits")
    whole = (folder / "a1.fits").read_bytes()
    head = whole[:2880]
    at = head.index(b"NAXIS1  ")
    lying = head[:at] + b"NAXIS1  =           1000000000".ljust(80) + head[at + 80 :]
    for name, content in {
        "truncated": whole[:-2000],
        "only a header": head,
        "empty": b"",
        "too wide": lying + whole[2880:],
        "without an end": head.replace(b"END" + b" " * 77, b"ENDE" + b" " * 76) + whole[2880:],
        "an end too early": head[:at] + b"END".ljust(80) + head[at + 80 :] + whole[2880:],
        "longer": whole + bytes(2880),
    }.items():
        (folder / f"a7 {name}.fits").write_bytes(content)
    (folder / "a9 packed.fits").write_bytes(gzip.compress(whole))
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        ImportSettings(size=SIDE, max_missing=0.1),
        ImportSettings(size=SIDE, pixel_scale=0.3, zero_point=(25.0,), fit="crop or pad"),
        ImportSettings(size=SIDE, hdu="1"),
        ImportSettings(size=12, fit="crop or pad"),
        ImportSettings(size=SIDE, field=12.0, field_unit="pixels"),
    ],
)
def test_files_that_are_read_together_give_what_each_gives_alone(
    folder: Path, tmp_path: Path, settings: ImportSettings
) -> None:
    prepared = result_of(decide_format([folder], settings, None))
    expected = [
        outcome
        for source in prepared.found.sources
        for outcome in read_stamps(source, prepared.settings, prepared.plan, FieldFactors())
    ]
    stamps = [outcome for outcome in expected if not isinstance(outcome, Problem)]
    problems = [outcome for outcome in expected if isinstance(outcome, Problem)]
    assert stamps
    assert problems
    report = result_of(run([folder], tmp_path / "all.h5", settings))
    assert [str(problem) for problem in report.unusable] == [str(problem) for problem in problems]
    with Cutouts.open(tmp_path / "all.h5") as cutouts:
        assert cutouts.ids == [member.name for member, _ in stamps]
        assert np.array_equal(cutouts.images[:], np.stack([stamp.image for _, stamp in stamps]))
        assert [cutouts.header(row) for row in range(len(cutouts))] == [stamp.wcs for _, stamp in stamps]
        assert np.array_equal(cutouts.pixel_scale, [stamp.pixel_scale for _, stamp in stamps], equal_nan=True)
        assert np.array_equal(cutouts.missing, np.float32([stamp.missing for _, stamp in stamps]))


def test_values_and_positions_are_those_of_astropy(folder: Path, tmp_path: Path) -> None:
    result_of(run([folder], tmp_path / "all.h5", ImportSettings(size=SIDE)))
    with Cutouts.open(tmp_path / "all.h5") as cutouts:
        rows = [
            row for row, name in enumerate(cutouts.ids) if " " not in name or name.rsplit(" ", 1)[0][-3:] in "double"
        ]
        assert len(rows) >= 150
        for row in rows:
            image, header = fits.getdata(folder / f"{cutouts.ids[row]}.fits", header=True)
            assert np.array_equal(cutouts.images[row][0], image.astype(np.float32))
            kept = fits.Header.fromstring(cutouts.header(row), sep="\n")
            assert {name: kept[name] for name in kept} == {name: header[name] for name in kept}
            assert {"CRVAL1", "CRVAL2", "CRPIX2", "CDELT1"} <= set(kept)


@pytest.mark.parametrize("read_parts", [regular_files._read_parts, regular_files._read_one_by_one])
def test_most_files_of_a_survey_are_read_together(
    folder: Path, read_parts: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regular_files, "_read_parts", read_parts)  # the second one is that of Windows
    prepared = result_of(decide_format([folder], ImportSettings(size=SIDE), None))
    steps = list(PlainRuns(prepared.found.sources, prepared.settings, prepared.plan))
    together = sum(len(step) for step in steps if isinstance(step, PlainRun))
    assert together > 90  # of 150, between 50 others
    for step in PlainRuns(prepared.found.sources, prepared.settings, prepared.plan):
        for place, image in enumerate(step.images if isinstance(step, PlainRun) else [], getattr(step, "first", 0)):
            assert np.array_equal(image[0], fits.getdata(prepared.found.sources[place].path).astype(np.float32))
    places = [
        place
        for step in steps
        for place in (range(step.first, step.first + len(step)) if isinstance(step, PlainRun) else [step])
    ]
    assert places == list(range(len(prepared.found.sources)))


def test_it_stops_within_a_run(folder: Path) -> None:
    prepared = result_of(decide_format([folder], ImportSettings(size=SIDE), None))
    stop = threading.Event()
    runs = iter(PlainRuns(prepared.found.sources, prepared.settings, prepared.plan, stop))
    next(runs)
    stop.set()
    with pytest.raises(Stopped):
        list(runs)


def test_long_headers_take_no_more_memory_than_many_files(tmp_path: Path) -> None:
    folder, random = tmp_path / "long", np.random.default_rng(5)
    folder.mkdir()
    _usual(random).writeto(tmp_path / "short.fits")
    content = (tmp_path / "short.fits").read_bytes()
    end = content.index(b"END" + b" " * 77)
    head = content[:end] + b"HISTORY a step".ljust(80) * 20_000 + b"END".ljust(80)
    for number in range(12):
        (folder / f"{number}.fits").write_bytes(head + b" " * (-len(head) % 2880) + content[2880:])
    prepared = result_of(decide_format([folder], ImportSettings(size=SIDE), None))
    runs = PlainRuns(prepared.found.sources, prepared.settings, prepared.plan)
    tracemalloc.start()
    lengths = [len(step) for step in runs if isinstance(step, PlainRun)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(lengths) == 12
    assert peak < 40 * 2**20  # 64 such headers are 100 MB
