"""Build the installers for Linux: ``python packaging/linux/build.py``.

It freezes the program and leaves in ``dist`` a Debian package, ``tuning-fork_VERSION_ARCHITECTURE.deb``, and for other
distributions an archive that installs itself, ``tuning-fork-VERSION-MACHINE.run``. Neither needs Python where it is
installed. Run it in the development environment on the oldest system that is to be served (its C library is the oldest
that will do), with dpkg and binutils; ``packaging/README.md`` tells the rest.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import archive
import deb

ROOT = Path(__file__).parents[2]
DIST, WORK = ROOT / "dist", ROOT / "build"
FROZEN = DIST / "tuning-fork"
_TOOLS = {"dpkg-deb": "dpkg", "strip": "binutils", "tar": "tar", "gzip": "gzip"}


def main() -> int:
    """Freeze, pack, and print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep-frozen", action="store_true", help="pack what was frozen before")
    parser.add_argument("--only", choices=("deb", "archive"), help="one of the two")
    about = "a program without ready-made networks; see pyinstaller/freeze.py"
    parser.add_argument("--without-backbones", action="store_true", help=about)
    options = parser.parse_args()
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if missing:
        print(f"Install what is missing here: {', '.join(missing)}.", file=sys.stderr)
        return 1
    if not options.keep_frozen:
        freeze = ROOT / "packaging" / "pyinstaller" / "freeze.py"
        wish = ["--without-backbones"] if options.without_backbones else []
        if status := subprocess.run([sys.executable, str(freeze), *wish], cwd=ROOT, check=False).returncode:
            return status
    makers: dict[str, Callable[[Path, Path, Path], Path]] = {"deb": deb.pack, "archive": archive.pack}
    for name, make in makers.items():
        if options.only in {None, name}:
            started = time.monotonic()
            made = make(FROZEN, WORK, DIST)
            print(f"{made}: {made.stat().st_size / 1e6:,.0f} MB in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
