"""The plots of measured quantities, on a run that measures a size and an angle with error bars."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.evaluate.evaluation import EvaluationPanel
from app.evaluate.fit_dialog import FitDialog
from app.evaluate.measuring import MeasuringView
from app.panel.zero_point_dialog import ZeroPointDialog
from app.session.session import Session
from core.evaluate import measure, tables
from core.events import result_of
from core.simulate.psf_settings import PsfSettings
from tests.galaxies import write_dataset

GOLDEN = Path(__file__).parents[2] / "golden" / "measured"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "measured"))
    opened = Session()
    opened.open_project(folder)
    opened.open_cutouts(folder / "datasets" / "measured.h5")
    assert opened.project is not None
    opened.open_run(opened.project.runs()[0])
    yield opened
    opened.close()


def shown(qtbot: QtBot, session: Session) -> MeasuringView:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(600, 600)
    panel.show()
    qtbot.waitUntil(lambda: panel.measuring.figure.isEnabled() and panel.measuring.table.rowCount() > 0, timeout=60_000)
    return panel.measuring


def test_galaxies_bins_and_numbers_of_each_quantity_are_shown_with_errors(qtbot: QtBot, session: Session) -> None:
    view = shown(qtbot, session)
    names = [view.quantity.itemText(place) for place in range(view.quantity.count())]
    assert len(names) == view.scores.rowCount() and len(names) >= 1
    assert view.truth.count > 0 and view.truth.bar_count == view.truth.count
    assert "galaxies" in view.note.text() and "Outliers" in view.note.text()
    texts = [view.binned.key.texts, list(view.binned.plots)]
    assert texts[0][0].startswith("network") and texts[1] == ["bias", "scatter", "outliers", "within"]
    last = view.table.rowCount() - 1
    assert view.table.item(last, 0).text() == "all"
    assert int(view.table.item(last, 1).text().replace(",", "")) == view.truth.count


def test_the_environment_found_by_segmentation_splits_the_galaxies(qtbot: QtBot, session: Session) -> None:
    view = shown(qtbot, session)
    view.split.setCurrentText("environment, by segmentation")
    qtbot.waitUntil(lambda: "A neighbour is a source within" in view.note.text(), timeout=60_000)
    assert view.table.horizontalHeaderItem(1).text() == "environment"
    assert view.table.item(0, 1).text() in {"isolated", "faint neighbour", "bright neighbour", "unknown"}


def test_a_fit_stands_beside_the_network_on_the_same_galaxies(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    view = shown(qtbot, session)
    assert session.dataset.cutouts is not None
    ids, name = np.array(session.dataset.cutouts.ids), view.quantity.currentText()
    values = np.array(session.dataset.cutouts.columns[name], float)
    values[::3] = np.nan
    table = tmp_path / "fits.csv"
    columns = [("id", ids[::-1], ""), (name, values[::-1], ""), (f"{name}_error", np.full(len(ids), 0.1), "")]
    tables.write_columns(columns, table)
    before = view.truth.count
    view.read_fits(table)
    qtbot.waitUntil(lambda: "same galaxies" in view.note.text(), timeout=30_000)
    assert 0 < view.truth.fitted_count < before == view.truth.count
    assert any(text.startswith("classical fit") for text in view.binned.key.texts)
    assert "without a fitted value left out" in view.note.text()
    other = tmp_path / "other.csv"
    tables.write_columns([("id", ids, ""), ("mass", values, "")], other)
    view.read_fits(other)
    qtbot.waitUntil(lambda: "no table of fitted profiles" in view.note.text(), timeout=30_000)


@pytest.mark.slow
def test_figure_and_numbers_are_saved(qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch) -> None:
    view = shown(qtbot, session)
    for entry, path in ((view.figure, tmp_path / "bins.svg"), (view.numbers, tmp_path / "bins.csv")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path, **__: (str(path), ""))
        entry.trigger()
        qtbot.waitUntil(path.exists, timeout=60_000)
    assert b"<svg" in (tmp_path / "bins.svg").read_bytes()
    found = Table.read(tmp_path / "bins.csv")
    assert {"method", "group", "low", "high", "galaxies", "bias", "bias_error", "outliers"} <= set(found.colnames)
    assert found["galaxies"][-1] == view.truth.count


def test_the_table_of_a_network_of_quantities_has_errors_units_and_flags(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.measuring.scores.rowCount() > 0, timeout=60_000)
    table, said = tmp_path / "radii.fits", []
    session.message.connect(said.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(table), "FITS (*.fits)"))
    qtbot.mouseClick(panel.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(said), timeout=60_000)
    found, cutouts = Table.read(table), session.dataset.cutouts
    assert cutouts is not None and len(found) == len(cutouts)
    name = panel.measuring.quantity.itemText(0)
    assert found[name].unit == found[f"{name}_error"].unit and np.all(found[f"{name}_error"] > 0)
    flagged = np.count_nonzero(np.ma.filled(found["flags"], "") != "")
    assert 0 < flagged <= len(found), "the galaxies of the training are flagged"
    assert f"{flagged} with a flag" in said[-1] and "radii.fits" in said[-1] and "68 %" in said[-1]


def test_galaxies_without_true_values_are_not_compared_but_a_table_is_offered(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    assert session.dataset.cutouts is not None
    bare, run = tmp_path / "own.h5", session.run
    assert run is not None
    write_dataset(
        bare, np.ones((4, 1, 20, 20), np.float32), {}, [], bands=[band.name for band in session.dataset.cutouts.bands]
    )
    session.open_cutouts(bare)
    session.open_run(run)
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(900, 600)
    panel.show()
    qtbot.waitUntil(lambda: panel.part.text() == "Not evaluated", timeout=60_000)
    assert panel.export.text() in panel.state.text() and panel.export.isEnabled()
    assert not panel.numbers.isVisible() and not panel.reliability.isVisible() and not panel.decision.isVisible()


@pytest.mark.parametrize("is_known", [True, False])
def test_before_galaxies_of_an_unknown_unit_are_measured_their_zero_point_is_asked(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    assert session.dataset.cutouts is not None and session.run is not None
    run, images = session.run, session.dataset.cutouts.images[:]
    expected = result_of(measure.run([run.path], session.dataset.cutouts.path))
    place = expected.target.units.index("mag")
    write_dataset(tmp_path / "other.h5", images * np.float32(100), {}, [], bands=["F160W"])
    session.open_cutouts(tmp_path / "other.h5")
    session.open_run(run)
    panel, table, said = EvaluationPanel(session), tmp_path / "radii.fits", []
    qtbot.addWidget(panel)
    panel.show()
    session.message.connect(said.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(table), "FITS (*.fits)"))
    panel.export.click()
    qtbot.waitUntil(lambda: bool(panel.findChildren(ZeroPointDialog)), timeout=60_000)
    dialog = panel.findChildren(ZeroPointDialog)[0]
    assert not dialog.go_on.isEnabled() and not table.exists()
    if is_known:
        dialog.fields[0].setText("30.9")
    else:
        dialog.unknown.setChecked(True)
    dialog.go_on.click()
    qtbot.waitUntil(table.exists, timeout=60_000)
    found = Table.read(table)
    magnitudes = np.asarray(found[expected.target.columns[place]])
    assert np.allclose(magnitudes, expected.found.values[:, place], atol=1e-3) == is_known
    about = found.meta["PIXELS"]
    assert ("Zero points F160W 30.9" if is_known else "zero point of these images is not known") in about


def test_profiles_are_fitted_at_a_button_and_stand_beside_the_network(qtbot: QtBot, session: Session) -> None:
    view = shown(qtbot, session)
    said: list[str] = []
    session.message.connect(said.append)
    view.fit_now.trigger()
    dialog = view.findChildren(FitDialog)[0]
    assert not dialog.go_on.isEnabled() and "needs the PSF" in dialog.about.text()
    dialog.source.setCurrentText("My own PSF")
    assert not dialog.go_on.isEnabled()
    dialog.psf.set_value(PsfSettings(kind="gaussian", fwhm=0.15))
    dialog.source.setCurrentText("HST/WFC3 F160W")
    dialog.count.setValue(6)
    dialog.go_on.click()
    qtbot.waitUntil(lambda: any("classical fit" in text for text in view.binned.key.texts), timeout=60_000)
    assert 0 < view.truth.fitted_count <= 6
    assert "of 6 galaxies were fitted" in said[-1] and "zero point of the dataset, 25.9" in said[-1]


@pytest.mark.slow
def test_the_largest_deviations_lead_to_their_galaxies(qtbot: QtBot, session: Session) -> None:
    view = shown(qtbot, session)
    assert not view.doubtful.list.model().rowCount()  # nothing is computed before it is looked at
    view.tabs.setCurrentWidget(view.doubtful)
    qtbot.waitUntil(lambda: view.doubtful.list.model().rowCount() == view.truth.count, timeout=60_000)
    assert not view.figure.isEnabled() and view.numbers.isEnabled()
    off = [abs(float(view.doubtful.list.text(row, 4).replace("−", "-"))) for row in range(view.truth.count)]
    assert off == sorted(off, reverse=True) and "error bars" in view.doubtful.note.text()
    view.doubtful.list.selectRow(2)
    assert session.dataset.cutouts is not None
    assert session.dataset.cutouts.ids[session.current] == view.doubtful.list.text(2, 0)
    assert not view.doubtful.relabel.isVisible()


def test_two_runs_of_quantities_are_compared_without_mcnemar(qtbot: QtBot, session: Session) -> None:
    view = shown(qtbot, session)
    run = session.run
    assert run is not None
    shutil.copytree(run.path, run.path.with_name("another"))
    session.runs_changed.emit()
    view.tabs.setCurrentWidget(view.two_runs)
    assert "McNemar" not in view.two_runs.verdict.text() and "paired bootstrap" in view.two_runs.verdict.text()
