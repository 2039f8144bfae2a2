"""Which bands of a dataset feed the bands of a network: one each, the mean of several, or one repeated.

As text a mapping lists for each band of the network what feeds it, such as ``i,r,g``, ``r,r,r`` or ``g,mean(r,i)``. A
band is called by its name, or by its number from 1 where no band has that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsProblem

GREY = "grey"
"""The band of a network that takes the mean of all bands, whatever they are."""

_ITEM = re.compile(r"(?:[^,()]|\([^()]*\))+")
_MEAN = re.compile(r"mean\s*\((.*)\)", re.IGNORECASE)
_BAND = re.compile(r"(fuv|nuv|vis|ks|[ubgvrizyjhk]|w[1-4]|f\d{3}[wmnlp]{1,2}\d?)", re.IGNORECASE)


@dataclass(frozen=True)
class BandMapping:
    """For each band of a network, the names of the dataset's bands whose mean feeds it."""

    sources: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str, bands: Sequence[str], wanted: Sequence[str], where: str = "--band-map") -> BandMapping:
        """Read a mapping.

        Parameters
        ----------
        text
            Such as ``i,r,g``.
        bands
            Names of the dataset's bands.
        wanted
            Names of the network's bands.
        where
            Where the text stands, for the message.

        Raises
        ------
        SettingsProblem
            It names a band that the dataset lacks, or not as many as the network needs.

        Examples
        --------
        >>> BandMapping.parse("g,mean(r,i)", ("g", "r", "i"), ("blue", "red")).sources
        (('g',), ('r', 'i'))
        """
        items = [item.strip() for item in _ITEM.findall(text)]
        sources = tuple(_read_item(item, bands, where) for item in items if item)
        if len(sources) != len(wanted):
            raise SettingsProblem(
                f"“{text}” names {len(sources)} bands, and the network needs {len(wanted)}: {', '.join(wanted)}.",
                f"Name for each of them what feeds it; the dataset has {', '.join(bands)}.",
                where,
            )
        return cls(sources)

    @property
    def text(self) -> str:
        """The mapping as :meth:`parse` reads it."""
        return ",".join(each[0] if len(each) == 1 else f"mean({','.join(each)})" for each in self.sources)

    def fits(self, bands: Sequence[str]) -> bool:
        """Whether a dataset with these bands has all that are needed."""
        return all(name in bands for each in self.sources for name in each)

    def apply(self, images: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
        """The network's bands (..., K, H, W) of images (..., C, H, W)."""
        places = [[bands.index(name) for name in each] for each in self.sources]
        planes = [images[..., each, :, :].mean(axis=-3, dtype=np.float32) for each in places]
        return np.stack(planes, axis=-3)


def _read_item(item: str, bands: Sequence[str], where: str) -> tuple[str, ...]:
    mean = None if item in bands else _MEAN.fullmatch(item)
    names = [name.strip() for name in mean[1].split(",")] if mean else [item]
    return tuple(_find_band(name, bands, where) for name in names)


def _find_band(name: str, bands: Sequence[str], where: str) -> str:
    if name in bands:
        return name
    same = [band for band in bands if band.casefold() == name.casefold()]
    if len(same) == 1:
        return same[0]
    if name.isdecimal() and 0 < int(name) <= len(bands):
        return bands[int(name) - 1]
    raise SettingsProblem(f"There is no band “{name}”.", f"The dataset has {', '.join(bands)}.", where)


def propose(wanted: Sequence[str], bands: Sequence[str]) -> BandMapping | None:
    """Propose a mapping where the names leave no doubt, or where there is a single band to repeat.

    Names are compared regardless of case and of what stands around the filter: ``SDSS r`` is ``r``, ``acs_f814w`` is
    ``F814W``.

    Parameters
    ----------
    wanted
        Names of the network's bands.
    bands
        Names of the dataset's bands.
    """
    if len(bands) == 1:
        return BandMapping((tuple(bands),) * len(wanted))
    found: list[tuple[str, ...]] = []
    for name in wanted:
        same = [band for band in bands if band == name] or [
            band for band in bands if _filter_of(band) == _filter_of(name)
        ]
        if len(same) != 1:
            return None
        found.append((same[0],))
    return BandMapping(tuple(found)) if len(set(found)) == len(found) else None


def put_in_order(wanted: Sequence[str], bands: Sequence[str]) -> BandMapping | None:
    """The mapping that puts bands into the network's order, where by their names they are the same; None: no need to.

    A network of one grey band takes the mean of all.

    Parameters
    ----------
    wanted
        Names of the network's bands.
    bands
        Names of the dataset's bands.
    """
    if tuple(wanted) == (GREY,):
        return None if tuple(bands) == (GREY,) else BandMapping((tuple(bands),))
    found = propose(wanted, bands) if len(wanted) == len(bands) else None
    return None if found is None or found.text == ",".join(bands) else found


def suggest(wanted: Sequence[str], bands: Sequence[str]) -> str:
    """Suggest a mapping, as text: the proposal, or else the bands in their order; empty: there are more or fewer."""
    proposal = put_in_order(wanted, bands) or propose(wanted, bands)
    if proposal is None and len(wanted) == len(bands):
        proposal = BandMapping(tuple((band,) for band in bands))
    return "" if proposal is None else proposal.text


def _filter_of(name: str) -> str:
    """The filter in the name of a band, in lower case; the whole name where none or several are recognised."""
    words = [word for word in re.split(r"[\W_]+", name) if _BAND.fullmatch(word)]
    return (words[0] if len(words) == 1 else name.strip()).casefold()


def example(wanted: Sequence[str], bands: Sequence[str]) -> str:
    """A mapping to show how one is written: the proposal, or else the first band repeated."""
    return (put_in_order(wanted, bands) or propose(wanted, bands) or BandMapping(((bands[0],),) * len(wanted))).text
