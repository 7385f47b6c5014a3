"""A plan run over a whole sequence, as one operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Kept, Variable, current_edge, is_grad_enabled, primitive
from ..autograd.trace import Ref
from ..backends import Array, Backend, backend_of
from ..backends.fused.steps import COLUMNS
from ..dtypes import bool_
from . import lowered
from .affine import _linear
from .choice import where
from .course import Course, divided
from .instructions import writer
from .joining import stack
from .linalg import _matmul
from .line import Line, in_turn, memory, turned_rows, with_sources
from .plan import Plan, Product, Rows, Value
from .replay import replayed


def run_forward(
    plan: Plan, xp: Backend, inputs: Sequence[Array], course: Course, keep: bool
) -> tuple[Array, list[Array], dict[Ref, list[Array]]]:
    """The outputs, the last states, and what the calls of the gradients read."""
    step, order = plan.step, course.order()
    xs, states, constants = divided(plan, inputs)
    line = Line(plan, xp, constants, course.steps)
    rows = line.rows
    for ref, x in zip(step.inputs, xs, strict=True):
        turn = len(plan.values[ref].shape) == 2 and any(
            ref in call.args and call.primitive not in (_matmul, _linear) for call in plan.calls
        )
        rows[ref] = turned_rows(xp, x, plan.values[ref], order) if turn else [x[t] for t in order]
    written = {c.outputs[0] for c in plan.calls if writer(c, xp, plan.values)}
    idle = course.idle(xp)
    ragged = any(numbers is not None for numbers in idle)
    copied: list[tuple[Ref, list[Array]]] = []
    places = []
    for ref, new, state in zip(step.states, step.new_states, states, strict=True):
        count = course.steps + 1 if keep or new == step.output else 2
        place = in_turn(memory(xp, count, plan.values[ref]), course.steps + 1)
        place[0][...] = state
        places.append(place)
        rows[ref] = place[:-1]
        overwritten = ragged and new in plan.read_back  # where a sequence is idle, by its old state
        if new in written and new not in rows and not overwritten:
            rows[new] = place[1:]
        else:
            copied.append((new, place[1:]))
    y = xp.empty((course.steps, *plan.values[step.output].shape), plan.values[step.output].dtype)
    line.compile(plan.calls, plan.read_back if keep else (), course.steps)
    for k, t in enumerate(order):
        line.run(k)
        for ref, place in copied:
            place[k][...] = line.values[ref]
        y[t] = line.values[step.output]
        numbers = idle[t]
        if numbers is not None:
            y[t, numbers] = 0
            for place in places:
                place[k + 1][numbers] = place[k][numbers]
    kept = {ref: row for ref, row in rows.items() if ref in plan.read_back}
    return y, [place[-1].copy() for place in places], kept


def run_backward(
    plan: Plan,
    xp: Backend,
    inputs: Sequence[Array],
    course: Course,
    kept: dict[Ref, list[Array]],
    g: Sequence[Array | None],
) -> list[Array | None]:
    """The gradients of the inputs for those of the outputs and the last states."""
    order, idle = course.order(), course.idle(xp)
    xs, _, constants = divided(plan, inputs)
    line = Line(plan, xp, constants, course.steps)
    line.rows.update(kept)
    seed, *seeds = plan.seeds
    line.rows[seed] = _seeded(xp, g[0], plan.values[seed], course, idle)
    sums = Sums(plan, line, xp)
    kept_back = with_sources(plan.back, sums.collected)
    carried = []  # the gradients of each state, in front of every step
    for ref, last in zip(seeds, g[1:], strict=True):
        count = sums.places + 1 if ref in kept_back else 1
        places = in_turn(memory(xp, count, plan.values[ref]), course.steps + 1)
        places[-1][...] = 0 if last is None else last
        carried.append(places)
        line.rows[ref] = places[1:]
    line.compile(plan.back, kept_back, sums.places)
    of_xs: list[Any] = [
        None if number is None else xp.empty(x.shape, x.dtype)
        for number, x in zip(plan.of_inputs, xs, strict=True)
    ]
    for k in range(course.steps - 1, -1, -1):
        numbers = idle[order[k]]
        passing = []
        if numbers is not None:
            passing = [places[k + 1][numbers] for places in carried]
            for places in carried:
                places[k + 1][numbers] = 0
        line.run(k)
        for number, of_x in zip(plan.of_inputs, of_xs, strict=True):
            if number is not None:
                of_x[order[k]] = line.values[number]
        sums.add(k)  # before the gradients of the states, which they may read, are overwritten
        # Copies first: the gradient of one state may lie where that of another goes
        found = [None if at is None else line.values[at].copy() for at in plan.of_states]
        for places, gradient in zip(carried, found, strict=True):
            places[k][...] = 0 if gradient is None else gradient
        for places, part in zip(carried, passing, strict=False):
            places[k][numbers] += part
    return [*of_xs, *(places[0].copy() for places in carried), *sums.totals]


def _seeded(
    xp: Backend, g: Array | None, value: Value, course: Course, idle: Sequence[Array | None]
) -> list[Array]:
    """The gradient of the output of each step, in the order of steps."""
    if g is None:
        zero = xp.zeros(value.shape, value.dtype)
        return [zero] * course.steps
    rows = turned_rows(xp, g, value, course.order())
    for row, t in zip(rows, course.order(), strict=True):
        if idle[t] is not None:
            row[idle[t]] = 0
    return rows


class Sums:
    """The gradients of the constants, which are sums over all steps."""

    def __init__(self, plan: Plan, line: Line, xp: Backend) -> None:
        self.plan, self.line, self.xp = plan, line, xp
        self.totals: list[Any] = [None] * len(plan.of_constants)
        parts = [part for parts in plan.of_constants for part in parts]
        self.collected = {ref for part in parts if type(part) in (Product, Rows) for ref in part}
        batch = max((plan.values[ref].shape[0] for ref in self.collected), default=1)
        self.places = min(line.steps, max(1, COLUMNS // max(batch, 1)))
        self._steps: list[int] = []

    def add(self, k: int) -> None:
        """What the k-th step, the last that ran, adds to them."""
        self._steps.append(k)
        for number, parts in enumerate(self.plan.of_constants):
            for part in parts:
                if type(part) not in (Product, Rows):
                    self._add(number, self.line.values[part[0]])
        if len(self._steps) == self.places or k == 0:
            self._add_collected()
            self.line.forget(self._steps)
            self._steps.clear()

    def _add_collected(self) -> None:
        joined = {ref: self._joined(ref) for ref in self.collected}
        for number, parts in enumerate(self.plan.of_constants):
            for part in parts:
                if type(part) is Product:
                    self._add(number, self.xp.matmul(joined[part.left].T, joined[part.right]))
                elif type(part) is Rows:
                    self._add(number, self.xp.sum(joined[part.matrix], axis=0))

    def _joined(self, ref: Ref) -> Array:
        """The matrices of the collected steps one below the other."""
        rows = self.line.rows.get(ref)
        if rows is None:
            return self.xp.concatenate([self.line.values[ref]] * len(self._steps))
        return self.xp.concatenate([rows[k] for k in self._steps])

    def _add(self, number: int, value: Array) -> None:
        if self.totals[number] is None:
            self.totals[number] = value.copy()
        else:
            self.totals[number] += value


# ----- the operation -----


@primitive(name="ScanBackward0")
def _planned(
    xp: Backend, *inputs: Array, plan: Plan, course: Course, keep: bool
) -> tuple[Any, ...]:
    """The outputs and the last states: see `planned`."""
    y, last, kept = lowered.run_forward(plan, xp, inputs, course, keep) or run_forward(
        plan, xp, inputs, course, keep
    )
    return (y, *last, Kept((kept,))) if keep else (y, *last)


def _gradients(
    g: Any, kept: Any, *inputs: Any, needs: list[bool], plan: Plan, course: Course, keep: bool
) -> Sequence[Any]:
    parts = g if isinstance(g, tuple) else (g,)
    if not any(isinstance(part, Variable) for part in parts):
        xp: Any = backend_of(inputs[0])
        values = kept[0]
        if isinstance(values, lowered.Lowered):
            found = lowered.run_backward(plan, xp, inputs, course, values, parts)
            if found is not None:
                return found
            *_, values = run_forward(plan, xp, inputs, course, keep)
        return run_backward(plan, xp, inputs, course, values, parts)
    return replayed(parts, inputs, needs, lambda *inputs: _plainly(plan, inputs, course))


_planned.gradients(joint=_gradients)


def _plainly(plan: Plan, inputs: Sequence[Any], course: Course) -> tuple[Any, ...]:
    """The same in recorded operations, step by step: what is differentiated twice."""
    step = plan.step
    xs, states, constants = divided(plan, inputs)
    outputs: list[Any] = [None] * course.steps
    for t in course.order():
        known: dict[Ref, Any] = dict(zip(step.constants, constants, strict=True))
        known.update(zip(step.inputs, (x[t] for x in xs), strict=True))
        known.update(zip(step.states, states, strict=True))
        for call in plan.calls:
            call(known)
        y, new = known[step.output], [known[ref] for ref in step.new_states]
        if course.lengths is not None and min(course.lengths, default=t + 1) <= t:
            runs = [t < n for n in course.lengths]
            y = _choose(runs, y, 0)
            new = [_choose(runs, a, b) for a, b in zip(new, states, strict=True)]
        outputs[t], states = y, new
    return stack(outputs), *states


def _choose(runs: Sequence[bool], new: Any, old: Any) -> Any:
    """The new value for the sequences that run, the old one for others."""
    xp: Any = backend_of(new._array)
    mask = xp.asarray(runs, bool_.array).reshape((-1,) + (1,) * (new._array.ndim - 1))
    return where(new._wrap(mask), new, old)


def planned(plan: Plan, inputs: Sequence[Any], course: Course) -> tuple[Any, ...]:
    """The outputs (steps, batch, ...) and the last states of a plan's step over a sequence.

    Args:
        inputs: what the step reads of the sequence, (steps, ...) each, the first states, and the
            constants.
    """
    keep = is_grad_enabled() and any(current_edge(value) is not None for value in inputs)
    return _planned(*inputs, plan=plan, course=course, keep=keep)
