"""One HTML page that needs nothing beside itself: text and tables as plain elements, figures embedded as SVG."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

from core.printable import on_lines, on_one_line
from core.version import PROGRAM

_STYLE = """
:root { color-scheme: light dark; --text: #1c2128; --muted: #57606a; --line: #d0d7de; --ground: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --muted: #9da7b3; --line: #3d444d; --ground: #14181d; }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--ground); margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p, li { max-width: 46rem; }
.muted, figcaption { color: var(--muted); font-size: .9rem; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .92rem; display: block; overflow-x: auto; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.figures { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; }
figure { margin: .5rem 0; max-width: 100%; }
figure img { max-width: 100%; height: auto; background: #ffffff; border-radius: 4px; padding: .5rem; }
figcaption { max-width: 38rem; margin-top: .3rem; }
pre { overflow-x: auto; font-size: .82rem; padding: .75rem; border: 1px solid var(--line); border-radius: 4px; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""
_DPI = 110  # of the parts of a figure that are pixels


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="generator" content="{_text(PROGRAM)}">',
            f"<title>{_text(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *parts,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{_text(text)}</h{level}>"


def paragraph(text: str, *, muted: bool = False) -> str:
    """A paragraph; muted where it is a remark."""
    kind = ' class="muted"' if muted else ""
    return f"<p{kind}>{_text(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """A list."""
    return f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows."""
    shown_head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    shown = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{shown_head}</tr></thead><tbody>{shown}</tbody></table>"


def folded(title: str, text: str) -> str:
    """Text as it stands, which is unfolded by a click."""
    return f"<details><summary>{_text(title)}</summary><pre>{html.escape(on_lines(text))}</pre></details>"


def figures(drawn: Iterable[tuple[Figure, str]]) -> str:
    """Figures with their captions, side by side where there is room."""
    return f'<div class="figures">{"".join(_figure(figure, caption) for figure, caption in drawn)}</div>'


def _figure(figure: Figure, caption: str) -> str:
    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": caption, "font.family": "sans-serif"}):
        figure.savefig(written, format="svg", dpi=_DPI, metadata={"Date": None, "Creator": PROGRAM})
    data = base64.b64encode(written.getvalue().encode()).decode()
    image = f'<img src="data:image/svg+xml;base64,{data}" alt="{_text(caption)}">'
    return f"<figure>{image}<figcaption>{_text(caption)}</figcaption></figure>"


def _text(text: str) -> str:
    return html.escape(on_one_line(text))
