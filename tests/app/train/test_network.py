from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.network import NetworkPanel


def shown(qtbot: QtBot, session: Session) -> NetworkPanel:
    panel = NetworkPanel(session)
    qtbot.addWidget(panel)
    panel.resize(900, 700)
    panel.show()
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 0, timeout=20_000)
    return panel


def set_depth(session: Session, depth: int) -> None:
    session.draft.edit("network.depth", depth)


def text(label: QLabel) -> str:
    return label.text()


def test_the_table_shows_every_layer_and_the_total_of_its_parameters(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    # 1 band, 6 filters of 3 × 3, no bias beside batch norm or with it: between the two counts
    total = int(text(panel.total).split(" parameters")[0].replace(",", ""))
    convolutions = 1 * 6 * 9 + 6 * 9 * 9
    assert convolutions < total < convolutions + 300
    before = panel.table.model().rowCount()
    set_depth(session, 3)
    qtbot.waitUntil(lambda: panel.table.model().rowCount() == before + 4, timeout=10_000)


def test_the_receptive_field_is_told_in_pixels_and_arcsec(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    # 3 × 3, pool 2, 3 × 3, pool 2: 1 + 2 + 1 + 4 + 2 = 10 px, at 0.4 arcsec per pixel
    assert "10 px = 4″" in text(panel.field)
    set_depth(session, 3)
    qtbot.waitUntil(lambda: "22 px" in text(panel.field), timeout=10_000)
    assert not text(panel.message)


def test_a_view_narrower_than_the_galaxies_is_told(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: "half of the galaxies" in text(panel.field), timeout=20_000)
    set_depth(session, 1)
    qtbot.waitUntil(lambda: "sees 4 px" in text(panel.field), timeout=10_000)
    assert "sees 4 pixels at once" in text(panel.message)
    set_depth(session, 3)
    qtbot.waitUntil(lambda: not text(panel.message), timeout=10_000)


def test_a_network_too_deep_for_the_stamp_is_refused_in_words_and_comes_back(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    set_depth(session, 9)
    qtbot.waitUntil(lambda: panel.table.model().rowCount() == 0, timeout=10_000)
    assert "24" in text(panel.message) or "deep" in text(panel.message)
    set_depth(session, 2)
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 0, timeout=10_000)


def test_blocks_of_a_base_network_are_frozen_by_a_click(qtbot: QtBot, session: Session, trained: Path) -> None:
    run = next((trained / "runs").iterdir())
    session.draft.edit("transfer.start_from", str(run))
    panel = shown(qtbot, session)
    assert "“first”" in text(panel.base)
    table = panel.table
    first = table.visualRect(table.model().index(0, 0))
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=first.center())
    assert session.draft.settings.transfer.freeze_blocks == 1


def test_the_table_tells_at_which_rate_each_block_is_tuned_and_views_are_not_kept_of_a_tuned_one(
    qtbot: QtBot, session: Session, trained: Path
) -> None:
    start = {"transfer.start_from": str(next((trained / "runs").iterdir())), "transfer.cached_views": 8}
    session.draft.edit_together({**start, "transfer.block_rate": 0.5, "optimiser.learning_rate": 0.004})
    panel = shown(qtbot, session)
    table = panel.table

    def told() -> list[str]:
        model = table.model()
        rates = (str(model.data(model.index(row, 5), Qt.ItemDataRole.DisplayRole)) for row in range(model.rowCount()))
        return [rate for rate in rates if rate]

    def click(row: int) -> None:
        place = table.visualRect(table.model().index(row, 0)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    qtbot.waitUntil(lambda: told() == ["0.001", "0.002", "0.004"], timeout=10_000)
    last = table.model().rowCount() - 1
    table.scrollToBottom()
    click(last)
    chosen = session.draft.settings.transfer
    assert (chosen.freeze_blocks, chosen.cached_views) == (2, 8)
    assert told() == ["–", "–", "0.004"]
    click(last)
    chosen = session.draft.settings.transfer
    assert (chosen.freeze_blocks, chosen.cached_views) == (0, 0)


@pytest.mark.parametrize("row", [0, 5])
def test_another_galaxy_keeps_the_circle(qtbot: QtBot, session: Session, row: int) -> None:
    panel = shown(qtbot, session)
    session.set_current(row)
    assert "10 px" in text(panel.field)
