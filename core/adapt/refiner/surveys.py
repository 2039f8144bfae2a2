"""The simulated and the real stamps of a refiner: brought to one unit and one size, with galaxies held out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.adapt.refiner.centres import compare_centres
from core.adapt.refiner.scaling import Scaling, measure_sky
from core.adapt.refiner.settings import RefinerSettings
from core.adapt.refiner.units import compare_scales, flux_factors, match_bands
from core.data.cutouts import Cutouts
from core.data.parts import NO_PART
from core.data.settings import DataSettings
from core.errors import NotPossible, Problem, Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Work
from core.nets.band_mapping import BandMapping
from core.project.project import journal_of
from core.train.decided_parts import read_decided
from core.train.randomness import numpy_generator
from core.wording import count_of

PARTS = ("train", "validation", "test")
_FEWEST = 4  # galaxies of each dataset that are learned from
_FEWEST_HELD = 20  # of each test
_BLOCK = 64  # stamps that are read at once
_SMALLEST = 16  # pixels


@dataclass(frozen=True, eq=False)
class Surveys:
    """Simulated and real stamps in units of the target's noise above their sky.

    Attributes
    ----------
    simulated, real
        Stamps (n, C, H, W) of each of :data:`PARTS`, float32 on the CPU.
    scaling
        Of the simulated dataset.
    bands
        Names of the simulated dataset's.
    facts
        What the settings do not say: names, checksums and numbers of galaxies, plain values for JSON.
    remarks
        What the user should know.
    """

    simulated: dict[str, Tensor]
    real: dict[str, Tensor]
    scaling: Scaling
    bands: tuple[str, ...]
    facts: dict[str, Any]
    remarks: list[Problem]


def read_surveys(
    settings: RefinerSettings, simulated: Path, real: Path, stop: threading.Event = NEVER
) -> Work[Surveys]:
    """Read both datasets.

    Raises
    ------
    NotPossible
        Their pixels cannot be compared: 8-bit pictures, units of an unknown magnitude, other bands.
    TooFewGalaxies
        There are too few to hold some out.
    Stopped
        ``stop`` was set.
    """
    with Cutouts.open(simulated) as sim, Cutouts.open(real) as target:
        for cutouts in (sim, target):
            if cutouts.is_picture:
                raise NotPossible(
                    "These are 8-bit pictures, whose pixels are no fluxes: photometry would mean nothing.",
                    "Choose a dataset of calibrated images.",
                    cutouts.path.name,
                )
            yield from cutouts.read_checksum(stop)
        mapping, remarks = match_bands(sim.bands, target.bands)
        factor, more = flux_factors(settings, sim, target, mapping)
        remarks += [*more, *compare_scales(sim, target)]
        side = [min(sim.shape[axis], target.shape[axis]) for axis in (2, 3)]
        if min(side) < _SMALLEST:
            raise NotPossible("The stamps are too small for a refiner.", "They need 16 pixels along a side.")
        if sim.shape[2:] != target.shape[2:]:
            remarks.append(
                Problem(
                    f"The stamps have different sizes, {sim.shape[3]} × {sim.shape[2]} and {target.shape[3]} × "
                    f"{target.shape[2]} pixels: the central {side[1]} × {side[0]} of both are compared."
                )
            )
        theirs = _open_rows(target, remarks)
        stamps, parts = dict[str, NDArray[np.float32]](), dict[str, dict[str, NDArray[np.int64]]]()
        together = (("simulated", sim, np.arange(len(sim))), ("real", target, theirs))
        for number, (name, cutouts, rows) in enumerate(together):
            rows = _choose(rows, settings, number, cutouts.path.name)
            bands = [band.name for band in cutouts.bands]
            images = yield from _read(cutouts, rows, side, mapping if name == "real" else None, bands, stop)
            whole = np.isfinite(images).all(axis=(1, 2, 3))
            if not whole.all():
                remarks.append(
                    Problem(
                        f"{count_of(int((~whole).sum()), 'stamp')} with pixels that are no numbers "
                        f"{'is' if (~whole).sum() == 1 else 'are'} not used.",
                        "",
                        cutouts.path.name,
                    )
                )
            stamps[name], parts[name] = images[whole], _divide(int(whole.sum()), settings, cutouts.path.name)
        own, scaling = _scalings(stamps, factor, target.path.name)
        found = {
            name: {part: scale.in_noise(torch.from_numpy(stamps[name][chosen])) for part, chosen in parts[name].items()}
            for name, scale in (("simulated", scaling), ("real", own))
        }
        remarks += compare_centres(found["simulated"]["train"], found["real"]["train"])
        facts = {"simulated": _describe(sim, parts["simulated"]), "real": _describe(target, parts["real"])}
        facts["real"]["bands"] = mapping.text
    names = tuple(band.name for band in sim.bands)
    return Surveys(found["simulated"], found["real"], scaling, names, facts, remarks)


def _open_rows(target: Cutouts, remarks: list[Problem]) -> NDArray[np.int64]:
    """The real galaxies that may be learned from: neither of a validation or test part, nor with filled pixels."""
    decided = read_decided(target, DataSettings(), journal_of(target.path))
    numbers = decided.given if decided.given is not None else decided.kept
    allowed = np.ones(len(target), bool) if numbers is None else (numbers == 0) | (numbers == NO_PART)
    if not allowed.all():
        remarks.append(
            Problem(
                f"{count_of(int((~allowed).sum()), 'real galaxy')} of the validation and test parts are left alone.",
                "",
                target.path.name,
            )
        )
    filled = allowed & (target.missing > 0)
    if filled.any():
        remarks.append(
            Problem(
                f"{count_of(int(filled.sum()), 'real stamp')} with filled pixels not used.",
                "",
                target.path.name,
            )
        )
    return np.flatnonzero(allowed & ~filled)


def _choose(rows: NDArray[np.int64], settings: RefinerSettings, number: int, where: str) -> NDArray[np.int64]:
    """Rows in a random order, not more than are used."""
    random = numpy_generator(settings.seed, "sample", number)
    chosen = random.permutation(rows)[: settings.most_galaxies]
    _divide(len(chosen), settings, where)  # before anything is read
    return chosen


def _divide(count: int, settings: RefinerSettings, where: str) -> dict[str, NDArray[np.int64]]:
    """Places in rows that are in a random order, by part."""
    held = round(settings.held_out * count / 2)
    if held < _FEWEST_HELD or count - 2 * held < _FEWEST:
        raise TooFewGalaxies(
            f"There are {count_of(count, 'galaxy')} to learn from and to be held out.",
            f"Each of two tests needs {_FEWEST_HELD} at least, and a refiner learns from hundreds.",
            where,
        )
    edges = (0, count - 2 * held, count - held, count)
    return {part: np.arange(edges[place], edges[place + 1]) for place, part in enumerate(PARTS)}


def _read(
    cutouts: Cutouts,
    rows: NDArray[np.int64],
    side: Sequence[int],
    mapping: BandMapping | None,
    bands: Sequence[str],
    stop: threading.Event,
) -> Work[NDArray[np.float32]]:
    """The central part of stamps, with the bands that are compared."""
    top, left = ((cutouts.shape[axis] - wanted) // 2 for axis, wanted in zip((2, 3), side, strict=True))
    blocks: list[NDArray[np.float32]] = []
    for begin in range(0, len(rows), _BLOCK):
        if stop.is_set():
            raise Stopped
        yield Progress(begin, len(rows), "galaxies read")
        images = cutouts.images[rows[begin : begin + _BLOCK]]
        images = images if mapping is None else mapping.apply(images, bands)
        blocks.append(images[:, :, top : top + side[0], left : left + side[1]])
    return np.ascontiguousarray(np.concatenate(blocks))


def _scalings(stamps: dict[str, NDArray[np.float32]], factor: Sequence[float], where: str) -> tuple[Scaling, Scaling]:
    """Of the real and of the simulated stamps, both in units of the noise of the real ones."""
    level, noise = measure_sky(stamps["real"])
    if not (noise > 0).all():
        raise NotPossible("These real stamps have no noise to measure by.", "Are they calibrated images?", where)
    own, _ = measure_sky(stamps["simulated"])
    sigma = tuple(noise.tolist())
    ones = (1.0,) * len(sigma)
    sky = tuple((own * np.asarray(factor)).tolist())
    return Scaling(ones, tuple(level.tolist()), sigma), Scaling(tuple(factor), sky, sigma)


def _describe(cutouts: Cutouts, parts: dict[str, NDArray[np.int64]]) -> dict[str, Any]:
    return {
        "dataset": cutouts.path.name,
        "checksum": cutouts.checksum,
        "galaxies": {name: len(rows) for name, rows in parts.items()},
        "zero_points": [band.zero_point for band in cutouts.bands],
        "units": [band.unit for band in cutouts.bands],
        "pixel_scale": None if np.isnan(cutouts.median_pixel_scale) else cutouts.median_pixel_scale,
    }
