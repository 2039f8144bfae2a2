from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core import extras

ROOT = Path(__file__).parents[2]


def test_in_an_installed_program_nobody_is_told_to_install_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extras.how_to_get("onnx") == "Install it with “pip install 'tuning-fork[onnx]'”."
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    said = extras.how_to_get("backbones", "leave the backbone empty")
    assert not said.startswith("Install it") and "Set Tuning Fork up with Python" in said
    assert said.endswith(", or leave the backbone empty.")


def test_how_to_install_is_said_in_one_place_only() -> None:
    files = [path for folder in ("core", "app") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in files if "pip install" in path.read_text(encoding="utf-8")] == ["extras.py"]
