"""Strategies of a move to another survey: what is done with a network and with the labels of the new survey.

A strategy is declared once, with its name and what it changes in the settings of a training; every study of the move,
its table, its figures and the window then have it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import SettingsProblem
from core.nets import base_networks
from core.project.runs import RunFolder
from core.train.settings import RunSettings, TransferSettings

EACH_LAST = "last-*"
_LAST = re.compile(r"last-(\d+)")
_FROM = "from:"
_SOME = 4  # blocks of a usual network, where only names and titles count
_MOST_EPOCHS = 10_000  # that a training takes
_VIEWS = 16  # of each galaxy, whose features are computed once for a head


def _unchanged(settings: RunSettings) -> RunSettings:
    return settings


@dataclass(frozen=True)
class Strategy:
    """What is done with a network and the labels of the new survey.

    Attributes
    ----------
    name
        As in settings, tables and on the command line.
    title
        As it is shown.
    help
        What it does, in a sentence.
    change
        From the settings of a training that starts from the network, all layers tuned, to its own.
    tuned
        The number of blocks that are tuned, beside the head; None: it does not start from the network.
    labels_of
        The survey whose labels it learns. Without those of the new one it has points at 0 labels only.
    """

    name: str
    title: str
    help: str
    change: Callable[[RunSettings], RunSettings] = _unchanged
    tuned: int | None = None
    labels_of: Literal["new", "old", "none"] = "new"


def with_transfer(settings: RunSettings, **changes: Any) -> RunSettings:
    """Settings with some of the fine-tuning changed."""
    return settings.model_copy(update={"transfer": settings.transfer.model_copy(update=changes)})


def _from_scratch(settings: RunSettings) -> RunSettings:
    network = settings.network.model_copy(update={"weights": ""})
    return settings.model_copy(update={"transfer": TransferSettings(), "network": network})


def for_longer(settings: RunSettings, times: int) -> RunSettings:
    """Settings of a training that makes so many times as many epochs."""
    optimiser = settings.optimiser
    return settings.model_copy(
        update={"optimiser": optimiser.model_copy(update={"epochs": min(optimiser.epochs * times, _MOST_EPOCHS)})}
    )


AS_IS = Strategy("as is", "as is", "The network as it was trained, on the new survey.", labels_of="none")
ADABN = Strategy(
    "adabn", "AdaBN", "Without labels: the batch statistics measured anew on the new survey.", labels_of="none"
)
SCRATCH = Strategy(
    "scratch",
    "from scratch",
    "The same architecture from random weights, without the old survey.",
    _from_scratch,
)


def _unlabelled(settings: RunSettings, method: str) -> RunSettings:
    return settings.model_copy(update={"unlabelled": settings.unlabelled.model_copy(update={"method": method})})


def _fixmatch(settings: RunSettings) -> RunSettings:
    return with_transfer(_unlabelled(settings, "fixmatch"), freeze_blocks=0)


def _aligned(method: str, about: str) -> Strategy:
    """Further training on the old survey, which makes the network see the new one alike."""
    about = f"Without labels of the new survey, all layers: {about}."
    return Strategy(method, method.upper(), about, lambda settings: _unlabelled(settings, method), labels_of="old")


_WITHOUT_LABELS = (
    ADABN,
    _aligned("coral", "equal covariances of the features"),
    _aligned("mmd", "equal distributions of the features"),
    _aligned("dann", "features by which the surveys cannot be told apart"),
    _aligned("mcc", "answers that confuse classes least"),
)


def _last(tuned: int, blocks: int) -> Strategy:
    """Tune the head and the last blocks."""

    def change(settings: RunSettings) -> RunSettings:
        return with_transfer(settings, freeze_blocks=blocks - tuned)

    title = f"last {tuned} blocks" if tuned > 1 else "last block"
    return Strategy(f"last-{tuned}", title, "Head and last blocks tuned, the others frozen.", change, tuned)


def _fixed(blocks: int) -> dict[str, Strategy]:
    """The strategies for a network with so many blocks, by name; a new method is an entry here."""

    def tune(name: str, title: str, about: str, tuned: int = blocks, **changes: Any) -> Strategy:
        def change(settings: RunSettings) -> RunSettings:
            return with_transfer(settings, freeze_blocks=blocks - tuned, **changes)

        return Strategy(name, title, about, change, tuned)

    def unfreeze(settings: RunSettings) -> RunSettings:
        every = max(1, settings.optimiser.epochs // (blocks + 2))
        return with_transfer(settings, freeze_blocks=0, unfreeze_every=every)

    found = (
        AS_IS,
        SCRATCH,
        tune("head", "features recycled", "Only the head is trained, on the old features.", 0, cached_views=_VIEWS),
        tune("all", "all layers", "All layers tuned alike."),
        tune("slower", "slower per block", "All layers, each block at 3/4 of the next one's rate.", block_rate=0.75),
        Strategy("gradual", "gradual unfreezing", "The head first, then one block more at a time.", unfreeze, blocks),
        tune("anchored", "pull to the start", "All layers, pulled towards where they came from.", pull_to_start=1.0),
        tune("steady", "kept statistics", "All layers, with the old batch statistics.", batch_statistics="kept"),
        tune(
            "rescaled",
            "scaling refitted",
            "All layers, images scaled as the new survey needs.",
            input_scaling="refitted",
        ),
        Strategy("fixmatch", "FixMatch", "All layers; unlabelled galaxies of the survey help.", _fixmatch, blocks),
        *_WITHOUT_LABELS,
    )
    return {each.name: each for each in found}


def _from(start: str) -> Strategy:
    """All layers tuned, from another network."""
    place = start if base_networks.is_named(start) else str(Path(start).expanduser().resolve())
    title = start if base_networks.is_named(start) else RunFolder(Path(place)).title

    def change(settings: RunSettings) -> RunSettings:
        return with_transfer(settings, start_from=place, freeze_blocks=0)

    return Strategy(f"{_FROM}{start}", f"from {title}", "All layers tuned, from another network.", change)


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Names in the order in which they are shown: the baselines, by the number of tuned blocks, other methods."""
    known = list(_fixed(1))
    plain = ("as is", "scratch", "head")

    def rank(name: str) -> tuple[int, int]:
        if name in plain:
            return 0, plain.index(name)
        if (last := _LAST.fullmatch(name)) is not None:
            return 1, int(last[1])
        if name == EACH_LAST:
            return 1, sys.maxsize
        return 2, known.index(name) if name in known else len(known)

    return tuple(sorted(names, key=rank))


def title_of(name: str) -> str:
    """How a strategy is shown; its name if it is not known here."""
    if name.startswith(_FROM):
        return _from(name.removeprefix(_FROM)).title
    last = _LAST.fullmatch(name)
    known = _last(int(last[1]), int(last[1])) if last is not None else _fixed(1).get(name)
    return name if known is None else known.title


def offered() -> tuple[Strategy, ...]:
    """The strategies that a list offers, in their order, for a network of any number of blocks."""
    each = Strategy(EACH_LAST, "each number of last blocks", "Head and the last blocks, one number after the other.")
    known = {**_fixed(_SOME), **{last.name: last for last in (_last(1, _SOME), _last(2, _SOME), each)}}
    return tuple(known[name] for name in in_order(known))


def names() -> tuple[str, ...]:
    """Names of the strategies, for the help; those of the last blocks stand for any number."""
    return (*_fixed(1), "last-1", EACH_LAST, f"{_FROM}RUN")


def find_strategies(wanted: Sequence[str], blocks: int) -> list[Strategy]:
    """Find strategies by their names, in their order, each once.

    Parameters
    ----------
    wanted
        Names; ``last-2`` tunes the last two blocks, ``last-*`` stands for each number of blocks, and ``from:RUN`` is
        another network, all layers tuned.
    blocks
        The blocks of the network.

    Raises
    ------
    SettingsProblem
        There is none of that name, or the network has fewer blocks.
    """
    known, found = _fixed(blocks), dict[str, Strategy]()
    for text in wanted:
        name = text.strip().lower()
        if name == EACH_LAST:
            found |= {each.name: each for each in (_last(tuned, blocks) for tuned in range(1, blocks))}
        elif name in known:
            found[name] = known[name]
        elif (last := _LAST.fullmatch(name)) is not None:
            found[name] = _checked_last(int(last[1]), blocks)
        elif text.strip().startswith(_FROM):
            other = _from(text.strip().removeprefix(_FROM))
            found[other.name] = other
        else:
            raise SettingsProblem(f"There is no strategy “{text}”.", f"Known are: {', '.join(names())}.", "strategies")
    return list(found.values())


def _checked_last(tuned: int, blocks: int) -> Strategy:
    if 0 < tuned < blocks:
        return _last(tuned, blocks)
    remedy = "Write “head” for no block, “all” for all of them." if tuned in (0, blocks) else "Name fewer blocks."
    raise SettingsProblem(f"The network has {blocks} blocks; “last-{tuned}” is no part.", remedy, "strategies")
