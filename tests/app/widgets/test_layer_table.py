"""The rows of a network, and freezing by a click."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt

from app.widgets.empty_state import EmptyState
from app.widgets.layer_table import LayerTable


@dataclass(frozen=True)
class Row:
    """What the table asks of a layer."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    receptive_field: int
    stride: int
    offset: float
    block: int


ROWS = [
    Row("conv1", "convolution 3 × 3", (32, 64, 64), 896, 3, 1, 0.0, 1),
    Row("pool1", "max pooling 2 × 2", (32, 32, 32), 0, 4, 2, 0.5, 1),
    Row("conv2", "convolution 3 × 3", (48, 32, 32), 13_872, 8, 2, 0.5, 2),
    Row("dense", "dense", (3,), 147, 64, 64, 31.5, 3),
]


@pytest.fixture
def table(qtbot):
    table = LayerTable()
    qtbot.addWidget(table)
    table.resize(520, 200)
    table.set_rows(ROWS, 0.4)
    table.show()
    return table


def texts(table, row):
    model = table.model()
    return [model.data(model.index(row, column), Qt.ItemDataRole.DisplayRole) for column in range(model.columnCount())]


def test_each_layer_tells_its_output_its_weights_and_what_it_sees(table):
    block, kind, shape, parameters, sees, _ = texts(table, 0)
    assert block == "1"
    assert kind.startswith("conv")
    assert [int(side) for side in shape.split("×")] == [32, 64, 64]
    assert parameters == "896"
    assert sees.startswith("3 px")
    assert "1.2″" in sees
    assert texts(table, 2)[3].replace(",", "") == "13872"
    assert texts(table, 3)[0] == "head"


def test_without_a_scale_fields_are_in_pixels_only(table):
    table.set_rows(ROWS)
    assert texts(table, 0)[4] == "3 px"


def click(qtbot, table, row):
    place = table.visualRect(table.model().index(row, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_click_freezes_up_to_its_block_and_a_second_one_frees_it(qtbot, table):
    table.set_frozen(0, choosable=True)
    with qtbot.waitSignal(table.freeze_changed) as frozen:
        click(qtbot, table, 2)
    assert frozen.args == [2]
    table.set_frozen(2, choosable=True)
    with qtbot.waitSignal(table.freeze_changed) as frozen:
        click(qtbot, table, 2)
    assert frozen.args == [1]


def test_nothing_can_be_frozen_where_there_is_nothing_to_keep(qtbot, table):
    table.set_frozen(0, choosable=False)
    for row in (0, 3):
        with qtbot.assertNotEmitted(table.freeze_changed):
            click(qtbot, table, row)


def test_a_click_on_the_head_freezes_all_blocks_and_a_second_one_frees_everything(qtbot, table):
    for before, after in ((0, 2), (1, 2), (2, 0)):
        table.set_frozen(before, choosable=True)
        with qtbot.waitSignal(table.freeze_changed) as frozen:
            click(qtbot, table, 3)
        assert frozen.args == [after]


def test_the_rate_of_each_block_stands_beside_its_first_layer_where_an_earlier_network_is_tuned(table):
    assert table.isColumnHidden(5)
    table.set_learning({1: "–", 2: "epoch 3: 1e-4", 3: "4e-4"})
    assert not table.isColumnHidden(5)
    assert [texts(table, row)[5] for row in range(4)] == ["–", "", "epoch 3: 1e-4", "4e-4"]


def test_an_empty_state_offers_the_next_step(qtbot):
    state = EmptyState("mdi6.import", "No galaxies yet", "Import some.", "Import…")
    qtbot.addWidget(state)
    state.show()
    with qtbot.waitSignal(state.clicked):
        state.button.click()
    state.set_text("No network yet", "Train one.")
    assert state.title.text() == "No network yet"
    silent = EmptyState("mdi6.import", "Nothing here", "")
    qtbot.addWidget(silent)
    silent.show()
    assert not silent.button.isVisible()


def test_headers_stand_as_their_cells_words_left_and_numbers_right(table):
    table.set_rows(ROWS)
    model, role = table.model(), Qt.ItemDataRole.TextAlignmentRole
    for column in range(model.columnCount()):
        header = model.headerData(column, Qt.Orientation.Horizontal, role)
        assert header == model.data(model.index(0, column), role), column
        assert bool(header & Qt.AlignmentFlag.AlignLeft) == (column < 2)
