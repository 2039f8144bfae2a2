"""The command that fits profiles to galaxies, the classical measurement beside a network's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import add_force_option, add_settings_options
from core.errors import SettingsProblem
from core.evaluate.settings import EnvironmentSettings, FitSettings
from core.project import outputs
from core.simulate.presets import load_preset
from core.simulate.psf_settings import PsfSettings

if TYPE_CHECKING:
    from core.simulate.settings import SimulationSettings

_SCALE_TOLERANCE = 0.02
_KINDS = tuple(kind for kind in get_args(PsfSettings.model_fields["kind"].annotation) if kind != "image")
_WAYS = f"Write a FITS file, or a kind and a FWHM in arcsec, as in moffat:1.1; kinds are {', '.join(_KINDS)}."


def add_fit_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork fit``."""
    add = command.add_argument
    add("source", type=Path, metavar="DATA.h5", help="a dataset of calibrated images")
    add("-o", "--output", required=True, type=Path, metavar="TABLE", help="ends in .csv, .fits, .xml or .parquet")
    add("--psf", metavar="PSF", help="its point-spread function: a FITS image, or kind and FWHM in arcsec: moffat:1.1")
    add("--psf-oversampling", type=float, default=1.0, metavar="N", help="pixels of the PSF image for one of the data")
    add("--psf-includes-pixel", action="store_true", help="the PSF image holds the response of the pixels")
    add(
        "--preset",
        metavar="NAME",
        help="PSF, zero point and photon noise of an instrument, as of “tuningfork simulate”",
    )
    add("--zero-point", type=float, metavar="MAG", help="magnitude of one unit of the images; else fluxes are given")
    add("--model", choices=("sersic", "bulge+disk"), help="one Sérsic profile, or a bulge with an exponential disk")
    add_settings_options(command, "noise=0.03")
    add_force_option(command, output=outputs.TABLE)


def fit(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork fit``."""
    from core.evaluate import environment, profile_fit, tables
    from core.simulate.noise import electrons_per_unit

    tables.require_known_ending(options.output)
    preset = load_preset(options.preset) if options.preset else None
    psf = _parse_psf(options) if options.psf is not None else None if preset is None else preset.psf
    if psf is None:
        raise SettingsProblem("The point-spread function is not given.", f"Add --psf or --preset. {_WAYS}", "--psf")
    settings = resolve_settings(FitSettings, options)
    zero_point = _choose_zero_point(options, settings, preset, console)
    gain = None if preset is None else electrons_per_unit(preset)
    model = {"sersic": "Sérsic", "bulge+disk": "bulge + disk", None: None}[options.model]
    changes = {"model": model or settings.model, "gain": settings.gain or gain, "zero_point": zero_point}
    settings = settings.model_copy(update=changes)
    fits = console.drive("Fitting", lambda stop: profile_fit.run(options.source, psf, settings, stop=stop))
    surroundings = EnvironmentSettings(segmentation=settings.segmentation.model_copy(update={"band": settings.band}))
    found = console.drive(
        "Looking for neighbours", lambda stop: environment.run(options.source, settings=surroundings, stop=stop)
    )
    columns = [*fits.columns, *((name, values, unit) for name, (values, unit) in found.columns.items())]
    tables.write_columns(columns, options.output, {"MODEL": settings.model, "PSF": _describe(psf)})
    console.say(f"{fits.summary} {found.rule}")
    if settings.zero_point is None:
        console.note("Without a zero point the table has fluxes in units of the images instead of magnitudes.")
    console.say(f"Table: {options.output}")
    return 0


def _choose_zero_point(
    options: argparse.Namespace, settings: FitSettings, preset: SimulationSettings | None, console: Console
) -> float | None:
    """The zero point that was given, else the dataset's own, else the preset's; which one is said, if it was not given.

    A preset whose pixels are others than those of the dataset is told of: its PSF, zero point and noise may be, too.
    """
    from core.data.cutouts import Cutouts

    with Cutouts.open(options.source) as cutouts:
        scale = cutouts.median_pixel_scale
        own = cutouts.bands[settings.band - 1].zero_point if settings.band <= len(cutouts.bands) else None
    if preset is not None and abs(scale / preset.instrument.pixel_scale - 1) > _SCALE_TOLERANCE:
        console.note(
            f"The preset has {preset.instrument.pixel_scale:g} arcsec/pixel, and these galaxies {scale:.3g}: make sure "
            "that its PSF, zero point and noise are theirs."
        )
    if (given := settings.zero_point if options.zero_point is None else options.zero_point) is not None:
        return given
    if own is not None:
        console.note(f"Magnitudes are for the zero point of the dataset, {own:g}.")
        return own
    if preset is None:
        return None
    console.note(
        f"The dataset has no zero point: magnitudes are for that of the preset, {preset.stored_zero_point:g}. If one "
        "unit of the images has another magnitude, give it with --zero-point."
    )
    return preset.stored_zero_point


def _parse_psf(options: argparse.Namespace) -> PsfSettings:
    """The point-spread function that was given with ``--psf``.

    Raises
    ------
    SettingsProblem
        It is neither a file nor a kind with a width.
    """
    kind, colon, width = options.psf.partition(":")
    if colon and kind.casefold() in _KINDS:
        try:
            return PsfSettings(kind=kind.casefold(), fwhm=float(width))
        except ValueError:
            raise SettingsProblem(f"“{width}” is no FWHM in arcsec.", _WAYS, "--psf") from None
    path = Path(options.psf).expanduser()
    if not path.is_file():
        raise SettingsProblem(f"“{options.psf}” is no point-spread function.", _WAYS, "--psf")
    return PsfSettings(
        kind="image",
        path=str(path),
        oversampling=options.psf_oversampling,
        includes_pixel=options.psf_includes_pixel,
    )


def _describe(psf: PsfSettings) -> str:
    return Path(psf.path).name if psf.kind == "image" else f"{psf.kind}, FWHM {psf.fwhm:g} arcsec"
