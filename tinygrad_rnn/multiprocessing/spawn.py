"""Several processes that run one function, and what becomes of them."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any


class ProcessException(Exception):
    """A process of `spawn` failed.

    Attributes:
        error_index, error_pid: the number and id of the process.
    """

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid
        self.error_pid = pid

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """The function raised an exception in a process of `spawn`, which the message shows.

    >>> torch.multiprocessing.start_processes(len, nprocs=1, start_method="fork")
    Traceback (most recent call last):
    tinygrad_rnn.multiprocessing.spawn.ProcessRaisedException: ...
    """


class ProcessExitedException(ProcessException):
    """A process of `spawn` ended by a signal or an exit code.

    Attributes:
        exit_code, signal_name: which; the name is None for exit codes.

    >>> torch.multiprocessing.ProcessExitedException("", 0, 1, -9, "SIGKILL").signal_name
    'SIGKILL'
    """

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int,
        signal_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(fn: Callable[..., Any], number: int, args: tuple[Any, ...], errors: Any) -> None:
    """What each process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent, which has it too, ends them
    try:
        fn(number, *args)
    except Exception:
        errors.put(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """The processes that `spawn` started.

    Attributes:
        processes: in the order of their numbers.

    >>> context = torch.multiprocessing.start_processes(abs, nprocs=1, join=False)
    >>> context.join()
    True
    """

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes, self._errors = processes, errors
        self._running = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The ids of the processes."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until a process ends, or all that are left; True if none is left. If one failed,
        the others are terminated, those that still live after grace_period seconds are killed, and
        `ProcessRaisedException` or `ProcessExitedException` is raised."""
        if not self._running:
            return True
        failed = None
        for sentinel in connection.wait(list(self._running), timeout):
            number = self._running.pop(sentinel)
            self.processes[number].join()
            if self.processes[number].exitcode and failed is None:
                failed = number
        if failed is None:
            return not self._running
        self._end_others(grace_period)
        raise self._error(failed)

    def _end_others(self, grace_period: float | None) -> None:
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        limit = time.monotonic() + (30.0 if grace_period is None else grace_period)
        for process in self.processes:
            process.join(max(0.0, limit - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _error(self, number: int) -> ProcessException:
        process, errors = self.processes[number], self._errors[number]
        if not errors.empty():
            told = f"\n\n-- Process {number} terminated with the following error:\n{errors.get()}"
            return ProcessRaisedException(told, number, process.pid)
        code = process.exitcode
        if code >= 0:
            text = f"process {number} terminated with exit code {code}"
            return ProcessExitedException(text, number, process.pid, code)
        name = signal.Signals(-code).name
        text = f"process {number} terminated with signal {name}"
        return ProcessExitedException(text, number, process.pid, code, name)


SpawnContext = ProcessContext


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in processes i = 0 ... nprocs - 1, to which tensors in args, of any
    shapes, go as copies.

    Args:
        join: wait for all of them, and return None; else return a `ProcessContext`.
        daemon: whether they end with this process.
        start_method: "spawn", "fork" or "forkserver".

    Raises what `ProcessContext.join` does.

    >>> torch.multiprocessing.start_processes(max, (1,), nprocs=2, start_method="fork")
    """
    context: Any = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for number in range(nprocs):
        queue = context.SimpleQueue()
        process = context.Process(target=_run, args=(fn, number, args, queue), daemon=daemon)
        process.start()
        processes.append(process)
        errors.append(queue)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """`start_processes` with processes that start anew, so that the program's main module has to
    guard what it does by ``if __name__ == "__main__"``.

    >>> torch.multiprocessing.spawn(len, nprocs=0)
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
