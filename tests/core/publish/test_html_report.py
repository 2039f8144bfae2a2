"""The report of a run in one HTML file, read back by another reader of HTML."""

import base64
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from core.errors import Stopped
from core.events import result_of
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.publish import html_report, run_figures
from core.train.description import model_card
from core.train.description.facts import read_facts

GOLDEN = Path(__file__).parents[2] / "golden"
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """What is on a page; fails where its elements are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.headings: list[str] = []
        self.images: list[dict[str, str]] = []
        self.links: list[str] = []
        self.tables = 0
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [value for name, value in attrs if name in {"src", "href", "action", "data", "poster"}]
        assert tag not in {"script", "iframe", "object", "link"}
        self.tables += tag == "table"
        if tag == "img":
            self.images.append(values)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in {"h1", "h2"}:
            self.headings.append(data)


def write(run: Path, folder: Path) -> tuple[str, Page]:
    path = result_of(html_report.write(RunFolder(run), folder / "report.html"))
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_a_report_is_one_file_with_scores_plots_methods_and_caveats(tmp_path):
    run = tmp_path / "<b>bold & 1"  # names are shown as they are written
    shutil.copytree(GOLDEN / "bench/runs/2026-11-27 13.59.44 first", run)
    text, page = write(run, tmp_path / "elsewhere")
    assert "".join(page.headings).startswith("<b>bold & 1")
    assert {"Validation part", "Training", "Methods", "Caveats"} <= set(page.headings)
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    for image in page.images:
        drawn = ET.fromstring(base64.b64decode(image["src"].partition(",")[2]))
        assert drawn.tag.endswith("svg") and image["alt"]
    assert any("Learning curves" in image["alt"] for image in page.images)
    assert f"{read_metrics(run / 'metrics.json')['validation']['accuracy']:.4g}" in "".join(page.texts)
    assert any(each.startswith("Loss 1.07, accuracy 0.4") for each in page.texts)
    basis = next(each for each in page.texts if each.startswith("5 galaxies"))
    assert ". Of the best epoch, which was chosen on this part" in basis and basis.endswith(".")
    assert "@import" not in text and "url(" not in text
    assert list((tmp_path / "elsewhere").iterdir()) == [tmp_path / "elsewhere" / "report.html"]


@pytest.mark.slow
def test_quantities_are_plotted_against_true_values_where_they_were_evaluated(tmp_path):
    _, page = write(GOLDEN / "measured/runs/2026-11-28 03.01.34 measured", tmp_path)
    assert page.tables >= 1


def test_a_report_that_is_stopped_leaves_nothing(tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(
            html_report.write(RunFolder(GOLDEN / "bench/runs/2026-11-27 13.59.44 first"), tmp_path / "r.html", stop)
        )
    assert not list(tmp_path.iterdir())


def test_the_key_names_completeness_and_purity_also_where_the_first_class_has_no_purity():
    values = {"completeness": {"a": 0.0, "b": 0.9, "c": 1.0}, "purity": {"a": None, "b": 0.8, "c": 0.7}}
    legend = run_figures.draw_merits(values).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["completeness", "purity"]


def test_the_views_of_an_average_are_told_once_and_the_heads_of_tables_are_words(tmp_path):
    for name in ("beside", "measured"):
        (run,) = (GOLDEN / name / "runs").iterdir()
        texts = [text for text in write(run, tmp_path / name)[1].texts if "8 views" in text]
        card = model_card.format_card(read_facts(RunFolder(run)))
        parts = [part for part in ("validation", "test") if read_metrics(RunFolder(run).metrics_file).get(part)]
        assert [text.count("views of each") for text in texts if "galaxies, answers" in text] == [1] * len(parts)
        told = [line for line in card.splitlines() if "galaxies, answers" in line]
        assert [line.count("8 views") for line in told] == [1] * len(parts)
        heads = [line for line in card.splitlines() if line.startswith(("| class |", "| quantity |"))]
        assert not any(word in f"{heads}" for word in ("f1", "r2", "_"))
