"""A transfer matrix as a figure for a paper: a grid with numbers for each number of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from core.studies.matrix_study import MatrixStudy
from core.studies.transfer_figure import draw_grid, save_figure


def save(study: MatrixStudy, path: Path) -> None:
    """Draw a matrix and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    grids, side = study.grids, 1.2 * len(study.surveys) + 2
    figure = Figure(figsize=(side * len(grids), side), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, grid in zip(np.atleast_1d(figure.subplots(1, len(grids))), grids, strict=True):
        draw_grid(grid, axes)
    save_figure(figure, path)
