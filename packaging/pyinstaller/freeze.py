"""Freeze the program with its own Python: ``python packaging/pyinstaller/freeze.py``.

It leaves the folder ``dist/tuning-fork``, which runs on machines without Python, and prints what its size consists of.
The installers of each platform are made from it. Run it in the development environment, of which PyInstaller is part.

The build of torch that is installed there decides whether the frozen program computes on graphics cards.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "dist" / "tuning-fork"
_SYMBOLS = ("_galsim*.so", "libtorch_cpu.so", "libtorch_python.so", "libtorch_cuda.so")  # published with their symbols
_EXTRAS = ("backbones", "onnx", "tensorboard")
_LICENCE = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)
_SHOWN = 15


def main() -> int:
    """Freeze, and print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    started = time.monotonic()
    freeze()
    print(f"{FROZEN}: {size_of(FROZEN) / 1e6:,.0f} MB in {time.monotonic() - started:.0f} s, of which")
    for name, size in largest_parts(FROZEN):
        print(f"{size / 1e6:8,.1f} MB  {name}")
    return 0


def freeze() -> None:
    """Let PyInstaller collect the program and everything it imports; add the licences of all that."""
    spec = ROOT / "packaging" / "pyinstaller" / "tuningfork.spec"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", str(spec)]
    folders = ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build")]
    subprocess.run([*command, *folders], cwd=ROOT, check=True)
    if sys.platform.startswith("linux"):
        for library in (path for pattern in _SYMBOLS for path in FROZEN.rglob(pattern) if not path.is_symlink()):
            subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)
    gather_licences(FROZEN / "licences")


def gather_licences(folder: Path) -> None:
    """Copy the licences of the program and of every package it needs, one folder for each."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in sorted(required_packages()):
        for file in importlib.metadata.distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".dist-info" in str(file) and _LICENCE.search(file.name) and source.is_file():
                target = folder / name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def required_packages() -> set[str]:
    """Find the names of the installed packages that the program needs, directly or not, its extras included."""
    found: set[str] = set()
    waiting = [f"tuning-fork[{','.join(_EXTRAS)}]"]
    while waiting:
        requirement = waiting.pop()
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,\s-]*)\])?", requirement).groups()  # type: ignore[union-attr]
        wanted = {extra.strip() for extra in (extras or "").split(",")} - {""}
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system, or not installed
        if name.lower() in found and not wanted:
            continue
        found.add(name.lower())
        for need in needs:
            extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", need)
            if extra is None or extra[1] in wanted:
                waiting.append(need)
    return found - {"tuning-fork"}


def largest_parts(folder: Path) -> list[tuple[str, int]]:
    """Sum the sizes of a frozen program's files by package, largest first; the rest is the last line."""
    inside = folder / "_internal"
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            place = path.relative_to(inside if path.is_relative_to(inside) else folder)
            sizes[place.parts[0].split(".libs")[0]] += path.stat().st_size
    shown = sizes.most_common(_SHOWN)
    return [*shown, ("the rest", sizes.total() - sum(size for _, size in shown))]


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
