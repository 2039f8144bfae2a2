"""Reading JPEG and PNG pictures, as cutout services and Galaxy Zoo provide them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data import read_errors
from core.data.limits import require_moderate_size, too_large
from core.data.regular_files import open_regular
from core.data.stamps import Cutout

FORMATS = ("JPEG", "PNG")  # others, such as PostScript, would start programs that read them

_GREY, _COLOURS = ("grey",), ("red", "green", "blue")


def read_picture(path: Path | str) -> Cutout:
    """Read a picture as uint8 (1 or 3, H, W), or float32 (1, H, W) where it has more than 8 bits.

    Pictures are stored from the top row down; they are flipped, so that row 0 is at the bottom as in FITS.
    Transparency is ignored.

    Raises
    ------
    UnreadableFile
        The file is damaged or not a picture.
    """
    name = str(path)
    with read_errors.reading(name), open_regular(name) as file:
        try:
            pixels = _decode(file, name)
        except Image.DecompressionBombError as error:
            raise too_large(name) from error
        except Image.UnidentifiedImageError as error:
            file.seek(0)
            raise read_errors.explain_content(name, file.read(1024), read_errors.PICTURE) from error
    if pixels.dtype != np.uint8:
        pixels = pixels.astype(np.float32)
    pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)  # (C, H, W)
    return Cutout(np.ascontiguousarray(pixels[:, ::-1]), _GREY if len(pixels) == 1 else _COLOURS)


def _decode(file: IO[bytes], name: str) -> NDArray[Any]:
    """The pixels of a picture, (H, W) or (H, W, 3); its size is looked at before anything is unpacked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file, formats=FORMATS) as picture:
            require_moderate_size((*picture.size, len(picture.getbands())), name)
            if picture.mode in {"1", "LA", "La"}:
                picture = picture.convert("L")
            elif picture.mode not in {"L", "RGB", "F"} and not picture.mode.startswith("I"):
                picture = picture.convert("RGB")
            return np.asarray(picture)
