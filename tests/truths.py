"""What the program's numbers were compared with: runs the tests marked ``truth`` and writes their page of the guide.

    python tests/truths.py            all of them, and the page
    python tests/truths.py -k captum  some of them, as pytest chooses, and their rows of the page

The differences on the page are the ones that ``assert_allclose`` and ``pytest.approx`` have seen in this very run.
"""

from __future__ import annotations

import ast
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "resources" / "help" / "92-right-numbers.md"
CHAPTERS = {
    "data": "Data",
    "simulate": "Simulated galaxies",
    "nets": "Networks",
    "train": "Training",
    "metrics": "Figures of merit",
    "evaluate": "Measuring",
    "explain": "Maps",
    "adapt": "Another survey",
    "studies": "Studies",
    "publish": "Networks for others",
}
_MARK = "pytest.mark.truth"
_LIBRARIES = ("numpy", "scipy", "torch", "scikit-learn", "captum", "galsim", "astropy", "photutils", "onnxruntime")
_HEAD = """# How we know that the numbers are right

A program that runs is not yet right. Each row below is a test in which the program's number is compared with one that
was found in another way: by another program, by a formula written out, by finite differences, or by galaxies whose
truth is known. The table was written by

```
python tests/truths.py
```

from the tests themselves, which is also how you repeat it; a test that fails would stand here as failed. *Difference*
is the largest one that was seen, *allowed* what the test lets pass, both as a fraction of the number, or of the peak
of a map. Many of the limits are the rounding of so many sums in float32. “Holds” stands where the test asks for a
bound or for equality. *Cases* counts variants: shapes, settings, seeds.

That a number is computed rightly does not make it the right one to publish: see [Should I believe
it?](4-why.md#should-i-believe-it) and [Honest numbers](3-training.md#honest-numbers).
"""


@dataclass
class Truth:
    """A test against an independent truth, and what came of it."""

    chapter: str
    what: str
    against: str
    cases: int = 0
    failed: int = 0
    skipped: int = 0
    seen: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    @property
    def row(self) -> str:
        """As a line of the table."""
        difference, allowed = max(self.seen, key=lambda each: each[0] / each[1], default=(None, None))
        told = ("holds", "") if difference is None else (_number(difference), _number(allowed))
        if self.failed:
            told = ("**failed**", told[1])
        elif not self.cases:
            told = ("not run: a library is missing", "")
        return f"| {self.what} | {self.against} | {self.cases} | {told[0]} | {told[1]} |"


class Witness:
    """A plugin of pytest that notes, of each marked test, its outcome and the differences that it compared."""

    def __init__(self) -> None:
        self.truths: dict[str, Truth] = {}
        self._now: Truth | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Watch the comparisons of a test."""
        self._now = self._truth_of(item)
        try:
            yield
        finally:
            self._now = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        """Count its outcome."""
        report = yield
        if report.when == "call" or report.failed or report.skipped:
            truth = self._truth_of(item)
            truth.cases += report.when == "call" and not report.skipped
            truth.failed += report.failed
            truth.skipped += report.skipped
        return report

    def watch(self) -> None:
        """From now on, note what the usual functions compare."""
        scalar: Any = type(pytest.approx(1.0))  # which those of arrays and sequences use, too
        all_close, approx = np.testing.assert_allclose, scalar.__eq__

        def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0, **more: Any) -> None:
            self._note_arrays(actual, desired, rtol, atol)
            all_close(actual, desired, rtol=rtol, atol=atol, **more)

        def is_near(expected: Any, actual: Any) -> bool:
            self._note(actual, expected.expected, expected.tolerance)
            return approx(expected, actual)

        np.testing.assert_allclose = assert_allclose
        scalar.__eq__ = is_near

    def _note_arrays(self, actual: Any, desired: Any, rtol: float, atol: float) -> None:
        a, d = np.asarray(actual, np.float64), np.asarray(desired, np.float64)
        peak = float(np.abs(d).max(initial=0))
        if peak > 0 and np.isfinite(d).all():
            off = np.abs(a - d)
            worst = np.unravel_index(np.argmax(off / np.maximum(atol + rtol * np.abs(d), 1e-300)), off.shape)
            self._add(off[worst] / peak, (atol + rtol * np.abs(np.broadcast_to(d, off.shape)[worst])) / peak)

    def _note(self, actual: Any, expected: Any, tolerance: Any) -> None:
        try:
            off, size = abs(float(actual) - float(expected)), abs(float(expected)) or 1.0
            self._add(off / size, float(tolerance) / size)
        except (TypeError, ValueError):
            return  # not numbers

    def _add(self, difference: float, allowed: float) -> None:
        if self._now is not None and allowed > 0 and np.isfinite([difference, allowed]).all():
            self._now.seen.append((float(difference), float(allowed)))

    def _truth_of(self, item: pytest.Item) -> Truth:
        name = item.nodeid.partition("[")[0]
        if name not in self.truths:
            marker = item.get_closest_marker("truth")
            assert marker is not None, name
            self.truths[name] = Truth(Path(item.location[0]).parts[2], *marker.args)
        return self.truths[name]


def marked_files() -> list[Path]:
    """The files of tests that have the mark."""
    return [path for path in sorted((ROOT / "tests" / "core").rglob("test_*.py")) if _MARK in path.read_text("utf-8")]


def marked() -> Iterator[tuple[str, str]]:
    """What is compared with what, by the marks in the source of all tests."""
    for path in marked_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for mark in getattr(node, "decorator_list", ()):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == _MARK:
                    what, against = (ast.literal_eval(each) for each in mark.args)
                    yield what, against


def told(page: Path = PAGE) -> list[tuple[str, str]]:
    """What is compared with what, by the page."""
    cells = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [(row[0].removeprefix("| "), row[1]) for row in cells if row[0] != "| what"]


def write(truths: list[Truth], page: Path = PAGE) -> None:
    """Write the page."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    cases = sum(truth.cases for truth in truths)
    parts = [_HEAD, f"{len(truths)} truths, {cases} cases. Python {platform.python_version()}, {versions}.\n"]
    for chapter, title in CHAPTERS.items():
        if rows := [truth.row for truth in truths if truth.chapter == chapter]:
            head = ["| what | compared with | cases | difference | allowed |", "|---|---|---:|---:|---:|"]
            parts.append("\n".join([f"## {title}", "", *head, *rows, ""]))
    page.write_text("\n".join(parts), encoding="utf-8")


def renew(truths: list[Truth], page: Path = PAGE) -> None:
    """Write the rows of some truths anew, new ones at the end of their chapter."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for truth in truths:
        beginning = f"| {truth.what} | {truth.against} | "
        chapter = lines.index(f"## {CHAPTERS[truth.chapter]}")
        rows = range(chapter + 2, len(lines))
        end = next((place for place in rows if not lines[place].startswith("|")), len(lines))
        old = next((place for place in range(chapter, end) if lines[place].startswith(beginning)), None)
        lines[slice(end, end) if old is None else slice(old, old + 1)] = [truth.row]
    page.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _number(value: float | None) -> str:
    return "0" if not value else f"{value:.1e}"


def main() -> int:
    """Run the tests, and write the page if these are all of them."""
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"  # sums depend on it in the last bit
    witness = Witness()
    witness.watch()
    chosen = sys.argv[1:]
    files = map(str, marked_files())
    code = pytest.main(["-m", "truth", "-n0", "-p", "no:cacheprovider", "-v", *files, *chosen], plugins=[witness])
    truths = list(witness.truths.values())
    if chosen:
        renew(truths)
    else:
        write(truths)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
