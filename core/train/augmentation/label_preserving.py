"""Switch off augmentations that would change the labels.

A flip swaps clockwise and anticlockwise; a zoom changes sizes and magnitudes, a rotation position angles, worse seeing
the measured size, a shear the shape. Where such quantities are learned, the augmentation is switched off, and a notice
says so. An angle with a period, see :mod:`core.data.angles`, turns with its galaxy instead, and only a shear is left
out; a position angle that is learned as a plain number cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from core.data import target as targets
from core.data.target import Quantities, Target
from core.errors import Problem
from core.train.augmentation.handedness import has_handed_names, mirror_indices
from core.train.augmentation.settings import AugmentationSettings

_SIZES = re.compile(
    r"radi|size|diam|r_?e(?:ff)?$|^r_?e_|_re(?:_|$)|half_?(?:light|mass)|r_?half|hlr|fwhm|r_?[2-9]0|area|petro"
    r"|scale_?(?:length|height)|(?:^|_)log_?r(?:$|_|e|b|d)|_(?:px|pix|pixels?|arcsec|arcmin|kpc)$",
    re.IGNORECASE,
)
_SIZE_UNITS = {"arcsec", "arcmin", "pix", "pixel", "px", "kpc", "pc"}
_LIGHT = re.compile(r"flux|mag(?!e)|mass|lum", re.IGNORECASE)
_LIGHT_UNITS = {"mag", "jy", "mjy", "ujy", "njy", "nmgy"}
_SHAPES = re.compile(r"axis_?ratio|^q$|^b_?a$|(?:^|_)(?:b/a|ba)(?:_|$)|ellip|eccentric|incl", re.IGNORECASE)
_ANGLES = re.compile(r"(?:^|_)(?:pa|theta|phi)(?:_|$)|position_?angle|orientation|^[eg]_?[12]$", re.IGNORECASE)
_POSITIONS = re.compile(r"^[xy](?:_|$|0|c|cen)|centroid|offset", re.IGNORECASE)

_NO_FLIPS = {"horizontal_flip": False, "vertical_flip": False}
_NO_ROTATION = {"rotation": 0.0}
_NO_SHEAR = {"shear": 0.0}
_NO_ZOOM = {"zoom_min": 1.0, "zoom_max": 1.0, "distance": 1.0}
_NO_SHIFT = {"width_shift": 0.0, "height_shift": 0.0}
_NO_BLUR = {"psf_blur": 0.0}
_NO_BRIGHTNESS = {"brightness_min": 1.0, "brightness_max": 1.0}


def without_label_changes(settings: AugmentationSettings, target: Target) -> tuple[AugmentationSettings, list[Problem]]:
    """The settings without augmentations that would change the labels, and a notice for each that is left out."""
    found: list[Problem] = []
    names = targets.outputs(target)
    if has_handed_names(names) and not (settings.swap_labels and mirror_indices(names)):
        settings = _switch_off(
            settings, _NO_FLIPS, "tell clockwise from anticlockwise", "flips swap them", names, found
        )
    if isinstance(target, Quantities):
        units = {name: unit.lower().split("/")[0] for name, unit in zip(target.columns, target.units, strict=True)}
        light = [name for name in names if _LIGHT.search(name) or units[name] in _LIGHT_UNITS]
        sizes = [name for name in names if _SIZES.search(name) or units[name] in _SIZE_UNITS]
        plain = [name for name in names if name not in target.angles]
        for off, are, because, affected in (
            (_NO_ZOOM, "are sizes or brightnesses", "zoom and distance change them", _in_either(names, sizes, light)),
            (_NO_BLUR | _NO_SHEAR, "are sizes", "seeing and shear change them", sizes),
            (_NO_BRIGHTNESS, "are brightnesses", "a factor changes them", light),
            (_NO_SHEAR, "are shapes", "a shear changes them", _matching(names, _SHAPES)),
            (
                _NO_ROTATION | _NO_FLIPS | _NO_SHEAR,
                "are angles",
                "rotation, flips and shear change them",
                _matching(plain, _ANGLES),
            ),
            (_NO_SHEAR, "are angles", "a shear changes them", list(target.angles)),
            (
                _NO_ROTATION | _NO_FLIPS | _NO_SHEAR | _NO_SHIFT | _NO_ZOOM,
                "are positions",
                "everything that moves pixels changes them",
                _matching(names, _POSITIONS),
            ),
        ):
            settings = _switch_off(settings, off, are, because, affected, found)
    return settings, found


def _matching(names: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    return [name for name in names if pattern.search(name)]


def _in_either(names: Iterable[str], some: list[str], others: list[str]) -> list[str]:
    return [name for name in names if name in some or name in others]


def _switch_off(
    settings: AugmentationSettings,
    off: dict[str, Any],
    are: str,
    because: str,
    names: Iterable[str],
    found: list[Problem],
) -> AugmentationSettings:
    names = list(names)
    on = [name for name, value in off.items() if getattr(settings, name) != value]
    if not names or not on:
        return settings
    found.append(
        Problem(
            f"The labels ({', '.join(names)}) {are}, and {because}: the augmentation leaves out "
            f"{', '.join(name.replace('_', ' ') for name in on)}.",
            "Switch it off in the settings to make this sentence go away.",
            "augmentation",
        )
    )
    return settings.model_copy(update=off)
