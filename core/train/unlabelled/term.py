"""What the training loop adds to its loss: a term of galaxies without labels, shown beside each labelled batch.

Labelled and unlabelled galaxies go through the network in one pass, as one batch. Where batch normalisation is used,
both are then normalised by the statistics that the finished network will have for both: with a pass for each survey,
each would be normalised by its own, and the difference that is to be unlearned would be hidden from the loss, and back
in every answer. Only the weak views of FixMatch are answered apart, in evaluation mode and without a gradient.

Where several processes train together, features and outputs are gathered, so that every process computes the term of
the whole batch; of this the gradients are summed, as those of the loss are.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.data.cutouts import Cutouts
from core.events import Scores, Work
from core.nets import normalisation
from core.train import distributed, nan_diagnosis
from core.train.augmentation.noise import lost_noise
from core.train.augmentation.pipeline import augment
from core.train.augmentation.settings import AugmentationSettings
from core.train.batches import Rows, open_images
from core.train.forward import as_input, epoch_batches, forward_batch, pass_through, vary
from core.train.plan import TrainingPlan
from core.train.randomness import torch_generator
from core.train.unlabelled import coral, dann, fixmatch, mcc, mmd, views
from core.train.unlabelled.galaxies import LabelledPart
from core.train.unlabelled.images import UnlabelledBatches
from core.train.unlabelled.settings import UnlabelledMethod

LOSS, CONFIDENT, TOLD_APART = "unlabelled_loss", "unlabelled_confident", "surveys_told_apart"
_WEIGHTS: Mapping[UnlabelledMethod, float] = {"coral": 300.0}
_PER_LABELLED: Mapping[UnlabelledMethod, int] = {"fixmatch": 5}
_SAMPLE = 512  # stamps, to measure their noise


class UnlabelledTerm:
    """The term of one training.

    Parameters
    ----------
    plan
        Of the training.
    rows
        Of the galaxies that are shown, in their dataset.
    part
        The validation part of that dataset, if it has labels.

    Attributes
    ----------
    discriminator
        Of DANN; its weights belong into a checkpoint. None: of the other methods.
    """

    def __init__(self, plan: TrainingPlan, rows: Rows, part: LabelledPart | None = None) -> None:
        self.rows, self.part = rows, part
        self.settings = plan.settings.unlabelled
        self.discriminator: dann.Discriminator | None = None
        if self.settings.method == "dann":
            random = torch_generator(plan.settings.seed, "discriminator")
            features = plan.predictor.network.head.get_submodule("output").in_features
            assert isinstance(features, int)
            self.discriminator = dann.Discriminator(features, random).to(plan.device)
        self._cutouts: Cutouts | None = None
        self._batches: UnlabelledBatches | None = None
        self._lost: Tensor | None = None
        self._features: list[Tensor] = []
        self._sizes: tuple[int, list[int]] = (0, [])
        self._sums = {LOSS: 0.0, "share": 0.0, "batches": 0.0}

    @property
    def weight(self) -> float:
        """Of the term, beside the loss of the labelled galaxies."""
        return _WEIGHTS.get(self.settings.method, 1.0) if self.settings.weight is None else self.settings.weight

    @property
    def per_labelled(self) -> int:
        """Galaxies for each labelled one."""
        return self.settings.per_labelled or _PER_LABELLED.get(self.settings.method, 1)

    def join(self, optimiser: torch.optim.Optimizer) -> None:
        """Have the optimiser train the discriminator, too, with whose state its own is then saved."""
        if self.discriminator is None:
            return
        for parameter in self.discriminator.parameters():  # each process has the whole gradient already
            parameter.register_hook(lambda gradient: gradient / distributed.world_size())
        optimiser.add_param_group({"params": list(self.discriminator.parameters())})

    def state(self) -> dict[str, Tensor]:
        """What belongs into a checkpoint; empty for all but DANN."""
        return {} if self.discriminator is None else self.discriminator.state_dict()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from the state of a run that is resumed."""
        if self.discriminator is not None:
            self.discriminator.load_state_dict(dict(state))

    def end_epoch(self, scores: Scores) -> Scores:
        """The scores of an epoch's training with the means of this term, which begin anew.

        Raises
        ------
        DatasetReplaced
            The file of the galaxies is no longer the one that was opened.
        """
        if self._cutouts is not None:
            self._cutouts.require_unchanged()
        count = max(self._sums["batches"], 1.0)
        found = {LOSS: self._sums[LOSS] / count}
        if self.settings.method in {"fixmatch", "dann"}:
            found[CONFIDENT if self.settings.method == "fixmatch" else TOLD_APART] = self._sums["share"] / count
        self._sums = dict.fromkeys(self._sums, 0.0)
        return Scores(scores.loss, {**scores.values, **found})

    def open_images(self, plan: TrainingPlan, cutouts: Cutouts, stop: threading.Event) -> Work[None]:
        """Read the galaxies into memory if they fit, or prepare to stream them; measure their noise."""
        scaling, self._cutouts = self._scaling_on_read(plan), cutouts
        some = self.rows[np.unique(np.linspace(0, len(self.rows) - 1, min(len(self.rows), _SAMPLE)).astype(np.int64))]
        self._lost = lost_noise(scaling(torch.from_numpy(cutouts.images[some]).to(plan.device)))
        images = yield from open_images(cutouts, self.rows, scaling, plan.device, stop)
        self._batches = UnlabelledBatches(images, self.rows, plan.settings.seed, plan.stamp_bytes)

    def close(self) -> None:
        """Close files and end threads."""
        if self._batches is not None:
            self._batches.close()

    def step(self, plan: TrainingPlan, stamps: Tensor, epoch: int, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """One step: the augmented labelled batch, its outputs (n, K), and this term, weighted.

        Parameters
        ----------
        plan
            Of the training.
        stamps
            The labelled galaxies (n, C, H, W), as they are read.
        epoch, batch
            Both count from 1.

        Raises
        ------
        NotANumber
            The term is not finite.
        """
        varied, count = vary(plan, stamps, epoch, batch), len(stamps)
        rows, others = self._take(plan, stamps, epoch, batch)
        if self.settings.method == "fixmatch":
            settings = _without_swapped_labels(plan)
            shown = self._vary(plan, others, views.strong_view(settings), (epoch, batch, 1), hides=True)
            weak = self._vary(plan, others, views.weak_view(settings), (epoch, batch, 2))
            outputs = pass_through(plan, (torch.cat([varied, shown]),), epoch, batch)
            value, found = fixmatch.loss(outputs[count:].float(), _answer(plan, weak), self.settings.confidence)
        else:
            shown = self._vary(plan, others, plan.settings.augmentation, (epoch, batch))
            with self._watch_features(plan):
                outputs = pass_through(plan, (torch.cat([varied, shown]),), epoch, batch)
            value, found = self._compare(outputs, count, self._done(plan, epoch, batch))
        number = float(value.detach())
        if not math.isfinite(number):
            raise nan_diagnosis.diagnose(plan, f"epoch {epoch}, batch {batch}, galaxies without labels", shown, rows)
        self._sums[LOSS] += number
        self._sums["share"] += 0.0 if found is None else float(found.float().mean())
        self._sums["batches"] += 1
        return varied, outputs[:count], self.weight * value

    def _compare(self, outputs: Tensor, count: int, done: float) -> tuple[Tensor, Tensor | None]:
        """The term of the methods for two surveys, of which ``count`` galaxies come first."""
        if self.settings.method == "mcc":
            return mcc.loss(outputs[count:].float()), None
        features = distributed.gather(self._features.pop(), len(outputs)).float()
        source, target = features[:count], features[count:]
        if self.settings.method == "coral":
            return coral.loss(source, target), None
        if self.settings.method == "mmd":
            return mmd.loss(source, target), None
        assert self.discriminator is not None
        return dann.loss(self.discriminator, source, target, dann.strength_at(done))

    @contextlib.contextmanager
    def _watch_features(self, plan: TrainingPlan) -> Iterator[None]:
        """Keep the features (n, d) that the last layer gets, before dropout, while the block is executed."""

        def keep(_module: nn.Module, inputs: tuple[Tensor]) -> None:
            self._features = [inputs[0]]

        handle = plan.predictor.network.head.get_submodule("dropout").register_forward_pre_hook(keep)
        try:
            yield
        finally:
            handle.remove()

    def _take(self, plan: TrainingPlan, stamps: Tensor, epoch: int, batch: int) -> tuple[Rows, Tensor]:
        if self._batches is None:  # a rehearsal: the labelled galaxies stand for them
            return np.zeros(0, np.int64), stamps.repeat(self.per_labelled, 1, 1, 1)
        if self._sizes[0] != epoch:
            labelled = [len(each) for pool in epoch_batches(plan, epoch) for each in pool]
            self._sizes = epoch, [self.per_labelled * each for each in labelled]
        return self._batches.take(epoch, batch, self._sizes[1])

    def _done(self, plan: TrainingPlan, epoch: int, batch: int) -> float:
        """The share of the training that is done."""
        batches = max(len(self._sizes[1]), 1)
        return (epoch - 1 + (batch - 1) / batches) / plan.settings.optimiser.epochs

    def _vary(
        self,
        plan: TrainingPlan,
        stamps: Tensor,
        settings: AugmentationSettings,
        place: tuple[int, ...],
        *,
        hides: bool = False,
    ) -> Tensor:
        """Augment galaxies (m, C, H, W) without labels; the random numbers are a function of the place in the run."""
        random = torch_generator(plan.settings.seed, "unlabelled", *place)
        scaling = plan.predictor.normalisation if self._scales_per_batch(plan) else None
        parts = stamps.split(max(len(stamps) // self.per_labelled, 1))  # the pool of noise is for so many
        varied = torch.cat([augment(part, settings, random, plan.noise, self._lost, scaling) for part in parts])
        return as_input(plan, views.hide_squares(varied, random) if hides else varied)

    def _scales_per_batch(self, plan: TrainingPlan) -> bool:
        """Whether the input scaling follows the augmentation: as for the labelled ones, and for the strong views."""
        return plan.scales_per_batch or self.settings.method == "fixmatch"

    def _scaling_on_read(self, plan: TrainingPlan) -> normalisation.Normalisation:
        if self._scales_per_batch(plan):
            return normalisation.identity(plan.predictor.stamp_shape[0]).to(plan.device)
        return plan.predictor.normalisation


def forward(
    plan: TrainingPlan, rows: Rows, stamps: Tensor, epoch: int, batch: int
) -> tuple[Tensor, Tensor, Tensor | float]:
    """A batch of labelled galaxies (n, C, H, W), augmented, its outputs (n, K), and what is added to its loss."""
    if plan.unlabelled is None:
        return (*forward_batch(plan, rows, stamps, epoch, batch), 0.0)
    return plan.unlabelled.step(plan, stamps, epoch, batch)


def _without_swapped_labels(plan: TrainingPlan) -> AugmentationSettings:
    """The augmentation of the run; where a mirror image has another label, without mirroring."""
    settings = plan.settings.augmentation
    if plan.mirror is None:
        return settings
    return settings.model_copy(update={"horizontal_flip": False, "vertical_flip": False})


@torch.no_grad()
def _answer(plan: TrainingPlan, inputs: Tensor) -> Tensor:
    """The outputs (m, K) of the network that is validated and kept, in evaluation mode."""
    network = plan.answering.network
    is_trained, own = network.training, distributed.own_slice(len(inputs))
    network.eval()
    with torch.autocast(plan.device.type, plan.precision, enabled=plan.precision != torch.float32):
        outputs = network(inputs[own])
    network.train(is_trained)
    return distributed.gather(outputs.float(), len(inputs))
