"""The pages of the guide: their order, their sections, and their Markdown as HTML; without a window.

The window shows them, and ``packaging/documentation.py`` makes a website of them.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from app.widgets.method_texts import CHAPTERS, read_methods

_HEADING = re.compile(r"(#{1,3}) +(.+)")
_EXAMPLE = re.compile(r"^\[[^]]+\]\((examples/[\w.]+\.py)\)$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"\*\*|[`*]")
_MARKS = re.compile(r"^\||\|$| \| |^ *[-–:| ]+$|^ *- |^> ?", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What stands below a heading.

    Attributes
    ----------
    title, level
        The heading, and how deep it is: 1 for that of the page.
    anchor
        Its name within the page, as GitHub makes it.
    text
        Without markup.
    """

    title: str
    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Page:
    """A page: its name without ending, the chapter it belongs to, and its Markdown."""

    name: str
    chapter: str
    markdown: str

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Its sections in their order, the first of which is the page's beginning."""
        return tuple(_sections(self.markdown))

    @property
    def title(self) -> str:
        """Its first heading."""
        return self.sections[0].title


def folder() -> Traversable:
    """Where pages, pictures and examples lie."""
    return resources.files("resources") / "help"


@cache
def read_pages() -> tuple[Page, ...]:
    """All pages in their order."""
    return tuple(
        Page(name, chapter["title"], _read(name)) for chapter in _contents()["chapter"] for name in chapter["pages"]
    )


def page_of(room: str, panel: str = "") -> str:
    """The page, or page and section as ``page#anchor``, on a panel or else on its room; the first page elsewhere."""
    contents = _contents()
    return contents["panels"].get(panel) or contents["rooms"].get(room) or read_pages()[0].name


def _contents() -> dict[str, Any]:
    return tomllib.loads((folder() / "contents.toml").read_text(encoding="utf-8"))


def _read(name: str) -> str:
    if name == "methods":
        return _write_methods()
    text = (folder() / f"{name}.md").read_text(encoding="utf-8")
    return _EXAMPLE.sub(lambda found: _listing(found[1]), text)


def _listing(place: str) -> str:
    return f"```python\n{folder().joinpath(*place.split('/')).read_text(encoding='utf-8')}```"


def _write_methods() -> str:
    """The page on the methods, from the texts that “What's this?” shows."""
    lines = [
        "# Methods",
        "",
        "Each method with its formula and its paper, as “What's this?” (Shift+F1) explains it.",
        "",
    ]
    for chapter, title in CHAPTERS.items():
        lines += [f"## {title}", ""]
        for method in (method for method in read_methods().values() if method.chapter == chapter):
            lines += [f"### {method.title}", "", method.about, ""]
            lines += ["```", *method.formula.splitlines(), "```", ""]
            lines += [method.where, ""] if method.where else []
            lines += [f"*{method.paper}*", "", f"More: [{_title_of(method.page)}]({_with_ending(method.page)})", ""]
    return "\n".join(lines)


def _with_ending(place: str) -> str:
    name, mark, anchor = place.partition("#")
    return f"{name}.md{mark}{anchor}"


def _title_of(place: str) -> str:
    name, _, anchor = place.partition("#")
    sections = list(_sections(_read(name)))
    titles = [sections[0].title, *(section.title for section in sections[1:] if section.anchor == anchor)]
    return ", ".join(titles).replace("`", "")


def _sections(markdown: str) -> Iterator[Section]:
    heads: list[tuple[str, int]] = []
    bodies: list[list[str]] = []
    is_code = False
    for line in markdown.splitlines():
        is_code ^= line.startswith("```")
        if not is_code and (found := _HEADING.fullmatch(line)):
            heads.append((found[2], len(found[1])))
            bodies.append([])
        elif bodies and not line.startswith("```"):
            bodies[-1].append(line)
    taken: dict[str, int] = {}
    for (title, level), body in zip(heads, bodies, strict=True):
        yield Section(title.replace("`", ""), level, anchor_of(title, taken), plain("\n".join(body)))


def plain(markdown: str) -> str:
    """The words of a text, without markup."""
    return " ".join(_MARKS.sub(" ", _EMPHASIS.sub("", _LINK.sub(r"\1", markdown))).split())


def anchor_of(title: str, taken: dict[str, int]) -> str:
    """The name of a heading in links, as on GitHub; a second one of the same title ends in ``-1``."""
    name = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
    count = taken[name] = taken.get(name, -1) + 1
    return f"{name}-{count}" if count else name


def to_html(markdown: str, mark_heading: Callable[[str], str], picture: Callable[[str, str], str]) -> str:
    """The HTML of a page.

    Parameters
    ----------
    markdown
        CommonMark with tables.
    mark_heading
        Gives what stands before a heading's text, from its anchor.
    picture
        Gives the HTML of a picture, from its place and its description.
    """
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown)
    taken: dict[str, int] = {}
    for head, title in itertools.pairwise(tokens):
        if head.type == "heading_open" and title.children is not None:
            title.children.insert(0, Token("html_inline", "", 0, content=mark_heading(anchor_of(title.content, taken))))
    for inline in tokens:
        for child in inline.children or ():
            if child.type == "image":
                child.type, child.content = "html_inline", picture(str(child.attrGet("src")), escape(child.content))
    return str(parser.renderer.render(tokens, parser.options, {}))
