"""A knob is declared once, and becomes form, command-line option and line in a file.

>>> class Optimiser(Settings):
...     learning_rate: float = setting(1e-3, title="Learning rate", help="Length of one step.", gt=0, le=10)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

Scale = Literal["linear", "log"]
Level = Literal["essential", "expert"]


class Settings(BaseModel):
    """Base of all settings: frozen, compared by value, unknown names refused, choices known in any case of letters.

    Attributes
    ----------
    file_format
        The number of the format in which they are written to files. It rises when a knob changes its name or meaning;
        a knob that is added, with a default that leaves all as it was, needs no new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    file_format: ClassVar[int] = 1

    @classmethod
    def format_of(cls, values: dict[str, Any]) -> int:  # noqa: ARG003 - for subclasses
        """The format of a file that does not tell it, by the values in it."""
        return cls.file_format

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003 - for subclasses
        """The values of a file of this format, brought to today's."""
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _match_choice(cls, value: Any, info: ValidationInfo) -> Any:
        """Somebody who types ``pca`` on a command line means ``PCA``."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and get_origin(annotation) is Literal:
            same = [choice for choice in get_args(annotation) if str(choice).casefold() == value.casefold()]
            return same[0] if same else value
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
) -> Any:
    """Declare one knob of a :class:`Settings` model.

    Parameters
    ----------
    default
        The value a beginner should have.
    title
        Its name on the form, in the astronomer's words.
    help
        What it does, in a sentence or two. Not an attribute docstring: those vanish in a frozen program.
    unit
        Unit of the value, for instance ``"arcsec"``; empty for pure numbers.
    ge, gt, le, lt
        Limits.
    scale
        Whether a slider should move linearly or logarithmically.
    level
        ``"essential"`` knobs are always shown, ``"expert"`` ones on demand.
    source
        The paper or page the method or the default comes from.
    discriminator
        For a union of models: the field that tells them apart.
    applies
        Another knob of the model, and the values of it with which this one has an effect, or none of them for all that
        are not empty; otherwise a form hides it. None: it always has one.
    """
    condition = None if applies is None else (applies[0], list(applies[1]))
    extra: dict[str, Any] = {"unit": unit, "scale": scale, "level": level, "source": source, "applies": condition}
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
    """What was declared about one setting; ``low`` and ``high`` are None where there is no limit."""

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

    def has_effect(self, settings: Settings) -> bool:
        """Whether it matters beside the other values of its model."""
        if self.applies is None:
            return True
        name, values = self.applies
        other = getattr(settings, name)
        return other in values if values else bool(other)

    @property
    def range(self) -> str:
        """The limits in words, such as ``0 < x ≤ 10``; empty without limits."""
        low = "" if self.low is None else f"{self.low:g} {'<' if self.low_is_open else '≤'} "
        high = "" if self.high is None else f" {'<' if self.high_is_open else '≤'} {self.high:g}"
        return f"{low}x{high}" if low or high else ""


def knobs(model: type[Settings]) -> dict[str, Knob]:
    """The knobs of a model by field name, in the order of their declaration."""
    return {name: _knob(name, field) for name, field in model.model_fields.items()}


def ineffective(settings: Settings, prefix: str = "") -> list[str]:
    """Dotted names of the knobs that were changed although, beside the others, they have no effect."""
    found: list[str] = []
    for name, knob in knobs(type(settings)).items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            found += ineffective(value, f"{prefix}{name}.")
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
        low=low,  # pyright: ignore[reportArgumentType] - limits are numbers here
        high=high,  # pyright: ignore[reportArgumentType]
        low_is_open=low_is_open,
        high_is_open=high_is_open,
        scale=declared.get("scale", "linear"),
        level=declared.get("level", "essential"),
        source=declared.get("source", ""),
        annotation=field.annotation,
        default=field.get_default(call_default_factory=True),
        applies=None if condition is None else (condition[0], tuple(condition[1])),
    )
