"""Settings of the point-spread function."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting


class PsfSettings(Settings):
    """The point-spread function, before or with the response of the pixels."""

    kind: Literal["gaussian", "moffat", "kolmogorov", "airy", "image"] = setting(
        "airy",
        title="PSF",
        help="Gaussian; Moffat, with wings; Kolmogorov: long exposures through the atmosphere; Airy: diffraction at a "
        "round aperture with a central obscuration; image: your own, or one of a stack drawn for each galaxy.",
    )
    fwhm: float = setting(
        0.151,
        title="FWHM",
        help="Full width at half maximum, before the pixels.",
        unit="arcsec",
        gt=0,
        le=20,
        applies=("kind", ("gaussian", "moffat", "kolmogorov", "airy")),
    )
    beta: float = setting(
        3.5,
        title="Moffat β",
        help="Steepness of the wings; smaller is more extended.",
        gt=1.1,
        le=100,
        applies=("kind", ("moffat",)),
        source="Moffat 1969",
    )
    obscuration: float = setting(
        0.33,
        title="Obscuration",
        help="Diameter of the central obscuration, as a fraction of the aperture's.",
        ge=0,
        le=0.9,
        applies=("kind", ("airy",)),
    )
    path: str = setting(
        "",
        title="PSF image",
        help="A FITS image, a cube of images, or a file with one image in each extension.",
        applies=("kind", ("image",)),
    )
    oversampling: float = setting(
        1.0,
        title="Oversampling",
        help="Pixels of the PSF image for one pixel of the stamps, along an axis.",
        gt=0,
        le=50,
        applies=("kind", ("image",)),
    )
    includes_pixel: bool = setting(
        False,
        title="Includes the pixel",
        help="Whether the image already holds the response of the pixels, as effective and drizzled PSFs do; it is "
        "then not applied again.",
        applies=("kind", ("image",)),
    )
