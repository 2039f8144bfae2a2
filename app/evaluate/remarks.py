"""What has to be known of the numbers of an evaluation, in short and in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.widgets.remark_fold import Remark
from core.wording import capitalised, count_of

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation


def remarks_on(evaluation: Evaluation) -> list[Remark]:
    """All that has to be known of the numbers; what may mislead first."""
    guess, temperature = getattr(evaluation.report, "guess", None), evaluation.predictions.temperature
    bars, problems = evaluation.error_bars, evaluation.problems
    found: list[Remark] = []
    if problems:
        warnings = "\n".join(each.text for each in problems)
        found.append(Remark(count_of(len(problems), "warning"), warnings, warns=True))
    note = f"{capitalised(evaluation.note)}. Intervals hold with 68 %."
    found.append(Remark("", note))  # which begins in sight
    if guess is not None:
        found.append(Remark(f"guessing gives {guess.accuracy:.2f}", guess.sentence))
    if temperature is not None:
        found.append(Remark(f"temperature {temperature.value:.3g}", evaluation.temperature_sentence))
    if evaluation.doubt:
        found.append(Remark("doubt", evaluation.doubt))
    if bars is not None:
        found.append(Remark("error bars", bars.sentence))
    return found
