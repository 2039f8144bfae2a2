"""Training of a refiner: the refiner alone, the discriminator alone, then both in turns; held-out galaxies are tested.

All random numbers of a step are a function of the seed and the step's number, so that a training that was interrupted
goes on as if it had not been.

References
----------
Shrivastava et al. 2017, CVPR, arXiv:1612.07828, algorithm 1.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.adapt.domain_distance import TwoSampleTest
from core.adapt.refiner import losses
from core.adapt.refiner.folder import Checkpoint, RefinerEpoch, RefinerFolder, RefinerResult
from core.adapt.refiner.guard import DriftLine, Guarded, summarise
from core.adapt.refiner.history_buffer import HistoryBuffer
from core.adapt.refiner.model import TrainedRefiner
from core.adapt.refiner.networks import Discriminator, Refiner
from core.adapt.refiner.photometry import Ellipses, Photometry
from core.adapt.refiner.scaling import change_in_noise
from core.adapt.refiner.settings import RefinerSettings
from core.adapt.refiner.surveys import Surveys, read_surveys
from core.adapt.refiner.two_sample import compare_populations, compare_stamps
from core.errors import NotANumber, Stopped
from core.events import NEVER, Preview, Progress, Skipped, Work
from core.nets import device as devices
from core.project.unbegun import nothing_left_behind
from core.train.cores import SharedCores
from core.train.environment import reproducible_training
from core.train.randomness import numpy_generator, torch_generator, torch_seed

SHOWN = 10  # galaxies of a preview
_BLOCK = 64  # galaxies that are refined at once
_BETAS = (0.5, 0.999)
_ALONE, _TURNS = 0, 1  # stages, for the random numbers


@dataclass(frozen=True, eq=False)
class RefinedPreview:
    """Some held-out galaxies after an epoch, beside real ones.

    Attributes
    ----------
    numbers
        Of the epoch.
    simulated, refined, real
        Stamps (n, C, H, W) in units of the target's noise; a refined one belongs to the simulated one.
    drift
        Of the held-out galaxies, as :func:`core.adapt.refiner.guard.summarise` gives it.
    """

    numbers: RefinerEpoch
    simulated: NDArray[np.float32]
    refined: NDArray[np.float32]
    real: NDArray[np.float32]
    drift: list[DriftLine]

    @property
    def sentence(self) -> str:
        """The epoch as a line."""
        return self.numbers.sentence


def run(
    settings: RefinerSettings, simulated: Path, real: Path, folder: Path, stop: threading.Event = NEVER
) -> Work[RefinerResult]:
    """Train a refiner, or go on with the one in the folder.

    Yields :class:`~core.events.Progress`, and a :class:`~core.events.Preview` of a :class:`RefinedPreview` after each
    epoch.

    Parameters
    ----------
    settings
        Of the refiner; those of one that goes on must be the same, but more epochs may be asked for.
    simulated, real
        The datasets.
    folder
        New, or of a refiner that was interrupted.
    stop
        Ends the training; the best weights so far are then tested as those of a whole training are.

    Raises
    ------
    Problem
        The datasets or the device do not allow it, see :func:`core.adapt.refiner.surveys.read_surveys`.
    Stopped
        ``stop`` was set before the first epoch was done.
    """
    home = RefinerFolder(folder)
    with (
        home.lock(),
        nothing_left_behind(folder, lambda: home.has_whole_epoch),
        reproducible_training(settings.batch_size),
    ):
        surveys = yield from read_surveys(settings, simulated, real, stop)
        for remark in surveys.remarks:
            yield Skipped(remark)
        home.begin(settings, surveys.facts)
        trainer = _Trainer(settings, surveys)
        earlier = home.load()
        history = [] if earlier is None else earlier.history
        if earlier is None:
            before = _test(settings, surveys.simulated["validation"], surveys.real["validation"])
            nan = math.nan
            first = RefinerEpoch(0, nan, nan, nan, nan, before.accuracy, before.error, 1.0, 0.0)
            history.append(first)
            yield Preview(_preview(trainer, first, None))
            yield from trainer.warm_up(stop)
        else:
            trainer.restore(earlier.tensors)
        reason = "finished"
        for epoch in range(len(history), settings.epochs + 1):
            if stop.is_set() or not (means := (yield from trainer.train_epoch(epoch, stop))):
                reason = "stopped"
                break
            yield from _end_epoch(trainer, home, history, epoch, means)
        if len(history) == 1:
            raise Stopped
        return _finish(trainer, home, history, reason)


def _end_epoch(
    trainer: _Trainer, home: RefinerFolder, history: list[RefinerEpoch], epoch: int, means: dict[str, float]
) -> Work[None]:
    """Test the validation part, and save the epoch."""
    settings, surveys = trainer.settings, trainer.surveys
    started = time.perf_counter()
    guarded = refine_all(trainer.trained(epoch), surveys.simulated["validation"])
    tested = _test(settings, surveys.simulated["validation"] + guarded.change, surveys.real["validation"])
    seconds = means.pop("seconds") + time.perf_counter() - started
    within = float((guarded.share == 1).float().mean())
    ended = RefinerEpoch(epoch, **means, accuracy=tested.accuracy, error=tested.error, within=within, seconds=seconds)
    history.append(ended)
    if best_epoch(history) == epoch:
        trainer.trained(epoch).save(home.best)
    home.save(Checkpoint(trainer.tensors(), history), surveys.facts)
    yield Preview(_preview(trainer, ended, guarded))


def best_epoch(history: list[RefinerEpoch]) -> int:
    """The epoch with the lowest accuracy of the two-sample test on the validation part, the later one of equals."""
    return min((each.accuracy, -each.epoch) for each in history if each.epoch)[1] * -1


def _finish(trainer: _Trainer, home: RefinerFolder, history: list[RefinerEpoch], reason: str) -> RefinerResult:
    """Test the best weights on galaxies that nothing was chosen by."""
    settings, surveys = trainer.settings, trainer.surveys
    best = TrainedRefiner.load(home.best, trainer.device)
    simulated, real = surveys.simulated["test"], surveys.real["test"]
    guarded = refine_all(best, simulated)
    result = RefinerResult(
        reason,
        best.epoch,
        history[-1].epoch,
        _test(settings, simulated, real),
        _test(settings, simulated + guarded.change, real),
        compare_populations(simulated, real, settings.seed),
        summarise(guarded.drift, settings),
        len(simulated),
        int((guarded.share == 1).sum()),
    )
    home.write_result(result)
    return result


def refine_all(refiner: TrainedRefiner, light: Tensor) -> Guarded:
    """Refine held-out stamps (n, C, H, W) in blocks."""
    blocks = [
        refiner.refine(light[begin : begin + _BLOCK], range(begin, min(begin + _BLOCK, len(light))))
        for begin in range(0, len(light), _BLOCK)
    ]
    return Guarded.join(blocks)


def _test(settings: RefinerSettings, refined: Tensor, real: Tensor) -> TwoSampleTest:
    return compare_stamps(refined, real, settings.seed)


def _preview(trainer: _Trainer, numbers: RefinerEpoch, guarded: Guarded | None) -> RefinedPreview:
    light, real = trainer.surveys.simulated["validation"][:SHOWN], trainer.surveys.real["validation"][:SHOWN]
    refined = light if guarded is None else light + guarded.change[:SHOWN]
    drift = [] if guarded is None else summarise(guarded.drift, trainer.settings)
    return RefinedPreview(numbers, light.numpy(), refined.numpy(), real.numpy(), drift)


class _Trainer:
    """Both networks with their optimisers and the history of refined stamps."""

    def __init__(self, settings: RefinerSettings, surveys: Surveys) -> None:
        self.settings, self.surveys = settings, surveys
        self.device = devices.choose(settings.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(settings.seed, "weights"))
            self.refiner = Refiner(len(surveys.bands), settings).to(self.device)
            self.discriminator = Discriminator(len(surveys.bands), settings).to(self.device)
        fastest = devices.precision("auto", self.device)
        self._precision = torch.float32 if fastest == torch.float16 else fastest  # whose gradients would vanish
        self._optimisers = {
            "refiner_optimiser": torch.optim.Adam(self.refiner.parameters(), settings.refiner_rate, _BETAS),
            "discriminator_optimiser": torch.optim.Adam(
                self.discriminator.parameters(), settings.discriminator_rate, _BETAS
            ),
        }
        self._cores = SharedCores.of(self.device)
        self._buffer = HistoryBuffer(settings.history)
        self._ellipses = _fit_ellipses(surveys.simulated["train"])

    # -- steps -----------------------------------------------------------------------------------------------------

    def warm_up(self, stop: threading.Event) -> Work[None]:
        """Train the refiner alone, to leave stamps as they are, and then the discriminator alone."""
        settings = self.settings
        steps = settings.refiner_alone + settings.discriminator_alone
        for step in range(steps):
            if stop.is_set():
                raise Stopped
            yield Progress(step, steps, "steps alone")
            random, noise = self._randomness(_ALONE, 0, step)
            if step < settings.refiner_alone:
                self._step_refiner(random, noise, is_adversarial=False)
            else:
                self._step_discriminator(random, noise)
            yield from self._share_cores(f"step {step + 1} alone")

    def train_epoch(self, epoch: int, stop: threading.Event) -> Work[dict[str, float]]:
        """Train both in turns; gives mean losses, or nothing if it was stopped."""
        settings, started = self.settings, time.perf_counter()
        sums: dict[str, list[float]] = {}
        for step in range(settings.steps):
            if stop.is_set():
                return {}
            yield Progress((epoch - 1) * settings.steps + step, settings.epochs * settings.steps, "steps")
            random, noise = self._randomness(_TURNS, epoch, step)
            found = self._step_refiner(random, noise)
            for _ in range(settings.discriminator_updates):
                found["discriminator"] = self._step_discriminator(random, noise)
            for name, value in found.items():
                if not math.isfinite(value):
                    raise NotANumber(
                        "The loss is no longer a number.",
                        "Train with a smaller learning rate, or a stronger self-regularisation.",
                        f"epoch {epoch}, step {step + 1}",
                    )
                sums.setdefault(name, []).append(value)
            yield from self._share_cores(f"step {step + 1} of epoch {epoch}")
        return {name: float(np.mean(values)) for name, values in sums.items()} | {
            "seconds": time.perf_counter() - started
        }

    def _share_cores(self, after: str) -> Work[None]:
        if (notice := self._cores.share(after)) is not None:
            yield Skipped(notice)

    def _step_refiner(
        self, random: np.random.Generator, noise: torch.Generator, *, is_adversarial: bool = True
    ) -> dict[str, float]:
        settings = self.settings
        rows, light = self._take("simulated", random)
        residual = self._residual(light, noise)
        regularisation = losses.self_regularisation(residual)
        change = change_in_noise(light, residual)
        penalty = losses.photometric_penalty(light, change, self._ellipses_of(rows), settings)
        loss = settings.regularisation * regularisation + settings.photometry * penalty
        adversarial = loss.new_zeros(())
        if is_adversarial:
            judged = self._run(self.discriminator, _turn(torch.asinh(light) + residual, random))
            adversarial = losses.refiner_adversarial(judged)
            loss = loss + adversarial
        else:
            loss = loss + regularisation  # whatever its strength: at first it learns nothing else
        self._update("refiner_optimiser", loss)
        return {
            "refiner": adversarial.item(),
            "regularisation": regularisation.item(),
            "photometry": penalty.item(),
        }

    def _step_discriminator(self, random: np.random.Generator, noise: torch.Generator) -> float:
        _, light = self._take("simulated", random)
        _, real = self._take("real", random)
        with torch.no_grad():
            refined = torch.asinh(light) + self._residual(light, noise)
        mixed = _turn(self._buffer.mix(refined, random), random)
        real = _turn(torch.asinh(real), random)
        loss = losses.discriminator_loss(self._run(self.discriminator, mixed), self._run(self.discriminator, real))
        self._update("discriminator_optimiser", loss)
        return loss.item()

    def _update(self, name: str, loss: Tensor) -> None:
        self._optimisers[name].zero_grad(set_to_none=True)
        loss.backward()
        self._optimisers[name].step()

    def _residual(self, light: Tensor, noise: torch.Generator) -> Tensor:
        shape = (len(light), self.settings.noise_planes, *light.shape[2:])
        return self._run(self.refiner, torch.asinh(light), torch.randn(shape, generator=noise).to(self.device))

    def _run(self, network: nn.Module, *inputs: Tensor) -> Tensor:
        """The output of a network, in the fastest precision that the device trains in."""
        with torch.autocast(self.device.type, self._precision, enabled=self._precision != torch.float32):
            return network(*inputs).float()

    def _take(self, which: str, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Places and stamps of a random batch of the training part."""
        stamps = getattr(self.surveys, which)["train"]
        rows = torch.from_numpy(random.integers(len(stamps), size=self.settings.batch_size))
        return rows, stamps[rows].to(self.device)

    def _ellipses_of(self, rows: Tensor) -> Ellipses:
        chosen = self._ellipses.at(rows)
        parts = (chosen.x, chosen.y, chosen.xx, chosen.yy, chosen.xy)
        return Ellipses(*(part.to(self.device, torch.float32) for part in parts))

    def _randomness(self, stage: int, epoch: int, step: int) -> tuple[np.random.Generator, torch.Generator]:
        seed = self.settings.seed
        return numpy_generator(seed, "order", stage, epoch, step), torch_generator(
            seed, "augmentation", stage, epoch, step
        )

    # -- state -----------------------------------------------------------------------------------------------------

    def trained(self, epoch: int) -> TrainedRefiner:
        """The refiner as it is now."""
        surveys = self.surveys
        return TrainedRefiner(self.refiner, self.settings, surveys.scaling, surveys.bands, surveys.facts, epoch)

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to go on, by name."""
        found = {
            f"{prefix}.{name}": value
            for prefix, network in self._networks()
            for name, value in network.state_dict().items()
        }
        for prefix, optimiser in self._optimisers.items():
            for number, state in optimiser.state_dict()["state"].items():
                found |= {f"{prefix}.{number}.{name}": value for name, value in state.items()}
        if len(self._buffer):
            found["buffer"] = self._buffer.stamps()
        return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what :meth:`tensors` gave."""

        def part(prefix: str) -> dict[str, Tensor]:
            inside = f"{prefix}."
            return {name.removeprefix(inside): value for name, value in tensors.items() if name.startswith(inside)}

        for prefix, network in self._networks():
            network.load_state_dict(part(prefix))
        for prefix, optimiser in self._optimisers.items():
            states: dict[int, dict[str, Tensor]] = {}
            for key, value in part(prefix).items():
                number, name = key.split(".", 1)
                states.setdefault(int(number), {})[name] = value
            optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
        self._buffer = HistoryBuffer(self.settings.history, tensors.get("buffer"))

    def _networks(self) -> Iterator[tuple[str, nn.Module]]:
        yield "refiner", self.refiner
        yield "discriminator", self.discriminator


def _fit_ellipses(light: Tensor) -> Ellipses:
    """The ellipses of stamps (n, C, H, W), found in blocks."""
    return Ellipses.join([Photometry(block).ellipses for block in light.split(_BLOCK)])


def _turn(scaled: Tensor, random: np.random.Generator) -> Tensor:
    """A batch as it is seen from another side: one of the eight symmetries of a square, where it is one."""
    scaled = scaled.flip(3) if random.random() < 0.5 else scaled
    turns = int(random.integers(4))
    return torch.rot90(scaled, turns if scaled.shape[2] == scaled.shape[3] else 2 * (turns // 2), (2, 3))
