"""Which network made a table: the run, the weights to the last bit, and the settings."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from core.nets import weights_file
from core.project import ensembles
from core.project.runs import ENSEMBLE_FILE, RunFolder
from core.reading import reading

_BESIDE = ("temperature.json", "bands.json")  # what also has a say in the answers


@dataclass(frozen=True)
class NetworkIdentity:
    """Which network it is.

    Attributes
    ----------
    weights
        SHA-256 of the weights file, as ``sha256:…``.
    settings
        SHA-256 of the run's settings file; empty where there is none.
    beside
        Digest of what was decided since and changes the answers: the calibration and the choice of bands.
    """

    weights: str
    settings: str
    beside: str

    @classmethod
    def of(cls, network: Path | str) -> NetworkIdentity:
        """The identity of a weights file, or of the weights that stand for a run.

        Raises
        ------
        UnreadableFile
            It cannot be read.
        """
        path = weights_file.locate(network)
        if path.name == ENSEMBLE_FILE:
            return cls._of_ensemble(path)
        with reading("The network in this file", path), path.open("rb") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
        folder = RunFolder(path.parent)
        settings = _digest_of(folder.settings_file)
        beside = hashlib.sha256("".join(_digest_of(path.parent / name) for name in _BESIDE).encode()).hexdigest()
        return cls(f"sha256:{weights}", settings and f"sha256:{settings}", beside)

    @classmethod
    def _of_ensemble(cls, file: Path) -> NetworkIdentity:
        """That of all its networks: the digest of theirs, in their order."""
        each = [cls.of(run.best) for run in ensembles.read(file).members]
        weights, settings, beside = ("".join(values) for values in zip(*map(astuple, each), strict=True))
        beside += _digest_of(file) + "".join(_digest_of(file.parent / name) for name in _BESIDE)
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in (weights, settings, beside)]
        return cls(f"sha256:{digests[0]}", f"sha256:{digests[1]}", digests[2])

    @property
    def about(self) -> dict[str, str]:
        """For the metadata of a table, by keywords of at most eight letters."""
        return {"WEIGHTS": self.weights} | ({"SETTINGS": self.settings} if self.settings else {})


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
