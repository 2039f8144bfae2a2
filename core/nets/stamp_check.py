"""Whether a network can be used on stamps that differ from those of its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import NotPossible, Problem
from core.nets import band_mapping, cnn
from core.wording import count_of

if TYPE_CHECKING:
    from core.nets.predictor import Predictor

_SCALE_TOLERANCE = 1.05


def check(predictor: Predictor, bands: Sequence[str], shape: tuple[int, int, int], pixel_scale: float) -> list[Problem]:
    """Check whether the network can be used on stamps of these bands, shape (C, H, W) and scale.

    Returns
    -------
    list of Problem
        Differences from the training stamps that the network can cope with.

    Raises
    ------
    NotPossible
        The number of bands differs, or the size does not fit a flattening head or a whitening.
    """
    if len(bands) != len(predictor.bands):
        raise NotPossible(
            f"The network was trained on {count_of(len(predictor.bands), 'band')} ({', '.join(predictor.bands)}), and "
            f"these stamps have {len(bands)} ({', '.join(bands)}).",
            f"Choose which of them feed it, as in “{band_mapping.example(predictor.bands, bands)}”.",
        )
    found: list[Problem] = []
    if tuple(bands) != predictor.bands:
        found.append(
            Problem(
                f"The bands are {', '.join(bands)}; the network was trained on {', '.join(predictor.bands)}.",
                "Make sure that they mean the same, in this order.",
            )
        )
    if tuple(shape[1:]) != tuple(predictor.stamp_shape[1:]):
        found.append(_check_size(predictor, shape))
    ratio = pixel_scale / predictor.pixel_scale if predictor.pixel_scale else float("nan")
    if ratio > _SCALE_TOLERANCE or ratio < 1 / _SCALE_TOLERANCE:  # false if either is unknown
        found.append(
            Problem(
                f"These stamps have {pixel_scale:.3g} arcsec/pixel; the network was trained on "
                f"{predictor.pixel_scale:.3g}.",
                "Galaxies appear larger or smaller to it than they did in training.",
            )
        )
    return found


def _check_size(predictor: Predictor, shape: tuple[int, int, int]) -> Problem:
    own = f"{predictor.stamp_shape[2]} × {predictor.stamp_shape[1]}"
    sentence = f"These stamps have {shape[2]} × {shape[1]} pixels; the network was trained on {own}."
    if predictor.network.settings.pooling == "flatten" or predictor.normalisation.white is not None:
        raise NotPossible(sentence, "Import the images at that size.")
    settings = predictor.network.settings
    if not settings.backbone and cnn.largest_depth(*shape[1:]) < settings.depth:
        raise NotPossible(sentence, "They are too small for its depth.")
    return Problem(
        sentence,
        "It works on any size, but the answers may be wrong: import the images at the size of the training.",
    )
