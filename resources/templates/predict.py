"""Predict galaxies with the network in the ONNX file beside this script, without the program that trained it.

    python predict.py galaxies/*.fits -o answers.csv

It needs numpy, onnxruntime and astropy, and Pillow for JPEG and PNG files. Each file shows one galaxy at its centre; it
is made into a stamp exactly as the network's training galaxies were. Files that cannot be used are named and left out.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import re
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it begins to report its use to its maker when it is imported
import onnxruntime

from resources.templates.script_catalogue import read_catalogue, stem

NETWORK: dict[str, Any] = {}
BATCH = 16
PICTURES = {".jpg", ".jpeg", ".png"}
SCALES = ("PIXSCALE", "PIXELSCL", "PXSCALE", "PIXSCAL1", "SECPIX", "SECPIX1")


class Unusable(Exception):  # noqa: N818 - it is shown to astronomers
    """Why a file is left out."""


def main() -> int:
    """Predict the files that are given; 0 if all could be used."""
    options = parse_options()
    session = onnxruntime.InferenceSession(str(options.network), providers=["CPUExecutionProvider"])
    has_errors = len(session.get_outputs()) > 1
    found = galaxies(options.files)
    factors = zero_point_factors(options.zero_point)
    named = [(name, paths[0]) for name, paths in found]
    catalogue = read_catalogue(options.catalogue, options.id, named, NETWORK["beside"], is_paths=not NETWORK["pattern"])
    left_out, done, batch = 0, 0, []
    with options.output.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(head(has_errors=has_errors))
        for name, paths in found:
            try:
                batch.append((name, read_stamp(paths, options) * factors, catalogue.get(paths[0])))
            except (Unusable, OSError, ValueError, TypeError) as problem:
                say(f"{name}: {problem} It is left out.")
                left_out += 1
            if len(batch) == BATCH:
                done += write_answers(table, session, batch)
                batch = []
        done += write_answers(table, session, batch)
    say(f"{done} galaxies in {options.output}" + (f"; {left_out} left out." if left_out else "."))
    return 1 if left_out else 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=f"Predict galaxies with the network of {NETWORK['run']}.")
    parser.add_argument("files", nargs="+", type=Path, help="FITS files, or JPEG and PNG, one galaxy each")
    parser.add_argument("-o", "--output", type=Path, required=True, help="table of the answers (CSV)")
    parser.add_argument("--network", type=Path, default=Path(__file__).with_name(NETWORK["file"]), help="the ONNX file")
    parser.add_argument("--hdu", default=NETWORK["hdu"], help="name or number of the FITS extension, or several: V,J,H")
    parser.add_argument(
        "--pixel-scale", type=float, default=NETWORK["given_scale"], help="arcsec, where files give none"
    )
    parser.add_argument(
        "--zero-point", type=float, nargs="+", help="magnitude of one unit of the files' pixels: one, or one per band"
    )
    if NETWORK["beside"]:
        columns = ", ".join(column["name"] for column in NETWORK["beside"])
        parser.add_argument("--catalogue", type=Path, required=True, help=f"table with {columns} of each galaxy")
        parser.add_argument("--id", default="", help="its column with the file name or id; else it is recognised")
    else:
        parser.set_defaults(catalogue=None, id="")
    return parser.parse_args()


def say(text: str) -> None:
    """Tell the user; results go to the table."""
    print(text, file=sys.stderr)


def zero_point_factors(given: list[float] | None) -> np.ndarray:
    """What the pixels of each band are multiplied by, (C, 1, 1), to have the unit of the training images."""
    own = NETWORK["zero_points"]
    count = len(NETWORK["bands"])
    if not given:
        if own and None not in own:
            named = ", ".join(f"{value:g}" for value in own)
            say(f"Pixel values are taken as they are: as in training, one unit is {named} mag. Else give --zero-point.")
        return np.ones((count, 1, 1), np.float32)
    if not own or None in own:
        sys.exit("The zero point of the network's training images is not known: --zero-point cannot be used.")
    if len(given) not in {1, count}:
        sys.exit(f"Give one zero point, or one for each of the {count} bands.")
    spread = given * count if len(given) == 1 else given
    return (10 ** (0.4 * (np.array(own) - np.array(spread)))).astype(np.float32)[:, None, None]


# -- the table ---------------------------------------------------------------------------------------------------------


def head(*, has_errors: bool) -> list[str]:
    """Names of the columns."""
    if NETWORK["kind"] == "probabilities":
        return ["id", "predicted", *(f"p_{name}" for name in NETWORK["names"])]
    columns = ["id"]
    for name in NETWORK["names"]:
        columns += [name, f"{name}_error"] if has_errors else [name]
    return columns


def beside_images(batch: list[tuple[str, np.ndarray, list[float] | None]]) -> np.ndarray:
    """The values (n, S) of the catalogue, NaN where there is none."""
    for name, _, values in batch:
        if values is None:
            say(f"{name}: it is not in the catalogue, so that typical values stand for its own.")
    nothing = [math.nan] * len(NETWORK["beside"])
    return np.array([values or nothing for _, _, values in batch])


def write_answers(
    table: Any, session: onnxruntime.InferenceSession, batch: list[tuple[str, np.ndarray, list[float] | None]]
) -> int:
    """Write a row for each galaxy of a batch; the number of rows."""
    if not batch:
        return 0
    inputs = {"images": np.stack([stamp for _, stamp, _ in batch]).astype(np.float32)}
    if NETWORK["beside"]:
        inputs["beside"] = beside_images(batch)
    found = session.run(None, inputs)
    for row, (name, _, _) in enumerate(batch):
        values = [f"{value:.8g}" for value in np.stack([each[row] for each in found], axis=1).ravel()]
        if NETWORK["kind"] == "probabilities":
            weights = NETWORK["weights"] or [1.0] * len(NETWORK["names"])
            values.insert(0, NETWORK["names"][int(np.argmax(found[0][row] * np.array(weights)))])
        table.writerow([name, *values])
    return len(batch)


# -- files -------------------------------------------------------------------------------------------------------------


def galaxies(files: list[Path]) -> list[tuple[str, list[Path]]]:
    """Name and files of each galaxy: one file, or one per band."""
    if not NETWORK["pattern"]:
        return [(stem(path), [path]) for path in files]
    pattern, grouped = re.compile(NETWORK["pattern"]), defaultdict(dict)
    for path in files:
        place = path.as_posix().split("/")[-NETWORK["depth"] :]
        if found := pattern.fullmatch("/".join(place)):
            before, after = found.string[: found.start("band")].rstrip("_-. /"), found.string[found.end("band") :]
            rest = stem(Path(after)) if after else ""
            grouped[before + rest if before else rest.lstrip("_-. /")][found["band"]] = path
        else:
            say(f"{path}: its name does not fit “{NETWORK['pattern_text']}”. It is left out.")
    bands = NETWORK["file_bands"]
    whole = [(name, [own[band] for band in bands]) for name, own in grouped.items() if set(bands) <= set(own)]
    for name, own in grouped.items():
        if missing := [band for band in bands if band not in own]:
            say(f"{name}: the file of band {', '.join(missing)} is missing. It is left out.")
    return whole


def read_stamp(paths: list[Path], options: argparse.Namespace) -> np.ndarray:
    """The stamp (C, H, W) of one galaxy."""
    read = [read_picture(path) if path.suffix.lower() in PICTURES else read_fits(path, options.hdu) for path in paths]
    image, scale = read[0]
    if len(read) > 1:
        if len({each.shape for each, _ in read}) > 1:
            raise Unusable("Its bands have different sizes.")
        image = np.concatenate([each for each, _ in read])
    if len(image) != len(NETWORK["planes"]):
        planes = ", ".join(NETWORK["planes"])
        raise Unusable(f"It has {count_of(len(image))}; the files of the training had {planes}.")
    if math.isnan(scale) and options.pixel_scale:
        scale = options.pixel_scale
    stamp, scale = make_stamp(clear_marks(image), scale)
    require_scale(scale)
    return np.stack([stamp[planes].mean(axis=0) for planes in NETWORK["mix"]])


def count_of(bands: int) -> str:
    """A number of bands in words."""
    return "1 band" if bands == 1 else f"{bands} bands"


def read_fits(path: Path, hdu: str) -> tuple[np.ndarray, float]:
    """Image (C, H, W) and pixel scale in arcsec of a FITS file; without ``hdu`` its first image."""
    with warnings.catch_warnings(), fits.open(path, memmap=False) as file:
        warnings.simplefilter("ignore")  # cards that are not standard do not matter here
        if hdu:
            chosen = [file[int(name) if name.strip().isdigit() else name.strip()] for name in hdu.split(",")]
        else:
            chosen = [each for each in file if each.is_image and each.header.get("NAXIS", 0) in (2, 3)][:1]
        if not chosen:
            raise Unusable("There is no image in it.")
        planes = [np.asarray(each.data) for each in chosen]
        planes = [plane[np.newaxis] if plane.ndim == 2 else plane for plane in planes]
        last = [axis_is_last(plane.shape) for plane in planes]
        planes = [np.moveaxis(plane, -1, 0) if moved else plane for plane, moved in zip(planes, last, strict=True)]
        image = np.concatenate(planes)
        scale = math.nan
        if all(f"CTYPE{axis}" in chosen[0].header for axis in (1, 2)) and not last[0]:
            scales = proj_plane_pixel_scales(WCS(chosen[0].header).celestial)
            scale = float(math.sqrt(scales[0] * scales[1]) * units.deg.to(units.arcsec))
        for keyword in SCALES:
            if math.isnan(scale) and isinstance(value := chosen[0].header.get(keyword), int | float) and value:
                scale = abs(float(value))
    is_bytes = image.dtype == np.uint8
    return (image if is_bytes else image.astype(np.float32)), scale


def axis_is_last(shape: tuple[int, ...]) -> bool:
    """Whether an array is (H, W, bands)."""
    return shape[2] <= 16 and shape[2] < min(shape[:2])


def read_picture(path: Path) -> tuple[np.ndarray, float]:
    """Image (C, H, W) of a JPEG or PNG file, row 0 at the bottom as in FITS."""
    try:
        from PIL import Image
    except ImportError:
        raise Unusable("Install Pillow (pip install pillow) to read pictures.") from None
    with Image.open(path, formats=("JPEG", "PNG")) as picture:
        mode = picture.mode
        if mode in {"1", "LA", "La"}:
            picture = picture.convert("L")
        elif mode not in {"L", "RGB", "F"} and not mode.startswith("I"):
            picture = picture.convert("RGB")
        pixels = np.asarray(picture)
    pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return pixels[:, ::-1], math.nan


def clear_marks(image: np.ndarray) -> np.ndarray:
    """NaN where a pixel holds an enormous number that marks it as missing, such as 1e30."""
    if image.dtype == np.uint8:
        return image
    cleared = image.copy()
    for plane in cleared:
        sizes = np.abs(plane.astype(np.float64))
        there = np.unique(sizes[np.isfinite(sizes) & (sizes > 0)])
        if len(there) == 0 or there[-1] < 1e15:
            continue
        below = np.concatenate([[0.0], there[:-1]])
        jumps = there[(there >= 1e15) & (there >= 1e6 * below)]
        if len(jumps):
            plane[np.isfinite(sizes) & (sizes >= jumps[0])] = np.nan
    return cleared


# -- stamps ------------------------------------------------------------------------------------------------------------


def make_stamp(image: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """Cut or resample an image (C, H, W) about its centre to the network's size; missing pixels are filled."""
    height, width = image.shape[1:]
    rows, columns = NETWORK["stamp_shape"][1:]
    if min(height, width) < 4:
        raise Unusable(f"It has only {width} × {height} pixels.")
    valid = np.isfinite(image)
    if image.min() == image.max():
        raise Unusable("All its pixels have the same value.")
    require_pixels(valid)
    field = field_in_pixels(scale)
    known = np.where(valid, image, 0).astype(np.float32)
    side = field or (max(height, width) if NETWORK["fit"] == "resample" else None)
    if side is None or (side == rows == columns):
        stamp, there = crop_or_pad(known, rows, columns), crop_or_pad(valid, rows, columns)
        require_pixels(crop_or_pad(valid, min(rows, height), min(columns, width)))
    else:
        along, across = (
            overlaps(height, first_pixel(height, side), side, rows),
            overlaps(width, first_pixel(width, side), side, columns),
        )
        total = along @ known @ across.T
        weight = along @ valid.astype(np.float32) @ across.T
        stamp = np.where(weight > 0, total / np.where(weight > 0, weight, 1), 0)
        there = weight >= 0.5
        scale *= side / rows
    stamp = np.where(there, stamp, fill_values(image, valid))
    if image.dtype == np.uint8:
        stamp = np.clip(np.rint(stamp), 0, 255)
    return stamp.astype(np.float32), scale


def require_pixels(valid: np.ndarray) -> None:
    """Require that enough pixels have a value, and some of every band."""
    missing = 1 - valid.mean()
    if missing > NETWORK["max_missing"] or not valid.any(axis=(1, 2)).all():
        raise Unusable(f"{missing:.0%} of its pixels are missing, or a whole band.")


def field_in_pixels(scale: float) -> float | None:
    """Side of the field that is cut out, in pixels of the file; a whole number where it is one."""
    side = NETWORK["field"]
    if side is None:
        return None
    if NETWORK["field_unit"] == "arcsec":
        if math.isnan(scale):
            raise Unusable("Its pixel scale is not known (give --pixel-scale), and the network's field is in arcsec.")
        side /= scale
    if abs(side - round(side)) <= 1e-6 * side:
        side = round(side)
    if side < 4:
        raise Unusable(f"The network's field is only {side:.3g} of its pixels wide.")
    return side


def first_pixel(length: int, side: float) -> float:
    """Where a field about the centre begins."""
    return (length - side) // 2 if isinstance(side, int) else (length - side) / 2


def crop_or_pad(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Crop, or pad with zeros, (C, H, W) about the centre."""
    for axis, side in ((1, rows), (2, columns)):
        first = (image.shape[axis] - side) // 2
        if first >= 0:
            image = image.take(range(first, first + side), axis=axis)
        else:
            margins = [(0, 0)] * 3
            margins[axis] = (-first, side - image.shape[axis] + first)
            image = np.pad(image, margins)
    return image


def overlaps(old: int, first: float, side: float, new: int) -> np.ndarray:
    """Share of each new pixel that each old pixel covers along one side, (new, old)."""
    step = side / new
    edges = first + np.arange(new + 1) * step
    low, high = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixel = np.arange(old)
    return (np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None) / step).astype(np.float32)


def fill_values(image: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """What missing pixels of each band become, (C, 1, 1): the median of the image's border, or 0."""
    levels = np.zeros((len(image), 1, 1), np.float32)
    if NETWORK["fill"] == "zero":
        return levels
    border = np.ones(image.shape[1:], dtype=bool)
    width = max(1, min(border.shape) // 16)
    border[width:-width, width:-width] = False
    for level, plane, good in zip(levels, image, valid, strict=True):
        known = plane[good & border]
        level[...] = np.median(known if len(known) else plane[good])
    return levels


def require_scale(scale: float) -> None:
    """Require the training's pixel scale where sizes in arcsec are measured, since the network sees pixels."""
    own = NETWORK["pixel_scale"]
    if own and NETWORK["measures_sizes"] and not math.isnan(scale) and abs(scale / own - 1) > 1e-3:
        raise Unusable(f"It has {scale:.4g} arcsec per pixel as a stamp; the network's sizes hold for {own:.4g}.")


if __name__ == "__main__":
    sys.exit(main())
