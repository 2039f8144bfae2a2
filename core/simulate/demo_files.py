"""The demonstration survey as files: FITS cutouts and a catalogue, as one has them of a real survey."""

from __future__ import annotations

import threading
from pathlib import Path

from astropy.io import fits
from astropy.table import Table

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.project.files import atomic_path
from core.simulate.galaxies import ZERO_POINT

CATALOGUE = "catalogue.csv"


def write_cutouts(survey: Path, folder: Path, count: int, stop: threading.Event = NEVER) -> Work[Path]:
    """Write the first galaxies of a simulated survey as FITS files, with their catalogue beside them.

    Each file is called after its galaxy, and holds a cube with a plane for each band.

    Parameters
    ----------
    survey
        A dataset, as :func:`core.simulate.demo.simulate_survey` writes it.
    folder
        Where to; files of these names are replaced.
    count
        Of the galaxies, at most.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Returns
    -------
    catalogue
        Its path: a CSV table with ``id``, the class and the true parameters.
    """
    with Cutouts.open(survey) as cutouts:
        names = cutouts.ids[:count]
        for row, name in enumerate(names):
            if stop.is_set():
                raise Stopped
            header = fits.Header() if (wcs := cutouts.wcs(row)) is None else wcs.to_header()
            header["BANDS"] = ",".join(band.name for band in cutouts.bands)
            header["BUNIT"], header["ZP"] = "nanomaggy", ZERO_POINT
            with atomic_path(folder / f"{name}.fits") as temporary:
                fits.PrimaryHDU(cutouts.images[row], header).writeto(temporary, overwrite=True)
            yield Progress(row + 1, len(names), "galaxies")
        table = Table(
            {"id": names} | {name: column[:count] for name, column in cutouts.columns.items() if name != "id"}
        )
        with atomic_path(folder / CATALOGUE) as temporary:
            table.write(temporary, format="ascii.csv", overwrite=True)
    return folder / CATALOGUE
