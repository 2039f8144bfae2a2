"""Settings for importing, splitting and segmenting galaxies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from core.data import angles, logarithms, zero_points
from core.errors import SettingsProblem
from core.settings.declare import Settings, setting

HeldOutPart = Literal["validation", "test"]
EvaluatedPart = Literal[HeldOutPart, "all"]  # what a run is judged on; all: every labelled galaxy
Part = Literal["train", EvaluatedPart]
"""The parts into which a run divides its dataset, and all of it."""

_AUTO = logarithms.AUTO  # a setting has the name of the module

DRAWN = "none"  # in place of a column of given parts: they are drawn, although there is one

_ONE_FILE_PER_BAND = "One file per band: the file name with {band} where the band stands, such as *_{band}.fits."


class ImportSettings(Settings):
    """How files are imported into a dataset."""

    size: int | None = setting(
        None,
        title="Stamp size",
        help="Side of every stamp. Empty: the field's size, or without a field the most frequent size of the files.",
        unit="pixels",
        ge=4,
        le=4096,
    )
    field: float | None = setting(
        None,
        title="Field",
        help="Side of the square about the centre that is cut out first and then resampled to the stamp size. Empty: "
        "no field is cut out; other sizes are fitted as below.",
        ge=0.1,
        le=10_000,
    )
    field_unit: Literal["pixels", "arcsec"] = setting(
        "pixels",
        title="Field in",
        help="Unit of the field: pixels of the files, or arcsec, for which their pixel scale has to be known.",
        applies=("field", ()),
    )
    field_column: str = setting(
        "",
        title="Field times",
        help="Catalogue column by which the field is multiplied for each galaxy, such as a radius in the field's unit: "
        "a field of 4 is then four radii wide. Empty: the same field for all.",
        applies=("field", ()),
    )
    fit: Literal["auto", "crop or pad", "resample"] = setting(
        "auto",
        title="Other sizes",
        help="Crop or pad about the centre keeps the pixel scale and the flux in each pixel; resample shrinks or "
        "enlarges the whole cutout to the stamp size, conserving surface brightness, and changes the pixel scale. "
        "Auto measures on a sample how much of the galaxies a crop would lose, crops where they fit and resamples "
        "where they do not.",
        applies=("field", (None,)),
    )
    fill: Literal["background", "zero"] = setting(
        "background",
        title="Missing pixels",
        help="Value for NaN, infinite, blank, absurd (1e30) and padded pixels: the median of the cutout's border in "
        "each band, or 0.",
    )
    max_missing: float = setting(
        0.5,
        title="Largest missing share",
        help="A cutout with a larger share of missing pixels is reported as unusable.",
        ge=0,
        lt=1,
        level="expert",
    )
    hdu: str = setting(
        "",
        title="FITS extension",
        help="Name or number of the extension that holds the image. Several, separated by commas (VIS,NIR-Y), are the "
        "bands of one galaxy; * makes one galaxy of each extension, planes one of each plane of a cube. Empty: as the "
        "headers say; models, masks, weights and the like are left out and named in the report.",
    )
    bands: str = setting(
        "",
        title="Bands",
        help="Names of the planes in order, separated by commas (i,r,g). "
        + _ONE_FILE_PER_BAND
        + " Choose the bands and their order with {band:v,z,j,h}. Empty: from the headers, or numbered.",
    )
    pixel_scale: float | None = setting(
        None,
        title="Pixel scale",
        help="Used where a file has no celestial coordinates of its own. Empty: unknown.",
        unit="arcsec/pixel",
        gt=0,
        level="expert",
    )
    zero_point: tuple[float, ...] = setting(
        (),
        title="Zero point",
        help="Magnitude of one unit of the pixels of the files, which magnitudes depend on; one for all bands, or one "
        "for each, separated by commas (26.5,25.94). Empty: as the headers say (MAGZERO, PHOTFLAM, a unit such as "
        "nanomaggy), and unknown where they say nothing.",
        unit="mag",
    )
    labels_from_folders: bool = setting(
        False,
        title="Labels from folders",
        help="The name of the folder in which a file lies is its class.",
    )
    catalogue_id: str = setting(
        "",
        title="Id column",
        help="Catalogue column with the file name or object id. Empty: recognised by its name or by what matches.",
    )
    labels: tuple[str, ...] = setting(
        (),
        title="Label columns",
        help="One column of classes or numbers, or several vote fractions or quantities. Empty: recognised by name.",
    )
    split_column: str = setting(
        "",
        title="Given parts",
        help="Catalogue column that says train, validation or test for each galaxy. Empty: recognised, in the "
        "catalogue or by folders of these names; none: the parts are drawn.",
    )
    missing_labels: str = setting(
        "auto",
        title="Missing labels",
        help="What means “no label” in the label columns: texts and numbers, separated by commas (-99, unknown). "
        "Empty: only empty cells. auto: usual texts such as - and INDEF, and values such as -99 or 1e20 that lie far "
        "from all others; the report names them. auto, unknown: these and “unknown”.",
    )
    catalogue_table: str = setting(
        "",
        title="Table",
        help="Name or number of the table in a catalogue with several. Empty: the one that names the images.",
        level="expert",
    )

    @field_validator("zero_point", mode="before")
    @classmethod
    def _zero_point_can_be_one(cls, given: Any) -> tuple[float, ...]:
        try:
            if isinstance(given, str):
                return zero_points.parse(given)
            return zero_points.require_possible([*given] if isinstance(given, (tuple, list)) else [given])
        except SettingsProblem as problem:
            raise ValueError(f"{problem.sentence} {problem.remedy}".rstrip(".")) from None

    @property
    def decides_fit(self) -> bool:
        """Whether it is to be measured if cutouts are cropped or resampled."""
        return self.fit == "auto" and self.field is None


OF_THE_LABELS = frozenset(
    {"labels_from_folders", "catalogue_id", "labels", "split_column", "missing_labels", "catalogue_table"}
)
"""Import settings that find the labels."""

OF_THESE_FILES = OF_THE_LABELS | {"zero_point"}
"""Import settings that hold for some files only; all others say how stamps are made, and are followed in prediction."""


class DataSettings(Settings):
    """The target, and the split of the galaxies."""

    labels: tuple[str, ...] = setting(
        (),
        title="Learn",
        help="Label columns to learn. Empty: the label columns of the dataset.",
    )
    kind: Literal["auto", "classes", "vote fractions", "quantities"] = setting(
        "auto",
        title="As",
        help="Classes: exactly one of several names. Vote fractions: shares that add up to one. Quantities: numbers. "
        "Auto decides from the columns.",
    )
    angles: str = setting(
        angles.AUTO,
        title="Angles",
        help="Quantities that repeat after a period, such as position angles after 180°: they are learned on the "
        "circle and turn with the galaxy where it is rotated or mirrored. Auto recognises them by name and unit; "
        "none: all are plain numbers; or columns with their periods: position_angle=180.",
        level="expert",
    )
    logarithms: str = setting(
        logarithms.AUTO,
        title="Logarithms",
        help="Positive quantities whose logarithm is learned, so that an answer is never negative and small values "
        "count as large ones do. Auto: sizes, fluxes, masses and Sérsic indices, by name and unit, if all their values "
        "are positive; none: all are plain numbers; or columns, separated by commas.",
        level="expert",
    )
    side_columns: tuple[str, ...] = setting(
        (),
        title="Beside the image",
        help="Catalogue columns that the network takes beside the image, such as a redshift, a flux or a size: numbers "
        "that every galaxy to be predicted will have, too, and that do not tell the answer. They are scaled by the "
        "training part only, and a missing value is told to the network as such. Empty: the image alone.",
        is_column=True,
    )
    side_logarithms: str = setting(
        _AUTO,
        title="Of these, logarithms",
        help="Columns beside the image whose logarithm is taken, so that small values count as large ones do. Auto: "
        "sizes, fluxes, masses and Sérsic indices, by name and unit, if all their values are positive; none: all are "
        "taken as they are; or columns, separated by commas.",
        level="expert",
        applies=("side_columns", ()),
    )
    votes: str = setting(
        "",
        title="Number of votes",
        help="Column with the number of votes behind the fractions, for the losses that need it. Empty: the columns "
        "hold counts instead of fractions.",
        level="expert",
        is_column=True,
    )
    validation: float = setting(
        0.15,
        title="Validation part",
        help="Share of the labelled galaxies used for early stopping and for choosing the best epoch.",
        gt=0,
        lt=0.9,
    )
    test: float = setting(
        0.15,
        title="Test part",
        help="Share of the labelled galaxies withheld from training and from every choice; used only to evaluate a "
        "finished network.",
        ge=0,
        lt=0.9,
    )
    group: str = setting(
        "",
        title="Same object",
        help="Column with the same value for all images of one object, which are then kept in one part. Empty: images "
        "with the same id show one object.",
        level="expert",
        is_column=True,
    )
    train_limit: int | None = setting(
        None,
        title="At most",
        help="Largest number of training galaxies to use; the other parts stay as they are.",
        unit="galaxies",
        ge=2,
        level="expert",
    )
    train_draw: Literal["evenly", "in proportion"] = setting(
        "evenly",
        title="Limit drawn",
        help="How the limited training galaxies are drawn: evenly from the classes, or in proportion to them, as a "
        "smaller survey would have them. Either way a smaller limit gives a subset of a larger one.",
        level="expert",
    )
    split_seed: int | None = setting(
        None,
        title="Seed of the parts",
        help="Random seed of the split alone; the run's seed then determines only the limited training galaxies, the "
        "initial weights and the order of the galaxies. Empty: the run's seed also determines the split.",
        ge=0,
        le=2**31 - 1,
        level="expert",
    )

    split_column: str = setting(
        "",
        title="Given parts",
        help="Column that says train, validation or test for each galaxy. Empty: the one that the dataset was imported "
        "with, if any; none: draw the parts all the same.",
    )
    split_rest: bool = setting(
        False,
        title="Others join",
        help="Galaxies without a value in the column of the parts are dealt out by their names; otherwise they are in "
        "no part.",
        level="expert",
    )

    @field_validator("angles")
    @classmethod
    def _angles_can_be_read(cls, wish: str) -> str:
        try:
            angles.parse("" if wish == angles.AUTO else wish)
        except SettingsProblem as problem:
            raise ValueError(f"{problem.sentence} {problem.remedy}".rstrip(".")) from None
        return wish

    @model_validator(mode="after")
    def _parts_leave_room(self) -> DataSettings:
        if self.validation + self.test >= 0.95:
            raise ValueError("validation and test part together leave too little to train on")
        return self


class SegmentationSettings(Settings):
    """How stamps are segmented into galaxy, neighbours and sky."""

    band: int | None = setting(
        None, title="Band", help="Band to segment, counted from 1. Empty: the mean of all bands.", ge=1, le=4096
    )
    smoothing: float = setting(
        1.5,
        title="Smoothing",
        help="Standard deviation of the Gaussian that smooths the image first; 0: none.",
        unit="pixels",
        ge=0,
        le=16,
        level="expert",
    )
    threshold: float = setting(
        5.0,
        title="Threshold",
        help="Detection threshold above the sky, in standard deviations of its noise after the smoothing.",
        gt=0,
        le=1000,
        scale="log",
    )
    fewest_pixels: int = setting(
        8, title="Fewest pixels", help="Smaller sources are discarded as noise.", unit="pixels", ge=1, le=10_000
    )
    contrast: float = setting(
        0.02,
        title="Deblending contrast",
        help="Touching sources are separated if the fainter one has at least this share of their light; 1: never.",
        ge=0,
        le=1,
        source="Bertin & Arnouts 1996",
    )
    saddle: float = setting(
        0.6,
        title="Highest saddle",
        help="A source that touches the galaxy is counted as part of it if the saddle between them is higher than this "
        "share of the lower peak, as along the arms of a spiral.",
        ge=0,
        le=1,
    )
