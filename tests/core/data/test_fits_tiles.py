"""What tile-compressed FITS files tell of is compared with their tiles: none takes the memory or ends the program."""

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from core.data.fits import read_image
from core.errors import UnreadableFile

IMAGE = np.random.default_rng(0).integers(0, 200, (20, 24)).astype(np.int32)
KINDS = ("GZIP_1", "GZIP_2", "RICE_1", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")


def tiled(kind: str, tile: tuple[int, int] = (8, 10)) -> bytes:
    content = io.BytesIO()
    units = [fits.PrimaryHDU(), fits.CompImageHDU(IMAGE, compression_type=kind, tile_shape=tile)]
    fits.HDUList(units).writeto(content)
    return content.getvalue()


def with_card(content: bytes, keyword: str, value: object) -> bytes:
    at = content.index(f"{keyword:8}=".encode(), 2880)
    return content[:at] + f"{keyword:8}= {value:>20}".encode().ljust(80) + content[at + 80 :]


def with_setting(content: bytes, name: str, value: int) -> bytes:
    header = fits.Header.fromstring(content[2880:])
    number = next(number for number in range(1, 9) if header[f"ZNAME{number}"] == name)
    return with_card(content, f"ZVAL{number}", value)


def data_start(content: bytes) -> int:
    end = content.index(b"END" + 77 * b" ", 2880)
    return end - end % 2880 + 2880


def heap_start(content: bytes) -> int:
    header: Any = fits.Header.fromstring(content[2880:])
    return data_start(content) + header["NAXIS1"] * header["NAXIS2"]


def with_bytes(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def with_gzip_tile(packed: bytes) -> bytes:
    content = tiled("GZIP_1", IMAGE.shape)
    content = with_card(content, "PCOUNT", len(packed))
    content = with_bytes(content, data_start(content), struct.pack(">ii", len(packed), 0))[: heap_start(content)]
    return content + packed + bytes(2880)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_tiles_are_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(tiled(kind))
    assert np.array_equal(read_image(tmp_path / "a.fits").image[0], IMAGE)


def test_floating_point_tiles_that_are_kept_by_gzip_are_read(tmp_path: Path) -> None:
    image = np.zeros((16, 16), np.float32)  # no noise: cannot be quantised
    fits.CompImageHDU(image, compression_type="RICE_1", quantize_level=16).writeto(tmp_path / "a.fits")
    assert np.array_equal(read_image(tmp_path / "a.fits").image[0], image)


@pytest.mark.parametrize("packed", [gzip.compress(bytes(2**16)), 4 * gzip.compress(bytes(1000))], ids=["one", "four"])
def test_a_gzip_tile_unpacks_to_no_more_than_its_pixels(packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(with_gzip_tile(packed))
    with pytest.raises(UnreadableFile, match="a tile of 480 pixels unpacks to more than 3,840 bytes"):
        read_image(tmp_path / "a.fits")


DAMAGED: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "far away": ("RICE_1", lambda c: with_bytes(c, data_start(c), struct.pack(">ii", 20, 2**30)), "outside its data"),
    "before": ("RICE_1", lambda c: with_bytes(c, data_start(c), struct.pack(">ii", 20, -9)), "outside its data"),
    "wide integers": ("RICE_1", lambda c: with_setting(c, "BYTEPIX", 8_000_000), "its integers have 8000000 bytes"),
    "empty blocks": ("RICE_1", lambda c: with_setting(c, "BLOCKSIZE", 0), "its blocks have 0 pixels"),
    "empty tiles": ("RICE_1", lambda c: with_card(c, "ZTILE1", 0), "its tiles have 8 × 0 pixels"),
    "few tiles": ("RICE_1", lambda c: with_card(c, "ZTILE1", 5), "9 of 15 tiles"),
    "long list": ("PLIO_1", lambda c: with_bytes(c, heap_start(c) + 6, b"\x7f\xff\x7f\xff"), "more than it holds"),
    "before the list": ("PLIO_1", lambda c: with_bytes(c, heap_start(c) + 2, b"\x80\0"), "beginning of a tile"),
    "large tile": ("HCOMPRESS_1", lambda c: with_bytes(c, heap_start(c) + 2, struct.pack(">ii", 20, 20)), "size"),
} | {
    f"large {kind}": (
        kind,
        lambda c: with_card(with_card(with_card(c, "ZNAXIS1", 5700), "ZNAXIS2", 5700), "ZTILE1", 5700),
        "of 713 tiles",
    )
    for kind in KINDS
}


@pytest.mark.parametrize("which", DAMAGED)
def test_tiles_that_contradict_the_header_are_damage(which: str, tmp_path: Path) -> None:
    kind, damage, said = DAMAGED[which]
    (tmp_path / "a.fits").write_bytes(damage(tiled(kind)))
    with pytest.raises(UnreadableFile, match=f"damaged or truncated: .*{said}"):
        read_image(tmp_path / "a.fits")


@pytest.mark.parametrize("kind", KINDS)
def test_one_tile_cannot_tell_of_gigabytes(kind: str, tmp_path: Path) -> None:
    content = tiled(kind, IMAGE.shape)
    for keyword in ("ZNAXIS1", "ZNAXIS2", "ZTILE1", "ZTILE2"):
        content = with_card(content, keyword, 5700)
    (tmp_path / "a.fits").write_bytes(content)
    with pytest.raises(UnreadableFile, match="5,700 × 5,700 values, of which"):
        read_image(tmp_path / "a.fits")
