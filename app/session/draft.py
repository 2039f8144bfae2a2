"""The draft of the next run's settings: every edit is validated as a whole before anybody hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from core.train.settings import RunSettings


class Draft(QObject):
    """Settings that the next training will be started with.

    Notes
    -----
    Signals: ``changed`` after every edit that made a difference; ``edited(before)`` after those by the user.
    """

    changed = Signal()
    edited = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    @cached_property
    def settings(self) -> RunSettings:
        """The settings, valid at all times; those of a new window come when they are first asked for."""
        from core.train.settings import RunSettings

        return RunSettings()

    def edit(self, name: str, value: Any) -> None:
        """Change one knob.

        Parameters
        ----------
        name
            Its dotted name, such as ``optimiser.learning_rate``; or a whole part, such as ``optimiser``.
        value
            The new value; for a part its settings.

        Raises
        ------
        SettingsProblem
            There is no such knob, or it cannot have this value; the draft stays as it was.
        """
        self.edit_together({name: value})

    def edit_together(self, values: Mapping[str, Any]) -> None:
        """Change several knobs at once: they are validated together, and announced once.

        Parameters
        ----------
        values
            New values by dotted name, as :meth:`edit` takes them.

        Raises
        ------
        SettingsProblem
            A name is unknown, or the values do not fit, each or together; the draft stays as it was.
        """
        old = self.settings
        self.adapt(values)
        if self.settings != old:
            self.edited.emit(old)

    def adapt(self, values: Mapping[str, Any]) -> None:
        """Change knobs, as :meth:`edit_together` does, because something else has changed: it is no edit by the user.

        Raises
        ------
        SettingsProblem
            As there.
        """
        from core.settings import toml

        self._take(toml.replace_values(self.settings, values))

    def replace(self, settings: RunSettings) -> None:
        """Take other settings altogether, for instance those of an earlier run.

        Raises
        ------
        SettingsProblem
            They are not valid; the draft stays as it was.
        """
        from core.settings import toml

        self._take(toml.validate(type(settings), settings.model_dump()))

    def _take(self, settings: RunSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit()
