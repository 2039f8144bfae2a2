"""The guide as a website: the pages of ``resources/help`` as HTML, with search, and without anything from elsewhere.

    python packaging/documentation.py [FOLDER]        build/documentation where left out

It fails, with a list, if a link or a picture leads nowhere. Any web server, or none, shows the folder.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from string import Template
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.shell.guide_pages import Page, read_pages, to_html  # noqa: E402 - the program beside this script

HELP = ROOT / "resources" / "help"
PARTS = ROOT / "packaging" / "website"
_LINK_TO_PAGE = re.compile(r'href="(?![a-z]+:)([^"#]*)\.md(#[^"]*)?"')


def main() -> int:
    """Build the site, and check it; the exit status is 1 if a link leads nowhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "documentation")
    folder = parser.parse_args().folder
    build(folder)
    broken = [*broken_links(folder), *unused_pictures(folder)]
    print("\n".join(broken) or f"{len(read_pages())} pages in {folder}, all links lead somewhere")
    return int(bool(broken))


def build(folder: Path) -> None:
    """Write the site into a folder, which is emptied before."""
    if folder.exists() and not (folder / "sections.js").exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty, and holds no earlier site; name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HELP / "pictures", folder / "pictures")
    for name in ("style.css", "search.js"):
        shutil.copy(PARTS / name, folder)
    shutil.copy(ROOT / "resources" / "icons" / "tuning-fork.svg", folder / "icon.svg")
    pages = read_pages()
    frame = Template((PARTS / "page.html").read_text(encoding="utf-8"))
    for number, page in enumerate(pages):
        text = _write_page(page, pages, number, frame)
        (folder / f"{page.name}.html").write_text(text, encoding="utf-8")
    shutil.copy(folder / f"{pages[0].name}.html", folder / "index.html")
    sections = [
        (f"{page.name}.html#{section.anchor}", section.title, page.title, section.text)
        for page in pages
        for section in page.sections
    ]
    index = json.dumps(sections, ensure_ascii=False, separators=(",", ":"))
    (folder / "sections.js").write_text(f"const SECTIONS = {index};\n", encoding="utf-8")


def _write_page(page: Page, pages: Sequence[Page], number: int, frame: Template) -> str:
    anchors = iter([section.anchor for section in page.sections])
    text = to_html(
        page.markdown,
        lambda anchor: f'<a href="#{anchor}" aria-label="Link to this section">#</a>',
        lambda place, about: f'<a href="{place}"><img src="{place}" alt="{about}" loading="lazy"></a>',
    )
    text = re.sub(r"<(h[123])>", lambda found: f'<{found[1]} id="{next(anchors)}">', text)
    text = text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    text = _LINK_TO_PAGE.sub(lambda found: f'href="{found[1]}.html{found[2] or ""}"', text)
    before, after = "<span></span>", ""
    if number:
        before = f'<a href="{pages[number - 1].name}.html">← {escape(pages[number - 1].title)}</a>'
    if number + 1 < len(pages):
        after = f'<a href="{pages[number + 1].name}.html">{escape(pages[number + 1].title)} →</a>'
    return frame.substitute(
        title=escape(page.title), contents=_contents(page, pages), text=text, before=before, after=after
    )


def _contents(shown: Page, pages: Sequence[Page]) -> str:
    lines, chapter = list[str](), ""
    for page in pages:
        if page.chapter != chapter:
            lines += ["</ul>"] if chapter else []
            chapter = page.chapter
            lines.append(f"<h2>{escape(chapter)}</h2><ul>")
        mark, inner = "", ""
        if page is shown:
            mark = ' aria-current="page"'
            below = [section for section in page.sections[1:] if section.level == 2]
            inner = "".join(f'<li><a href="#{each.anchor}">{escape(each.title)}</a></li>' for each in below)
            inner = f"<ul>{inner}</ul>" if inner else ""
        lines.append(f'<li><a href="{page.name}.html"{mark}>{escape(page.title)}</a>{inner}</li>')
    return "\n".join([*lines, "</ul>"])


# -- checking ----------------------------------------------------------------------------------------------------------


class _Places(HTMLParser):
    """Where the links of a page lead, and the names within it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note each address and each name."""
        del tag
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name == "id" and value is not None:
                self.names.append(value)


def broken_links(folder: Path) -> Iterator[str]:
    """Say which links within the site lead nowhere, which names there are twice, and what comes from elsewhere."""
    found: dict[str, _Places] = {}
    for file in sorted(folder.glob("*.html")):
        found[file.name] = _Places()
        found[file.name].feed(file.read_text(encoding="utf-8"))
    for name, places in found.items():
        for twice in {each for each in places.names if places.names.count(each) > 1}:
            yield f"{name}: there are two places #{twice}"
        for link in places.links:
            parts = urlsplit(link)
            if parts.scheme in ("https", "mailto"):
                continue
            target = unquote(parts.path) or name
            if parts.scheme or not (folder / target).is_file():
                yield f"{name}: {link} leads nowhere"
            elif parts.fragment and unquote(parts.fragment) not in found[target].names:
                yield f"{name}: there is no place #{parts.fragment} in {target}"


def unused_pictures(folder: Path) -> Iterator[str]:
    """Say which pictures no page shows."""
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.html"))
    text += (ROOT / "README.md").read_text(encoding="utf-8")
    for picture in sorted((folder / "pictures").iterdir()):
        if f"pictures/{picture.name}" not in text:
            yield f"{picture.name} is shown by no page"


if __name__ == "__main__":
    sys.exit(main())
