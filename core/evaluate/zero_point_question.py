"""Whether somebody has to say what the pixels are worth, and how wide they are, before a network measures galaxies."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path

from core.data.preview import preview
from core.data.target import Quantities
from core.data.zero_points import of_larger_pixels
from core.evaluate import pixel_scales, raw_files
from core.events import NEVER, Work
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.nets.zero_points import depends_on_zero_points

_SAME = 1e-3


@dataclass(frozen=True)
class ZeroPointQuestion:
    """What is not known of the pixels of galaxies that a network is to measure.

    Attributes
    ----------
    bands
        Names of the bands of the images.
    known
        Of each band, the zero point that is known, else None.
    quantities
        What the network measures.
    trained
        The zero points of its training images that are known.
    of_files
        Whether the images are files, whose own pixels are meant, and not the stamps of a dataset.
    remark
        What is to be known of the pixels of the stamps; may be empty.
    sizes
        The quantities that depend on the pixel scale, where that of files is not known; empty: it is, or none does.
    scale_of_training
        The pixel scale of the training images [arcsec/pixel]; NaN if unknown.
    """

    bands: tuple[str, ...]
    known: tuple[float | None, ...]
    quantities: tuple[str, ...]
    trained: tuple[float, ...]
    of_files: bool = False
    remark: str = ""
    sizes: tuple[str, ...] = ()
    scale_of_training: float = math.nan

    @property
    def asks_zero_points(self) -> bool:
        """Whether a zero point is not known."""
        return None in self.known


def find_question(
    network: Path, data: raw_files.Sources, stop: threading.Event = NEVER
) -> Work[ZeroPointQuestion | None]:
    """What is to be asked before a network measures galaxies; None: nothing.

    Nothing depends on the zero points of the images where those of the training are not known, where the network
    brings every stamp to the same brightness, or on the dataset of the training itself.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        The dataset, or image files and folders, of which a sample is read.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    UnreadableFile, WrongVersion, NotPossible
        A file cannot be read, or the stamps do not fit.
    """
    predictor = Predictor.load(network)
    if not isinstance(predictor.target, Quantities):
        return None
    trained = tuple(dict.fromkeys(value for value in predictor.zero_points if value is not None))
    needs_zero_points, names = depends_on_zero_points(predictor), predictor.target.columns
    if raw_files.are_raw(data):
        sizes = pixel_scales.sized_quantities(predictor.target) if math.isfinite(predictor.pixel_scale) else []
        if not needs_zero_points and not sizes:
            return None
        paths = [Path(each) for each in ([data] if isinstance(data, str | Path) else data)]
        seen = yield from preview(paths, raw_files.settings_for(network), None, stop)
        asked = needs_zero_points and None in seen.zero_points
        sizes = sizes if math.isnan(seen.pixel_scale) else []
        if not asked and not sizes:
            return None
        known = (None,) * len(seen.bands) if asked else (0.0,) * len(seen.bands)
        return ZeroPointQuestion(
            seen.bands, known, names, trained, True, sizes=tuple(sizes), scale_of_training=predictor.pixel_scale
        )
    if not needs_zero_points:
        return None
    path = Path(data if isinstance(data, str | Path) else data[0])
    with open_network_on_data(network, path, "cpu") as opened:
        is_own = opened.cutouts.is_known_as(predictor.card.get("checksum"))
        if is_own or all(band.zero_point is not None for band in opened.cutouts.bands):
            return None
        whole = opened.whole
        recipe = whole.recipe
        native = math.nan if recipe is None else recipe.native_pixel_scale
        return ZeroPointQuestion(
            tuple(band.name for band in whole.bands),
            tuple(band.zero_point for band in whole.bands),
            names,
            trained,
            remark=_describe_pixels(whole.median_pixel_scale / native),
        )


def _describe_pixels(ratio: float) -> str:
    if math.isnan(ratio) or abs(ratio - 1) < _SAME:
        return ""
    shift = f"{of_larger_pixels(0.0, ratio):+.3f}".replace("-", "−")
    return (
        f"The stamps were resampled to pixels {ratio:.3g} times as wide as those of the files: their zero point is "
        f"that of the files {shift} mag."
    )
