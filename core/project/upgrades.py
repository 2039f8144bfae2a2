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

SETTINGS = 8
_DEFAULTS_OF_2: dict[str, Values] = {
    "optimiser": {
        "decay": "cosine",
        "weight_decay": 1e-4,
        "averaging": 0.0,
        "class_weights": True,
        "survey_probabilities": False,
        "epochs": 40,
        "batch_size": 64,
    },
    "augmentation": {"width_shift": 0.05, "height_shift": 0.05, "zoom_min": 0.9, "zoom_max": 1.1},
}
_DEFAULTS_OF_3: dict[str, Values] = {
    "optimiser": {"repeats": 1},
    "augmentation": {"average_answers": False},
}
_DEFAULTS_OF_4: dict[str, Values] = {"data": {"angles": "none"}}
_DEFAULTS_OF_5: dict[str, Values] = {"data": {"logarithms": "none"}}
_DEFAULTS_OF_6: dict[str, Values] = {
    "transfer": {
        "cached_views": 0,
        "block_rate": 1.0,
        "unfreeze_every": 0,
        "batch_statistics": "adapted",
        "pull_to_start": 0.0,
        "input_scaling": "kept",
    },
}
PREDICTOR = 8


def upgrade_settings(values: Values, version: int) -> Values:
    """Upgrade the settings of a run from a file of this format; settings may be missing."""
    steps = (
        _settings_to_2,
        _settings_to_3,
        _settings_to_4,
        _settings_to_5,
        _settings_to_6,
        _settings_to_7,
        _settings_to_8,
    )
    return _upgrade(values, version, steps)


def settings_format(values: Values) -> int:
    """The format of a run's settings without a format number, as in files from before it was introduced.

    Format 1 is recognised by a setting that only it has, and format 2 by the settings that a file written by the
    program has, all of them, and by the lack of one that came with format 3. A short file written by hand is taken for
    one of the current format.
    """
    if "batch_norm" in _table(values, "network"):
        return 1
    optimiser = _table(values, "optimiser")
    is_whole = set(_DEFAULTS_OF_2["optimiser"]) - {"averaging", "survey_probabilities"} <= set(optimiser)
    return 2 if is_whole and "survey_probabilities" not in optimiser else SETTINGS


def upgrade_predictor(plan: Values) -> Values:
    """Upgrade the description in a predictor's file.

    The number of outputs and samplewise scaling were not saved before error bars and samplewise scaling existed.
    """
    names = plan["target"].get("names") or plan["target"].get("columns", ())
    steps = (
        _predictor_to_2,
        _predictor_to_3,
        _predictor_to_4,
        _predictor_to_5,
        _predictor_to_6,
        _predictor_to_7,
        _predictor_to_8,
    )
    return {"outputs": len(names), "samplewise": "none", **_upgrade(plan, int(plan["format"]), steps)}


def upgrade_checkpoint(state: Values) -> Values:
    """Upgrade the state in a checkpoint; there is only one format, to which two states were added.

    Before the state of the loss scaler, no run used float16, which alone needs loss scaling; before the number of steps
    in the average of the weights, no run averaged them.
    """
    return {"scaler": {}, "averaged_steps": 0, **state}


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
    """The recipe of the training changed: what a file leaves out keeps the default that it had."""
    upgraded = _with_defaults(values, _DEFAULTS_OF_2)
    optimiser = _table(upgraded, "optimiser")
    if optimiser.get("decay") == "one-cycle" and "learning_rate" not in optimiser:
        rate = 0.02 if optimiser.get("method") == "sgd" else 0.001
        optimiser["learning_rate"] = rate / 10 if _table(values, "transfer").get("start_from") else rate
    return upgraded


def _settings_to_4(values: Values) -> Values:
    """Few galaxies became repeated within an epoch, and answers averaged over mirror images and turns."""
    return _with_defaults(values, _DEFAULTS_OF_3)


def _settings_to_5(values: Values) -> Values:
    """Position angles became angles, which are learned on the circle; before, every quantity was a plain number."""
    return _with_defaults(values, _DEFAULTS_OF_4)


def _settings_to_6(values: Values) -> Values:
    """Sizes, fluxes and Sérsic indices became logarithms; before, they were learned as plain numbers."""
    return _with_defaults(values, _DEFAULTS_OF_5)


def _settings_to_7(values: Values) -> Values:
    """Before, all that is not frozen was tuned alike from the first epoch, and new galaxies varied in every epoch."""
    return _with_defaults(values, _DEFAULTS_OF_6)


def _settings_to_8(values: Values) -> Values:
    """Before, no network took catalogue columns beside the image, as where none are named."""
    return values


def _with_defaults(values: Values, defaults: dict[str, Values]) -> Values:
    """The values with the defaults that a format had, where they are missing; what is no table stays."""
    tables = {name: {**old, **_table(values, name)} for name, old in defaults.items()}
    return {**values, **{name: table for name, table in tables.items() if isinstance(values.get(name, {}), dict)}}


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
        "bands_from": [],
        "format": 3,
    }


def _predictor_to_4(plan: Values) -> Values:
    """Before format 4, answers were those for the galaxy as it stands."""
    return {**plan, "views": [[False, 0]], "format": 4}


def _predictor_to_5(plan: Values) -> Values:
    """What format 5 knows beyond format 4.

    Before, every quantity was a plain number, as it still is where the target names no periods; error bars were the
    network's own; and nothing was kept of the range of the training images.
    """
    return {**plan, "calibration": None, "training_range": None, "zero_points": [], "format": 5}


def _predictor_to_6(plan: Values) -> Values:
    """Before, no quantity was learned as a logarithm, as where the target names none."""
    return {**plan, "format": 6}


def _predictor_to_7(plan: Values) -> Values:
    """Before, every network had answers: none had learned without labels."""
    return {**plan, "format": 7}


def _predictor_to_8(plan: Values) -> Values:
    """Before, no network took catalogue columns beside the image."""
    return {**plan, "side": None, "format": 8}


def _table(values: Values, name: str) -> Values:
    """A table of a file; empty if it is missing or not a table, which validation reports later."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}
