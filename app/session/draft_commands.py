"""Taking over earlier settings into the draft, as a command that can be undone."""

from __future__ import annotations

from PySide6.QtGui import QUndoCommand

from app.session.session import Session
from core.data.settings import DRAWN
from core.train.self_supervised.settings import SelfSupervisedSettings
from core.train.settings import RunSettings


class UseSettings(QUndoCommand):
    """Replace the draft by other settings; undoing brings back what had been typed.

    Parameters
    ----------
    session
        Its draft is replaced.
    settings
        Of an earlier run or trial.
    title
        The name of that run.
    """

    def __init__(self, session: Session, settings: RunSettings, title: str) -> None:
        super().__init__(f"use the settings of “{title}”")
        self._session, self._new, self._old = session, settings, session.draft.settings

    def redo(self) -> None:
        """Take the other settings."""
        self._session.draft.replace(self._new)

    def undo(self) -> None:
        """Take the earlier settings back; what was edited meanwhile comes again with a redo."""
        self._new = self._session.draft.settings
        self._session.draft.replace(self._old)


def use_settings(session: Session, settings: RunSettings, title: str) -> None:
    """Take over the settings of a run into the draft, and say so.

    Columns of labels, groups and parts that the open dataset does not have stay as they are in the draft.
    """
    columns, own, data = session.dataset.columns, session.draft.settings.data, settings.data
    if session.dataset.cutouts is not None:
        lacks_labels = any(name not in columns for name in data.labels)
        lacks_group = bool(data.group) and data.group not in columns
        kept: dict[str, object] = {"labels": own.labels} if lacks_labels else {}
        kept |= {"group": own.group} if lacks_group else {}
        if data.split_column not in {"", DRAWN, *columns}:
            kept["split_column"] = own.split_column
        settings = settings.model_copy(update={"data": data.model_copy(update=kept)})
    said = ""
    if settings.self_supervised.method != "none":  # the forms are those of a training with labels
        settings = settings.model_copy(update={"self_supervised": SelfSupervisedSettings()})
        said = " It learned without labels, which is done in “First weights”."
    if settings == session.draft.settings:
        session.message.emit(f"The forms hold the settings of “{title}” already.{said}")
        return
    session.undo.push(UseSettings(session, settings, title))
    session.message.emit(f"The settings of “{title}” are in the forms; Undo brings the earlier ones back.{said}")
