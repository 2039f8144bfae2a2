"""File-name patterns for galaxies with one file per band.

In a pattern such as ``*_{band}.fits`` or ``GDS_*_{band:v,z,j,h}.fits``, ``{band}`` marks where the name of the band
stands in the file name. A pattern with a slash, ``{band}/*.fits``, is matched against the folders, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import SettingsProblem

IMAGE_ENDING = re.compile(r"\.(fits?|fts|fz|jpe?g|png)(\.(gz|bz2|fz))?$", re.IGNORECASE)

_BAND_PLACEHOLDER = re.compile(r"\{band(?::([^{}]*))?\}")
_AUXILIARY = {
    **dict.fromkeys(("segmap", "seg", "segm", "segmentation"), "a segmentation map"),
    **dict.fromkeys(("mask", "msk", "flag", "flags", "dq"), "a mask"),
    **dict.fromkeys(("weight", "wht", "wgt", "ivar", "invvar", "var", "exp"), "a weight map"),
    **dict.fromkeys(("rms", "err", "error", "sigma", "noise"), "a noise map"),
    **dict.fromkeys(("psf", "bkg", "model", "residual"), "an auxiliary image"),
}
_BY_WAVELENGTH = ("fuv", "nuv", "u", "b", "g", "v", "vis", "r", "i", "z", "y", "j", "h", "k", "ks")
_IMAGE_WORDS = {"", "sci", "image", "img", "data", "flux", "drz", "drc"}
_COLOUR = re.compile(r"(red|green|blue|nir|ch[1-4]|irac[1-4]|band_?\d+|h_?alpha)$", re.IGNORECASE)
_BAND_LIKE = re.compile(r"(fuv|nuv|vis|ks|[ubgvrizyjhk]|w[1-4]|f\d{3}[wmnlp]{1,2}\d?)$", re.IGNORECASE)


@dataclass(frozen=True)
class BandPattern:
    """A parsed pattern. ``bands`` is empty where it lists none, so that all bands that are found are used."""

    text: str
    expression: re.Pattern[str]
    depth: int
    bands: tuple[str, ...]

    def match(self, relative: str) -> tuple[str, str] | None:
        """Galaxy (folder and name without the band) and band of a file, or None; paths have forward slashes."""
        parts = relative.split("/")
        if len(parts) < self.depth:
            return None
        folder, name = "/".join(parts[: -self.depth]), "/".join(parts[-self.depth :])
        if not (found := self.expression.fullmatch(name)):
            return None
        before, after = name[: found.start("band")], name[found.end("band") :]
        before, after = before.rstrip("_-. /"), IMAGE_ENDING.sub("", after)
        galaxy = before + after if before else after.lstrip("_-. /")
        return f"{folder}/{galaxy}".strip("/"), found["band"]


def parse(text: str) -> BandPattern | None:
    """Read a pattern; None if there is no ``{band}`` in it.

    Raises
    ------
    SettingsProblem
        The braces are not understood, or there is more than one band in it.
    """
    if "{" not in text and "}" not in text:
        return None
    places = list(_BAND_PLACEHOLDER.finditer(text))
    if len(places) != 1 or "{" in _BAND_PLACEHOLDER.sub("", text) or "}" in _BAND_PLACEHOLDER.sub("", text):
        raise SettingsProblem(
            f"The pattern “{text}” is not understood.",
            "Write the file name with {band} once where the band stands, such as *_{band}.fits or *_{band:g,r,i}.fits.",
            "bands",
        )
    bands = tuple(band.strip() for band in (places[0][1] or "").split(",") if band.strip())
    if len(set(bands)) < len(bands):
        raise SettingsProblem(f"A band is named twice in “{text}”.", "Name each band once.", "bands")
    any_of = "|".join(re.escape(band) for band in sorted(bands, key=len, reverse=True)) or "[A-Za-z0-9]+"
    before, after = _glob_expression(text[: places[0].start()]), _glob_expression(text[places[0].end() :])
    expression = re.compile(f"{before}(?P<band>{any_of}){after}(\\.(gz|bz2|fz))?")
    return BandPattern(text, expression, text.count("/") + 1, bands)


def _glob_expression(text: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter)) for letter in text)


def auxiliary_kind(relative: str) -> str:
    """What kind of auxiliary file a name suggests, such as “a segmentation map”; empty if it suggests none."""
    return _AUXILIARY.get(_last_word(relative).lower(), "")


def _last_word(relative: str) -> str:
    """The last word of a file's name: what follows the last _, - or dot."""
    return re.split(r"[_\-.]", IMAGE_ENDING.sub("", PurePosixPath(relative).name))[-1]


def is_band_like(name: str) -> bool:
    """Whether a name is that of a band, alone or beside that of an instrument: “g”, “VIS”, “NIR-Y”, “F160W_SCI”."""
    words = [word for word in re.split(r"[_\-. ]", name) if word.lower() not in _IMAGE_WORDS]
    return bool(words) and (_BAND_LIKE.match(words[-1]) or _COLOUR.match(words[-1])) is not None


def sort_bands(names: Iterable[str]) -> tuple[str, ...]:
    """Sort bands by wavelength where it is known from their names, followed by the others by name."""

    def key(name: str) -> tuple[int, str]:
        lower = name.lower()
        if lower in _BY_WAVELENGTH:
            return _BY_WAVELENGTH.index(lower), ""
        if match := re.match(r"f(\d{3})", lower):  # from 200 nm in the optical; in tens of nm in the infrared
            number = int(match[1])
            return 100 + (number if number >= 200 else 10 * number), lower
        return 10_000, lower

    return tuple(sorted(names, key=key))


def suggest(files: Sequence[str]) -> str:
    """Suggest a pattern if the names show unambiguously that there is one file per band, else an empty string.

    All names have to end in the name of a band (or of a segmentation map, mask and the like), and all of at least
    two galaxies have to have the same two or more bands.
    """
    galaxies: defaultdict[str, set[str]] = defaultdict(set)
    endings: set[str] = set()
    separators: set[str] = set()
    for relative in files:
        token = _last_word(relative)
        if _AUXILIARY.get(token.lower()):
            continue
        stem = IMAGE_ENDING.sub("", relative)
        galaxy = stem[: len(stem) - len(token)]
        if not _BAND_LIKE.match(token) or not galaxy or galaxy[-1] not in "_-.":
            return ""
        galaxies[galaxy].add(token)
        separators.add(galaxy[-1])
        endings.add(relative[len(stem) :])
    sets = {frozenset(found) for found in galaxies.values()}
    if len(galaxies) < 2 or len(sets) != 1 or len(separators) != 1 or len(endings) != 1:
        return ""
    names = sort_bands(next(iter(sets)))
    return f"*{separators.pop()}{{band:{','.join(names)}}}{endings.pop()}" if len(names) > 1 else ""
