from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core import extras
from core.errors import NotPossible
from core.nets import backbone

ROOT = Path(__file__).parents[2]


def test_in_an_installed_program_nobody_is_told_to_install_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extras.how_to_get("onnx") == "Install it with “pip install 'tuning-fork[onnx]'”."
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    said = extras.how_to_get("backbones", "leave the backbone empty")
    assert said.startswith("Leave the backbone empty; nothing can be added to an installed program.")
    assert "Who has Python can set Tuning Fork up with it" in said
    assert extras.how_to_get("onnx").startswith("Nothing can be added to an installed program.")


def test_a_program_without_ready_made_networks_says_so_and_what_needs_no_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setitem(sys.modules, "timm", None)  # as where it was left out
    with pytest.raises(NotPossible) as told:
        backbone.build_stages("resnet18", 3)
    assert told.value.sentence == "This program was built without the ready-made networks of timm."
    assert told.value.remedy.startswith("Leave the backbone empty, or start from a network that comes along")


def test_how_to_install_is_said_in_one_place_only() -> None:
    files = [path for folder in ("core", "app") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in files if "pip install" in path.read_text(encoding="utf-8")] == ["extras.py"]
