"""The recipe of a dataset's stamps: how they were made from the files, so that other files can be made into the same.

An import stores its recipe with the dataset, training takes it into the predictor, and whoever shows the network files
follows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from core.data import bands as patterns
from core.data.settings import OF_THESE_FILES, ImportSettings
from core.errors import Problem
from core.settings import toml

_TOLERANCE = 1.05  # ratio of sizes and scales that is no difference


@dataclass(frozen=True)
class StampRecipe:
    """How stamps were made.

    Attributes
    ----------
    settings
        Of the import, decided: the size and the fit are known, a recognised pattern of band files is written out, and
        there are no labels.
    bands
        Names of the planes of the stamps.
    unit
        Of the pixels; may be empty.
    is_picture
        Whether the pixels have 8 bits.
    native_size
        Median of the shorter sides of the files [pixels]; NaN if unknown.
    native_pixel_scale
        Median of the files [arcsec/pixel]; NaN if unknown.
    """

    settings: ImportSettings
    bands: tuple[str, ...]
    unit: str
    is_picture: bool
    native_size: float = math.nan
    native_pixel_scale: float = math.nan

    def __post_init__(self) -> None:
        if self.settings.size is None or self.settings.decides_fit:
            raise ValueError("a recipe needs a size and a fit")
        plain = {name: ImportSettings.model_fields[name].default for name in OF_THESE_FILES}
        object.__setattr__(self, "settings", self.settings.model_copy(update=plain))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "settings": self.settings.model_dump(mode="json", exclude=set(OF_THESE_FILES)),
            "bands": list(self.bands),
            "unit": self.unit,
            "is_picture": self.is_picture,
            "native_size": _number_or_none(self.native_size),
            "native_pixel_scale": _number_or_none(self.native_pixel_scale),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StampRecipe:
        """The recipe from :meth:`to_dict`."""
        try:
            settings = ImportSettings.model_validate(values["settings"])
        except ValidationError as error:
            raise ValueError(f"the recipe of the stamps is damaged: {error}") from error
        native = [math.nan if values[name] is None else float(values[name]) for name in _NATIVE]
        return cls(settings, tuple(values["bands"]), str(values["unit"]), bool(values["is_picture"]), *native)

    @classmethod
    def of_earlier_import(
        cls, text: str, size: int, bands: tuple[str, ...], unit: str, *, is_picture: bool
    ) -> StampRecipe | None:
        """The recipe of a dataset from before recipes were stored, from the settings of its import as TOML text.

        None if the text holds no settings of an import, as that of a simulated survey.
        """
        try:
            settings = toml.loads(ImportSettings, text)
        except Problem:
            return None
        if settings.fit == "auto" and settings.field is None:  # an import of then named its fit
            return None
        return cls(settings.model_copy(update={"size": size}), bands, unit, is_picture)

    def enlarged(self, factor: float, side: int) -> StampRecipe:
        """The recipe of stamps on which galaxies are larger: of a field smaller by ``factor``, with another ``side``.

        Parameters
        ----------
        factor
            By how much galaxies span more pixels; below 1 they are shrunk.
        side
            Of the new stamps [pixels].

        Returns
        -------
        StampRecipe
            This one where whole files of unknown size were resampled: their field is not known in pixels.
        """
        old = self.settings
        assert old.size is not None
        if old.field is not None:
            changes: dict[str, Any] = {"field": old.field / factor * side / old.size}
        elif old.fit == "resample":
            if math.isnan(self.native_size):
                return self
            changes = {"field": self.native_size / factor * side / old.size, "field_unit": "pixels"}
        else:
            changes = {"field": side / factor, "field_unit": "pixels"}
        return replace(self, settings=old.model_copy(update={"size": side, **changes}))

    @property
    def file_pixels(self) -> float:
        """How many pixels of a file, along a side, became one of a stamp; NaN if unknown or of each galaxy its own."""
        settings = self.settings
        assert settings.size is not None
        if settings.field is None:
            return self.native_size / settings.size if settings.fit == "resample" else 1.0
        if settings.field_column:
            return math.nan
        scale = self.native_pixel_scale if settings.field_unit == "arcsec" else 1.0
        return settings.field / scale / settings.size

    # -- in words --------------------------------------------------------------------------------------------------

    def describe(self) -> str:
        """How the stamps are made, in words, such as “central 128 px, resampled to 64 px; missing pixels …”."""
        settings = self.settings
        parts = [self.describe_field(), f"missing pixels take {_FILL[settings.fill]}"]
        if settings.hdu:
            parts.append(f"extension {settings.hdu}")
        named = patterns.parse(settings.bands)
        if named is not None:
            parts.append(f"bands {', '.join(self.bands)} from {settings.bands}")
        elif settings.bands:
            parts.append(f"bands {', '.join(self.bands)}")
        if settings.pixel_scale is not None:
            parts.append(f"{settings.pixel_scale:g} arcsec/pixel where a file gives none")
        return "; ".join(parts)

    def describe_field(self) -> str:
        """Which part of a file a stamp shows, and what it becomes."""
        settings, size = self.settings, self.settings.size
        if settings.field is None:
            if settings.fit == "resample":
                native = "" if math.isnan(self.native_size) else f" (of {self.native_size:.0f} px in training)"
                return f"each file as a whole{native}, resampled to {size} px"
            return f"central {size} px, padded where a file is smaller"
        unit = "px" if settings.field_unit == "pixels" else settings.field_unit
        if settings.field_column:
            return f"central {settings.field:g} × “{settings.field_column}” {unit}, resampled to {size} px"
        if settings.field == size and settings.field_unit == "pixels":
            return f"central {size} px, padded where a file is smaller"
        return f"central {settings.field:g} {unit}, resampled to {size} px"

    def differences(self, other: StampRecipe) -> list[Problem]:
        """How the stamps of another dataset differ from these, those of the training, beside bands and final scale."""
        found: list[Problem] = []
        if self.is_made_otherwise(other):
            found.append(
                Problem(
                    f"These stamps were made otherwise ({other.describe()}) than in training ({self.describe()}).",
                    "Import the files again in the same way, unless galaxies are as large on these stamps as on those, "
                    "which Adapt tells.",
                )
            )
        elif self.shows_another_field(other):
            found.append(
                Problem(
                    f"The files have {other.native_size:.0f} pixels along a side before they are resampled; in "
                    f"training they had {self.native_size:.0f}.",
                    "Unless their pixel scale differs as much, galaxies appear larger or smaller than in training.",
                )
            )
        if self._is_resampled and _differ(self.native_pixel_scale, other.native_pixel_scale):
            found.append(
                Problem(
                    f"The files have {other.native_pixel_scale:.3g} arcsec/pixel before they are resampled; in "
                    f"training they had {self.native_pixel_scale:.3g}.",
                    "They are sharper or less sharp than those that the network knows.",
                )
            )
        if self.unit != other.unit:
            found.append(
                Problem(
                    f"The unit of the pixels is “{other.unit or 'unknown'}”; in training it was "
                    f"“{self.unit or 'unknown'}”.",
                    "Make sure that the values mean the same.",
                )
            )
        if self.is_picture != other.is_picture:
            kinds = ("images with more than 8 bits", "8-bit pictures")
            found.append(
                Problem(
                    f"These are {kinds[other.is_picture]}; the network was trained on {kinds[self.is_picture]}.",
                    "Make sure that the values mean the same.",
                )
            )
        return found

    def is_made_otherwise(self, other: StampRecipe) -> bool:
        """Whether the stamps of another dataset show another part of the sky, or fill missing pixels otherwise."""
        return self._making() != other._making()

    def shows_another_field(self, other: StampRecipe) -> bool:
        """Whether whole files of another side in pixels were resampled to the stamps of another dataset."""
        return self.settings.field is None and self._is_resampled and _differ(self.native_size, other.native_size)

    @property
    def _is_resampled(self) -> bool:
        return self.settings.field is not None or self.settings.fit == "resample"

    def _making(self) -> tuple[object, ...]:
        """What decides which part of the sky a stamp shows, and how missing pixels are filled."""
        settings = self.settings
        if settings.field is not None:
            return settings.field, settings.field_unit, settings.field_column, settings.fill
        is_whole = settings.fit == "resample" and self.native_size != settings.size
        return "resample" if is_whole else "crop or pad", settings.fill


_NATIVE = ("native_size", "native_pixel_scale")
_FILL = {"background": "the median of the border", "zero": "0"}


def _number_or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _differ(one: float, other: float) -> bool:
    """Whether two numbers differ by more than the tolerance; false if either is unknown."""
    return max(one, other) / min(one, other) > _TOLERANCE if one > 0 and other > 0 else False
