"""What a function does, written down: the primitives it calls, in order, and on which values.

    with Trace() as trace:
        y = step(x)

A trace sees tensors and primitives alone. Whatever else may steer a function, such as a value
that Python reads, makes the trace `refused`, with the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..dtypes import dtype
from .grad_mode import state
from .graph import Variable

# Reasons to refuse
READ = "a value is read by Python"
CHANGED = "a tensor is changed in place"
_PLAIN = (int, float, str, type(None), type(...), dtype)


class Ref(int):
    """The number of a value in a trace."""


class Call(NamedTuple):
    """One call of a primitive (or of what has its `operation`): its arguments are values of the
    trace or constants."""

    primitive: Any
    args: tuple[Any, ...]
    params: dict[str, Any]
    outputs: tuple[Ref, ...]

    def __call__(self, values: dict[Ref, Any]) -> None:
        """Call it again on other values, by number, and put its results beside them."""
        args = [values[arg] if type(arg) is Ref else arg for arg in self.args]
        result = self.primitive(*args, **self.params)
        results = result if type(result) is tuple else (result,)
        # What an operation keeps for its rule may have a number, behind those of the tensors
        values.update(zip(self.outputs, results, strict=False))

    def key(self) -> tuple[Any, ...]:
        """Equal for calls that do the same with the same values."""
        args = tuple(arg if type(arg) is Ref else repr(arg) for arg in self.args)
        return self.primitive, args, repr(sorted(self.params.items()))


class Trace:
    """The calls inside of a ``with`` block, of this thread.

    Args:
        by_array: tensors of one array are one value, as saved ones are when a recorded backward
            pass makes tensors of them again.

    Attributes:
        calls: in order.
        tensors: the values, by number, of those that came in from outside and of results.
        refused: why the calls may not be all that there is to it, "" if they are.
    """

    def __init__(self, by_array: bool = False) -> None:
        self.by_array = by_array
        self.calls: list[Call] = []
        self.tensors: list[Variable] = []
        self.refused = ""
        self._numbers: dict[int, Ref] = {}
        self._versions: list[int] = []
        self._outer: Trace | None = None
        self._recorded = True

    def __enter__(self) -> Trace:
        self._outer, _here.trace = _here.trace, self
        self._recorded = state.enabled
        tracing.count += 1
        return self

    def __exit__(self, *exception: object) -> None:
        _here.trace = self._outer
        tracing.count -= 1
        for tensor, version in zip(self.tensors, self._versions, strict=True):
            if tensor._changes[0] != version:
                self.refused = self.refused or CHANGED
        edges = (self.tensors[result]._edge for call in self.calls for result in call.outputs)
        if any(edge is not None and edge[0]._extras is not None for edge in edges):
            self.refused = self.refused or "a hook waits for a gradient"

    def ref(self, tensor: Variable) -> Ref:
        """The tensor's number; a new one if it was not seen before."""
        key = id(tensor._array if self.by_array else tensor)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = Ref(len(self.tensors))
            self.tensors.append(tensor)
            self._versions.append(tensor._changes[0])
        return number

    def add(
        self,
        primitive: Any,
        args: Sequence[Any],
        params: dict[str, Any],
        results: Sequence[Variable],
    ) -> None:
        for value in (*args, *params.values()):
            if not isinstance(value, Variable) and not _is_plain(value):
                self.refused = f"an argument of {primitive.operation.name}() is no plain value"
        if state.enabled != self._recorded:
            self.refused = "recording is switched on or off inside"
        refs = tuple(self.ref(arg) if isinstance(arg, Variable) else arg for arg in args)
        self.calls.append(Call(primitive, refs, params, tuple(map(self.ref, results))))


def _is_plain(value: Any) -> bool:
    """Whether a constant is told by its repr."""
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    if isinstance(value, slice):
        return _is_plain((value.start, value.stop, value.step))
    return isinstance(value, _PLAIN)


class _Here(threading.local):
    trace: Trace | None = None


class _Tracing:
    """How many traces are being made, in any thread: what each operation asks first."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


_here = _Here()
tracing = _Tracing()


def note(primitive: Any, args: Sequence[Any], params: dict[str, Any], results: Any) -> None:
    """Tell this thread's trace, if there is one, of a call."""
    if _here.trace is not None:
        results = results if type(results) is tuple else (results,)
        _here.trace.add(primitive, args, params, results)


def refuse(reason: str) -> None:
    """Tell this thread's trace, if there is one, of what it can't hold."""
    if tracing.count and _here.trace is not None:
        _here.trace.refused = _here.trace.refused or reason
