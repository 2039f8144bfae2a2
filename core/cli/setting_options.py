"""Settings on the command line: print them with their meaning, read them from a file, change single ones."""

from __future__ import annotations

import argparse
import re
from typing import Any, TypeVar

from core.adapt.refiner.settings import RefinerSettings
from core.adapt.suggest.settings import SuggestionStudySettings, SuggestSettings
from core.cli.console import Console
from core.data.settings import ImportSettings
from core.errors import SettingsProblem
from core.evaluate.settings import FitSettings
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.explain.methods import DREAMS, METHODS
from core.nets import base_networks
from core.settings import toml
from core.settings.declare import Settings, knobs
from core.simulate import presets
from core.simulate.settings import SimulationSettings, SurveySettings
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings
from core.train.self_supervised import recipe
from core.train.settings import RunSettings

S = TypeVar("S", bound=Settings)

MODELS: dict[str, type[Settings]] = {
    "train": RunSettings,
    "import": ImportSettings,
    "simulate": SimulationSettings,
    "refine": RefinerSettings,
    "demo": SurveySettings,
    "fit": FitSettings,
    "believe": FaithfulnessSettings,
    "search": SearchSettings,
    "training-size": TrainingSizeSettings,
    "transfer-study": TransferStudySettings,
    "transfer-matrix": MatrixSettings,
    "suggest": SuggestSettings,
    "suggestions": SuggestionStudySettings,
    **{name: method.settings for name, method in (METHODS | DREAMS).items()},
}


def print_settings(options: argparse.Namespace, console: Console) -> int:
    """Print the settings of one chapter, of one section of a training's, or of a preset; or all, some as comments.

    Each text is a file that ``--settings`` takes.

    Raises
    ------
    SettingsProblem
        There is no such chapter or section.
    """
    if options.chapter in MODELS:
        console.say_lines(toml.dumps(MODELS[options.chapter]()).rstrip())
        return 0
    if options.chapter in knobs(RunSettings):
        console.say_lines(toml.dumps(RunSettings(), options.chapter).rstrip())
        return 0
    if options.chapter == "pretrain":
        console.say_lines(toml.dumps(recipe.recommended()).rstrip())
        return 0
    if options.chapter == "base-networks":
        for network in base_networks.base_networks():
            console.say(f"{network.name:<18}  {network.about}".rstrip())
        if not base_networks.base_networks():
            console.say("No network comes with this program.")
        return 0
    if options.chapter == "presets":
        for name in presets.preset_names():
            console.say(f"{name:<18}  {presets.preset_note(name)}".rstrip())
        return 0
    if options.chapter and options.chapter.casefold() in map(str.casefold, presets.preset_names()):
        console.say_lines(toml.dumps(presets.load_preset(options.chapter)).rstrip())
        return 0
    if options.chapter:
        sections = [name for name, value in RunSettings() if isinstance(value, Settings)]
        raise SettingsProblem(
            f"There are no settings of “{options.chapter}”.",
            f"Known are {', '.join(MODELS)}, pretrain; of train, the sections {', '.join(sections)}; “presets” lists "
            "the presets of simulate, “base-networks” the networks to start from.",
        )
    console.say("# Settings of “tuningfork train”; those of the other commands follow as comments.")
    console.say()
    console.say_lines(toml.dumps(RunSettings()).rstrip())
    for chapter, model in MODELS.items():
        if model is not RunSettings:
            console.say_lines(f"\n# Settings of {chapter}, as “tuningfork settings {chapter}” prints them:\n#")
            console.say_lines(re.sub("^", "#   ", toml.dumps(model()).rstrip(), flags=re.MULTILINE))
    return 0


def resolve_settings(model: type[S], options: argparse.Namespace, base: S | None = None, **named: Any) -> S:
    """Resolve settings from the file, the ``--set`` changes and the command's own options; later ones override.

    Parameters
    ----------
    model
        Which settings.
    options
        With ``settings`` (a path or None) and ``changes`` (texts like ``optimiser.epochs=5``).
    base
        What to begin with; None: the defaults.
    named
        The command's own options by the setting's name, two underscores for a dot; None: not given.
    """
    chosen = base or model()
    if options.settings:
        chosen = _change(chosen, toml.load(model, options.settings))
    values = toml.apply_overrides(chosen, options.changes).model_dump()
    for name, value in named.items():
        if value is not None:
            *path, last = name.split("__")
            place = values
            for step in path:
                place = place[step]
            place[last] = value
    return toml.validate(model, values)


def _change(base: S, given: S) -> S:
    """Settings with those of a file, where it names any, in their place."""

    def merge(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        for name, value in others.items():
            inner = values.get(name)
            values[name] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
        return values

    return toml.validate(type(base), merge(base.model_dump(), given.model_dump(exclude_unset=True)))
