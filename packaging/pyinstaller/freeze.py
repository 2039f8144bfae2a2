"""Freeze the program with its own Python: ``python packaging/pyinstaller/freeze.py``.

It leaves the folder ``dist/tuning-fork``, which runs on machines without Python, and prints what its size consists of.
The installers of each platform are made from it. Run it in the development environment, of which PyInstaller is part.

The build of torch that is installed there decides whether the frozen program computes on graphics cards. torchvision
has to be of the same build, or no ready-made network (backbone) would work in the program: that is asked first, and it
is not frozen then, unless it is to be ``--without-backbones``.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collection import WITHOUT_BACKBONES

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "dist" / "tuning-fork"
_SYMBOLS = ("_galsim*.so", "libtorch_cpu.so", "libtorch_python.so", "libtorch_cuda.so")  # published with their symbols
_EXTRAS = ("backbones", "onnx", "tensorboard")
_LICENCE = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)
_SHOWN = 15
_REFUSED = """Nothing was frozen: in this environment the ready-made networks (backbones) cannot be used, and in the
program they would fail in the same way: {reason}
If this names torchvision, it is of another build than torch: install both from one place, with the command that
PyTorch's site gives for this system; packaging/README.md tells more. Or freeze a program that has no ready-made
networks, and says so: add --without-backbones."""


def main() -> int:
    """Freeze, and print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    options = parser.parse_args()
    if not options.without_backbones and (reason := why_no_backbones()):
        print(_REFUSED.format(reason=reason), file=sys.stderr)
        return 1
    started = time.monotonic()
    freeze(without_backbones=options.without_backbones)
    if options.without_backbones:
        print("It has no ready-made networks: where one is asked for, it says so, and what can be done instead.")
    print(f"{FROZEN}: {size_of(FROZEN) / 1e6:,.0f} MB in {time.monotonic() - started:.0f} s, of which")
    for name, size in largest_parts(FROZEN):
        print(f"{size / 1e6:8,.1f} MB  {name}")
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of freezing, for the builds that begin with it."""
    about = "leave timm and torchvision out: the program then has no ready-made networks, and says so"
    parser.add_argument("--without-backbones", action="store_true", help=about)


def why_no_backbones(python: str = sys.executable) -> str:
    """Why no ready-made network would work in the program, as in this environment; empty: they work.

    Parameters
    ----------
    python
        That of the environment.
    """
    probe = subprocess.run([python, "-c", "import torchvision, timm"], capture_output=True, text=True, check=False)
    said = probe.stderr.strip().splitlines()
    return "" if probe.returncode == 0 else said[-1] if said else "importing timm ends without a word"


def freeze(*, without_backbones: bool = False) -> None:
    """Let PyInstaller collect the program and everything it imports; add the licences of all that."""
    spec = ROOT / "packaging" / "pyinstaller" / "tuningfork.spec"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", str(spec)]
    folders = ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build")]
    wish = {WITHOUT_BACKBONES: "1"} if without_backbones else {}
    subprocess.run([*command, *folders], cwd=ROOT, env={**os.environ, **wish}, check=True)
    if sys.platform.startswith("linux"):
        for library in (path for pattern in _SYMBOLS for path in FROZEN.rglob(pattern) if not path.is_symlink()):
            subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)
        link_copies(FROZEN / "_internal")
    gather_licences(FROZEN / "licences", [name for name in _EXTRAS if name != "backbones" or not without_backbones])


def link_copies(folder: Path) -> None:
    """Replace libraries that were collected twice, beside the packages and within one, by links into the package.

    Those of torch are only removed: it looks for others beside the one that it finds, and links lead it astray.
    """
    copies = {path.name: path for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
    for path in folder.rglob("*/*.so*"):
        copy = copies.get(path.name)
        if copy is None or path.is_symlink() or copy == path or not filecmp.cmp(path, copy, shallow=False):
            continue
        copy.unlink()
        del copies[path.name]
        if "torch" not in path.parts:
            copy.symlink_to(path.relative_to(folder))


def gather_licences(folder: Path, extras: Sequence[str] = _EXTRAS) -> None:
    """Copy the licences of the program and of every package it needs, one folder for each."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in sorted(required_packages(extras)):
        for file in importlib.metadata.distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".dist-info" in str(file) and _LICENCE.search(file.name) and source.is_file():
                target = folder / name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def required_packages(extras: Sequence[str] = _EXTRAS) -> set[str]:
    """Find the names of the installed packages that the program needs, directly or not, with these extras."""
    found: set[str] = set()
    waiting = [f"tuning-fork[{','.join(extras)}]"]
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
