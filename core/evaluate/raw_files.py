"""Image files as a network's galaxies: made into stamps as its training galaxies were."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data import importing, store
from core.data.cutouts import Cutouts
from core.data.recipe import StampRecipe
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.errors import NotPossible, Problem
from core.events import NEVER, Work
from core.nets.band_mapping import example
from core.nets.opening import compare_bands
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.project.temporary import temporary_folder
from core.settings import toml

Sources = Sequence[Path | str] | Path | str


def are_raw(data: Sources) -> bool:
    """Whether these are image files or folders rather than one dataset; what does not exist counts as a dataset."""
    if isinstance(data, str | Path):
        return Path(data).exists() and not store.is_dataset(Path(data))
    return len(data) != 1 or are_raw(data[0])


@contextlib.contextmanager
def temporary_dataset() -> Iterator[Path]:
    """The path for a dataset that is deleted at the end of the block."""
    with temporary_folder() as folder:
        yield folder / "galaxies.h5"


def import_for(
    predictor: Path | str,
    sources: Sources,
    data: Path,
    changes: Mapping[str, Any] | None = None,
    stop: threading.Event = NEVER,
    catalogue: Path | str | None = None,
) -> Work[ImportReport]:
    """Import image files as a dataset for a network, with stamps made as those of its training.

    Parameters
    ----------
    predictor
        A weights file, or the folder of a run.
    sources
        Files and folders, or one of them.
    data
        The dataset to be written.
    changes
        Import settings by name that override those of the training.
    stop
        Checked for every file.
    catalogue
        A table; needed where the field of the stamps is a multiple of a column.

    Returns
    -------
    ImportReport
        Its first note says how the stamps are made.

    Raises
    ------
    UnreadableFile
        A source does not exist, or nothing could be imported.
    SettingsProblem
        The field is a multiple of a catalogue column, and there is no catalogue; or a change is not valid.
    """
    recipe, settings, sentence = find_settings(Path(predictor), changes)
    report = yield from importing.run(sources, data, settings, catalogue, stop, recipe)
    report.notes.insert(0, sentence)
    return report


def settings_for(predictor: Path) -> ImportSettings:
    """The import settings that make stamps of image files as those of a network's training."""
    return find_settings(predictor)[1]


def require_fitting_bands(predictor: Path | str, data: Path) -> None:
    """Require that a network can be fed the bands of a dataset that was made of image files.

    Raises
    ------
    NotPossible
        There are more or fewer than it takes, and nobody has chosen which of them feed it.
    """
    fit = compare_bands(Path(predictor), data)
    if not fit.mapping and len(fit.wanted) != len(fit.bands):
        raise NotPossible(
            f"The network takes {', '.join(fit.wanted)}; these files have {', '.join(fit.bands)}.",
            "Import them as a dataset and choose there which of its bands feed the network, which is kept with the "
            f"run; or predict them with “tuningfork predict” and --band-map, as in --band-map "
            f"“{example(fit.wanted, fit.bands)}”.",
        )


def find_settings(
    predictor: Path, changes: Mapping[str, Any] | None = None
) -> tuple[StampRecipe | None, ImportSettings, str]:
    """The recipe of a network's training stamps if it is known, the import settings that follow it, and a sentence."""
    network = Predictor.load(predictor)
    recipe = network.stamps or _recipe_of_its_dataset(predictor, network)
    settings, sentence = _settings_like(recipe, network)
    if changes:
        settings = toml.replace_values(settings, changes)
        changed = ", ".join(f"{name} = {value}" for name, value in changes.items())
        sentence += f" What you chose otherwise: {changed}."
    return recipe, settings, sentence


def _settings_like(recipe: StampRecipe | None, network: Predictor) -> tuple[ImportSettings, str]:
    """The import settings that make stamps as in training, and a sentence about them."""
    if recipe is not None:
        return recipe.settings, f"Stamps are made as in training: {recipe.describe()}."
    height, width = network.stamp_shape[1:]
    sentence = (
        "How the stamps of its training were made is not known, since an earlier version trained this network, or on "
        "galaxies that were not imported from files: "
    )
    if height != width:
        return ImportSettings(fit="crop or pad"), sentence + "files are cropped or padded to their most frequent size."
    made = f"files are cropped or padded to {width} × {height} pixels about their centre."
    return ImportSettings(size=height, fit="crop or pad"), sentence + made


def _recipe_of_its_dataset(predictor: Path, network: Predictor) -> StampRecipe | None:
    """The recipe of the dataset that an earlier version trained a run on, if it is still there unchanged."""
    folder = RunFolder(predictor if predictor.is_dir() else predictor.parent)
    with contextlib.suppress(Problem):
        if folder.data is not None:
            with Cutouts.open(folder.data) as cutouts:
                return cutouts.recipe if cutouts.is_known_as(network.card.get("checksum")) else None
    return None
