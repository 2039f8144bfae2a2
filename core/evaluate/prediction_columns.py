"""The columns of a table of predictions: names, units, UCDs and what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.data.target import Classes, Quantities, Target
from core.evaluate.table_formats import ColumnFormat, parse_unit

CLASS_UCD = "meta.code.class;src.morph.type"
_BY_NAME = (
    (r"(^|_)(mag|magnitude)(_|$)", "phot.mag"),
    (r"position_?angle|(^|_)pa(_|$)", "pos.posAng"),
    (r"axis_?ratio|(^|_)(b_?a|q)$", "phys.size.axisRatio"),
    (r"redshift|^z(_|$)", "src.redshift"),
    (r"ellipticity", "src.ellipticity"),
    (r"sersic|s[eé]rsic|bulge_to_total|(^|_)b_?t$|concentration|asymmetry|gini", "src.morph.param"),
    (r"mass", "phys.mass"),
)
_CAUSES = {"data": "the data cause", "networks": "the ignorance of the networks causes"}
_ENTROPY = "Part of the entropy of the networks' mean, before a temperature of the ensemble, that {}"
_BY_UNIT = (("mag", "phot.mag"), ("arcsec", "phys.angSize"), ("Jy", "phot.flux.density"))


def id_column() -> ColumnFormat:
    """The galaxies' ids, always text: an 18-digit number loses digits as a float."""
    return ColumnFormat("id", "U", "", "meta.id;meta.main", "Id of the galaxy, or the name of its file")


def answer_columns(
    target: Target, names: Sequence[str], *, has_errors: bool = False, has_decision: bool = False
) -> list[ColumnFormat]:
    """What a network answers: for classes and vote fractions the class and a column each, else the quantities.

    Parameters
    ----------
    target, names
        Of the network.
    has_errors
        Whether it gives an error bar for each quantity.
    has_decision
        Whether a column says by which rule the class was chosen.
    """
    if isinstance(target, Quantities):
        return _quantity_columns(target, names, has_errors=has_errors)
    is_class = isinstance(target, Classes)
    chosen = "Class that was chosen from the probabilities" if is_class else "Answer with the largest fraction"
    columns = [ColumnFormat("predicted", "U", "", CLASS_UCD, chosen)]
    if has_decision:
        columns.append(ColumnFormat("decision", "U", "", "meta.note", "Rule by which the class was chosen"))
    what, ucd = ("Probability", "stat.probability") if is_class else ("Predicted fraction of the votes", "stat.value")
    return [*columns, *(ColumnFormat(f"p_{name}", "f4", "", ucd, f"{what} of {name}") for name in names)]


def _quantity_columns(target: Quantities, names: Sequence[str], *, has_errors: bool) -> list[ColumnFormat]:
    columns: list[ColumnFormat] = []
    for name, unit in zip(names, target.units, strict=True):
        ucd = ucd_of(name, unit)
        columns.append(ColumnFormat(name, "f4", unit, ucd, f"Predicted {name}"))
        if has_errors:
            error = f"stat.error;{ucd}" if ucd else "stat.error"
            columns.append(ColumnFormat(f"{name}_error", "f4", unit, error, f"Standard deviation of {name}"))
    return columns


def doubt_columns(target: Target, names: Sequence[str], causes: Sequence[str]) -> list[ColumnFormat]:
    """What the doubt of an ensemble comes from, in the order of :attr:`core.nets.combination.Doubt.values`."""
    if not isinstance(target, Quantities):
        return [
            ColumnFormat(f"entropy_{cause}", "f4", "", "stat.param", _ENTROPY.format(_CAUSES[cause]))
            for cause in causes
        ]
    columns: list[ColumnFormat] = []
    for name, unit in zip(names, target.units, strict=True):
        ucd = ucd_of(name, unit)
        error = f"stat.error;{ucd}" if ucd else "stat.error"
        columns += [
            ColumnFormat(
                f"{name}_error_{cause}", "f4", unit, error, f"Part of the error of {name} that {_CAUSES[cause]}"
            )
            for cause in causes
        ]
    return columns


def ucd_of(name: str, unit: str) -> str:
    """The UCD of a quantity by its name, else by its unit; empty where neither tells."""
    for pattern, ucd in _BY_NAME:
        if re.search(pattern, name, re.IGNORECASE):
            return ucd
    parsed = parse_unit(unit)
    return next((ucd for text, ucd in _BY_UNIT if parsed is not None and parsed == parse_unit(text)), "")
