"""The guide: its pages, links and pictures, its search, its examples, and what it says of the tests."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import runpy
from pathlib import Path
from types import ModuleType

import pytest
import truths
from program import ROOT

from app.shell import guide_pages
from app.shell.guide_search import BEGIN, END, GuideIndex
from app.shell.workspaces import PANELS, WORKSPACES
from app.widgets.method_texts import CHAPTERS, read_methods

HELP = ROOT / "resources" / "help"


@pytest.fixture(scope="module")
def documentation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("documentation", ROOT / "packaging" / "documentation.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_links_of_the_site_lead_somewhere_and_all_pictures_are_shown(documentation: ModuleType, tmp_path: Path):
    documentation.build(tmp_path / "site")
    assert not [*documentation.broken_links(tmp_path / "site"), *documentation.unused_pictures(tmp_path / "site")]
    page = tmp_path / "site" / "7-formats.html"
    text = page.read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)', text)
    page.write_text(text.replace("</main>", '<a href="2-data.html#nowhere">x</a><img src="pictures/none.png"></main>'))
    broken = list(documentation.broken_links(tmp_path / "site"))
    assert len(broken) == 2 and "#nowhere" in broken[0] and "none.png" in broken[1]


def test_no_page_is_left_out_of_the_contents():
    pages = {page.name for page in guide_pages.read_pages()}
    assert pages == {path.stem for path in HELP.glob("*.md")} | {"methods"}


def test_each_room_and_panel_leads_to_a_section_that_is_there():
    places = {f"{page.name}#{section.anchor}" for page in guide_pages.read_pages() for section in page.sections}
    places |= {page.name for page in guide_pages.read_pages()}
    for room, workspace in WORKSPACES.items():
        assert guide_pages.page_of(room) in places - {guide_pages.page_of("")}, room
        for panel in (panel for column in workspace.columns for area in column for panel in area):
            assert guide_pages.page_of(room, panel) in places, panel
    contents = guide_pages._contents()
    assert set(contents["rooms"]) <= set(WORKSPACES) and set(contents["panels"]) <= set(PANELS)


def test_each_method_has_sentences_a_formula_a_paper_and_a_section_of_the_guide():
    places = {f"{page.name}#{section.anchor}" for page in guide_pages.read_pages() for section in page.sections}
    places |= {page.name for page in guide_pages.read_pages()}
    for name, method in read_methods().items():
        assert method.chapter in CHAPTERS, name
        assert method.formula and re.search(r"\b(?:1[6-9]|20)\d\d\b", method.paper), name
        assert method.page in places, (name, method.page)


def test_the_search_finds_stems_beginnings_and_titles_first():
    index = GuideIndex(guide_pages.read_pages())
    assert index.find("occlusion sensitivity")[0].title == "Occlusion sensitivity"
    assert "Errors" in [found.title for found in index.find("calibrated error bars")[:4]]
    found = index.find("explaining")[0]  # the stem of “explain”
    assert any(word.casefold().startswith("expla") for word in found.words)
    assert index.find("sersic")[0].title == "Sérsic profile"
    excerpts = [each.excerpt for each in index.find("integrated gradients") if BEGIN in each.excerpt]
    assert excerpts and all(text.count(BEGIN) == text.count(END) for text in excerpts)
    assert index.find('"') == index.find("  ") == [] and not index.find("zebrafinch")
    index.close()


def test_the_page_of_truths_tells_of_the_tests_that_there_are():
    assert sorted(truths.told()) == sorted(truths.marked())
    assert "failed" not in "".join(line for line in truths.PAGE.read_text().splitlines() if line.startswith("|"))


def test_the_page_on_python_names_functions_that_there_are():
    text = (HELP / "65-python.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `(core[\w.]+)`", text, re.MULTILINE)
    assert len(names) > 8
    assert all(callable(pkgutil.resolve_name(name)) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [("train_and_explain", "test galaxies; demo-000000: evidence for"), ("measure_sizes", "within their error bar")],
)
def test_the_examples_run(name: str, says: str, tmp_path: Path):
    example = runpy.run_path(str(HELP / "examples" / f"{name}.py"))
    assert says in example["main"](tmp_path, 120, 1)
