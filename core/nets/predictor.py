"""A trained network with everything needed to use it, in one file.

The file is in the safetensors format (no code inside, unlike pickles): the weights, the input scaling, and as JSON
the network's settings, the names of its outputs and bands, and a card that describes its origin.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.recipe import StampRecipe
from core.data.target import Classes, NoAnswers, Quantities, Target
from core.errors import NotPossible, Problem
from core.nets import angles, cnn, encoding, heads, normalisation, side_inputs, stamp_check, temperature, weights_file
from core.nets.calibration import ErrorBarCalibration
from core.nets.cnn import CNN
from core.nets.combination import Doubt
from core.nets.device import arrange, full_precision
from core.nets.heads import OutputScale
from core.nets.normalisation import Normalisation
from core.nets.settings import NetworkSettings
from core.nets.side_inputs import SideInputs
from core.nets.temperature import Temperature
from core.nets.training_range import TrainingRange
from core.project.files import write_atomically
from core.project.runs import ENSEMBLE_FILE
from core.reading import reading

View = tuple[bool, int]
"""Whether a galaxy is mirrored left and right, and by how many quarter turns it is then turned."""
AS_IT_STANDS: View = (False, 0)


@dataclass
class Predictor:
    """Network, input scaling and names; always in evaluation mode and float32.

    Parameters
    ----------
    network
        Takes scaled images (n, C, H, W), gives outputs (n, K), of quantities components (n, J), see
        :mod:`core.nets.encoding`, or (n, 2J) where they have error bars.
    normalisation
        Scales physical images.
    target
        What the K outputs are.
    bands
        Names of the C bands, in their order.
    stamp_shape
        (C, H, W) of the training stamps.
    pixel_scale
        Median pixel scale of the training stamps in arcsec/pixel; NaN if unknown.
    output_scale
        For quantities: from the network's units to theirs.
    card
        Its origin: plain values for JSON.
    bands_from
        For each of its bands, the bands of the training data whose mean fed it, where they were chosen; else empty.
    stamps
        How the training stamps were made from files; None where that is not known.
    views
        The mirror images and quarter turns of a galaxy over which the scores are averaged.
    calibration
        What the error bars of quantities are multiplied by; None: they are as the network gives them.
    training_range
        The range of the training galaxies; None where it is not known.
    zero_points
        For each band, the magnitude of one unit of the training images' pixels; None where it is not known.
    temperature
        Of the probabilities of classes, kept beside the file; None: they are the network's own.
    notes
        What is to be said wherever the network is used, such as a temperature that belongs to other weights.
    side
        The catalogue columns that it takes beside the image; None: the image alone.
    """

    network: CNN
    normalisation: Normalisation
    target: Target
    bands: tuple[str, ...]
    stamp_shape: tuple[int, int, int]
    pixel_scale: float
    output_scale: OutputScale | None = None
    card: dict[str, Any] = field(default_factory=dict[str, Any])
    bands_from: tuple[tuple[str, ...], ...] = ()
    stamps: StampRecipe | None = None
    views: tuple[View, ...] = (AS_IT_STANDS,)
    calibration: ErrorBarCalibration | None = None
    training_range: TrainingRange | None = None
    zero_points: tuple[float | None, ...] = ()
    temperature: Temperature | None = None
    notes: tuple[Problem, ...] = ()
    side: SideInputs | None = None

    @property
    def output_names(self) -> tuple[str, ...]:
        """The K classes, questions or quantities, in the order of the scores."""
        return targets.outputs(self.target)

    @property
    def members(self) -> tuple[Predictor, ...]:
        """The single networks that answer together: this one alone, but for an ensemble."""
        return (self,)

    @property
    def member_temperatures(self) -> tuple[float | None, ...]:
        """Of an ensemble, the temperature of each of its networks, None where it is not calibrated; else empty."""
        return ()

    @property
    def causes_of_doubt(self) -> tuple[str, ...]:
        """Of an ensemble, what is known of its doubt, see :attr:`core.nets.combination.Doubt.causes`."""
        return ()

    def require_one(self) -> None:
        """Require that this is one network, and not several that answer together.

        Raises
        ------
        NotPossible
            It is an ensemble.
        """

    @property
    def has_error_bars(self) -> bool:
        """Whether the network predicts an error bar for each quantity."""
        return self.network.outputs > heads.output_count(self.target)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return self.normalisation.centre.device

    def logits(self, images: Tensor, beside: Tensor | None = None) -> Tensor:
        """The network's outputs for physical images (n, C, H, W), in true float32; differentiable in the images.

        ``beside`` are the values (n, S) of the catalogue for :attr:`side`, NaN where there is none.

        Raises
        ------
        NotPossible
            The network takes catalogue columns, and their values are not given.
        """
        scaled = self.normalisation(images.to(self.device, torch.float32))
        with full_precision(self.device):
            if self.side is None:
                return self.network(arrange(scaled))
            return self.network(
                arrange(scaled), self.side.scale(side_inputs.require(beside, self.side)).to(self.device)
            )

    def scores(self, images: Tensor, beside: Tensor | None = None) -> Tensor:
        """Probabilities, vote fractions or quantities in physical units, (n, K), averaged over the views."""
        return self.scores_and_error_bars(images, beside)[0]

    def scores_and_error_bars(self, images: Tensor, beside: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The scores (n, K), and the standard deviations (n, K) of quantities if the network predicts them.

        Both are averaged over the views of each galaxy, angles turned back before and logarithms as such; the standard
        deviations are then multiplied by the factors of the calibration, and those of logarithms by the values, see
        :mod:`core.data.encodings`.
        """
        return self.combine_views([self.logits(each, beside) for each in self.show_views(images)])

    def show_views(self, images: Tensor) -> list[Tensor]:
        """The images as each view shows them; of one shape, since quarter turns are of square stamps only."""
        return [
            torch.rot90(images.flip(3) if is_mirrored else images, turns, (2, 3)) for is_mirrored, turns in self.views
        ]

    def combine_views(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The scores and standard deviations from the outputs (n, J) or (n, 2J) for each view."""
        answers = [self._answer_view(each, view) for each, view in zip(outputs, self.views, strict=True)]
        errors = [each for _, each in answers if each is not None]
        scores = heads.join(self.target, torch.stack([each for each, _ in answers]).mean(0))
        if not errors:
            return scores if self.temperature is None else heads.temper(scores, self.temperature.value), None
        assert isinstance(self.target, Quantities)
        return scores, encoding.in_unit(self.target, scores, self._calibrate(torch.stack(errors).mean(0)))

    def answer(self, images: Tensor, beside: Tensor | None = None) -> tuple[Tensor, Tensor | None, Doubt | None]:
        """The scores and standard deviations, and of an ensemble what its doubt comes from."""
        return (*self.scores_and_error_bars(images, beside), None)

    def join(self, answers: Sequence[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None, Doubt | None]:
        """The answers of all its :attr:`members`, each scores (n, K) and standard deviations, as one."""
        return (*answers[0], None)

    def held(self, values: NDArray[np.float64]) -> Predictor:
        """The network of the image alone that this one is for a galaxy with these values (S,) of the catalogue.

        It answers, and is explained, as this one at those values; a network without such columns is itself.
        """
        if self.side is None:
            return self
        beside = self.side.scale(torch.from_numpy(values[None])).to(self.device)
        return replace(self, network=self.network.held(beside), side=None)

    def held_at_typical(self) -> Predictor:
        """The network of the image alone that this one is for a typical training galaxy."""
        return self if self.side is None else self.held(self.side.typical)

    def _calibrate(self, errors: Tensor) -> Tensor:
        return errors if self.calibration is None else errors * errors.new_tensor(self.calibration.factors)

    def _answer_view(self, outputs: Tensor, view: View) -> tuple[Tensor, Tensor | None]:
        """The components (n, J) that one view of the galaxies gives for them as they stand, and their error bars."""
        found = heads.components(self.target, outputs, self.output_scale)
        if not isinstance(self.target, Quantities):
            return found, None
        if self.target.angles and view != AS_IT_STANDS:
            found = angles.turn(self.target, found, _map_back(view))
        if self.output_scale is None or not self.has_error_bars:
            return found, None
        return found, heads.error_bars(self.target, outputs, self.output_scale)

    def to(self, device: torch.device | str) -> Predictor:
        """Move to a device, in place."""
        self.network.to(device)
        self.normalisation.to(device)
        if self.output_scale is not None:
            self.output_scale = self.output_scale.to(device)
        return self

    def check(self, bands: Sequence[str], shape: tuple[int, int, int], pixel_scale: float) -> list[Problem]:
        """Check whether the network can be used on stamps of these bands, shape (C, H, W) and scale.

        See :func:`core.nets.stamp_check.check`.
        """
        return stamp_check.check(self, bands, shape, pixel_scale)

    def compare_stamps(self, recipe: StampRecipe | None) -> list[Problem]:
        """How stamps made by this recipe differ from those of the training; nothing if either is not known."""
        return [] if self.stamps is None or recipe is None else self.stamps.differences(recipe)

    def save(self, path: Path) -> None:
        """Write the file, wholly or not at all."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"normalisation.{name}": value for name, value in self.normalisation.state_dict().items()}
        if self.output_scale is not None:
            tensors |= {"output.centre": self.output_scale.centre, "output.scale": self.output_scale.scale}
        plan = {
            "format": weights_file.FORMAT,
            "network": self.network.settings.model_dump(),
            "normalisation": self.normalisation.kind,
            "samplewise": self.normalisation.samplewise,
            "target": targets.to_dict(self.target),
            "outputs": self.network.outputs,
            "bands": list(self.bands),
            "stamp_shape": list(self.stamp_shape),
            "pixel_scale": self.pixel_scale if self.pixel_scale == self.pixel_scale else None,
            "card": self.card,
            "bands_from": [list(names) for names in self.bands_from],
            "stamps": None if self.stamps is None else self.stamps.to_dict(),
            "views": [list(view) for view in self.views],
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "training_range": None if self.training_range is None else self.training_range.to_dict(),
            "zero_points": list(self.zero_points),
            "side": None if self.side is None else self.side.to_dict(),
        }
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        write_atomically(path, safetensors.torch.save(tensors, {weights_file.HEADER: json.dumps(plan)}))

    @classmethod
    def load(cls, path: Path | str, device: torch.device | str = "cpu", *, needs_answers: bool = True) -> Predictor:
        """Load a file, also of an earlier format, the best weights of a run, an ensemble, or a base network.

        Parameters
        ----------
        path
            A weights file, the folder of a run or an ensemble, or ``base:`` and the name of a network of the program.
        device
            The device of the network.
        needs_answers
            Whether the network is asked for answers, and not for its weights or features only.

        Raises
        ------
        UnreadableFile
            It is missing, damaged or not a network.
        WrongVersion
            A newer program wrote it.
        NotPossible
            Answers are needed, and it has learned without labels.

        Examples
        --------
        >>> predictor = Predictor.load("runs/first")
        >>> predictor.output_names, predictor.stamp_shape
        (('disk', 'edge-on', 'spheroid'), (1, 24, 24))
        """
        path = weights_file.locate(path)
        if path.name == ENSEMBLE_FILE:
            from core.nets import ensemble  # which is built of single networks

            return ensemble.load(path, device)
        with reading("The network in this file", path):
            plan = weights_file.read_plan(path)
            loaded = _assemble(plan, _read_tensors(path))
        if needs_answers and isinstance(loaded.target, NoAnswers):
            raise NotPossible(
                "This network has learned from galaxies without labels, and has no answers to give.",
                "Fine-tune it on labelled galaxies: choose it in Train under “Start from”, or name it after "
                "--start-from.",
                str(path),
            )
        loaded._read_temperature(path)
        return loaded.to(device)

    def _read_temperature(self, path: Path) -> None:
        """Take the temperature that is kept beside the file, if it is one of these weights."""
        if not isinstance(self.target, Classes):
            return
        self.temperature, is_of_others = temperature.read(path)
        if is_of_others:
            self.notes = (
                Problem(
                    "The temperature of this run was fitted for other weights than it has now, and is not used.",
                    "Fit it again, or remove it.",
                    str(path.with_name(temperature.NAME)),
                ),
            )


def _map_back(view: View) -> Tensor:
    """The map (2, 2) in (x, y) from the pixels of a galaxy as it stands to those of a view of it."""
    is_mirrored, turns = view
    mirror = torch.diag(torch.tensor([-1.0 if is_mirrored else 1.0, 1.0]))
    quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # as rot90 turns an image whose row 0 is at the bottom
    return torch.linalg.matrix_power(quarter, turns) @ mirror


def _read_tensors(path: Path) -> dict[str, Tensor]:
    with safetensors.safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _assemble(plan: dict[str, Any], tensors: dict[str, Tensor]) -> Predictor:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    target = targets.from_dict(plan["target"])
    channels, height, width = plan["stamp_shape"]
    shape = (channels, height, width)
    side = None if plan["side"] is None else SideInputs.from_dict(plan["side"])
    settings, branch = NetworkSettings.model_validate(plan["network"]), None if side is None else side.branch
    network = cnn.build(settings, shape, plan["outputs"], side=branch)
    network.load_state_dict(part("network."))
    network.eval().requires_grad_(requires_grad=False)
    output = part("output.")
    calibration, training_range = plan["calibration"], plan["training_range"]
    return Predictor(
        network=network,
        normalisation=normalisation.restore(plan["normalisation"], plan["samplewise"], part("normalisation.")),
        target=target,
        bands=tuple(plan["bands"]),
        stamp_shape=shape,
        pixel_scale=float("nan") if plan["pixel_scale"] is None else plan["pixel_scale"],
        output_scale=OutputScale(**output) if output else None,
        card=plan["card"],
        bands_from=tuple(tuple(names) for names in plan["bands_from"]),
        stamps=None if plan["stamps"] is None else StampRecipe.from_dict(plan["stamps"]),
        views=tuple((bool(is_mirrored), int(turns)) for is_mirrored, turns in plan["views"]),
        calibration=None if calibration is None else ErrorBarCalibration.from_dict(calibration),
        training_range=None if training_range is None else TrainingRange.from_dict(training_range),
        zero_points=tuple(plan["zero_points"]),
        side=side,
    )
