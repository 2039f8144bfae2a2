"""Make the base networks that come with the program: simulate galaxies, train on them, and write network and card.

    python packaging/base_networks.py FOLDER                      all of it; FOLDER keeps simulations and runs
    python packaging/base_networks.py FOLDER --galaxies 300 --epochs 1     a quick look

Both networks see nothing but our own simulations: smooth, featured and edge-on galaxies, as large, sharp and noisy as
the 8-bit pictures of surveys show them, and stretched like those, all in a range that is drawn by chance. They take
one grey band, the mean of whatever bands a survey has, and scale each galaxy by itself, so that any survey's units fit.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from core.data.store import Band, DatasetWriter, Origin
from core.events import EpochEnded, Work
from core.metrics import part_notes
from core.metrics.guessing import guess_of_run
from core.nets.band_mapping import GREY
from core.nets.predictor import Predictor
from core.project.files import write_atomically
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.settings import toml
from core.simulate import presets
from core.simulate.blocks import BlockMaker
from core.simulate.settings import SimulationSettings
from core.train import loop
from core.train.self_supervised import recipe
from core.train.settings import AugmentationSettings, RunSettings
from core.version import PROGRAM

MODELS = Path(__file__).parents[1] / "resources" / "models"
LICENCE = "BSD-3-Clause, as the program; trained on simulations of the program alone"
_SIDE = 64
_EPOCHS = {"simulated-classes": 8, "simulated-shapes": 12}
_REALISM = {"companions": 0.35, "stars": 0.2}
_STARS = (1.5, 3.5)  # magnitudes by which stars are fainter than the brightest and than the faintest galaxies
_SOFTENING = (0.015, 0.4)  # of the stretch, per standard deviation of the sky
_RESAMPLED = (0.3, 0.9)  # pixels; the width of a Gaussian that stands for the resampling of a picture
_WHITE = (0.78, 1.42)  # pixel value of white, of the galaxy's peak
_PEAK = (120.0, 255.0)  # grey level of it
_BLACK = (0.0, 10.0)  # grey level of the sky


class View(NamedTuple):
    """How galaxies are seen: the noise of an instrument, magnitudes, and the seeing in pixels of a 64-pixel picture.

    Pictures of surveys are cut out at a multiple of the galaxy's size and resampled, so that the seeing in pixels has
    little to do with that of the camera.
    """

    preset: str
    brightest: float
    faintest: float
    fwhm: float


VIEWS = (
    View("SDSS r", 13.8, 17.3, 0.9),
    View("SDSS r", 13.8, 17.3, 1.4),
    View("SDSS r", 13.8, 17.3, 2.2),
    View("SDSS r", 14.2, 17.3, 3.4),
    View("JWST/NIRCam F200W", 18.0, 22.0, 1.6),
)

CLASSES: dict[str, list[dict[str, Any]]] = {
    "smooth": [
        {
            "share": 0.65,
            "galaxies": {
                "kind": "single Sérsic",
                "half_light_radius": {"low": 2.6, "high": 7},
                "sersic_index": {"low": 1.2, "high": 5.5},
                "axis_ratio": {"low": 0.45, "high": 1.0},
            },
        },
        {
            "share": 0.35,
            "galaxies": {
                "bulge_to_total": {"low": 0.3, "high": 0.8},
                "bulge_radius": {"low": 1.2, "high": 3},
                "bulge_axis_ratio": {"low": 0.6, "high": 0.98},
                "disk_radius": {"low": 3.5, "high": 7},
                "disk_axis_ratio": {"low": 0.45, "high": 0.98},
            },
        },
    ],
    "featured": [
        {
            "share": 0.8,
            "galaxies": {
                "bulge_to_total": {"low": 0.0, "high": 0.45},
                "bulge_radius": {"low": 1, "high": 2.5},
                "bulge_axis_ratio": {"low": 0.6, "high": 0.98},
                "disk_radius": {"low": 3.5, "high": 8},
                "disk_axis_ratio": {"low": 0.4, "high": 1.0},
            },
            "realism": {"arms": 1.0, "arm_light": 0.4, "bars": 0.35, "clumps": 0.4, "tidal": 0.05},
        },
        {
            "share": 0.2,
            "galaxies": {
                "bulge_to_total": {"low": 0.0, "high": 0.3},
                "bulge_radius": {"low": 1, "high": 2.5},
                "bulge_axis_ratio": {"low": 0.6, "high": 0.98},
                "disk_radius": {"low": 3.5, "high": 8},
                "disk_axis_ratio": {"low": 0.4, "high": 1.0},
            },
            "realism": {"arms": 0.3, "arm_light": 0.3, "bars": 0.5, "clumps": 1.0, "clump_light": 0.25, "tidal": 0.2},
        },
    ],
    "edge-on": [
        {
            "share": 1.0,
            "galaxies": {
                "bulge_to_total": {"low": 0.0, "high": 0.45},
                "bulge_radius": {"low": 1, "high": 3},
                "bulge_axis_ratio": {"low": 0.5, "high": 0.95},
                "disk_radius": {"low": 3.5, "high": 10},
                "disk_axis_ratio": {"low": 0.06, "high": 0.27},
            },
            "realism": {"clumps": 0.2},
        }
    ],
}


def simulate(folder: Path, galaxies: int) -> Path:
    """Simulate about so many galaxies of all classes and views, and make one dataset of 8-bit pictures of them."""
    output = folder / "simulated.h5"
    if output.exists():
        return output
    random = np.random.default_rng(14)
    images: list[NDArray[np.float32]] = []
    labels: list[str] = []
    for kind, settings in _mixtures(galaxies):
        made = BlockMaker(settings).make(range(settings.count))
        images.append(np.stack([_as_picture(stamp, random) for stamp in made.images[:, 0]])[:, None])
        labels += [kind] * settings.count
    order = random.permutation(len(labels))
    ids = [f"simulated-{number:06d}" for number in range(len(labels))]
    with DatasetWriter(output, (1, _SIDE, _SIDE), [Band(GREY, "", None)], "float32") as writer:
        nothing = np.full(len(ids), np.nan)
        writer.append(np.concatenate(images)[order], ids, nothing, [""] * len(ids), np.zeros(len(ids), np.float32))
        table = Table({"id": ids, "morphology": np.array(labels)[order]})
        writer.finish(table, ("morphology",), Origin(PROGRAM, "", "simulated galaxies", ""), [])
    return output


def _mixtures(galaxies: int) -> Iterator[tuple[str, SimulationSettings]]:
    """The settings of each part of each class in each view."""
    each, seeds = galaxies / (len(CLASSES) * len(VIEWS)), itertools.count(1400)
    for view in VIEWS:
        base = presets.load_preset(view.preset)
        for kind, parts in CLASSES.items():
            for part in parts:
                values = base.model_dump()
                values |= {"count": max(2, round(each * part["share"])), "size": _SIDE, "seed": next(seeds)}
                magnitudes = {"low": view.brightest, "high": view.faintest}
                values["galaxies"] |= part["galaxies"] | {"magnitude": magnitudes, "shift": 1.5}
                values["psf"] |= {"fwhm": view.fwhm * base.instrument.pixel_scale}
                stars = {"low": view.brightest + _STARS[0], "high": view.faintest + _STARS[1]}
                values["realism"] |= _REALISM | {"star_magnitude": stars} | part.get("realism", {})
                yield kind, toml.validate(SimulationSettings, values)


def _as_picture(stamp: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """A stamp (H, W) as an 8-bit picture: perhaps resampled, with an asinh stretch from nearly linear to hard."""
    if random.random() < 0.5:
        stamp = gaussian_filter(stamp, random.uniform(*_RESAMPLED))
    edge = np.concatenate([stamp[0], stamp[-1], stamp[:, 0], stamp[:, -1]])
    sky = np.median(edge)
    noise = 1.4826 * np.median(np.abs(edge - sky)) or 1.0
    stretched = np.arcsinh(_between(_SOFTENING, random) * (stamp - sky) / noise)
    white = np.percentile(stretched, 99.9) * _between(_WHITE, random)
    picture = stretched / white * random.uniform(*_PEAK) + random.uniform(*_BLACK)
    return np.clip(np.round(picture), 0, 255).astype(np.float32)


def _between(limits: tuple[float, float], random: np.random.Generator) -> float:
    """A number between these, uniform in its logarithm."""
    return limits[0] * (limits[1] / limits[0]) ** random.random()


def settings_of(name: str, epochs: int | None) -> RunSettings:
    """The settings with which a network is trained."""
    common = {
        "network": {"samplewise": "standard", "normalisation": "standard"},
        "augmentation": AugmentationSettings(zoom_min=0.7, zoom_max=1.4, noise=0.05).model_dump(),
        "data": {"validation": 0.08, "test": 0.0},  # nothing is claimed of simulations: what counts are real galaxies
        "stopping": {"patience": 0, "snapshots": 0},
        "device": "cpu",
    }
    if name == "simulated-classes":
        chosen = RunSettings.model_validate({**common, "optimiser": {"epochs": epochs or _EPOCHS["simulated-classes"]}})
    else:
        base = recipe.recommended(RunSettings.model_validate(common))
        chosen = base.model_copy(
            update={
                "augmentation": base.augmentation.model_validate(common["augmentation"]),
                "optimiser": base.optimiser.model_copy(update={"epochs": epochs or _EPOCHS["simulated-shapes"]}),
                "stopping": base.stopping.model_copy(update={"snapshots": 0}),
            }
        )
    return chosen


ABOUT = {
    "simulated-classes": (
        "Simulated classes",
        "Tells smooth, featured and edge-on galaxies, simulated as pictures of surveys; one grey band, 64 pixels.",
    ),
    "simulated-shapes": (
        "Simulated shapes",
        "Has learned the shapes of simulated galaxies without labels (SimCLR); one grey band, 64 pixels.",
    ),
}

WORTH = {
    "simulated-classes": (
        "SDSS pictures of Galaxy Zoo 1 (elliptical, spiral, edge-on; grey, 64 pixels), 971 test galaxies, three seeds, "
        "fine-tuned with 50 / 100 / 200 labels (30 epochs of at least 300 galaxies): all layers, accuracy 0.841 ± "
        "0.007 / 0.850 ± 0.006 / 0.850 ± 0.005, macro-F1 0.732 ± 0.013 / 0.739 ± 0.007 / 0.742 ± 0.009; the head "
        "alone 0.824 / 0.837 / 0.837 and 0.720 / 0.729 / 0.730; the same network from random weights 0.805 ± 0.008 / "
        "0.815 ± 0.009 / 0.828 ± 0.007 and 0.676 ± 0.008 / 0.668 ± 0.018 / 0.714 ± 0.008. As it is: 0.549 and 0.562."
    )
}
"""What a network was found to be worth on real galaxies, for its card; measured after it was made."""


def make(name: str, data: Path, folder: Path, epochs: int | None) -> None:
    """Train one network, and write it with its card."""
    run = RunFolder.create(folder / name) if not (folder / name).exists() else RunFolder(folder / name)
    settings = settings_of(name, epochs)
    if read_metrics(run.metrics_file).get("reason") != "finished":
        _drive(loop.run(settings, data, run, resume=run.has_whole_epoch))
    metrics = read_metrics(run.metrics_file)
    predictor = Predictor.load(run.best, needs_answers=False)
    title, about = ABOUT[name]
    guess = guess_of_run(metrics)
    numbers = part_notes.describe_scores(metrics["validation"])
    predictor.card = {
        "title": title,
        "about": about,
        "licence": LICENCE,
        "data": metrics["data"]["data"],
        "galaxies": metrics["data"]["galaxies"],
        "validation": metrics["validation"],
        "made by": f"{PROGRAM}, packaging/base_networks.py",
    }
    predictor.pixel_scale, predictor.zero_points, predictor.training_range = float("nan"), (), None  # of no survey
    MODELS.mkdir(exist_ok=True)
    predictor.save(MODELS / f"{name}.safetensors")
    changed = toml.differences(RunSettings(), toml.load(RunSettings, run.settings_file))
    lines = [
        f"# {title}",
        "",
        f"`base:{name}`. {about} It is there to be fine-tuned; its answers on real galaxies mean little.",
        "",
        "## Data",
        "",
        (
            f"{sum(metrics['data']['galaxies'].values()):,} galaxies simulated by this program, as many of each class: "
            f"{', '.join(CLASSES)}. With the noise of {' and '.join(dict.fromkeys(each.preset for each in VIEWS))}, a "
            f"seeing of {min(each.fwhm for each in VIEWS)} to {max(each.fwhm for each in VIEWS)} pixels, companions, "
            "stars, spiral arms, bars, clumps and tidal features as `packaging/base_networks.py` says. Each became an "
            "8-bit picture with an asinh stretch drawn by chance. No galaxy of any survey was used."
        ),
        "",
        "## Numbers",
        "",
        (
            f"On {metrics['validation']['galaxies']:,} simulated validation galaxies: {numbers}"
            f" ({metrics['validation']['note']})."
        ),
        *([] if guess is None else [guess.sentence]),
        "",
        *(("## On real galaxies", "", WORTH[name], "") if name in WORTH else ()),
        "## Settings that differ from the default",
        "",
        *(f"- {setting}: {new} (default {old})" for setting, old, new in changed),
        "",
        "## Licence",
        "",
        f"{LICENCE}.",
    ]
    write_atomically(MODELS / f"{name}.md", "\n".join(lines) + "\n")


def _drive(work: Work[Any]) -> None:
    for event in work:
        if isinstance(event, EpochEnded):
            print(f"epoch {event.epoch} of {event.epochs}: {event.train}, {event.validation}", flush=True)


def main() -> None:
    """Make all networks."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="for simulations and runs; what is there already is kept")
    options.add_argument("--galaxies", type=int, default=9000, help="how many are simulated")
    options.add_argument("--epochs", type=int, help="of each network; else 8 with labels and 12 without")
    options.add_argument("--only", choices=tuple(ABOUT), help="only this network")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    data = simulate(given.folder, given.galaxies)
    for name in ABOUT if given.only is None else (given.only,):
        make(name, data, given.folder, given.epochs)


if __name__ == "__main__":
    main()
