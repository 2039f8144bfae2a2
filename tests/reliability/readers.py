"""Everything that the program reads: its name, a whole file, the way into the program, and what may damage it.

Another reader is one more line here.
"""

from __future__ import annotations

from reliability import hdf5_mutations, mutations, roads, seeds
from reliability.mutations import BYTES, FITS, JSON, JSON_LINES, TEXT, TOML
from reliability.reader import Reader

_GZIP = (*BYTES, *[mutations.inside_gzip(*FITS)] * 8, mutations.inflate_gzip)
_BZIP2 = (*BYTES, *[mutations.inside_bzip2(*FITS)] * 8, mutations.inflate_bzip2)
_PNG = (*BYTES, *[mutations.edit_png] * 6)
_NPZ = (*BYTES, *[mutations.inside_zip(*BYTES, mutations.edit_text)] * 10)
_CSV_GZIP = (*BYTES, *[mutations.inside_gzip(*TEXT)] * 8, mutations.inflate_gzip)

READERS: tuple[Reader, ...] = (
    Reader("FITS", seeds.plain_fits, roads.import_folder, FITS, 2),
    Reader("FITS, scaled integers", seeds.scaled_fits, roads.import_folder, FITS),
    Reader("FITS in gzip", seeds.gzip_fits, roads.import_folder, _GZIP),
    Reader("FITS in bzip2", seeds.bzip2_fits, roads.import_folder, _BZIP2),
    Reader("FITS, Rice tiles", seeds.rice_fits, roads.import_folder, FITS, 2),
    Reader("FITS, gzip tiles", seeds.gzip_tiled_fits, roads.import_folder, FITS),
    Reader("FITS, HCOMPRESS tiles", seeds.hcompress_fits, roads.import_folder, FITS),
    Reader("FITS, PLIO tiles", seeds.plio_fits, roads.import_folder, FITS),
    Reader("FITS cube", seeds.cube_fits, roads.import_folder, FITS),
    Reader("FITS with extensions", seeds.extensions_fits, roads.import_folder, FITS),
    Reader("JPEG", seeds.jpeg, roads.import_folder),
    Reader("PNG", seeds.png, roads.import_folder, _PNG),
    Reader("PNG with a palette", seeds.palette_png, roads.import_folder, _PNG),
    Reader("PNG of 16 bits", seeds.deep_png, roads.import_folder, _PNG),
    Reader("TIFF named .png", seeds.tiff_named_png, roads.import_folder, BYTES, 0.3),
    Reader("npy named .fits", seeds.npy_beside, roads.import_folder, BYTES, 0.3),
    Reader("npz", seeds.npz, roads.import_containers, _NPZ, 2),
    Reader("HDF5 as Galaxy10", seeds.galaxy10, roads.import_containers, hdf5_mutations.HDF5, 2),
    Reader("HDF5 that links to other files", seeds.linked_hdf5, roads.import_containers, hdf5_mutations.HDF5, 0.3),
    Reader("CSV", seeds.csv_table, roads.read_table, TEXT, 2),
    Reader("TSV", seeds.tsv_table, roads.read_table, TEXT),
    Reader("CSV with semicolons", seeds.semicolons, roads.read_table, TEXT),
    Reader("CSV in gzip", seeds.gzip_csv, roads.read_table, _CSV_GZIP),
    Reader("ECSV", seeds.ecsv_table, roads.read_table, TEXT),
    Reader("IPAC table", seeds.ipac_table, roads.read_table, TEXT),
    Reader("CDS table", seeds.cds_table, roads.read_table, TEXT),
    Reader("VOTable", seeds.votable, roads.read_table, TEXT),
    Reader("VOTable, binary", seeds.binary_votable, roads.read_table, TEXT),
    Reader("VOTable that links to a file", seeds.linked_votable, roads.read_table, TEXT, 0.5),
    Reader("FITS table", seeds.fits_table, roads.read_table, FITS, 2),
    Reader("Parquet", seeds.parquet_table, roads.read_table),
    Reader("Excel", seeds.excel, roads.read_table, BYTES, 0.3),
    Reader("dataset", seeds.dataset, roads.open_dataset, hdf5_mutations.DATASET, 3),
    Reader("project.toml", seeds.project, roads.open_project, TOML),
    Reader("run: settings.toml", seeds.in_project("runs/*first/settings.toml"), roads.look_at_runs, TOML),
    Reader("run: metrics.json", seeds.in_project("runs/*first/metrics.json"), roads.look_at_runs, JSON),
    Reader("run: history.csv", seeds.in_project("runs/*first/history.csv"), roads.look_at_runs, TEXT),
    Reader("run: split.csv", seeds.in_project("runs/*first/split.csv"), roads.resume_run, TEXT, 0.1),
    Reader("run: data.txt", seeds.in_project("runs/*first/data.txt"), roads.look_at_runs, TEXT, 0.5),
    Reader("run: notes.toml", seeds.in_project("runs/*first/notes.toml"), roads.look_at_runs, TOML),
    Reader("run: environment.toml", seeds.in_project("runs/*first/environment.toml"), roads.resume_run, TOML, 0.1),
    Reader("run: network", seeds.in_project("runs/*first/best.safetensors"), roads.look_at_runs, mutations.SAFETENSORS),
    Reader("run: decision.toml", seeds.with_decision, roads.look_at_runs, TOML),
    Reader("run: state.json", seeds.in_project("runs/*killed/last/*/state.json"), roads.resume_run, JSON, 0.1),
    Reader(
        "run: optimiser",
        seeds.in_project("runs/*killed/last/*/optimiser.safetensors"),
        roads.resume_run,
        mutations.SAFETENSORS,
        0.1,
    ),
    Reader("run: current epoch", seeds.in_project("runs/*killed/last/current"), roads.resume_run, TEXT, 0.1),
    Reader("run: labels.jsonl", seeds.run_labels, roads.resume_run, JSON_LINES, 0.1),
    Reader("run: bands.json", seeds.chosen_bands, roads.open_network, JSON),
    Reader("network from elsewhere", seeds.foreign_network, roads.open_network, mutations.SAFETENSORS),
    Reader("labels.jsonl", seeds.in_project("labels/*.jsonl"), roads.open_project, JSON_LINES),
    Reader("parts of a project", seeds.kept_parts, roads.open_project, TEXT),
    Reader("study.csv", seeds.in_project("studies/*training size/study.csv"), roads.open_project, TEXT),
    Reader("study.toml", seeds.in_project("studies/*training size/study.toml"), roads.open_project, TOML),
    Reader("search.toml", seeds.in_project("studies/*search/search.toml"), roads.open_project, TOML),
    Reader("trials.csv", seeds.in_project("studies/*search/trials.csv"), roads.open_project, TEXT),
    Reader("optuna.jsonl", seeds.in_project("studies/*search/optuna.jsonl"), roads.open_project, JSON_LINES),
    Reader("window.json", seeds.window_memory, roads.remember_window, JSON),
    Reader("settings file", seeds.settings_file, roads.load_settings, TOML),
    Reader("FITS of a PSF", seeds.psf_image, roads.simulate_with_psf, FITS),
    Reader("FITS of blank sky", seeds.blank_sky, roads.simulate_on_sky, FITS),
    Reader("settings of a search", seeds.search_settings, roads.load_search_settings, TOML),
)


def reader(name: str) -> Reader:
    """The reader of that name."""
    return next(each for each in READERS if each.name == name)


def numbers_of(total: int) -> dict[str, int]:
    """How many damaged files each reader gets of a total, by its share."""
    shares = sum(each.share for each in READERS)
    return {each.name: max(1, round(total * each.share / shares)) for each in READERS}


def import_libraries() -> None:
    """Import what the roads need, so that a forked process has it already."""
    import torch

    import core.evaluate.evaluation
    import core.simulate.blocks
    import core.studies.search
    import core.studies.training_size
    import core.train.resuming  # noqa: F401

    torch.set_num_threads(1)
