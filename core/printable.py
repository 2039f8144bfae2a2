r"""Names that are written into lines: a control character in one must not end the line or steer a terminal.

The name of a file or of a class may hold a line feed, an escape sequence or a mark that turns the reading direction. In
a line they are shown as escapes, ``\n`` and ``\x1b``; tables, JSON and settings keep the names as they are.
"""

from __future__ import annotations

import re
import textwrap

# C0, DEL, C1, separators of lines and paragraphs, marks of direction, and what stands for undecodable bytes
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHOWN = 60  # letters of a name in a figure
_SENTENCE, _QUOTED = 500, 80  # letters of a sentence, and of a name in one that would be longer
_LONG_NAME = re.compile(f"“([^“”]{{{_QUOTED - 1}}})[^“”]{{2,}}”")
_CONTROL_BUT_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def on_one_line(text: str) -> str:
    r"""A text with every control character as an escape.

    Examples
    --------
    >>> print(on_one_line("spiral\nnote: all is well"))
    spiral\nnote: all is well
    """
    return _CONTROL.sub(_escaped, text)


def on_lines(text: str) -> str:
    """A text of several lines with every control character but tabs and ends of lines as an escape."""
    return _CONTROL_BUT_LINES.sub(_escaped, text)


def replace_unprintable(text: str, by: str) -> str:
    """A text with every letter that cannot be shown replaced, where a name need not be recognised by it."""
    return "".join(letter if letter.isprintable() else by for letter in text)


def escape_mathtext(text: str, most: int = _SHOWN) -> str:
    """Escape dollar signs, which matplotlib would read as mathematics; what cannot be shown becomes a question mark.

    A text of more than ``most`` letters, such as a long id, is shortened.
    """
    shown = replace_unprintable(text, "?")
    return (shown if len(shown) <= most else f"{shown[: most - 1]}…").replace("$", r"\$")


def wrap_mathtext(text: str, letters: int) -> str:
    r"""A note below a figure: the whole text, in lines of so many letters, escaped as by :func:`escape_mathtext`.

    Examples
    --------
    >>> print(wrap_mathtext("galaxies of a survey that cost $5", 20))
    galaxies of a survey
    that cost \$5
    """
    return "\n".join(escape_mathtext(line, letters) for line in textwrap.wrap(text, letters))


def shorten_sentence(text: str) -> str:
    """A sentence of at most 500 letters: long names in it lose their ends, then what still is too long its middle.

    Labels, ids and names of bands come from files, and may be of any length and number.
    """
    if len(text) <= _SENTENCE:
        return text
    text = _LONG_NAME.sub("“\\1…”", text)
    end = _SENTENCE // 3
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE - 1 - end]}…{text[-end:]}"


def in_json(text: str) -> str:
    """A JSON text with its control characters as JSON's own escapes, which leaves its meaning as it is."""
    return _CONTROL_BUT_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
