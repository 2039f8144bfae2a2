"""The attribution map of an ensemble: the mean of the maps of its networks, each for the same output.

The score of an ensemble is the mean of its networks' scores (of a class their outputs before the softmax). Methods
whose map is linear in the score, such as occlusion and integrated gradients, therefore give the very map of that mean.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.target import Quantities
from core.errors import NotPossible
from core.events import NEVER, Event, Progress, Work, map_events
from core.explain.explained_output import check_image
from core.explain.explanation import Explanation
from core.nets.predictor import Predictor
from core.settings.declare import Settings


def explain(
    method: Callable[..., Work[Explanation]],
    ensemble: Predictor,
    image: NDArray[np.float32],
    output: int | str | None,
    settings: Settings,
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Explain an output by each network of an ensemble, and take the mean.

    Parameters
    ----------
    method
        What explains by one network, see :func:`core.explain.methods.explain`.
    ensemble
        Several networks.
    output
        Name or number of the output; None: what the ensemble predicts.
    image, settings, stop, galaxy_id
        As there.

    Raises
    ------
    NotPossible
        The image does not fit the networks, or there is no such output.
    """
    tensor = check_image(ensemble.members[0], image)
    with torch.no_grad():
        scores = ensemble.scores(tensor[None])[0].cpu().numpy()
    name = _name_output(ensemble, scores, output)
    made: list[Explanation] = []
    count = len(ensemble.members)
    for number, member in enumerate(ensemble.members):
        work = method(member, image, name, settings, stop, galaxy_id)
        made.append((yield from map_events(work, lambda event, done=number: _count_on(event, done, count))))
    probability = None
    if not isinstance(ensemble.target, Quantities):
        probability = float(scores[ensemble.output_names.index(name)])
    return average(made, probability)


def average(made: list[Explanation], probability: float | None) -> Explanation:
    """The mean of several maps of one galaxy and one output; the errors are those of the worst."""
    bands = [each.bands_map for each in made if each.bands_map is not None]
    errors = [each.error for each in made if each.error is not None]
    of_maps = [each.map_error for each in made if each.map_error is not None]
    return replace(
        made[0],
        map=_mean([each.map for each in made]),
        score=float(np.mean([each.score for each in made])),
        baseline_score=float(np.mean([each.baseline_score for each in made])),
        error=max(errors, key=abs) if errors else None,
        map_error=max(of_maps) if of_maps else None,
        probability=probability,
        bands_map=_mean(bands) if len(bands) == len(made) else None,
        steps=sum(each.steps for each in made),
    )


def _mean(maps: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(maps).mean(axis=0, dtype=np.float64).astype(np.float32)


def _name_output(ensemble: Predictor, scores: NDArray[np.float32], output: int | str | None) -> str:
    names = ensemble.output_names
    if output is None:
        return names[0] if isinstance(ensemble.target, Quantities) else names[int(scores.argmax())]
    if isinstance(output, str) and output in names:
        return output
    if isinstance(output, int) and 0 <= output < len(names):
        return names[output]
    raise NotPossible(f"The networks have no output “{output}”.", f"Their outputs are: {', '.join(names)}.")


def _count_on(event: Event, done: int, count: int) -> Iterator[Event]:
    """The progress of one network as that of all; maps that grow are those of one network, and are not shown."""
    if isinstance(event, Progress) and event.total:
        yield replace(event, done=event.done + done * event.total, total=event.total * count)
    elif isinstance(event, Progress):
        yield event
