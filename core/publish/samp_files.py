"""Files that are sent to other programs: galaxies as a VOTable, the stamp of one as a FITS image on the sky."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.evaluate import tables
from core.project.files import atomic_path
from core.publish.sky_positions import SkyPositions
from core.version import PROGRAM


def write_table(
    cutouts: Cutouts,
    columns: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
    positions: SkyPositions,
    path: Path,
) -> None:
    """Write galaxies as a VOTable: their catalogue with the labels given by hand, and where they are on the sky.

    Parameters
    ----------
    cutouts
        The dataset.
    columns
        Its catalogue, (N,) each, hand labels included.
    rows
        Which galaxies, in the order of the table.
    positions
        Of all galaxies; written as ``ra`` and ``dec`` where the catalogue has none.
    path
        Ends in ``.xml``.
    """
    written = [(name, _plain(values[rows]), _unit(name, cutouts, positions)) for name, values in columns.items()]
    names = {name.casefold() for name in columns}
    if positions.columns is None and np.isfinite(positions.ra[rows]).any() and not names & {"ra", "dec"}:
        written += [("ra", positions.ra[rows], "deg"), ("dec", positions.dec[rows], "deg")]
    tables.write_columns(written, path, {"DATASET": cutouts.path.name})


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Text or numbers in native byte order."""
    if values.dtype.kind not in "fiub":
        return values.astype(str)
    return values.astype(values.dtype.newbyteorder("="))


def _unit(name: str, cutouts: Cutouts, positions: SkyPositions) -> str:
    given = cutouts.units.get(name, "")
    return given or ("deg" if positions.columns is not None and name in positions.columns else "")


def write_stamp(cutouts: Cutouts, row: int, path: Path) -> None:
    """Write the stamp of a galaxy as a FITS image (H, W), or a cube (C, H, W) of several bands."""
    image = cutouts.images[row]
    wcs = cutouts.wcs(row)
    header = fits.Header() if wcs is None else wcs.celestial.to_header()
    header["OBJECT"] = cutouts.ids[row].encode("ascii", "replace").decode()
    header["ORIGIN"] = PROGRAM
    for number, band in enumerate(cutouts.bands, 1):
        header[f"BAND{number}"] = band.name.encode("ascii", "replace").decode()[:60]
    if (unit := _standard_unit(cutouts.bands[0].unit)) and len({band.unit for band in cutouts.bands}) == 1:
        header["BUNIT"] = unit
    with atomic_path(path) as temporary:
        fits.PrimaryHDU(image[0] if len(image) == 1 else image, header).writeto(temporary, overwrite=True)


def _standard_unit(text: str) -> str:
    try:
        return units.Unit(text).to_string("fits") if text else ""
    except (ValueError, TypeError):
        return ""
