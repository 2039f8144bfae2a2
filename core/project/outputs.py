"""May a file be written here? Never over what is read, nor, without being told to, over a file of another kind.

The command line asks before the work begins, and every file that is written atomically asks once more; the window asks
when a place was chosen.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import FolderInUse, NotPossible, WouldReplaceForeignFile, WouldReplaceInput
from core.project.packages import is_package
from core.project.runs import RunFolder
from core.version import PROGRAM, VERSION

DATASET = "a dataset of Tuning Fork"
TEXT_TABLE = "a table of text"
FITS_TABLE, FITS_IMAGE = "a FITS table", "a FITS image"
VOTABLE, PARQUET, SETTINGS = "a VOTable", "a Parquet table", "a TOML file"
HDF5_TABLE, HDF5_TABLE_MARK = "an HDF5 table", "tuning_fork_table"
FOREIGN_HDF5, NUMPY, ARCHIVE = "an HDF5 file of another program", "a numpy array", "an archive (zip, npz)"
GZIP, BZIP2 = "a file compressed with gzip", "a file compressed with bzip2"
PNG, PDF, HTML, ONNX = "a PNG picture", "a PDF page", "a web page", "a network (ONNX)"
PACKAGE = "a package of Tuning Fork"
WEIGHTS = "the weights of a network (safetensors)"
TABLE, FOLDER = "a table", "a folder"  # a table of the kind that its extension says

_HEAD = 1 << 16  # bytes that are looked at
_BLOCK = 2880  # bytes of FITS
_MARKS = (
    (b"\x89PNG\r\n", PNG),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF animation"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", PDF),
    (b"PAR1", PARQUET),
    (b"\x93NUMPY", NUMPY),
    (b"PK\x03\x04", ARCHIVE),
    (b"\x1f\x8b", GZIP),
    (b"BZh", BZIP2),
)
_ENDINGS = {
    ".csv": TEXT_TABLE,
    ".fits": FITS_IMAGE,
    ".xml": VOTABLE,
    ".parquet": PARQUET,
    ".h5": DATASET,
    ".safetensors": WEIGHTS,
    ".toml": SETTINGS,
    ".jsonl": "a text file (.jsonl)",
    ".png": PNG,
    ".gif": "a GIF animation",
    ".pdf": PDF,
    ".zip": PACKAGE,
    ".svg": "an SVG drawing",
    ".html": HTML,
    ".onnx": ONNX,
    **{ending: f"a text file ({ending})" for ending in (".md", ".tex", ".bib", ".py")},
}
_TABLE_ENDINGS = {".fits": FITS_TABLE, ".h5": HDF5_TABLE, ".hdf5": HDF5_TABLE}
_TEXT_TABLES = {"", ".csv", ".txt", ".tsv", ".dat", ".ecsv"}
_GALAXIES = {FITS_IMAGE, PNG, "a JPEG picture", FOREIGN_HDF5, NUMPY, ARCHIVE, GZIP, BZIP2}  # read in folders
_TABLES = {TEXT_TABLE, FITS_TABLE, VOTABLE, PARQUET, HDF5_TABLE}
_OWN_HEADINGS = re.compile(  # of reports, of predictions, of maps and dreams, of a layer's responses, of measurements
    rb"(file,reason,remedy|id,([^\r\n]*,)?predicted|id,method,[^\r\n]*,fits,png|filter,rank,id,class,response,x,y"
    rb"|id,suggested,method|id,(distance,closer_than|unlikeness|part,dataset)|id,before,after,truth"
    rb"|id,[^\r\n]*,problem|id,([^,\r\n]+),\4_error,[^\r\n]*flags)[,\r\n]"
)
_OWN_CARDS = (b"METHOD  =", b"TARGET  =", b"SCORE   =")  # in the headers of maps and dreams
_PROGRAM = PROGRAM.removesuffix(VERSION).encode()
_OF_A_RUN = re.compile(
    r"(settings|environment|decision|notes|search|study|suggestions|ensemble)\.toml|(history|split|unlabelled)\.csv"
    r"|(metrics|bands|temperature)\.json"
    r"|(labels|optuna)\.jsonl|data\.txt|log\.txt|card\.md|data\.checksum|(best|start)\.safetensors|(last|snapshots)/.*"
)
_OF_A_PROJECT = re.compile(r"project\.toml|project\.lock|window\.json|labels/.*|parts/.*")


@dataclass(frozen=True)
class Output:
    """A file or a folder that will be written.

    Attributes
    ----------
    path
        Where.
    kind
        What it will be: one of the kinds above, or empty for what the extension says.
    option
        How the command line calls it, for the sentence.
    """

    path: Path
    kind: str = ""
    option: str = ""

    @property
    def will_be(self) -> str:
        """What it will be."""
        ending = self.path.suffix.lower()
        if self.kind == TABLE and ending in _TABLE_ENDINGS:
            return _TABLE_ENDINGS[ending]
        return _ENDINGS.get(ending, "another file") if self.kind in {"", TABLE} else self.kind


class Inputs:
    """What a command reads: files, known by device and inode whatever they are called, and folders of galaxies."""

    def __init__(self, paths: Iterable[Path]) -> None:
        given = list(paths)
        self._files = {identity for path in given if (identity := _identity(path)) is not None}
        self._folders = [path for path in given if path.is_dir()]

    def refuse(self, target: Path, where: str = "") -> None:
        """Refuse to write over one of them; ``where`` names it in the sentence.

        Raises
        ------
        WouldReplaceInput
            It is read.
        """
        identity = _identity(target)
        if identity is None:  # nothing is there that could be lost
            return
        if identity in self._files or any(_is_galaxy_of(target, folder) for folder in self._folders):
            raise WouldReplaceInput(
                "This is an input and would be overwritten.",
                "Choose another name; it was not changed.",
                where or str(target),
            )


def require_writable(outputs: Sequence[Output], inputs: Inputs | None = None, *, force: bool = False) -> None:
    """Require that nothing is lost by writing these outputs.

    Parameters
    ----------
    outputs
        All that one command, or one dialog, will write.
    inputs
        All that it reads.
    force
        Whether a file of another kind may be replaced.

    Raises
    ------
    NotPossible
        An output is an input, a part of a run or of a project, or another output.
    FolderInUse
        A file of another kind is there, a folder in place of a file, or a file in place of a folder.
    """
    for number, output in enumerate(outputs):
        where = f"{output.option} {output.path}".strip()
        if any(_is_same(output.path, other.path) for other in outputs[:number]):
            raise NotPossible("This would be written twice.", "Choose another name for one of them.", where)
        if inputs is not None and not output.path.is_dir():
            inputs.refuse(output.path, where)
        _require_kind_of_place(output, where)
        if output.kind == FOLDER:
            continue
        if owner := _owner(output.path):
            raise NotPossible(
                f"{output.path} is a part of {owner}.", "Choose another name; nothing was changed.", where
            )
        found = kind_of(output.path)
        if found and found != output.will_be and not force:
            raise FolderInUse(
                f"This is {found}, and {output.will_be} would replace it.",
                "Choose another name" + ("; --force replaces it all the same." if output.option else "."),
                where,
            )
        if found in _TABLES and output.option and not force and not _is_own(output.path, found):
            raise FolderInUse(
                f"This is {found}, and not one of Tuning Fork.",
                "Choose another name; --force replaces it all the same.",
                where,
            )


def refuse_foreign(target: Path, remedy: str = "Choose another folder.") -> None:
    """Refuse to write over a file that this program did not write, in a folder that is given for many files.

    Raises
    ------
    WouldReplaceForeignFile
        Such a file is there.
    """
    found = kind_of(target)
    if found and (found != Output(target).will_be or not _is_own(target, found)):
        raise WouldReplaceForeignFile(
            f"This is {found}, and not one of Tuning Fork.",
            remedy,
            str(target),
        )


def kind_of(path: Path) -> str:
    """What a file is, by its first bytes, with an article; empty where there is none, or nothing in it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading from a pipe would wait for its writer
            return ""
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return "a file that cannot be read" if path.exists() else ""
    if not head:
        return ""
    if head.startswith(b"\x89HDF\r\n"):  # as bytes: the HDF5 library may hang on a damaged file
        if HDF5_TABLE_MARK.encode() in head:
            return HDF5_TABLE
        return DATASET if all(name in head for name in (b"pixel_scale", b"missing", b"wcs")) else FOREIGN_HDF5
    if is_package(path):
        return PACKAGE
    if head.startswith(b"SIMPLE  ="):
        return _kind_of_fits(head)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 27:
        return WEIGHTS
    return next((kind for mark, kind in _MARKS if head.startswith(mark)), "") or _kind_of_text(head, path)


def _is_own(path: Path, kind: str) -> bool:
    """Whether a command of this program wrote a file, by its heading, its header or the program that it names."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if kind == TEXT_TABLE:
            return _OWN_HEADINGS.match(head) is not None
        if kind == FITS_IMAGE:
            return all(card in head for card in _OWN_CARDS)
        if kind in {PARQUET, PDF}:  # their metadata are at the end
            file.seek(-min(_HEAD, path.stat().st_size), os.SEEK_END)
            head = file.read()
    return _PROGRAM in head


def _kind_of_fits(head: bytes) -> str:
    extension = head.find(b"XTENSION=")
    is_table = head[extension + 11 :].startswith((b"BINTABLE", b"TABLE")) if extension > 0 else False
    is_compressed_image = b"ZIMAGE  =" in head[extension : extension + 10 * _BLOCK]
    has_primary = re.search(rb"NAXIS   = +[1-9]", head[:_BLOCK]) is not None
    return FITS_TABLE if is_table and not is_compressed_image and not has_primary else FITS_IMAGE


def _kind_of_text(head: bytes, path: Path) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:15].lower() == b"<!doctype html>":
        return HTML
    if start.startswith(b"<"):
        return VOTABLE if b"<VOTABLE" in start else "an SVG drawing" if b"<svg" in start else "an XML file"
    ending = path.suffix.lower()
    if ending == ".onnx" and head.startswith(b"\x08"):  # the number of its format comes first
        return ONNX
    if b"\0" in head:
        return "a file of an unknown kind"
    if ending in _TEXT_TABLES:
        return TEXT_TABLE
    return SETTINGS if ending == ".toml" else f"a text file ({ending})"


def _require_kind_of_place(output: Output, where: str) -> None:
    """Require a folder where a folder is to be, a regular file or nothing where a file is to be."""
    path = output.path
    above = next((folder for folder in path.parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise FolderInUse(f"{above} is a file, and no folder.", "Choose another place.", where)
    if not path.exists():
        return
    if output.kind == FOLDER and not path.is_dir():
        raise FolderInUse("This is a file, and a folder is to be written.", "Choose another name.", where)
    if output.kind != FOLDER and path.is_dir():
        raise FolderInUse("This is a folder, and a file is to be written.", "Name a file in it.", where)
    if output.kind != FOLDER and not stat.S_ISREG(path.stat().st_mode):
        raise FolderInUse("This is a device or a pipe.", "Name a file.", where)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what is there; None: nothing is."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths are one file: by device and inode where both exist, else by name, in capitals or not."""
    if (identity := _identity(one)) is not None:
        return identity == _identity(other)
    return str(one.resolve()).casefold() == str(other.resolve()).casefold()


def _is_galaxy_of(target: Path, folder: Path) -> bool:
    """Whether a file that exists is among the galaxies in a folder, by its place or as another name of one of them."""
    if kind_of(target) not in _GALAXIES:
        return False
    if folder.resolve() in target.resolve().parents:
        return True
    if target.stat().st_nlink == 1:
        return False
    inside = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return any(_identity(path) == _identity(target) for path in inside)


def _owner(path: Path) -> str:
    """The run, study or project of whose own files this is one that exists; empty: of none."""
    if not path.exists():
        return ""
    place = path.resolve()
    for folder in list(place.parents)[:3]:
        name = place.relative_to(folder).as_posix()
        run = RunFolder(folder)
        is_run = run.settings_file.exists() and (run.is_study or run.environment_file.exists() or run.best.exists())
        is_run |= run.is_ensemble
        if is_run and _OF_A_RUN.fullmatch(name):
            return f"the study “{run.name}”" if run.is_study else f"the run “{run.title}”"
        if (folder / "project.toml").is_file() and _OF_A_PROJECT.fullmatch(name):
            return f"the project “{folder.name}”"
    return ""
