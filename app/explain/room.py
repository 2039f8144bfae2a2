"""The room of the explanations: their workspace and panels."""

from __future__ import annotations

from app.panel.room import PanelEntry, Room, Workspace

ROOM = Room(
    workspaces={
        "explain": Workspace(
            "Explain",
            "mdi6.magnify-scan",
            "Click a galaxy and see what the network's prediction rests on.",
            "Ctrl+7",
            ((("gallery",), ("runs",)), (("explanation", "belief", "filters", "dreams", "galaxy_map"),)),
            (340, 940),
        ),
    },
    panels={
        "explanation": PanelEntry("Why?", "app.explain.maps.panel:ExplanationPanel"),
        "belief": PanelEntry(
            "Belief",
            "app.explain.faithfulness:FaithfulnessPanel",
            {"ask": "Assess whether to believe the maps", "save": "Save the table of faithfulness"},
        ),
        "filters": PanelEntry(
            "Filters", "app.explain.filters:FiltersPanel", {"seek": "Find the nine strongest galaxies of each filter"}
        ),
        "dreams": PanelEntry("Dreams", "app.explain.dreams:DreamsPanel", {"start": "Start a dream"}),
        "galaxy_map": PanelEntry(
            "Galaxy map", "app.explain.galaxy_map:GalaxyMapPanel", {"draw": "Draw the map of galaxies"}
        ),
    },
)
