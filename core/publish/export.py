"""A network as a folder that others can use: ONNX file and script, weights, model card, methods and references."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.target import Classes
from core.errors import NotPossible
from core.evaluate import decision as decisions
from core.events import NEVER, Skipped, Work
from core.metrics.decision import MOST_PROBABLE
from core.nets import temperature, weights_file
from core.nets.predictor import Predictor
from core.project.files import atomic_path, write_atomically
from core.project.runs import RunFolder
from core.publish import onnx_file, prediction_script
from core.publish.onnx_file import Agreement
from core.train.description import citations, methods, model_card
from core.train.description.facts import read_facts

NETWORK, SCRIPT, WEIGHTS, CARD = "network.onnx", "predict.py", "network.safetensors", "README.md"
METHODS, LATEX, REFERENCES = "methods.md", "methods.tex", "references.bib"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    folder
        Where.
    files
        Names of the files in it.
    agreement
        Of the ONNX file with the network; None: none was written.
    left_out
        Why a file was not written, in words; empty: all were.
    """

    folder: Path
    files: tuple[str, ...]
    agreement: Agreement | None
    left_out: str = ""


def run(network: Path, folder: Path, stop: threading.Event = NEVER, *, with_onnx: bool = True) -> Work[Exported]:
    """Write the best weights of a run for others.

    Parameters
    ----------
    network
        The folder of a run, or a weights file, of which less is known: there is then no card and no methods.
    folder
        For the files; those of these names are replaced.
    stop
        Checked between the files.
    with_onnx
        Whether to write the ONNX file and the script, for which further libraries are needed.

    Raises
    ------
    NotPossible
        A library is missing; or nothing would be written.
    UnreadableFile, WrongVersion
        The run cannot be read.
    """
    run_folder = RunFolder(network) if network.is_dir() else None
    if run_folder is None and not with_onnx:
        raise NotPossible("Of a weights file alone no model card can be written.", "Choose the folder of a run.")
    written: list[str] = []
    agreement, left_out = None, ""
    if with_onnx:
        onnx_file.require_libraries()
        predictor = Predictor.load(network)
        agreement = yield from onnx_file.write(predictor, folder / NETWORK, stop)
        written.append(NETWORK)
        is_choice = isinstance(predictor.target, Classes)
        decision = decisions.read_kept(network, predictor.output_names) if is_choice else MOST_PROBABLE
        try:
            write_atomically(folder / SCRIPT, prediction_script.make(predictor, NETWORK, decision))
            written.append(SCRIPT)
        except NotPossible as problem:
            left_out = problem.text
            yield Skipped(problem)
    weights = weights_file.locate(network)
    with atomic_path(folder / WEIGHTS) as temporary:
        shutil.copyfile(weights, temporary)
    written.append(WEIGHTS)
    if temperature.copy(weights, folder / WEIGHTS):
        written.append(temperature.NAME)
    if run_folder is not None:
        facts = replace(read_facts(run_folder), has_onnx=SCRIPT in written)
        for name, text in (
            (CARD, model_card.format_card(facts)),
            (METHODS, methods.format_markdown(facts)),
            (LATEX, methods.format_latex(facts)),
            (REFERENCES, citations.format_bibtex(methods.works(facts))),
        ):
            write_atomically(folder / name, text)
            written.append(name)
    return Exported(folder, tuple(written), agreement, left_out)
