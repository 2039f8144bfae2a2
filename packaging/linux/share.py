"""The files beside the program by which a desktop knows it: entry, icons, file types and man page."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from manpage import man_page, packed

ROOT = Path(__file__).parents[2]
ICON_SIZES = (16, 32, 48, 64, 128, 256)  # pixels
_RESOURCES = ROOT / "resources"


def version() -> str:
    """The version of the program."""
    _use_own_program()
    from core.version import VERSION

    return VERSION


def lay_out(share: Path) -> None:
    """Write the files into a folder such as ``/usr/share``."""
    _copy(_RESOURCES / "desktop" / "tuning-fork.desktop", share / "applications")
    _copy(_RESOURCES / "desktop" / "tuning-fork.xml", share / "mime" / "packages")
    _copy(_RESOURCES / "icons" / "tuning-fork.svg", share / "icons/hicolor/scalable/apps")
    _draw_icons(share / "icons" / "hicolor")
    page = share / "man" / "man1" / "tuningfork.1.gz"
    page.parent.mkdir(parents=True)
    page.write_bytes(packed(make_man_page()))


def make_man_page() -> str:
    """Make the man page of the program as it is."""
    _use_own_program()
    from core.cli.main import parser

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000"  # no line of a usage is broken
    try:
        return man_page(parser(), version(), time.strftime("%Y-%m-%d", time.gmtime(build_time())))
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def build_time() -> float:
    """Seconds since 1970: the time of the build, or the one it is told, so that it can be repeated to the last bit."""
    return float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def _draw_icons(folder: Path) -> None:
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QGuiApplication, QIcon

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    icon = QIcon(str(_RESOURCES / "icons" / "tuning-fork.svg"))
    for size in ICON_SIZES:
        file = folder / f"{size}x{size}" / "apps" / "tuning-fork.png"
        file.parent.mkdir(parents=True)
        if not icon.pixmap(QSize(size, size)).save(str(file)):
            raise OSError(f"{file} cannot be written.")
    del application


def _copy(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / file.name)


def _use_own_program() -> None:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
