"""A stand-alone script beside an ONNX file, which makes stamps of files as those of the training and predicts them.

It is the template ``resources/templates/predict.py``, with ``script_catalogue.py`` in place of its import, and with
what is known of one network written into it.
"""

from __future__ import annotations

import pprint
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from core.data import bands as patterns
from core.data.settings import ImportSettings
from core.errors import NotPossible
from core.evaluate import pixel_scales
from core.metrics.decision import Decision
from core.nets.predictor import Predictor
from core.publish import onnx_file

_PLACE = "NETWORK: dict[str, Any] = {}"
_CATALOGUE = re.compile(r"^from resources\.templates\.script_catalogue import .*\n", re.MULTILINE)
_ONLY_ONCE = "from __future__ import annotations\n"  # at the top of a file


def make(predictor: Predictor, file: str, decision: Decision) -> str:
    """The script as text.

    Parameters
    ----------
    predictor
        The network.
    file
        Name of the ONNX file, which lies beside the script.
    decision
        How the class follows from the probabilities.

    Raises
    ------
    NotPossible
        The training stamps show a field that depends on a catalogue column, which the script does not read.
    """
    folder = resources.files("resources") / "templates"
    template, catalogue = (
        (folder / name).read_text(encoding="utf-8") for name in ("predict.py", "script_catalogue.py")
    )
    part = catalogue.partition(_ONLY_ONCE)[2]  # without its own docstring
    template = _CATALOGUE.sub(lambda _line: part, template, count=1)
    known = pprint.pformat(_describe(predictor, file, decision), width=116, sort_dicts=False)
    return template.replace(_PLACE, f"NETWORK: dict[str, Any] = {known}")


def _describe(predictor: Predictor, file: str, decision: Decision) -> dict[str, Any]:
    settings = ImportSettings(fit="crop or pad") if predictor.stamps is None else predictor.stamps.settings
    if settings.field_column:
        raise NotPossible(
            f"The stamps show a field of so many times the catalogue column “{settings.field_column}”, which a script "
            "without this program does not read.",
            "Use the ONNX file with stamps of your own, or train on stamps of a fixed field.",
        )
    has_unit = predictor.normalisation.samplewise == "none"  # else zero points change nothing
    pattern = patterns.parse(settings.bands)
    planes = predictor.bands if predictor.stamps is None else predictor.stamps.bands
    return onnx_file.describe(predictor) | {
        "file": file,
        "planes": list(planes),
        "mix": _mix(predictor, planes),
        "weights": list(decision.weights),
        "zero_points": list(predictor.zero_points) if has_unit else [],
        "measures_sizes": pixel_scales.has_sizes(predictor.target),
        "fit": "resample" if settings.fit == "resample" else "crop or pad",
        "field": settings.field,
        "field_unit": settings.field_unit,
        "fill": settings.fill,
        "max_missing": settings.max_missing,
        "given_scale": settings.pixel_scale,
        "hdu": "" if settings.hdu in {"*", "planes"} else settings.hdu,
        "pattern": "" if pattern is None else pattern.expression.pattern,
        "pattern_text": "" if pattern is None else pattern.text,
        "depth": 1 if pattern is None else pattern.depth,
        "file_bands": [] if pattern is None else list(planes),
    }


def _mix(predictor: Predictor, planes: Sequence[str]) -> list[list[int]]:
    """For each band of the network, the planes of a file whose mean feeds it."""
    if predictor.bands_from and all(name in planes for names in predictor.bands_from for name in names):
        return [[planes.index(name) for name in names] for names in predictor.bands_from]
    if predictor.bands_from or len(planes) != len(predictor.bands):
        raise NotPossible(
            f"Which planes of a file ({', '.join(planes)}) feed the bands {', '.join(predictor.bands)} is not known, "
            "so that a script cannot tell.",
            "Use the ONNX file with stamps of your own.",
        )
    return [[place] for place in range(len(planes))]
