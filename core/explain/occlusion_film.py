"""An animation of occlusion: the galaxy with the square at each position in turn, and the score there.

It has at most about two hundred frames and lasts a few seconds, however small the stride of the map is.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from core.data.stretch import StretchSettings, limits, to_rgb
from core.events import NEVER, Event, Preview, Progress, Work, map_events
from core.explain import occlusion
from core.explain.explanation import Explanation
from core.explain.occluder import positions
from core.explain.settings import OcclusionSettings
from core.nets.predictor import Predictor
from core.project.files import atomic_path
from core.version import PROGRAM

MILLISECONDS = 40
"""Duration of one frame."""
_MOST_FRAMES = 200
_SIDE, _STRIP = 384, 44  # pixels: the galaxy's height, and that of the strip with the score below it
_BACKGROUND, _TEXT, _BAR, _SQUARE = "#11151b", "#e6e9ee", "#5aaef0", "#ffd166"


@dataclass(frozen=True, eq=False)
class OcclusionFilm:
    """Pictures of a galaxy under the moving square.

    Attributes
    ----------
    pictures
        uint8 (n, H, W, 3), row 0 at the bottom, all between the same limits.
    scores
        float64 (n,), the score, or the response of a layer, with the square at each position.
    places
        int64 (n, 2), row and column of the square's first pixel.
    patch
        The square's side in pixels.
    explanation
        The occlusion map of these positions, with the name of the score and its value without the square.
    """

    pictures: NDArray[np.uint8]
    scores: NDArray[np.float64]
    places: NDArray[np.int64]
    patch: int
    explanation: Explanation

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    @property
    def score_range(self) -> tuple[float, float]:
        """Lowest and highest of the scores, zero and the score without the square included."""
        scores = (0.0, self.explanation.score, *self.scores)
        return min(scores), max(scores)

    def save(self, path: Path) -> None:
        """Write an animated GIF that loops; completely or not at all.

        Below the galaxy a bar shows the score, and a line marks the score without the square.
        """
        first, *others = _draw_frames(self)
        with atomic_path(path) as temporary:
            first.save(
                temporary,
                format="GIF",
                save_all=True,
                append_images=others,
                duration=MILLISECONDS,
                loop=0,
                disposal=1,
                comment=PROGRAM,
            )


def render_film(
    predictor: Predictor,
    image: NDArray[np.float32],
    output: int | str | None,
    settings: OcclusionSettings,
    stretch: StretchSettings,
    planes: tuple[int, int, int] | None,
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[OcclusionFilm]:
    """Render one frame for each position of the square on a galaxy.

    Parameters
    ----------
    predictor, image, output, settings, stop, galaxy_id
        As for :func:`core.explain.occlusion.explain`, and so are the errors.
    stretch
        How the galaxy is shown. All frames have the limits of the uncovered image.
    planes
        Bands shown red, green and blue; None: the mean of fewer than three.
    """
    occlusion_settings = _widen_stride(settings, image.shape[1:])
    fixed_stretch = _fix_limits(stretch, image, planes)
    total = _count_positions(image.shape[1:], occlusion_settings.patch, occlusion_settings.stride)
    pictures, scores, places = [], [], []

    def take_picture(event: Event) -> Iterator[Event]:
        if isinstance(event, Preview) and isinstance(event.what, occlusion.Frame):
            frame = event.what
            pictures.append(to_rgb(frame.image, fixed_stretch, planes))
            scores.append(frame.score)
            places.append((frame.row, frame.column))
            yield Progress(len(pictures), total, "pictures")

    explanation = yield from map_events(
        occlusion.explain_frame_by_frame(predictor, image, output, occlusion_settings, stop, galaxy_id), take_picture
    )
    return OcclusionFilm(np.stack(pictures), np.array(scores), np.array(places), occlusion_settings.patch, explanation)


def _widen_stride(settings: OcclusionSettings, shape: Sequence[int]) -> OcclusionSettings:
    """The same settings with the smallest stride, not below the given one, that keeps the film short."""
    strides = range(settings.stride, settings.patch)
    short = (stride for stride in strides if _count_positions(shape, settings.patch, stride) <= _MOST_FRAMES)
    return settings.model_copy(update={"stride": next(short, settings.patch)})


def _count_positions(shape: Sequence[int], patch: int, stride: int) -> int:
    return math.prod(len(positions(pixels, patch, stride)) for pixels in shape)


def _fix_limits(
    stretch: StretchSettings, image: NDArray[np.float32], planes: tuple[int, int, int] | None
) -> StretchSettings:
    """The same stretch with the limits of this image, so that a covered centre does not make the rest brighter."""
    shown = image[list(planes)] if planes else image.mean(axis=0)
    low, high = limits(shown, stretch)
    return stretch.model_copy(update={"limits": "manual", "low": low, "high": high})


def _draw_frames(film: OcclusionFilm) -> Iterator[Image.Image]:
    """The enlarged frames with the square outlined and the score below, in one palette, that of the first frame."""
    height, width = film.pictures.shape[1:3]
    factor = max(1, _SIDE // height)
    explanation = film.explanation
    low, high = film.score_range
    font = ImageFont.load_default(14)
    palette: Image.Image | None = None
    for picture, score, (row, column) in zip(film.pictures, film.scores, film.places, strict=True):
        whole = Image.new("RGB", (factor * width, factor * height + _STRIP), _BACKGROUND)
        galaxy = Image.fromarray(picture[::-1])  # row 0 at the bottom
        whole.paste(galaxy.resize((factor * width, factor * height), Image.Resampling.NEAREST))
        draw = ImageDraw.Draw(whole)
        left, bottom = factor * column, factor * (height - row)
        side = factor * film.patch
        draw.rectangle((left, bottom - side, left + side - 1, bottom - 1), outline=_SQUARE, width=2)
        base, reach = factor * height, factor * width - 20
        places = [10 + reach * (value - low) / (high - low or 1.0) for value in (0.0, score, explanation.score)]
        draw.rectangle((min(places[:2]), base + 26, max(places[:2]), base + 36), fill=_BAR)
        draw.line((places[2], base + 22, places[2], base + 40), fill=_TEXT, width=2)
        draw.text((10, base + 4), f"{explanation.target_name}: {score:.2f} {explanation.unit}".strip(), _TEXT, font)
        palette = palette or _palette(whole)
        yield whole.quantize(palette=palette, dither=Image.Dither.NONE)


def _palette(picture: Image.Image) -> Image.Image:
    """An image whose palette has 256 colours: those that suit a picture, and those of lines and text."""
    own = [ImageColor.getrgb(colour) for colour in (_BACKGROUND, _TEXT, _BAR, _SQUARE)]
    suited = picture.quantize(256 - len(own)).getpalette() or []
    carrier = Image.new("P", (1, 1))
    carrier.putpalette([*suited[: 3 * (256 - len(own))], *(value for colour in own for value in colour)])
    return carrier
