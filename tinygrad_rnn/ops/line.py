"""A plan's calls as instructions, and the memory that their results are written to.

Matrices are kept feature-major in memory, (features, batch), because BLAS multiplies weights with
that faster: they look like (batch, features) all the same, so that every operation runs as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..autograd.trace import Call, Ref
from ..backends import Array, Backend
from .instructions import SLICES, Instruction, making, writer, writing
from .plan import Plan, Value

_SMALL = 4  # a batch below this is kept batch-major: there is nothing to gain


def memory(xp: Backend, count: int, value: Value) -> list[Array]:
    """Memory for `count` values of a kind."""
    if len(value.shape) == 2 and value.shape[0] >= _SMALL:
        return [block.T for block in xp.empty((count, *value.shape[::-1]), value.dtype)]
    return list(xp.empty((count, *value.shape), value.dtype))


def turned_rows(xp: Backend, x: Array, value: Value, order: Iterable[int]) -> list[Array]:
    """Copies of x (steps, batch, ...) as `memory` has them, in the order of steps."""
    places = memory(xp, x.shape[0], value)
    if len(value.shape) == 2:
        # By way of rows whose distance is no power of two: those share too few cache lines
        rows, columns = value.shape
        between = xp.empty((rows, columns + 16), value.dtype)[:, :columns]
    for place, t in zip(places, order, strict=True):
        if len(value.shape) == 2:
            between[...] = x[t]
        place[...] = between if len(value.shape) == 2 else x[t]
    return places


def in_turn(places: Sequence[Array], count: int) -> list[Array]:
    """The places for `count` steps, each used again when all have been."""
    return [places[k % len(places)] for k in range(count)]


class Line:
    """Calls as instructions that run step by step.

    Attributes:
        values: by number, as they are at the step that runs.
        rows: values that have a place of their own at each step: what the step reads, and results
            that are read after it.
    """

    def __init__(self, plan: Plan, xp: Backend, constants: Sequence[Array], steps: int) -> None:
        self.plan, self.xp, self.steps = plan, xp, steps
        self.values: list[Any] = [None] * len(plan.values)
        self.rows: dict[Ref, list[Any]] = {}
        self._always = set(plan.step.constants)  # what is the same at every step
        self._in_place: set[Ref] = set()  # what always lies in the same memory
        self._program: list[Instruction] = []
        self._recorded: list[Ref] = []
        for ref, array in zip(plan.step.constants, constants, strict=True):
            self.values[ref] = array

    def compile(self, calls: Sequence[Call], kept: Iterable[Ref], places: int) -> None:
        """Make instructions of the calls. The `kept` results get rows, with memory for as many
        steps as there are places."""
        kept = with_sources(calls, kept)
        for call in calls:
            args = [self._index(arg) for arg in call.args]
            refs = [arg for arg in call.args if type(arg) is Ref]
            if self._always.issuperset(refs):
                making(call, self.xp, args)(self.values)
                self._always.update(call.outputs)
                continue
            view = call.primitive in SLICES and self._in_place.issuperset(refs)
            if view and not any(out in kept for out in call.outputs):
                making(call, self.xp, args)(self.values)
                self._in_place.update(call.outputs)
                continue
            write = writer(call, self.xp, self.plan.values)
            if write is None:
                self._program.append(making(call, self.xp, args))
                self._recorded += [out for out in call.outputs if out in kept]
                continue
            (out,) = call.outputs
            if out not in self.rows:
                self._place(out, places if out in kept else 0)
            self._program.append(writing(write, args, out))
        self.rows.update((ref, [None] * self.steps) for ref in self._recorded)
        self._moving = [(ref, self.rows[ref]) for ref in self.rows if ref not in self._recorded]

    def _place(self, out: Ref, places: int) -> None:
        made = memory(self.xp, max(places, 1), self.plan.values[out])
        if places:
            self.rows[out] = in_turn(made, self.steps)
        else:
            self.values[out] = made[0]
            self._in_place.add(out)

    def _index(self, arg: Any) -> int:
        """Where an argument is in the list of values."""
        if type(arg) is Ref:
            return arg
        self.values.append(arg)
        return len(self.values) - 1

    def run(self, k: int) -> None:
        """The calls of the k-th step."""
        values = self.values
        for ref, rows in self._moving:
            values[ref] = rows[k]
        for instruction in self._program:
            instruction(values)
        for ref in self._recorded:
            self.rows[ref][k] = values[ref]

    def forget(self, steps: Iterable[int]) -> None:
        """Free what was made at these steps."""
        for ref in self._recorded:
            for k in steps:
                self.rows[ref][k] = None


def with_sources(calls: Sequence[Call], kept: Iterable[Ref]) -> set[Ref]:
    """What is kept, and what these values are views of."""
    found = set(kept)
    for call in reversed(calls):
        if call.primitive.operation.view and not found.isdisjoint(call.outputs):
            found.update(call.args[:1])
    return found
