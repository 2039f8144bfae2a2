r"""AdaBN: the statistics of batch normalisation anew on another survey; no labels and no steps.

A normalisation layer subtracts the mean of each filter and divides by its standard deviation, as they were over the
training galaxies. Over the galaxies of another survey both differ; AdaBN puts theirs in place:

.. math:: \hat x = \frac{x - \mu_T}{\sqrt{\sigma_T^2 + \epsilon}}\, \gamma + \beta .

What a layer gets depends on the statistics of those before it. They are therefore measured layer by layer, from the
image on, each over all galaxies with all earlier layers in evaluation mode and already adapted. The result is exact and
does not depend on the batch size; in one pass in training mode, as is often done, the deeper layers would get images
that are normalised by the statistics of single batches. It takes as many passes as there are layers, each only as far
as its layer.

References
----------
Li, Wang, Shi, Hou & Liu 2018, Pattern Recognition 80, 109, arXiv:1603.04779.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotPossible, Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Skipped, Work
from core.nets import normalisation
from core.nets.opening import NetworkOnData, find_mapping, open_network_on_data
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings
from core.train.unlabelled import galaxies
from core.train.unlabelled.judgement import Judgement, compare
from core.wording import count_of

_BATCH = 128
_SAMPLE = 2000  # stamps on which the input scaling is fitted


@dataclass(frozen=True, eq=False)
class Adapted:
    """A network with the batch statistics of another survey.

    Attributes
    ----------
    predictor
        It is saved where it was asked for.
    path
        There.
    rows
        The galaxies that were looked at.
    layers
        How many layers have new statistics.
    judged
        Whether it has become better, on labelled galaxies that were not looked at; None: there are too few.
    """

    predictor: Predictor
    path: Path
    rows: NDArray[np.int64]
    layers: int
    judged: Judgement | None


def _read_settings(network: Path | str) -> RunSettings:
    """The settings of the run of a network; the defaults where its folder is not known."""
    file = RunFolder.of(Path(network).expanduser()).settings_file
    return toml.load(RunSettings, file) if file.exists() else RunSettings()


def _feeding(opened: NetworkOnData, network: Path) -> tuple[tuple[str, ...], ...]:
    """Which of the survey's bands feed each of the network's, where they were chosen."""
    mapping = find_mapping(opened.predictor, network, [band.name for band in opened.whole.bands])
    return opened.predictor.bands_from if mapping is None else mapping.sources


def _refit(
    predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], settings: RunSettings
) -> normalisation.Normalisation:
    """The input scaling of the same kind, fitted on these galaxies."""
    before = predictor.normalisation
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64))]
    floor = None if before.white is None else settings.network.whitening_floor
    return normalisation.fit(cutouts.images[some], before.kind, before.samplewise, floor)


class _Reached(Exception):  # noqa: N818 - no error: the layer that is measured has its input
    """The pass has come to the layer that is measured."""


def run(
    network: Path | str,
    data: Path | str,
    output: Path,
    stop: threading.Event = NEVER,
    *,
    refits_scaling: bool = False,
    classes: str = "",
    own: DataSettings | None = None,
    seed: int = 1,
    device: str = "auto",
) -> Work[Adapted]:
    """Adapt the batch statistics of a network to a survey, and save it as a new weights file.

    Galaxies of the survey's own validation and test part are not looked at, see :mod:`core.train.unlabelled.galaxies`.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        The dataset of the survey.
    output
        The weights file to write.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    refits_scaling
        Whether the input scaling, too, is fitted anew on the survey's galaxies.
    classes
        If the survey has labels: which class of the network each is, as in ``smooth=elliptical``; they are used for
        judging alone.
    own, seed
        How the parts of the survey are drawn; None: as those of the network's run.
    device
        On which the network is computed.

    Raises
    ------
    NotPossible
        The network has no batch normalisation, or the stamps do not fit it.
    """
    settings = _read_settings(network)
    with open_network_on_data(network, data, device) as opened:
        for doubt in opened.doubts:
            yield Skipped(doubt)
        before, cutouts = opened.predictor, opened.cutouts
        rows, part = (
            galaxies.of_other_dataset(cutouts, settings.data, settings.seed)
            if own is None
            else galaxies.outside_parts(cutouts, own, seed)
        )
        if len(rows) < 2:
            raise TooFewGalaxies(f"{cutouts.path.name} has {count_of(len(rows), 'galaxy')} to look at.", "", str(data))
        checksum = yield from cutouts.read_checksum(stop)
        after = replace(before, network=copy.deepcopy(before.network), bands_from=_feeding(opened, Path(network)))
        if refits_scaling:
            after.normalisation = _refit(before, cutouts, rows, settings).to(before.device)
        layers = yield from adapt(after, cutouts, rows, stop)
        after.card = before.card | {
            "adapted": {
                "method": "adabn",
                "data": cutouts.path.name,
                "checksum": checksum,
                "galaxies": len(rows),
                "layers": layers,
                "input_scaling": "of these galaxies" if refits_scaling else "of the training galaxies",
            }
        }
        judged = None
        if part is not None:
            places = {place: place for place in range(len(before.output_names))}
            judged = yield from compare(cutouts, part, after, (before, places), classes)
        after.save(output)
        return Adapted(after, output, rows, layers, judged)


def adapt(predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], stop: threading.Event = NEVER) -> Work[int]:
    """Measure the batch statistics of a network anew on these galaxies, in place; returns the number of layers.

    Parameters
    ----------
    predictor
        Its network is changed.
    cutouts, rows
        The galaxies, as the network takes them.
    stop
        Ends the work with :class:`~core.errors.Stopped`, the network being half adapted.

    Raises
    ------
    NotPossible
        It has no batch normalisation.
    """
    norms = find_norms(predictor)
    for number, norm in enumerate(norms):
        sums = _Sums(norm)
        for first in range(0, len(rows), _BATCH):
            if stop.is_set():
                raise Stopped
            _pass_up_to(predictor, norm, cutouts.images[rows[first : first + _BATCH]], sums)
            yield Progress(number * len(rows) + min(first + _BATCH, len(rows)), len(norms) * len(rows), "galaxies")
        sums.put_in_place()
    return len(norms)


def find_norms(predictor: Predictor) -> list[nn.modules.batchnorm._BatchNorm]:
    """The layers of a network that keep batch statistics, in the order in which a galaxy passes them.

    Raises
    ------
    NotPossible
        There is none.
    """
    found: list[nn.modules.batchnorm._BatchNorm] = []
    handles = [
        module.register_forward_pre_hook(lambda module, _inputs: found.append(module))
        for module in predictor.network.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None
    ]
    try:
        with torch.no_grad():
            predictor.network.eval()(torch.zeros(1, *predictor.stamp_shape, device=predictor.device))
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise NotPossible(
            "This network has no batch normalisation, and no statistics of it that could be adapted.",
            "Choose another method: coral, mmd, dann or mcc.",
        )
    return found


class _Sums:
    """Mean and variance of each filter over all galaxies and pixels, in double precision."""

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm) -> None:
        assert norm.running_mean is not None
        self._norm = norm
        place = norm.running_mean.device
        self._place = torch.device("cpu") if place.type == "mps" else place  # which has no double precision
        self._about = norm.running_mean.detach().to(self._place, torch.float64)  # little is lost in the squares then
        self._count, self._sum, self._squares = 0, torch.zeros_like(self._about), torch.zeros_like(self._about)

    def add(self, inputs: Tensor) -> None:
        off = (
            inputs.to(self._place, torch.float64).transpose(0, 1).flatten(1) - self._about[:, None]
        )  # (C, galaxies × pixels)
        self._count += off.shape[1]
        self._sum += off.sum(dim=1)
        self._squares += off.square().sum(dim=1)

    def put_in_place(self) -> None:
        norm, mean = self._norm, self._sum / self._count
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance = (self._squares - self._count * mean.square()) / max(self._count - 1, 1)
        norm.running_mean.copy_(self._about + mean)
        norm.running_var.copy_(variance.clamp_min(0))


@torch.no_grad()
def _pass_up_to(
    predictor: Predictor, norm: nn.modules.batchnorm._BatchNorm, images: NDArray[np.float32], sums: _Sums
) -> None:
    def look(_module: nn.Module, inputs: tuple[Tensor]) -> None:
        sums.add(inputs[0])
        raise _Reached

    handle = norm.register_forward_pre_hook(look)
    try:
        predictor.logits(torch.from_numpy(images))
    except _Reached:
        pass
    finally:
        handle.remove()
