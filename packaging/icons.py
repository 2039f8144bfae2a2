"""Take the outlines of the icons that the program uses out of the Material Design icon font.

The program draws them itself (``app/theme.py``): loading the font package would cost half a second before the first
paint. Run it again after naming a new icon: ``python packaging/icons.py``. Needs ``qtawesome``, which brings the font.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PySide6.QtGui import QPainterPath

ROOT = Path(__file__).parents[1]
SYMBOLS = ROOT / "resources" / "icons" / "symbols.json"
_SIDE = 24  # units of the finished drawings
_NAME = re.compile(r"""["']mdi6\.([a-z0-9-]+)["']""")


def find_used_icons() -> list[str]:
    """Find the names of the icons in the program's source."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    return sorted({name for text in texts for name in _NAME.findall(text)})


def extract_outlines(names: list[str]) -> dict[str, str]:
    """Extract the outline of each icon, as moves, lines and curves in a square of 24 by 24."""
    from PySide6.QtGui import QGuiApplication, QRawFont

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    package = importlib.util.find_spec("qtawesome")
    if package is None or package.origin is None:
        sys.exit("qtawesome, which brings the icon font, is not installed.")
    fonts = Path(package.origin).parent / "fonts"
    codes = json.loads(next(fonts.glob("materialdesignicons6-webfont-charmap-*.json")).read_text(encoding="utf-8"))
    font = QRawFont(str(next(fonts.glob("materialdesignicons6-webfont-*.ttf"))), 512.0)
    found: dict[str, str] = {}
    for name in names:
        if name not in codes:
            sys.exit(f"The font has no icon “{name}”.")
        path = font.pathForGlyph(font.glyphIndexesForString(chr(int(codes[name], 16)))[0])
        found[name] = _format_path(path, 512.0 / _SIDE, font.ascent())
    del application
    return found


def _format_path(path: QPainterPath, scale: float, ascent: float) -> str:
    parts: list[str] = []
    letters = {0: "M", 1: "L", 2: "C", 3: ""}
    for place in range(path.elementCount()):
        element: Any = path.elementAt(place)  # the stubs do not know its attributes
        letter = letters[element.type.value]
        parts.append(f"{letter}{element.x / scale:.2f} {(element.y + ascent) / scale:.2f}")
    return " ".join(parts)


if __name__ == "__main__":
    drawn = extract_outlines(find_used_icons())
    SYMBOLS.write_text(json.dumps(drawn, indent=0) + "\n", encoding="utf-8")
    print(f"{len(drawn)} icons in {SYMBOLS.relative_to(ROOT)}")
