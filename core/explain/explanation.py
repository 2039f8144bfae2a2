"""The attribution map of one galaxy, and its files: a FITS image with the cutout's coordinates, and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from core.data.stretch import StretchSettings, to_rgb
from core.errors import NotPossible
from core.explain import fits_header
from core.printable import escape_mathtext
from core.project.file_names import file_stem
from core.project.files import atomic_path
from core.settings.declare import Settings
from core.version import mark_of_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIVERGING = "RdBu_r"
_SEQUENTIAL = "inferno"
_PERCENTILE = 99.5
_DOTS_PER_INCH = 150
_AXES = ((0.07, 0.12, 0.385, 0.77), (0.5, 0.12, 0.385, 0.77), (0.9, 0.2, 0.014, 0.61))
"""Of galaxy, map and colour bar in the figure; fixed, since an automatic layout takes as long as the drawing."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where in an image the evidence for one output lies.

    Attributes
    ----------
    galaxy_id
        Id of the galaxy.
    method
        Its name among :data:`core.explain.methods.METHODS`, with spaces.
    target_name
        The class, answer or quantity that is explained.
    map
        float32 (H, W), row 0 at the bottom; positive: evidence for it. In units of the score where ``is_signed``,
        otherwise the strength of a response, never negative.
    score
        Score of the image: the output before softmax of a class or vote fraction, or the quantity.
    baseline_score
        Score of the image without the galaxy (covered all over, or the baseline of the gradients); NaN for methods
        without a baseline.
    error
        Completeness error of integrated and expected gradients: by how much the map's sum misses the score
        difference, as a fraction of it; else None.
    settings
        Settings of the method.
    probability
        Probability of the class, or the vote fraction; None for quantities.
    unit
        Unit of the score; empty for classes, vote fractions and pure numbers; of an angle the direction that is
        explained, ``"towards 37 deg"``.
    bands_map
        float32 (C, H, W), the contribution of each band; their sum is ``map``. None where bands are not separate.
    steps
        Number of gradients or samples computed; 0 for methods without such a number.
    is_signed
        Whether the map distinguishes evidence for (positive) from evidence against (negative).
    map_error
        Estimated error of the map itself for integrated gradients: sum of absolute differences as a fraction of the
        map's absolute sum; else None.
    """

    galaxy_id: str
    method: str
    target_name: str
    map: NDArray[np.float32]
    score: float
    baseline_score: float
    error: float | None
    settings: Settings
    probability: float | None = None
    unit: str = ""
    bands_map: NDArray[np.float32] | None = None
    steps: int = 0
    is_signed: bool = True
    map_error: float | None = None

    @property
    def stem(self) -> str:
        """File name without extension."""
        return file_stem(self.galaxy_id, self.method.replace(" ", "_"), self.target_name)

    @property
    def colour_limit(self) -> float:
        """End of the colour scale when the map is shown alone, a high percentile of its strengths; 0 if it is empty."""
        strength = np.abs(self.map)
        return float(np.percentile(strength, _PERCENTILE)) or float(strength.max())

    @property
    def evidence_for(self) -> float:
        """Sum of the map over the pixels that speak for the output."""
        return float(self.map[self.map > 0].sum(dtype=np.float64))

    @property
    def evidence_against(self) -> float:
        """Sum of the map over the pixels that speak against the output; never positive."""
        return float(self.map[self.map < 0].sum(dtype=np.float64))

    def save_fits(self, path: Path | str, wcs: WCS | None = None) -> None:
        """Write the map as a FITS image in float32, on the sky where the cutout's ``wcs`` is known.

        The header holds method, target, score, error and settings. A second image, ``BANDS``, holds the map of each
        band where there is one. The file is written completely or not at all.
        """
        header = fits_header.build_header(self._cards(), self.settings, wcs)
        images: list[Any] = [fits.PrimaryHDU(np.asarray(self.map, np.float32), header)]
        if self.bands_map is not None:
            images.append(fits.ImageHDU(np.asarray(self.bands_map, np.float32), name="BANDS"))
        with atomic_path(Path(path)) as temporary:
            fits.HDUList(images).writeto(temporary, overwrite=True)

    def _cards(self) -> list[fits_header.Card]:
        sides: list[fits_header.Card] = [
            ("EVIDFOR", self.evidence_for, "sum of the positive pixels"),
            ("EVIDAGNS", self.evidence_against, "sum of the negative pixels"),
        ]
        return [
            ("OBJECT", self.galaxy_id, "galaxy"),
            ("METHOD", self.method, "how the map was made"),
            ("TARGET", self.target_name, "output that is explained"),
            ("BUNIT", fits_header.standard_unit(self.unit), "unit of map and score; empty: logit or number"),
            ("SCORUNIT", self.unit, "the same in the catalogue's words, or direction"),
            ("SCORE", self.score, "score of the image"),
            ("BASESCOR", self.baseline_score, "score without the galaxy"),
            ("PROB", self.probability, "probability or vote fraction"),
            ("COMPLERR", self.error, "completeness error, share of score difference"),
            ("MAPERR", self.map_error, "error of the map, share of its absolute sum"),
            *(sides if self.is_signed else ()),
        ]

    def save_picture(
        self,
        path: Path | str,
        image: NDArray[np.float32],
        stretch: StretchSettings | None = None,
        planes: tuple[int, int, int] | None = None,
    ) -> None:
        """Draw the galaxy, and beside it the galaxy in grey under the map, with its colour bar.

        The colour scale of a signed map is centred on zero; that of an unsigned one starts there.

        Parameters
        ----------
        path
            Where to; written completely or not at all. It ends with ``.png``, ``.svg`` or ``.pdf``.
        image
            The stamp (C, H, W) in physical units, row 0 at the bottom.
        stretch
            How the galaxy is shown; None: the default for calibrated images.
        planes
            Bands shown red, green and blue; None: the first three, or grey.
        """
        figure = self._figure(image, to_rgb(image, stretch or StretchSettings(), planes))
        path = Path(path)
        with atomic_path(path) as temporary:
            kind = path.suffix[1:].lower()
            figure.savefig(temporary, format=kind, dpi=_DOTS_PER_INCH, metadata=mark_of_pictures(kind))

    def _figure(self, image: NDArray[np.float32], rgb: NDArray[np.uint8]) -> Figure:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        if image.shape[1:] != self.map.shape:
            raise NotPossible(f"The map is {self.map.shape}, and the image is {image.shape[1:]}.")
        figure = Figure(figsize=(8, 4))  # no pyplot: it keeps figures alive and picks a screen
        FigureCanvasAgg(figure)
        left, right, bar = (figure.add_axes(place) for place in _AXES)
        grey = rgb.mean(axis=2)
        left.imshow(rgb, origin="lower", interpolation="nearest")
        right.imshow(grey, origin="lower", interpolation="nearest", cmap="gray", vmin=0, vmax=255)
        limit = self.colour_limit or 1.0
        mappable = right.imshow(
            self.map,
            origin="lower",
            interpolation="nearest",
            cmap=_DIVERGING if self.is_signed else _SEQUENTIAL,
            vmin=-limit if self.is_signed else 0.0,
            vmax=limit,
            alpha=0.6,
        )
        label = f"for “{self.target_name}”" + (f" [{self.unit}]" if self.unit else "")
        figure.colorbar(mappable, bar, label=escape_mathtext(label))
        left.set_title(escape_mathtext(self.galaxy_id), fontsize="medium")
        right.set_title(escape_mathtext(self._caption()), fontsize="medium")
        for axes in (left, right):
            axes.set_xlabel("x [pixel]")
        left.set_ylabel("y [pixel]")
        return figure

    def _caption(self) -> str:
        parts = [self.method]
        if self.probability is None:
            parts.append(f"{self.score:.4g} {self.unit}".strip())
        else:
            parts.append(f"p = {self.probability:.3f}")
        if self.error is not None:
            parts.append(f"error {self.error:.1%}")
        return ", ".join(parts)
