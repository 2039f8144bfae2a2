"""The page of the user guide that says what the report has found; every number in it comes from the report."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from reliability import results
from reliability.outcomes import BAD, ROOT

from core.project.files import write_atomically

PAGE = ROOT / "resources" / "help" / "91-reliability.md"
_LIBRARIES = ("numpy", "astropy", "h5py", "pillow", "pyarrow", "torch", "pyside6-essentials")
_UNITS = {"memory": (1e6, " MB"), "threads": (1, ""), "files": (1, ""), "widgets": (1, "")}


def write(page: Path = PAGE, file: Path = results.FILE) -> None:
    """Write the page from the results that there are."""
    found = results.load(file)
    parts = [_INTRODUCTION, _describe_machine()]
    parts += [_files(results.tallies(file))] if "files" in found else []
    parts += [_kills(found["kills"])] if "kills" in found else []
    parts += [_faults(found["faults"])] if "faults" in found else []
    parts += [_soak(found["soak"])] if "soak" in found else []
    write_atomically(page, "\n\n".join(parts) + "\n")


def count_bad(file: Path = results.FILE) -> int:
    """The number of things that must not be and were found."""
    found = results.load(file)
    bad = sum(tally.counts.get(outcome, 0) for tally in results.tallies(file).values() for outcome in BAD)
    bad += sum(len(each["faults"]) for each in found.get("kills", {}).values())
    bad += sum(len(faults) for faults in found.get("faults", {}).values() if isinstance(faults, list))
    bad += len(found.get("soak", {}).get("faults", []))
    return bad + sum(each["slope"] > each["limit"] for each in found.get("soak", {}).get("growth", []))


_INTRODUCTION = """# Reliability

What the program does when something is broken, and how that was tried. All numbers here were written by

```
python tests/reliability
```

which damages files, cuts the power, fills the disk and works for hours, all by itself, and can be run again by anybody
who has the source; `pytest -m reliability` is a quick look at each part."""


def _describe_machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Tried on {_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _files(tallies: dict[str, Any]) -> str:
    total = {outcome: sum(t.counts.get(outcome, 0) for t in tallies.values()) for outcome in ("read", "refused", *BAD)}
    count = sum(total.values())
    text = f"""## Damaged files

{count:,} damaged files were made of whole ones: bits flipped, parts cut, repeated, moved or overwritten, numbers and
names in headers changed, texts retyped, archives packed again with damage inside or with gigabytes of zeros. Each went
the way that a user's file goes, through preview and import, or as part of a project, beside others that were whole.
*Refused* says that the program named the file and the reason; *read* that the damage does no harm or is too small to
show. A *defect* is any other error, *slow* more than 2 s of computing beyond what the whole file takes, *large* more
than 1 GB of memory for it, *neighbour* a whole file that was lost with it, *outside* that another file, a program or
the network was reached for."""
    names = ("read", "refused", "defect", "crash", "slow", "large", "neighbour", "outside", "longest", "memory")
    rows = [(name, *_tally_cells(tally)) for name, tally in tallies.items()]
    longest = max(tally.seconds for tally in tallies.values())
    most = max(tally.memory for tally in tallies.values())
    rows.append(("**all**", *(f"{value:,}" for value in total.values()), *_costs(longest, most)))
    return f"{text}\n\n{_table(('file', *names), rows)}"


def _tally_cells(tally: Any) -> list[str]:
    counts = [f"{tally.counts.get(outcome, 0):,}" for outcome in ("read", "refused", *BAD)]
    return [*counts, *_costs(tally.seconds, tally.memory)]


def _costs(seconds: float, memory: int) -> tuple[str, str]:
    return f"{seconds:.2f} s", f"{memory / 1e6:,.0f} MB"


def _kills(kills: dict[str, Any]) -> str:
    count, middle, labels = (
        sum(each[name] for each in kills.values()) for name in ("kills", "in_the_middle", "confirmed")
    )
    text = f"""## Power cuts

{count} times the program was killed at a random moment, {middle} of them in the middle of its work. Then its project
was opened again: every label that had been confirmed, {labels:,} in all, must be there, a killed run must go on and end
with the weights of an undisturbed one bit by bit, nothing may stand half written under its final name, and no temporary
file may stay."""
    rows = [
        (name, str(each["kills"]), str(each["in_the_middle"]), _said(each["faults"])) for name, each in kills.items()
    ]
    return f"{text}\n\n{_table(('work', 'kills', 'in the middle', 'wrong afterwards'), rows)}"


def _faults(faults: dict[str, Any]) -> str:
    rows = [(name, each if isinstance(each, str) else _said(each)) for name, each in faults.items()]
    return f"## Disks, folders and rivals\n\n{_table(('what happens', 'wrong'), rows)}"


def _soak(soak: dict[str, Any]) -> str:
    text = f"""## Hours of work

{soak["cycles"]} times in one window: go through all rooms, give a label and take it back, begin a training and stop it,
predict the galaxies into a table, look at three galaxies and leave before their maps are done. Wrong at the end:
{_said(soak["faults"])}. What the process holds after the first fifth of the cycles and at the end, and how it
grows."""
    rows = []
    for each in soak["growth"]:
        scale, unit = _UNITS[each["name"]]
        numbers = [f"{each[key] / scale:,.1f}{unit}" for key in ("first", "last", "slope", "limit")]
        rows.append((each["name"], *numbers))
    return f"{text}\n\n{_table(('held', 'before', 'after', 'growth in 100 cycles', 'allowed'), rows)}"


def _said(faults: Sequence[str]) -> str:
    kinds = dict.fromkeys(faults)
    return "; ".join(f"{faults.count(kind)} × {kind}".replace("|", "/") for kind in kinds) or "0"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
