"""Files of earlier formats, brought to what a file of today holds: one step for each format.

Files are upgraded in memory, when they are read; on disk they stay as they were until the run goes on. Whatever has
once been released must open in all later versions, with the meaning that it had: “train it again” is no answer. Who
raises the number of a format writes the step from the one before here, and adds a project of that state to the golden
ones of the tests.

One meaning is lost. The first release pooled after the normalisation and the activation, later ones pool right after
the convolution, and both wrote predictors of format 1, so that nothing in a file tells them apart. For activations
that never fall (ReLU, leaky ReLU), and filters of a positive normalisation weight, as almost all have, the answers
are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Values = dict[str, Any]
Step = Callable[[Values], Values]

SETTINGS = 2
PREDICTOR = 2


def upgrade_settings(values: Values, version: int) -> Values:
    """The settings of a run as a file of this format has them; not every setting need be there."""
    return _upgrade(values, version, (_settings_to_2,))


def settings_format(values: Values) -> int:
    """The format of a run's settings that do not tell it, as those do not that were written before the number was.

    It is known by what only format 1 has. A file of two or three lines, written by hand, may have nothing of the kind,
    and is taken for one of today.
    """
    return 1 if "batch_norm" in _table(values, "network") else 2


def upgrade_predictor(plan: Values) -> Values:
    """What a predictor's file says beside its weights.

    Before there were error bars, each name had one output, and before stamps were scaled each by itself, none was;
    neither had to be told.
    """
    names = plan["target"].get("names") or plan["target"]["columns"]
    return {"outputs": len(names), "samplewise": "none", **_upgrade(plan, int(plan["format"]), (_predictor_to_2,))}


def upgrade_checkpoint(state: Values) -> Values:
    """What a checkpoint says beside its weights; there is only one format, to which the memory of a loss scaling came.

    Before that, no run was computed in float16, which alone has one.
    """
    return {"scaler": {}, **state}


def _upgrade(values: Values, version: int, steps: Sequence[Step]) -> Values:
    """Take the steps from this format on; the first step leads from format 1 to 2."""
    for step in steps[version - 1 :]:
        values = step(values)
    return values


def _settings_to_2(values: Values) -> Values:
    """Normalisation became a choice; and what was called Adam was AdamW, which Adam has since stood beside."""
    network, optimiser = _network_to_2(_table(values, "network")), _table(values, "optimiser")
    if str(optimiser.get("method", "")).casefold() == "adam":
        optimiser = {**optimiser, "method": "adamw"}
    return {**values, **({"network": network} if network else {}), **({"optimiser": optimiser} if optimiser else {})}


def _network_to_2(network: Values) -> Values:
    """The knob ``batch_norm``, yes or no, became ``normalise``."""
    others = {name: value for name, value in network.items() if name != "batch_norm"}
    if "batch_norm" not in network:
        return others
    return {**others, "normalise": "batch" if network["batch_norm"] else "none"}


def _predictor_to_2(plan: Values) -> Values:
    """The network's settings as in :func:`_network_to_2`."""
    return {**plan, "network": _network_to_2(plan["network"]), "format": 2}


def _table(values: Values, name: str) -> Values:
    """A table of a file; empty where there is none, or something else, which is told when it is checked."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}
