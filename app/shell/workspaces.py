"""All rooms' panels and workspaces, from the tables of the rooms."""

from __future__ import annotations

from app.adapt.room import ROOM as ADAPT
from app.data.room import ROOM as DATA
from app.evaluate.room import ROOM as EVALUATE
from app.explain.room import ROOM as EXPLAIN
from app.panel.room import PanelEntry, Room, Workspace
from app.simulate.room import ROOM as SIMULATE
from app.studies.room import ROOM as STUDIES
from app.train.room import ROOM as TRAIN

ROOMS: tuple[Room, ...] = (DATA, TRAIN, ADAPT, STUDIES, EVALUATE, EXPLAIN, SIMULATE)
"""In the order of their buttons."""

PANELS: dict[str, PanelEntry] = {name: entry for room in ROOMS for name, entry in room.panels.items()}

WORKSPACES: dict[str, Workspace] = {name: made for room in ROOMS for name, made in room.workspaces.items()}


def room_of(panel: str, preferred: str = "") -> str:
    """The workspace in which a panel is, the preferred one if it is there; empty: in none."""
    found = [
        name
        for name, workspace in WORKSPACES.items()
        if any(panel in area for column in workspace.columns for area in column)
    ]
    return preferred if preferred in found else next(iter(found), "")


def needs_galaxies(panel: str) -> bool:
    """Whether the room of a panel is shown only while a dataset is open."""
    return WORKSPACES[room_of(panel)].needs_galaxies
