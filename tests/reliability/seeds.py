"""Small whole files of every kind that the program reads, each beside others that must not suffer with it.

Each function writes a folder and returns the file in it that is to be damaged.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from astropy.io import fits
from astropy.table import Table
from galaxies import ellipse, write_dataset
from PIL import Image

SIDE = 16
GOOD = ("good1", "good2", "good3")
KINDS = ("disk", "edge-on", "spheroid")
_GOLDEN = Path(__file__).parents[1] / "golden"


def pixels(number: int = 0) -> np.ndarray:
    """One galaxy, float32 (SIDE, SIDE)."""
    noise = np.random.default_rng(number).normal(100, 2, (SIDE, SIDE))
    return (noise + 40 * ellipse(SIDE, 3, 2, 0.3 * number)).astype(np.float32)


def header(number: int = 0) -> fits.Header:
    """The cards that a survey's cutouts have."""
    cards = fits.Header()
    cards["CTYPE1"], cards["CTYPE2"] = "RA---TAN", "DEC--TAN"
    cards["CRVAL1"], cards["CRVAL2"] = 150 + 0.01 * number, 2.0
    cards["CRPIX1"] = cards["CRPIX2"] = SIDE / 2
    cards["CD1_1"], cards["CD1_2"], cards["CD2_1"], cards["CD2_2"] = -1.1e-4, 0.0, 0.0, 1.1e-4
    cards["FILTER"], cards["BUNIT"], cards["OBJECT"] = "r", "nanomaggy", f"NGC {number}"
    return cards


def _good_fits(folder: Path, images: Callable[[int], fits.HDUList]) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(GOOD):
        images(number).writeto(folder / f"{name}.fits")


def _plain(number: int) -> fits.HDUList:
    return fits.HDUList([fits.PrimaryHDU(pixels(number), header(number))])


def _write_fits(folder: Path, name: str, images: Callable[[int], fits.HDUList]) -> Path:
    """Whole files of this layout, and one more with this name."""
    _good_fits(folder, images)
    images(7).writeto(folder / "x.fits")
    return (folder / "x.fits").rename(folder / name)


def plain_fits(folder: Path) -> Path:
    """An image and nothing else."""
    return _write_fits(folder, "x.fits", _plain)


def psf_image(folder: Path) -> Path:
    """A point-spread function, 21 × 21 pixels."""
    folder.mkdir(parents=True)
    y, x = np.mgrid[-10:11, -10:11]
    image = np.exp(-(x**2 + y**2) / 8.0)
    fits.writeto(folder / "psf.fits", (image / image.sum()).astype(np.float32), header())
    return folder / "psf.fits"


def blank_sky(folder: Path) -> Path:
    """An image of sky with a few sources."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(5)
    image = draw.normal(0, 1, (96, 96))
    image[20:25, 30:35] += 50
    image[70:73, 60:63] += 80
    cards = header()
    cards["CD1_1"], cards["CD2_2"] = -0.08 / 3600, 0.08 / 3600
    fits.writeto(folder / "sky.fits", image.astype(np.float32), cards)
    return folder / "sky.fits"


def scaled_fits(folder: Path) -> Path:
    """16-bit integers with a scale and a blank value."""

    def images(number: int) -> fits.HDUList:
        unit = fits.PrimaryHDU(pixels(number), header(number))
        unit.scale("int16", bscale=0.01, bzero=100)
        unit.header["BLANK"] = -32768
        return fits.HDUList([unit])

    return _write_fits(folder, "x.fits", images)


def gzip_fits(folder: Path) -> Path:
    """A plain image in gzip."""
    file = plain_fits(folder)
    (folder / "x.fits.gz").write_bytes(gzip.compress(file.read_bytes(), 1))
    file.unlink()
    return folder / "x.fits.gz"


def bzip2_fits(folder: Path) -> Path:
    """A plain image in bzip2."""
    file = plain_fits(folder)
    (folder / "x.fits.bz2").write_bytes(bz2.compress(file.read_bytes(), 1))
    file.unlink()
    return folder / "x.fits.bz2"


def _tiled(kind: str) -> Callable[[Path], Path]:
    def images(number: int) -> fits.HDUList:
        data = pixels(number) if kind != "PLIO_1" else np.clip(pixels(number), 0, 255).astype(np.int16)
        return fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, header(number), compression_type=kind)])

    return lambda folder: _write_fits(folder, "x.fits.fz", images)


rice_fits, gzip_tiled_fits, hcompress_fits, plio_fits = map(_tiled, ("RICE_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"))


def cube_fits(folder: Path) -> Path:
    """Three bands on the third axis."""

    def images(number: int) -> fits.HDUList:
        return fits.HDUList([fits.PrimaryHDU(np.stack([pixels(number + band) for band in range(3)]), header(number))])

    return _write_fits(folder, "x.fits", images)


def extensions_fits(folder: Path) -> Path:
    """An image beside its mask and its variance."""

    def images(number: int) -> fits.HDUList:
        units = [fits.ImageHDU(pixels(number), header(number), name=name) for name in ("SCI", "ERR", "DQ")]
        return fits.HDUList([fits.PrimaryHDU(), *units])

    return _write_fits(folder, "x.fits", images)


def _picture(ending: str, mode: str = "RGB", **options: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        folder.mkdir(parents=True)
        for number, name in enumerate((*GOOD, "x")):
            grey = np.clip(pixels(number), 0, 255).astype(np.uint8)
            picture = Image.fromarray(np.stack([grey, grey // 2, grey // 3], -1)).convert(mode)
            picture.save(folder / f"{name}.{ending}", **options)
        return folder / f"x.{ending}"

    return write


jpeg, png, palette_png = _picture("jpg"), _picture("png"), _picture("png", "P")


def deep_png(folder: Path) -> Path:
    """Grey with 16 bits."""
    folder.mkdir(parents=True)
    for number, name in enumerate((*GOOD, "x")):
        Image.fromarray((100 * pixels(number)).astype(np.uint16)).save(folder / f"{name}.png")
    return folder / "x.png"


def tiff_named_png(folder: Path) -> Path:
    """A TIFF picture that calls itself a PNG, which this program does not read."""
    file = png(folder)
    with Image.open(folder / "good1.png") as picture:
        picture.save(file, "TIFF")
    return file


def _arrays(number: int) -> dict[str, Any]:
    images = np.stack([np.stack([pixels(number + row)] * 3, -1) for row in range(4)])  # (4, H, W, 3)
    names = np.array([f"{number}-{row}" for row in range(4)])
    return {"images": images, "id": names, "ans": np.arange(4) % 3, "ra": np.linspace(0, 1, 4)}


def npz(folder: Path) -> Path:
    """Four cutouts with columns."""
    folder.mkdir(parents=True)
    for number, name in enumerate((*GOOD, "x")):
        np.savez_compressed(folder / f"{name}.npz", **_arrays(10 * number))
    return folder / "x.npz"


def npy_beside(folder: Path) -> Path:
    """A bare array, which is no cutout, beside cutouts."""
    plain_fits(folder).unlink()
    np.save(folder / "x.npy", pixels())
    return (folder / "x.npy").rename(folder / "x.fits")


def galaxy10(folder: Path) -> Path:
    """HDF5 in the layout of Galaxy10."""
    folder.mkdir(parents=True)
    for number, name in enumerate((*GOOD, "x")):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            for key, values in _arrays(10 * number).items():
                file[key] = values.astype("S") if values.dtype.kind == "U" else values
    return folder / "x.h5"


def bait(folder: Path) -> Path:
    """A file beside the folders of a child process that nothing may open, see :mod:`reliability.watch`."""
    return folder.parents[1] / "bait.txt"


def linked_hdf5(folder: Path) -> Path:
    """HDF5 with a link to another file, and with pixels that lie in one."""
    file = galaxy10(folder)
    with h5py.File(file, "w") as linked:
        linked.create_dataset("images", (4, 2, 2), "u1", external=[(str(bait(folder)), 0, 16)])
        linked["ans"] = h5py.ExternalLink(str(bait(folder)), "/ans")
    return file


# -- tables ------------------------------------------------------------------------------------------------------------


def _rows() -> Table:
    count = 60
    random = np.random.default_rng(1)
    names = [*GOOD, *(str(587722981742084100 + row) for row in range(count - len(GOOD)))]
    table = Table({"objid": names, "shape": [KINDS[row % 3] for row in range(count)]})
    table["width"] = np.round(random.uniform(2, 5, count), 3)
    table["votes"] = np.arange(count)
    return table


def _beside_cutouts(folder: Path) -> Path:
    plain_fits(folder).unlink()
    return folder


def _text(ending: str, delimiter: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = _beside_cutouts(folder) / f"catalogue.{ending}"
        rows = _rows()
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, delimiter=delimiter)
            table.writerow(rows.colnames)
            table.writerows(rows.iterrows())
        return path

    return write


csv_table, tsv_table, semicolons = _text("csv", ","), _text("tsv", "\t"), _text("csv", ";")


def _saved(ending: str, form: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = _beside_cutouts(folder) / f"catalogue.{ending}"
        _rows().write(path, format=form)
        return path

    return write


ecsv_table, votable, fits_table = _saved("ecsv", "ascii.ecsv"), _saved("xml", "votable"), _saved("fits", "fits")
ipac_table, cds_table = _saved("csv", "ascii.ipac"), _saved("csv", "ascii.mrt")


def binary_votable(folder: Path) -> Path:
    """A VOTable with its rows as base64."""
    path = _beside_cutouts(folder) / "catalogue.xml"
    _rows().write(path, format="votable", tabledata_format="binary2")
    return path


def linked_votable(folder: Path) -> Path:
    """A VOTable whose rows lie in another file."""
    path = binary_votable(folder)
    before, _, rest = path.read_text(encoding="utf-8").partition("<STREAM")
    after = rest.partition("</STREAM>")[2]
    link = f'<STREAM encoding="base64" href="file://{bait(folder)}"/>'
    path.write_text(f"{before}{link}{after}", encoding="utf-8")
    return path


def gzip_csv(folder: Path) -> Path:
    """A text table in gzip."""
    file = csv_table(folder)
    (folder / "catalogue.csv.gz").write_bytes(gzip.compress(file.read_bytes(), 1))
    file.unlink()
    return folder / "catalogue.csv.gz"


def parquet_table(folder: Path) -> Path:
    """A Parquet table."""
    import pyarrow as pa
    from pyarrow import parquet

    path, rows = _beside_cutouts(folder) / "catalogue.parquet", _rows()
    parquet.write_table(pa.table({name: rows[name].tolist() for name in rows.colnames}), path)
    return path


def excel(folder: Path) -> Path:
    """A spreadsheet, which is refused: an archive of XML as far as anybody here can tell."""
    import zipfile

    path = _beside_cutouts(folder) / "catalogue.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>")
    return path


# -- what the program wrote itself -------------------------------------------------------------------------------------


def dataset(folder: Path) -> Path:
    """A dataset in a project, beside another one."""
    project(folder)
    return folder / "datasets" / "survey.h5"


def project(folder: Path) -> Path:
    """A project of an earlier release with datasets, labels, runs and studies."""
    others = ("broken off", "every*", "votes", "widths", "three layers", "tensorboard")
    shutil.copytree(_GOLDEN / "bench", folder, ignore=shutil.ignore_patterns(*(f"*{name}" for name in others)))
    images = np.zeros((4, 2, 8, 8), np.float32)
    write_dataset(folder / "datasets" / "other.h5", images, {"kind": list("abab")}, ["kind"])
    return folder / "project.toml"


def in_project(pattern: str) -> Callable[[Path], Path]:
    """The first file of the project that matches."""

    def write(folder: Path) -> Path:
        project(folder)
        if not pattern.startswith("studies"):
            shutil.rmtree(folder / "studies")
        return max(folder.glob(pattern))

    return write


def with_decision(folder: Path) -> Path:
    """A run with a decision, beside others."""
    shutil.copytree(_GOLDEN / "decision", folder)
    return min(folder.glob("runs/*/decision.toml"))


def run_labels(folder: Path) -> Path:
    """The labels given by hand with which a run began."""
    shutil.copytree(_GOLDEN / "decision", folder)
    return min(folder.glob("runs/*/labels.jsonl"))


def chosen_bands(folder: Path) -> Path:
    """Which bands of other data feed a run's network."""
    from core.data.cutouts import Cutouts
    from core.project import band_choices

    project(folder)
    run = min(folder.glob("runs/*first"))
    with Cutouts.open(folder / "datasets" / "survey.h5") as cutouts:
        bands = [band.name for band in cutouts.bands]
    band_choices.remember(run, bands, ",".join(reversed(bands)))
    return run / "bands.json"


def foreign_network(folder: Path) -> Path:
    """A network that somebody else has trained."""
    project(folder)
    return shutil.copy(min(folder.glob("runs/*first/best.safetensors")), folder / "network.safetensors")


def kept_parts(folder: Path) -> Path:
    """The parts that a project keeps."""
    shutil.copytree(_GOLDEN / "decision", folder)
    return min(folder.glob("splits/*.csv"))


def window_memory(folder: Path) -> Path:
    """How a project was left."""
    import json

    from core.settings import toml
    from core.train.settings import RunSettings

    project(folder)
    left = {"format": 1, "dataset": "datasets/survey.h5", "run": "", "galaxy": "g1", "workspace": "Data"}
    file = folder / "window.json"
    file.write_text(json.dumps({**left, "draft": toml.dumps(RunSettings())}, indent=1))
    return file


def settings_file(folder: Path) -> Path:
    """Settings of a training, written by hand."""
    from core.settings import toml
    from core.train.settings import RunSettings

    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text(toml.dumps(RunSettings()))
    return folder / "settings.toml"


def search_settings(folder: Path) -> Path:
    """Settings of a search, written by hand."""
    from core.settings import toml
    from core.studies.settings import SearchSettings

    folder.mkdir(parents=True)
    (folder / "search.toml").write_text(toml.dumps(SearchSettings()))
    return folder / "search.toml"
