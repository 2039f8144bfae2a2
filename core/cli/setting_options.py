"""Settings on the command line: print them with their meaning, read them from a file, change single ones."""

from __future__ import annotations

import argparse
import re
from typing import Any, TypeVar

from core.cli.console import Console
from core.data.settings import ImportSettings
from core.errors import SettingsProblem
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.explain.methods import DREAMS, METHODS
from core.settings import toml
from core.settings.declare import Settings, knobs
from core.simulate.settings import SurveySettings
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.train.settings import RunSettings

S = TypeVar("S", bound=Settings)

MODELS: dict[str, type[Settings]] = {
    "train": RunSettings,
    "import": ImportSettings,
    "simulate": SurveySettings,
    "believe": FaithfulnessSettings,
    "search": SearchSettings,
    "training-size": TrainingSizeSettings,
    **{name: method.settings for name, method in (METHODS | DREAMS).items()},
}


def print_settings(options: argparse.Namespace, console: Console) -> int:
    """Print the settings of one chapter, or of one section of a training's; or all of them, some as comments.

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
    if options.chapter:
        sections = [name for name, value in RunSettings() if isinstance(value, Settings)]
        raise SettingsProblem(
            f"There are no settings of “{options.chapter}”.",
            f"Known are {', '.join(MODELS)}; and of train, the sections {', '.join(sections)}.",
        )
    console.say("# Settings of “tuningfork train”; those of the other commands follow as comments.")
    console.say()
    console.say_lines(toml.dumps(RunSettings()).rstrip())
    for chapter, model in MODELS.items():
        if model is not RunSettings:
            console.say_lines(f"\n# Settings of {chapter}, as “tuningfork settings {chapter}” prints them:\n#")
            console.say_lines(re.sub("^", "#   ", toml.dumps(model()).rstrip(), flags=re.MULTILINE))
    return 0


def resolve_settings(model: type[S], options: argparse.Namespace, **named: Any) -> S:
    """Resolve settings from the file, the ``--set`` changes and the command's own options; later ones override.

    Parameters
    ----------
    model
        Which settings.
    options
        With ``settings`` (a path or None) and ``changes`` (texts like ``optimiser.epochs=5``).
    named
        The command's own options by the setting's name, two underscores for a dot; None: not given.
    """
    chosen = toml.load(model, options.settings) if options.settings else model()
    values = toml.apply_overrides(chosen, options.changes).model_dump()
    for name, value in named.items():
        if value is not None:
            *path, last = name.split("__")
            place = values
            for step in path:
                place = place[step]
            place[last] = value
    return toml.validate(model, values)
