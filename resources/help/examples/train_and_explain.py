"""Simulate a survey, train a network on it, judge it once on the test part, and ask why it decides as it does."""

from pathlib import Path

from core.data.cutouts import Cutouts
from core.evaluate import evaluation
from core.events import result_of
from core.explain import methods
from core.nets.predictor import Predictor
from core.simulate.demo import simulate_survey
from core.simulate.settings import SurveySettings
from core.train import loop
from core.train.settings import RunSettings


def main(folder: Path, galaxies: int = 900, epochs: int = 10) -> str:
    """Do all of it in a folder; returns what came out, as a sentence."""
    data, run = folder / "survey.h5", folder / "run"
    result_of(simulate_survey(data, SurveySettings(count=galaxies)))

    settings = RunSettings.model_validate({"network": {"depth": 3}, "optimiser": {"epochs": epochs}})
    for event in loop.run(settings, data, run):  # or result_of(loop.run(...)), if nobody watches
        print(event)

    judged = result_of(evaluation.run(run, part="test"))
    accuracy = judged.report.accuracy.value

    predictor = Predictor.load(run)
    with Cutouts.open(data) as cutouts:
        image, name = cutouts.images[0], cutouts.ids[0]
    why = result_of(methods.explain("integrated-gradients", predictor, image, galaxy_id=name))
    why.save_fits(folder / "why.fits")
    return f"accuracy {accuracy:.2f} on {len(judged.rows)} test galaxies; {name}: evidence for {why.target_name}"


if __name__ == "__main__":
    print(main(Path.cwd()))
