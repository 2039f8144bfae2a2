"""Who may know whom: the import contracts of pyproject.toml, and what no file may say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("core", "app", "tests", "packaging", "resources", ".ci", ".github")
TEXT = {".py", ".md", ".toml", ".txt", ".qss", ".svg", ".spec", ".desktop", ".sh", ".yaml", ".yml", ".cfg", ""}
# Each has a gap, so that this file does not accuse itself.
MACHINE_PATH = re.compile(
    "(?<![\\w.<~$/])/(?:ho(?:)me/\\w|ro(?:)ot/|wo(?:)rk/|Us(?:)ers/\\w|tm(?:)p/\\w)|[A-Z]:\\\\Us(?:)ers"
)
REGISTRY = re.compile("py(?:)pi\\.org|python(?:)hosted\\.org|--(?:extra-)?index(?:)-url|find(?:)-links")


def files() -> list[Path]:
    """The project's own text files."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXT]
    for folder in OURS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in TEXT]
    return [path for path in found if "__pycache__" not in path.parts]


def test_the_import_contracts_are_kept():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry address"])
def test_no_file_names_a_place_on_one_machine(pattern: re.Pattern[str]):
    named = []
    for path in files():
        text = path.read_text(encoding="utf-8", errors="replace")
        named += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert not named


@pytest.mark.parametrize("package", ["core", "app", "resources"])
def test_packages_do_nothing_when_they_are_imported(package: str):
    for path in (ROOT / package).rglob("__init__.py"):
        lines = path.read_text(encoding="utf-8").strip()
        assert lines.startswith('"""'), path
        assert lines.endswith('"""'), path
        assert lines.count('"""') == 2, path


def test_the_readme_and_ci_set_up_and_test_by_the_same_line():
    readme, ci = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", ".ci/run"))
    (line,) = [line for line in ci.splitlines() if "pytest" in line]
    assert f"```\n{line}\n```" in readme
