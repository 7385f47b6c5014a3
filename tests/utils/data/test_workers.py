"""Worker processes: what they are told, how they fail, and that none is left behind."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # in a threaded pytest
]


class Squares(Dataset):
    """Squares, or what `special` does instead."""

    def __init__(self, count=10, special=None):
        self.count, self.special = count, special

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if self.special is not None:
            self.special(index)
        return tg.tensor(index**2)


class Countdown(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        yield from range(4 + 4 * info.id, 0, -1)


class Pids(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return os.getpid()


def alive(pid):
    """Whether a process runs (it may not be our child)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids, seconds=20.0):
    """Whether the processes end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.02)
    return False


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes there")


# ----- working -----


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_begin(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"the system has no {method}")
    loader = DataLoader(Squares(), 4, num_workers=1, multiprocessing_context=method)
    assert [batch.tolist() for batch in loader] == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    context = multiprocessing.get_context(method)
    assert DataLoader("ab", num_workers=1, multiprocessing_context=context) is not None


def test_batches_larger_than_a_pipe_holds():
    """In both directions."""
    numbers = tg.arange(120_000)
    batches = [numbers.tolist()[i::3] for i in range(3)] * 2
    loader = DataLoader(numbers, batch_sampler=batches, num_workers=2, prefetch_factor=3)
    for batch, expected in zip(loader, batches, strict=True):
        assert batch.tolist() == expected


def test_workers_know_who_they_are():
    told = multiprocessing.get_context("fork").SimpleQueue()

    class Ask(Squares):
        def __getitem__(self, index):
            info = get_worker_info()
            assert info.dataset is self
            return index, info.id, info.num_workers, info.seed - info.id

    loader = DataLoader(Ask(8), 2, num_workers=2, worker_init_fn=told.put,
                        multiprocessing_context="fork")  # fmt: skip
    index, number, count, seed = (tg.cat(column) for column in zip(*loader, strict=True))
    assert index.tolist() == list(range(8)) and number.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert set(count.tolist()) == {2} and len(set(seed.tolist())) == 1
    assert sorted([told.get(), told.get()]) == [0, 1] and get_worker_info() is None


def test_persistent_workers_stay():
    loader = DataLoader(Pids(), num_workers=2, persistent_workers=True)
    first, second = ({int(pid) for pid in loader} for _ in range(2))
    assert first == second and len(first) == 2
    iterator = iter(loader)
    next(iterator)
    assert iter(loader) is iterator  # begins anew, in the middle of an epoch
    assert len(list(iterator)) == 8
    others = {int(pid) for pid in DataLoader(Pids(), num_workers=2)}
    assert not first & others
    loader = DataLoader(Squares(9), num_workers=2, persistent_workers=True)
    next(iter(loader))
    assert [int(batch) for batch in loader] == [n * n for n in range(9)]


def test_streams_go_on_side_by_side():
    for persistent in (False, True):
        loader = DataLoader(Countdown(), 3, num_workers=2, persistent_workers=persistent)
        for _ in range(2):
            assert [batch.tolist() for batch in loader] == [
                [4, 3, 2], [8, 7, 6], [1], [5, 4, 3], [2, 1],
            ]  # fmt: skip


def test_not_in_order():
    another = multiprocessing.get_context("fork").Event()
    squares = Squares(6, lambda index: index == 0 and another.wait(100))
    batches = iter(DataLoader(squares, num_workers=2, in_order=False))
    found = [int(next(batches))]
    another.set()
    found += [int(batch) for batch in batches]
    assert found[0] == 1 and sorted(found) == [0, 1, 4, 9, 16, 25]


# ----- failing -----


class TwoArguments(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


def fail(kind, *args):
    def special(index):
        if index == 3:
            raise kind(*args)

    return Squares(6, special)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        ((ValueError, "no such thing"), ValueError, "ValueError: no such thing"),
        ((KeyError, "missing"), KeyError, "KeyError: 'missing'"),
        ((TwoArguments, 1, 2), RuntimeError, "TwoArguments: (1, 2)"),
        ((type("Local", (ValueError,), {}), "x"), RuntimeError, "Local: x"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_exception_arrives_with_its_kind_and_traceback(error, kind, text):
    loader = DataLoader(fail(*error), 2, num_workers=2)
    iterator = iter(loader)
    assert next(iterator).tolist() == [0, 1]
    with pytest.raises(kind) as caught:
        next(iterator)
    message = str(caught.value)
    assert message.startswith(f"Caught {error[0].__name__} in DataLoader worker process 1.\n")
    assert text in message and "in special" in message and "raise kind(*args)" in message
    assert next(iterator).tolist() == [16, 25]  # the others are there


def test_what_cannot_be_sent_is_an_error():
    loader = DataLoader([1, lambda: None], num_workers=1, collate_fn=lambda batch: batch[0])
    iterator = iter(loader)
    assert next(iterator) == 1
    with pytest.raises((AttributeError, RuntimeError), match=r"[Cc]an't (pickle|get)"):
        next(iterator)


def test_an_exception_before_the_first_batch():
    def init(number):
        raise OSError(f"not on {number}")

    with pytest.raises(OSError, match=r"(?s)worker process 0.*not on 0"):
        next(iter(DataLoader("ab", num_workers=1, worker_init_fn=init)))
    with pytest.raises(TypeError, match=r"(?s)worker process 0.*'int' object is not"):
        list(DataLoader(type("S", (IterableDataset,), {"__iter__": lambda s: iter(3)})(),
                        num_workers=1))  # fmt: skip


def test_a_worker_that_dies_is_noticed():
    for special, code in (
        (lambda index: index == 2 and os._exit(7), 7),
        (lambda index: index == 2 and os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
    ):
        iterator = iter(DataLoader(Squares(9, special), num_workers=2))
        assert [int(next(iterator)), int(next(iterator))] == [0, 1]
        with pytest.raises(RuntimeError, match=rf"exited unexpectedly, with exit code {code}"):
            next(iterator)


def test_a_worker_that_takes_too_long_is_noticed():
    def slow(index):
        time.sleep(0 if index < 2 else 600)

    for in_order in (True, False):
        loader = DataLoader(Squares(9, slow), 2, num_workers=1, timeout=99, in_order=in_order)
        iterator = iter(loader)
        next(iterator)
        assert iterator._timeout == 99  # the worker may take so long to start
        iterator._timeout = 0.5
        with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.5 seconds"):
            next(iterator)
        iterator._workers[0].process.kill()  # rather than wait for it below


# ----- ending -----


@needs_proc
def test_no_worker_is_left_behind():
    for persistent in (False, True):
        loader = DataLoader(Pids(), num_workers=2, persistent_workers=persistent)
        pids = [int(pid) for pid in loader]
        assert all(map(alive, pids)) is persistent
        iterator = iter(loader)
        pids.append(int(next(iterator)))
        assert alive(pids[-1])
        del iterator, loader  # in the middle: reference counts alone must do
        assert gone(pids, 0.0) or gone(pids, 5.0)


@needs_proc
def test_leaving_early_does_not_wait_for_batches_nobody_takes(monkeypatch):
    monkeypatch.setattr("tinygrad_rnn.utils.data.workers._PATIENCE", 60.0)
    large = Squares(40, None)
    large.__class__ = type("Large", (Squares,), {"__getitem__": lambda self, i: tg.zeros(10**6)})
    begin = time.monotonic()
    for _ in DataLoader(large, num_workers=2, prefetch_factor=4):
        break
    gc.collect()
    assert time.monotonic() - begin < 60  # a worker that hangs takes longer to be given up


SCRIPT = """
import os, sys, time
from tinygrad_rnn.utils.data import DataLoader, Dataset

class Pids(Dataset):
    def __len__(self):
        return 100
    def __getitem__(self, index):
        if index == int(sys.argv[1]):
            time.sleep(600)
        return os.getpid()

if __name__ == "__main__":
    iterator = iter(DataLoader(Pids(), num_workers=2, multiprocessing_context=sys.argv[2]))
    print(*{int(next(iterator)) for _ in range(2)}, flush=True)
    if sys.argv[3] == "wait":
        time.sleep(600)
"""


@needs_proc
@pytest.mark.parametrize("busy", ["3", "1000"], ids=["busy", "idle"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_end_when_their_parent_is_killed(tmp_path, repo, busy, method):
    script = tmp_path / "load.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), busy, method, "wait"]
    environment = {**os.environ, "PYTHONPATH": str(repo)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(map(alive, pids))
        parent.kill()
    assert gone(pids)


@needs_proc
def test_a_program_may_end_in_the_middle(tmp_path, repo):
    script = tmp_path / "load.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(repo)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This DataLoader", str(script), "1000", "fork",
         "end"],
        capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert gone([int(word) for word in done.stdout.split()])
