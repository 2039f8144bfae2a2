"""Simulated datasets: the same to the last bit whoever makes them, and whatever happens meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from core.data.cutouts import Cutouts
from core.errors import DiskFull, FolderInUse, FolderMoved, Problem, Stopped
from core.events import Event, Progress, Skipped, Work, result_of
from core.project import outputs
from core.settings import toml
from core.simulate import factory
from core.simulate.blocks import BlockMaker
from core.simulate.realism_settings import REALISTIC
from core.simulate.settings import SimulationSettings
from core.simulate.unfinished import find_unfinished, folder_of

SMALL = SimulationSettings(count=276, size=16, seed=5)  # a block of 256 and one of 20


def follow(work: Work[Path], until: int = 10**9) -> list[Event]:
    """The events of a simulation, until so many galaxies are there."""
    events: list[Event] = []
    for event in work:
        events.append(event)
        if isinstance(event, Progress) and event.unit == "galaxies" and event.done >= until:
            break
    return events


def contents(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray], str]:
    with Cutouts.open(path) as cutouts:
        return cutouts.images[:], cutouts.columns, cutouts.checksum


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_an_interrupted_dataset_is_finished_and_holds_what_its_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    work = factory.simulate(path, SMALL, workers=1)
    follow(work, until=276)
    work.close()
    assert not path.exists()
    found = find_unfinished(path)
    assert found is not None
    assert found.galaxies == 276
    events = follow(factory.simulate(path, SMALL, workers=1))
    assert any(isinstance(event, Skipped) and "goes on" in event.problem.sentence for event in events)
    assert events[-1] == Progress(276, 276, "galaxies")
    assert list(tmp_path.iterdir()) == [path]

    blocks = [BlockMaker(SMALL).make(range(start, start + 256)) for start in (0, 256)]
    with Cutouts.open(path) as cutouts:
        assert cutouts.images[:256].tobytes() == blocks[0].images.tobytes()
        assert cutouts.images[256:].tobytes() == blocks[1].images[:20].tobytes()
        assert cutouts.columns.keys() == {"id", *blocks[0].truth}
        assert cutouts.columns["magnitude"][256:].tolist() == blocks[1].truth["magnitude"][:20].tolist()
        assert toml.loads(SimulationSettings, cutouts.origin.settings) == SMALL
        assert cutouts.labels[:2] == ("magnitude", "half_light_radius")
        assert cutouts.units["half_light_radius"] == "arcsec"
        assert cutouts.median_pixel_scale == SMALL.instrument.pixel_scale
        assert cutouts.bands[0].zero_point == SMALL.stored_zero_point
        assert len(set(cutouts.ids)) == 276
        checksum = cutouts.checksum
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())  # its time is not believed, and so all images are read
    with Cutouts.open(copy) as cutouts:
        assert cutouts.is_known_as(checksum)
    assert outputs.kind_of(path) == outputs.DATASET


@pytest.mark.slow
def test_neither_workers_nor_a_dead_one_nor_a_damaged_disk_change_a_bit(tmp_path: Path) -> None:
    """With everything that a survey may have in it."""
    settings = SMALL.model_copy(update={"realism": REALISTIC, "size": 48, "count": 1300})
    for workers in (1, 5):
        result_of(factory.simulate(tmp_path / f"{workers}.h5", settings, workers=workers))
    path = tmp_path / "killed.h5"
    work = factory.simulate(path, settings, workers=2)
    follow(work, until=512)
    workers = [child for child in psutil.Process().children() if "core.simulate.worker_process" in child.cmdline()]
    workers[-1].kill()
    said: list[Event] = []
    with pytest.raises(Problem, match="signal 9"):
        said.extend(work)
    assert not path.exists()
    found = find_unfinished(path)
    assert found is not None
    assert [event.problem.sentence for event in said if isinstance(event, Skipped)] == [
        f"{found.galaxies:,} of 1,300 galaxies are kept; the same simulation with the same file goes on from there."
    ]
    with (folder_of(path) / "images.part").open("r+b") as images:
        images.seek(8192 + 300 * found.blocks.stamp_bytes)  # in the second block
        images.write(bytes(10))
    events = follow(factory.simulate(path, settings, workers=3))
    assert [event.problem.sentence for event in events if isinstance(event, Skipped)] == [
        "The simulation goes on where it was interrupted: 256 of 1,300 galaxies are there."
    ]
    images, columns, checksum = contents(path)
    for workers in (1, 5):
        others, other_columns, other_checksum = contents(tmp_path / f"{workers}.h5")
        assert images.tobytes() == others.tobytes()
        assert checksum == other_checksum
        assert columns.keys() == other_columns.keys()


def test_what_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    work = factory.simulate(tmp_path / "a.h5", SMALL, stop)
    assert next(work) == Progress(0, 276, "galaxies")
    assert folder_of(tmp_path / "a.h5").is_dir()
    stop.set()
    with pytest.raises(Stopped):
        next(work)
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_on_the_disk_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(DiskFull):
        result_of(factory.simulate(tmp_path / "a.h5", SimulationSettings(count=10**8, size=1024)))
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_its_folder_and_a_folder_that_was_moved_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.h5.unfinished").write_text("mine")
    with pytest.raises(FolderInUse):
        result_of(factory.simulate(tmp_path / "a.h5", SMALL))
    assert (tmp_path / "a.h5.unfinished").read_text() == "mine"
    (tmp_path / "there").mkdir()
    work = factory.simulate(tmp_path / "there" / "b.h5", SMALL)
    next(work)
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    with pytest.raises(FolderMoved):
        result_of(work)
    assert not (tmp_path / "there").exists()


def test_other_settings_or_another_psf_file_of_the_same_name_make_another_dataset(tmp_path: Path) -> None:
    psf = tmp_path / "psf.fits"
    psf.write_bytes(b"one")
    values = SMALL.model_dump() | {"psf": {"kind": "image", "path": str(psf)}}
    settings = SimulationSettings.model_validate(values)
    assert factory.input_files(settings) == [psf]
    first = factory.recipe_of(settings)
    assert first == factory.recipe_of(SimulationSettings.model_validate(values))
    psf.write_bytes(b"three")
    assert len({first, factory.recipe_of(settings), factory.recipe_of(SMALL)}) == 3
    with pytest.raises(Problem, match="input"):
        result_of(factory.simulate(psf, settings))
    assert psf.read_bytes() == b"three"
