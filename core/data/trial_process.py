"""The process in which HDF5 files are tried; :mod:`core.data.trial` starts, watches and if need be ends it.

It reads a path a line (as JSON) from its standard input, opens the file, looks at all that an opening looks at, and
answers with a line. Whether the file is whole does not matter here: what counts is that the HDF5 library comes to an
end. It ends when its input does, and by itself if the library does not.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import math
import os
import signal
import sys
from collections.abc import Generator
from typing import Any

import h5py

from core.data.hdf5 import reason_against

LONGEST = 600.0  # seconds for one file, if nobody ends this process before
_MEMORY = 600 * 2**20  # bytes beyond what the libraries take
_BLOCK = 2**24  # bytes that are read together
_TEXTS = 2**14  # texts that are read together
_FREE = 2**24  # bytes of texts beyond twice the size of the file
_NO_MEMORY = ("memory allocation failed", "no space available for allocation")
_READ_WHOLE = 2**26  # bytes; of larger arrays of images the first and the last is read


def serve() -> int:
    """Try files until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that waits
    _limit_memory()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        answers.write(b"ready\n")
        for line in open(0, "rb", closefd=False):  # noqa: SIM115 - a windowed program has no sys.stdin
            faulthandler.dump_traceback_later(LONGEST, exit=True, file=nothing)
            try:
                _look_at(json.loads(line))
                answer = b"done\n"
            except MemoryError:
                answer = b"memory\n"
            except Exception:  # noqa: BLE001 - whoever opens the file will see it
                answer = b"done\n"
            faulthandler.cancel_dump_traceback_later()
            answers.write(answer)
    return 0


def _limit_memory() -> None:
    """Let this process have so much more memory than its libraries take, where the system can do that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            present = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (present + _MEMORY, present + _MEMORY))


def _look_at(path: str) -> None:
    with h5py.File(path, "r") as file:
        _read_attributes(file)
        file.visititems_links(lambda _name, _link: None)
        file.visititems(_look_at_member)


def _look_at_member(_name: str, member: Any) -> None:
    with _whatever_it_raises():  # the others may yet run for ever
        _read_attributes(member)
        if isinstance(member, h5py.Dataset) and not reason_against(member) and member.size:
            _read(member)


def _read_attributes(member: Any) -> None:
    for name in member.attrs:
        with _whatever_it_raises():
            member.attrs[name]


@contextlib.contextmanager
def _whatever_it_raises() -> Generator[None]:
    """Go on after any error but one of memory, which the HDF5 library tells in words."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if any(words in str(error).lower() for words in _NO_MEMORY):
            raise MemoryError(str(error)) from error


def _read(dataset: h5py.Dataset) -> None:
    if dataset.ndim == 0:
        dataset[()]
        return
    one = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    is_text = dataset.dtype.kind == "O"
    rows = _TEXTS if is_text else max(1, _BLOCK // max(1, one))
    if dataset.ndim > 1 and one * len(dataset) > _READ_WHOLE:
        dataset[0], dataset[len(dataset) - 1]
        return
    left = _FREE + 2 * os.stat(dataset.file.filename).st_size  # noqa: PTH116
    for start in range(0, len(dataset), rows):
        block = dataset[start : start + rows]
        if is_text and (left := left - sum(map(len, block.flat))) < 0:
            raise MemoryError("texts are repeated without end")


if __name__ == "__main__":
    sys.exit(serve())
