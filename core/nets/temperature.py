r"""The temperature of a network's probabilities, kept beside its weights in ``temperature.json``.

With a temperature :math:`T` the probabilities are :math:`p_k^{1/T}`, divided by their sum: for a network of one view a
softmax of the outputs over :math:`T`. The order of the classes of a galaxy stays, their certainty changes. It is
fitted on the validation part by :mod:`core.metrics.temperature`, and taken wherever the network answers; without the
file the probabilities are the network's own. The weights never change.

The file names the weights that it was fitted for by their checksum. A training that went on since has written others:
the temperature is then left out, and the network says so.

An ensemble has a temperature of its own, of the mean of its networks' probabilities: first the mean is taken, then it
is calibrated. The mean of calibrated networks is less sure than they are, so that their temperatures do not replace it.
Its file names the weights and the temperatures of all networks: where one has changed, the mean is another, and it is
left out.

References
----------
Guo, Pleiss, Sun & Weinberger 2017, Proc. ICML 34, 1321 (arXiv:1706.04599); Rahaman & Thiery 2021, NeurIPS 34
(arXiv:2007.08792, of ensembles).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import WrongVersion
from core.project import ensembles
from core.project.files import write_atomically
from core.project.runs import ENSEMBLE_FILE
from core.reading import format_of, is_there, read_json, reading

NAME = "temperature.json"
FORMAT = 2
_OF_ONE = 1  # the format of a single network's, which earlier versions read; they would overlook an ensemble's
_REMEDY = "Fit the temperature again, or remove this file: then the probabilities are the network's own."
_LEAST, _MOST = 1e-3, 1e3


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Attributes
    ----------
    value, error
        With its standard error from the finite number of galaxies.
    galaxies
        The number of validation galaxies on which it was fitted.
    log_loss, calibration_error
        Before and after, on those galaxies.
    """

    value: float
    error: float
    galaxies: int
    log_loss: tuple[float, float]
    calibration_error: tuple[float, float]

    @property
    def sentence(self) -> str:
        """What it is, and what it was fitted on."""
        return (
            f"Probabilities are at temperature {self.value:.3g} ± {self.error:.2g}, fitted on {self.galaxies:,} "
            "validation galaxies"
        )


def read(weights: Path) -> tuple[Temperature | None, bool]:
    """Read the temperature that is kept for a weights file, or for the list that stands for an ensemble's.

    Returns
    -------
    Temperature or None
        None: there is none for these weights.
    bool
        Whether there is one for other weights.

    Raises
    ------
    UnreadableFile, WrongVersion
        The file is damaged, or of a newer program.
    """
    file = weights.with_name(NAME)
    if not is_there(file):
        return None, False
    found, fitted_for = parse(file)
    if fitted_for == checksum(weights):
        return found, False
    return None, weights.name in {"best.safetensors", ENSEMBLE_FILE}  # others in a run's folder never had one


def parse(file: Path) -> tuple[Temperature, str]:
    """Parse the file of a temperature, and the checksum of the weights that it is for; raises as :func:`read`."""
    with reading("The temperature", file, _REMEDY):
        values = read_json(file, "The temperature", _REMEDY)
        if format_of(values.get("format", FORMAT)) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this temperature.", "Update the program.", str(file))
        value, error, galaxies = float(values["value"]), float(values["error"]), int(values["galaxies"])
        if not (_LEAST <= value <= _MOST and 0 <= error < math.inf and galaxies > 0):
            raise ValueError("it holds no temperature")
        (before, after), (first, second) = values["log_loss"], values["calibration_error"]
        numbers = float(before), float(after), float(first), float(second)
        return Temperature(value, error, galaxies, numbers[:2], numbers[2:]), str(values["weights"])


def keep(weights: Path, temperature: Temperature, fitted_for: str = "") -> None:
    """Write a temperature beside the weights that it was fitted for.

    ``fitted_for`` is their checksum when they answered; empty: they have not changed since.
    """
    known = FORMAT if weights.name == ENSEMBLE_FILE else _OF_ONE
    values = {"format": known, **asdict(temperature), "weights": fitted_for or checksum(weights)}
    write_atomically(weights.with_name(NAME), json.dumps(values, indent=2) + "\n")


def copy(weights: Path, other: Path) -> bool:
    """Copy the temperature of weights beside a copy of them; returns whether there is one."""
    found, _ = read(weights)
    if found is None:
        remove(other)
        return False
    keep(other, found)
    return True


def remove(weights: Path) -> None:
    """Give the network its own probabilities back."""
    weights.with_name(NAME).unlink(missing_ok=True)


def checksum(weights: Path) -> str:
    """What the answers depend on before the temperature: weights, and of an ensemble its networks' temperatures."""
    if weights.name == ENSEMBLE_FILE:
        runs = ensembles.read(weights).members
        parts = [f"{checksum(run.best)} {_value_of(run.best)}" for run in runs]
        return f"sha256:{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()}"
    with weights.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _value_of(weights: Path) -> float | None:
    found, _ = read(weights)
    return None if found is None else found.value
