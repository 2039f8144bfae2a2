"""The header of a weights file, read without torch: what the network is, with every value checked to be of its kind.

The tensors themselves are read by :mod:`core.nets.predictor`; the safetensors format holds no code, and its reader
checks that the file is as long as its header says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import UnreadableFile, WrongVersion
from core.nets import base_networks
from core.nets.settings import NetworkSettings
from core.nets.training_range import STATISTICS
from core.project import upgrades
from core.project.runs import RunFolder
from core.reading import format_of, reading, require_file

HEADER = "tuning_fork"
FORMAT = upgrades.PREDICTOR
_REMEDY = "Choose the folder of a run, or a file such as best.safetensors."
_LARGEST_SIDE = 1 << 16  # pixels of a stamp
_MOST_OUTPUTS = 1 << 16
_MOST_VIEWS = 8  # mirror images and quarter turns

_Side = Annotated[int, Field(ge=1, le=_LARGEST_SIDE)]
_View = Annotated[list[bool | int], Field(min_length=2, max_length=2)]


class _Target(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    kind: str
    column: str = ""
    names: list[str] = Field(default_factory=list[str])
    columns: list[str] = Field(default_factory=list[str])
    units: list[str] = Field(default_factory=list[str])
    periods: list[float | None] = Field(default_factory=list[float | None])
    logarithms: list[str] = Field(default_factory=list[str])


_Range = Annotated[list[float], Field(min_length=2, max_length=2)]


class _Calibration(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    factors: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    uncertainties: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    galaxies: int = Field(ge=1)


class _TrainingRange(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    galaxies: int = Field(ge=0)
    quantities: dict[str, _Range]
    images: dict[str, _Range]
    pixel_scale: _Range | None


class _SideColumn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    unit: str
    is_logarithm: bool
    centre: Annotated[float, Field(allow_inf_nan=False)]
    spread: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    lowest: Annotated[float, Field(allow_inf_nan=False)]
    highest: Annotated[float, Field(allow_inf_nan=False)]
    missing: int = Field(ge=0)


class _SideInputs(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    units: int = Field(ge=1, le=_MOST_OUTPUTS)
    columns: list[_SideColumn] = Field(min_length=1, max_length=_MOST_OUTPUTS)


class _Plan(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    format: int
    network: dict[str, Any]
    normalisation: str
    samplewise: str
    target: _Target
    outputs: int = Field(ge=1, le=_MOST_OUTPUTS)
    bands: list[str] = Field(min_length=1)
    stamp_shape: list[_Side] = Field(min_length=3, max_length=3)
    pixel_scale: float | None = None
    card: dict[str, Any]
    bands_from: list[list[str]] = Field(default_factory=list[list[str]])
    stamps: dict[str, Any] | None = None
    views: list[_View] = Field(min_length=1, max_length=_MOST_VIEWS)
    calibration: _Calibration | None
    training_range: _TrainingRange | None
    zero_points: list[Annotated[float, Field(allow_inf_nan=False)] | None]
    side: _SideInputs | None

    @model_validator(mode="after")
    def _require_fitting_lengths(self) -> _Plan:
        """One factor for each quantity; ranges of the properties of each band, and a zero point or none at all."""
        quantities, bands = len(self.target.columns), len(self.bands)
        if self.calibration is not None and {len(self.calibration.factors), len(self.calibration.uncertainties)} != {
            quantities
        }:
            raise ValueError(f"{len(self.calibration.factors)} factors of the error bars of {quantities} quantities")
        if self.training_range is not None and len(self.training_range.images) != bands * len(STATISTICS):
            raise ValueError(f"{len(self.training_range.images)} ranges of the images for {bands} bands")
        if len(self.zero_points) not in {0, bands}:
            raise ValueError(f"{len(self.zero_points)} zero points of {bands} bands")
        return self


def locate(network: Path | str) -> Path:
    """The file of a network: that of a run's best epoch or of an ensemble, of a base network, or the file itself.

    Raises
    ------
    UnreadableFile
        There is no base network of that name.
    """
    if base_networks.is_named(str(network)):
        return base_networks.find(str(network))
    path = Path(network).expanduser()
    return RunFolder(path).best if path.is_dir() else path


def read_plan(path: Path) -> dict[str, Any]:
    """Read the description of the network in a weights file, upgraded to the current format.

    Raises
    ------
    UnreadableFile
        The file is missing, damaged or not a network.
    WrongVersion
        A newer program wrote it.
    """
    import safetensors

    if not path.exists():
        raise UnreadableFile("There is no such weights file.", _REMEDY, str(path))
    with reading("The network in this file", path, _REMEDY):
        require_file(path)
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                header = (file.metadata() or {}).get(HEADER)
        except safetensors.SafetensorError as error:
            raise UnreadableFile(f"This is not a whole safetensors file ({error}).", _REMEDY, str(path)) from None
        if header is None:
            raise UnreadableFile("These weights were not written by this program.", _REMEDY, str(path))
        plan = json.loads(header)
        if format_of(plan["format"]) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this network.", "Update the program.", str(path))
        plan = upgrades.upgrade_predictor(plan)
        _Plan.model_validate(plan)
        NetworkSettings.model_validate(plan["network"])
        return plan
