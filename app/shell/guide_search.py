"""Full-text search of the guide: the best sections first, each with an excerpt in which the found words are marked."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from app.shell.guide_pages import Page

_MOST = 40
_WORDS = 26  # of an excerpt
_WEIGHTS = (8.0, 3.0, 1.0)  # of a word in the section's title, the page's title, the text
BEGIN, END = "\x02", "\x03"
"""What stands around found words in an excerpt."""
_MARKED = re.compile(f"{BEGIN}([^{END}]+){END}")


@dataclass(frozen=True)
class Found:
    """A section that was found.

    Attributes
    ----------
    place
        As ``page#anchor``.
    title, page
        Its title and that of its page.
    excerpt
        From its text, with found words between :data:`BEGIN` and :data:`END`.
    words
        What was found in it, as it is written there.
    """

    place: str
    title: str
    page: str
    excerpt: str
    words: frozenset[str]


class GuideIndex:
    """The words of all sections, in SQLite's full-text index: word stems, beginnings of words, and BM25 as the rank.

    Parameters
    ----------
    pages
        What can be found.
    """

    def __init__(self, pages: Iterable[Page]) -> None:
        self._index = sqlite3.connect(":memory:")
        self._index.execute(
            "CREATE VIRTUAL TABLE section USING fts5("
            "title, page, text, place UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2')"
        )
        rows = (
            (section.title, page.title, section.text, f"{page.name}#{section.anchor}")
            for page in pages
            for section in page.sections
        )
        self._index.executemany("INSERT INTO section VALUES (?, ?, ?, ?)", rows)

    def find(self, words: str) -> list[Found]:
        """The sections with all words, the best first; without such a section, those with any of them."""
        sought = [f'"{word}"*' for word in words_of(words)]
        if not sought:
            return []
        return self._ask(" AND ".join(sought)) or self._ask(" OR ".join(sought))

    def close(self) -> None:
        """Free the index."""
        self._index.close()

    def _ask(self, query: str) -> list[Found]:
        command = (
            "SELECT place, title, page, snippet(section, 2, ?, ?, '…', ?),"
            " highlight(section, 0, ?, ?) || highlight(section, 2, ?, ?)"
            " FROM section WHERE section MATCH ? ORDER BY bm25(section, ?, ?, ?) LIMIT ?"
        )
        values = (BEGIN, END, _WORDS, *(BEGIN, END) * 2, query, *_WEIGHTS, _MOST)
        with closing(self._index.execute(command, values)) as rows:
            return [
                Found(place, title, page, excerpt, frozenset(_MARKED.findall(marked)))
                for place, title, page, excerpt, marked in rows
            ]


def words_of(text: str) -> list[str]:
    """What is sought: letters and digits, without other signs."""
    return re.findall(r"\w+", text)
