"""Simulated datasets without limit: blocks of galaxies by several processes, straight into the file.

A dataset is divided into blocks, and each galaxy has its own streams of random numbers: so it does not matter which
process simulates which block, how many there are, nor whether the work was interrupted. The processes write to the
unfinished file themselves (:mod:`core.data.allocated`); this one gives out the blocks, and reads them back in their
order for the digest of the images. The memory that is taken depends on the size of a block and on the catalogue only.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column as TableColumn
from astropy.table import Table
from numpy.typing import NDArray

from core.data import allocated, trial
from core.data.store import Band, Origin
from core.errors import Problem, Stopped
from core.events import NEVER, Progress, Skipped, Work
from core.project.files import make_folder, move_into_place, report_disk_problems, require_replaceable
from core.project.outputs import Inputs
from core.settings import toml
from core.settings.declare import Settings
from core.simulate.crew import Crew, usual_workers
from core.simulate.parameters import galaxy_ids
from core.simulate.settings import PATHS, SOURCE, SimulationSettings
from core.simulate.unfinished import Blocks, Column, Found, Prefix, UnfinishedFolder, read_truth, record_type
from core.version import PROGRAM
from core.wording import count_of

RECIPE = 1
"""Of the simulation: raised by every change after which the same settings give other stamps."""

LABELS = (
    *("magnitude", "half_light_radius", "sersic_index", "axis_ratio", "position_angle"),
    *("bulge_to_total", "bulge_radius", "disk_radius"),
)
"""True values that a network is to learn, unless others are chosen."""

_ELECTRONS = "electron/s"
_UNITS = {22.5: "nanomaggy", 8.9: "Jy", 31.4: "nJy"}  # by the magnitude of one
_WAIT = 0.1  # seconds between looks at ``stop``
_CONTINUED = "The simulation goes on where it was interrupted: {done:,} of {all} are there."
_KEPT = "{done:,} of {all} are kept; the same simulation with the same file goes on from there."
_REPLACED = "An unfinished simulation with other settings or of another version, {there}, was replaced."


def simulate(
    output: Path | str, settings: SimulationSettings, stop: threading.Event = NEVER, *, workers: int | None = None
) -> Work[Path]:
    """Simulate galaxies as a dataset.

    Yields :class:`~core.events.Progress`. Until it is finished, also if it is stopped or killed or meets with a
    problem, what is there lies beside the file in a folder of its name with ``.unfinished``; the same call goes on with
    it. See :func:`core.simulate.unfinished.find_unfinished`.

    Parameters
    ----------
    output
        The dataset; replaced if it exists.
    settings
        What to simulate, and how many.
    stop
        If it is set, the work ends.
    workers
        Number of processes; None: as many as there are processor cores. It does not change the result.

    Returns
    -------
    output
        As given.

    Raises
    ------
    Stopped
        ``stop`` was set.
    SettingsProblem, UnreadableFile
        A file that the settings name is not there or damaged.
    DiskFull, FolderInUse, FolderMoved
        The dataset cannot be written.
    Problem
        A process has died.
    """
    output = Path(output)
    require_replaceable(output)
    Inputs(input_files(settings)).refuse(output)
    with report_disk_problems(output):
        make_folder(output.parent)
        with UnfinishedFolder(output) as folder:
            job = _Job(settings, folder, stop, workers or usual_workers())
            try:
                yield from job.run(output)
            except BaseException as error:
                if not job.galaxies:
                    folder.discard()
                if isinstance(error, Problem | OSError):
                    folder.require_unmoved()
                if isinstance(error, Problem | OSError) and job.galaxies:
                    yield Skipped(
                        Problem(
                            _KEPT.format(done=job.galaxies, all=count_of(settings.count, "galaxy")), "", str(output)
                        )
                    )
                raise
            folder.discard()
    return output


@dataclass
class _Job:
    """One simulation; ``galaxies`` are how many are there."""

    settings: SimulationSettings
    folder: UnfinishedFolder
    stop: threading.Event
    workers: int
    galaxies: int = 0
    has_told: bool = False

    def __post_init__(self) -> None:
        size = self.settings.size
        self.blocks = Blocks((self.settings.count, len(self.settings.band_names), size, size))
        self.recipe = recipe_of(self.settings)
        self.columns: tuple[Column, ...] = ()

    def run(self, output: Path) -> Work[None]:
        """Simulate what is not there yet, and make a dataset of it."""
        found, offset = self._find()
        if offset is None:
            if found is not None and found.digests and found.recipe != self.recipe:
                said = _REPLACED.format(there=count_of(found.galaxies, "galaxy"))
                yield Skipped(Problem(said, "", str(self.folder.folder)))
            self.folder.begin(self.recipe, self.blocks, toml.dumps(self.settings))
            offset = allocated.allocate(self.folder.images, self.blocks.shape, self.settings.instrument.pixel_scale)
            found = None
        with self.folder.images.open("rb") as images, self.folder.truth.open("rb") as truth:
            prefix = Prefix(self.blocks, images, offset, truth)
            if found is not None and found.columns:
                yield from self._check(found, prefix)
            allocated.require_space_for_rest(self.folder.images)
            yield from self._fill(prefix, offset)
            digest, _ = prefix.digests
        truth_values = read_truth(self.folder.truth, self.columns)
        catalogue, ids = _catalogue(truth_values, self.columns), galaxy_ids(self.settings)
        labels = [name for name in LABELS if name in catalogue.colnames]
        origin = _origin(self.settings)
        allocated.complete(self.folder.images, ids, catalogue, labels, bands_of(self.settings), origin, digest)
        self.folder.require_unmoved()
        move_into_place(self.folder.images, output)
        trial.trust(output)

    def _find(self) -> tuple[Found | None, int | None]:
        """What there is of an earlier attempt, and where its images begin if it was of these settings."""
        found = self.folder.journal.read()
        if found is None or found.recipe != self.recipe:
            return found, None
        return found, allocated.offset_of_images(self.folder.images, self.blocks.shape)

    def _check(self, found: Found, prefix: Prefix) -> Work[None]:
        """Read what is there up to the first block that is not as the journal says."""
        self.columns = found.columns
        prefix.record = record_type(found.columns).itemsize
        for wanted in found.digests[: self.blocks.count]:
            if self.stop.is_set():
                raise Stopped
            yield Progress(prefix.galaxies, self.settings.count, "galaxies read")
            if not prefix.take(lambda digest, wanted=wanted: digest == wanted):
                break
        self.galaxies = prefix.galaxies
        self.folder.journal.cut(found, prefix.done)
        if self.galaxies:
            said = _CONTINUED.format(done=self.galaxies, all=count_of(self.settings.count, "galaxy"))
            yield Skipped(Problem(said, "", str(self.folder.folder)))

    def _fill(self, prefix: Prefix, offset: int) -> Work[None]:
        """Have all further blocks simulated."""
        count, first = self.settings.count, prefix.done
        yield Progress(prefix.galaxies, count, "galaxies")
        if self.stop.is_set():
            raise Stopped
        if first == self.blocks.count:
            return
        task = {
            "settings": self.settings.model_dump_json(),
            "shape": self.blocks.shape,
            "images": str(self.folder.images),
            "offset": offset,
            "truth": str(self.folder.truth),
        }
        crew = Crew(task, min(self.workers, self.blocks.count - first), self.folder.log)
        with self.folder.journal.opened(), crew:
            given, there = first, set[int]()
            while prefix.done < self.blocks.count:
                while given < self.blocks.count and (worker := crew.idle) is not None:
                    crew.give(worker, given)
                    given += 1
                said = crew.answer(_WAIT)
                if self.stop.is_set():
                    raise Stopped
                self.folder.require_unmoved()
                if said is None:
                    continue
                if "block" not in said:
                    yield from self._tell(said["remarks"])
                    continue
                there.add(said["block"])
                if not self.columns:
                    self._begin_columns(said["columns"], prefix)
                yield from self._take(there, prefix)

    def _tell(self, remarks: Sequence[str]) -> Work[None]:
        """Pass on what the first worker has to say of the files; the others say the same."""
        if not self.has_told:
            self.has_told = True
            for sentence in remarks:
                yield Skipped(Problem(sentence))

    def _begin_columns(self, columns: Sequence[Sequence[str]], prefix: Prefix) -> None:
        self.columns = tuple((name, kind, unit) for name, kind, unit in columns)
        prefix.record = record_type(self.columns).itemsize
        self.folder.journal.add_columns(self.columns)

    def _take(self, there: set[int], prefix: Prefix) -> Work[None]:
        """Read those blocks that follow on what was read, and put them down in the journal."""
        while prefix.done in there:
            block = prefix.done
            there.remove(block)
            if not prefix.take():
                raise Problem("What was just written cannot be read back.", "Check the disk.", str(self.folder.images))
            self.folder.journal.add_block(block, *prefix.digests)
            self.galaxies = prefix.galaxies
            yield Progress(self.galaxies, self.settings.count, "galaxies")


def recipe_of(settings: SimulationSettings) -> str:
    """What decides the stamps to the last bit: settings, their files, the program and the library that computes."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{RECIPE} {PROGRAM} {version('torch')} {settings.model_dump_json()}".encode())
    for path in input_files(settings):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            with contextlib.suppress(OSError):
                status = file.stat()
                digest.update(f"\n{file} {status.st_size} {status.st_mtime_ns}".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def bands_of(settings: SimulationSettings) -> list[Band]:
    """The planes of the stamps."""
    unit = _ELECTRONS if settings.unit_zero_point is None else _UNITS.get(settings.unit_zero_point, "")
    return [Band(name, unit, settings.stored_zero_point) for name in settings.band_names]


def input_files(settings: Settings) -> list[Path]:
    """The images and tables of the user's that settings name, and folders of them."""
    found: list[Path] = []
    for name, value in settings:
        if isinstance(value, Settings):
            found += input_files(value)
        elif name in PATHS and isinstance(value, str) and value:
            found.append(Path(value).expanduser())
    return found


def _catalogue(truth: NDArray[Any], columns: Sequence[Column]) -> Table:
    table = Table()
    for name, kind, unit in columns:
        values = np.char.decode(truth[name], "utf-8") if kind.startswith("S") else truth[name]
        table[name] = TableColumn(values, unit=unit or None)
    return table


def _origin(settings: SimulationSettings) -> Origin:
    return Origin(
        program=PROGRAM,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        source=SOURCE,
        settings=toml.dumps(settings),
    )
