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
