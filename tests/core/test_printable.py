"""What is written into lines cannot end them; what is data stays as it is."""

from __future__ import annotations

import csv
from pathlib import Path

from core.data.report import ImportReport
from core.errors import UnreadableFile
from core.printable import escape_mathtext, on_lines, on_one_line
from core.project.runs import RunFolder
from core.train.run_report import append_log


def test_letters_of_all_scripts_are_printed_as_they_are():
    text = "NGC 224 – Андромеда, 銀河, مجرة, α ≤ 3″"
    assert on_one_line(text) == on_lines(text) == text


def test_a_name_adds_no_line_to_a_log(tmp_path: Path):
    append_log(RunFolder(tmp_path), "began with a\n2026-11-27 00:00:00  epoch 1/1: accuracy 1.000")
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 1


def test_a_figure_shows_a_name_that_looks_like_mathematics_or_steers_a_terminal():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    for name in ("$x_1$", r"$\no{such}$ command", "one $", "a\x1b[2K"):
        figure.text(0, 0, escape_mathtext(name))
    figure.draw_without_rendering()  # without an error, and without a warning of a letter that the font lacks


def test_names_that_look_like_formulas_or_hold_line_feeds_are_the_same_after_a_report(tmp_path: Path):
    names = ["=1+1", "+A", "-3.5", "@cell", "a\nb", 'a"b', "a,b", "<b>", "\x1b[2K"]
    report = ImportReport(
        tmp_path / "d.h5", 0, [UnreadableFile("It is empty.", "Leave it out.", name) for name in names]
    )
    report.save(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["file"] for row in csv.DictReader(file)] == names
