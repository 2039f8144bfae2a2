"""The Debian package: the program in /opt, a link to it, and the files by which a desktop knows it.

Caches of file types, icons and menus are brought up to date by the packages that they belong to, which watch these
folders (dpkg's triggers); so nothing has to be run here, and nothing is left when the package is removed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import share
from manpage import packed

ROOT = Path(__file__).parents[2]
NAME = "tuning-fork"
# Qt's own libraries come along; these belong to the system or its desktop.
DEPENDS = (
    *("libc6 (>= 2.34)", "libstdc++6", "zlib1g", "libegl1", "libgl1", "libfontconfig1", "libfreetype6", "libdbus-1-3"),
    *("libglib2.0-0 | libglib2.0-0t64", "libxkbcommon0", "libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4"),
    *("libxcb-image0", "libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0", "libxcb-render0", "libxcb-shape0"),
    *("libxcb-shm0", "libxcb-sync1", "libxcb-xfixes0", "libxcb-xkb1", "libx11-xcb1", "fonts-dejavu-core | fonts-noto"),
)
RECOMMENDS = ("desktop-file-utils", "shared-mime-info", "hicolor-icon-theme")
_DESCRIPTION = """train, fine-tune and interrogate networks on galaxy cutouts
 Images of galaxies and a catalogue with labels become a convolutional network
 whose learning curves move before your eyes. Click any galaxy and see why it
 is called a spiral; carry the network to the next survey with a few hundred
 labels. The program brings its own Python and its own libraries.
"""


def pack(frozen: Path, work: Path, dist: Path) -> Path:
    """Lay the files out as they will lie on the disk, and pack them.

    Parameters
    ----------
    frozen
        The frozen program.
    work
        A folder for the layout, which is removed again.
    dist
        Where the package goes.
    """
    version = share.version()
    machine = _output("dpkg", "--print-architecture")
    tree = work / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(frozen, tree / "opt" / NAME, symlinks=True)
    share.lay_out(tree / "usr" / "share")
    link = tree / "usr" / "bin" / "tuningfork"
    link.parent.mkdir(parents=True)
    link.symlink_to(f"/opt/{NAME}/tuningfork")
    _write_documents(tree / "usr/share/doc" / NAME, version)
    _set_modes(tree)
    control = tree / "DEBIAN"
    control.mkdir(mode=0o755)
    (control / "control").write_text(_control(version, machine, size_in_kilobytes(tree)), encoding="utf-8")
    (control / "md5sums").write_text("".join(_checksums(tree)), encoding="utf-8")
    package = dist / f"{NAME}_{version}_{machine}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", str(tree), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.rmtree(tree)
    return package


def _control(version: str, machine: str, kilobytes: int) -> str:
    return f"""Package: {NAME}
Version: {version}
Architecture: {machine}
Maintainer: The Tuning Fork developers <tuning-fork@example.org>
Installed-Size: {kilobytes}
Depends: {", ".join(DEPENDS)}
Recommends: {", ".join(RECOMMENDS)}
Section: science
Priority: optional
Description: {_DESCRIPTION}"""


def _write_documents(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    licence = "\n".join(f" {line}" if line.strip() else " ." for line in (ROOT / "LICENSE").read_text().splitlines())
    (folder / "copyright").write_text(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: Tuning Fork\n"
        f"Comment: The licences of the libraries that come along are in /opt/{NAME}/licences.\n\n"
        "Files: *\nCopyright: the Tuning Fork developers\nLicense: BSD-3-Clause\n"
        f"{licence}\n",
        encoding="utf-8",
    )
    changes = (
        f"{NAME} ({version}) unstable; urgency=medium\n\n  * What is new is told in the program, under Help.\n\n"
        f" -- The Tuning Fork developers <tuning-fork@example.org>  {formatdate(share.build_time())}\n"
    )
    (folder / "changelog.gz").write_bytes(packed(changes))


def _set_modes(tree: Path) -> None:
    """Everybody may read, nobody but the owner write, and only programs run."""
    for path in tree.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.name == "tuningfork" or _is_helper(path)
            path.chmod(0o755 if runs else 0o644)
    tree.chmod(0o755)


def _is_helper(path: Path) -> bool:
    """Whether a file is one of the programs that a library starts."""
    return path.name in {"torch_shm_manager", "ptxas", "nvdisasm"}


def _checksums(tree: Path) -> Iterator[str]:
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    names = [str(path.relative_to(tree)) for path in files if "DEBIAN" not in path.parts]
    for first in range(0, len(names), 500):
        done = subprocess.run(
            ["md5sum", "--", *names[first : first + 500]], cwd=tree, capture_output=True, text=True, check=True
        )
        yield done.stdout


def size_in_kilobytes(folder: Path) -> int:
    """The size of all files in a folder, as dpkg counts it."""
    files = (path for path in folder.rglob("*") if not path.is_symlink())
    return sum(-(-path.stat().st_size // 1024) if path.is_file() else 1 for path in files)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
