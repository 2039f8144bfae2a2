"""Declaring a setting once, for the form, the command line and the settings file.

>>> class Optimiser(Settings):
...     learning_rate: float = setting(1e-3, title="Learning rate", help="Length of one step.", gt=0, le=10)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

Scale = Literal["linear", "log"]
Level = Literal["essential", "expert"]


class Settings(BaseModel):
    """Base of all settings: frozen, compared by value, unknown names refused, choices case-insensitive.

    Attributes
    ----------
    file_format
        The number of the format in which they are written to files. It is raised when a setting changes its name or
        meaning; adding a setting whose default preserves the behaviour needs no new number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    file_format: ClassVar[int] = 1

    @classmethod
    def format_of(cls, values: dict[str, Any]) -> int:  # noqa: ARG003 - for subclasses
        """The format of a file without a format number, recognised by its values."""
        return cls.file_format

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003 - for subclasses
        """Upgrade the values of a file of this format to the current one."""
        return values

    def with_paths_from(self, folder: Path) -> Self:  # noqa: ARG002 - for subclasses
        """These settings, as read from a file in ``folder``: stored paths are turned into those of files that exist."""
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: Any, info: ValidationInfo) -> Any:
        """Read what a command line says: ``pca`` is the choice ``PCA``, and ``a, b`` are the texts a and b."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if not isinstance(value, str):
            return value
        if get_origin(annotation) is Literal:
            same = [choice for choice in get_args(annotation) if str(choice).casefold() == value.casefold()]
            return same[0] if same else value
        if annotation == tuple[str, ...]:
            return tuple(word for word in map(str.strip, value.split(",")) if word)
        return value


def setting(
    default: Any,
    *,
    title: str,
    help: str,  # noqa: A002 - the word the form, the command line and the file use
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    scale: Scale = "linear",
    level: Level = "essential",
    source: str = "",
    discriminator: str | None = None,
    applies: tuple[str, Collection[Any]] | None = None,
    is_column: bool = False,
) -> Any:
    """Declare one field of a :class:`Settings` model.

    Parameters
    ----------
    default
        The default, suitable for a beginner.
    title
        Its name on the form, in astronomers' terms.
    help
        What it does, in a sentence or two. Not an attribute docstring: those are stripped from a packaged program.
    unit
        Unit of the value, for instance ``"arcsec"``; empty for pure numbers.
    ge, gt, le, lt
        Limits.
    scale
        Whether a slider should be linear or logarithmic.
    level
        ``"essential"`` settings are always shown, ``"expert"`` ones on demand.
    source
        The reference for the method or the default.
    discriminator
        For a union of models: the field that distinguishes them.
    applies
        Another field of the model and its values for which this one has an effect, an empty collection meaning every
        non-empty value; a form hides it otherwise. None: it always has an effect.
    is_column
        Whether it names a column of the catalogue: a form lets one choose among those that there are.
    """
    condition = None if applies is None else (applies[0], list(applies[1]))
    extra: dict[str, Any] = {"unit": unit, "scale": scale, "level": level, "source": source, "applies": condition}
    extra |= {"is_column": is_column}
    return Field(
        default,
        title=title,
        description=help,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        discriminator=discriminator,
        json_schema_extra=extra,
    )


@dataclass(frozen=True)
class Knob:
    """The declaration of one setting; ``low`` and ``high`` are None where there is no limit."""

    name: str
    title: str
    help: str
    unit: str
    low: float | None
    high: float | None
    low_is_open: bool
    high_is_open: bool
    scale: Scale
    level: Level
    source: str
    annotation: Any
    default: Any
    applies: tuple[str, tuple[Any, ...]] | None
    is_column: bool

    def has_effect(self, settings: Settings) -> bool:
        """Whether it has an effect, given the other values of its model."""
        if self.applies is None:
            return True
        name, values = self.applies
        other = getattr(settings, name)
        return other in values if values else bool(other)

    @property
    def range(self) -> str:
        """The limits as text, such as ``0 < x ≤ 10``; empty without limits."""
        low = "" if self.low is None else f"{self.low:g} {'<' if self.low_is_open else '≤'} "
        high = "" if self.high is None else f" {'<' if self.high_is_open else '≤'} {self.high:g}"
        return f"{low}x{high}" if low or high else ""


def knobs(model: type[Settings]) -> dict[str, Knob]:
    """The settings of a model by field name, in the order of their declaration."""
    return dict(_read_knobs(model))


@cache
def _read_knobs(model: type[Settings]) -> dict[str, Knob]:
    return {name: _knob(name, field) for name, field in model.model_fields.items()}


def ineffective_settings(settings: Settings, prefix: str = "") -> list[str]:
    """Dotted names of the settings that were changed but have no effect, given the values of the others."""
    found: list[str] = []
    for name, knob in knobs(type(settings)).items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            found += ineffective_settings(value, f"{prefix}{name}.")
        elif value != knob.default and not knob.has_effect(settings):
            found.append(f"{prefix}{name}")
    return found


def _knob(name: str, field: FieldInfo) -> Knob:
    extra = field.json_schema_extra
    declared: dict[str, Any] = dict(extra) if isinstance(extra, dict) else {}
    condition = declared.get("applies")
    low = high = None
    low_is_open = high_is_open = False
    for limit in field.metadata:
        match limit:
            case Ge():
                low = limit.ge
            case Gt():
                low, low_is_open = limit.gt, True
            case Le():
                high = limit.le
            case Lt():
                high, high_is_open = limit.lt, True
            case _:
                pass
    return Knob(
        name=name,
        title=field.title or name,
        help=field.description or "",
        unit=declared.get("unit", ""),
        low=low,  # pyrefly: ignore[bad-argument-type] - limits are numbers here
        high=high,  # pyrefly: ignore[bad-argument-type]
        low_is_open=low_is_open,
        high_is_open=high_is_open,
        scale=declared.get("scale", "linear"),
        level=declared.get("level", "essential"),
        source=declared.get("source", ""),
        annotation=field.annotation,
        default=field.get_default(call_default_factory=True),
        applies=None if condition is None else (condition[0], tuple(condition[1])),
        is_column=declared.get("is_column", False),
    )


def changed_settings(old: Settings, new: Settings, prefix: str = "") -> dict[str, str]:
    """Dotted names of the settings that differ, with their titles."""
    found: dict[str, str] = {}
    for name, knob in knobs(type(old)).items():
        one, other = getattr(old, name), getattr(new, name)
        if isinstance(one, Settings) and type(one) is type(other):
            found |= changed_settings(one, other, f"{prefix}{name}.")
        elif one != other:
            found[f"{prefix}{name}"] = knob.title
    return found
