"""Recognising files that lie beside an image and are none: its mask, segmentation map, errors, weights, PSF, model.

The file's name ends in what it is (``g1_mask.fits``, ``G265911psfim.fits``), and in the same folder lies an image whose
name begins alike (``g1.fits``, ``G265911fitim.fits``). Files without such an image are taken as they are, so that a
folder of PSFs can be imported.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from core.data import bands

_JOINED = re.compile(  # behind a number, and without a separator, as in GAMA's and SIGMA's files
    r"(?<=\d)(?:(mask|msk)|(seg|segm|segmap)|(psf)|(sigma|rms|err|error)|(weight|wht)|(model|residual))(im|img|map)?$",
    re.IGNORECASE,
)
_ENDINGS = frozenset({"fits", "fit", "fts", "fz", "jpg", "jpeg", "png", "gz", "bz2"})
_HINTS = (  # how the names of auxiliary files end, looked for first, since that is quick
    *(
        "mask",
        "msk",
        "flag",
        "flags",
        "dq",
        "seg",
        "segm",
        "map",
        "segmentation",
        "weight",
        "wht",
        "wgt",
        "ivar",
        "var",
    ),
    *("exp", "rms", "err", "error", "sigma", "noise", "psf", "bkg", "model", "residual", "im", "img"),
)
_KINDS = ("a mask", "a segmentation map", "a PSF", "a noise map", "a weight map", "an auxiliary image")


def find_auxiliary(files: Iterable[str]) -> dict[str, str]:
    """The files that lie beside an image, with what they are (“a mask”).

    Parameters
    ----------
    files
        Full paths of images, with forward slashes or not.
    """
    paths = list(files)
    hinted = {path: found for path in paths if _is_hinted(path) and (found := _split(path))[2]}
    if not hinted:
        return {}
    images: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path not in hinted:
            folder, _, name = path.replace("\\", "/").rpartition("/")
            images[folder].append(bands.IMAGE_ENDING.sub("", name))
    for stems in images.values():
        stems.sort()
    return {path: kind for path, (folder, stem, kind) in hinted.items() if _has_image(stem, images[folder])}


def describe(found: dict[str, str]) -> str:
    """A note on the files that were left out; empty if there are none."""
    if not found:
        return ""
    first: dict[str, str] = {}
    for path, kind in found.items():
        first.setdefault(kind, path.replace("\\", "/").rpartition("/")[2])
    counts = Counter(found.values())
    named = "; ".join(
        f"{count:,} as {kind} ({first[kind]}{' …' if count > 1 else ''})" for kind, count in counts.items()
    )
    return f"Files beside the images are left out by their names: {named}. Choose such files alone to import them."


def _is_hinted(path: str) -> bool:
    """Whether a name ends as those of auxiliary files do: all that :func:`_split` finds, and a few more."""
    if path.endswith(".fits") and path[-6:-5].isdigit():  # most files of a million
        return False
    stem = path[-40:].lower()
    for _ in range(2):
        shorter, _, ending = stem.rpartition(".")
        if ending in _ENDINGS:
            stem = shorter
    return stem.endswith(_HINTS)


def _split(path: str) -> tuple[str, str, str]:
    """Folder, stem without what the file is, and what it is (empty for an image)."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    stem = bands.IMAGE_ENDING.sub("", name)
    if kind := bands.auxiliary_kind(name):
        return folder, re.sub(r"[_\-.]?[^_\-.]*$", "", stem), kind
    if joined := _JOINED.search(stem):
        kind = next(kind for kind, word in zip(_KINDS, joined.groups(), strict=False) if word)
        return folder, stem[: joined.start()], kind
    return folder, stem, ""


def _has_image(galaxy: str, images: Sequence[str]) -> bool:
    """Whether one of these sorted images is called like this galaxy, alone or followed by anything but a number."""
    for start in (galaxy, f"{galaxy}:"):  # the colon follows the digits
        place = bisect_left(images, start)
        image = images[place] if place < len(images) else ""
        if galaxy and image.startswith(galaxy) and not image[len(galaxy) : len(galaxy) + 1].isdigit():
            return True
    return False
