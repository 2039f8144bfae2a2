"""What the report has found so far, kept in a file, so that it can be made part by part."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reliability.outcomes import ROOT, Finding
from reliability.workers import Tally

from core.project.files import write_atomically

FILE = ROOT / "tests" / "reliability" / "results.json"


def load(file: Path = FILE) -> dict[str, Any]:
    """All results by part: ``files`` by reader, and those of the other parts as they gave them."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def keep(part: str, name: str, values: Any, file: Path = FILE) -> None:
    """Keep the result of one part in place of an earlier one."""
    known = load(file)
    known.setdefault(part, {})[name] = values
    write_atomically(file, json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def tallies(file: Path = FILE) -> dict[str, Tally]:
    """The tallies by reader."""
    found = load(file).get("files", {})
    return {
        name: Tally(**{**values, "findings": [Finding(**each) for each in values["findings"]]})
        for name, values in found.items()
    }


def keep_tally(tally: Tally, file: Path = FILE) -> None:
    """Keep the tally of a reader."""
    keep("files", tally.reader, asdict(tally), file)
