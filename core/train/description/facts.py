"""What is known of a run, read from its folder."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import split as splits
from core.data import target as targets
from core.data.recipe import StampRecipe
from core.data.target import Classes, NoAnswers, Target
from core.errors import NotPossible, Problem
from core.metrics import judged_labels, kept_decision
from core.metrics.answering import Answering
from core.metrics.decision import MOST_PROBABLE, Decision
from core.metrics.judged_on import JudgedOn
from core.nets import temperature, weights_file
from core.nets.temperature import Temperature
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.reading import is_there, read_toml
from core.settings import toml
from core.train import batch_size
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from core.nets.side_inputs import SideInputs

_RECORD = "The record of this run's environment"


@dataclass(frozen=True)
class RunFacts:
    """A run as its folder tells of it.

    Attributes
    ----------
    name
        Of the run.
    settings
        With which it was trained.
    metrics
        Its numbers, part by part, as ``metrics.json`` keeps them.
    environment
        Versions and machine; empty: not recorded.
    plan
        The description of the network in its weights file.
    split_seed, split_rule
        How the parts were drawn; None and empty: not recorded.
    largest_rate
        The largest learning rate of an epoch; NaN: not recorded.
    seconds
        Of all epochs together; 0: not recorded.
    has_onnx
        Whether an ONNX file and a script lie beside the card.
    temperature
        Of the probabilities; None: they are the network's own.
    decision
        How classes follow from probabilities, kept with the run.
    judged
        Over which galaxies and labels the numbers of each part are, as far as that is known.
    """

    name: str
    settings: RunSettings
    metrics: Mapping[str, Any]
    environment: Mapping[str, Any]
    plan: Mapping[str, Any]
    split_seed: int | None = None
    split_rule: str = ""
    largest_rate: float = math.nan
    seconds: float = 0.0
    has_onnx: bool = False
    temperature: Temperature | None = None
    decision: Decision = MOST_PROBABLE
    judged: Mapping[str, JudgedOn] = field(default_factory=dict[str, JudgedOn])

    @property
    def target(self) -> Target:
        """What is predicted."""
        return targets.from_dict(dict(self.plan["target"]))

    @property
    def has_answers(self) -> bool:
        """Whether it predicts anything, rather than being first weights for a fine-tuning."""
        return not isinstance(self.target, NoAnswers)

    @property
    def galaxies(self) -> Mapping[str, int]:
        """The number in each part."""
        return (self.metrics.get("data") or {}).get("galaxies") or {}

    @property
    def batch(self) -> int:
        """Galaxies per step."""
        return batch_size.choose(self.settings.optimiser.batch_size, self.galaxies.get("training", 0))

    @property
    def beside(self) -> SideInputs | None:
        """The catalogue columns beside the image; None: the image alone."""
        from core.nets.side_inputs import SideInputs  # late: it imports torch

        side = self.plan["side"]
        return None if side is None else SideInputs.from_dict(side)

    def remark_on(self, values: Mapping[str, Any]) -> str:
        """How the classes behind numbers were decided, and warnings if the run does so otherwise, or has other labels.

        Parameters
        ----------
        values
            The numbers of one of its parts, or on another dataset.
        """
        said: list[str] = []
        if (then := Answering.noted(values)) is not None:
            now = Answering(self.decision.text, None if self.temperature is None else self.temperature.value)
            said += [then.sentence, now.remark_on(values)]
        said += [found.remark for part, found in self.judged.items() if self.metrics.get(part) is values]
        return " ".join(filter(None, said))

    @property
    def recipe(self) -> StampRecipe | None:
        """How the stamps were made; None: not known."""
        stamps = self.plan["stamps"]
        return None if stamps is None else StampRecipe.from_dict(stamps)


def read_facts(folder: RunFolder) -> RunFacts:
    """Read what is known of a run; what an earlier version did not record is left out.

    Raises
    ------
    NotPossible
        It is an ensemble, whose runs are described one by one.
    UnreadableFile, WrongVersion
        Its settings, numbers or weights cannot be read.
    """
    if folder.is_ensemble:
        raise NotPossible(
            f"“{folder.title}” are several networks together, and reports, model cards and methods are of one run.",
            "Choose one of the runs that it consists of; how they answer together is told in Evaluate.",
        )
    environment = read_toml(folder.environment_file, _RECORD) if is_there(folder.environment_file) else {}
    seed, rule = _read_rule(folder.split_file)
    history = read_history(folder.history_file) if is_there(folder.history_file) else []
    plan = weights_file.read_plan(folder.best)
    target = targets.from_dict(dict(plan["target"]))
    return RunFacts(
        name=folder.title,
        settings=toml.load(RunSettings, folder.settings_file),
        metrics=read_metrics(folder.metrics_file),
        environment=environment,
        plan=plan,
        split_seed=seed,
        split_rule=rule,
        largest_rate=max((row["learning_rate"] for row in history), default=math.nan),
        seconds=sum(row.get("seconds", 0.0) for row in history),
        temperature=temperature.read(folder.best)[0],
        decision=kept_decision.read(folder.decision_file, target.names)
        if isinstance(target, Classes)
        else MOST_PROBABLE,
        judged=judged_labels.find_all(folder),
    )


def _read_rule(path: Path) -> tuple[int | None, str]:
    """Seed and rule of the split; None and empty where they were not kept."""
    with contextlib.suppress(Problem, OSError):
        return splits.read_rule(path)
    return None, ""
