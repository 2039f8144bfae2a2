"""Upgrading files of earlier formats to the current one, one step per format.

Files are upgraded in memory when they are read; on disk they stay unchanged until the run is resumed. Every released
format must open in all later versions with its meaning preserved; retraining is not an acceptable way out. Whoever
raises the number of a format adds the step from the previous one here, and a project of that format to the golden ones
of the tests.

One ambiguity remains. The first release pooled after the normalisation and the activation, later ones pool right after
the convolution, and both wrote predictors of format 1, so that a file does not show which it is. For monotonic
activations (ReLU, leaky ReLU), and filters with a positive normalisation weight, as almost all have, the outputs are
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Values = dict[str, Any]
Step = Callable[[Values], Values]

SETTINGS = 3
PREDICTOR = 3


def upgrade_settings(values: Values, version: int) -> Values:
    """Upgrade the settings of a run from a file of this format; settings may be missing."""
    return _upgrade(values, version, (_settings_to_2, _settings_to_3))


def settings_format(values: Values) -> int:
    """The format of a run's settings without a format number, as in files from before it was introduced.

    It is recognised by a setting that only format 1 has. A short file written by hand may lack it, and is then taken
    for one of the current format.
    """
    return 1 if "batch_norm" in _table(values, "network") else SETTINGS


def upgrade_predictor(plan: Values) -> Values:
    """Upgrade the description in a predictor's file.

    The number of outputs and samplewise scaling were not saved before error bars and samplewise scaling existed.
    """
    names = plan["target"].get("names") or plan["target"]["columns"]
    steps = (_predictor_to_2, _predictor_to_3)
    return {"outputs": len(names), "samplewise": "none", **_upgrade(plan, int(plan["format"]), steps)}


def upgrade_checkpoint(state: Values) -> Values:
    """Upgrade the state in a checkpoint; there is only one format, to which the state of the loss scaler was added.

    Before that, no run used float16, which alone needs loss scaling.
    """
    return {"scaler": {}, **state}


def _upgrade(values: Values, version: int, steps: Sequence[Step]) -> Values:
    """Apply the steps from this format on; the first step leads from format 1 to 2."""
    for step in steps[version - 1 :]:
        values = step(values)
    return values


def _settings_to_2(values: Values) -> Values:
    """Normalisation became a choice, and the method called Adam, which was AdamW, is now called AdamW."""
    network, optimiser = _network_to_2(_table(values, "network")), _table(values, "optimiser")
    if str(optimiser.get("method", "")).casefold() == "adam":
        optimiser = {**optimiser, "method": "adamw"}
    return {**values, **({"network": network} if network else {}), **({"optimiser": optimiser} if optimiser else {})}


def _settings_to_3(values: Values) -> Values:
    """What a file leaves out keeps the default that it had: the classes were balanced by weights in the loss."""
    optimiser = {"class_weights": True, "survey_probabilities": False, **_table(values, "optimiser")}
    return {**values, "optimiser": optimiser} if isinstance(values.get("optimiser", {}), dict) else values


def _network_to_2(network: Values) -> Values:
    """The setting ``batch_norm``, yes or no, became ``normalise``."""
    others = {name: value for name, value in network.items() if name != "batch_norm"}
    if "batch_norm" not in network:
        return others
    return {**others, "normalise": "batch" if network["batch_norm"] else "none"}


def _predictor_to_2(plan: Values) -> Values:
    """The network's settings as in :func:`_network_to_2`."""
    return {**plan, "network": _network_to_2(plan["network"]), "format": 2}


def _predictor_to_3(plan: Values) -> Values:
    """What format 3 knows beyond format 2."""
    return {
        **plan,
        "stamps": None,  # how the training stamps were made was not saved
        "format": 3,
    }


def _table(values: Values, name: str) -> Values:
    """A table of a file; empty if it is missing or not a table, which validation reports later."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}
