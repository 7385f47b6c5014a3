"""Where the time goes: how often each operation ran, forward and backward, and how long.

Nothing is measured, and nothing costs time, outside of a `profile`. Inside, Python tells of every
call of an operation or of a node's gradient rules. Work on a GPU goes on when a call has returned:
there the times are those of giving it work.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from .function import FunctionCtx
from .grad_mode import Mode
from .graph import Record, Variable
from .hints import tells
from .primitive import _look

_any_primitive: Any = _look
_CALL = _any_primitive.__code__  # that of every primitive
_BACKWARD = (Record._run.__code__, FunctionCtx._run.__code__)


class FunctionEvent:
    """One call.

    Attributes:
        name: "aten::mul", "MulBackward0", or what a `record_function` was given.
        input_shapes: if shapes were to be recorded.
        cpu_time_total, self_cpu_time_total: microseconds; without those of calls inside.
        start: microseconds since the profile began.
        thread: where it ran.

    >>> with torch.autograd.profiler.profile(record_shapes=True) as prof:
    ...     _ = torch.ones(2) * torch.ones(3, 1)
    >>> prof.function_events[0].name, prof.function_events[0].input_shapes
    ('aten::mul', [[2], [3, 1]])
    """

    def __init__(self, name: str, shapes: list[Any], start: float) -> None:
        self.name = self.key = name
        self.input_shapes = shapes
        self.start = start
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.thread = threading.get_ident()

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={time_in_words(self.cpu_time_total)}>"


class FunctionEventAvg:
    """All calls of one name (and with shapes: of the same input shapes).

    Attributes:
        key: the name.
        count: how many.
        cpu_time_total, self_cpu_time_total: microseconds of all; without those of calls inside.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     _ = torch.ones(2).exp().exp()
    >>> prof.key_averages()[0].key, prof.key_averages()[0].count
    ('aten::exp', 2)
    """

    def __init__(self, key: str, shapes: list[Any]) -> None:
        self.key, self.input_shapes = key, shapes
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.device_time_total = self.self_device_time_total = 0.0

    def add(self, event: Any) -> None:
        """Count an event, or several."""
        self.count += getattr(event, "count", 1)
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total

    @property
    def cpu_time(self) -> float:
        """Microseconds of one call, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time="
            f"{time_in_words(self.self_cpu_time_total)} cpu_time={time_in_words(self.cpu_time)}>"
        )


def time_in_words(microseconds: float) -> str:
    """ "12.000us", "1.500ms", "2.000s"."""
    for size, unit in ((1e6, "s"), (1e3, "ms")):
        if abs(microseconds) >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


@tells
class EventList(list[Any]):
    """What a profile found: calls, or averages of them.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     _ = torch.ones(2).exp()
    >>> print(prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))
    ---...
    """

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(
        self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """The averages of all calls of one name, or of one name and input shapes."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shapes else []
            key = event.key, repr(shapes)
            found.setdefault(key, FunctionEventAvg(event.key, shapes)).add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """All calls as one."""
        total = FunctionEventAvg("Total", [])
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The averages as text, a row each. Raises AttributeError for a sort_by that is no
        attribute of an average."""
        averages = self.key_averages() if any(type(e) is FunctionEvent for e in self) else self
        if sort_by is not None:
            by = sort_by.replace("cuda", "device")
            averages = EventList(sorted(averages, key=lambda e: getattr(e, by), reverse=True))
        total = averages.self_cpu_time_total
        titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg",
                  "# of Calls"]  # fmt: skip
        shaped = any(event.input_shapes for event in averages)
        rows = []
        for event in averages[: max(row_limit, 0)] if row_limit >= 0 else averages:
            own, all_of_it = event.self_cpu_time_total, event.cpu_time_total
            row = [event.key[:max_name_column_width]]
            for part in (own, all_of_it):
                row += [f"{part / total if total else 0:.2%}", time_in_words(part)]
            row += [time_in_words(event.cpu_time), str(event.count)]
            rows.append([*row, str(event.input_shapes)[:max_shapes_column_width]][: 7 + shaped])
        titles += ["Input Shapes"] * shaped
        columns = zip(titles, *rows, strict=True)
        widths = [max(12, *map(len, column)) for column in columns]
        rule = "  ".join("-" * width for width in widths)
        lines = [] if header is None else ["=" * len(rule), header]
        lines += [rule, *("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True))
                          for row in [titles]), rule]  # fmt: skip
        lines += ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([*lines, rule, f"Self CPU time total: {time_in_words(total)}", ""])

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the calls as a file for chrome://tracing or perfetto.dev."""
        events = [
            {"name": e.name, "ph": "X", "cat": "cpu_op", "pid": os.getpid(), "tid": e.thread,
             "ts": e.start, "dur": e.cpu_time_total}
            for e in self
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events, "displayTimeUnit": "ms"}, file)


class _Here(threading.local):
    collector: Any = None


_here = _Here()


class Collector:
    """Collects the calls of this thread between `start` and `stop`."""

    def __init__(self, shapes: bool = False) -> None:
        self.events = EventList()
        self._shapes = shapes
        # The frame, the event, and the time of calls inside
        self._open: list[tuple[Any, FunctionEvent, float]] = []
        self._outer: Any = None
        self._began = time.perf_counter()

    def start(self) -> None:
        self._outer, _here.collector = (sys.getprofile(), _here.collector), self
        sys.setprofile(self._told)

    def stop(self) -> None:
        sys.setprofile(self._outer[0])
        _here.collector = self._outer[1]
        while self._open:
            self.leave()

    def enter(self, name: str, shapes: Iterable[Any] = (), frame: Any = None) -> None:
        """A call begins."""
        at = (time.perf_counter() - self._began) * 1e6
        self._open.append((frame, FunctionEvent(name, list(shapes), at), 0.0))

    def leave(self) -> None:
        """The innermost call ends."""
        _, event, inside = self._open.pop()
        spent = (time.perf_counter() - self._began) * 1e6 - event.start
        event.cpu_time_total, event.self_cpu_time_total = spent, spent - inside
        self.events.append(event)
        if self._open:
            frame, outer, others = self._open[-1]
            self._open[-1] = frame, outer, others + spent

    def _told(self, frame: Any, event: str, _: Any) -> None:
        """What Python calls for each call and return."""
        code = frame.f_code
        if event == "call":
            if code is _CALL:
                seen = frame.f_locals
                shapes = [list(arg._array.shape) if isinstance(arg, Variable) else []
                          for arg in seen["args"]] if self._shapes else ()  # fmt: skip
                self.enter(f"aten::{seen['operation'].name}", shapes, frame)
            elif code in _BACKWARD:
                self.enter(frame.f_locals["self"]._name(), (), frame)
        elif event == "return" and self._open and self._open[-1][0] is frame:
            self.leave()


class profile:
    """A block whose operations are counted and timed. The older form of `torch.profiler.profile`.

    Args:
        enabled: False measures nothing.
        record_shapes: whether the shapes of inputs are kept.
        use_cuda, use_device, with_flops, profile_memory, with_stack, with_modules, use_cpu: for
            PyTorch's signature, without an effect.

    >>> with torch.autograd.profiler.profile() as prof:
    ...     _ = torch.ones(2) * 3
    >>> [(event.key, event.count) for event in prof.key_averages()]
    [('aten::mul', 1)]
    """

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None,
        record_shapes: bool = False, with_flops: bool = False, profile_memory: bool = False,
        with_stack: bool = False, with_modules: bool = False, use_cpu: bool = True,
        **options: Any,
    ) -> None:  # fmt: skip
        self.enabled = enabled
        self._collector = Collector(record_shapes)

    def __enter__(self) -> profile:
        if self.enabled:
            self._collector.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.enabled:
            self._collector.stop()

    @property
    def function_events(self) -> EventList:
        """The calls, in the order in which they ended."""
        return self._collector.events

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all operations."""
        return self.function_events.self_cpu_time_total

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """See `EventList.key_averages`."""
        return self.function_events.key_averages(group_by_input_shape)

    def total_average(self) -> FunctionEventAvg:
        """See `EventList.total_average`."""
        return self.function_events.total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """See `EventList.table`."""
        return self.function_events.table(sort_by, row_limit, **options)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """See `EventList.export_chrome_trace`."""
        self.function_events.export_chrome_trace(path)

    def __str__(self) -> str:
        return self.table() if self.enabled else "<unfinished profile>"


class record_function(Mode):
    """A block, or a decorated function, with a name in the profile around it, whatever the shapes
    inside; without a profile nothing.

    >>> with torch.autograd.profiler.profile() as prof, torch.profiler.record_function("step"):
    ...     _ = torch.ones(2).exp()
    >>> [event.key for event in prof.key_averages()]
    ['aten::exp', 'step']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        super().__init__()
        self.name, self.args = name, args

    def _switch(self) -> Any:
        collector = _here.collector
        if collector is not None:
            collector.enter(self.name)
        return collector

    def _restore(self, before: Any) -> None:
        if before is not None and before is _here.collector:
            before.leave()
