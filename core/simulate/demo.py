"""The demonstration survey: simulated galaxies of three classes, so that the first start needs no download."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin
from core.errors import Stopped, UnreadableFile
from core.events import NEVER, Progress, Work
from core.project.user_folders import cache_folder
from core.reading import is_there, set_aside
from core.settings import toml
from core.simulate import galaxies
from core.simulate.galaxies import BANDS, CLASSES, Galaxy
from core.simulate.settings import SurveySettings
from core.version import PROGRAM

_BATCH = 50
_RECIPE_VERSION = 4  # of the simulation; a change invalidates cached surveys


def simulate_survey(output: Path, settings: SurveySettings, stop: threading.Event = NEVER) -> Work[Path]:
    """Simulate a survey and write it as a dataset.

    The catalogue holds the class and the true magnitude, half-light radius, axis ratio and bulge fraction. Each galaxy
    has its own stream of random numbers, so that galaxy i is the same in a larger survey.

    Raises
    ------
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    psf = galaxies.survey_psf(settings)
    survey = "demo" if settings.seed == SurveySettings().seed else f"demo{settings.seed}"  # other galaxies, other ids
    truths: list[dict[str, Any]] = []
    bands = [Band(name, "nanomaggy", galaxies.ZERO_POINT) for name in BANDS]
    with DatasetWriter(output, (len(BANDS), settings.size, settings.size), bands, "float32") as writer:
        for start in range(0, settings.count, _BATCH):
            images, headers = [], []
            for number in range(start, min(start + _BATCH, settings.count)):
                if stop.is_set():
                    raise Stopped
                random = np.random.default_rng((settings.seed, number))
                galaxy = galaxies.draw_galaxy(CLASSES[number % len(CLASSES)], settings, random)
                images.append(galaxies.draw_stamp(galaxy, settings, psf, random))
                ra, dec = float(random.uniform(150, 160)), float(random.uniform(-2, 2))
                headers.append(_header(ra, dec, settings))
                truths.append(_truth(f"{survey}-{number:06d}", galaxy, ra, dec))
                yield Progress(number, settings.count, "galaxies")
            count = len(images)
            scale = np.full(count, settings.pixel_scale)
            names = [truth["id"] for truth in truths[start:]]
            writer.append(np.stack(images), names, scale, headers, np.zeros(count, np.float32))
        writer.finish(_catalogue(truths), ("morphology",), _origin(settings), [])
    yield Progress(settings.count, settings.count, "galaxies")
    return output


def cached_survey(stop: threading.Event = NEVER, settings: SurveySettings | None = None) -> Work[Path]:
    """The demonstration survey, simulated at the first call and cached.

    It is stored in the user's cache folder, or in the folder that the environment variable ``TUNINGFORK_CACHE`` names.
    """
    settings = settings or SurveySettings()
    recipe = f"{_RECIPE_VERSION} {settings.model_dump_json()}"
    key = hashlib.blake2b(recipe.encode(), digest_size=6).hexdigest()
    path = cache_folder() / f"demonstration-{key}.h5"
    if is_there(path):
        try:
            Cutouts.open(path).close()
        except UnreadableFile:  # a cache is made anew
            set_aside(path)
        else:
            return path
    return (yield from simulate_survey(path, settings, stop))


def _truth(name: str, galaxy: Galaxy, ra: float, dec: float) -> dict[str, Any]:
    return {
        "id": name,
        "ra": ra,
        "dec": dec,
        "morphology": galaxy.kind,
        "magnitude": galaxy.magnitude,
        "half_light_radius": galaxy.half_light_radius,
        "axis_ratio": galaxy.axis_ratio,
        "bulge_fraction": galaxy.bulge_fraction,
    }


def _catalogue(truths: list[dict[str, Any]]) -> Table:
    units = {"ra": "deg", "dec": "deg", "magnitude": "mag", "half_light_radius": "arcsec"}
    return Table(truths, units={name: unit for name, unit in units.items() if truths})


def _header(ra: float, dec: float, settings: SurveySettings) -> str:
    """Celestial coordinates as FITS cards: a gnomonic (TAN) projection, north up, east left."""
    centre, step = (settings.size + 1) / 2, settings.pixel_scale / 3600
    cards = {
        "WCSAXES": 2,
        "CTYPE1": "'RA---TAN'",
        "CTYPE2": "'DEC--TAN'",
        "CRPIX1": centre,
        "CRPIX2": centre,
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CDELT1": -step,
        "CDELT2": step,
        "CUNIT1": "'deg     '",
        "CUNIT2": "'deg     '",
        "RADESYS": "'ICRS    '",
    }
    return "".join(f"{name:8}= {value!s:>20}".ljust(80) for name, value in cards.items())


def _origin(settings: SurveySettings) -> Origin:
    return Origin(
        program=PROGRAM,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        source="simulated demonstration survey",
        settings=toml.dumps(settings),
    )
