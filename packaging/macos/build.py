"""Build the disk image for macOS: ``python packaging/macos/build.py``. Not verified here: nobody has run it yet.

It freezes the program, makes ``dist/Tuning Fork.app`` of it and leaves ``dist/tuning-fork-VERSION-macos.dmg``, from
which the program is drawn into the folder of programs. Run it in the development environment on macOS. Without a
certificate of Apple's (``CODESIGN_IDENTITY``) it is signed for this machine only: others open it the first time with
Control and a click.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIST, WORK = ROOT / "dist", ROOT / "build"
APPLICATION = DIST / "Tuning Fork.app"
_SIZES = (16, 32, 128, 256, 512)  # points; each is drawn for screens with double pixels, too


def main() -> int:
    """Freeze, make the application, and pack it."""
    if sys.platform != "darwin":
        print("This needs macOS, whose tools make icon, signature and disk image.", file=sys.stderr)
        return 1
    sys.path.insert(0, str(ROOT))
    from core.version import VERSION

    freeze = [sys.executable, str(ROOT / "packaging" / "pyinstaller" / "freeze.py"), *sys.argv[1:]]
    if status := subprocess.run(freeze, check=False).returncode:
        return status
    make_application(VERSION)
    image = DIST / f"tuning-fork-{VERSION}-macos.dmg"
    contents = WORK / "dmg"
    shutil.rmtree(contents, ignore_errors=True)
    shutil.copytree(APPLICATION, contents / APPLICATION.name, symlinks=True)
    (contents / "Applications").symlink_to("/Applications")
    command = ["hdiutil", "create", "-volname", "Tuning Fork", "-srcfolder", str(contents), "-format", "UDZO", "-ov"]
    subprocess.run([*command, str(image)], check=True)
    print(image)
    return 0


def make_application(version: str) -> None:
    """Make the application of the frozen folder, and sign it."""
    shutil.rmtree(APPLICATION, ignore_errors=True)
    inside = APPLICATION / "Contents"
    shutil.copytree(DIST / "tuning-fork", inside / "MacOS", symlinks=True)
    draw_icon(inside / "Resources" / "tuning-fork.icns")
    zip_type = {"CFBundleTypeName": "Packed Tuning Fork project", "CFBundleTypeRole": "Editor"}
    entries = {
        "CFBundleName": "Tuning Fork",
        "CFBundleIdentifier": "org.tuningfork.TuningFork",
        "CFBundleExecutable": "tuningfork",
        "CFBundleIconFile": "tuning-fork.icns",
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "NSHighResolutionCapable": True,
        "CFBundleDocumentTypes": [
            {**zip_type, "LSItemContentTypes": ["public.zip-archive"], "LSHandlerRank": "Alternate"},
            {"CFBundleTypeName": "Dataset", "CFBundleTypeExtensions": ["h5"], "LSHandlerRank": "Alternate"},
        ],
    }
    (inside / "Info.plist").write_bytes(plistlib.dumps(entries))
    identity = os.environ.get("CODESIGN_IDENTITY", "-")
    subprocess.run(["codesign", "--force", "--deep", "--sign", identity, str(APPLICATION)], check=True)


def draw_icon(file: Path) -> None:
    """Write the program's icon in the format of macOS."""
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QGuiApplication, QIcon

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    icon = QIcon(str(ROOT / "resources" / "icons" / "tuning-fork.svg"))
    folder = WORK / "tuning-fork.iconset"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for size in _SIZES:
        icon.pixmap(QSize(size, size)).save(str(folder / f"icon_{size}x{size}.png"))
        icon.pixmap(QSize(2 * size, 2 * size)).save(str(folder / f"icon_{size}x{size}@2x.png"))
    del application
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["iconutil", "--convert", "icns", "--output", str(file), str(folder)], check=True)


if __name__ == "__main__":
    sys.exit(main())
