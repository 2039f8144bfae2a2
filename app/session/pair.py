"""The network of the open run together with the open dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.session.session import Session
from core.errors import Problem
from core.project import band_choices


@dataclass(frozen=True)
class Pair:
    """A network and the dataset that it is applied to.

    Attributes
    ----------
    predictor, data
        Their files.
    written
        Modification time of the weights in ns: a training writes better ones to the same file.
    bands
        Which bands of such data were chosen to feed the network; empty: none were.
    """

    predictor: Path
    data: Path
    written: int
    bands: str = ""

    @classmethod
    def of(cls, session: Session) -> Pair | None:
        """The open run's network with the open dataset; None unless there are both."""
        predictor, cutouts = session.predictor_path, session.dataset.cutouts
        if predictor is None or cutouts is None:
            return None
        try:
            bands = band_choices.recall(predictor, [band.name for band in cutouts.bands])
        except Problem:
            bands = ""  # whoever opens both says what is wrong with it
        return cls(predictor, cutouts.path, predictor.stat().st_mtime_ns, bands)
