"""Which class of one survey is which of another: ``Edge_On`` and ``edge-on``, ``spirals`` and ``spiral``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_NEGATIONS = {"no", "not", "non", "none", "without", "un", "anti", "false", "or", "vs"}
_FILLERS = {"galaxy", "galaxies", "class", "type"}
_KINDS = (  # words by which surveys call much the same galaxies
    {"elliptical", "smooth", "early", "spheroid", "spheroidal"},
    {"spiral", "featured", "feature", "late", "disk", "disc"},
    {"merger", "merging", "interacting", "interaction"},
    {"irregular", "peculiar", "disturbed"},
    {"artefact", "artifact", "star"},
)


def propose_mapping(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """Propose which old class each new class is; new classes without a clear counterpart are left out.

    Two names are the same class if they differ only in case, hyphens, underscores, spaces or the plural. A new name
    that begins with an old one is a kind of it, as ``spiral_cw`` is of ``spiral``, unless it also holds another old
    name or a negation. Several new classes may be one old class; a new class is never two.

    Parameters
    ----------
    old
        Names of the classes that a network knows.
    new
        Names of the classes of the new data.

    Returns
    -------
    dict
        The old name by the new one.

    Examples
    --------
    >>> propose_mapping(("edge-on", "elliptical", "spiral"), ("edge_on", "Ellipticals", "spiral_cw", "spiral_acw"))
    {'edge_on': 'edge-on', 'Ellipticals': 'elliptical', 'spiral_cw': 'spiral', 'spiral_acw': 'spiral'}
    """
    words = {name: _words(name) for name in old}
    found = {name: _counterpart(name, words) for name in new}
    return {name: match for name, match in found.items() if match}


def suggest_kin(old: Sequence[str], new: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Suggest old classes of much the same kind for new ones without a counterpart, as elliptical for smooth.

    Other than :func:`propose_mapping` these are no spellings of one name, so that they are never taken unasked: surveys
    call different galaxies smooth.

    Parameters
    ----------
    old, new
        Names of the classes that a network knows, and of those of the new data.
    known
        The old name by the new one, where there is a counterpart; these old classes are suggested no more.

    Examples
    --------
    >>> suggest_kin(("edge-on", "elliptical", "spiral"), ("edge_on", "featured", "smooth"), {"edge_on": "edge-on"})
    {'featured': 'spiral', 'smooth': 'elliptical'}
    """
    free = [name for name in old if name not in known.values()]
    found: dict[str, str] = {}
    for name in new:
        kinds = [kind for kind in _KINDS if kind & set(_words(name))]
        kin = [other for other in free if any(kind & set(_words(other)) for kind in kinds)]
        if name not in known and len(kinds) == 1 and len(kin) == 1:
            found[name] = kin[0]
    return found


def complete_mapping(old: Sequence[str], new: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The proposal with what the user chose instead; classes that were given no counterpart are left out.

    What was chosen for classes that neither side has is ignored.
    """
    found = propose_mapping(old, new) | {name: match for name, match in chosen.items() if name in new}
    return {name: match for name, match in found.items() if match in old}


def find_spellings(names: Sequence[str]) -> list[list[str]]:
    """Names that may be one class in several spellings: they differ in case, inner spaces and hyphens, or the plural.

    Examples
    --------
    >>> find_spellings(("E", "S0-", "edge-on", "e", "Edge On", "S0"))
    [['E', 'e'], ['edge-on', 'Edge On']]
    """
    found: dict[str, list[str]] = {}
    for name in names:
        text = unicodedata.normalize("NFKC", name).casefold()
        found.setdefault(_singular(re.sub(r"(?<=\w)[\s_-]+(?=\w)", "", text)), []).append(name)
    return [spellings for spellings in found.values() if len(spellings) > 1]


def _counterpart(name: str, old: Mapping[str, tuple[str, ...]]) -> str:
    if name in old:
        return name
    own = _words(name)
    same = [known for known, words in old.items() if words and "".join(words) == "".join(own)]
    if same:
        return same[0] if len(same) == 1 else ""
    if _NEGATIONS & set(own):
        return ""
    inside = [known for known, words in old.items() if _holds(own, words)]
    longest = max(inside, key=lambda known: len(old[known]), default="")
    if not longest or own[: len(old[longest])] != old[longest]:
        return ""
    others = [known for known in inside if not _holds(old[longest], old[known])]
    return "" if others or [old[known] for known in inside].count(old[longest]) > 1 else longest


def _holds(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether the words of a name occur in this order within another's; a number alone says nothing."""
    if not part or all(word.isdecimal() for word in part):
        return False
    return any(words[start : start + len(part)] == part for start in range(len(words) - len(part) + 1))


def _words(name: str) -> tuple[str, ...]:
    """The words of a name: in lower case, in the singular, without “galaxy” and the like beside others."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    words = [_singular(word) for word in re.split(r"[\W_]+", text.casefold()) if word]
    telling = [word for word in words if word not in _FILLERS]
    return tuple(telling or words)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 5 and word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word != "lens" and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
