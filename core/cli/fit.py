"""The command that fits profiles to galaxies, the classical measurement beside a network's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import add_force_option, add_settings_options
from core.errors import SettingsProblem
from core.evaluate.settings import EnvironmentSettings, FitSettings, ProfileKind
from core.project import outputs
from core.simulate.psf_settings import PsfSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MODELS: dict[str, ProfileKind] = {"sersic": "Sérsic", "bulge+disk": "bulge + disk"}
FIT = ("fit", "fit:fit", "Fit Sérsic profiles, or bulges and disks, to galaxies, and find their neighbours.")
_KINDS = tuple(kind for kind in get_args(PsfSettings.model_fields["kind"].annotation) if kind != "image")
_WAYS = f"Write a FITS file, or a kind and a FWHM in arcsec, as in moffat:1.1; kinds are {', '.join(_KINDS)}."


def add_fit_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork fit``."""
    add = command.add_argument
    add("source", type=Path, metavar="DATA.h5", help="a dataset of calibrated images")
    add("-o", "--output", required=True, type=Path, metavar="TABLE", help="ends in .csv, .fits, .xml, .parquet or .h5")
    add(
        "--psf",
        metavar="PSF",
        help="its point-spread function: a FITS image, or kind and FWHM in arcsec: moffat:1.1; else of the simulation",
    )
    add("--psf-oversampling", type=float, default=1.0, metavar="N", help="pixels of the PSF image for one of the data")
    add("--psf-includes-pixel", action="store_true", help="the PSF image holds the response of the pixels")
    add(
        "--preset",
        metavar="NAME",
        help="PSF, zero point and photon noise of an instrument, as of “tuningfork simulate”",
    )
    add("--zero-point", type=float, metavar="MAG", help="magnitude of one unit of the images; else fluxes are given")
    add("-n", "--count", type=int, metavar="N", help="only so many galaxies, drawn at random but always the same")
    add("--test-part-of", type=Path, metavar="RUN", help="only the galaxies of this run's test part")
    add("--model", choices=tuple(_MODELS), help="one Sérsic profile, or a bulge with an exponential disk")
    add_settings_options(command, "noise=0.03")
    add_force_option(command, output=outputs.TABLE)


def fit(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork fit``."""
    from core.evaluate import environment, fit_sources, profile_fit, tables

    tables.require_known_ending(options.output)
    settings = resolve_settings(FitSettings, options, zero_point=options.zero_point)
    if options.model is not None:
        settings = settings.model_copy(update={"model": _MODELS[options.model]})
    psf = None if options.psf is None else _parse_psf(options)
    try:
        source = fit_sources.find(options.source, settings.band, settings.zero_point, options.preset, psf)
    except fit_sources.NoPsf as problem:
        raise SettingsProblem(problem.sentence, f"Add --psf or --preset. {_WAYS}", "--psf") from None
    for remark in source.remarks:
        console.note(remark)
    zero_point = source.zero_point if settings.zero_point is None else settings.zero_point
    settings = settings.model_copy(update={"gain": settings.gain or source.gain, "zero_point": zero_point})
    rows = _choose_rows(options)
    fits = console.drive(
        "Fitting",
        lambda stop: profile_fit.run(options.source, source.psf, settings, rows, stop, choice=source.choice),
    )
    surroundings = EnvironmentSettings(segmentation=settings.segmentation.model_copy(update={"band": settings.band}))
    found = console.drive(
        "Looking for neighbours", lambda stop: environment.run(options.source, rows, settings=surroundings, stop=stop)
    )
    columns = [*fits.columns, *((name, values, unit) for name, (values, unit) in found.columns.items())]
    about = {"MODEL": settings.model, "PSF": _describe(source.psf), "REMARKS": " ".join(fits.remarks)}
    tables.write_columns(columns, options.output, about)
    console.say(f"{fits.summary} {found.rule}")
    if settings.zero_point is None:
        console.note("Without a zero point the table has fluxes in units of the images instead of magnitudes.")
    console.say(f"Table: {options.output}")
    return 0


def _choose_rows(options: argparse.Namespace) -> NDArray[np.int64] | None:
    """The galaxies that were asked for; None: all.

    Raises
    ------
    SettingsProblem
        Fewer than one.
    UnreadableFile
        The run's parts are missing, or of another dataset.
    """
    from core.data import split as splits
    from core.data.cutouts import Cutouts
    from core.evaluate import fit_sources
    from core.project.runs import RunFolder

    if options.count is None and options.test_part_of is None:
        return None
    if options.count is not None and options.count < 1:
        raise SettingsProblem(f"{options.count} galaxies cannot be fitted.", "Give 1 or more.", "--count")
    with Cutouts.open(options.source) as cutouts:
        rows = np.arange(len(cutouts))
        if options.test_part_of is not None:
            rows = splits.load(RunFolder(options.test_part_of).split_file, cutouts.ids).test
    return rows if options.count is None else fit_sources.draw_rows(rows, options.count)


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
