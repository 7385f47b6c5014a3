"""Worker processes that fetch batches in advance.

Each has a pipe of its own to the loader: indices go in, batches come out in the same order. The
loader knows which worker it gave which index, so it needs only to listen to the one whose turn it
is. When the loader's end of the pipe is closed, and be it because the loader's process died, the
worker ends.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import queue
import random
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ...backends.generator import seed_numpy
from ...random import manual_seed
from .iterators import BatchIterator, Plan
from .worker_info import WorkerInfo, set_worker_info

_PATIENCE = 5.0  # seconds, between looks whether a worker lives, and for one to end
_BROKEN = (EOFError, BrokenPipeError, ConnectionResetError)


def checked_context(value: Any) -> BaseContext:
    """A context of multiprocessing by its name, or as it is. Raises ValueError for another name,
    TypeError for what is neither."""
    if isinstance(value, str):
        methods = multiprocessing.get_all_start_methods()
        if value not in methods:
            raise ValueError(
                "multiprocessing_context option should specify a valid start method in "
                f"{methods!r}, but got multiprocessing_context={value!r}"
            )
        return multiprocessing.get_context(value)
    if not isinstance(value, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={value}"
        )
    return value


# ----- messages -----


@dataclass(frozen=True)
class Stop:
    """To a worker: end when what is at hand is done."""


@dataclass(frozen=True)
class Again:
    """To a worker: begin a stream at its start."""


@dataclass(frozen=True)
class End:
    """From a worker: its stream has ended."""


@dataclass(frozen=True)
class Failure:
    """From a worker: an exception instead of a batch."""

    kind: type[BaseException]
    text: str

    @classmethod
    def of(cls, error: BaseException, number: int) -> Failure:
        """The exception that worker `number` has just caught."""
        trace = "".join(traceback.format_exception(error))
        kind = type(error)
        text = f"Caught {kind.__name__} in DataLoader worker process {number}.\nOriginal {trace}"
        try:
            ForkingPickler.loads(ForkingPickler.dumps(kind))
        except Exception:  # a class inside a function, say: the other side can't know it
            kind = RuntimeError
        return cls(kind, text)

    def raise_again(self) -> None:
        """Raise an exception of the same kind; a RuntimeError if it can't be made of a text."""
        try:
            error = self.kind(_Text(self.text))
        except Exception:
            error = RuntimeError(self.text)
        raise error


class _Text(str):
    """A message that a KeyError, too, shows as it is: it shows the repr."""

    def __repr__(self) -> str:
        return str(self)


# ----- in the worker -----


@dataclass(frozen=True)
class Start:
    """What a worker is told in the beginning."""

    plan: Plan
    number: int
    count: int
    base_seed: int
    init: Callable[[int], None] | None


def _work(connection: Connection, start: Start) -> None:
    """The main function of a worker."""
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(connection, tasks, stopped), daemon=True).start()
    fetch, ended = _prepared(start), False
    with contextlib.suppress(KeyboardInterrupt, *_BROKEN):
        while True:
            task = tasks.get()
            if stopped.is_set():
                return
            if isinstance(task, Again):
                fetch, ended = _attempted(start.plan.fetcher, start.number), False
                continue
            answer: Any = End()
            if not ended:
                try:
                    answer = fetch(task)
                except Exception as error:
                    ended = start.plan.streamed and isinstance(error, StopIteration)
                    answer = End() if ended else Failure.of(error, start.number)
            connection.send_bytes(_packed(answer, start.number))
            del answer, task


def _listen(connection: Connection, tasks: queue.SimpleQueue[Any], stopped: Any) -> None:
    """Take in tasks at once, so that the loader never waits to give one."""
    try:
        while not isinstance(task := connection.recv(), Stop):
            tasks.put(task)
    except (*_BROKEN, OSError):
        os._exit(1)  # the loader's process died, whatever the dataset is doing now
    stopped.set()
    tasks.put(Stop())


def _prepared(start: Start) -> Callable[[Any], Any]:
    """Seed and initialise this process; returns what fetches a batch."""
    seed = start.base_seed + start.number
    random.seed(seed)
    manual_seed(seed)
    seed_numpy([start.number, start.base_seed % 2**32, start.base_seed >> 32, 0])
    set_worker_info(WorkerInfo(start.number, start.count, seed, start.plan.dataset))

    def initialised() -> Callable[[Any], Any]:
        if start.init is not None:
            start.init(start.number)
        return start.plan.fetcher()

    return _attempted(initialised, start.number)


def _attempted(make: Callable[[], Callable[[Any], Any]], number: int) -> Callable[[Any], Any]:
    """What `make` returns; if it raises, a function that does so in its place, when a batch is
    asked for."""
    try:
        return make()
    except Exception as error:
        caught = error

    def fetch(task: Any) -> Any:
        raise caught

    return fetch


def _packed(answer: Any, number: int) -> Any:
    """An answer as bytes; if it can't be pickled, the failure to do so."""
    try:
        return ForkingPickler.dumps(answer)
    except Exception as error:
        return ForkingPickler.dumps(Failure.of(error, number))


# ----- in the loader -----


class Worker:
    """A worker process, seen from the loader.

    Attributes:
        process: of multiprocessing.
        connection: the loader's end of the pipe.
        waiting: how many answers are to come.
        ended: whether its stream has.
    """

    def __init__(self, context: Any, start: Start) -> None:
        self.waiting, self.ended = 0, False
        self.connection, other_end = context.Pipe()
        # Or else workers that are forked later would keep it open
        multiprocessing.util.register_after_fork(self.connection, Connection.close)
        self.process = context.Process(target=_work, args=(other_end, start), daemon=True)
        try:
            self.process.start()
        finally:
            other_end.close()

    def give(self, task: Any) -> None:
        """Send a task, which will be answered."""
        with contextlib.suppress(*_BROKEN):  # `answer` will say that it died
            self.connection.send(task)
        self.waiting += 1

    def restart(self) -> None:
        """Drop the answers to come, and begin a stream at its start."""
        while self.waiting:
            self.answer(0)
        self.ended = False
        self.connection.send(Again())

    def answer(self, timeout: float) -> Any:
        """The answer to the oldest task. Raises RuntimeError if the process died, or if there is
        none after `timeout` seconds (0: wait for ever)."""
        deadline = time.monotonic() + (timeout or float("inf"))
        try:
            while not self.connection.poll(min(_PATIENCE, max(0, deadline - time.monotonic()))):
                if not self.process.is_alive() and not self.connection.poll(0):
                    raise EOFError
                if time.monotonic() >= deadline:
                    raise RuntimeError(
                        f"DataLoader timed out after {timeout} seconds: worker "
                        f"{self.process.pid} has not sent a batch"
                    )
            answer = self.connection.recv()
        except _BROKEN:
            self.process.join(_PATIENCE)
            raise RuntimeError(
                f"DataLoader worker (pid(s) {self.process.pid}) exited unexpectedly, with exit "
                f"code {self.process.exitcode}"
            ) from None
        self.waiting -= 1
        return answer


def _stop(workers: list[Worker], owner: int) -> None:
    """End the processes, in the process that began them."""
    if os.getpid() != owner:
        return
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.connection.send(Stop())
        worker.connection.close()
    deadline = time.monotonic() + _PATIENCE  # of them all
    for end in ("terminate", "kill"):  # those that are stopped get only the second one
        for worker in workers:
            worker.process.join(max(0, deadline - time.monotonic()))
            if worker.process.is_alive():
                getattr(worker.process, end)()
                deadline = time.monotonic() + 1
    for worker in workers:
        worker.process.join()


class WorkerIterator(BatchIterator):
    """Lets workers fetch batches in advance; they end with it."""

    def __init__(self, loader: Any, plan: Plan) -> None:
        self._workers: list[Worker] = []
        self._stop = weakref.finalize(self, _stop, self._workers, os.getpid())
        self._timeout, self._in_order = loader.timeout, loader.in_order
        self._persistent = loader.persistent_workers
        self._ahead = loader.prefetch_factor * loader.num_workers
        self._options = loader.multiprocessing_context, loader.worker_init_fn, loader.num_workers
        super().__init__(loader, plan)

    def _reset(self, loader: Any) -> None:
        super()._reset(loader)
        if self._workers:
            for worker in self._workers:
                worker.restart()
        else:
            self._begin()
        self._given: deque[Worker] = deque()  # for each index that is out, who has it
        self._turns: Iterator[Worker] = itertools.cycle(self._workers)
        for _ in range(self._ahead):
            self._give(None)

    def _begin(self) -> None:
        context, init, count = self._options
        context = context or multiprocessing.get_context()
        for number in range(count):
            start = Start(self._plan, number, count, self._base_seed, init)
            self._workers.append(Worker(context, start))

    def _give(self, last: Worker | None) -> None:
        """Give the next index to the worker whose turn it is, or, where the order does not
        matter, to the one that has just answered."""
        if all(worker.ended for worker in self._workers):
            return
        try:
            index = next(self._indices)
        except StopIteration:
            return
        if last is None or last.ended or self._in_order:
            last = next(worker for worker in self._turns if not worker.ended)
        last.give(index)
        self._given.append(last)

    def _next(self) -> Any:
        while self._given:
            worker = self._given[0] if self._in_order else self._quickest()
            self._given.remove(worker)  # the first entry that is this one
            answer = worker.answer(self._timeout)
            worker.ended = worker.ended or isinstance(answer, End)
            self._give(worker)
            if isinstance(answer, Failure):
                answer.raise_again()
            if not isinstance(answer, End):
                return answer
        if not self._persistent:
            self._stop()
        raise StopIteration

    def _quickest(self) -> Worker:
        """A worker that has an answer ready, or whichever has one first."""
        by_connection = {worker.connection: worker for worker in self._given}
        ready = multiprocessing.connection.wait(by_connection, self._timeout or None)
        return by_connection[ready[0]] if ready else self._given[0]
