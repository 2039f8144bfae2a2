from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDoubleSpinBox
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.augmentation import AugmentationPanel
from app.train.training_form import TrainingForm
from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin
from core.train import preparation
from core.train.settings import AugmentationSettings

NONE = AugmentationSettings(
    rotation=0,
    width_shift=0,
    height_shift=0,
    zoom_min=1,
    zoom_max=1,
    horizontal_flip=False,
    vertical_flip=False,
    noise=0,
)

TURNED = {
    "shear": 30.0,
    "psf_blur": 15.0,
    "sky_noise": 10.0,
    "distance": 4.0,
    "neighbours": 1.0,
    "brightness_min": 0.2,
    "signal_to_noise": 1.0,
    "gradient": 60.0,
    "cosmic_rays": 10.0,
    "dead_pixels": 200.0,
}


def shown(qtbot: QtBot, session: Session) -> AugmentationPanel:
    panel = AugmentationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(800, 500)
    panel.show()
    return panel


def waited_for(qtbot: QtBot, happens: Callable[[], bool], what: str) -> None:
    def require() -> None:
        assert happens(), what

    qtbot.waitUntil(require)


def picture(panel: AugmentationPanel) -> np.ndarray:
    image = panel.mosaic.grab().toImage().convertToFormat(panel.mosaic.grab().toImage().Format.Format_Grayscale8)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return pixels[:, : image.width()].astype(float)


def test_sixteen_views_of_the_current_galaxy_are_shown(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    assert session.dataset.cutouts is not None
    assert session.dataset.cutouts.ids[0] in panel.caption.text()


def test_without_augmentation_all_sixteen_are_alike_and_with_it_they_differ(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    side = (min(panel.mosaic.width(), panel.mosaic.height()) - 9) // 4
    left = (panel.mosaic.width() - 4 * side - 9) // 2

    def cells() -> list[np.ndarray]:
        pixels = picture(panel)
        return [pixels[:side, left + place * (side + 3) : left + place * (side + 3) + side] for place in range(4)]

    def spread() -> float:
        return float(np.mean([np.abs(cell - cells()[0]).mean() for cell in cells()[1:]]))

    session.set_current(1)  # edge-on: its angle shows
    qtbot.waitUntil(lambda: spread() > 3, timeout=10_000)
    session.draft.edit("augmentation", NONE)
    qtbot.waitUntil(lambda: spread() < 0.5, timeout=10_000)


def test_each_knob_that_is_turned_on_the_form_shows_in_the_views(qtbot: QtBot, session: Session) -> None:
    session.draft.edit("augmentation", NONE)
    session.set_current(1)
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    before = picture(panel)
    form = TrainingForm(session)
    qtbot.addWidget(form)

    def change() -> float:
        return float(np.abs(picture(panel) - before).mean())

    for name, value in TURNED.items():
        editor = form.augmentation.editor(name)
        assert isinstance(editor, QDoubleSpinBox)
        usual = editor.value()
        editor.setValue(value)
        assert getattr(session.draft.settings.augmentation, name) == value
        waited_for(qtbot, lambda: change() > 0.5, name)
        editor.setValue(usual)
        waited_for(qtbot, lambda: change() == 0, f"{name} as it was")


def test_a_single_galaxy_has_no_neighbours_to_show(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "one.h5", (1, 24, 24), [Band("r")], "float32") as writer:
        writer.append(np.ones((1, 1, 24, 24), np.float32), ["alone"], np.full(1, 0.4), [""], np.zeros(1))
        writer.finish(Table({"id": ["alone"]}), [], Origin("test", "2026-01-01T00:00:00", "drawn", ""), [])
    session.open_cutouts(tmp_path / "one.h5")
    augmentation = NONE.model_copy(update={"neighbours": 1.0, "noise": 0.1})
    session.draft.edit("augmentation", augmentation)
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    assert "alone" in panel.caption.text()


def test_draw_again_gives_other_views(qtbot: QtBot, session: Session) -> None:
    session.set_current(1)
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    before = picture(panel)
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(np.abs(picture(panel) - before).mean() > 1), timeout=10_000)


def test_without_a_dataset_it_says_what_is_missing(qtbot: QtBot) -> None:
    session = Session()
    panel = shown(qtbot, session)
    assert "Open a dataset" in panel.caption.text()
    assert not panel.again.isEnabled()
    session.close()


def test_input_scaling_and_whitening_are_seen_as_they_are_chosen(qtbot: QtBot, session: Session) -> None:
    session.draft.edit("augmentation", NONE)
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    plain, usual = picture(panel), session.draft.settings.network
    qtbot.mouseClick(panel.as_seen, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.as_seen.height() // 2))
    qtbot.waitUntil(lambda: np.abs(picture(panel) - plain).max() > 5, timeout=20_000)
    assert session.dataset.cutouts is not None
    for name, value in (
        ("samplewise", "standard"),
        ("whitening", "ZCA"),
        ("normalisation", "centre"),
        ("normalisation", "standard"),
    ):
        seen = panel.shown
        assert seen is not None
        session.draft.edit("network", usual.model_copy(update={name: value}))
        waited_for(qtbot, lambda seen=seen: panel.shown is not seen, value)
        with Cutouts.open(session.dataset.cutouts.path) as cutouts:
            scaling = preparation.fit_scaling(cutouts, session.draft.settings)
            wanted = scaling(torch.from_numpy(cutouts.images[[0]])).numpy()
        assert panel.shown is not None
        np.testing.assert_allclose(panel.shown[0], wanted[0], atol=1e-5, err_msg=f"{name} {value}")
