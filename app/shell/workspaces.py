"""Which panel stands where: each workspace is an arrangement of the same dockable panels."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TypeAlias

from PySide6.QtWidgets import QWidget

from app.session.session import Session

Area: TypeAlias = tuple[str, ...]
"""Panels that share one place as tabs, the first in front."""


@dataclass(frozen=True)
class Workspace:
    """Three columns of areas, from top to bottom, with the widths of the columns in pixels of 1280."""

    title: str
    icon: str
    tip: str
    columns: tuple[tuple[Area, ...], ...]
    widths: tuple[int, ...]


PANELS: dict[str, tuple[str, str]] = {
    "gallery": ("Gallery", "gallery.GalleryPanel"),
    "cutout": ("Cutout", "cutout.CutoutPanel"),
    "dataset": ("Dataset", "dataset.DatasetPanel"),
    "network": ("Network", "network.NetworkPanel"),
    "augmentation": ("Augmentation", "augmentation.AugmentationPanel"),
    "training": ("Training", "training.TrainingPanel"),
    "runs": ("Runs", "runs.RunsPanel"),
    "comparison": ("Comparison", "comparison.ComparisonPanel"),
    "studies": ("Studies", "studies.StudiesPanel"),
    "search": ("Search", "search.SearchPanel"),
    "training_size": ("Training size", "training_size.TrainingSizePanel"),
    "evaluation": ("Evaluation", "evaluation.EvaluationPanel"),
    "explanation": ("Why?", "explanation.panel.ExplanationPanel"),
    "belief": ("Belief", "belief.BeliefPanel"),
    "filters": ("Filters", "filters.FiltersPanel"),
    "dreams": ("Dreams", "dreams.DreamsPanel"),
    "galaxy_map": ("Galaxy map", "galaxy_map.GalaxyMapPanel"),
}
"""Title of each panel, and its class in :mod:`app.panels`."""


def build(name: str, session: Session) -> QWidget:
    """Build a panel. Its module is imported only now, so that the window is on the screen before pyqtgraph is."""
    module, _, panel = PANELS[name][1].rpartition(".")
    return getattr(importlib.import_module(f"app.panels.{module}"), panel)(session)


WORKSPACES: dict[str, Workspace] = {
    "data": Workspace(
        "Data",
        "mdi6.image-multiple-outline",
        "Look at galaxies, label them, choose what is learned.",
        ((("gallery",),), (("cutout",),), (("dataset",),)),
        (470, 430, 380),
    ),
    "train": Workspace(
        "Train",
        "mdi6.chart-bell-curve-cumulative",
        "Choose network and augmentation, and watch the learning curves.",
        ((("gallery", "cutout"), ("runs",)), (("training",),), (("network", "augmentation"),)),
        (300, 560, 420),
    ),
    "compare": Workspace(
        "Compare",
        "mdi6.compare",
        "All runs: find, sort and compare them, write notes, go on with one.",
        ((("comparison",),),),
        (1280,),
    ),
    "studies": Workspace(
        "Studies",
        "mdi6.tune-variant",
        "Search for good settings, and find out how many labels are needed.",
        ((("studies",),), (("search", "training_size"),)),
        (250, 1030),
    ),
    "evaluate": Workspace(
        "Evaluate",
        "mdi6.table-check",
        "Judge a finished network, and see the galaxies behind each number.",
        ((("gallery",), ("runs",)), (("evaluation",),), (("cutout",),)),
        (330, 600, 350),
    ),
    "explain": Workspace(
        "Explain",
        "mdi6.magnify-scan",
        "Click a galaxy and see why the network says so.",
        ((("gallery",), ("runs",)), (("explanation", "belief", "filters", "dreams", "galaxy_map"),)),
        (340, 940),
    ),
}
