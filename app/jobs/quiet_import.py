"""Import heavy libraries on a thread without the window standing still.

Python holds its lock while the system loads a shared library, for half a second with torch. A library that is loaded
already costs nothing; and loading it through a foreign function call lets the other threads run on.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from pathlib import Path

_NOW = 2  # RTLD_NOW, local
_LARGE = ("c10", "torch_cpu", "c10_cuda", "torch_cuda")  # of torch, in the order in which they need one another


def quietly(name: str) -> None:
    """Import a module, with torch's libraries loaded beforehand."""
    if name.partition(".")[0] == "torch" and "torch" not in sys.modules:
        _load_torch()
    importlib.import_module(name)


def _load_torch() -> None:
    """Load what is there; what is not, or cannot be loaded so, is left to torch itself."""
    package = importlib.util.find_spec("torch")
    if package is None or package.origin is None or sys.platform == "win32":
        return
    folder = Path(package.origin).parent / "lib"
    ending = "dylib" if sys.platform == "darwin" else "so"
    for name in _LARGE:
        if (path := folder / f"lib{name}.{ending}").exists():
            _load(path)


def _load(path: Path) -> bool:
    """Whether the system could load a shared library; no lock is held meanwhile."""
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    return bool(load(str(path).encode(), _NOW))
