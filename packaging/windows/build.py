"""Build the installer for Windows: ``python packaging/windows/build.py``. Not verified here: nobody has run it yet.

It freezes the program and leaves ``dist/tuning-fork-VERSION-windows.exe``. Run it in the development environment on
Windows, with Inno Setup 6 (``winget install JRSoftware.InnoSetup``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_USUAL = Path(os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)")) / "Inno Setup 6" / "ISCC.exe"


def main() -> int:
    """Freeze and pack."""
    compiler = shutil.which("ISCC") or (str(_USUAL) if _USUAL.exists() else None)
    if compiler is None:
        print("There is no Inno Setup here: winget install JRSoftware.InnoSetup", file=sys.stderr)
        return 1
    sys.path.insert(0, str(ROOT))
    from core.version import VERSION

    draw_icon(ROOT / "build" / "tuning-fork.ico")
    freeze = [sys.executable, str(ROOT / "packaging" / "pyinstaller" / "freeze.py"), *sys.argv[1:]]
    if status := subprocess.run(freeze, check=False).returncode:
        return status
    subprocess.run(
        [compiler, "/Qp", f"/DVersion={VERSION}", str(Path(__file__).with_name("tuning-fork.iss"))], check=True
    )
    print(ROOT / "dist" / f"tuning-fork-{VERSION}-windows.exe")
    return 0


def draw_icon(file: Path) -> None:
    """Write the program's icon in the format of Windows."""
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QGuiApplication, QIcon

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    file.parent.mkdir(parents=True, exist_ok=True)
    icon = QIcon(str(ROOT / "resources" / "icons" / "tuning-fork.svg"))
    if not icon.pixmap(QSize(256, 256)).save(str(file), "ICO"):
        raise OSError(f"{file} cannot be written.")
    del application


if __name__ == "__main__":
    sys.exit(main())
