"""The report on reliability: makes all its parts, or those that are named, and writes its page of the user guide."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = "1"  # as in the processes that are started: sums depend on it in the last bit

PARTS = ("files", "kills", "faults", "soak")
_AT_ONCE = 200  # files between which the results are kept
_QUICK = {"files": 1000, "kills": 5, "cycles": 10}
_WHOLE = {"files": 22_000, "kills": 50, "cycles": 300}


def main() -> int:
    """Make the parts; the exit status is 1 if anything was found that must not be."""
    options = _options()
    if options.replay:
        return _replay(options.replay[0], int(options.replay[1]), options.save)

    from reliability import page, results

    file = options.results or results.FILE
    for part in options.parts or PARTS:
        began = time.monotonic()
        {"files": _try_files, "kills": _kill, "faults": _check_faults, "soak": _soak, "page": _nothing}[part](
            options, file
        )
        print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    if options.page is not None:
        page.write(options.page, file)
    bad = page.count_bad(file)
    print(f"found: {bad}")
    return int(bad > 0)


def _options() -> argparse.Namespace:
    from reliability import page

    parser = argparse.ArgumentParser(prog="python tests/reliability", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, or page; else all")
    parser.add_argument("--quick", action="store_true", help="a small number of each")
    parser.add_argument("--files", type=int, metavar="N", help="number of damaged files")
    parser.add_argument("--kills", type=int, metavar="N", help="kills of the window, and of the commands")
    parser.add_argument("--cycles", type=int, metavar="N", help="of work in one window")
    parser.add_argument("--reader", action="append", metavar="NAME", help="only this reader; may be repeated")
    parser.add_argument("--go-on", action="store_true", help="with damaged files where it was interrupted")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that try files at the same time")
    parser.add_argument("--results", type=Path, metavar="FILE", help="where results are kept until the page is written")
    parser.add_argument("--page", type=Path, default=page.PAGE, metavar="FILE.md", help="the page")
    parser.add_argument("--replay", nargs=2, metavar=("READER", "NUMBER"), help="take one damaged file along its road")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="with --replay: keep the damaged file there")
    options = parser.parse_args()
    for name, number in (_QUICK if options.quick else _WHOLE).items():
        if getattr(options, name) is None:
            setattr(options, name, number)
    return options


def _try_files(options: argparse.Namespace, file: Path) -> None:
    from reliability import results
    from reliability.outcomes import first_of_each
    from reliability.readers import READERS, import_libraries, numbers_of
    from reliability.workers import Tally, try_files

    import_libraries()
    numbers = numbers_of(options.files)
    known = results.tallies(file) if options.go_on else {}
    for reader in READERS:
        if options.reader and reader.name not in options.reader:
            continue
        began, tally = time.monotonic(), known.get(reader.name, Tally(reader.name))
        if tally.total >= numbers[reader.name]:
            continue
        while (first := tally.total + 1) <= numbers[reader.name]:
            last = min(first + _AT_ONCE - 1, numbers[reader.name])
            tally.join(try_files(reader, range(first, last + 1), options.processes))
            results.keep_tally(tally, file)
        print(f"{reader.name}: {tally.counts} in {time.monotonic() - began:.0f} s", flush=True)
        for finding, count in first_of_each(tally.findings):
            print(f"  {count} × {finding.outcome}, number {finding.number}: {finding.place}", flush=True)


def _kill(options: argparse.Namespace, file: Path) -> None:
    from reliability import results
    from reliability.kills import kill_commands
    from reliability.window_kills import kill_windows

    for kill in (kill_commands, kill_windows):
        with tempfile.TemporaryDirectory(prefix="reliability") as scratch:
            for each in kill(options.kills, Path(scratch)):
                results.keep("kills", each.job, each.to_dict(), file)
                print(f"{each.job}: {each.kills} kills, {each.in_the_middle} in the middle, {each.faults}", flush=True)


def _check_faults(_options: argparse.Namespace, file: Path) -> None:
    from reliability import results
    from reliability.faults import check_all

    with tempfile.TemporaryDirectory(prefix="reliability") as scratch:
        for name, found in check_all(Path(scratch)):
            results.keep("faults", name, found, file)
            print(f"{name}: {found or 'nothing wrong'}", flush=True)


def _soak(options: argparse.Namespace, file: Path) -> None:
    from reliability import results
    from reliability.kills import prepare
    from reliability.soak import growth
    from reliability.window_kills import run_window

    with tempfile.TemporaryDirectory(prefix="reliability") as scratch:
        folder = Path(scratch) / "soak"
        prepare(folder)
        said, ended = run_window("soak", folder, str(options.cycles), seconds=20.0 * options.cycles + 120)
        found = growth(folder / "log.txt")
        cycles = sum(line.startswith("{") for line in said.splitlines())
    results.keep("soak", "cycles", cycles, file)
    results.keep("soak", "faults", [] if ended else ["the window died, hung or did not close"], file)
    results.keep("soak", "growth", [asdict(each) for each in found], file)
    for each in found:
        print(f"{each.name}: {each.first:.0f} to {each.last:.0f}, {each.slope:+.2f} in 100 cycles", flush=True)


def _nothing(_options: argparse.Namespace, _file: Path) -> None:
    """The page alone is written from what is kept."""


def _replay(name: str, number: int, save: Path | None) -> int:
    from reliability import readers
    from reliability.workers import damage

    reader = readers.reader(name)
    with tempfile.TemporaryDirectory() as scratch:
        file = reader.write(Path(scratch) / "case")
        file.write_bytes(damage(reader, file.read_bytes(), number))
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            (save / file.name).write_bytes(file.read_bytes())
        try:
            print(reader.road(Path(scratch) / "case", file) or "read")
        except Exception:  # noqa: BLE001 - it is what is asked for
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
