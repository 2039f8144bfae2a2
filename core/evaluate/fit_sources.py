"""Where the point-spread function, the photon noise and the zero point of a classical fit come from.

A simulated dataset knows its own: they are in the settings that it was made with, and which image of a stack of
point-spread functions each galaxy has follows from its number. Of other datasets they are those of an instrument.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data import same_scale
from core.data.cutouts import Cutouts
from core.errors import NotPossible
from core.nets.zero_points import require_one_pixel_scale
from core.settings import toml
from core.simulate.blocks import draw_psf
from core.simulate.noise import electrons_per_unit
from core.simulate.presets import load_preset
from core.simulate.psf import build_psf
from core.simulate.psf_settings import PsfSettings
from core.simulate.settings import SOURCE, SimulationSettings

_OWN_ZERO_POINT = "Magnitudes are for the zero point of the dataset, {:g}."
_NUMBERED = re.compile(r"sim-(?:[0-9a-f]+-)?(\d+)")


@dataclass(frozen=True, eq=False)
class FitSource:
    """What a fit needs to know of the images.

    Attributes
    ----------
    psf
        Their point-spread function.
    gain
        Electrons in one unit of the images; None: the galaxies have no photon noise, or it is not known.
    zero_point
        Magnitude of one unit of the images; None: unknown.
    choice
        Of a stack of point-spread functions the one of each galaxy (N,); None: there is no stack, or it is not known.
    remarks
        What is to be known of them, a sentence each.
    """

    psf: PsfSettings
    gain: float | None
    zero_point: float | None
    choice: NDArray[np.int64] | None = None
    remarks: tuple[str, ...] = ()


class NoPsf(NotPossible):
    """Nobody has given a point-spread function, and the dataset knows none."""


def find(
    data: Path, band: int = 1, given: float | None = None, preset: str | None = None, psf: PsfSettings | None = None
) -> FitSource:
    """What was given, else what the preset has, else what the simulation that made the dataset knows.

    Parameters
    ----------
    data
        The dataset.
    band
        The one that is fitted, counted from 1.
    given
        Its zero point, where somebody has given it.
    preset
        Name of an instrument.
    psf
        The point-spread function, in place of the preset's.

    Raises
    ------
    NoPsf
        There is no point-spread function.
    NotPossible, UnreadableFile
        There is no such preset, or a file cannot be read.
    """
    own: FitSource | None = None
    if preset is not None:
        own = of_preset(preset, data, band, given)
    elif psf is None:
        own = of_simulation(data, band)
    else:
        with Cutouts.open(data) as cutouts:
            known = _zero_point_of(cutouts, band)
            if given is not None:
                require_one_pixel_scale(cutouts)
        is_used = known is not None and given is None
        said = (_OWN_ZERO_POINT.format(known),) if is_used else ()
        return FitSource(psf, None, known, None, said)
    if own is None:
        raise NoPsf("The point-spread function is not given.", "Choose an instrument, or give your own.", data.name)
    return own if psf is None else replace(own, psf=psf)


def draw_rows(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """So many of these galaxies, drawn at random but always the same, in their order; all where there are no more."""
    if count >= len(rows):
        return rows
    return np.sort(np.random.default_rng(1).choice(rows, count, replace=False))


def of_simulation(data: Path, band: int = 1) -> FitSource | None:
    """What a simulated dataset knows of its own images; None of others.

    Raises
    ------
    UnreadableFile, NotPossible, SettingsProblem
        The dataset, its settings or the image of its point-spread function cannot be read.
    """
    with Cutouts.open(data) as cutouts:
        numbers = [_NUMBERED.fullmatch(name) for name in cutouts.ids]
        if cutouts.origin.source != SOURCE or None in numbers:
            return None
        settings = toml.loads(SimulationSettings, cutouts.origin.settings, data.name)
        zero_point = _zero_point_of(cutouts, band)
    count = build_psf(settings.psf, settings.instrument.pixel_scale).count
    own = np.array([int(found[1]) for found in numbers if found is not None], np.int64)
    noise = settings.noise
    has_photons = noise.kind == "ccd" or (noise.kind in {"correlated", "real sky"} and noise.source_noise)
    return FitSource(
        settings.psf,
        electrons_per_unit(settings) if has_photons else None,
        zero_point,
        draw_psf(settings.seed, own, count) if count > 1 else None,
        ("PSF, photon noise and zero point are those of the simulation.",),
    )


def of_preset(name: str, data: Path, band: int = 1, given: float | None = None) -> FitSource:
    """Those of an instrument, with the zero point that is given, or else the dataset's own where it has one.

    A preset whose pixels are others than those of the dataset is told of: its PSF, zero point and noise may be, too.

    Raises
    ------
    NotPossible
        There is no such preset.
    UnreadableFile
        The dataset cannot be read.
    """
    preset = load_preset(name)
    with Cutouts.open(data) as cutouts:
        scale = cutouts.median_pixel_scale
        own = _zero_point_of(cutouts, band)
        if own is None or given is not None:
            require_one_pixel_scale(cutouts)
    remarks: list[str] = []
    if same_scale.differ(scale, preset.instrument.pixel_scale):
        remarks.append(
            f"The preset has {preset.instrument.pixel_scale:g} arcsec/pixel, and these galaxies {scale:.3g}: make sure "
            "that its PSF, zero point and noise are theirs."
        )
    if given is not None:
        own = given
    elif own is not None:
        remarks.append(_OWN_ZERO_POINT.format(own))
    else:
        remarks.append(
            f"The dataset has no zero point: magnitudes are for that of the preset, {preset.stored_zero_point:g}. If "
            "one unit of the images has another magnitude, give it (--zero-point)."
        )
    zero_point = preset.stored_zero_point if own is None else own
    gain = electrons_per_unit(preset) * 10 ** (0.4 * (preset.stored_zero_point - zero_point))
    return FitSource(preset.psf, gain, zero_point, None, tuple(remarks))


def _zero_point_of(cutouts: Cutouts, band: int) -> float | None:
    """That of a band of the dataset, counted from 1; None where it has none."""
    return cutouts.bands[band - 1].zero_point if band <= len(cutouts.bands) else None
