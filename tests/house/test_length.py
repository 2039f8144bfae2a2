"""Short modules, short functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

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


def test_modules_and_functions_are_short():
    """In one test: for each of 500 modules, its own would take longer than the look."""
    long: list[str] = []
    for path in modules():
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        if text.count("\n") > MODULE:
            long.append(f"{name}: {text.count(chr(10))} lines")
        long += [f"{name}, {part}: {lines} lines" for part, lines in functions(ast.parse(text)) if lines > FUNCTION]
    assert not long
