import numpy as np
import pytest

from core.data import side_columns

VALUES = np.linspace(0, 1, 5)


def usable(names: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    return side_columns.usable(dict.fromkeys(names, VALUES), labels)


@pytest.mark.parametrize("name", ["id", "id_str", "objid", "OBJID", "source_id", "specObjID"])
def test_identifiers_are_not_offered(name: str) -> None:
    assert usable((name, "redshift", "width", "sidereal"), ("morphology",)) == ("redshift", "width", "sidereal")


def test_shares_are_offered_only_where_the_catalogue_holds_no_votes() -> None:
    """Of those of a vote, also the later questions tell the answer."""
    shares = ("edge_on_frac", "spiral_frac", "merging_frac")
    assert usable(("smooth_votes", *shares, "redshift"), ("morphology",)) == ("redshift",)
    assert usable(("bulge_fraction", "redshift"), ("morphology",)) == ("bulge_fraction", "redshift")
    assert usable(("edge_on_frac", "gas_frac"), ("morphology", "edge-on")) == ("gas_frac",)
