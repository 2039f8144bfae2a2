"""What an interrupted simulation has left is believed as far as it is whole."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import FolderInUse
from core.simulate.unfinished import (
    Blocks,
    Journal,
    Prefix,
    UnfinishedFolder,
    find_unfinished,
    folder_of,
    record_type,
    remove_unfinished,
)

SHAPE = (700, 1, 16, 16)  # three blocks, the last one of 188 stamps
BLOCKS = Blocks(SHAPE)
COLUMNS = (("magnitude", "<f8", "mag"), ("environment", "S32", ""))
OFFSET = 4096


@contextlib.contextmanager
def prefix_of(folder: Path) -> Iterator[Prefix]:
    with (folder / "images").open("rb") as images, (folder / "truth").open("rb") as truth:
        prefix = Prefix(BLOCKS, images, OFFSET, truth)
        prefix.record = record_type(COLUMNS).itemsize
        yield prefix


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images and true values of all blocks, with a journal that says so."""
    draw = np.random.default_rng(1)
    (tmp_path / "images").write_bytes(bytes(OFFSET) + draw.normal(size=SHAPE).astype(np.float32).tobytes())
    (tmp_path / "truth").write_bytes(draw.bytes(SHAPE[0] * record_type(COLUMNS).itemsize))
    journal = Journal(tmp_path / "journal")
    journal.begin("recipe", BLOCKS)
    with journal.opened(), prefix_of(tmp_path) as prefix:
        journal.add_columns(COLUMNS)
        for block in range(BLOCKS.count):
            assert prefix.take()
            journal.add_block(block, *prefix.digests)
    return tmp_path


def believed(folder: Path) -> int:
    """The galaxies of an interrupted simulation that are gone on from."""
    found = Journal(folder / "journal").read()
    assert found is not None
    with prefix_of(folder) as prefix:
        for wanted in found.digests:
            if not prefix.take(lambda digests, wanted=wanted: digests == wanted):
                break
        return prefix.galaxies


def test_all_is_believed_where_nothing_was_damaged(folder: Path) -> None:
    assert believed(folder) == 700
    found = Journal(folder / "journal").read()
    assert found is not None
    assert (found.galaxies, found.columns, found.blocks) == (700, COLUMNS, BLOCKS)


@pytest.mark.parametrize(
    ("name", "place", "galaxies"),
    [
        ("images", OFFSET + 300 * BLOCKS.stamp_bytes, 256),  # in the second block
        ("images", OFFSET + 10, 0),
        ("truth", 600 * record_type(COLUMNS).itemsize, 512),
    ],
)
def test_one_wrong_byte_is_found_and_what_comes_before_it_is_kept(
    folder: Path, name: str, place: int, galaxies: int
) -> None:
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 1
    (folder / name).write_bytes(content)
    assert believed(folder) == galaxies


def test_a_file_that_a_power_cut_has_shortened_is_believed_up_to_its_end(folder: Path) -> None:
    content = (folder / "images").read_bytes()
    (folder / "images").write_bytes(content[: OFFSET + 520 * BLOCKS.stamp_bytes])
    assert believed(folder) == 512


@pytest.mark.parametrize(("cut", "galaxies"), [(1, 700), (30, 512), (170, 256)])
def test_a_journal_whose_last_line_was_cut_says_what_stands_before_it(folder: Path, cut: int, galaxies: int) -> None:
    content = (folder / "journal").read_bytes()
    (folder / "journal").write_bytes(content[:-cut])
    assert believed(folder) == galaxies


@pytest.mark.parametrize("content", ["", "{", "[]\n", '{"format": 2}\n', '{"format": 1, "recipe": "x"}\n', "\udcff\n"])
def test_a_journal_that_makes_no_sense_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert Journal(tmp_path / "journal").read() is None


def test_blocks_cover_every_galaxy_once_and_hold_few_large_stamps() -> None:
    assert [len(BLOCKS.rows(block)) for block in range(BLOCKS.count)] == [256, 256, 188]
    large = Blocks((10, 5, 1024, 1024))
    assert large.length == 1
    assert [row for block in range(large.count) for row in large.rows(block)] == list(range(10))
    assert Blocks((10**8, 1, 64, 64)).length == Blocks((1, 1, 64, 64)).length, "galaxies lie in other blocks"


def test_two_programs_cannot_simulate_the_same_dataset_and_what_is_left_can_be_removed(tmp_path: Path) -> None:
    output = tmp_path / "a.h5"
    assert find_unfinished(output) is None
    with UnfinishedFolder(output) as mine:
        mine.begin("recipe", BLOCKS, "")
        with pytest.raises(FolderInUse, match="is being simulated by"), UnfinishedFolder(output):
            pass
    assert find_unfinished(output) is not None
    (folder_of(output) / "notes.txt").write_text("mine")
    remove_unfinished(output)
    assert [path.name for path in folder_of(output).iterdir()] == ["notes.txt"], "a file of the user's is not removed"
