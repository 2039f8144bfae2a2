"""Opening a network together with a dataset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Problem, SettingsProblem
from core.nets import band_mapping, zero_points
from core.nets import device as devices
from core.nets.band_mapping import BandMapping
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.predictor import Predictor
from core.project import band_choices


@dataclass(frozen=True, eq=False)
class NetworkOnData:
    """A network and an open dataset that fits it.

    Attributes
    ----------
    predictor
        The network.
    cutouts
        The dataset with the network's bands, open as long as the block.
    doubts
        Differences from the training data that the network can cope with: other bands, another size or pixel scale;
        which bands feed it, where they were chosen; and other zero points, to which the images are scaled.
    whole
        The dataset with its own bands and pixel values.
    """

    predictor: Predictor
    cutouts: Cutouts
    doubts: tuple[Problem, ...]
    whole: Cutouts

    def remarks_on(self, rows: NDArray[np.int64] | slice = slice(None)) -> list[Problem]:
        """What is to be known of the catalogue columns beside the image of these galaxies, where the network takes any.

        That is how many lack a value, and how many have one beyond those of the training.
        """
        side = self.predictor.side
        return [] if side is None else side.remark_on(side.read(self.cutouts.columns, rows))

    def of_galaxy(self, row: int) -> Predictor:
        """The network as it answers this galaxy of the dataset: catalogue columns beside the image keep its values."""
        return hold_at(self.predictor, self.cutouts, row)


def hold_at(predictor: Predictor, cutouts: Cutouts, row: int) -> Predictor:
    """A network as it answers this galaxy: of its image alone, catalogue columns beside it held at the galaxy's."""
    side = predictor.side
    return predictor if side is None else predictor.held(side.read(cutouts.columns, slice(row, row + 1))[0])


@contextlib.contextmanager
def open_network_on_data(
    network: Path | str,
    data: Path | str,
    device: str = "auto",
    given_zero_points: Sequence[float] = (),
    given_bands: str = "",
    *,
    needs_answers: bool = True,
    bands_of: Path | None = None,
) -> Iterator[NetworkOnData]:
    """Open a network and a dataset, and check that they fit.

    The network is fed the bands that were chosen for it with such data, see :mod:`core.project.band_choices`, or with
    which it was trained. Where the zero points of both are known, the images are brought to those of its training.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        A dataset.
    device
        The device on which the network is computed.
    given_zero_points
        Of the dataset's bands, instead of those in its file: one for all or one for each; empty: those in its file.
    given_bands
        Which bands feed the network's, as text, instead of those that were chosen before; empty: those.
    needs_answers
        Whether a network that has learned without labels, and gives features only, is refused.
    bands_of
        The network for which the bands were chosen, such as the ensemble of this one; None: this one.

    Raises
    ------
    NotPossible
        The stamps have another number of bands than the network, or a size that it cannot process; or a catalogue
        column is missing that it takes beside the image.
    SettingsProblem
        The zero points are not as many as the bands.
    UnreadableFile, WrongVersion
        A file cannot be read.
    """
    predictor = Predictor.load(network, devices.choose(device), needs_answers=needs_answers)
    with Cutouts.open(data) as cutouts:
        whole = cutouts
        if given_zero_points:
            zero_points.set_zero_points(cutouts, given_zero_points)
        bands = [band.name for band in cutouts.bands]
        doubts = list(predictor.notes)
        given = BandMapping.parse(given_bands, bands, predictor.bands) if given_bands else None
        if (mapping := given or find_mapping(predictor, bands_of or Path(network), bands)) is not None:
            cutouts = MappedCutouts(cutouts, mapping, predictor.bands)
            doubts.append(describe_mapping(mapping, predictor.bands, bands))
        doubts += predictor.check([band.name for band in cutouts.bands], cutouts.shape[1:], cutouts.median_pixel_scale)
        doubts += predictor.compare_stamps(cutouts.recipe)
        if predictor.side is not None and needs_answers:
            doubts += predictor.side.compare_units(cutouts.columns, cutouts.units)
        cutouts, scaled = zero_points.bring_to_training(cutouts, predictor)
        doubts += scaled
        yield NetworkOnData(predictor, cutouts, tuple(doubts), whole)


def find_mapping(predictor: Predictor, network: Path, bands: Sequence[str]) -> BandMapping | None:
    """Which bands of such data feed a network: those chosen for it, those of its training, or the same in its order.

    None: all, as they are.

    Raises
    ------
    NotPossible
        The choice does not fit the network.
    """
    if choice := band_choices.recall(network, bands):
        try:
            return BandMapping.parse(choice, bands, predictor.bands, str(network))
        except SettingsProblem as problem:
            raise NotPossible(problem.sentence, "Choose the bands again.", problem.where) from None
    trained = BandMapping(predictor.bands_from)
    if trained.sources and trained.fits(bands):
        return trained
    return band_mapping.put_in_order(predictor.bands, bands)


@dataclass(frozen=True)
class BandFit:
    """How the bands of a network and of a dataset compare.

    Attributes
    ----------
    wanted, bands
        Names of the network's bands, and of the dataset's.
    mapping
        What feeds the network, as text; empty: the dataset's bands as they are.
    is_of_training
        Whether the network was trained with that mapping, rather than that it was chosen for such data.
    proposal
        What could feed it, by the names or else by the order; empty: neither tells.
    sentence
        Where they differ, and what can be done; empty: they do not.
    """

    wanted: tuple[str, ...]
    bands: tuple[str, ...]
    mapping: str
    is_of_training: bool
    proposal: str
    sentence: str


def compare_bands(network: Path, data: Path) -> BandFit:
    """Compare the bands of a network with those of a dataset.

    Raises
    ------
    Problem
        One of the files cannot be read, or an earlier choice does not fit.
    """
    predictor = Predictor.load(network)
    with Cutouts.open(data) as cutouts:
        bands = tuple(band.name for band in cutouts.bands)
    wanted = predictor.bands
    mapping, is_chosen = find_mapping(predictor, network, bands), bool(band_choices.recall(network, bands))
    own, other = ", ".join(wanted), ", ".join(bands)
    sentence = ""
    if mapping is not None and (is_chosen or mapping.text != ",".join(bands)):
        sentence = describe_mapping(mapping, wanted, bands).sentence
    elif mapping is None and len(wanted) != len(bands):
        sentence = f"The network takes {own}; these images have {other}. Choose what feeds each of its bands."
    elif mapping is None and wanted != bands:
        sentence = f"The network was trained on {own}; these images have {other}. Are these the same, in this order?"
    text = "" if mapping is None else mapping.text
    is_of_training = mapping is not None and not is_chosen and mapping.sources == predictor.bands_from
    return BandFit(wanted, bands, text, is_of_training, band_mapping.suggest(wanted, bands), sentence)


def describe_mapping(mapping: BandMapping, wanted: Sequence[str], bands: Sequence[str]) -> Problem:
    """Say which of the images' bands feed a network."""
    if len(wanted) > 1 and mapping == band_mapping.put_in_order(wanted, bands):
        return Problem(
            f"The images' bands {', '.join(bands)} are put into the order of the network's: {mapping.text} feed "
            f"{', '.join(wanted)}."
        )
    return Problem(f"The network's bands {', '.join(wanted)} are fed {mapping.text}.")
