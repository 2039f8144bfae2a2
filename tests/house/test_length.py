"""Short modules, short functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = 400
FUNCTION = 60


def modules() -> list[Path]:
    return sorted(
        path for folder in ("core", "app", "resources", "packaging") for path in (ROOT / folder).rglob("*.py")
    )


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Name and length of each function, its docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) is not None else 0
            yield node.name, node.end_lineno - node.lineno + 1 - told


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_are_short(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE
    long = [f"{name}: {lines} lines" for name, lines in functions(ast.parse(text)) if lines > FUNCTION]
    assert not long
