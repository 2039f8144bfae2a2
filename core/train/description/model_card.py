"""The model card of a run, with the headings of Hugging Face, so that a hub shows it and its readers find their way.

What the program cannot know (who made it, under which licence) is marked as that template marks it.

References
----------
Mitchell et al. 2019, arXiv:1810.03993 (model cards); the template of Hugging Face's ``huggingface_hub``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from core.data import target as targets
from core.data.target import Classes, NoAnswers, Quantities
from core.metrics import part_notes
from core.metrics.guessing import guess_of_run
from core.nets import base_networks
from core.printable import on_one_line
from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.settings import toml
from core.train import verdict
from core.train.description import citations, methods
from core.train.description.facts import RunFacts, read_facts
from core.train.self_supervised import contrastive
from core.train.settings import RunSettings
from core.version import PROGRAM
from core.wording import count_of

UNKNOWN = "[More Information Needed]"
_TASKS = {"classes": "image-classification"}


def write(folder: RunFolder) -> None:
    """Write the model card of a run whose numbers and weights are written, ``card.md``."""
    write_atomically(folder.card, format_card(read_facts(folder)))


def format_card(facts: RunFacts) -> str:
    """The card as Markdown."""
    lines = [
        *_front_matter(facts),
        f"# Model Card for {facts.name}",
        "",
        summarise(facts),
        *_details(facts),
        *_uses(facts),
        *_limitations(facts),
        *_start(facts),
        *_training(facts),
        *_evaluation(facts),
        *_technical(facts),
        *_citation(facts),
    ]
    return "\n".join(map(on_one_line, lines)) + "\n"


def _front_matter(facts: RunFacts) -> list[str]:
    task = _TASKS.get(facts.plan["target"]["kind"])
    tags = ["astronomy", "galaxies", *(["onnx"] if facts.has_onnx else [])]
    return [
        "---",
        "library_name: tuning-fork",
        *([f"pipeline_tag: {task}"] if task else []),
        "license: unknown",
        "tags:",
        *(f"- {tag}" for tag in tags),
        "---",
        "",
    ]


def summarise(facts: RunFacts) -> str:
    """What it predicts, from what, in one or two sentences."""
    _, height, width = facts.plan["stamp_shape"]
    scale = facts.plan["pixel_scale"]
    scale = f"{scale:.3g} arcsec/pixel" if scale else "unknown scale"
    stamps = f"stamps of {width} × {height} pixels ({scale}) in the bands {', '.join(facts.plan['bands'])}"
    network = facts.settings.network
    kind = network.backbone or f"convolutional network of {count_of(network.depth, 'block')}"
    target = facts.target
    if isinstance(target, NoAnswers):
        return (
            f"First weights for a {kind}, learned without labels (SimCLR) from {stamps}. It gives no answers; it is "
            "there to be fine-tuned on labelled galaxies."
        )
    repeats, positive = targets.describe_angles(target), targets.logarithms_of(target)
    return (
        f"A {kind} that predicts {', '.join(targets.outputs(target))} from {stamps}."
        + (f" Angles repeat: {repeats}; they count anticlockwise from up." if repeats else "")
        + (f" Learned as logarithms: {', '.join(positive)}." if positive else "")
        + ("" if facts.beside is None else f" Beside the image it takes {facts.beside.text} from the catalogue.")
    )


def _details(facts: RunFacts) -> list[str]:
    start = facts.settings.transfer.start_from
    return [
        "",
        "## Model Details",
        "",
        "### Model Description",
        "",
        f"- **Developed by:** {UNKNOWN}",
        f"- **Model type:** {facts.settings.network.backbone or 'convolutional neural network'}",
        f"- **License:** {UNKNOWN}",
        f"- **Finetuned from model:** {base_networks.title_of(start) if start else 'none; random initial weights'}",
    ]


def _uses(facts: RunFacts) -> list[str]:
    made = "" if facts.recipe is None else f" Stamps are made so: {facts.recipe.describe()}."
    zero_points = [value for value in facts.plan["zero_points"] if value is not None]
    unit = f" One unit of the pixels is {', '.join(f'{value:g}' for value in zero_points)} mag." if zero_points else ""
    answers = methods.describe_answers(facts)
    use = "Predicting galaxies" if facts.has_answers else "A start for fine-tuning on galaxies"
    return [
        "",
        "## Uses",
        "",
        "### Direct Use",
        "",
        f"{use} like those of its training, prepared as those were.{made}{unit} {answers}".rstrip(),
        "",
        "### Out-of-Scope Use",
        "",
        "Galaxies of another survey, depth, pixel scale or selection, unless it is shown there how good it is.",
    ]


def _limitations(facts: RunFacts) -> list[str]:
    lines = ["", "## Bias, Risks, and Limitations", "", *(f"- {each}" for each in limitations(facts))]
    if not facts.has_answers:
        return lines
    advice = "Evaluate it on some hundred labelled galaxies of a new survey before you trust it there."
    return [*lines, "", "### Recommendations", "", advice]


def limitations(facts: RunFacts) -> list[str]:
    """The warnings of the run, and what its scores and probabilities assume."""
    found = list(facts.metrics.get("warnings", ()))
    if not facts.has_answers:
        return [
            *found,
            "It has learned to overlook what the augmentation varies; a label that depends on that is not helped.",
        ]
    found += [
        "The scores hold for galaxies like those it was trained on: same survey, depth, scale and selection.",
        "The labels' own errors are part of the scores.",
    ]
    assumed = (facts.metrics.get("data") or {}).get("assumed_frequencies")
    if assumed:
        shares = ", ".join(f"{name} {share:.3g}" for name, share in assumed.items())
        found.append(
            f"Its probabilities assume these class frequencies: {shares}. How well they are calibrated is measured "
            "when the run is evaluated."
        )
    return found


def _start(facts: RunFacts) -> list[str]:
    lines = ["", "## How to Get Started with the Model", ""]
    if not facts.has_answers:
        return [*lines, "```", "tuningfork train survey.h5 -o run --start-from best.safetensors", "```"]
    beside = "" if facts.beside is None else " --catalogue catalogue.csv"
    if facts.has_onnx:
        lines += [
            "Without the program that trained it (numpy, onnxruntime and astropy are needed):",
            "",
            "```",
            f"python predict.py galaxies/*.fits{beside} -o answers.csv",
            "```",
            "",
            "With it:",
            "",
        ]
    weights = "network.safetensors" if facts.has_onnx else "best.safetensors"
    return [*lines, "```", f"tuningfork predict {weights} galaxies/{beside} -o answers.fits", "```"]


def _training(facts: RunFacts) -> list[str]:
    data = facts.metrics.get("data") or {}
    changed = toml.differences(RunSettings(), facts.settings.with_names_only())
    drawn = "" if facts.split_seed is None else f", split with seed {facts.split_seed}: {facts.split_rule}"
    mark = f" (fingerprint {data['checksum']})" if "checksum" in data else ""
    named = ", ".join(data.get("datasets") or [data.get("data", "unknown")])
    varied = methods.describe_augmentation(facts.settings.augmentation)
    return [
        "",
        "## Training Details",
        "",
        "### Training Data",
        "",
        f"{named}{mark}{drawn}",
        "",
        *_format_parts(data),
        *_format_unlabelled(data),
        "",
        "### Training Procedure",
        "",
        "#### Preprocessing",
        "",
        methods.describe_scaling(facts) + (f" {varied}" if varied else ""),
        "",
        "#### Training Hyperparameters",
        "",
        "Settings that differ from the program's defaults:",
        "",
        *([f"- {name}: {new} (default {old})" for name, old, new in changed] or ["None."]),
        "",
        "#### Speeds, Sizes, Times",
        "",
        f"{count_of(facts.metrics.get('epochs', 0), 'epoch')}"
        + (f" in {facts.seconds:,.0f} s" if facts.seconds else "")
        + f"; the weights are of epoch {facts.metrics.get('best_epoch', 'unknown')}.",
        "",
        verdict.describe(facts.metrics),
    ]


def _format_parts(data: Mapping[str, Any]) -> list[str]:
    classes: Mapping[str, Mapping[str, int]] | None = data.get("classes")
    if not classes:
        return [f"- {part}: {count:,} galaxies" for part, count in (data.get("galaxies") or {}).items()]
    rows = [[part, *(str(count) for count in counts.values())] for part, counts in classes.items()]
    return _table(["part", *next(iter(classes.values()))], rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (head, *rows)]
    shown = ["| " + " | ".join(line) + " |" for line in lines]
    return [shown[0], "|---" * len(lines[0]) + "|", *shown[1:]]


def _format_unlabelled(data: Mapping[str, Any]) -> list[str]:
    """Which galaxies were shown without labels, if any were."""
    if (shown := data.get("unlabelled")) is None:
        return []
    about = f"{shown['galaxies']:,} galaxies of {shown['data']} (fingerprint {shown['checksum']})"
    return ["", f"Shown without labels ({shown['method']}): {about}."]


def _evaluation(facts: RunFacts) -> list[str]:
    found = ["", "## Evaluation", "", "### Testing Data, Factors & Metrics", ""]
    parts = [part for part in ("validation", "test") if facts.metrics.get(part)]
    for part in parts:
        values = facts.metrics[part]
        said = part_notes.note_beside_basis(values)
        note = f": {said}" if said else ""
        found.append(f"- {part}: {part_notes.describe_basis(values)}{note}")
    if "test" not in parts and facts.has_answers:
        found.append("- The test part has not been evaluated yet.")
    found += ["", "### Results", ""]
    for part in parts:
        guess = guess_of_run(facts.metrics, part)
        said = f"{part.capitalize()}: {part_notes.describe_scores(facts.metrics[part])}."
        found += [said + ("" if guess is None else f" {guess.sentence}"), ""]
        if remark := facts.remark_on(facts.metrics[part]):
            found += [remark, ""]
        found += _format_merits(facts, facts.metrics[part])
    if not facts.has_answers:
        guessing = contrastive.guessing(facts.batch)
        found += [f"Guessing which two of a batch are the same galaxy gives a loss of {guessing:.3g}.", ""]
    baseline = facts.metrics.get("baseline") or {}
    sentences = [
        baseline.get("sentence"),
        (baseline.get("afterwards") or {}).get("sentence"),
        (facts.metrics.get("unlabelled") or {}).get("sentence"),
    ]
    return [*found, *(line for sentence in sentences if sentence for line in (sentence, ""))]


def _format_merits(facts: RunFacts, values: Mapping[str, Any]) -> list[str]:
    found = merits_table(facts, values)
    return [] if found is None else [*_table(*found), ""]


def merits_table(facts: RunFacts, values: Mapping[str, Any]) -> tuple[list[str], list[list[str]]] | None:
    """Head and rows of the table of classes or quantities of an evaluated part; None: it has none."""
    target = facts.target
    if isinstance(target, Classes) and values.get("completeness"):
        rows = [
            [name, f"{values['counts'][name]:,}", *(_with_interval(values, which, name) for which in _OF_CLASSES)]
            for name in values["completeness"]
        ]
        return ["class", "galaxies", *("F1" if which == "f1" else which for which in _OF_CLASSES)], rows
    if isinstance(target, Quantities) and values.get("quantities"):
        units = dict(zip(target.columns, target.units, strict=True))
        titles = {name: f"{name} [{units[name]}]" if units.get(name) else name for name in values["quantities"]}
        rows = [
            [titles[name], *(_number(each.get(key)) for key in _OF_QUANTITIES)]
            for name, each in values["quantities"].items()
        ]
        return ["quantity", *("R²" if key == "r2" else key for key in _OF_QUANTITIES)], rows
    return None


_OF_CLASSES = ("completeness", "purity", "f1")
_OF_QUANTITIES = ("galaxies", "r2", "bias", "scatter", "outliers")


def _with_interval(values: Mapping[str, Any], which: str, name: str) -> str:
    interval = ((values.get("intervals") or {}).get(which) or {}).get(name)
    shown = _number((values.get(which) or {}).get(name))
    if not interval or None in interval:
        return shown
    return f"{shown} (68 %: {_number(interval[0])} to {_number(interval[1])})"


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _technical(facts: RunFacts) -> list[str]:
    environment = facts.environment
    versions = environment.get("versions") or {}
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    hardware = ", ".join(str(environment[name]) for name in ("device", "system") if name in environment)
    return [
        "## Technical Specifications",
        "",
        "### Model Architecture and Objective",
        "",
        f"{methods.describe_network(facts)} {methods.describe_loss(facts)}",
        "",
        "### Compute Infrastructure",
        "",
        "#### Hardware",
        "",
        hardware or UNKNOWN,
        "",
        "#### Software",
        "",
        software or UNKNOWN,
    ]


def _citation(facts: RunFacts) -> list[str]:
    bibtex = citations.format_bibtex(methods.works(facts)).splitlines()
    return [
        "",
        "## Citation",
        "",
        "**BibTeX:**",
        "",
        "```bibtex",
        *bibtex,
        "```",
        "",
        "## Model Card Contact",
        "",
        UNKNOWN,
        "",
        f"The card was written by {PROGRAM} from the files of the run.",
    ]
