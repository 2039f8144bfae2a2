"""Train a network to measure sizes on simulated galaxies, and compare it with the true sizes of others."""

from pathlib import Path

import numpy as np

from core.data.cutouts import Cutouts
from core.evaluate import measure
from core.events import result_of
from core.simulate import factory
from core.simulate.presets import load_preset
from core.train import loop
from core.train.settings import RunSettings


def main(folder: Path, galaxies: int = 4000, epochs: int = 15) -> str:
    """Do all of it in a folder; returns what came out, as a sentence."""
    simulated = load_preset("SDSS r").model_copy(update={"count": galaxies, "size": 48})
    others = simulated.model_copy(update={"count": galaxies // 4, "seed": simulated.seed + 1})
    result_of(factory.simulate(folder / "known.h5", simulated))
    result_of(factory.simulate(folder / "others.h5", others))

    settings = RunSettings.model_validate(
        {
            "data": {"labels": ["half_light_radius"], "test": 0.0},
            "network": {"depth": 3},
            "loss": {"quantities": "gaussian"},  # error bars
            "optimiser": {"epochs": epochs},
        }
    )
    result_of(loop.run(settings, folder / "known.h5", folder / "run"))

    measured = result_of(measure.run([folder / "run"], folder / "others.h5"))
    measure.write(measured, folder / "sizes.fits")
    with Cutouts.open(folder / "others.h5") as cutouts:
        true = np.asarray(cutouts.columns["half_light_radius"])
    radius, error = measured.found.values[:, 0], measured.found.errors[:, 0]
    off = np.log10(radius / true)
    within = np.mean(np.abs(radius - true) < error)
    return f"radii are off by {np.median(off):+.3f} ± {np.std(off):.3f} dex; {within:.0%} lie within their error bar"


if __name__ == "__main__":
    print(main(Path.cwd()))
