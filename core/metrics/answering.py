"""How a run answers: by which decision and at which temperatures; when it was evaluated, and now.

Numbers are noted with what gave them. Where a decision or a temperature has been chosen, removed or fitted anew since,
the numbers are those of other answers than the run gives today, and whoever shows them says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Problem
from core.metrics import kept_decision
from core.metrics.decision import MOST_PROBABLE
from core.nets import temperature
from core.project import ensembles
from core.project.runs import RunFolder
from core.reading import is_there

EVALUATE_AGAIN = "evaluate it again before you use these numbers."


@dataclass(frozen=True)
class Answering:
    """By which decision and at which temperatures a run answers.

    Attributes
    ----------
    decision
        As text.
    temperature
        Of its probabilities; None: they are its own.
    members
        Of an ensemble, the temperature of each of its networks, or None; empty for a single network.
    """

    decision: str
    temperature: float | None = None
    members: tuple[float | None, ...] = ()

    @classmethod
    def noted(cls, values: Mapping[str, Any]) -> Answering | None:
        """What is noted with the numbers of a part, as ``metrics.json`` keeps them; None: nothing."""
        decision = values.get("decision")
        if not decision:
            return None
        return cls(
            decision, (values.get("temperature") or {}).get("value"), tuple(values.get("member_temperatures") or ())
        )

    @classmethod
    def of_run(cls, folder: RunFolder) -> Answering:
        """What is kept with a run now; what cannot be read counts as not there. Weights may have to be read for it."""
        decision, members = MOST_PROBABLE.text, ()
        with contextlib.suppress(Problem):
            if is_there(folder.decision_file):
                decision = kept_decision.parse(folder.decision_file).text
        with contextlib.suppress(Problem):
            if folder.is_ensemble:
                members = tuple(_kept(run.best) for run in ensembles.read(folder.ensemble_file).members)
        return cls(decision, _kept(folder.best), members)

    @property
    def sentence(self) -> str:
        """In words.

        Examples
        --------
        >>> Answering("most probable class", 0.87).sentence
        'Decision: most probable class; probabilities at temperature 0.87.'
        >>> Answering("most probable class", None, (0.87, None)).sentence
        "Decision: most probable class; the mean of its networks' probabilities, these at temperatures 0.87, 1."
        """
        at = "" if self.temperature is None else f" at temperature {self.temperature:.3g}"
        if not self.members:
            own = f"probabilities{at}" if at else "the network's own probabilities"
            return f"Decision: {self.decision}; {own}."
        said = f"Decision: {self.decision}; the mean of its networks' probabilities{at}"
        if any(value is not None for value in self.members):
            listed = ", ".join("1" if value is None else f"{value:.3g}" for value in self.members)
            return f"{said}, these at temperatures {listed}."
        return f"{said}."

    def remark_on(self, values: Mapping[str, Any]) -> str:
        """A warning where the numbers of a part are of other answers than a run gives that answers like this.

        Empty where they are of the same, and where nothing was noted with them.
        """
        then = Answering.noted(values)
        if then is None or then == self:
            return ""
        if self.members and not then.members:  # evaluated by an earlier version
            if not any(self.members):
                return "" if (then.decision, then.temperature) == (self.decision, self.temperature) else _changed("run")
            return (
                "Its networks are calibrated now, and whether they were when it was evaluated has not been noted: "
                f"{EVALUATE_AGAIN}"
            )
        if then.members != self.members:
            return (
                "Since then the temperature of one of its networks has been changed, and the ensemble predicts "
                f"otherwise: {EVALUATE_AGAIN}"
            )
        return _changed("ensemble" if self.members else "run")


def _changed(what: str) -> str:
    return (
        f"Since then the {what}'s decision or temperature has been changed, and it predicts otherwise: {EVALUATE_AGAIN}"
    )


def _kept(weights: Path) -> float | None:
    with contextlib.suppress(Problem):
        found, _ = temperature.read(weights)
        return None if found is None else found.value
    return None
