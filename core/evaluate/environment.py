"""The environment of galaxies: neighbours found by segmentation, and the class that follows from them.

Each stamp is segmented (:mod:`core.data.segmentation`). The flux of a source is the sum over its segment of the light
above the sky, the mean of the bands; its place is the centre of that light. A galaxy is *isolated*, or it has a *faint
neighbour* or a *bright neighbour* by thresholds on distance and flux ratio; the brightest neighbour that is near enough
decides. That works for simulated and for real galaxies alike, since it looks at nothing but the stamps.

What it cannot see: neighbours off the stamp, and below the threshold of the detection; and close ones without a saddle
between them and the galaxy, which are counted as part of it. With the default settings two galaxies as bright as each
other are told apart from about twice their half-light radius on (in seeing that is not larger than they are), and a
neighbour fainter by 3 mag from about three and a half times on. Knots and arms with deep saddles, diffraction spikes
and stars count as neighbours. The light of a blend goes to the source in whose segment it lies: magnitude differences
come out 0.1 to 0.2 mag too small there. In a stretched 8-bit picture the ratio is one of brightness, not of flux.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.data.cutouts import Cutouts
from core.data.segmentation import GALAXY, Segmentation, segment
from core.errors import Problem, Stopped
from core.evaluate.settings import EnvironmentSettings
from core.events import NEVER, Progress, Work

ISOLATED, FAINT, BRIGHT = "isolated", "faint neighbour", "bright neighbour"
ENVIRONMENTS = (ISOLATED, FAINT, BRIGHT)
UNKNOWN = ""  # there is no galaxy at the centre, or the distance cannot be compared with the threshold
_BLOCK = 64  # stamps that are read at once
_BESIDE = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A source beside the galaxy.

    Attributes
    ----------
    label
        In the segmentation.
    distance
        Between the centres of light [pixels].
    flux_ratio
        Its flux over that of the galaxy.
    separation
        The distance over the sum of the isophotal radii.
    touches
        Whether the two segments are in contact: their light is blended.
    """

    label: int
    distance: float
    flux_ratio: float
    separation: float
    touches: bool


@dataclass(frozen=True, eq=False)
class Environments:
    """The environments of n galaxies.

    Attributes
    ----------
    ids
        n ids, as text.
    rows
        int64 (n,): rows of the galaxies in their dataset.
    classes
        n of :data:`ENVIRONMENTS`, or :data:`UNKNOWN`.
    counts
        int64 (n,): neighbours that count.
    distance
        float64 (n,): of the brightest of them [pixels]; NaN without one.
    distance_arcsec
        The same in arcsec; NaN also where the pixel scale is unknown.
    flux_ratio
        float64 (n,): its flux over that of the galaxy; NaN without one.
    is_blended
        bool (n,): whether a neighbour that counts touches the galaxy.
    rule
        The thresholds, as a sentence.
    problems
        Why galaxies have no class.
    """

    ids: tuple[str, ...]
    rows: NDArray[np.int64]
    classes: NDArray[np.str_]
    counts: NDArray[np.int64]
    distance: NDArray[np.float64]
    distance_arcsec: NDArray[np.float64]
    flux_ratio: NDArray[np.float64]
    is_blended: NDArray[np.bool_]
    rule: str
    problems: list[Problem] = field(default_factory=list[Problem])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def magnitude_difference(self) -> NDArray[np.float64]:
        """Magnitude of the brightest neighbour minus that of the galaxy (n,); NaN without one."""
        return -2.5 * np.log10(self.flux_ratio)

    @property
    def columns(self) -> dict[str, tuple[NDArray[np.generic], str]]:
        """The columns of a table: values and unit by name."""
        return {
            "environment": (self.classes, ""),
            "neighbours": (self.counts, ""),
            "neighbour_distance": (self.distance_arcsec, "arcsec"),
            "neighbour_distance_pixels": (self.distance, "pix"),
            "neighbour_magnitude_difference": (self.magnitude_difference, "mag"),
            "blended": (self.is_blended, ""),
        }


def run(
    data: Path | str,
    rows: NDArray[np.int64] | None = None,
    settings: EnvironmentSettings | None = None,
    stop: threading.Event = NEVER,
) -> Work[Environments]:
    """Find the neighbours of galaxies of a dataset and classify their environments, in constant memory.

    Yields :class:`~core.events.Progress`.

    Parameters
    ----------
    data
        The dataset.
    rows
        Which galaxies, in any order; None: all.
    settings
        Thresholds and segmentation; None: the defaults.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible
        The dataset has no such band to segment.
    UnreadableFile, WrongVersion
        The file cannot be read.

    Examples
    --------
    >>> from core.events import result_of
    >>> found = result_of(run("survey.h5"))
    >>> {name: int((found.classes == name).sum()) for name in ENVIRONMENTS}
    {'isolated': ..., 'faint neighbour': ..., 'bright neighbour': ...}
    """
    settings = settings or EnvironmentSettings()
    with Cutouts.open(data) as cutouts:
        chosen = np.arange(len(cutouts)) if rows is None else np.asarray(rows, np.int64)
        scales = cutouts.pixel_scale[chosen]
        found: list[list[Neighbour] | None] = []
        yield Progress(0, len(chosen), "galaxies")
        for start in range(0, len(chosen), _BLOCK):
            for image in cutouts.images[chosen[start : start + _BLOCK]]:
                if stop.is_set():
                    raise Stopped
                found.append(find_neighbours(image, settings))
            yield Progress(len(found), len(chosen), "galaxies")
        names = cutouts.ids
        return _collect(tuple(names[row] for row in chosen), chosen, scales, found, settings)


def find_neighbours(
    image: NDArray[np.float32], settings: EnvironmentSettings, segmentation: Segmentation | None = None
) -> list[Neighbour] | None:
    """The sources beside the galaxy at the centre of a stamp, the brightest first; None if there is no galaxy.

    Parameters
    ----------
    image
        (C, H, W).
    settings
        Of which the segmentation is used; the thresholds are not.
    segmentation
        Of this stamp, where it is known.
    """
    band = settings.segmentation.band
    parts = segmentation or segment(image, settings.segmentation)
    if not parts.galaxy.any():
        return None
    light = np.asarray(image if band is None else image[band - 1 : band], np.float64).mean(axis=0) - parts.sky_level
    light = np.where(np.isfinite(light), light, 0.0)
    labels = np.array([GALAXY, *parts.neighbour_labels])
    flux = np.atleast_1d(ndimage.sum_labels(light, parts.labels, labels))
    if flux[0] <= 0:
        return None
    centres = np.array(ndimage.center_of_mass(np.maximum(light, 0), parts.labels, labels))  # (sources, 2)
    radii = np.sqrt(np.bincount(parts.labels.ravel())[labels] / np.pi)
    beside = set(np.unique(parts.labels[np.asarray(ndimage.binary_dilation(parts.galaxy, _BESIDE))]).tolist())
    distances = np.hypot(*(centres - centres[0]).T)
    neighbours = [
        Neighbour(
            int(label),
            float(distances[place]),
            float(flux[place] / flux[0]),
            float(distances[place] / (radii[0] + radii[place])),
            int(label) in beside,
        )
        for place, label in enumerate(labels)
        if place
    ]
    return sorted(neighbours, key=lambda each: -each.flux_ratio)


def classify(
    neighbours: Sequence[Neighbour] | None, settings: EnvironmentSettings, pixel_scale: float
) -> tuple[str, list[Neighbour]]:
    """The class of an environment, and the neighbours that count, the brightest first.

    Parameters
    ----------
    neighbours
        As :func:`find_neighbours` gives them.
    settings
        The thresholds.
    pixel_scale
        In arcsec/pixel; NaN: unknown, so that a distance in arcsec cannot be compared, and the class of a galaxy with
        neighbours that are bright enough is :data:`UNKNOWN`.
    """
    if neighbours is None:
        return UNKNOWN, []
    enough = [each for each in neighbours if each.flux_ratio >= settings.faint]
    if enough and settings.distance_unit == "arcsec" and not np.isfinite(pixel_scale):
        return UNKNOWN, []
    counted = [each for each in enough if _distance(each, settings, pixel_scale) <= settings.distance]
    if not counted:
        return ISOLATED, []
    return (BRIGHT if counted[0].flux_ratio >= settings.bright else FAINT), counted


def _distance(neighbour: Neighbour, settings: EnvironmentSettings, pixel_scale: float) -> float:
    """Distance of a neighbour in the unit of the threshold."""
    if settings.distance_unit == "radii":
        return neighbour.separation
    return neighbour.distance * (pixel_scale if settings.distance_unit == "arcsec" else 1.0)


def _collect(
    ids: tuple[str, ...],
    rows: NDArray[np.int64],
    scales: NDArray[np.float64],
    found: list[list[Neighbour] | None],
    settings: EnvironmentSettings,
) -> Environments:
    classified = [classify(neighbours, settings, float(scale)) for neighbours, scale in zip(found, scales, strict=True)]
    brightest = [counted[0] if counted else None for _, counted in classified]
    distance = np.array([np.nan if each is None else each.distance for each in brightest], np.float64)
    return Environments(
        ids=ids,
        rows=rows,
        classes=np.array([name for name, _ in classified], dtype=f"<U{len(BRIGHT)}"),
        counts=np.array([len(counted) for _, counted in classified], np.int64),
        distance=distance,
        distance_arcsec=distance * scales,
        flux_ratio=np.array([np.nan if each is None else each.flux_ratio for each in brightest], np.float64),
        is_blended=np.array([any(each.touches for each in counted) for _, counted in classified], bool),
        rule=settings.rule,
        problems=_describe_unknown(classified, found),
    )


def _describe_unknown(
    classified: Sequence[tuple[str, list[Neighbour]]], found: Sequence[list[Neighbour] | None]
) -> list[Problem]:
    """Why galaxies have no class."""
    empty = sum(neighbours is None for neighbours in found)
    unscaled = sum(
        name == UNKNOWN and neighbours is not None for (name, _), neighbours in zip(classified, found, strict=True)
    )
    problems = []
    if empty:
        problems.append(
            Problem(
                f"{empty:,} of {len(found):,} stamps have no galaxy at the centre that can be told from the sky, and "
                "no class of environment.",
                "Lower the threshold of the segmentation if they should have one.",
            )
        )
    if unscaled:
        problems.append(
            Problem(
                f"The pixel scale of {unscaled:,} of {len(found):,} galaxies is unknown, so that distances in arcsec "
                "cannot be compared; they have no class of environment.",
                "Give the largest distance in radii or pixels.",
            )
        )
    return problems
