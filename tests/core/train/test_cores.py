"""The threads of a training while other programs use some of the cores."""

import itertools
import threading

import pytest
import torch

from core.events import EpochEnded, Skipped
from core.studies.workers import worker_environment
from core.train import cores, loop
from core.train.cores import SharedCores, Use, affordable, is_number_fixed
from core.train.settings import RunSettings


class Machine:
    """A machine whose time is told, not waited for: the cores that others use, between one reading and the next."""

    def __init__(self, cores, seconds=3.0):
        self.cores, self.seconds, self.others = cores, seconds, 0.0
        self.shared = None
        self.at = self.by_all = self.own = self.elsewhere = self.thread = 0.0

    def clock(self):
        """The time at which the use is asked for; until then the machine has gone on."""
        threads = 1 if self.shared is None else self.shared.threads
        self.at += self.seconds
        self.own += threads * self.seconds
        self.thread += self.seconds
        self.by_all += (threads + self.others) * self.seconds
        return self.at

    def read(self):
        return Use(self.at, self.by_all, self.own + self.elsewhere, self.thread)


@pytest.fixture
def threads():
    """The number of threads is given back."""
    with cores.threads_given_back():
        yield


def shared_by(machine, most):
    machine.shared = SharedCores(False, most, machine.cores, machine.read, machine.clock)
    return machine.shared


def numbers(shared, readings):
    found = []
    for _ in range(readings):
        shared.share("batch 1 of epoch 1")
        found.append(shared.threads)
    return found


@pytest.mark.parametrize(
    ("most", "present", "free", "wanted"),
    [
        (2, 2, 2.0, 2),
        (2, 2, 1.6, 2),  # a window that draws, a backup
        (2, 2, 1.3, 1),  # one busy neighbour gets two thirds of a core against two threads
        (2, 2, 0.0, 1),
        (2, 1, 1.6, 2),
        (16, 16, 15.0, 15),
        (16, 8, 9.4, 8),  # too little to gain
        (16, 8, 10.0, 10),
        (16, 15, 16.0, 16),
        (4, 4, -1.0, 1),
    ],
)
def test_there_are_as_many_threads_as_cores_are_left(most, present, free, wanted):
    assert affordable(most, present, free) == wanted


def test_a_busy_neighbour_takes_a_core_and_gives_it_back(threads):
    machine = Machine(cores=2)
    shared = shared_by(machine, most=2)
    assert numbers(shared, 2) == [2, 2]
    machine.others = 1.0
    notice = shared.share("batch 7 of epoch 3")
    assert notice is not None
    assert "use 1.0 of 2 cores: after batch 7 of epoch 3 the training computes with 1 thread instead of 2" in str(
        notice
    )
    assert torch.get_num_threads() == 1
    machine.others = 0.0
    assert numbers(shared, 4) == [1, 1, 2, 2]  # after six seconds
    assert torch.get_num_threads() == 2


def test_a_neighbour_that_comes_and_goes_is_waited_for_longer_and_longer(threads):
    machine = Machine(cores=2)
    shared = shared_by(machine, most=2)
    found = []
    for others in itertools.islice(itertools.cycle([1, 0, 0, 0, 0]), 200):
        machine.others = others
        found += numbers(shared, 1)
    changes = sum(before != after for before, after in itertools.pairwise(found))
    assert changes <= 3


def test_two_trainings_on_one_machine_come_to_share_it_evenly(threads):
    """Each sees what the other uses; neither waits for the other to give way for ever, nor takes all."""
    use = [Use(0.0, 0.0, 0.0, 0.0)] * 2
    first, second = (
        SharedCores(False, 16, 16, lambda number=number: use[number], lambda number=number: use[number].at)
        for number in range(2)
    )
    for step in range(1, 9):
        wanted = first.threads, second.threads
        got = [16 * each / max(16, sum(wanted)) for each in wanted]
        for number, each in enumerate(got):
            before = use[number]
            use[number] = Use(
                3.0 * step,
                before.by_all + 3 * sum(got),
                before.by_process + 3 * each,
                before.by_thread + 3 * each / wanted[number],
            )
        first.share("batch 1 of epoch 1")
        second.share("batch 1 of epoch 1")
    assert (first.threads, second.threads) == (8, 8)


def test_what_else_this_program_computes_counts_as_a_neighbour(threads):
    machine = Machine(cores=2)
    shared = shared_by(machine, most=2)
    machine.others = 1.0
    machine.elsewhere = 3.0  # as an occlusion map in the window, for as long as one core could
    assert numbers(shared, 1) == [1]


def test_a_number_that_was_fixed_stays(threads):
    machine = Machine(cores=2)
    machine.others = 2.0
    fixed = SharedCores(True, 2, 2, machine.read, machine.clock)
    assert numbers(fixed, 5) == [2] * 5
    assert machine.at == 0  # and nothing is read
    assert is_number_fixed({"OMP_NUM_THREADS": "2"})
    assert not is_number_fixed({})


def test_a_studys_worker_adapts_unless_the_user_has_fixed_the_number(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert is_number_fixed(worker_environment(1))
    monkeypatch.delenv("OMP_NUM_THREADS")
    environment = worker_environment(1)
    assert "OMP_NUM_THREADS" in environment
    assert not is_number_fixed(environment)


def test_the_use_of_the_cores_is_what_this_process_uses():
    """Against a known load: this thread, which computes for a while."""
    before = Use.now()
    end = before.by_thread + 0.3
    while (after := Use.now()).by_thread < end:
        sum(range(10_000))
    assert after.by_process - before.by_process >= 0.3
    assert after.by_all - before.by_all >= 0.25  # the system counts in hundredths of a second
    assert before.others_until(after, 1) >= 0


def test_a_training_beside_a_neighbour_says_so_and_is_that_of_one_thread(monkeypatch, blobs, tmp_path, threads):
    """Bit by bit: with a neighbour from the beginning to the end, as with one thread."""
    settings = RunSettings.model_validate({"optimiser": {"epochs": 2}, "network": {"depth": 2}, "device": "cpu"})

    def train(name):
        return list(loop.run(settings, blobs, tmp_path / name, threading.Event()))

    torch.set_num_threads(1)
    alone = train("one")
    torch.set_num_threads(2)
    machine = Machine(cores=2)
    machine.others = 1.0

    def of(device):
        shared = shared_by(machine, 2)
        shared.share("the data")
        return shared

    monkeypatch.setattr("core.train.plan.SharedCores.of", of)
    beside = train("beside")
    assert [e.validation for e in beside if isinstance(e, EpochEnded)] == [
        e.validation for e in alone if isinstance(e, EpochEnded)
    ]
    assert torch.get_num_threads() == 2
    machine.shared = None
    monkeypatch.setattr("core.train.plan.SharedCores.of", lambda device: shared_by(machine, 2))
    told = train("told")
    assert [str(e.problem) for e in told if isinstance(e, Skipped) and "1 thread instead of 2" in str(e.problem)]
    assert "computes with 1 thread instead of 2" in (tmp_path / "told" / "log.txt").read_text()
