"""A form with its first fields open and the others under a fold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from core.settings.declare import Settings


class SplitForm(QWidget):
    """One settings model in two forms.

    Parameters
    ----------
    model
        The model.
    first
        Fields above the fold, in this order.
    rest
        Title of the fold.
    exclude
        Hidden fields, which keep their defaults.
    """

    def __init__(
        self,
        model: type[Settings],
        first: Sequence[str],
        rest: str,
        exclude: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._first = first
        self.open = SettingsForm(model, parent=self, only=first)
        self.folded = SettingsForm(model, parent=self, exclude=[*first, *exclude])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.open)
        column.addWidget(Fold(rest, self.folded, self))
        column.addStretch(1)

    @property
    def parts(self) -> tuple[SettingsForm, SettingsForm]:
        """Both forms."""
        return self.open, self.folded

    def set_value(self, settings: Settings) -> None:
        """Show other settings."""
        self.open.set_value(settings)
        self.folded.set_value(settings)

    def value(self) -> Any:
        """The last valid settings."""
        return self.folded.value().model_copy(update={name: getattr(self.open.value(), name) for name in self._first})

    @property
    def problem(self) -> str:
        """The reason why the input is not valid; empty if it is."""
        return self.open.problem or self.folded.problem
