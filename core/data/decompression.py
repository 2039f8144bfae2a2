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

from core.data.regular_files import open_regular
from core.errors import UnreadableFile

FREE = 128 * 2**20  # bytes; so much is unpacked from a file of any size
_RATIO = 100  # times the size of a larger file
_BLOCK = 2**20  # bytes
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
_LONGEST = max(map(len, _OPENERS))


def is_packed(path: Path | str) -> bool:
    """Whether a file is one of gzip, bzip2 or xz by its first bytes."""
    with open_regular(str(path)) as file:
        return is_compressed(file.read(_LONGEST))


def is_compressed(start: bytes) -> bool:
    """Whether a file that starts with these bytes is one of gzip, bzip2 or xz."""
    return start.startswith(tuple(_OPENERS))


def read_content(path: Path | str, free: int = FREE) -> bytes:
    """The content of a file, uncompressed if it is one of gzip, bzip2 or xz.

    Parameters
    ----------
    path
        The file.
    free
        So many bytes may come out of a file of any size.

    Raises
    ------
    UnreadableFile
        This is no regular file, or it unpacks to more than that, and to more than a hundred times its size.
    OSError, EOFError, zlib.error, lzma.LZMAError
        It cannot be read, or is damaged.
    """
    with open_regular(str(path)) as file:
        start = file.read(_LONGEST)
        file.seek(0)
        if not is_compressed(start):
            return file.read()
        most = max(free, _RATIO * Path(path).stat().st_size)
        content = io.BytesIO()
        with open_unpacked(file, start) as unpacked:
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
    with open_regular(str(path)) as file:
        start = file.read(max(count, _LONGEST))
        if not is_compressed(start):
            return start[:count]
        file.seek(0)
        try:
            with open_unpacked(file, start) as unpacked:
                return unpacked.read(count)
        except Exception:  # noqa: BLE001 - the damage is reported when all of it is read
            return b""


def open_unpacked(file: IO[bytes], start: bytes) -> IO[bytes]:
    """Open a compressed file, whose first bytes are ``start``, so that reading it unpacks it step by step."""
    opener = next(opener for magic, opener in _OPENERS.items() if start.startswith(magic))
    return opener(file)
