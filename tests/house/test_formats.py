"""Whoever raises the number of a format lays a project of it beside the golden ones: see tests/golden/README.md."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import h5py
import safetensors

from core.data import store
from core.nets import weights_file
from core.project import ensembles, project
from core.settings.declare import Settings
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.train import checkpoint, environment, run_report
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[1] / "golden"


def current() -> dict[str, int]:
    """The number of each format, as this program writes it."""
    return {
        "project": project.FORMAT,
        "dataset": store.FORMAT,
        "settings": RunSettings.file_format,
        "search": SearchSettings.file_format,
        "study": TrainingSizeSettings.file_format,
        "environment": environment.FORMAT,
        "metrics": run_report.FORMAT,
        "predictor": weights_file.FORMAT,
        "checkpoint": checkpoint.FORMAT,
        "ensemble": ensembles.FORMAT,
    }


def formats(folder: Path) -> dict[str, set[int]]:
    """The numbers of the formats in a golden project."""

    def of_settings(name: str, model: type[Settings]) -> set[int]:
        texts = [file.read_text(encoding="utf-8") for file in folder.rglob(name)]
        told = [(re.search(r"^# Tuning Fork settings, format (\d+)$", text, re.MULTILINE), text) for text in texts]
        return {int(found[1]) if found else model.format_of(tomllib.loads(text)) for found, text in told}

    def of_json(name: str) -> set[int]:
        return {json.loads(file.read_text(encoding="utf-8"))["format"] for file in folder.rglob(name)}

    def in_toml(name: str) -> set[int]:
        return {tomllib.loads(file.read_text(encoding="utf-8"))["format"] for file in folder.rglob(name)}

    found: dict[str, set[int]] = {
        "project": in_toml("project.toml"),
        "dataset": set(),
        "settings": of_settings("settings.toml", RunSettings),
        "search": of_settings("search.toml", SearchSettings),
        "study": of_settings("study.toml", TrainingSizeSettings),
        "environment": in_toml("environment.toml"),
        "metrics": of_json("metrics.json"),
        "predictor": set(),
        "checkpoint": of_json("state.json"),
        "ensemble": in_toml("ensemble.toml"),
    }
    for file in folder.rglob("*.h5"):
        with h5py.File(file) as opened:
            found["dataset"].add(int(opened.attrs["format"]))
    for file in folder.rglob("best.safetensors"):
        with safetensors.safe_open(file, framework="numpy") as opened:
            found["predictor"].add(json.loads(opened.metadata()["tuning_fork"])["format"])
    return found


def test_every_format_from_the_first_to_that_of_today_lies_in_a_golden_project():
    there: dict[str, set[int]] = {}
    for folder in GOLDEN.iterdir():
        if folder.is_dir():
            for name, numbers in formats(folder).items():
                there[name] = there.get(name, set()) | numbers
    missing = {name: sorted(set(range(1, number + 1)) - there[name]) for name, number in current().items()}
    assert not any(missing.values()), f"formats without a golden project: {missing}"


def test_the_golden_projects_are_not_of_formats_that_do_not_exist():
    for folder in GOLDEN.iterdir():
        for name, numbers in formats(folder).items() if folder.is_dir() else ():
            assert max(numbers, default=1) <= current()[name], (folder.name, name)
