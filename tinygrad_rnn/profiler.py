"""Where the time of a program goes: `autograd.profiler` under PyTorch's newer names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from .autograd.profiler import (
    Collector,
    EventList,
    record_function as record_function,
)
from .warning import warn


class ProfilerActivity(Enum):
    """What to watch. All is seen from the CPU, whatever is named.

    >>> torch.profiler.ProfilerActivity.CPU.name
    'CPU'
    """

    CPU, XPU, MTIA, CUDA, HPU, PrivateUse1 = range(6)


class ProfilerAction(Enum):
    """What a profile does in a step.

    >>> torch.profiler.ProfilerAction.RECORD.value
    2
    """

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


def supported_activities() -> set[ProfilerActivity]:
    """What can be watched: the CPU.

    >>> torch.profiler.supported_activities()
    {<ProfilerActivity.CPU: 0>}
    """
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:  # fmt: skip
    """What to do in each step: after skip_first steps cycles of `wait` (nothing), `warmup` and
    `active` (measured), `repeat` of them, or with 0 without an end.

    Args:
        skip_first_wait: if not 0, the first cycle does not wait.

    >>> [torch.profiler.schedule(wait=0, warmup=1, active=1)(step).name for step in range(3)]
    ['WARMUP', 'RECORD_AND_SAVE', 'WARMUP']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments")
    if not warmup:
        warn("Profiler won't be using warmup, this can skew profiler results")

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if repeat and step // cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return action


class profile:
    """A block whose operations are counted and timed, all of it or the steps of a schedule.

    Args:
        activities: for PyTorch's signature: all is seen from the CPU.
        schedule: what to do in each step; see `schedule`. Then call `step` at the end of each.
        on_trace_ready: called with the profile when measured steps end.
        record_shapes: whether the shapes of inputs are kept.
        profile_memory, with_stack, with_flops, with_modules: without an effect.

    >>> with torch.profiler.profile(record_shapes=True) as prof:
    ...     _ = torch.ones(2, 3).exp()
    >>> prof.events()[0].name, prof.events()[0].input_shapes
    ('aten::exp', [[2, 3]])
    """

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None, record_shapes: bool = False,
        profile_memory: bool = False, with_stack: bool = False, with_flops: bool = False,
        with_modules: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready, self.record_shapes = on_trace_ready, record_shapes
        self.step_num = 0
        self.current_action = ProfilerAction.NONE
        self._collector = Collector(record_shapes)
        self._running = False

    def start(self) -> None:
        """Begin: what the schedule says for the first step."""
        self._act()

    def stop(self) -> None:
        """End, and call on_trace_ready with what was measured."""
        self._finish()

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def step(self) -> None:
        """The end of a step."""
        if self.current_action is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
        self.step_num += 1
        self._act()

    def _act(self) -> None:
        self.current_action = self.schedule(self.step_num)
        measured = self.current_action.value >= ProfilerAction.RECORD.value
        if measured and not self._running:
            self._collector = Collector(self.record_shapes)
            self._collector.start()
        elif self._running and not measured:
            self._collector.stop()
        self._running = measured

    def _finish(self) -> None:
        if self._running:
            self._collector.stop()
            self._running = False
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def events(self) -> EventList:
        """The calls that were measured last, in the order in which they ended."""
        return self._collector.events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """The averages of all calls of one name: print their `table`."""
        return self.events().key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the calls as a file for chrome://tracing or perfetto.dev."""
        self.events().export_chrome_trace(path)


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """An on_trace_ready that writes each measurement into a folder, which is made if needed, as a
    file for chrome://tracing or perfetto.dev.

    >>> callable(torch.profiler.tensorboard_trace_handler("runs"))
    True
    """

    def handler(prof: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        name = f"{worker_name or os.getpid()}.{prof.step_num}.pt.trace.json"
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return handler


def kineto_available() -> bool:
    """False: PyTorch's library for it is not used.

    >>> torch.profiler.kineto_available()
    False
    """
    return False
