import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.panels.augmentation import AugmentationPanel
from app.session import Session
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


def shown(qtbot: QtBot, session: Session) -> AugmentationPanel:
    panel = AugmentationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(800, 500)
    panel.show()
    return panel


def picture(panel: AugmentationPanel) -> np.ndarray:
    image = panel.mosaic.grab().toImage().convertToFormat(panel.mosaic.grab().toImage().Format.Format_Grayscale8)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return pixels[:, : image.width()].astype(float)


def test_sixteen_views_of_the_current_galaxy_are_shown(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    qtbot.waitUntil(lambda: panel.mosaic.count == 16, timeout=20_000)
    assert session.cutouts is not None
    assert session.cutouts.ids[0] in panel.caption.text()


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
    session.set_settings(session.settings.model_copy(update={"augmentation": NONE}))
    qtbot.waitUntil(lambda: spread() < 0.5, timeout=10_000)


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
