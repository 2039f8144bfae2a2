"""The lines of a text file: its encoding, and which lines hold rows and which comments.

Lines are found by their place in the text, so that it is in memory only once, however many lines it has.
"""

from __future__ import annotations

import codecs
import re
import threading
from array import array
from collections import deque
from collections.abc import Iterator

from core.errors import Stopped
from core.events import NEVER

_BLOCK = 2**20  # bytes
LONGEST = 4 * 2**20  # letters; a line with more is no row of a table
_LOOK_EVERY = 2**14  # lines; so often it is asked whether to stop
_MOST_COMMENTS = 2000  # that are kept from the beginning, where headers are
_LAST_COMMENTS = 200  # that are kept from the end
_COMMENT, _BLANK, _FOREIGN = b"# \x80"
_NO_TEXT, _FEW = 0.02, 3  # share and number of control characters beyond which a file is not text
_CONTROLS = frozenset(map(chr, range(32))) - frozenset("\t\n\r\f\x1a\x1b")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def normalise(content: bytes) -> tuple[bytes, int]:
    """Text in UTF-8, whose lines end with a line feed alone, from bytes in UTF-8, UTF-16, UTF-32 or Latin-1.

    It stays bytes: as ``str``, one letter beyond Latin-1 would make all of it two to four times as large.

    Returns
    -------
    content
        What is not UTF-8 among UTF-8 is read as Latin-1.
    count
        How many times that was so.
    """
    foreign = 0
    marked = next((encoding for mark, encoding in _BOMS if content.startswith(mark)), "")
    if wide := marked or _wide_without_mark(content[:200]):
        content = content.decode(wide).encode()
    elif not _is_utf8(content):
        content, foreign = _to_utf8(content)
    return content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n"), foreign


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _BLOCK):
            decoder.decode(content[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _wide_without_mark(start: bytes) -> str:
    """The encoding of text in which every other byte is zero, as in UTF-16; empty if it is none."""
    high, low = start[::2].count(0), start[1::2].count(0)
    if 2 * low > len(start[1::2]) and not high:
        return "utf-16-le"
    return "utf-16-be" if 2 * high > len(start[::2]) and not low else ""


def _to_utf8(content: bytes) -> tuple[bytes, int]:
    foreign = 0

    def convert(run: re.Match[bytes]) -> bytes:
        nonlocal foreign
        try:
            run[0].decode()
        except UnicodeDecodeError:
            foreign += 1
            return run[0].decode("latin-1").encode()
        return run[0]

    return re.sub(rb"[\x80-\xff]+", convert, content), foreign


def is_binary(text: str) -> bool:
    """Whether a beginning is not one of text: it holds many control characters."""
    start = text[:4096]
    return sum(map(start.count, _CONTROLS)) > max(_FEW, _NO_TEXT * len(start))


class Lines:
    """The lines of a text in UTF-8 that may be rows: neither blank nor comments.

    Attributes
    ----------
    comments
        Lines before the first of them that begin with ``#``.
    too_long
        Number and length of the lines that are longer than :data:`LONGEST`, and are left out.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """

    def __init__(self, content: bytes, stop: threading.Event = NEVER) -> None:
        self.comments: list[str] = []
        self.too_long: list[tuple[int, int]] = []
        self._content, self._starts, self._numbers = content, array("q"), array("q")
        self._inside = [0] * 5  # comments after so many lines
        latest: deque[str] = deque(maxlen=_LAST_COMMENTS)
        number, before = 1, 0
        for count, found in enumerate(re.finditer(rb"[^\n]+", content)):
            if count % _LOOK_EVERY == 0 and stop.is_set():
                raise Stopped
            start, end = found.span()
            number += 1 if start == before + 1 else content.count(b"\n", before, start)
            before = end
            first = content[start]
            if end - start > LONGEST and (letters := len(found[0].decode())) > LONGEST:
                self.too_long.append((number, letters))
            elif first == _COMMENT:
                if self._starts:
                    self._inside[min(len(self._starts), len(self._inside) - 1)] += 1
                elif len(self.comments) < _MOST_COMMENTS:
                    self.comments.append(found[0].decode())
                else:
                    latest.append(found[0].decode())
            elif _BLANK < first < _FOREIGN or found[0].decode().strip():
                self._starts.append(start)
                self._numbers.append(number)
        self.comments += latest

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> str:
        start = self._starts[place]
        end = self._content.find(b"\n", start)
        return (self._content[start:] if end < 0 else self._content[start:end]).decode()

    def number(self, place: int) -> int:
        """The number of a line in the file, from 1."""
        return self._numbers[place]

    def read(self, first: int = 0) -> Iterator[str]:
        """Yield the lines from index ``first`` on."""
        for place in range(first, len(self)):
            yield self[place]

    def sample(self, most: int) -> list[str]:
        """At most ``most`` of the first lines, and only two where lines are very long."""
        found: list[str] = []
        letters = 0
        for line in self.read():
            if len(found) == most or (letters > LONGEST and len(found) > 1):
                break
            found.append(line)
            letters += len(line)
        return found

    def comments_after(self, place: int) -> int:
        """How many comments stand after the line at index ``place``, which is one of the first few."""
        return sum(self._inside[place + 1 :])
