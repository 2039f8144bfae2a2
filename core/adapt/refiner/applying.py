"""A refined dataset: the stamps of a simulated one through a trained refiner, with the same galaxies and labels.

It is made block by block in constant memory. The catalogue is that of the simulated dataset with one column more, the
share of the refinement that each stamp has kept within the limits of photometric drift.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tomlkit
import torch
from astropy.table import Table
from numpy.typing import NDArray

from core.adapt.refiner.folder import RefinerFolder
from core.adapt.refiner.guard import DriftLine, Guarded, summarise
from core.adapt.refiner.model import TrainedRefiner
from core.adapt.refiner.photometry import Drift
from core.adapt.refiner.scaling import Scaling
from core.data.cutouts import Cutouts
from core.data.store import DatasetWriter, Origin
from core.errors import NotPossible, Problem, Stopped
from core.events import NEVER, Progress, Skipped, Work
from core.nets import device as devices
from core.project.files import require_replaceable
from core.project.outputs import Inputs
from core.settings import toml
from core.version import PROGRAM
from core.wording import count_of

COLUMN = "refined_share"
"""The catalogue column of a refined dataset: 1 wholly refined, 0 as it was simulated."""

SOURCE = "simulated galaxies, refined"
_BLOCK = 64  # stamps at once: part of the recipe, since rounding depends on it
_SCALE_TOLERANCE = 1.05


@dataclass(frozen=True)
class Refined:
    """A refined dataset.

    Attributes
    ----------
    path
        Where it is.
    galaxies
        How many it holds.
    within
        Stamps that were within all limits as they were refined.
    blended, unrefined
        Beyond a limit: blended with the simulated stamp, or left as they were simulated.
    left_out
        Beyond a limit, and not in the dataset.
    drift
        Of photometry, of the galaxies that it holds.
    """

    path: Path
    galaxies: int
    within: int
    blended: int
    unrefined: int
    left_out: int
    drift: list[DriftLine]

    @property
    def sentence(self) -> str:
        """How the limits were met."""
        found = f"{count_of(self.galaxies, 'galaxy')}; {self.within:,} within all limits as refined"
        parts = [
            (self.blended, "blended with the simulated stamp"),
            (self.unrefined, "left as simulated"),
            (self.left_out, "left out"),
        ]
        return "".join([found, *(f", {number:,} {what}" for number, what in parts if number)]) + "."


def refine(
    folder: Path, simulated: Path, output: Path, stop: threading.Event = NEVER, *, device: str = "auto"
) -> Work[Refined]:
    """Refine a simulated dataset.

    Parameters
    ----------
    folder
        Of the refiner.
    simulated
        The dataset that it was trained on, or another one of the same bands.
    output
        The dataset to write.
    stop
        Ends the work; nothing is written then.
    device
        On which the network is computed.

    Raises
    ------
    NotPossible
        The datasets do not fit.
    Stopped
        ``stop`` was set.
    """
    require_replaceable(output)
    Inputs([simulated]).refuse(output)
    refiner = TrainedRefiner.load(RefinerFolder(folder).best, devices.choose(device))
    with Cutouts.open(simulated) as cutouts:
        yield from cutouts.read_checksum(stop)
        scaling, remarks = _fit_scaling(refiner, cutouts)
        for remark in remarks:
            yield Skipped(remark)
        count, *shape = cutouts.shape
        planes, height, width = shape
        shares, drifts = np.ones(count), list[Drift]()
        with DatasetWriter(output, (planes, height, width), cutouts.bands, "float32") as writer:
            kept: list[NDArray[np.int64]] = []
            for begin in range(0, count, _BLOCK):
                if stop.is_set():
                    raise Stopped
                yield Progress(begin, count, "galaxies")
                rows = np.arange(begin, min(begin + _BLOCK, count))
                images, guarded = _refine_block(refiner, scaling, cutouts.images[begin : rows[-1] + 1], rows)
                shares[rows] = guarded.share.numpy()
                stays = _stay(refiner, shares[rows])
                drifts.append(guarded.drift.at(torch.from_numpy(stays)))
                chosen = rows[stays]
                kept.append(chosen)
                writer.append(
                    images[stays],
                    [cutouts.ids[row] for row in chosen],
                    cutouts.pixel_scale[chosen],
                    [cutouts.header(int(row)) for row in chosen],
                    cutouts.missing[chosen],
                )
            rows = np.concatenate(kept) if kept else np.zeros(0, np.int64)
            if not len(rows):
                raise NotPossible(
                    "Every stamp is beyond a limit of photometric drift, and none is left.",
                    "Blend them instead, widen the limits, or train with a stronger self-regularisation.",
                    str(folder),
                )
            catalogue = _catalogue(cutouts, rows, shares)
            writer.finish(
                catalogue,
                cutouts.labels,
                _origin(refiner, cutouts),
                cutouts.unusable,
                cutouts.recipe,
                cutouts.split_column,
            )
        return _count(output, refiner, shares, len(rows), Drift.join(drifts))


def _refine_block(
    refiner: TrainedRefiner, scaling: Scaling, images: NDArray[np.float32], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], Guarded]:
    """Refined stamps (n, C, H, W) in their own unit; one with a pixel that is no number stays as it is."""
    stamps = torch.from_numpy(np.ascontiguousarray(images))
    whole = torch.isfinite(stamps).flatten(1).all(1)
    light = scaling.in_noise(torch.where(whole[:, None, None, None], stamps, 0.0))
    guarded = refiner.refine(light, rows.tolist())
    change = torch.where(whole[:, None, None, None], guarded.change, 0.0)
    share = torch.where(whole, guarded.share, 0.0)
    return (stamps + scaling.in_unit(change)).numpy(), Guarded(change, share, guarded.drift)


def _stay(refiner: TrainedRefiner, shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which stamps the set keeps."""
    return shares == 1 if refiner.settings.beyond == "leave out" else np.ones(len(shares), bool)


def _fit_scaling(refiner: TrainedRefiner, cutouts: Cutouts) -> tuple[Scaling, list[Problem]]:
    """The scaling for these stamps, which may have another zero point than those of the training."""
    names = tuple(band.name for band in cutouts.bands)
    if cutouts.is_picture or len(names) != len(refiner.bands):
        raise NotPossible(
            f"This refiner is for calibrated stamps in {', '.join(refiner.bands)}.",
            "Choose a simulated dataset like the one it was trained on.",
            cutouts.path.name,
        )
    trained = refiner.facts["simulated"]
    factors: list[float] = []
    for band, factor, point, unit in zip(
        cutouts.bands, refiner.scaling.factor, trained["zero_points"], trained["units"], strict=True
    ):
        if band.zero_point is not None and point is not None:
            factors.append(factor * 10 ** (0.4 * (point - band.zero_point)))
        elif band.unit == unit:
            factors.append(factor)
        else:
            raise NotPossible(
                f"The pixels of this refiner's training had the unit “{unit}”, and these have “{band.unit}” in "
                f"{band.name}.",
                "Choose a dataset whose zero point is known.",
                cutouts.path.name,
            )
    remarks: list[Problem] = []
    if names != refiner.bands:
        remarks.append(
            Problem(f"The bands are {', '.join(names)}; the refiner was trained on {', '.join(refiner.bands)}.")
        )
    scale, own = trained["pixel_scale"], cutouts.median_pixel_scale
    if scale and own > 0 and max(scale / own, own / scale) > _SCALE_TOLERANCE:
        remarks.append(
            Problem(
                f"These stamps have {own:.3g} arcsec/pixel; the refiner was trained on {scale:.3g}.",
                "It may not make them look like the survey.",
            )
        )
    return replace(refiner.scaling, factor=tuple(factors)), remarks


def _catalogue(cutouts: Cutouts, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> Table:
    catalogue = cutouts.catalogue[rows]
    before = np.asarray(catalogue[COLUMN]) if COLUMN in catalogue.colnames else 1.0
    catalogue[COLUMN] = shares[rows] * before  # of a set that was refined twice
    return catalogue


def _origin(refiner: TrainedRefiner, cutouts: Cutouts) -> Origin:
    """Where the set comes from: settings, both datasets, and how the galaxies were simulated."""
    real = refiner.facts["real"]
    trained = tomlkit.item(
        {
            "refiner": f"epoch {refiner.epoch}",
            "simulated": cutouts.path.name,
            "simulated_checksum": cutouts.checksum,
            "real": real["dataset"],
            "real_checksum": real["checksum"],
            "simulated_from": cutouts.origin.source,
            "simulated_with": cutouts.origin.settings,
        }
    )
    document = tomlkit.parse(toml.dumps(refiner.settings))
    document["provenance"] = trained
    return Origin(
        program=PROGRAM,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        source=f"{SOURCE} to look like “{real['dataset']}”",
        settings=tomlkit.dumps(document),
    )


def _count(output: Path, refiner: TrainedRefiner, shares: NDArray[np.float64], kept: int, drift: Drift) -> Refined:
    beyond, none = int(((shares > 0) & (shares < 1)).sum()), int((shares == 0).sum())
    lines = summarise(drift, refiner.settings)
    within = int((shares == 1).sum())
    if refiner.settings.beyond == "leave out":
        return Refined(output, kept, within, 0, 0, beyond + none, lines)
    return Refined(output, kept, within, beyond, none, 0, lines)
