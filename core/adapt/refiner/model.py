"""A trained refiner: its network with the scale of the stamps, as one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.adapt.refiner.guard import Guarded, guard
from core.adapt.refiner.networks import Refiner
from core.adapt.refiner.photometry import Photometry
from core.adapt.refiner.scaling import Scaling, change_in_noise
from core.adapt.refiner.settings import RefinerSettings
from core.errors import UnreadableFile, WrongVersion
from core.nets import device as devices
from core.project.files import write_atomically
from core.reading import format_of, reading, require_file
from core.train.randomness import numpy_generator

FORMAT = 1
_HEADER = "tuning_fork_refiner"
_REMEDY = "Choose the folder of a refiner."


@dataclass(eq=False)
class TrainedRefiner:
    """A refiner that can be used.

    Attributes
    ----------
    network
        In evaluation mode.
    settings
        With which it was trained: size, limits and seed.
    scaling
        Of the simulated stamps that it was trained on.
    bands
        Names of theirs.
    facts
        Of both datasets, see :class:`core.adapt.refiner.surveys.Surveys`.
    epoch
        After which its weights were kept.
    """

    network: Refiner
    settings: RefinerSettings
    scaling: Scaling
    bands: tuple[str, ...]
    facts: dict[str, Any]
    epoch: int

    @torch.inference_mode()
    def refine(self, light: Tensor, rows: Sequence[int]) -> Guarded:
        """Refine stamps (n, C, H, W) in units of the noise above the sky.

        Parameters
        ----------
        light
            The stamps.
        rows
            Their rows in the dataset, which decide the noise that each is given.

        Returns
        -------
        Guarded
            The changes in units of the noise, within the limits of photometric drift.
        """
        device = next(self.network.parameters()).device
        noise = draw_noise(self.settings, rows, light.shape[2:])
        with devices.full_precision(device):
            residual = self.network(torch.asinh(light).to(device), noise.to(device)).cpu()
        return guard(Photometry(light), change_in_noise(light, residual), self.settings)

    def save(self, path: Path) -> None:
        """Write the file, wholly or not at all."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        header = {
            "format": FORMAT,
            "settings": self.settings.model_dump(),
            "scaling": self.scaling.to_dict(),
            "bands": list(self.bands),
            "facts": self.facts,
            "epoch": self.epoch,
        }
        write_atomically(path, safetensors.torch.save(tensors, {_HEADER: json.dumps(header)}))

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> TrainedRefiner:
        """Load a file.

        Raises
        ------
        UnreadableFile
            It is missing, damaged or no refiner.
        WrongVersion
            A newer program wrote it.
        """
        if not path.exists():
            raise UnreadableFile("There is no trained refiner here.", _REMEDY, str(path))
        with reading("The refiner in this file", path, _REMEDY):
            require_file(path)
            with safetensors.safe_open(path, framework="pt") as file:
                header = (file.metadata() or {}).get(_HEADER)
                if header is None:
                    raise UnreadableFile("These weights are no refiner.", _REMEDY, str(path))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            values = json.loads(header)
            if format_of(values["format"]) > FORMAT:
                raise WrongVersion("A newer Tuning Fork wrote this refiner.", "Update the program.", str(path))
            settings = RefinerSettings.model_validate(values["settings"])
            bands = tuple(str(name) for name in values["bands"])
            network = Refiner(len(bands), settings)
            network.load_state_dict(tensors)
            network.eval().requires_grad_(requires_grad=False)
            scaling, facts = Scaling.from_dict(values["scaling"]), dict(values["facts"])
            return cls(network.to(device), settings, scaling, bands, facts, int(values["epoch"]))


def draw_noise(settings: RefinerSettings, rows: Sequence[int], size: Sequence[int]) -> Tensor:
    """The planes of noise (n, K, H, W) of galaxies: of the seed and the row, in whatever blocks they are refined."""
    shape = (settings.noise_planes, *size)
    drawn: list[NDArray[Any]] = [
        numpy_generator(settings.seed, "noise", row).standard_normal(shape, "float32") for row in rows
    ]
    return torch.stack([torch.from_numpy(each) for each in drawn]) if drawn else torch.empty(0, *shape)
