"""The result of activation maximisation, and its files: a FITS cube, and a figure with the curve of the objective."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from core.data.stretch import StretchSettings, limits, to_rgb
from core.explain import fits_header
from core.printable import escape_mathtext
from core.project.file_names import file_stem
from core.project.files import atomic_path
from core.settings.declare import Settings
from core.version import mark_of_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 150


@dataclass(frozen=True, eq=False)
class Dream:
    """An image optimised to maximise an output or a response of a network.

    Attributes
    ----------
    galaxy_id
        The galaxy that it started from, or whose background and colours it has.
    method
        ``"dream"`` or ``"deep dream"``.
    target_name
        What was maximised: a class, answer or quantity; in deep dreams a layer, or one of its filters.
    image
        float32 (C, H, W) in physical units, row 0 at the bottom.
    start
        The same before the first step.
    curve
        float64 (steps,): what was maximised, before each step, with the image shifted by the jitter. For a class or
        vote fraction the output before softmax, for a quantity its value in ``unit``; in deep dreams the filter's
        mean response, or the layer's mean squared response.
    settings
        Settings of the dream.
    output_name
        The class, answer or quantity of the scores; in deep dreams for comparison only.
    score_before, score_after
        Score of ``start`` and of ``image``, as in :mod:`core.explain.explained_output`.
    probability_before, probability_after
        Probability of the class, or the vote fraction; None for quantities.
    unit
        Unit of the scores; empty for classes, vote fractions and pure numbers.
    """

    galaxy_id: str
    method: str
    target_name: str
    image: NDArray[np.float32]
    start: NDArray[np.float32]
    curve: NDArray[np.float64]
    settings: Settings
    output_name: str
    score_before: float
    score_after: float
    probability_before: float | None = None
    probability_after: float | None = None
    unit: str = ""

    @property
    def stem(self) -> str:
        """File name without extension."""
        return file_stem(self.galaxy_id, self.method.replace(" ", "_"), self.target_name)

    @property
    def start_kind(self) -> str:
        """Kind of start: ``"noise"``, ``"empty"`` sky, or the ``"galaxy"`` itself."""
        return getattr(self.settings, "start", "galaxy")

    def save_fits(self, path: Path, wcs: WCS | None = None) -> None:
        """Write image, start (``START``) and curve (``CURVE``, one row of numbers) as FITS images.

        The image is a cube in float32, on the sky where the cutout's ``wcs`` is given; the header holds target,
        scores and settings. The file is written completely or not at all.
        """
        header = fits_header.build_header(self._cards(), self.settings, wcs)
        images = [
            fits.PrimaryHDU(self.image, header),
            fits.ImageHDU(self.start, name="START"),
            fits.ImageHDU(self.curve, name="CURVE"),
        ]
        with atomic_path(path) as temporary:
            fits.HDUList(images).writeto(temporary, overwrite=True)

    def _cards(self) -> list[fits_header.Card]:
        return [
            ("OBJECT", self.galaxy_id, "galaxy it grew from"),
            ("METHOD", self.method, "how it was made"),
            ("TARGET", self.target_name, "what was sought"),
            ("OUTPUT", self.output_name, "output that is scored"),
            ("SCOREBEF", self.score_before, "score of the start"),
            ("SCORE", self.score_after, "score of the image"),
            ("PROBBEF", self.probability_before, "probability or vote fraction of the start"),
            ("PROB", self.probability_after, "probability or vote fraction of the image"),
            ("SCORUNIT", self.unit, "unit of the scores; empty: logit or number"),
        ]

    def save_png(
        self,
        path: Path,
        stretch: StretchSettings | None = None,
        planes: tuple[int, int, int] | None = None,
    ) -> None:
        """Draw the start and the image side by side, and the curve below.

        Parameters
        ----------
        path
            Where to; written completely or not at all.
        stretch
            How both are shown, between the same limits; None: the default for calibrated images.
        planes
            Bands shown red, green and blue; None: the first three, or grey.
        """
        stretch = stretch or StretchSettings()
        low, high = limits(np.stack([self.start, self.image]), stretch)
        shared = stretch.model_copy(update={"limits": "manual", "low": low, "high": high})
        figure = self._figure(shared, planes)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH, metadata=mark_of_pictures("png"))

    def _figure(self, stretch: StretchSettings, planes: tuple[int, int, int] | None) -> Figure:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6), layout="constrained")  # no pyplot: it keeps figures alive and picks a screen
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(2, 2, height_ratios=(3, 1))
        for place, image, title in (
            (0, self.start, f"start: {self._describe_score(self.score_before, self.probability_before)}"),
            (1, self.image, f"{self.method}: {self._describe_score(self.score_after, self.probability_after)}"),
        ):
            axes = figure.add_subplot(grid[0, place])
            axes.imshow(to_rgb(image, stretch, planes), origin="lower", interpolation="nearest")
            axes.set_title(escape_mathtext(title), fontsize="medium")
            axes.set_xlabel("x [pixel]")
            axes.set_ylabel("y [pixel]")
        below = figure.add_subplot(grid[1, :])
        below.plot(np.arange(len(self.curve)), self.curve, color="tab:blue")
        wished = getattr(self.settings, "wished", None)
        if wished is not None:
            below.axhline(wished, color="tab:gray", linestyle="--")
        below.set_xlabel("step")
        below.set_ylabel(escape_mathtext(self.target_name + (f" [{self.unit}]" if self.unit else "")))
        return figure

    def _describe_score(self, score: float, probability: float | None) -> str:
        value = f"{score:.4g} {self.unit}".strip() if probability is None else f"p = {probability:.3f}"
        return escape_mathtext(f"{self.output_name}, {value}")
