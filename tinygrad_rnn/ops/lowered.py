"""A plan run over a whole sequence by the compiled kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..autograd.trace import Call, Ref
from ..backends import Array, Backend
from ..backends.compiled.program import Assembled, Constant, Matrix, Program, Run, Unsuited
from ..backends.fused.steps import COLUMNS
from .course import Course, divided
from .lowering import LOWERED, LOWERED_RULES, Total
from .plan import Plan, Product, Rows

_KEPT = 16  # so many programs are kept of a plan


class Lowered(NamedTuple):
    """What a program left for the gradients.

    values: by number, what the program of the gradients reads: for each value (or tuple of values)
        its places, (places, batch, columns), of which step s has (s + ahead) % places.
    back: that program.
    """

    values: dict[Ref, Any]
    back: _Built | None


class _Saved(NamedTuple):
    array: Array
    ahead: int

    def at(self, step: int) -> Array:
        return self.array[(step + self.ahead) % len(self.array)]


def _saved(run: Run, value: Any) -> Any:
    if type(value) is tuple:
        return tuple(_saved(run, part) for part in value)
    return _Saved(run.array(value), value.root().ahead)


class _Built(NamedTuple):
    """A program and what its run must know.

    before: calls on constants alone, to be made first.
    states: the matrices of the states, or of the gradients of the states.
    kept: what is left for the gradients.
    totals: for each constant, what its gradient is the sum of.
    together: for so many steps products are made at once.
    reads: the keys of what it is given and reads.
    back: the program of the gradients, of one that leaves something for them.
    """

    program: Assembled
    before: list[Call]
    states: list[Matrix]
    kept: dict[Ref, Any]
    totals: list[list[Any]]
    together: int = 0
    reads: frozenset[Any] = frozenset()
    back: _Built | None = None


def run_forward(
    plan: Plan, xp: Backend, inputs: Sequence[Array], course: Course, keep: bool
) -> tuple[Array, list[Array], Lowered] | None:
    """As `planned.run_forward`; None where no program can do it."""
    steps = course.steps
    key = steps, keep, course.ragged()
    built = _find(plan, xp, key)
    if built is None:
        return None
    xs, states, constants = divided(plan, inputs)
    output = plan.values[plan.step.output]
    y = xp.empty((steps, *output.shape), output.dtype)
    given: dict[Any, Any] = {"y": course.turned(y), "running": course.running(xp, output.dtype)}
    given.update(zip(plan.step.inputs, map(course.turned, xs), strict=True))
    run = _start(plan, xp, built, given, constants)
    for matrix, state in zip(built.states, states, strict=True):
        run.array(matrix)[0] = state
    run(0, steps)
    last = [_Saved(run.array(matrix), 0).at(steps).copy() for matrix in built.states]
    values = {ref: _saved(run, value) for ref, value in built.kept.items()}
    return y, last, Lowered(values, built.back)


def run_backward(
    plan: Plan,
    xp: Backend,
    inputs: Sequence[Array],
    course: Course,
    kept: Lowered,
    g: Sequence[Array | None],
) -> list[Array | None] | None:
    """As `planned.run_backward`; None if the kernels were switched off since."""
    steps, built = course.steps, kept.back
    if built is None or _empty(plan, xp) is None:
        return None
    xs, _, constants = divided(plan, inputs)
    value = plan.values[plan.seeds[0]]
    zero = xp.zeros((1, 1, value.shape[1]), value.dtype)
    given: dict[Any, Any] = {
        "y": zero if g[0] is None else course.turned(g[0]),
        "running": course.running(xp, value.dtype),
    }
    for ref, saved in kept.values.items():
        parts = saved if type(saved) is tuple else (saved,)
        given.update({(ref, number): part.array for number, part in enumerate(parts)})
    of_xs: list[Any] = []
    for ref, at, x in zip(plan.step.inputs, plan.of_inputs, xs, strict=True):
        of_xs.append(None if at is None else xp.empty(x.shape, x.dtype))
        if at is not None:
            given["gradient", ref] = course.turned(of_xs[-1])
    run = _start(plan, xp, built, given, constants)
    for matrix, last in zip(built.states, g[1:], strict=True):
        run.array(matrix)[steps % 2] = 0 if last is None else last
    totals: list[Any] = [None] * len(built.totals)

    def add(number: int, value: Array) -> None:
        totals[number] = value if totals[number] is None else totals[number] + value

    for of_one in built.totals:
        for part in of_one:
            if type(part) is Total:
                run.array(part.parts)[...] = 0
    count = built.together
    for first in range((steps - 1) // count * count, -1, -count):
        last_step = min(first + count, steps)
        run(last_step - 1, last_step - first, -1)
        for number, of_one in enumerate(built.totals):
            for part in of_one:
                if type(part) is not Total:
                    add(number, _product(xp, *(run.rows(m, first, last_step) for m in part)))
    for number, of_one in enumerate(built.totals):
        for part in of_one:
            if type(part) is Total:
                add(number, _added_up(xp, run.array(part.parts)[0], part.shape))
    return [*of_xs, *(run.array(matrix)[0].copy() for matrix in built.states), *totals]


def _added_up(xp: Any, parts: Array, shape: tuple[int, ...]) -> Array:
    """A sum of that shape from its parts, which are the rows unless they are all of it."""
    return parts if parts.shape == shape else xp.sum(parts, axis=0).reshape(shape)


def _product(xp: Any, left: Array, right: Array | None = None) -> Array:
    """left.T @ right, or the sum of the rows."""
    if right is None:
        return xp.matmul(xp.ones(len(left), left.dtype), left)
    return xp.matmul(left.T, right)


# ----- programs -----


def _empty(plan: Plan, xp: Any) -> Program | None:
    """A program for a plan; None where there can be none."""
    output = plan.values[plan.step.output]
    return xp.program(output.shape[0], output.dtype) if len(output.shape) == 2 else None


def _find(plan: Plan, xp: Any, key: tuple[int, bool, bool]) -> _Built | None:
    """The program of a plan for so many steps, which keeps something for the gradients or not, of
    sequences of several lengths or not; None where it or that of the gradients can't be."""
    program = _empty(plan, xp)
    if program is None:
        return None
    if key not in plan.programs:
        if len(plan.programs) >= _KEPT:
            plan.programs.clear()
        try:
            plan.programs[key] = _forward(plan, program, *key)
        except Unsuited:
            plan.programs[key] = None
    return plan.programs.get(key)


def _start(
    plan: Plan, xp: Any, built: _Built, given: dict[Any, Any], constants: Sequence[Array]
) -> Run:
    given.update(zip(plan.step.constants, constants, strict=True))
    for call in built.before:
        args = [given[arg] if type(arg) is Ref else arg for arg in call.args]
        given[call.outputs[0]] = call.primitive.operation.forward(xp, *args, **call.params)
    return built.program.start(given)


def _constants(plan: Plan) -> dict[Ref, Any]:
    return {ref: Constant(ref, *plan.values[ref]) for ref in plan.step.constants}


def _lower(
    plan: Plan, program: Program, calls: Iterable[Call], known: dict[Ref, Any]
) -> list[Call]:
    """Emit the instructions of these calls; returns those on constants alone, of which there are
    none."""
    before = []
    for call in calls:
        args = [known[arg] if type(arg) is Ref else arg for arg in call.args]
        if not any(isinstance(arg, Matrix | Total) or type(arg) is tuple for arg in args):
            if len(call.outputs) > 1:
                raise Unsuited("several results of constants")
            before.append(call)
            known[call.outputs[0]] = Constant(call.outputs[0], *plan.values[call.outputs[0]])
            continue
        rule, params = LOWERED.get(call.primitive), call.params
        source = getattr(call.primitive, "source", None)
        if source is not None:
            rule, params = LOWERED_RULES.get(source), {"needs": call.primitive.needs, **params}
        if rule is None or any(isinstance(arg, Total) for arg in args):
            raise Unsuited(call.primitive.operation.name)
        found = rule(program, *args, **params)
        results = found if type(found) is tuple else (found,)
        for ref, result in zip(call.outputs, results, strict=False):
            known[ref] = result
            if isinstance(result, Matrix):
                _check(program, plan, ref, result.columns)
    return before


def _check(program: Program, plan: Plan, ref: Ref, columns: int) -> None:
    """Raise Unsuited unless a value is a matrix of so many columns, with a row per sequence."""
    shape, dtype = plan.values[ref]
    if shape != (program.batch, columns) or dtype not in (program.dtype, bool) or not columns:
        raise Unsuited(f"a value of shape {shape} and {dtype}")


def _moving(program: Program, plan: Plan, ref: Ref, key: Any) -> Matrix:
    """A value that a run gets for each step."""
    shape = plan.values[ref].shape
    _check(program, plan, ref, shape[-1] if shape else 0)
    return program.given(key, shape[1])


def _put(program: Program, value: Any, to: Matrix, running: Matrix | None, otherwise: Any) -> None:
    """Have a value written to a place, and something else for the sequences that do not run."""
    if running is not None:
        program.emit("WHERE", running, value, otherwise, out=to)
    elif isinstance(value, Matrix) and value.base is None and value.slot is None:
        value.slot, value.ahead = to.slot, to.ahead  # it is made there
    else:
        program.emit("COPY", value, out=to)


def _forward(plan: Plan, program: Program, steps: int, keep: bool, ragged: bool) -> _Built:
    step, known = plan.step, _constants(plan)
    running = program.given("running", 1) if ragged else None
    known.update({ref: _moving(program, plan, ref, ref) for ref in step.inputs})
    states = []
    for ref in step.states:
        columns = plan.values[ref].shape[-1]
        _check(program, plan, ref, columns)
        states.append(program.space(steps + 1 if keep else 2, columns))
        known[ref] = states[-1]
    before = _lower(plan, program, plan.calls, known)
    y = _moving(program, plan, step.output, "y")
    if running is None:
        program.emit("COPY", known[step.output], out=y)
    else:
        program.emit("WHERE", running, known[step.output], 0, out=y)
    for state, new in zip(states, step.new_states, strict=True):
        _put(program, known[new], state.later(), running, state)
    kept = {
        ref: known[ref]
        for ref in (plan.read_back if keep else ())
        if isinstance(known.get(ref), Matrix) or type(known.get(ref)) is tuple
    }
    back = None
    if keep:
        back = _backward(plan, Program(program.batch, program.dtype), steps, ragged, kept)
        read = {key[0] for key in back.reads if type(key) is tuple}
        kept = {ref: value for ref, value in kept.items() if ref in read}
    for value in kept.values():
        for part in value if type(value) is tuple else (value,):
            program.keep(part, steps)
    return _Built(Assembled(program), before, states, kept, [], back=back)


def _backward(
    plan: Plan, program: Program, steps: int, ragged: bool, saved: dict[Ref, Any]
) -> _Built:
    known = _constants(plan)
    running = program.given("running", 1) if ragged else None
    for ref, value in saved.items():
        parts = value if type(value) is tuple else (value,)
        found = tuple(
            program.given((ref, number), part.columns, part.root().ahead)
            for number, part in enumerate(parts)
        )
        known[ref] = found if type(value) is tuple else found[0]
    seed, *seeds = plan.seeds
    states = [program.space(2, plan.values[ref].shape[-1]) for ref in seeds]
    starts = [_moving(program, plan, seed, "y"), *(state.later() for state in states)]
    for ref, start in zip(plan.seeds, starts, strict=True):
        _check(program, plan, ref, start.columns)
        known[ref] = start if running is None else program.emit("WHERE", running, start, 0)
    before = _lower(plan, program, plan.back, known)
    count = -(-steps // max(1, steps * program.batch // COLUMNS))  # enough for their full speed

    def collected(ref: Ref) -> Matrix:
        """A value, with places for all of the steps that a product is made of."""
        if not isinstance(known[ref], Matrix):
            raise Unsuited("a product with what is the same at every step")
        if known[ref].root() in starts:
            known[ref] = program.emit("COPY", known[ref])
        program.keep(known[ref], count)
        return known[ref]

    def total(part: Any) -> Any:
        if type(part) in (Product, Rows):
            return tuple(map(collected, part))
        value = known[part[0]]
        if isinstance(value, Matrix):
            sums = program.space(1, value.columns)
            return Total(program.emit("ADD", sums, value, out=sums), plan.values[part[0]].shape)
        if not isinstance(value, Total):
            raise Unsuited("a gradient that is the same at every step")
        return value

    totals = [[total(part) for part in parts] for parts in plan.of_constants]
    for at, state in zip(plan.of_states, states, strict=True):
        _put(program, 0 if at is None else known[at], state, running, state.later())
    for ref, at in zip(plan.step.inputs, plan.of_inputs, strict=True):
        if at is not None:
            place = program.given(("gradient", ref), plan.values[ref].shape[1])
            _put(program, known[at], place, None, None)
    assembled = Assembled(program)
    added = [m for parts in totals for part in parts if type(part) is not Total for m in part]
    return _Built(
        assembled,
        before,
        states,
        {},
        totals,
        count,
        reads=assembled.reads.union(program.keys(added)),
    )
