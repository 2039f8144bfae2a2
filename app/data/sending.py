"""Send galaxies to the other programs on the desktop, from the menu of the window and those of gallery and cutout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QMenu

from app.panel.room import CommandContext
from app.session.session import Session
from app.theme import icon
from core.errors import NotPossible
from core.wording import count_of

_TABLE_TIP = (
    "Their catalogue as a table, to TOPCAT, Aladin and all others that take one (SAMP). A row that is clicked there "
    "shows the galaxy here, and the other way round."
)
_IMAGE_TIP = "Its stamp with coordinates as a FITS image, to DS9, Aladin and all others that take one (SAMP)."


def send_table(context: CommandContext, _files: Sequence[Path] = ()) -> None:
    """Send the selected galaxies, or all of them if at most one is selected."""
    session = context.session
    if _require_dataset(session):
        session.samp.send_table(_chosen(session))


def send_image(context: CommandContext, _files: Sequence[Path] = ()) -> None:
    """Send the image of the current galaxy."""
    if _require_dataset(context.session):
        context.session.samp.send_stamp(context.session.current)


def leave(context: CommandContext, _files: Sequence[Path] = ()) -> None:
    """Leave the hub."""
    link = context.session.samp
    context.session.message.emit("Left the SAMP hub." if link.is_connected else "There is no connection to a SAMP hub.")
    link.leave()


def offer(menu: QMenu, session: Session, row: int) -> None:
    """Add the entries that send the galaxies of the session, and the image of one, to a menu."""
    many = len(_chosen(session))
    table = menu.addAction(icon("mdi6.table-arrow-right"), f"Send {count_of(many, 'galaxy')} to TOPCAT, Aladin…")
    table.setToolTip(_TABLE_TIP)
    table.triggered.connect(lambda _checked=False: session.samp.send_table(_chosen(session)))
    image = menu.addAction(icon("mdi6.image-outline"), "Send the image to DS9, Aladin…")
    image.setToolTip(_IMAGE_TIP)
    image.triggered.connect(lambda _checked=False: session.samp.send_stamp(row))


def _chosen(session: Session) -> NDArray[np.int64]:
    """The selected galaxies if there are several, else all."""
    if len(session.selection) > 1:
        return session.selection
    return np.arange(0 if session.dataset.cutouts is None else len(session.dataset.cutouts))


def _require_dataset(session: Session) -> bool:
    if session.dataset.cutouts is None:
        session.report(NotPossible("There are no galaxies to send.", "Open a dataset first."))
        return False
    return True
