"""Pictures of the program: drive the window on the demonstration survey and save every panel, light and dark.

    python packaging/screenshots.py FOLDER                     every workspace, panel and dialog
    python packaging/screenshots.py FOLDER --dataset DATA.h5   the same with other galaxies
    python packaging/screenshots.py --guide                    those of guide and README, in resources/help/pictures

It needs no screen and takes a few minutes, most of them for a short training and a small study.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from app.adapt.adaptation import AdaptationPanel
    from app.explain.maps.panel import ExplanationPanel

ROOT = Path(__file__).parents[1]
SIZE = (1280, 800)
EPOCHS = 14
MOST_BYTES = 300_000
PATIENCE = 1800  # seconds; the machine may be busy
GUIDE = {
    *("welcome", "import", "data", "simulate", "train", "compare", "evaluate", "explain", "doubts", "belief"),
    *("filters", "dream class", "galaxy map", "studies", "adapt"),
}


def main() -> int:
    """Read the arguments, prepare a home of its own, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where to save them")
    parser.add_argument("--guide", action="store_true", help="only the pictures of the guide and the README")
    parser.add_argument("--dataset", type=Path, help="galaxies to show; the demonstration survey where left out")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the training")
    options = parser.parse_args()
    folder = (options.folder or ROOT / "resources" / "help" / "pictures").resolve()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="tuning-fork-pictures-") as home:
        os.environ["TUNINGFORK_HOME"] = home
        os.environ["XDG_CONFIG_HOME"] = home
        Photographer(folder, options.epochs, options.dataset, only_guide=options.guide).take_all()
    return 0


class Photographer:
    """Drives the window and saves pictures of it."""

    def __init__(self, folder: Path, epochs: int, dataset: Path | None, *, only_guide: bool) -> None:
        from PySide6.QtWidgets import QApplication

        from app import theme
        from app.shell.window import MainWindow

        self.folder = folder
        self.epochs = epochs
        self.dataset = dataset
        self.only_guide = only_guide
        self.themes = (False,) if only_guide else (False, True)
        folder.mkdir(parents=True, exist_ok=True)
        self.application = QApplication(["tuningfork"])
        theme.apply(self.application, False)
        self.window = MainWindow()
        self.window.resize(*SIZE)
        self.window.show()

    def take_all(self) -> None:
        """Go through the program as a new user would."""
        self.save_light_and_dark("welcome", self.window)
        self.window.begin(self.dataset, demonstration=self.dataset is None)
        self.wait_until(lambda: self.window.session.dataset.cutouts is not None, "the survey")
        self.window.session.set_current(4)
        self.wait_until(lambda: "Looking" not in self.window.device.text(), "the name of the device")
        self.wait(3)
        self.import_wizard()
        self.save_light_and_dark("data", self.window)
        self.photograph_training()
        self.photograph_maps()
        self.filters()
        self.faithfulness()
        self.dreams()
        self.galaxy_map()
        self.photograph_evaluation()
        self.comparison()
        self.training_size()
        self.simulation()
        if not self.only_guide:
            self.panels()
            self.guide()
        self.adaptation()
        self.window.close()
        self.window.deleteLater()
        self.wait(1)

    def photograph_training(self) -> None:
        """Train, and take the picture while the curves move."""
        from app.train.settings_panel import SettingsPanel
        from app.train.training import TrainingPanel

        session = self.window.session
        self.window.show_workspace("train")
        panel = cast("TrainingPanel", self.panel("training"))
        session.draft.edit("optimiser.epochs", self.epochs)
        settings = cast("SettingsPanel", self.panel("settings"))
        settings.form.name.setText("first light")
        self.wait(4)
        settings.start.click()
        share = max(1, int(0.7 * self.epochs))
        self.wait_until(lambda: len(panel.curves.points("val_loss")[0]) >= share, "some epochs")
        self.wait(1)
        self.save_light_and_dark("train", self.window)
        self.wait_until(lambda: session.activity.training is None, "the end of the training")
        self.wait_for_jobs()

    def photograph_maps(self) -> None:
        """Photograph the attribution maps of a galaxy."""
        self.window.show_workspace("explain")
        panel = cast("ExplanationPanel", self.panel("explanation"))
        for row in (4, 40):
            self.window.session.set_current(row)
            cutouts = self.window.session.dataset.cutouts
            assert cutouts is not None
            name = cutouts.ids[row]
            self.wait_until(
                lambda name=name: all(
                    made is not None and made.galaxy_id == name
                    for made in (side.view.explanation for side in panel.sides)
                ),
                "the maps",
            )
        self.wait_until(lambda: all(side.finished_map is not None for side in panel.sides), "the finished maps")
        self.wait(0.5)
        self.save_light_and_dark("explain", self.window)
        if not self.only_guide:
            self.methods(panel)
        self.map_faithfulness(panel)

    def methods(self, panel: ExplanationPanel) -> None:
        """Photograph all attribution methods, two at a time."""
        from core.explain.methods import METHODS

        names = [*METHODS]
        for pair in zip(names[::2], [*names[1::2], names[0]], strict=False):
            for side, name in zip(panel.sides, pair, strict=True):
                side.view.set_method(name)
                side.view.method_chosen.emit(name)
            self.wait_until(lambda: all(side.finished_map is not None for side in panel.sides), " and ".join(pair))
            self.wait(0.5)
            self.save_light_and_dark("why " + " ".join(pair), self.window)

    def map_faithfulness(self, panel: ExplanationPanel) -> None:
        """Whether two maps are faithful, with the outlines of what lies in the image."""
        panel.controls.contours.setChecked(True)
        panel.faithfulness.button.setChecked(True)
        self.wait_until(
            lambda: all(len(text.text()) > 1 for text in panel.faithfulness.texts), "the faithfulness of the maps"
        )
        self.wait(1)
        self.save_light_and_dark("doubts", self.window)
        panel.faithfulness.button.setChecked(False)
        panel.controls.contours.setChecked(False)

    def faithfulness(self) -> None:
        """On which regions the decisions rest, class by class."""
        from app.explain.faithfulness import FaithfulnessPanel

        panel = cast("FaithfulnessPanel", self.raise_panel("belief"))
        panel.ask.click()
        self.wait_until(lambda: panel.faithfulness is not None and not panel.work.is_running, "the table")
        self.wait(1)
        self.save_light_and_dark("belief", self.window)

    def filters(self) -> None:
        """The nine strongest galaxies of some filters of a middle layer."""
        from app.explain.filters import FiltersPanel

        panel = cast("FiltersPanel", self.raise_panel("filters"))
        self.wait_until(panel.seek.isEnabled, "the layers")
        panel.seek.click()
        self.wait_until(lambda: bool(panel.filters.mosaics), "the strongest galaxies")
        self.wait(1)
        self.save_light_and_dark("filters", self.window)

    def dreams(self) -> None:
        """Photograph a class dream from noise, and a deep dream on the galaxy."""
        from PySide6.QtCore import Qt

        from app.explain.dreams import DreamsPanel

        panel = cast("DreamsPanel", self.raise_panel("dreams"))
        self.wait_until(panel.start.isEnabled, "the network's answers")
        for name, place in (
            ("class", 0),
            ("deep", panel.subject.findText("activation3", Qt.MatchFlag.MatchStartsWith)),
        ):
            panel.subject.setCurrentIndex(place)
            panel.start.click()
            self.wait_until(panel.save.isEnabled, "the dream")
            self.wait_for_jobs()
            self.save_light_and_dark(f"dream {name}", self.window)

    def galaxy_map(self) -> None:
        """Photograph the map of the features."""
        from app.explain.galaxy_map import GalaxyMapPanel

        panel = cast("GalaxyMapPanel", self.raise_panel("galaxy_map"))
        panel.draw.click()
        self.wait(1)
        self.wait_until(lambda: not panel.work.is_running, "the map")
        self.wait(1)
        self.save_light_and_dark("galaxy map", self.window)

    def photograph_evaluation(self) -> None:
        """The numbers of the validation part."""
        from app.evaluate.evaluation import EvaluationPanel

        self.window.show_workspace("evaluate")
        panel = cast("EvaluationPanel", self.panel("evaluation"))
        self.wait_until(lambda: panel.numbers["Accuracy"] != "–", "the numbers")
        self.wait(1)
        self.save_light_and_dark("evaluate", self.window)

    def comparison(self) -> None:
        """The runs in their table."""
        self.window.show_workspace("compare")
        self.wait(3)
        self.panel("comparison").table.selectAll()
        self.wait(1)
        self.save_light_and_dark("compare", self.window)

    def training_size(self) -> None:
        """A small study of the number of labels."""
        from app.studies.training_size import TrainingSizePanel
        from core.studies.settings import TrainingSizeSettings

        session = self.window.session
        self.window.show_workspace("studies")
        panel = cast("TrainingSizePanel", self.raise_panel("training_size"))
        session.draft.edit("optimiser.epochs", min(self.epochs, 5))
        few = {"sizes": ("50", "100", "200", "400"), "seeds": 2, "least_steps": 0}
        panel.form.set_value(TrainingSizeSettings.model_validate(few))
        self.wait(1)
        panel.start.click()
        self.wait(1)
        self.wait_until(lambda: session.activity.studying is None and panel.plot.shown is not None, "the study")
        self.wait_for_jobs()
        self.save_light_and_dark("studies", self.window)

    def adaptation(self) -> None:
        """The network beside a second survey, with worse seeing and more noise."""
        from core.events import result_of
        from core.simulate.demo import simulate_survey
        from core.simulate.settings import SurveySettings

        with tempfile.TemporaryDirectory() as folder:
            survey = SurveySettings(count=300, seeing=2.4, noise=0.06, seed=2612)
            path = result_of(simulate_survey(Path(folder) / "second survey.h5", survey))
            self.window.opening.open_dataset(path)
            session = self.window.session
            self.wait_until(lambda: len(session.dataset.cutouts or ()) == survey.count, "the second survey")
        self.window.show_workspace("adapt")
        panel = cast("AdaptationPanel", self.raise_panel("adaptation"))
        self.wait_until(lambda: panel.match.rows["distance"].sentence.text() not in ("", "…"), "the distance")
        self.wait_for_jobs()
        self.save_light_and_dark("adapt", self.window)

    def simulation(self) -> None:
        """Simulated galaxies beside one of the survey, with an opened prior."""
        from app.simulate.simulation import SimulationPanel

        self.window.show_workspace("simulate")
        panel = cast("SimulationPanel", self.panel("simulation"))
        panel.form.preset.setCurrentText("SDSS r")  # which the survey is like
        panel.form.preset.activated.emit(panel.form.preset.currentIndex())
        panel.form.parts["galaxies"].priors["magnitude"].button.setChecked(True)
        self.wait_until(lambda: "Line:" in panel.comparison.legend.text(), "the histograms")
        self.wait(1)
        self.save_light_and_dark("simulate", self.window)

    def panels(self) -> None:
        """Each panel alone, as large as a dock can make it."""
        from app.shell.action_search import room_of
        from app.shell.workspaces import PANELS

        for name in PANELS:
            self.window.show_workspace(room_of(name))
            self.save_light_and_dark(f"panel {name}", self.raise_panel(name))

    def import_wizard(self) -> None:
        """The wizard's preview of a few cutouts with their catalogue."""
        from app.data.import_wizard import ImportWizard
        from core.events import result_of
        from core.simulate.demo_files import write_cutouts

        cutouts = self.window.session.dataset.cutouts
        assert cutouts is not None
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # whose name is on no picture
            result_of(write_cutouts(cutouts.path, Path("cutouts"), 48))
            self.window.take_files([Path("cutouts")])
            wizard = self.window.findChildren(ImportWizard)[-1]
            self.wait(8)
            self.save_light_and_dark("import", wizard)
            wizard.close()

    def guide(self) -> None:
        """The guide, at a page with a picture."""
        self.window.show_guide("4-why")
        guide = self.window._guide
        assert guide is not None
        self.save_light_and_dark("guide", guide)
        guide.close()

    # -- the camera ------------------------------------------------------------------------------------------------

    def panel(self, name: str) -> Any:
        """A panel of the window."""
        return self.window.docks.panel(name)

    def raise_panel(self, name: str) -> Any:
        """A panel of the workspace that is shown, in front of those it shares its place with."""
        panel = self.panel(name)
        panel.parentWidget().raise_()
        self.wait(1)
        return panel

    def save_light_and_dark(self, name: str, widget: Any) -> None:
        """Save a widget in both themes."""
        from app import theme

        for dark in self.themes:
            theme.apply(self.application, dark)
            self.wait(0.8)
            self.save(name if self.only_guide else f"{name} {'dark' if dark else 'light'}", widget)
        theme.apply(self.application, False)

    def save(self, name: str, widget: Any) -> None:
        """Draw a widget into a PNG that is not too large."""
        from PIL import Image
        from PySide6.QtCore import QBuffer
        from PySide6.QtGui import QPixmap

        if self.only_guide and name not in GUIDE:
            return
        picture = QPixmap(widget.size())
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

    def wait(self, seconds: float) -> None:
        """Process events for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.application.processEvents()
            time.sleep(0.01)

    def wait_for_jobs(self) -> None:
        """Process events until nothing runs, and the status bar says so."""
        self.wait(1)
        self.wait_until(lambda: not self.window.session.activity.jobs, "the end of all that runs")
        self.wait(1)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Process events until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come within {PATIENCE} s")
            self.application.processEvents()
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
