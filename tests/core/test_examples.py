"""The examples in the docstrings of ``core`` run, and so does the one in the help."""

from __future__ import annotations

import doctest
import functools
import importlib
import re
import shutil
from pathlib import Path

import pytest
from program import ROOT
from small_survey import Survey

LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOORS = (
    *("core", "core.data.importing.run", "core.data.cutouts.Cutouts.open", "core.events.result_of"),
    *("core.train.loop.run", "core.train.resuming.run", "core.nets.predictor.Predictor.load"),
    *("core.evaluate.predict.run", "core.evaluate.evaluation.run", "core.explain.methods.explain"),
    *("core.explain.occlusion.explain", "core.explain.integrated_gradients.explain"),
    *("core.explain.top_activations.find", "core.explain.dreams.class_dream", "core.explain.dreams.deep_dream"),
)


@functools.cache
def examples() -> dict[str, doctest.DocTest]:
    """All docstrings of ``core`` that have examples, by their dotted names."""
    found: dict[str, doctest.DocTest] = {}
    for path in sorted((ROOT / "core").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            tests = doctest.DocTestFinder().find(importlib.import_module(name), name)
            found |= {test.name: test for test in tests if test.examples}
    return found


@pytest.fixture
def desk(
    survey: Survey, survey_dataset: Path, survey_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder in which an example works: cutouts with their catalogue, a dataset, and a run trained on it."""
    shutil.copytree(survey.folder, tmp_path / "cutouts")
    shutil.copy(survey.catalogue, tmp_path / "galaxies.csv")
    shutil.copy(survey_dataset, tmp_path / "survey.h5")
    run = shutil.copytree(survey_run, tmp_path / "runs" / "first")
    (run / "data.txt").write_text("../../survey.h5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sorted({*DOORS, *examples()}))
def test_the_example_does_what_it_says(name: str, desk: Path):
    test = examples().get(name)
    assert test is not None, "a door without an example"
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=LOOSE).run(test, out=said.append)
    assert result.attempted
    assert not result.failed, "".join(said)


def test_the_help_shows_the_example_of_the_package():
    text = (ROOT / "resources" / "help" / "65-python.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    own = "".join(example.source for example in examples()["core"].examples)
    assert shown.replace("\n\n", "\n") == own
