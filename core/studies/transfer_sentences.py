"""What a study of the move to another survey says, in sentences."""

from __future__ import annotations

import math

from core.metrics import merits
from core.metrics.uncertainty import plus_minus
from core.studies.label_saving import Saving
from core.studies.strategies import AS_IS, SCRATCH, title_of
from core.studies.transfer_study import SOURCE, Mean, TransferStudy
from core.wording import count_of, with_article

_SIGNIFICANCE = 2.0  # standard errors


def describe(study: TransferStudy) -> tuple[str, ...]:
    """The summary of a study; empty while there are no runs."""
    if not study.points:
        return ()
    found = [*_describe_as_is(study), *_describe_without_labels(study)]
    if study.labels:
        found += _describe_middle(study)
        found += _describe_savings(study)
        found += _compare_with_scratch(study)
        found += _describe_forgotten(study)
    return (*found, _describe_galaxies(study))


def make_table(study: TransferStudy, form: str = ".3f") -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows: each strategy and number of labels with mean, its standard error and the sampling error."""
    header = ("strategy", "labels", "runs", study.metric, "error of mean", "sampling error")
    means = [(name, labels, study.mean(name, labels)) for name in study.strategies for labels in (0, *study.labels)]

    def of(error: float) -> str:
        return plus_minus(error, form).strip(" ±") or "–"

    rows: list[tuple[str, ...]] = [
        (title_of(name), f"{labels:,}", str(mean.runs), f"{mean.value:{form}}", of(mean.scatter), of(mean.sampling))
        for name, labels, mean in means
        if mean.runs
    ]
    return header, rows


def middle_labels(study: TransferStudy) -> int:
    """The number of labels of which sentences speak: the middle one of those that most strategies have."""
    counts = {
        labels: len({point.strategy for point in study.points if point.labels == labels}) for labels in study.labels
    }
    whole = [labels for labels in study.labels if counts[labels] == max(counts.values())]
    return whole[(len(whole) - 1) // 2]


def format_mean(mean: Mean) -> str:
    """A mean with the standard error of its runs."""
    return f"{mean.value:.3f}{plus_minus(mean.scatter, '.3f')}"


def _describe_as_is(study: TransferStudy) -> list[str]:
    mean = study.mean(AS_IS.name, 0)
    if not mean.runs:
        return []
    what = with_article(merits.display_name(study.metric))
    return [
        f"As it is, without labels of this survey, the network reaches {what} of {mean.value:.3f}{_sampling(mean)}."
    ]


def _describe_without_labels(study: TransferStudy) -> list[str]:
    """Methods without labels against the network as it is, with a warning where they made it worse."""
    base = study.mean(AS_IS.name, 0)
    sign = 1 if merits.higher_is_better(study.metric) else -1
    found: list[str] = []
    for name in study.unlabelled:
        if name == AS_IS.name:
            continue
        mean, change = study.mean(name, 0), study.change_without_labels(name)
        told = f"{title_of(name)}, without labels: {format_mean(mean)} ({count_of(mean.runs, 'run')})"
        if base.runs:
            clear = abs(change.value) > _SIGNIFICANCE * change.total
            judged = "better" if sign * change.value > 0 else "WORSE"
            by = f"{abs(change.value):.3f}{plus_minus(change.total, '.3f')}"
            told += f", {judged} than as it is by {by}" if clear else ", not to be told from it as it is"
        found.append(f"{told}.")
    return found


def _describe_middle(study: TransferStudy) -> list[str]:
    labels = middle_labels(study)
    means = [(study.mean(name, labels), title_of(name)) for name in study.strategies if study.at(name, labels)]
    rising = merits.higher_is_better(study.metric)
    means.sort(key=lambda each: -each[0].value if rising else each[0].value)
    listed = ", ".join(f"{title} {format_mean(mean)}" for mean, title in means)
    fewest, most = (of(mean.runs for mean, _ in means) for of in (min, max))
    runs = f"{fewest} to {most} runs" if fewest < most else count_of(most, "run")
    error = "; the errors are those of the mean, from the scatter of the runs" if most > 1 else ""
    return [f"With {labels:,} labels: {listed} ({runs} each{error})."]


def _describe_savings(study: TransferStudy) -> list[str]:
    if not study.savings:
        return ["To say how many labels are saved, runs from scratch with two numbers of labels or more are needed."]
    middle = middle_labels(study)
    found: list[str] = []
    for name, savings in study.savings.items():
        chosen = next((each for each in savings if each.labels == (middle if study.at(name, middle) else 0)), None)
        if chosen is not None:
            found.append(describe_saving(title_of(name), chosen, study.labels))
    return found


def describe_saving(title: str, saving: Saving, measured: tuple[int, ...]) -> str:
    """What a strategy saves against a training from scratch, as a sentence."""
    labels = int(saving.labels)
    name = f"{title[:1].upper()}{title[1:]}"
    subject = f"{name} with {labels:,} labels is" if labels else f"{name} without labels is"
    subject = "As it is, the network is" if title == AS_IS.title else subject
    low, high = _format_limit(saving.low, measured), _format_limit(saving.high, measured)
    if saving.kind == "saves":
        saved = f"{_round(saving.needed - labels)} labels are saved"
        return (
            f"{subject} as good as from scratch with {_round(saving.needed)} labels (68 %: {low} to {high}): {saved}."
        )
    if saving.kind == "saves at least":
        least = min(saving.low, float(measured[-1]))  # from scratch, no more labels were tried
        saved = f"at least {_round(least - labels)} labels are saved"
        return f"{subject} as good as from scratch with more than {_round(least)} labels: {saved}."
    if saving.kind == "costs":
        needed = _format_limit(saving.needed, measured)
        return f"{subject} only as good as from scratch with {needed} labels (68 %: {low} to {high})."
    if saving.high == 0:
        return f"{subject} worse than from scratch with {measured[0]:,} labels."
    found = f"{low} to {high}" if saving.low != saving.high else low
    return f"{subject} as good as from scratch with {found} labels (68 %): whether any are saved is unresolved."


def _format_limit(labels: float, measured: tuple[int, ...]) -> str:
    if math.isinf(labels):
        return f"more than {measured[-1]:,}"
    return _round(labels) if labels > 0 else f"fewer than {measured[0]:,}"


def _round(labels: float) -> str:
    """A number of labels to two significant digits."""
    unit = 10 ** max(0, math.floor(math.log10(max(abs(labels), 1))) - 1)
    return f"{round(labels / unit) * unit:,}"


def _compare_with_scratch(study: TransferStudy) -> list[str]:
    """Where a strategy is better or worse than a training from scratch by more than twice the error."""
    sign = 1 if merits.higher_is_better(study.metric) else -1
    found: list[str] = []
    for name in study.strategies:
        better: list[int] = []
        worse: list[int] = []
        open_: list[int] = []
        for labels in study.labels:
            difference = study.difference(name, SCRATCH.name, labels)
            if name in (SCRATCH.name, AS_IS.name) or difference.runs < 2:
                continue
            clear = abs(difference.value) > _SIGNIFICANCE * difference.total
            (open_ if not clear else better if sign * difference.value > 0 else worse).append(labels)
        parts = [
            f"{words} with {_list(numbers)} labels"
            for words, numbers in (("better", better), ("worse", worse), ("not to be told from it", open_))
            if numbers
        ]
        if parts:
            title = title_of(name)
            found.append(f"{title[:1].upper()}{title[1:]} against from scratch: {'; '.join(parts)}.")
    return found


def _list(numbers: list[int]) -> str:
    words = [f"{number:,}" for number in numbers]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _describe_forgotten(study: TransferStudy) -> list[str]:
    metric, labels = f"{SOURCE}{study.metric}", middle_labels(study)
    before = study.mean(AS_IS.name, 0, metric)
    after = [(study.mean(name, labels, metric), title_of(name)) for name in study.strategies if study.at(name, labels)]
    known = [f"{title} {format_mean(mean)}" for mean, title in after if mean.runs]
    if not known:
        return []
    was = f" it had {before.value:.3f}{_sampling(before)} before, and" if before.runs else " the network"
    return [f"On the galaxies of its own survey{was} with {labels:,} labels of this one has: {', '.join(known)}."]


def _describe_galaxies(study: TransferStudy) -> str:
    judged = study.judged
    chosen = max((point.chosen_by for point in study.points), default=0)
    trained = any(point.run for point in study.points)
    if judged.part == "test":
        note = ", which no run and no choice had seen"
    elif chosen:
        note = (
            f"; the best epochs were chosen on this part, which is slightly optimistic and costs {chosen:,} labelled "
            "galaxies beyond those counted"
        )
    else:
        note = "; they chose nothing: each run kept its last weights" if trained else ""
    error = plus_minus(judged.common_error(study.metric), ".2g").strip()
    sampling = (
        f" Their sampling error, about {error}, is common to all values, on top of the errors above, and largely "
        "cancels in differences."
        if error
        else ""
    )
    return f"All were judged on the same {judged.galaxies:,} galaxies of the {judged.part} part{note}.{sampling}"


def _sampling(mean: Mean) -> str:
    error = plus_minus(mean.sampling, ".3f")
    return f"{error} (sampling error)" if error else ""
