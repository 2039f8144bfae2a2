"""A compressed file never unpacks to much more than its size allows."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from core.data.decompression import read_content, read_start
from core.errors import UnreadableFile

PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", PACKERS)
def test_compressed_files_are_read_whole_in_all_their_parts(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(PACKERS[ending](b"name,label\n") + PACKERS[ending](b"a,b\n"))
    assert read_content(path) == b"name,label\na,b\n"
    assert read_start(path, 4) == b"name"


@pytest.mark.parametrize("ending", PACKERS)
def test_a_small_file_that_unpacks_to_much_more_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(PACKERS[ending](bytes(5 * 2**20)))
    with pytest.raises(UnreadableFile, match=r"unpacks to more than 1 MiB"):
        read_content(path, free=2**20)
    assert read_start(path, 4) == bytes(4)


@pytest.mark.parametrize("ending", PACKERS)
def test_the_start_of_a_damaged_file_is_empty(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(PACKERS[ending](b"name,label\n")[:7])
    assert read_start(path, 4) == b""
