"""Network and classical fit in the same bins, over the same galaxies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.cli.main import main
from core.data.encodings import PLAIN
from core.errors import CatalogueProblem
from core.evaluate import comparison, evaluation, tables
from core.evaluate.comparison import MeasuredQuantity, quantities_of
from core.evaluate.comparison_lines import PANELS, lines_of
from core.events import result_of
from core.project.runs import RunFolder

Captured = pytest.CaptureFixture[str]


def a_quantity(count: int = 400, *, with_fit: bool = True) -> MeasuredQuantity:
    random = np.random.default_rng(4)
    true = random.uniform(18, 24, count)
    fit = true + random.normal(0.1, 0.05, count)
    fit[:100] = np.nan
    predicted = true + random.normal(0, 0.2, count)
    error = np.full(count, 0.2)
    return MeasuredQuantity(
        "magnitude", "mag", PLAIN, true, predicted, error, fit if with_fit else None, error / 4 if with_fit else None
    )


def test_both_are_compared_in_the_same_bins_on_galaxies_with_a_fitted_value() -> None:
    quantity = a_quantity()
    classes = np.where(np.arange(400) % 2, "isolated", "bright neighbour")
    found = result_of(comparison.compare(quantity, ("true magnitude", quantity.true), ("environment", classes)))
    assert found.fit is not None and found.fit.edges == found.network.edges
    assert found.fit.galaxies == found.network.galaxies == 300
    assert "100 galaxies without a fitted value" in found.note and "300 galaxies. " in found.note  # counted once
    bias = {line.method: line.y.mean() for line in lines_of(found, "bias") if line.name == "isolated"}
    assert bias["network"] == pytest.approx(0, abs=0.05) and bias["classical fit"] == pytest.approx(0.1, abs=0.02)
    within = [line for line in lines_of(found, "within") if line.method == "network"]
    assert np.mean([line.y.mean() for line in within]) == pytest.approx(0.683, abs=0.08)
    headers, rows = comparison.rows_of(found)
    assert headers[:3] == ("true magnitude", "environment", "Method") and {len(row) for row in rows} == {len(headers)}


def test_without_a_fit_and_error_bars_there_is_less_to_show_but_nothing_invented() -> None:
    quantity = a_quantity(with_fit=False)
    bare = MeasuredQuantity("magnitude", "mag", PLAIN, quantity.true, quantity.predicted)
    found = result_of(comparison.compare(bare, ("true magnitude", bare.true)))
    assert found.fit is None and not lines_of(found, "within") and PANELS["within"].without


def test_a_fit_table_is_brought_into_the_order_of_the_dataset(tmp_path: Path) -> None:
    path = tmp_path / "fits.csv"
    texts = np.array(["c", "a"])
    columns = [
        ("id", texts, ""),
        ("radius", np.array([3.0, np.nan]), ""),
        ("radius_error", np.array([0.3, np.nan]), ""),
    ]
    tables.write_columns([*columns, ("environment", np.array(["isolated", ""]), "")], path)
    found = result_of(comparison.read_fits(path, ["a", "b", "c"]))
    np.testing.assert_array_equal(found.values["radius"], [np.nan, np.nan, 3.0])
    assert found.matched == 2 and found.environment is not None and found.environment.tolist()[2] == "isolated"
    with pytest.raises(CatalogueProblem, match="None of the galaxies"):
        result_of(comparison.read_fits(path, ["x", "y"]))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A network that measures magnitude, half-light radius and position angle."""
    shutil.copytree(Path(__file__).parents[2] / "golden" / "measured", tmp_path / "measured")
    return next((tmp_path / "measured" / "runs").iterdir())


def test_the_command_prints_each_quantity_in_bins_of_a_column_and_by_environment(run: Path, capsys: Captured) -> None:
    every = ["evaluate", str(run), "--split", "all"]
    assert main([*every, "--by", "magnitude", "--bins", "2", "--split-by", "environment"]) == 0
    text = capsys.readouterr().out
    blocks = text.split("true magnitude [mag]")
    assert len(blocks) == 4 and "A neighbour is a source within" in blocks[0]  # one for each quantity
    found = evaluation.run(RunFolder(run), None, "all")
    galaxies = result_of(found).report.galaxies
    counts = [int(line.split("isolated")[1].split()[0]) for line in blocks[1].splitlines() if "isolated" in line]
    assert len(counts) == 3 and counts[0] + counts[1] == counts[2] <= galaxies


def test_bins_as_json_are_the_numbers_of_the_comparison(run: Path, capsys: Captured) -> None:
    asked = ["--by", "magnitude", "--bins", "2", "--split", "all"]
    assert main(["evaluate", str(run), *asked, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    evaluated = result_of(evaluation.run(RunFolder(run), None, "all"))
    quantities = quantities_of(evaluated, None)
    assert [each["quantity"] for each in found["by"]] == [each.name for each in quantities]
    for told, quantity in zip(found["by"], quantities, strict=True):
        (group,) = told["methods"]["network"]
        assert sum(each["galaxies"] for each in group["bins"]) == group["whole"]["galaxies"] == found["galaxies"]
        off = quantity.predicted - quantity.true
        assert group["whole"]["bias"]["value"] == pytest.approx(float(np.median(off)), abs=0.2 * float(np.std(off)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--by", "colour"], "“colour” is no column of numbers"),
        (["--split-by", "environment"], "Add --by COLUMN"),
        (["--by", "magnitude", "--bins", "0"], "0 bins are none"),
    ],
)
def test_bins_that_cannot_be_are_refused(run: Path, options: list[str], words: str, capsys: Captured) -> None:
    assert main(["evaluate", str(run), *options]) == 1
    assert words in capsys.readouterr().err
