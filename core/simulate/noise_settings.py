"""Settings of the noise and the sky background of simulated stamps."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting


class NoiseSettings(Settings):
    """What is added to the noise-free galaxy."""

    kind: Literal["none", "gaussian", "ccd", "correlated", "real sky"] = setting(
        "ccd",
        title="Noise",
        help="None; Gaussian: the same in every pixel; CCD: photons of the galaxy and the sky (Poisson) and the read "
        "noise of the instrument; correlated: with the power spectrum of your blank sky; real sky: patches of your own "
        "images, sources masked.",
    )
    sigma: float | None = setting(
        None,
        title="Sky noise",
        help="Standard deviation of a pixel of blank sky, in units of the stored stamps. Empty: that of the "
        "instrument.",
        gt=0,
        le=1e12,
        applies=("kind", ("gaussian",)),
    )
    sky: str = setting(
        "",
        title="Your sky",
        help="A FITS image, or a folder of them: frames or stamps, blank or with sources.",
        applies=("kind", ("correlated", "real sky")),
    )
    sky_zero_point: float | None = setting(
        None,
        title="Zero point of the sky",
        help="Magnitude of one unit of these images. Empty: that of their headers, or of the stored stamps where they "
        "have none.",
        unit="mag",
        ge=-50,
        le=50,
        applies=("kind", ("correlated", "real sky")),
    )
    source_noise: bool = setting(
        True,
        title="Photons of the galaxy",
        help="Add the Poisson noise of the simulated galaxy itself, which your blank sky does not have.",
        applies=("kind", ("correlated", "real sky")),
    )
