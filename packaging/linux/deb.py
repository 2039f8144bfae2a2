"""Freeze the program and make a Debian package of it: ``python packaging/linux/deb.py``.

It leaves ``dist/tuning-fork_VERSION_ARCHITECTURE.deb``, which needs no Python on the machine it is installed on. Run it
in the development environment (PyInstaller is part of it) on a system with ``dpkg-deb`` and binutils; with the CPU
build of torch the package is some gigabytes smaller.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "dist" / "tuning-fork"
# Qt's own libraries come along; these belong to the desktop.
DEPENDS = ("libc6", "libegl1", "libgl1", "libxkbcommon0", "libfontconfig1", "libdbus-1-3", "libglib2.0-0")
RECOMMENDS = (
    "libxcb-cursor0",
    "libxkbcommon-x11-0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-render-util0",
)


def main() -> int:
    """Freeze, lay out, pack, and report sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep-frozen", action="store_true", help="pack what was frozen before")
    options = parser.parse_args()
    for tool in ("dpkg-deb", "strip"):
        if shutil.which(tool) is None:
            print(f"There is no {tool} here: run this on Debian or Ubuntu with dpkg and binutils.", file=sys.stderr)
            return 1
    started = time.monotonic()
    if not options.keep_frozen:
        freeze()
    frozen = time.monotonic()
    package = pack()
    print(f"frozen program: {size_of(FROZEN) / 1e6:,.0f} MB in {frozen - started:.0f} s")
    print(f"{package}: {package.stat().st_size / 1e6:,.0f} MB in {time.monotonic() - frozen:.0f} s")
    return 0


def freeze() -> None:
    """Let PyInstaller collect the program and everything it imports."""
    spec = ROOT / "packaging" / "pyinstaller" / "tuningfork.spec"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", str(spec)]
    folders = ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build")]
    subprocess.run([*command, *folders], cwd=ROOT, check=True)
    for library in FROZEN.rglob("_galsim*.so"):  # published with its debugging symbols: 200 MB instead of 4
        subprocess.run(["strip", "--strip-debug", str(library)], check=True)


def pack() -> Path:
    """Lay the files out as they will lie on the disk, and pack them."""
    sys.path.insert(0, str(ROOT))
    from core.version import VERSION

    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    tree = ROOT / "build" / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    program = tree / "opt" / "tuning-fork"
    shutil.copytree(FROZEN, program, symlinks=True)
    link = tree / "usr" / "bin" / "tuningfork"
    link.parent.mkdir(parents=True)
    link.symlink_to("/opt/tuning-fork/tuningfork")
    install_file(ROOT / "resources" / "desktop" / "tuning-fork.desktop", tree / "usr" / "share" / "applications")
    install_file(ROOT / "resources" / "icons" / "tuning-fork.svg", tree / "usr/share/icons/hicolor/scalable/apps")
    install_file(ROOT / "LICENSE", tree / "usr/share/doc/tuning-fork", "copyright")
    control = tree / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(make_control_file(VERSION, architecture, size_of(tree) // 1024), encoding="utf-8")
    package = ROOT / "dist" / f"tuning-fork_{VERSION}_{architecture}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", str(tree), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.rmtree(tree)
    return package


def install_file(file: Path, folder: Path, name: str = "") -> None:
    """Copy one file into the tree."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / (name or file.name))


def make_control_file(version: str, architecture: str, kilobytes: int) -> str:
    """Compose the control file."""
    return f"""Package: tuning-fork
Version: {version}
Architecture: {architecture}
Maintainer: The Tuning Fork developers <tuning-fork@localhost>
Installed-Size: {kilobytes}
Depends: {", ".join(DEPENDS)}
Recommends: {", ".join(RECOMMENDS)}
Section: science
Priority: optional
Description: train, fine-tune and interrogate networks on galaxy cutouts
 Images of galaxies and a catalogue with labels become a convolutional network
 whose learning curves move before your eyes. Click any galaxy and see why it
 is called a spiral; carry the network to the next survey with a few hundred
 labels.
"""


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
