"""The inputs that were once got wrong, made by the cases' own programs: each gives what its README calls right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.data.target import Classes, Quantities, label_text, recognise
from core.errors import AmbiguousColumn, CatalogueProblem
from core.events import result_of

CASES = Path(__file__).parents[3] / "shared" / "cases"


def imported(
    source: Path, catalogue: str = "", label: str = "", **settings: Any
) -> tuple[ImportReport, list[str], dict[str, Any], tuple[int, ...], tuple[str, ...]]:
    """The report, ids, columns, shape and names of the bands of an import."""
    chosen: dict[str, Any] = settings | ({"labels": (label,)} if label else {})
    data = source.with_suffix(".made.h5")
    table = source.parent / catalogue if catalogue else None
    report = result_of(importing.run([source], data, ImportSettings(**chosen), table))
    with Cutouts.open(data) as cutouts:
        bands = tuple(band.name for band in cutouts.bands)
        return report, cutouts.ids, dict(cutouts.columns), cutouts.shape, bands


def channels_last_fits(place: Path) -> None:
    for folder, bands in (("five", 5), ("three", 3)):
        assert imported(place / folder)[3] == (4, bands, 48, 48)


def class_called_none(place: Path) -> None:
    report, _, columns, _, _ = imported(place / "images", "catalogue.csv", "bar")
    target = recognise(columns, ["bar"])
    assert isinstance(target, Classes)
    assert len(target.names) == 3 or any("Taken as missing" in note and "None" in note for note in report.notes)
    report, _, columns, _, _ = imported(place / "folders", labels_from_folders=True)
    assert len({text for value in columns["class"] if (text := label_text(value))}) == 2 or report.notes


def commented_header(place: Path) -> None:
    report, ids, columns, _, _ = imported(place / "images", "catalogue.csv", "label")
    assert (len(ids), len(report.without_label)) == (12, 0) and "name" in columns


def decimal_ids_collapse(place: Path) -> None:
    _, ids, columns, _, _ = imported(place / "images", "catalogue.csv", "label")
    found = dict(zip(ids, (label_text(value) for value in columns["label"]), strict=True))
    assert (found["30.10"], found["30.20"]) == ("elliptical", "elliptical")
    assert (found["30.1"], found["30.2"]) == ("", "")


def index_column_wins(place: Path) -> None:
    try:
        report, ids, columns, _, _ = imported(place / "images", "catalogue.csv", "label")
    except AmbiguousColumn:
        report, ids, columns, _, _ = imported(place / "images", "catalogue.csv", "label", catalogue_id="NUMBER")
    for name, value in zip(ids, columns["label"], strict=True):
        assert value == ("odd" if int(name) % 2 else "even")
    assert any("NUMBER" in note for note in report.notes)


def named_extensions_lost(place: Path) -> None:
    assert imported(place / "stack")[1] == [f"GAL{number:03d}" for number in range(20)]
    _, ids, _, _, bands = imported(place / "bands")
    assert len(ids) == 3 and bands == ("VIS", "NIR-Y", "NIR-J", "NIR-H")


def numbers_become_classes(place: Path) -> None:
    for name in ("comma", "thousands", "fortran", "dash", "dashes", "indef", "sentinel"):
        report, _, columns, _, _ = imported(place / "images", f"{name}.csv", "redshift")
        assert isinstance(recognise(columns, ["redshift"]), Quantities), name
        assert bool(report.without_label) == (name in {"dash", "dashes", "indef", "sentinel"}), name
        assert name != "sentinel" or any("−99" in note for note in report.notes)


def one_wild_pixel(place: Path) -> None:
    report, _, _, _, _ = imported(place / "marked", "catalogue.csv", "label")
    assert any("are taken as missing" in note for note in report.notes)
    with Cutouts.open(place / "marked.made.h5") as marked:
        assert np.abs(marked.images[:]).max() < 1e6


def unnamed_extensions_as_galaxies(place: Path) -> None:
    for folder in ("fit", "weights", "exttype"):
        report, ids, _, _, _ = imported(place / folder)
        assert len(ids) == 4 and report.notes, folder


def wrong_table_of_several(place: Path) -> None:
    for catalogue in ("ldac.fits", "two.xml"):
        report, _, _, _, _ = imported(place / "images", catalogue, "label")
        assert not report.without_label, catalogue
    with pytest.raises(CatalogueProblem, match="single values"):
        imported(place / "images", "vectors.fits")


CHECKS: tuple[Callable[[Path], None], ...] = (
    *(channels_last_fits, class_called_none, commented_header, decimal_ids_collapse, index_column_wins),
    *(named_extensions_lost, numbers_become_classes, one_wild_pixel, unnamed_extensions_as_galaxies),
    wrong_table_of_several,
)


@pytest.mark.slow
@pytest.mark.skipif(not CASES.exists(), reason="the cases lie beside the project and are not part of it")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_case_gives_what_its_readme_calls_right(check: Callable[[Path], None], tmp_path: Path) -> None:
    shutil.copy(CASES / "common.py", tmp_path)
    place = Path(shutil.copytree(CASES / check.__name__, tmp_path / check.__name__))
    subprocess.run([sys.executable, "make.py"], cwd=place, check=True, timeout=120)
    check(place)


@pytest.mark.slow
@pytest.mark.skipif(not CASES.exists(), reason="the cases lie beside the project and are not part of it")
def test_every_case_is_checked() -> None:
    assert {folder.name for folder in CASES.iterdir() if (folder / "make.py").exists()} == {
        check.__name__ for check in CHECKS
    }
