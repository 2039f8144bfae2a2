"""What the user changes besides labels, as commands that can be undone: settings, forms, notes on runs, drawn parts."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtGui import QUndoCommand

from app.session.draft import Draft
from core.errors import Problem
from core.project.files import write_atomically
from core.reading import is_there

if TYPE_CHECKING:
    from app.session.session import Session
    from core.train.settings import RunSettings


class _Edit(QUndoCommand):
    """An edit that was made already; edits of the same settings one after the other are one."""

    def __init__(self, old: object, new: object, names: dict[str, str]) -> None:
        super().__init__(describe_change(names))
        self._old, self._new, self._names = old, new, names
        self._is_made = True

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take up a later edit of the same settings; one that leads back to the beginning is none."""
        if not isinstance(other, _Edit) or not self._goes_on_with(other):
            return False
        self._new = other._new
        self.setObsolete(self._new == self._old)
        return True

    def redo(self) -> None:
        """Edit again, but not when the command is new."""
        if self._is_made:
            self._is_made = False
        else:
            self._move(self._old, self._new)

    def undo(self) -> None:
        """Take the earlier state back."""
        self._move(self._new, self._old)

    def _goes_on_with(self, other: _Edit) -> bool:
        raise NotImplementedError

    def _move(self, present: Any, wanted: Any) -> None:
        raise NotImplementedError


class EditSettings(_Edit):
    """An edit of the draft.

    Parameters
    ----------
    draft
        It has the new settings.
    old
        Those before.
    """

    def __init__(self, draft: Draft, old: RunSettings) -> None:
        from core.settings.declare import changed_settings

        super().__init__(old, draft.settings, changed_settings(old, draft.settings))
        self._draft = draft

    def id(self) -> int:
        """A number for the settings that are changed."""
        return zlib.crc32(",".join(sorted(self._names)).encode()) & 0x7FFFFFFF

    def _goes_on_with(self, other: _Edit) -> bool:
        return isinstance(other, EditSettings) and other._names.keys() == self._names.keys()

    def _move(self, present: RunSettings, wanted: RunSettings) -> None:  # noqa: ARG002 - whatever the draft has now
        self._draft.replace(wanted)


class Undoable(Protocol):
    """What can show an earlier state of itself again: a form, a list to tick."""

    @property
    def edited(self) -> Any:
        """A signal of the states before and after, and of the names of what differs with their titles."""
        ...

    def snapshot(self) -> object:
        """What the user has chosen there."""
        ...

    def restore(self, state: Any) -> None:
        """Show it again, and say so as after a change by the user; but it is no edit."""
        ...


class EditForm(_Edit):
    """An edit of a form.

    Where the form has come to show something else meanwhile, such as an earlier study, there is nothing to take back.

    Parameters
    ----------
    form
        It has the new state.
    old, new
        The states before and after.
    names
        What differs, with titles.
    """

    def __init__(self, form: Undoable, old: object, new: object, names: dict[str, str]) -> None:
        super().__init__(old, new, names)
        self._form = form

    def id(self) -> int:
        """A number for the form and what is changed in it."""
        return zlib.crc32(f"{id(self._form)} {','.join(sorted(self._names))}".encode()) & 0x7FFFFFFF

    def _goes_on_with(self, other: _Edit) -> bool:
        is_of_same = isinstance(other, EditForm) and other._form is self._form
        return is_of_same and other._names == self._names and other._old == self._new

    def _move(self, present: object, wanted: object) -> None:
        if self._form.snapshot() == present:
            self._form.restore(wanted)
        else:
            self.setObsolete(True)


class Restore(QUndoCommand):
    """A change of files that was made already, with the functions that take it back and make it again.

    Parameters
    ----------
    text
        What was done, after “Undo”.
    undo, redo
        Take it back, and make it again; they report their problems themselves.
    """

    def __init__(self, text: str, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        super().__init__(text)
        self._undo, self._redo, self._is_made = undo, redo, True

    def redo(self) -> None:
        """Make it again, but not when the command is new."""
        if self._is_made:
            self._is_made = False
        else:
            self._redo()

    def undo(self) -> None:
        """Take it back."""
        self._undo()


class DrawParts(QUndoCommand):
    """Draw other parts in place of those that the project keeps; undoing gives each galaxy its part back.

    Parameters
    ----------
    session
        Of its open dataset.
    """

    def __init__(self, session: Session) -> None:
        super().__init__("drawing the parts again")
        self._session = session
        self._before: bytes | None = None

    def redo(self) -> None:
        """Draw them."""
        file = self._file
        try:
            if file is not None and is_there(file):
                self._before = file.read_bytes()
            self._session.dataset.draw_parts_again()
        except (Problem, OSError) as problem:
            self._session.report(problem)
            self.setObsolete(True)

    def undo(self) -> None:
        """Restore the file of the parts; where there was none, those of the last run count again."""
        file = self._file
        if file is None:
            return
        try:
            if self._before is None:
                file.unlink(missing_ok=True)
            else:
                write_atomically(file, self._before)
            self._session.dataset.refresh_parts()
        except (Problem, OSError) as problem:
            self._session.report(problem)

    @property
    def _file(self) -> Path | None:
        from core.data import kept_parts

        dataset = self._session.dataset
        return None if dataset.cutouts is None else kept_parts.file_for(dataset.cutouts.path, dataset.journal)


def describe_change(names: dict[str, str]) -> str:
    """What was changed, after “Undo”: the setting, or the section, or how many."""
    from core.train.settings import RunSettings

    if len(names) == 1:
        return f"change of “{next(iter(names.values()))}”"
    sections = {name.split(".")[0] for name in names}
    field = RunSettings.model_fields.get(next(iter(sections))) if len(sections) == 1 else None
    section = None if field is None else field.title
    return f"change of {len(names)} settings" + (f" of “{section}”" if section else "")
