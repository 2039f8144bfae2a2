"""Three parts: disjoint, with every class, whole objects, whatever the labels and the order of the rows."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.settings import DataSettings
from core.data.split import PARTS, Decided, Split, load, save, split
from core.data.target import NO_LABEL, Classes, Quantities, VoteFractions
from core.errors import TooFewGalaxies, UnreadableFile

NAMES = ("disk", "edge-on", "spheroid")
TARGET = Classes("shape", NAMES)


@st.composite
def surveys(draw: st.DrawFn) -> tuple[list[str], np.ndarray]:
    """Ids and labels: each class has three galaxies at least, some rows have no label."""
    labels = [kind for kind in range(3) for _ in range(3)]
    labels += draw(st.lists(st.integers(-1, 2), max_size=150))
    labels = draw(st.permutations(labels))
    return [f"galaxy {number}" for number in range(len(labels))], np.array(labels)


shares = st.builds(DataSettings, validation=st.floats(0.05, 0.4), test=st.floats(0.05, 0.4))
seeds = st.integers(0, 2**31 - 1)


@given(surveys(), shares, seeds)
def test_the_parts_are_disjoint_and_hold_every_labelled_row(survey: tuple, shares: DataSettings, seed: int):
    ids, labels = survey
    found = split(ids, labels, TARGET, shares, seed)
    rows = np.concatenate([found.train, found.validation, found.test])
    assert sorted(rows.tolist()) == np.flatnonzero(labels != NO_LABEL).tolist()


def by_chance(share: float, count: int) -> float:
    """How far a number of galaxies is from its share at most: five standard deviations, and one for small classes."""
    return 5 * np.sqrt(count * share * (1 - share)) + 1


@given(surveys(), shares, seeds)
def test_each_class_has_its_share_in_each_part_within_chance(survey: tuple, shares: DataSettings, seed: int):
    ids, labels = survey
    found = split(ids, labels, TARGET, shares, seed)
    for kind in range(3):
        count = int((labels == kind).sum())
        for part, share in ((found.validation, shares.validation), (found.test, shares.test)):
            number = int((labels[part] == kind).sum())
            assert number >= 1
            assert abs(number - share * count) <= by_chance(share, count)
        assert (labels[found.train] == kind).any()


@given(surveys(), seeds, st.randoms())
def test_the_order_of_the_rows_does_not_matter(survey: tuple, seed: int, random):
    ids, labels = survey
    order = list(range(len(ids)))
    random.shuffle(order)
    straight = split(ids, labels, TARGET, DataSettings(), seed)
    shuffled = split([ids[row] for row in order], labels[order], TARGET, DataSettings(), seed)
    for part in PARTS:
        assert {ids[row] for row in getattr(straight, part)} == {ids[order[row]] for row in getattr(shuffled, part)}


@given(surveys(), seeds, st.integers(2, 60), st.integers(2, 60))
def test_a_smaller_training_set_lies_within_a_larger_one(survey: tuple, seed: int, one: int, other: int):
    ids, labels = survey
    small, large = sorted((one, other))
    parts = [split(ids, labels, TARGET, DataSettings(train_limit=limit), seed) for limit in (small, large, None)]
    assert set(parts[0].train) <= set(parts[1].train) <= set(parts[2].train)
    for limit, part in zip((small, large), parts, strict=False):
        assert len(part.train) == min(limit, len(parts[2].train))
        assert np.array_equal(part.test, parts[2].test)
        assert np.array_equal(part.validation, parts[2].validation)


def test_a_limited_training_set_draws_evenly_from_the_classes():
    labels = np.repeat([0, 1, 2], (600, 60, 60))
    ids = [str(number) for number in range(720)]
    found = split(ids, labels, TARGET, DataSettings(train_limit=90), 1)
    assert np.bincount(labels[found.train]).tolist() == [30, 30, 30]


def test_a_limited_training_set_is_drawn_in_proportion_where_that_is_asked_for():
    labels = np.repeat([0, 1, 2], (600, 60, 60))
    ids = [str(number) for number in range(720)]
    whole = np.bincount(labels[split(ids, labels, TARGET, DataSettings(), 1).train])
    found = split(ids, labels, TARGET, DataSettings(train_limit=120, train_draw="in proportion"), 1)
    assert np.allclose(np.bincount(labels[found.train]), 120 * whole / whole.sum(), atol=2)
    least = split(ids, labels, TARGET, DataSettings(train_limit=3, train_draw="in proportion"), 1)
    assert np.bincount(labels[least.train]).tolist() == [1, 1, 1], "no class is forgotten"


@given(surveys(), seeds, seeds, st.integers(3, 60), st.integers(3, 60))
def test_with_a_seed_for_the_parts_another_seed_draws_only_other_training_galaxies(
    survey: tuple, parts: int, seed: int, one: int, other: int
):
    ids, labels = survey
    small, large = sorted((one, other))
    whole = split(ids, labels, TARGET, DataSettings(), parts)
    found = [
        split(ids, labels, TARGET, DataSettings(train_limit=limit, split_seed=parts, train_draw="in proportion"), seed)
        for limit in (small, large)
    ]
    assert set(found[0].train) <= set(found[1].train) <= set(whole.train)
    for part in found:
        assert np.array_equal(part.test, whole.test)
        assert np.array_equal(part.validation, whole.validation)
    assert found[0].seed == parts


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=150), seeds)
def test_images_of_one_object_are_never_in_two_parts(rows: list[tuple[int, int]], seed: int):
    rows = [*rows, *((1000 + number, kind) for kind in range(3) for number in range(3 * kind, 3 * kind + 3))]
    groups = [str(group) for group, _ in rows]
    ids = [str(number) for number in range(len(rows))]
    found = split(ids, np.array([kind for _, kind in rows]), TARGET, DataSettings(group="object"), seed, groups)
    objects = [{groups[row] for row in getattr(found, part)} for part in PARTS]
    assert not (objects[0] & objects[1] | objects[0] & objects[2] | objects[1] & objects[2])
    assert "object" in found.rule


def test_rows_of_the_same_id_stay_together_without_being_asked():
    ids = [str(number // 2) for number in range(120)]
    labels = np.array([number // 2 % 3 for number in range(120)])
    found = split(ids, labels, TARGET, DataSettings(), 4)
    assert not {ids[row] for row in found.train} & {ids[row] for row in found.test}


def test_another_seed_draws_other_galaxies_and_the_same_seed_the_same():
    ids, labels = [str(number) for number in range(300)], np.arange(300) % 3
    one, again, other = (split(ids, labels, TARGET, DataSettings(), seed) for seed in (1, 1, 2))
    assert np.array_equal(one.test, again.test)
    assert not np.array_equal(one.test, other.test)
    assert one.seed == 1


def test_a_class_of_seventeen_among_thousands_is_in_every_part():
    labels = np.repeat([0, 1, 2], (5000, 17, 3000))
    found = split([str(number) for number in range(8017)], labels, TARGET, DataSettings(), 3)
    counts = [int((labels[getattr(found, part)] == 1).sum()) for part in PARTS]
    assert sum(counts) == 17
    assert min(counts) >= 1


@pytest.mark.parametrize(("count", "words"), [(1, "1 labelled galaxy"), (2, "2 labelled galaxies"), (0, "0 labelled")])
def test_a_class_with_too_few_members_is_named_with_its_count(count: int, words: str):
    labels = np.repeat([0, 1, 2], (20, count, 20))
    with pytest.raises(TooFewGalaxies, match="“edge-on” has " + words) as caught:
        split([str(number) for number in range(len(labels))], labels, TARGET, DataSettings(), 1)
    assert "Label more" in caught.value.remedy


def test_several_images_of_one_object_count_once():
    labels = np.repeat([0, 1, 2], (20, 6, 20))
    ids = [str(number) if kind != 1 else "the only one" for number, kind in enumerate(labels)]
    with pytest.raises(TooFewGalaxies, match="“edge-on” has 1 labelled galaxy"):
        split(ids, labels, TARGET, DataSettings(), 1)


def test_without_a_test_part_two_members_are_enough():
    labels = np.repeat([0, 1, 2], (20, 2, 20))
    found = split([str(number) for number in range(42)], labels, TARGET, DataSettings(test=0), 1)
    assert len(found.test) == 0
    assert 1 in labels[found.train]
    assert 1 in labels[found.validation]


def test_hardly_any_labels_at_all_is_told():
    with pytest.raises(TooFewGalaxies, match="There are 0 labelled galaxies"):
        split(["a", "b"], np.array([-1, -1]), TARGET, DataSettings(), 1)


def test_every_fifth_of_a_quantity_is_in_every_part_and_rows_with_gaps_are_left_out():
    values = np.random.default_rng(1).lognormal(size=(1000, 2)).astype(np.float32)
    values[::10] = np.nan
    target = Quantities(("radius", "flux"), ("arcsec", ""))
    found = split([str(number) for number in range(1000)], values, target, DataSettings(), 1)
    assert np.isfinite(values[np.concatenate([found.train, found.validation, found.test])]).all()
    edges = np.nanquantile(values[:, 0], [0.2, 0.4, 0.6, 0.8])
    counts = np.bincount(np.searchsorted(edges, values[found.test, 0]))
    assert np.abs(counts - 27).max() <= by_chance(0.15, 180)


def test_vote_fractions_have_their_shares_of_each_answer():
    most = np.arange(400) % 4 == 0
    votes = np.where(most[:, None], [0.9, 0.1], [0.2, 0.8]).astype(np.float32)
    found = split([str(n) for n in range(400)], votes, VoteFractions(("a", "b")), DataSettings(), 1)
    assert abs(int(most[found.test].sum()) - 15) <= by_chance(0.15, 100)
    assert abs(len(found.test) - 60) <= by_chance(0.15, 400)


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"])), seeds)
def test_a_split_comes_back_from_its_file(tmp_path_factory: pytest.TempPathFactory, name: str, seed: int):
    ids = [f"{name}{number}" for number in range(60)]
    path = tmp_path_factory.mktemp("split") / "split.csv"
    found = split(ids, np.arange(60) % 3, TARGET, DataSettings(), seed)
    save(found, ids, path)
    again = load(path, ids)
    assert (again.seed, again.rule) == (found.seed, found.rule)
    for part in PARTS:
        assert np.array_equal(getattr(again, part), getattr(found, part))


def test_the_file_can_be_read_by_anyone(tmp_path: Path):
    rows = [np.array(part, dtype=np.int64) for part in ([0], [2], [1])]
    save(Split(*rows, seed=5, rule="by hand"), ["a", "b,c", "d"], tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text()
    assert text == '# seed = 5\n# rule = by hand\nid,row,part\na,0,train\n"b,c",1,test\nd,2,validation\n'


def test_the_split_of_another_dataset_is_told(tmp_path: Path):
    ids = [str(number) for number in range(30)]
    save(split(ids, np.arange(30) % 3, TARGET, DataSettings(), 1), ids, tmp_path / "split.csv")
    with pytest.raises(UnreadableFile, match="drawn for another dataset"):
        load(tmp_path / "split.csv", ids[::-1])


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"id,row,part\n",
        b"# seed = 1\n# rule = x\nid,row,part\na,0,x\n",
        b"# seed = 99999999999999999999\n# rule = x\nid,row,part\na,0,train\n",
        b"\xff",
    ],
)
def test_a_damaged_split_is_told(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(UnreadableFile):
        load(tmp_path / "split.csv", ["a"])


def test_a_row_knows_its_part():
    parts = Split(*(np.array([row]) for row in (2, 0, 1)), seed=1, rule="").part_of(4)
    assert parts == ["validation", "test", "train", ""]


@given(st.integers(6, 60), seeds, st.booleans())
def test_every_part_of_a_few_quantities_has_about_its_share(count: int, seed: int, equal: bool):
    values = np.zeros((count, 1)) if equal else np.random.default_rng(seed).normal(size=(count, 1))
    target = Quantities(("radius",), ("arcsec",))
    found = split([str(number) for number in range(count)], values.astype(np.float32), target, DataSettings(), seed)
    for part in (found.train, found.validation, found.test):
        assert len(part) >= 1
    for part in (found.validation, found.test):
        assert abs(len(part) - 0.15 * count) <= by_chance(0.15, count)


@given(st.lists(st.integers(0, 4), min_size=6, max_size=40), seeds)
def test_rare_answers_leave_no_part_empty(most: list[int], seed: int):
    votes = np.full((len(most), 5), 0.1, np.float32)
    votes[np.arange(len(most)), most] = 0.6
    found = split([str(n) for n in range(len(most))], votes, VoteFractions(tuple("abcde")), DataSettings(), seed)
    assert min(len(found.train), len(found.validation), len(found.test)) >= 1
    assert len(found.train) + len(found.validation) + len(found.test) == len(most)


@given(st.integers(3, 9), st.floats(0.05, 0.6), st.floats(0.05, 0.8), seeds)
def test_large_shares_leave_every_part_a_member_of_each_class(count: int, validation: float, test: float, seed: int):
    chosen = DataSettings(validation=validation, test=min(test, 0.94 - validation))
    labels = np.repeat([0, 1, 2], count)
    found = split([str(number) for number in range(3 * count)], labels, TARGET, chosen, seed)
    for part in (found.train, found.validation, found.test):
        assert set(labels[part]) == {0, 1, 2}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=80), seeds, st.randoms())
def test_objects_whose_images_disagree_are_dealt_the_same_in_any_order(rows: list[tuple[int, int]], seed: int, random):
    rows = [*rows, *((100 + number, number % 3) for number in range(18))]
    groups, labels = [f"object {name}" for name, _ in rows], np.array([label for _, label in rows])
    ids = [f"image {number}" for number in range(len(rows))]
    order = random.sample(range(len(rows)), len(rows))
    straight = split(ids, labels, TARGET, DataSettings(), seed, groups)
    shuffled = split(
        [ids[row] for row in order], labels[order], TARGET, DataSettings(), seed, [groups[row] for row in order]
    )
    for part in PARTS:
        assert {ids[row] for row in getattr(straight, part)} == {ids[order[row]] for row in getattr(shuffled, part)}


def test_galaxies_without_a_group_are_on_their_own():
    labels = np.repeat([0, 1, 2], 20)
    ids = [str(number) for number in range(60)]
    assert split(ids, labels, TARGET, DataSettings(), 1, [""] * 60).part_of(60) == split(
        ids, labels, TARGET, DataSettings(), 1
    ).part_of(60)


@given(surveys(), seeds, st.data())
def test_a_label_moves_no_galaxy_but_where_a_class_would_be_missing_from_a_part(survey: tuple, seed: int, data):
    """Classes of thirty galaxies and more: each is in each part by itself, but for a chance of a hundredth."""
    _, labels = survey
    labels = np.concatenate([labels, np.repeat([0, 1, 2], 40)])
    ids = [f"galaxy {number}" for number in range(len(labels))]
    row = data.draw(st.integers(0, len(labels) - 1))
    other = labels.copy()
    other[row] = data.draw(st.integers(0, 2))
    before, after = (split(ids, each, TARGET, DataSettings(), seed) for each in (labels, other))
    moved = [
        ids[place]
        for place, (one, two) in enumerate(zip(before.part_of(len(ids)), after.part_of(len(ids)), strict=True))
        if one and one != two
    ]
    by_chance = any((labels[getattr(before, part)] == kind).sum() < 2 for part in PARTS for kind in range(3))
    assert by_chance or not moved


def test_relabelling_one_galaxy_of_nine_hundred_moves_nobody():
    ids, labels = (
        [f"SDSS {number}" for number in range(900)],
        np.random.default_rng(4).choice(3, 900, p=[0.6, 0.3, 0.1]),
    )
    before = split(ids, labels, TARGET, DataSettings(), 1).part_of(900)
    for row in range(0, 900, 45):
        other = labels.copy()
        other[row] = (labels[row] + 1) % 3
        assert split(ids, other, TARGET, DataSettings(), 1).part_of(900) == before


def test_test_galaxies_stay_test_galaxies_when_three_times_as_many_are_labelled():
    ids, labels = [f"SDSS {number}" for number in range(900)], np.random.default_rng(4).choice(3, 900)
    few = np.where(np.arange(900) % 3 == 0, labels, NO_LABEL)
    first, later = (split(ids, each, TARGET, DataSettings(), 1) for each in (few, labels))
    assert len(first.test) > 30
    for part in PARTS:
        assert set(getattr(first, part)) <= set(getattr(later, part))


def test_galaxies_that_are_added_to_a_dataset_move_nobody():
    ids, labels = [f"SDSS {number}" for number in range(900)], np.arange(900) % 3
    few = split(ids[:300], labels[:300], TARGET, DataSettings(), 1)
    assert few.part_of(300) == split(ids, labels, TARGET, DataSettings(), 1).part_of(900)[:300]


@given(surveys(), shares, seeds, seeds)
def test_parts_that_were_kept_stay_whatever_shares_seed_and_labels_become(
    survey: tuple, shares: DataSettings, seed: int, other: int
):
    ids, labels = survey
    before = split(ids, labels, TARGET, DataSettings(), seed).numbers(len(ids))
    decided = Decided(kept=before, seed=seed)
    after = split(ids, np.roll(labels, 1), TARGET, shares, other, decided=decided).numbers(len(ids))
    both = (before >= 0) & (after >= 0)
    assert np.array_equal(before[both], after[both])


def test_an_object_that_was_kept_in_two_parts_is_wholly_a_test_galaxy():
    ids = [str(number) for number in range(60)]
    kept = np.full(60, -1, dtype=np.int8)
    kept[[0, 1]] = 0, 2
    found = split(ids, np.arange(60) % 3, TARGET, DataSettings(), 1, ["pair", "pair", *ids[2:]], Decided(kept=kept))
    assert {0, 1} <= set(found.test.tolist())


def test_given_parts_are_used_as_they_are_and_galaxies_without_one_are_in_none():
    ids, labels = [str(number) for number in range(90)], np.arange(90) % 3
    given = np.repeat([0, 1, 2, -1], (60, 9, 15, 6)).astype(np.int8)
    decided = Decided(given=given, column="split")
    found = split(ids, labels, TARGET, DataSettings(), 1, decided=decided)
    assert np.array_equal(found.numbers(90), given)
    assert found.rule.startswith("Given by the column “split”")
    joined = split(ids, labels, TARGET, DataSettings(split_rest=True), 1, decided=decided)
    assert np.array_equal(joined.numbers(90)[:84], given[:84])
    assert (joined.numbers(90) >= 0).all()


def test_without_given_validation_galaxies_some_of_the_training_part_are_drawn_and_that_is_said():
    ids, labels = [str(number) for number in range(300)], np.arange(300) % 3
    given = np.repeat([0, 2], (200, 100)).astype(np.int8)
    found = split(ids, labels, TARGET, DataSettings(), 1, decided=Decided(given=given, column="set"))
    assert np.array_equal(found.test, np.arange(200, 300))
    assert set(labels[found.validation]) == {0, 1, 2}
    assert abs(len(found.validation) - 30) <= by_chance(0.15, 200)
    assert "15% of the training part drawn for validation" in found.rule


def test_without_given_test_galaxies_there_is_no_test_part():
    given = np.repeat([0, 1], (60, 30)).astype(np.int8)
    decided = Decided(given=given, column="set")
    found = split([str(n) for n in range(90)], np.arange(90) % 3, TARGET, DataSettings(), 1, decided=decided)
    assert [len(found.train), len(found.validation), len(found.test)] == [60, 30, 0]


def test_a_limit_leaves_out_training_galaxies_of_given_parts_alone():
    given = np.repeat([0, 1, 2], (60, 15, 15)).astype(np.int8)
    decided = Decided(given=given, column="set")
    limited = DataSettings(train_limit=12)
    found = split([str(n) for n in range(90)], np.arange(90) % 3, TARGET, limited, 1, decided=decided)
    assert [len(found.train), len(found.validation), len(found.test)] == [12, 15, 15]
    assert len(found.beyond) == 48
