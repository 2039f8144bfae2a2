"""Pixel values of other images in the unit of a network's training images, by the zero points of both.

A zero point is the magnitude of one unit of the pixels. A network that was trained where it is Z₀ takes images where it
is Z multiplied by 10^(0.4 (Z₀ − Z)); a galaxy then has the same pixel values for it whichever unit its file has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.data import same_scale
from core.data.cutouts import Cutouts
from core.data.zero_points import spread
from core.errors import Problem, SettingsProblem
from core.nets.mapped_cutouts import ScaledCutouts
from core.nets.predictor import Predictor

_TOLERANCE = 1e-4  # mag: a hundredth of a percent


def set_zero_points(cutouts: Cutouts, zero_points: Sequence[float]) -> None:
    """State the zero points of an open dataset's bands: one for all, or one for each.

    Raises
    ------
    SettingsProblem
        There are more or fewer; or the pixels of the galaxies are of different sizes.
    """
    require_one_pixel_scale(cutouts)
    given = spread(zero_points, [band.name for band in cutouts.bands], cutouts.path.name)
    cutouts.bands = tuple(replace(band, zero_point=value) for band, value in zip(cutouts.bands, given, strict=True))


def require_one_pixel_scale(cutouts: Cutouts) -> None:
    """Require that one zero point can be that of all galaxies.

    Stamps that were resampled by different factors keep the surface brightness, so that the magnitude of one unit of a
    pixel is another for each.

    Raises
    ------
    SettingsProblem
        It cannot.
    """
    known = cutouts.pixel_scale[np.isfinite(cutouts.pixel_scale)]
    if len(known) and same_scale.differ(known.min(), known.max()):
        raise SettingsProblem(
            f"The galaxies have pixels of {known.min():.3g} to {known.max():.3g} arcsec, as after resampling one by "
            "one: one zero point cannot be that of all.",
            "Import the images again with their zero point, and with “crop or pad” under Other sizes.",
            "zero point",
        )


def bring_to_training(cutouts: Cutouts, predictor: Predictor) -> tuple[Cutouts, list[Problem]]:
    """Scale the images of a dataset, with a network's bands, to the zero points of its training, and say so.

    Bands of which either zero point is not known stay as they are.
    """
    own, other = _zero_points(predictor), [band.zero_point for band in cutouts.bands]
    factors = [1.0 if a is None or b is None else 10 ** (0.4 * (a - b)) for a, b in zip(own, other, strict=True)]
    changed = [
        f"{band.name} from {b:g} to {a:g} mag (× {factor:.4g})"
        for band, a, b, factor in zip(cutouts.bands, own, other, factors, strict=True)
        if a is not None and b is not None and abs(a - b) > _TOLERANCE
    ]
    if not changed:
        return cutouts, []
    now = [b if a is None or b is None else a for a, b in zip(own, other, strict=True)]
    problem = Problem(f"Pixel values are brought to the zero points of the training: {', '.join(changed)}.")
    return ScaledCutouts(cutouts, factors, now), [problem]


def depends_on_zero_points(predictor: Predictor) -> bool:
    """Whether a network has learned pixel values of a known unit: else no zero point of other images helps."""
    has_learned = predictor.normalisation.samplewise == "none"
    return has_learned and any(value is not None for value in _zero_points(predictor))


def describe_pixels(cutouts: Cutouts, whole: Cutouts, predictor: Predictor) -> str:
    """How pixel values reach a network, for the table of what it measures.

    Parameters
    ----------
    cutouts
        With the network's bands, after :func:`bring_to_training`.
    whole
        As they are in the file, with zero points that were given.
    predictor
        The network.
    """
    own, there = _zero_points(predictor), [band.zero_point for band in cutouts.bands]
    if None in own:
        return "Taken as they are: the zero point of the training images is not known."
    if None in there:
        return "Taken as they are: the zero point of these images is not known."
    each = ", ".join(f"{band.name} {band.zero_point:g}" for band in whole.bands if band.zero_point is not None)
    return f"Zero points {each}, brought to those of the training, {', '.join(f'{value:g}' for value in own)} mag."


def describe_unknown(cutouts: Cutouts, predictor: Predictor) -> list[Problem]:
    """Which zero points would have to be known to measure fluxes and magnitudes, for a dataset with these bands."""
    found: list[Problem] = []
    trained = [name for name, value in zip(predictor.bands, _zero_points(predictor), strict=True) if value is None]
    given = [band.name for band in cutouts.bands if band.zero_point is None]
    if trained:
        found.append(
            Problem(
                f"The zero point of the network's training images is not known ({', '.join(trained)}).",
                "Pixel values are taken as they are: magnitudes are right only for images in the unit of the training "
                "images. Train on a dataset whose bands have zero points, such as a simulated one.",
            )
        )
    elif given:
        found.append(
            Problem(
                f"The zero point of these images is not known ({', '.join(given)}).",
                "Pixel values are taken as they are. Give the magnitude of one unit of the pixels: in the import, or "
                "when they are measured (--zero-point 25.94).",
            )
        )
    return found


def describe_unknown_abroad(cutouts: Cutouts, predictor: Predictor) -> list[Problem]:
    """The same, of another dataset than that of the training, whose unit is the right one whatever it is."""
    is_own = cutouts.is_known_as(predictor.card.get("checksum"))
    return [] if is_own else describe_unknown(cutouts, predictor)


def _zero_points(predictor: Predictor) -> tuple[float | None, ...]:
    return predictor.zero_points or (None,) * len(predictor.bands)
