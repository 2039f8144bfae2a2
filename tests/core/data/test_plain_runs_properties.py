"""Whatever lies among the files of a survey, an import gives what each file gives alone, read from its first byte."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import importing, plain_runs
from core.data.cutouts import Cutouts
from core.data.field_factors import FieldFactors
from core.data.fits import read_image
from core.data.importing import decide_format, read_stamps, run
from core.data.settings import ImportSettings
from core.errors import Problem
from core.events import result_of

SIDE = 8
USUAL = 5  # files of the survey, beside the drawn ones
NUMBERS = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def card(keyword: str, value: object, comment: str = "") -> bytes:
    written = f"{value:20}" if isinstance(value, str) else f"{value!r:>20}"
    return f"{keyword:8}= {written}{f' / {comment}' if comment else ''}".ljust(80)[:80].encode("latin-1")


def survey_cards(random: np.random.Generator, bits: int = -32, side: int = SIDE) -> list[bytes]:
    return [
        card("SIMPLE", f"{'T':>20}", "conforms to FITS standard"),
        card("BITPIX", bits),
        card("NAXIS", 2),
        card("NAXIS1", side),
        card("NAXIS2", SIDE),
        card("OBJECT", f"'number {random.integers(1000)}'"),
        card("CTYPE1", "'RA---TAN'"),
        card("CTYPE2", "'DEC--TAN'"),
        card("CRPIX1", 4.5, "[pixel] of the reference"),
        card("CRPIX2", float(random.integers(1, 8))),
        card("CRVAL1", float(random.uniform(0, 360)), "[deg] right ascension"),
        card("CRVAL2", float(random.uniform(-90, 90)), "[deg] declination"),
        card("CDELT1", -1e-4),
        card("CDELT2", 1e-4),
        card("DATE", f"'20{random.integers(10, 30)}-01-01'", "written"),
        card("FILTER", "'r'"),
        card("BUNIT", "'nanomaggy'"),
    ]


def assemble(cards: list[bytes], pixels: np.ndarray) -> bytes:
    head = b"".join([*cards, b"END".ljust(80)])
    body = pixels.tobytes()
    return head + b" " * (-len(head) % 2880) + body + bytes(-len(body) % 2880)


def survey_pixels(random: np.random.Generator, kind: str = ">f4") -> np.ndarray:
    return random.normal(100, 20, (SIDE, SIDE)).clip(0, 255).astype(kind)


def usual(random, _draw):
    return assemble(survey_cards(random), survey_pixels(random))


def of_another_type(random, draw):
    bits = draw(st.sampled_from(sorted(NUMBERS)))
    return assemble(survey_cards(random, bits), survey_pixels(random, NUMBERS[bits]))


def with_more_cards(random, draw):
    """Scaled, with a mark of missing pixels, with a name of a coordinate twice, with a quote where no text is …"""
    keyword, value, comment = draw(
        st.sampled_from(
            [
                ("BSCALE", 1.0, ""),
                ("BSCALE", 0.25, ""),
                ("BZERO", 32768.0, ""),
                ("BLANK", 100, ""),
                ("CRVAL1", 12.5, "again"),
                ("LATPOLE", 30.5, "it's the pole"),
                ("LATPOLE", "30.5/'", ""),
                ("GROUPS", f"{'T':>20}", ""),
                ("HISTORY", "'x'", ""),
                ("FILTER", "'g'", ""),
                ("BUNIT", "'adu'", ""),
                ("A_0_2", 1e-5, ""),
                ("COMMENT", "END", ""),
            ]
        )
    )
    bits = draw(st.sampled_from([16, 32, -32]))
    cards = survey_cards(random, bits)
    place = draw(st.integers(5, len(cards)))
    return assemble(
        [*cards[:place], card(keyword, value, comment), *cards[place:]], survey_pixels(random, NUMBERS[bits])
    )


def in_another_order(random, draw):
    cards = survey_cards(random)
    return assemble([*cards[:5], *draw(st.permutations(cards[5:]))], survey_pixels(random))


def with_one_odd_letter(random, draw):
    content = bytearray(usual(random, draw))
    content[draw(st.integers(0, 18 * 80))] = draw(st.integers(0, 255))
    return bytes(content)


def with_a_long_header(random, draw):
    more = [card(f"KEY{number}", number) for number in range(draw(st.integers(15, 40)))]
    return assemble([*survey_cards(random), *more], survey_pixels(random))


def of_another_length(random, draw):
    content = usual(random, draw)
    return (content + bytes(5760))[: draw(st.integers(0, len(content) + 5760))]


def with_a_lying_size(random, draw):
    return assemble(survey_cards(random, side=draw(st.sampled_from([0, -8, 7, 9, 64, 10**9]))), survey_pixels(random))


def with_odd_values(random, draw):
    pixels = survey_pixels(random, draw(st.sampled_from([">f4", ">f8"])))
    value = draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e15, -1e15, 9.9e14, 1.6e38, 1e300, 0.0]))
    with np.errstate(over="ignore"):
        if draw(st.booleans()):
            pixels[draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))] = value
        else:
            pixels[:] = value
    return assemble(survey_cards(random, -32 if pixels.dtype == ">f4" else -64), pixels)


def packed(random, draw):
    return gzip.compress(usual(random, draw))


def in_an_extension(random, draw):
    hdu = draw(st.sampled_from([fits.ImageHDU, fits.CompImageHDU]))
    opened = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu(survey_pixels(random))]).writeto(opened)
    return opened.getvalue()


def beside_another_image(random, draw):
    opened = io.BytesIO()
    fits.ImageHDU(survey_pixels(random)).writeto(opened)
    return usual(random, draw) + opened.getvalue()[2880:]


FILES = st.sampled_from(
    [
        usual,
        of_another_type,
        with_more_cards,
        in_another_order,
        with_one_odd_letter,
        with_a_long_header,
        of_another_length,
        with_a_lying_size,
        with_odd_values,
        packed,
        in_an_extension,
        beside_another_image,
    ]
)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of another layout: nothing that was remembered of a header holds for it."""
    path = tmp_path_factory.mktemp("stranger") / "x.fits"
    fits.writeto(path, np.eye(5))
    return path


@settings(max_examples=60)
@given(data=st.data(), drawn=st.lists(FILES, min_size=1, max_size=7), seed=st.integers(0, 2**32 - 1))
def test_files_of_all_kinds_are_imported_as_each_is_read_alone(
    data: st.DataObject, drawn: list, seed: int, stranger: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place, random = tmp_path_factory.mktemp("drawn"), np.random.default_rng(seed)
    folder = place / "in"
    folder.mkdir()
    order = data.draw(st.permutations([*[usual] * USUAL, *drawn]))
    for number, make in enumerate(order):
        (folder / f"{number} {make.__name__.replace('_', ' ')}.fits").write_bytes(make(random, data.draw))
    wanted = ImportSettings(size=SIDE, max_missing=0.3)
    prepared = result_of(decide_format([folder], wanted, None))
    expected = []
    for source in prepared.found.sources:
        read_image(stranger)
        expected += read_stamps(source, prepared.settings, prepared.plan, FieldFactors())
    stamps = [outcome for outcome in expected if not isinstance(outcome, Problem)]
    with pytest.MonkeyPatch.context() as patch:  # so that files come together in all ways
        patch.setattr(importing, "BATCH", 3)
        patch.setattr(plain_runs, "_LONGEST", 4)
        report = result_of(run([folder], place / "all.h5", wanted))
    assert [str(problem) for problem in report.unusable] == [
        str(outcome) for outcome in expected if isinstance(outcome, Problem)
    ]
    with Cutouts.open(place / "all.h5") as cutouts:
        assert cutouts.ids == [member.name for member, _ in stamps]
        assert np.array_equal(cutouts.images[:], np.stack([stamp.image for _, stamp in stamps]))
        assert [cutouts.header(row) for row in range(len(cutouts))] == [stamp.wcs for _, stamp in stamps]
        assert np.array_equal(cutouts.pixel_scale, [stamp.pixel_scale for _, stamp in stamps], equal_nan=True)
        assert np.array_equal(cutouts.missing, np.float32([stamp.missing for _, stamp in stamps]))
