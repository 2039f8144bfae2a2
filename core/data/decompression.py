"""Reading gzip, bzip2 and xz files with a bound on what comes out.

A few hundred bytes can unpack to gigabytes. Real tables and images become a few times larger, at most a hundred times
where they are nearly empty, so what goes beyond that is refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from core.errors import UnreadableFile

_FREE = 128 * 2**20  # bytes; so much is unpacked from a file of any size
_RATIO = 100  # times the size of the file; beyond _FREE
_BLOCK = 2**20  # bytes
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
_LONGEST = max(map(len, _OPENERS))


def is_compressed(start: bytes) -> bool:
    """Whether a file that starts with these bytes is one of gzip, bzip2 or xz."""
    return start.startswith(tuple(_OPENERS))


def most_bytes(size: int) -> int:
    """How many bytes a compressed file of ``size`` bytes may become: 128 MiB, or a hundred times its size."""
    return max(_FREE, _RATIO * size)


def read_content(path: Path | str) -> bytes:
    """The content of a file, uncompressed if it is one of gzip, bzip2 or xz.

    Raises
    ------
    UnreadableFile
        It unpacks to more than :func:`most_bytes`.
    OSError, EOFError, zlib.error, lzma.LZMAError
        It cannot be read, or is damaged.
    """
    with Path(path).open("rb") as file:
        start = file.read(_LONGEST)
        file.seek(0)
        if not is_compressed(start):
            return file.read()
        most = most_bytes(Path(path).stat().st_size)
        content = io.BytesIO()
        with _open(file, start) as unpacked:
            while block := unpacked.read(_BLOCK):
                if content.tell() + len(block) > most:
                    raise UnreadableFile(
                        f"This compressed file unpacks to more than {most / 2**20:,.0f} MiB, over a hundred times its "
                        "size.",
                        "Download or copy it again; if it is right, unpack it first.",
                        str(path),
                    )
                content.write(block)
    return content.getvalue()


def read_start(path: Path | str, count: int) -> bytes:
    """The first ``count`` bytes of a file's content, uncompressed as far as that is possible."""
    with Path(path).open("rb") as file:
        start = file.read(max(count, _LONGEST))
        if not is_compressed(start):
            return start[:count]
        file.seek(0)
        try:
            with _open(file, start) as unpacked:
                return unpacked.read(count)
        except Exception:  # noqa: BLE001 - the damage is reported when all of it is read
            return b""


def _open(file: IO[bytes], start: bytes) -> IO[bytes]:
    opener = next(opener for magic, opener in _OPENERS.items() if start.startswith(magic))
    return opener(file)
