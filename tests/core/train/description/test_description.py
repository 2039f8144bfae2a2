"""A run in words: the model card, the methods and the works to cite, of what the run used and nothing else."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.evaluate.decision import keep
from core.metrics import decision as decisions
from core.nets import temperature
from core.nets.temperature import Temperature
from core.project.runs import RunFolder
from core.settings import toml
from core.train.description import citations, methods, model_card
from core.train.description.facts import RunFacts, read_facts
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[3] / "golden"
KINDS = (
    "[!fib]*/runs/*",
    "bench/runs/* first",
    "bench/runs/* votes",
    "bench/runs/* every knob",
    "first-light/runs/* first",
)
RUNS = sorted(path.parent for kind in KINDS for path in GOLDEN.glob(f"{kind}/best.safetensors"))
HEADINGS = [
    "## Model Details",
    "### Model Description",
    "## Uses",
    "### Direct Use",
    "### Out-of-Scope Use",
    "## Bias, Risks, and Limitations",
    "## How to Get Started with the Model",
    "## Training Details",
    "### Training Data",
    "### Training Procedure",
    "#### Preprocessing",
    "#### Training Hyperparameters",
    "#### Speeds, Sizes, Times",
    "## Evaluation",
    "### Testing Data, Factors & Metrics",
    "### Results",
    "## Technical Specifications",
    "### Model Architecture and Objective",
    "### Compute Infrastructure",
    "## Citation",
    "## Model Card Contact",
]


def read(name: str) -> RunFacts:
    return read_facts(RunFolder(next(run for run in RUNS if run.as_posix().endswith(name))))


def changed(facts: RunFacts, **values: object) -> RunFacts:
    settings = toml.replace_values(facts.settings, {name.replace("__", "."): value for name, value in values.items()})
    return replace(facts, settings=settings)


def test_every_kind_of_run_of_every_version_has_a_card_with_the_headings_of_hugging_face():
    assert len(RUNS) > 10
    for run in RUNS:
        card = model_card.format_card(read_facts(RunFolder(run)))
        assert card.startswith("---\nlibrary_name: ") and "\nlicense: unknown\n" in card
        found = [line for line in card.splitlines() if re.match(r"#{2,4} ", line)]
        assert [line for line in found if line in HEADINGS] == HEADINGS
        assert "None." not in card.split("## Training Details")[0] and "nan" not in card.split("## Citation")[0].split()
        assert str(Path.home()) not in card


def test_what_is_cited_has_an_entry_and_what_was_not_used_is_not_cited():
    for run in RUNS:
        facts = read_facts(RunFolder(run))
        cited = set(re.findall(r"\\citep\{([^}]+)\}", methods.format_latex(facts)))
        keys = {key for group in cited for key in group.split(",")}
        assert keys == set(methods.works(facts))
        assert keys <= set(citations.entries())
        bibtex = citations.format_bibtex(methods.works(facts))
        assert sorted(re.findall(r"^@\w+\{(\S+),$", bibtex, re.MULTILINE)) == sorted(keys)
        assert ("Sohn2020" in keys) == (facts.settings.unlabelled.method == "fixmatch")
        assert ("He2016" in keys) == (facts.settings.network.residual and not facts.settings.network.backbone)
        assert ("Kingma2015" in keys) == (facts.settings.optimiser.method != "sgd")


def test_the_methods_name_optimiser_augmentation_scaling_loss_and_the_works_they_rest_on():
    facts = read("bench/runs/2026-11-27 13.59.44 first")
    plain = changed(
        facts,
        optimiser__method="sgd",
        optimiser__nesterov=False,
        optimiser__decay="constant",
        optimiser__averaging=0.0,
        augmentation__rotation=0.0,
        augmentation__horizontal_flip=False,
        augmentation__vertical_flip=False,
        augmentation__noise=0.0,
        augmentation__width_shift=0.0,
        augmentation__height_shift=0.0,
        augmentation__zoom_min=1.0,
        augmentation__zoom_max=1.0,
        network__dropout=0.0,
        network__normalise="none",
    )
    text = methods.format_text(plain)
    assert "stochastic gradient descent" in text
    for absent in ("Kingma", "Smith", "Polyak", "Srivastava", "Ioffe", "varied at random", "rotations"):
        assert absent not in text
    rich = changed(
        facts,
        loss__classes="focal",
        optimiser__class_weights=True,
        optimiser__survey_probabilities=True,
        unlabelled__method="mcc",
        transfer__start_from="base:x",
        transfer__block_rate=0.5,
        augmentation__cosmic_rays=0.5,
    )
    text = methods.format_text(rich)
    for there in ("Lin et al. 2017", "Menon et al. 2021", "Jin et al. 2020", "Howard & Ruder 2018", "0.5 cosmic rays"):
        assert there in text


def test_what_is_done_with_the_answers_is_told_in_the_card_and_the_methods():
    facts = read("bench/runs/2026-11-27 13.59.44 first")
    for text in (methods.format_text(facts), model_card.format_card(facts)):
        assert "temperature" not in text and "Guo" not in text and "factor" not in text
    names = facts.target.names
    decided = replace(
        facts,
        temperature=Temperature(0.873, 0.041, 321, (0.5, 0.4), (0.03, 0.02)),
        decision=decisions.balanced(names, np.full(len(names), 1 / len(names))),
    )
    for text in (methods.format_text(decided), model_card.format_card(decided)):
        assert "T = 0.873 ± 0.041 fitted on 321 galaxies of the validation part (Guo et al. 2017)" in text
        assert decided.decision.text in text
    assert "Guo2017" in methods.works(decided)


def test_the_temperature_and_the_decision_of_a_run_are_read_from_its_folder(tmp_path):
    run = RunFolder(Path(shutil.copytree(next(run for run in RUNS if run.name.endswith("44 first")), tmp_path / "run")))
    found = Temperature(1.25, 0.1, 40, (0.5, 0.4), (0.03, 0.02))
    temperature.keep(run.best, found)
    names = read_facts(run).target.names
    kept = decisions.balanced(names, np.array([0.7, *[0.3 / (len(names) - 1)] * (len(names) - 1)]))
    keep(run, kept)
    facts = read_facts(run)
    assert facts.temperature == found
    assert facts.decision == kept


def test_numbers_of_another_decision_or_temperature_than_the_present_one_are_marked():
    facts = read("bench/runs/2026-11-27 13.59.44 first")
    found = Temperature(0.873, 0.041, 321, (0.5, 0.4), (0.03, 0.02))
    own = {"accuracy": 0.9, "decision": "most probable class"}
    calibrated = own | {"temperature": {"value": 0.873}}
    assert facts.remark_on({"accuracy": 0.9}) == ""
    assert facts.remark_on(own) == "Decision: most probable class; the network's own probabilities."
    assert "evaluate it again" in facts.remark_on(calibrated)  # the temperature was removed
    with_temperature = replace(facts, temperature=found)
    assert (
        with_temperature.remark_on(calibrated) == "Decision: most probable class; probabilities at temperature 0.873."
    )
    assert "evaluate it again" in with_temperature.remark_on(own)
    balanced = decisions.balanced(facts.target.names, np.full(len(facts.target.names), 1 / len(facts.target.names)))
    assert "evaluate it again" in replace(facts, decision=balanced).remark_on(own)
    card = model_card.format_card(replace(facts, temperature=found, metrics={**facts.metrics, "test": own}))
    assert with_temperature.remark_on(own) in card


def test_all_entries_of_the_references_can_be_named_and_are_used_somewhere():
    source = Path(methods.__file__).read_text(encoding="utf-8")
    for key in citations.entries():
        assert re.fullmatch(r"[\w' &.]+ (19|20)\d\d|version [\d.]+", citations.name_work(key)), key
        assert key in source or key in {"PyTorch", "NumPy", "Astropy"}


def test_no_folder_of_this_machine_is_told_to_readers_elsewhere():
    facts = changed(
        read("first-light/runs/2026-11-27 13.59.23 first"),
        transfer__start_from="/elsewhere/runs/old run",
        network__weights="/elsewhere/encoder.safetensors",
        unlabelled__dataset="/elsewhere/survey.h5",
    )
    for text in (model_card.format_card(facts), methods.format_text(facts), methods.format_latex(facts)):
        assert "/home" not in text
    assert "- **Finetuned from model:** old run" in model_card.format_card(facts)


def test_latex_keeps_the_letters_of_names():
    assert methods.escape_latex("edge_on & 50 % of é, ±3°") == r"edge\_on \& 50 \% of é, $\pm$3$^\circ$"


@pytest.mark.parametrize("name", ["unlabelled/runs/2026-11-28 10.20.00 unlabelled"])
def test_first_weights_are_described_as_what_they_are(name):
    facts = read(name)
    card = model_card.format_card(facts)
    assert "It gives no answers" in card and "predict.py" not in card
    assert "SimCLR" in methods.format_text(facts)
    assert facts.settings != RunSettings()
