"""The same profiles drawn by GalSim (Rowe et al. 2015): the judge of the renderer, and an engine to choose instead.

Much slower: each profile is drawn by itself, and a new Sérsic index costs GalSim a table of its own.
"""

from __future__ import annotations

from typing import Any

import galsim
import numpy as np
from numpy.typing import NDArray

from core.errors import NotPossible
from core.simulate.profiles import Profiles
from core.simulate.psf import Airy, Gaussian, ImagePsf, Kolmogorov, Moffat, Psf

HIGHEST_INDEX = 6.2  # that GalSim draws

# To 1e-4 of the peak or better. GalSim applies the strictest of all parts to a convolution, so every part has them.
PRECISE = galsim.GSParams(
    folding_threshold=1e-3, maxk_threshold=1e-4, kvalue_accuracy=1e-5, maximum_fft_size=16384, stepk_minimum_hlr=8
)
USUAL = galsim.GSParams(maximum_fft_size=16384)


def render_with_galsim(
    profiles: Profiles,
    psf: Psf,
    stamps: int,
    size: int,
    *,
    choice: NDArray[np.int64] | None = None,
    parameters: galsim.GSParams = USUAL,
) -> NDArray[np.float32]:
    """Draw the profiles on stamps as :func:`core.simulate.renderer.render` does, (stamps, size, size).

    Raises
    ------
    NotPossible
        A profile cannot be drawn, or has an index above 6.2, which GalSim does not draw.
    """
    profiles.require_drawable()
    if (profiles.index > HIGHEST_INDEX).any():
        raise NotPossible(
            f"GalSim draws Sérsic indices up to {HIGHEST_INDEX}, not {profiles.index.max():.3g}.",
            "Choose the batched engine, or lower indices.",
        )
    images = np.zeros((stamps, size, size), np.float32)
    order = np.argsort(profiles.stamp, kind="stable")
    blurs: dict[int, Any] = {}
    for rows in np.split(order, np.flatnonzero(np.diff(profiles.stamp[order])) + 1):
        if not len(rows):
            continue
        stamp = int(profiles.stamp[rows[0]])
        plane = 0 if choice is None else int(choice[stamp])
        if plane not in blurs:
            blurs[plane] = _psf(psf, plane, parameters)
        scene = galsim.Sum([_profile(profiles, int(row), parameters) for row in rows], gsparams=parameters)
        seen: Any = galsim.Convolve(scene, blurs[plane], gsparams=parameters)
        method = "no_pixel" if psf.includes_pixel else "auto"
        images[stamp] = seen.drawImage(nx=size, ny=size, scale=1.0, method=method, dtype=float).array
    return images


def _profile(profiles: Profiles, row: int, parameters: galsim.GSParams) -> Any:
    flux, radius, ratio = profiles.flux[row], profiles.radius[row], profiles.axis_ratio[row]
    if radius == 0:
        return galsim.DeltaFunction(flux=flux, gsparams=parameters).shift(profiles.x[row], profiles.y[row])
    index = float(profiles.index[row])
    galaxy: Any = galsim.Sersic(index, half_light_radius=radius * ratio**0.5, flux=flux, gsparams=parameters)
    turned = galaxy.shear(q=ratio, beta=profiles.angle[row] * galsim.radians)
    return turned.shift(profiles.x[row], profiles.y[row])


def _psf(psf: Psf, plane: int, parameters: galsim.GSParams) -> Any:
    """The point-spread function as GalSim has it, on pixels of size 1."""
    match psf:
        case Gaussian():
            return galsim.Gaussian(fwhm=psf.fwhm, gsparams=parameters)
        case Moffat():
            return galsim.Moffat(beta=psf.beta, fwhm=psf.fwhm, gsparams=parameters)
        case Kolmogorov():
            return galsim.Kolmogorov(fwhm=psf.fwhm, gsparams=parameters)
        case Airy():
            return galsim.Airy(lam_over_diam=psf.diffraction, obscuration=psf.obscuration, gsparams=parameters)
        case ImagePsf():
            values, (row, column) = psf.images[plane], psf.centres[plane]
            return galsim.InterpolatedImage(
                galsim.Image(values.copy()),
                scale=1 / psf.oversampling,
                x_interpolant="lanczos15",
                flux=1.0,
                offset=(column - (values.shape[1] - 1) / 2, row - (values.shape[0] - 1) / 2),
                gsparams=parameters,
            )
        case _:
            raise TypeError(type(psf).__name__)
