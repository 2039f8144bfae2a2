"""Pictures of the program: drive the real window on the demonstration survey and save every panel, light and dark.

    python packaging/screenshots.py FOLDER                     every workspace, panel and dialog
    python packaging/screenshots.py FOLDER --dataset DATA.h5   the same with other galaxies
    python packaging/screenshots.py --readme                   those of the README, in resources/help/pictures

It needs no screen and takes a few minutes, most of them for a short training.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from app.explain.maps.panel import ExplanationPanel

ROOT = Path(__file__).parents[1]
SIZE = (1280, 800)
EPOCHS = 14
MOST_BYTES = 300_000
README = {"train", "data", "explain", "filters"}


def main() -> int:
    """Read the arguments, prepare a home of its own, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where to save them")
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    parser.add_argument("--dataset", type=Path, help="galaxies to show; the demonstration survey where left out")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the training")
    options = parser.parse_args()
    folder = options.folder or ROOT / "resources" / "help" / "pictures"
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="tuning-fork-pictures-") as home:
        os.environ["TUNINGFORK_HOME"] = home
        os.environ["XDG_CONFIG_HOME"] = home
        Photographer(folder, options.epochs, options.dataset, only_readme=options.readme).take_all()
    return 0


class Photographer:
    """Holds the window, and waits and presses the shutter."""

    def __init__(self, folder: Path, epochs: int, dataset: Path | None, *, only_readme: bool) -> None:
        from PySide6.QtWidgets import QApplication

        from app import theme
        from app.shell.window import MainWindow

        self.folder = folder
        self.epochs = epochs
        self.dataset = dataset
        self.only_readme = only_readme
        self.themes = (False,) if only_readme else (False, True)
        folder.mkdir(parents=True, exist_ok=True)
        self.application = QApplication(["tuningfork"])
        theme.apply(self.application, False)
        self.window = MainWindow()
        self.window.resize(*SIZE)
        self.window.show()

    def take_all(self) -> None:
        """Go through the program as a new user would."""
        if not self.only_readme:
            self.both("welcome", self.window)
        self.window.begin(self.dataset, demonstration=self.dataset is None)
        self.until(lambda: self.window.session.dataset.cutouts is not None, "the survey", 300)
        self.window.session.set_current(4)
        self.settle(3)
        if not self.only_readme:
            self.import_wizard()
        self.both("data", self.window)
        self.training()
        self.explaining()
        self.filters()
        if not self.only_readme:
            self.faithfulness()
            self.dreams()
            self.galaxy_map()
            self.evaluating()
            self.panels()
            self.dialogs()
        self.window.close()
        self.window.deleteLater()
        self.settle(1)

    def training(self) -> None:
        """Train, and take the picture while the curves move."""
        from app.train.training import TrainingPanel

        session = self.window.session
        self.window.show_workspace("train")
        panel = cast("TrainingPanel", self.panel("training"))
        session.draft.edit("optimiser.epochs", self.epochs)
        panel.form.name.setText("first light")
        self.settle(4)
        panel.start.click()
        share = max(1, int(0.7 * self.epochs))
        self.until(lambda: len(panel.curves.points("val_loss")[0]) >= share, "some epochs", 900)
        self.settle(1)
        self.both("train", self.window)
        self.until(lambda: session.activity.training is None, "the end of the training", 900)

    def explaining(self) -> None:
        """Ask why, for a galaxy that shows something."""
        self.window.show_workspace("explain")
        panel = cast("ExplanationPanel", self.panel("explanation"))
        for row in (4, 40):
            self.window.session.set_current(row)
            cutouts = self.window.session.dataset.cutouts
            assert cutouts is not None
            name = cutouts.ids[row]
            self.until(
                lambda name=name: all(
                    made is not None and made.galaxy_id == name
                    for made in (side.view.explanation for side in panel.sides)
                ),
                "the maps",
                120,
            )
        self.until(lambda: all(side.finished_map is not None for side in panel.sides), "the finished maps", 120)
        self.settle(0.5)
        self.both("explain", self.window)
        if not self.only_readme:
            self.methods(panel)
            self.map_faithfulness(panel)

    def methods(self, panel: ExplanationPanel) -> None:
        """All ways to ask, two at a time."""
        from core.explain.methods import METHODS

        names = [*METHODS]
        for pair in zip(names[::2], [*names[1::2], names[0]], strict=False):
            for side, name in zip(panel.sides, pair, strict=True):
                side.view.set_method(name)
                side.view.method_chosen.emit(name)
            self.until(lambda: all(side.finished_map is not None for side in panel.sides), " and ".join(pair), 120)
            self.settle(0.5)
            self.both("why " + " ".join(pair), self.window)

    def map_faithfulness(self, panel: ExplanationPanel) -> None:
        """Whether two maps are faithful, with the outlines of what lies in the image."""
        panel.controls.contours.setChecked(True)
        panel.faithfulness.button.setChecked(True)
        self.until(
            lambda: all(len(text.text()) > 1 for text in panel.faithfulness.texts), "the faithfulness of the maps", 120
        )
        self.settle(1)
        self.both("doubts", self.window)
        panel.faithfulness.button.setChecked(False)
        panel.controls.contours.setChecked(False)

    def faithfulness(self) -> None:
        """On which regions the decisions rest, class by class."""
        from app.explain.faithfulness import FaithfulnessPanel

        panel = cast("FaithfulnessPanel", self.raised("belief"))
        panel.ask.click()
        self.until(lambda: panel.faithfulness is not None, "the faithfulness table", 600)
        self.settle(1)
        self.both("belief", self.window)

    def filters(self) -> None:
        """The nine strongest galaxies of some filters of a middle layer."""
        from app.explain.filters import FiltersPanel

        panel = cast("FiltersPanel", self.raised("filters"))
        self.until(panel.seek.isEnabled, "the layers", 60)
        panel.seek.click()
        self.until(lambda: bool(panel.filters.mosaics), "the strongest galaxies", 300)
        self.settle(1)
        self.both("filters", self.window)

    def dreams(self) -> None:
        """A class dreamt from noise, and a deep dream on the galaxy."""
        from PySide6.QtCore import Qt

        from app.explain.dreams import DreamsPanel

        panel = cast("DreamsPanel", self.raised("dreams"))
        self.until(panel.start.isEnabled, "the network's answers", 60)
        for name, place in (
            ("class", 0),
            ("deep", panel.subject.findText("activation3", Qt.MatchFlag.MatchStartsWith)),
        ):
            panel.subject.setCurrentIndex(place)
            panel.start.click()
            self.until(panel.save.isEnabled, "the dream", 300)
            self.settle(0.5)
            self.both(f"dream {name}", self.window)

    def galaxy_map(self) -> None:
        """The galaxies as points."""
        from app.explain.galaxy_map import GalaxyMapPanel

        panel = cast("GalaxyMapPanel", self.raised("galaxy_map"))
        panel.draw.click()
        self.until(panel.draw.isVisible, "the map", 300)
        self.settle(1)
        self.both("galaxy map", self.window)

    def evaluating(self) -> None:
        """The numbers of the validation part."""
        from app.evaluate.evaluation import EvaluationPanel

        self.window.show_workspace("evaluate")
        panel = cast("EvaluationPanel", self.panel("evaluation"))
        self.until(lambda: panel.numbers["Accuracy"] != "–", "the numbers", 120)
        self.settle(1)
        self.both("evaluate", self.window)
        self.save("evaluate twice as fine", self.window, scale=2)

    def panels(self) -> None:
        """Each panel alone, as large as a dock can make it."""
        from app.shell.workspaces import PANELS, WORKSPACES

        for name in PANELS:
            workspace = next(
                key for key, arranged in WORKSPACES.items() if any(name in area for c in arranged.columns for area in c)
            )
            self.window.show_workspace(workspace)
            self.both(f"panel {name}", self.raised(name))

    def import_wizard(self) -> None:
        """The wizard's preview of a few cutouts with labels."""
        from app.data.import_wizard import ImportWizard

        with tempfile.TemporaryDirectory() as folder:
            self.write_cutouts(Path(folder))
            self.window.take_files([Path(folder)])
            wizard = self.window.findChildren(ImportWizard)[-1]
            self.settle(5)
            self.both("import", wizard)
            wizard.close()
            self.settle(0.5)

    def write_cutouts(self, folder: Path) -> None:
        """Some galaxies of the survey as FITS files in folders that name their class."""
        from astropy.io import fits

        cutouts = self.window.session.dataset.cutouts
        assert cutouts is not None
        for row in range(24):
            place = folder / str(cutouts.columns["morphology"][row])
            place.mkdir(exist_ok=True)
            fits.writeto(place / f"{cutouts.ids[row]}.fits", cutouts.images[row])

    def dialogs(self) -> None:
        """Guide and about box."""
        from PySide6.QtWidgets import QApplication, QMessageBox

        from app.shell.guide import Guide, show_about

        guide = Guide(self.window)
        guide.show()
        show_about(self.window)
        self.settle(0.5)
        boxes = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox)]
        for name, widget in (("guide", guide), *(("about", box) for box in boxes)):
            self.both(name, widget)
            widget.close()

    # -- the camera ------------------------------------------------------------------------------------------------

    def panel(self, name: str) -> Any:
        """A panel of the window."""
        return self.window.docks.panel(name)

    def raised(self, name: str) -> Any:
        """A panel of the workspace that is shown, in front of those it shares its place with."""
        panel = self.panel(name)
        panel.parentWidget().raise_()
        self.settle(1)
        return panel

    def both(self, name: str, widget: Any) -> None:
        """Save it light and dark."""
        from app import theme

        for dark in self.themes:
            theme.apply(self.application, dark)
            self.settle(0.8)
            self.save(name if self.only_readme else f"{name} {'dark' if dark else 'light'}", widget)
        theme.apply(self.application, False)

    def save(self, name: str, widget: Any, scale: int = 1) -> None:
        """Draw a widget into a PNG that is not too large."""
        from PIL import Image
        from PySide6.QtCore import QBuffer
        from PySide6.QtGui import QPixmap

        if self.only_readme and name not in README:
            return
        picture = QPixmap(widget.size() * scale)
        picture.setDevicePixelRatio(scale)
        widget.render(picture)
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        data = bytes(buffer.data().data())
        path = self.folder / f"{name.replace(' ', '-')}.png"
        image = Image.open(io.BytesIO(data)).convert("RGB")
        image.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:  # noisy galaxies do not compress: 256 colours do for a page
            image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")

    def settle(self, seconds: float) -> None:
        """Let the window work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.application.processEvents()
            time.sleep(0.01)

    def until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Let the window work until something is there."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
            self.application.processEvents()
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
