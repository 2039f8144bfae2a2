r"""How different two surveys are to a network: the classifier two-sample test on its features.

A second, linear classifier (logistic regression) is trained to tell galaxies of the source survey from galaxies of the
target by what the network makes of them, the input of its head. Where it cannot, its accuracy on galaxies that it was
not trained on is 1/2, whatever the surveys look like to us; where it always can, it is 1. With :math:`n` galaxies
altogether, as many from each survey, the accuracy :math:`\hat t` of two equal surveys has the mean 1/2 and the variance
:math:`1/4n`. From its error :math:`\epsilon = 1 - \hat t` follows the proxy A-distance,

.. math:: \hat d_A = 2 (1 - 2 \epsilon) ,

which is 0 for equal surveys and 2 for surveys without any overlap.

Galaxies are told apart by anything: the images, but also another mixture of types. And a network knows the galaxies
that it was trained on a little better than others of the same survey; so the same test between training and validation
galaxies of the source is given as what to compare with.

References
----------
Lopez-Paz & Oquab 2017, ICLR (arXiv:1610.06545); Ben-David, Blitzer, Crammer & Pereira 2007, NIPS 19, 137.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from core.adapt import surveys
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotPossible, Stopped, TooFewGalaxies
from core.events import NEVER, Work
from core.metrics.uncertainty import error_of_share
from core.nets import device as devices
from core.nets import features
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal

MOST = 500  # galaxies of each survey: the error of the accuracy is below 0.016
_FEWEST = 20  # galaxies of each survey: the error is 0.08
_FOLDS = 5
_SEED = 1
_LIKELY = 0.01  # p-value from which on two surveys cannot be told apart


@dataclass(frozen=True)
class TwoSampleTest:
    """The result of a classifier two-sample test.

    Attributes
    ----------
    accuracy
        Of the classifier, on galaxies that it was not trained on.
    error
        Its standard error: half of Wilson's 68 % interval.
    p_value
        The probability of this accuracy or a higher one for two equal surveys (binomial).
    galaxies
        Of each survey.
    """

    accuracy: float
    error: float
    p_value: float
    galaxies: int

    @property
    def chance_error(self) -> float:
        """The standard deviation of the accuracy about 1/2 for two equal surveys."""
        return float(0.5 / np.sqrt(2 * self.galaxies))

    @property
    def proxy_a_distance(self) -> float:
        """2 (1 − 2 ε), from 0 (equal) to 2 (no overlap); not below 0."""
        return max(0.0, 2 * (2 * self.accuracy - 1))

    @property
    def tells_apart(self) -> bool:
        """Whether the surveys differ by more than chance."""
        return self.p_value < _LIKELY

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "accuracy": self.accuracy,
            "error": self.error,
            "chance": 0.5,
            "chance_error": self.chance_error,
            "p_value": self.p_value,
            "proxy_a_distance": self.proxy_a_distance,
            "galaxies_of_each": self.galaxies,
        }


@dataclass(frozen=True)
class DomainDistance:
    """How different a target is from the survey that a network was trained on, to that network.

    Attributes
    ----------
    test
        Between training galaxies of the source and galaxies of the target.
    reference
        Between training and validation galaxies of the source; None: there are too few of those.
    features
        The number of the network's features.
    source, target
        Names of the datasets.
    """

    test: TwoSampleTest
    reference: TwoSampleTest | None
    features: int
    source: str
    target: str

    @property
    def sentence(self) -> str:
        """The result in words."""
        test = self.test
        text = (
            f"By the network's {self.features} features, a linear classifier tells galaxies of {self.target} from "
            f"training galaxies of {self.source} with an accuracy of {test.accuracy:.3f} ± {test.error:.3f} "
            f"({test.galaxies:,} of each; chance 0.500 ± {test.chance_error:.3f}, {_describe_p(test.p_value)}; proxy "
            f"A-distance {test.proxy_a_distance:.2f} of 2)."
        )
        if self.reference is not None:
            text += (
                f" Between training and validation galaxies of {self.source} it is {self.reference.accuracy:.3f} ± "
                f"{self.reference.error:.3f}."
            )
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        reference = None if self.reference is None else self.reference.to_json()
        return self.test.to_json() | {"features": self.features, "within_the_source": reference}


def run(
    network: Path,
    data: Path,
    stop: threading.Event = NEVER,
    *,
    settings: DataSettings | None = None,
    seed: int = 1,
    hand_labels: LabelJournal | None = None,
    most: int = MOST,
) -> Work[DomainDistance]:
    """Measure the distance between the survey that a network was trained on and a target; no label is used.

    Parameters
    ----------
    network
        A run's folder or its weights file; its dataset has to be there.
    data
        The target; galaxies of its test part are left out.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    settings, seed
        How the parts of the target are drawn; None: the defaults.
    hand_labels
        Labels given by hand, which decide what the test part is.
    most
        Galaxies of each survey.

    Raises
    ------
    NotPossible
        The galaxies of the training are not known, or the bands do not fit.
    TooFewGalaxies
        There are fewer than twenty in one of the surveys.
    """
    predictor = Predictor.load(network, devices.choose("auto"), needs_answers=False)
    with surveys.open_source(predictor, network) as source, Cutouts.open(data) as whole:
        labels = surveys.read_target_labels(whole, settings, seed, hand_labels)
        mapping, _ = surveys.find_bands(predictor, network, tuple(band.name for band in whole.bands))
        target, _ = surveys.feed(predictor, _require_bands(predictor, whole, mapping), mapping)
        predictor.check(predictor.bands, target.shape[1:], float("nan"))
        count = min(most, len(source.train), len(labels.rows))
        _require_enough(count)
        trained = yield from _features(predictor, source.cutouts, surveys.draw_sample(source.train, count), stop)
        others = yield from _features(predictor, target, surveys.draw_sample(labels.rows, count), stop)
        held_out = min(count, len(source.validation))
        rows = surveys.draw_sample(source.validation, held_out if held_out >= _FEWEST else 0)
        validated = (yield from _features(predictor, source.cutouts, rows, stop)) if len(rows) else None
    test = compare(trained, others)
    if stop.is_set():
        raise Stopped
    reference = None if validated is None else compare(trained[: len(validated)], validated)
    return DomainDistance(test, reference, trained.shape[1], source.cutouts.path.stem, data.stem)


def compare(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]], seed: int = _SEED) -> TwoSampleTest:
    """The classifier two-sample test between features (n, F) of galaxies of two surveys, equally many of each.

    Raises
    ------
    TooFewGalaxies
        There are fewer than twenty of each.
    """
    count = min(len(first), len(second))
    _require_enough(count)
    galaxies = np.concatenate([first[:count], second[:count]]).astype(np.float64)
    surveys_of = np.repeat([0, 1], count)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(build_classifier(), galaxies, surveys_of, cv=folds)
    right = int((found == surveys_of).sum())
    accuracy = right / (2 * count)
    p_value = binomtest(right, 2 * count, 0.5, alternative="greater").pvalue
    return TwoSampleTest(accuracy, error_of_share(accuracy, 2 * count), float(p_value), count)


def build_classifier() -> Pipeline:
    """The classifier of the test: logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _features(
    predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], stop: threading.Event
) -> Work[NDArray[np.float32]]:
    found = yield from features.compute(predictor, cutouts, rows, stop)
    order = np.random.default_rng(_SEED).permutation(len(found))  # so that any first part of them is a random one
    return found[order]


def _require_enough(count: int) -> None:
    if count < _FEWEST:
        raise TooFewGalaxies(
            f"A comparison of {count} galaxies of each survey tells nothing.", f"{_FEWEST} are needed at least."
        )


def _require_bands(predictor: Predictor, whole: Cutouts, mapping: object) -> Cutouts:
    if mapping is None and len(whole.bands) != len(predictor.bands):
        raise NotPossible(
            f"The network takes {', '.join(predictor.bands)}; this dataset has "
            f"{', '.join(band.name for band in whole.bands)}.",
            "Choose which of them feed it first.",
        )
    return whole


def _describe_p(value: float) -> str:
    return "p < 0.001" if value < 1e-3 else f"p = {value:.2g}"
