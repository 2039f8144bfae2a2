"""Import heavy libraries on a thread without freezing the window.

Python holds its lock while the system loads a shared library, for half a second with torch. A library that is loaded
already costs nothing; and loading it through a foreign function call lets the other threads run on.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
import threading
from pathlib import Path

_RTLD_NOW = 2  # RTLD_NOW, local
_TORCH_LIBRARIES = (
    "c10",
    "torch_cpu",
    "c10_cuda",
    "torch_cuda",
)  # in the order of their dependencies

libraries_imported = threading.Event()
"""Cleared while the window imports its libraries: other jobs wait, since two threads that import scipy at once may
find its modules half made."""
libraries_imported.set()


def import_quietly(name: str) -> None:
    """Import a module, with torch's libraries loaded beforehand."""
    if name.partition(".")[0] == "torch" and "torch" not in sys.modules:
        _load_torch()
    importlib.import_module(name)


def _load_torch() -> None:
    """Load the libraries that exist; the rest is left to torch's own import."""
    package = importlib.util.find_spec("torch")
    if package is None or package.origin is None or sys.platform == "win32":
        return
    folder = Path(package.origin).parent / "lib"
    ending = "dylib" if sys.platform == "darwin" else "so"
    for name in _TORCH_LIBRARIES:
        if (path := folder / f"lib{name}.{ending}").exists():
            _load(path)


def _load(path: Path) -> bool:
    """Load a shared library without holding the interpreter lock; returns whether that succeeded."""
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    return bool(load(str(path).encode(), _RTLD_NOW))
