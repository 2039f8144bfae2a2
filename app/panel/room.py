"""What a room offers the shell: one table of its workspaces, panels and commands, which imports none of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.session.session import Session

Area: TypeAlias = tuple[str, ...]
"""Panels that share one place as tabs, the first in front."""


@dataclass(frozen=True)
class PanelEntry:
    """A panel.

    Attributes
    ----------
    title
        Of its dock.
    source
        Its class as ``"module:Class"``, called with the session.
    actions
        What its buttons do, by their names in the class, to be searched by name: ``{"start": "Start the training"}``.
    """

    title: str
    source: str
    actions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Workspace:
    """An arrangement of panels, of any room.

    Attributes
    ----------
    title, icon, tip, shortcut
        Of its button.
    columns
        Areas from top to bottom, in columns from left to right.
    widths
        Of the columns, in pixels of 1280.
    needs_galaxies
        Whether it is shown only while a dataset is open.
    """

    title: str
    icon: str
    tip: str
    shortcut: str
    columns: tuple[tuple[Area, ...], ...]
    widths: tuple[int, ...]
    needs_galaxies: bool = True


@dataclass(frozen=True)
class Command:
    """One command: its text, shortcut and icon, wherever it appears.

    Attributes
    ----------
    menu
        Where it stands.
    title, tip, symbol, shortcut, checkable
        Of its action.
    after
        The command that it follows in the menus; empty: it comes last.
    begins_group
        Whether its menu has a line above it.
    source
        What it does, as ``"module:function"``, called with a :class:`CommandContext` and the dropped files; empty: the
        shell does it itself.
    takes_files
        Whether files that are dropped on the window, and are neither project nor dataset, are given to it.
    """

    menu: str
    title: str
    tip: str
    symbol: str = ""
    shortcut: str = ""
    checkable: bool = False
    after: str = ""
    begins_group: bool = False
    source: str = ""
    takes_files: bool = False


@dataclass(frozen=True)
class Room:
    """A room's table: workspaces, panels and commands by their names, which are kept on disk with the layouts."""

    workspaces: Mapping[str, Workspace]
    panels: Mapping[str, PanelEntry]
    commands: Mapping[str, Command] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandContext:
    """What a command of a room may use of the window.

    Attributes
    ----------
    window
        Parent of dialogs.
    session
        What is open.
    projects
        Folder in which new projects are made.
    open_dataset
        Opens a dataset in the window.
    """

    window: QWidget
    session: Session
    projects: Path
    open_dataset: Callable[[Path], None]


def load(source: str) -> Any:
    """Import the object that ``"module:name"`` names; late, so that the window is painted before pyqtgraph loads."""
    module, _, name = source.partition(":")
    return getattr(importlib.import_module(module), name)
