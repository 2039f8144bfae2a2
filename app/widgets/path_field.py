"""A text field of a form that names a file or folder: a symbol in it opens the dialog."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog, QLineEdit

from app.theme import icon
from app.widgets.forms import SettingsForm


def offer_files(form: SettingsForm, name: str, title: str, kinds: str = "") -> None:
    """Have the text field ``name`` of a form filled by a file dialog; without ``kinds``, by one for folders."""
    field = form.editor(name)
    assert isinstance(field, QLineEdit)
    action = field.addAction(
        icon("mdi6.file-outline" if kinds else "mdi6.folder-outline"), QLineEdit.ActionPosition.TrailingPosition
    )
    action.setToolTip(f"{title}…")

    def ask() -> None:
        chosen = (
            QFileDialog.getOpenFileName(field, title, field.text(), kinds)[0]
            if kinds
            else QFileDialog.getExistingDirectory(field, title, field.text())
        )
        if chosen:
            field.setText(chosen)
            field.editingFinished.emit()

    action.triggered.connect(ask)
