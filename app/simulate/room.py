"""The room of the simulations: its workspace and panel."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "simulate": Workspace(
            "Simulate",
            "mdi6.telescope",
            "Make galaxies with known properties, as a telescope would see them, to train networks that measure.",
            "Ctrl+8",
            ((("simulation",),),),
            (1280,),
            needs_galaxies=False,
        ),
    },
    panels={
        "simulation": PanelEntry(
            "Simulation", "app.simulate.simulation:SimulationPanel", {"making.make": "Make simulated galaxies"}
        )
    },
)
