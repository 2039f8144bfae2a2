"""Works to cite, as BibTeX and by author and year, from ``resources/references.bib``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from core.version import PROGRAM, VERSION

_PROGRAM = "TuningFork"
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),\n.*?^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},?$", re.MULTILINE)
_ACCENTS = {r"{\'e}": "é", r"{\'a}": "á"}


@cache
def entries() -> Mapping[str, str]:
    """The BibTeX entry of each work by its key, in the order of the file."""
    text = (resources.files("resources") / "references.bib").read_text(encoding="utf-8")
    found = {match[1]: match[0] for match in _ENTRY.finditer(text)}
    return MappingProxyType(found | {_PROGRAM: found[_PROGRAM].replace("VERSION", VERSION)})


def format_bibtex(keys: Iterable[str]) -> str:
    """The entries of these works, each once, as a BibTeX file.

    Raises
    ------
    KeyError
        A work is not known.
    """
    return "\n\n".join([f"% Written by {PROGRAM}", *(entries()[key] for key in dict.fromkeys(keys))]) + "\n"


def name_work(key: str) -> str:
    """A work by its authors and year, such as “Kingma & Ba 2015” or “Walmsley et al. 2023”."""
    if key == _PROGRAM:
        return f"version {VERSION}"
    fields = dict(_FIELD.findall(entries()[key]))
    authors = [_surname(author) for author in fields["author"].split(" and ")]
    is_long = len(authors) > 2 or authors[-1] == "others"
    named = f"{authors[0]} et al." if is_long else " & ".join(authors)
    return f"{named} {fields['year']}"


def _surname(author: str) -> str:
    for code, letter in _ACCENTS.items():
        author = author.replace(code, letter)
    return author.strip("{}") if author.startswith("{") else author.split(",")[0]
