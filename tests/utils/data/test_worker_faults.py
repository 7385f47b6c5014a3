"""Workers that hang, are stopped, or get what cannot be sent; and Ctrl-C in the main process."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.utils.data import DataLoader, Dataset

from .test_workers import Squares, alive, gone, needs_proc

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


def blocked(index):
    """In a system call that nothing ever ends."""
    if index >= 2:
        os.read(os.pipe()[0], 1)


def stopped(index):
    if index >= 2:
        os.kill(os.getpid(), signal.SIGSTOP)


@needs_proc
@pytest.mark.parametrize("fault", [blocked, stopped])
def test_workers_that_hang_are_given_up_after_the_timeout(fault, monkeypatch):
    monkeypatch.setattr("tinygrad_rnn.utils.data.workers._PATIENCE", 0.3)
    iterator = iter(DataLoader(Squares(9, fault), num_workers=2, multiprocessing_context="fork"))
    assert [int(next(iterator)), int(next(iterator))] == [0, 1]  # however long they take to start
    iterator._timeout = 0.5
    pids = [worker.process.pid for worker in iterator._workers]
    with pytest.raises(RuntimeError, match=r"after 0\.5 seconds: worker \d+ has not sent"):
        next(iterator)
    del iterator
    assert not any(map(alive, pids))


class Dies(Dataset):
    """At a number, in a way: for processes that are spawned, which pickle it."""

    def __init__(self, way):
        self.way = way

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index < 3:
            return index
        if self.way == "raise":
            raise LookupError(f"no sample {index}")
        if self.way == "exit":
            os._exit(9)
        return os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("way", "kind", "text"),
    [
        ("raise", LookupError, r"(?s)worker process 1.*no sample 3"),
        ("exit", RuntimeError, "exited unexpectedly, with exit code 9"),
        ("kill", RuntimeError, "exited unexpectedly, with exit code -9"),
    ],
)
def test_spawned_workers_tell_what_happened(way, kind, text):
    loader = DataLoader(Dies(way), num_workers=2, multiprocessing_context="spawn")
    with pytest.raises(kind, match=text):
        list(loader)


def test_what_a_spawned_worker_cannot_be_sent_is_told_at_once():
    options = {"num_workers": 1, "multiprocessing_context": "spawn"}
    for loader in (
        DataLoader([threading.Lock()], **options),
        DataLoader("abc", collate_fn=lambda batch: batch, **options),
        DataLoader("abc", worker_init_fn=lambda number: None, **options),
    ):
        kinds = (TypeError, AttributeError, pickle.PicklingError)  # and words, by Python's version
        with pytest.raises(kinds, match=r"pickle|local object"):
            iter(loader)


def test_a_worker_killed_in_the_middle_of_a_batch():
    def large(index):
        if index == 1:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
            return time.sleep(0.1)
        return None

    class Large(Squares):
        def __getitem__(self, index):
            super().__getitem__(index)
            return tg.ones(30_000_000 if index == 1 else 1)

    loader = DataLoader(Large(4, large), num_workers=1, prefetch_factor=1)
    iterator = iter(loader)
    next(iterator)
    # nobody reads, so the batch is half in the pipe when the worker dies
    assert gone([iterator._workers[0].process.pid])
    with pytest.raises(RuntimeError, match="exited unexpectedly, with exit code -9"):
        next(iterator)


def test_forks_while_other_threads_draw_random_numbers():
    """A fork in the middle of a draw would leave the worker with a lock that nobody gives back."""
    ended = threading.Event()

    def draw():
        while not ended.is_set():
            tg.rand(100_000)

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            loader = DataLoader(Squares(3), num_workers=1, timeout=100,
                                multiprocessing_context="fork")  # fmt: skip
            assert [int(x) for x in loader] == [0, 1, 4]
    finally:
        ended.set()
        for thread in threads:
            thread.join()


INTERRUPTED = """
import os, sys, time
from tinygrad_rnn.utils.data import DataLoader, Dataset

class Slow(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        time.sleep(0 if index < 2 else 600)
        return os.getpid()

if __name__ == "__main__":
    iterator = iter(DataLoader(Slow(), num_workers=2, multiprocessing_context=sys.argv[1]))
    print(*{int(next(iterator)) for _ in range(2)}, flush=True)
    next(iterator)
"""


@needs_proc
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("group", [True, False], ids=["terminal", "main-process-alone"])
def test_ctrl_c_leaves_nobody_behind(tmp_path, repo, interruptible, method, group):
    script = tmp_path / "load.py"
    script.write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": str(repo), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, str(script), method], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment, start_new_session=True,
    ) as parent:  # fmt: skip
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(map(alive, pids))
        time.sleep(0.3)
        (os.killpg if group else os.kill)(parent.pid, signal.SIGINT)  # a terminal tells the group
        _, errors = parent.communicate(timeout=300)
    assert parent.returncode in (1, 130, -signal.SIGINT)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert gone(pids)
