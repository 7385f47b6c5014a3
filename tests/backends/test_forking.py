"""A forked process finds the library's locks free, whatever other threads do meanwhile."""

import os
import signal
import threading
import time

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.backends.forking import new_lock
from tinygrad_rnn.nn import planning

pytestmark = [
    pytest.mark.cpu("processes that fork have no GPU"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


def forked(work, seconds=100.0):
    """The exit status of `work` in a forked process; None if it hangs."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def test_a_fork_waits_until_a_lock_is_given_back():
    lock, taken = new_lock(), threading.Event()

    def hold():
        with lock:
            taken.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    assert forked(lock.acquire) == 0
    thread.join()
    assert lock.acquire(blocking=False)
    lock.release()


def test_forks_in_the_middle_of_random_draws():
    ended = threading.Event()

    def draw():
        while not ended.is_set():
            tg.rand(100_000)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        assert [forked(lambda: tg.rand(2)) for _ in range(10)] == [0] * 10
    finally:
        ended.set()
        thread.join()


def test_forks_while_a_plan_is_made(monkeypatch):
    begun, make_plan = threading.Event(), planning.make_plan

    def slow(*args):
        begun.set()
        time.sleep(0.2)
        return make_plan(*args)

    def scan():
        nn.scan(lambda x, h: (h, h * 0.1875 + x), tg.ones(3, 1, 1), tg.ones(1, 1))

    monkeypatch.setattr(planning, "make_plan", slow)
    thread = threading.Thread(target=scan)
    thread.start()
    assert begun.wait(100) and forked(scan) == 0
    thread.join()
