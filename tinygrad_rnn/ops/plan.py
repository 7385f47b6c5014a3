"""One step of a user's cell as a plan: its primitives in a straight line, and behind them those of
its gradients, which the gradient rules themselves write down when they run on tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..autograd import Kept, enable_grad, no_grad
from ..autograd.broadcast import sum_to
from ..autograd.operation import Operation
from ..autograd.trace import Call, Ref, Trace
from ..backends import Backend, backend_of
from .arithmetic import add
from .linalg import _matmul
from .reduction import _sum
from .shape import _permute


class Product(NamedTuple):
    """A part of a constant's gradient: left.T @ right, summed over all steps."""

    left: Ref
    right: Ref


class Rows(NamedTuple):
    """A part of a constant's gradient: the sum of a matrix's rows, summed over all steps."""

    matrix: Ref


class Whole(NamedTuple):
    """A part of a constant's gradient: a value, summed over all steps."""

    value: Ref


Part = Product | Rows | Whole


class Step(NamedTuple):
    """What a step reads (its part of the sequence, the state, and what is the same at every step)
    and what it returns, by the numbers of a trace."""

    inputs: Sequence[Ref]
    states: Sequence[Ref]
    constants: Sequence[Ref]
    output: Ref
    new_states: Sequence[Ref]


class Value(NamedTuple):
    """What is known of a value before it is computed."""

    shape: tuple[int, ...]
    dtype: Any


@dataclass
class Plan:
    """A step's operations, on values by number.

    Attributes:
        step: the numbers of what goes in and comes out.
        calls: its operations.
        seeds: the numbers of the gradients of the output and of the new states.
        back: the operations that lead from these to the gradients.
        of_inputs, of_states: the numbers of the gradients, None where there is none.
        of_constants: for each the parts that its gradient is the sum of.
        values: of every number.
        read_back: the numbers that `back` and the parts read.
        programs: what runs it on compiled kernels, by what differs; None for what they can't.
    """

    step: Step
    calls: list[Call]
    seeds: list[Ref]
    back: list[Call]
    of_inputs: list[Ref | None]
    of_states: list[Ref | None]
    of_constants: list[list[Part]]
    values: list[Value]
    read_back: set[Ref]
    programs: dict[Any, Any] = field(default_factory=dict)


def varying(calls: Iterable[Call], moving: Iterable[Ref]) -> tuple[list[Call], set[Ref]]:
    """The calls that depend on the values `moving`, and all values that do."""
    found, changing = [], set(moving)
    for call in calls:
        if any(type(arg) is Ref and arg in changing for arg in call.args):
            found.append(call)
            changing.update(call.outputs)
    return found, changing


def make_plan(
    trace: Trace, calls: Sequence[Call], step: Step, needs: Sequence[bool]
) -> Plan | None:
    """The plan of a step, of which `calls` are those that vary from step to step. `needs` says
    which of its inputs, states and constants get gradients. None if the gradient rules do more
    than call primitives."""
    given = [*step.inputs, *step.states, *step.constants]
    with Trace(by_array=True) as again, enable_grad() if any(needs) else no_grad():
        known = {
            number: _apart(trace.tensors[number], need)
            for number, need in zip(given, needs, strict=True)
        }
        starts = [again.ref(known[number]) for number in given]
        for call in calls:
            call(known)
        count = len(again.calls)
        results = [known[step.output], *(known[number] for number in step.new_states)]
        ends = [again.ref(result) for result in results]
        seeds = [_apart(result, False) for result in results]
        seed_refs = [again.ref(seed) for seed in seeds]
        found = _swept(again, zip(ends, seeds, strict=True)) if any(needs) else {}
        gradients = [again.ref(found[start]) if start in found else None for start in starts]
    if again.refused:
        return None
    values = [Value(x._array.shape, x._array.dtype) for x in again.tensors]
    forward, same = _each_once(again.calls[:count], {}, {})
    back, same = _each_once(again.calls[count:], {_same_as(call): call for call in forward}, same)
    ends = [same.get(end, end) for end in ends]
    gradients = [same.get(x, x) for x in gradients]
    first, second = len(step.inputs), len(step.inputs) + len(step.states)
    makers = {result: call for call in back for result in call.outputs}
    of_constants = [
        [] if x is None else list(_parts(x, makers, values)) for x in gradients[second:]
    ]
    read = {x for x in gradients[:second] if x is not None}
    read.update(ref for parts in of_constants for part in parts for ref in part)
    back = _leading_to(read, back)
    read.update(arg for call in back for arg in call.args if type(arg) is Ref)
    return Plan(
        step=Step(starts[:first], starts[first:second], starts[second:], ends[0], ends[1:]),
        calls=_leading_to(read.union(ends), forward),
        seeds=seed_refs,
        back=back,
        of_inputs=gradients[:first],
        of_states=gradients[first:second],
        of_constants=of_constants,
        values=values,
        read_back=read,
    )


def _apart(value: Any, needs_gradient: bool) -> Any:
    """A copy that is a beginning of the graph, or not in it."""
    return value._wrap(value._array.copy()).requires_grad_(needs_gradient)


class _Rule:
    """The rule of an operation that keeps something beside tensors, as one operation of a plan."""

    view = False
    _rule: Any

    def __init__(self, operation: Operation, needs: tuple[bool, ...], outputs: int) -> None:
        self.name = f"gradients of {operation.name}"
        self.operation = self  # as a primitive has one
        self._rule, self.needs, self._outputs = operation.joint, needs, outputs
        self.source = operation
        self._key = operation, needs

    def forward(self, xp: Backend, *args: Any, **params: Any) -> Any:
        """The gradient that is needed, or a tuple of several, for those of the outputs, what was
        kept, and the inputs."""
        g, kept, inputs = args[: self._outputs], args[self._outputs], args[self._outputs + 1 :]
        found = self._rule(g, kept, *inputs, needs=self.needs, **params)
        wanted = tuple(x for x, need in zip(found, self.needs, strict=True) if need)
        return wanted if len(wanted) > 1 else wanted[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rule) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _swept(trace: Trace, seeds: Iterable[tuple[Ref, Any]]) -> dict[Ref, Any]:
    """The gradients of all values by number, for those of the results. The trace sees the
    operations that lead to them."""
    found: dict[Ref, Any] = {}

    def add_to(ref: Ref, gradient: Any) -> None:
        shape = trace.tensors[ref]._array.shape
        if gradient._array.shape != shape:
            gradient = sum_to(gradient, shape=shape)
        found[ref] = found[ref] + gradient if ref in found else gradient

    for ref, seed in seeds:
        if trace.tensors[ref]._edge is not None:
            add_to(ref, seed)
    for number, call in reversed([*enumerate(trace.calls)]):
        edge = trace.tensors[call.outputs[0]]._edge
        g = tuple(found.get(output) for output in call.outputs)
        if edge is None or all(part is None for part in g):
            continue
        node: Any = edge[0]
        if type(node.output) is Kept:
            results = _kept_rule(trace, number, node, g)
        else:
            pairs = node._run(g if len(g) > 1 else g[0], node._edges, trace.tensors[0], True)
            results = [(call.args[node._edges.index(edge)], value) for edge, value in pairs]
        for ref, value in results:
            add_to(ref, value)
    return found


def _kept_rule(trace: Trace, number: int, node: Any, g: Sequence[Any]) -> list[tuple[Ref, Any]]:
    """The gradients of the inputs of the call `number`, which keeps something, by its rule."""
    call, owner = trace.calls[number], trace.tensors[0]
    kept = trace.ref(owner._wrap(owner._array.copy()))  # a number for it
    trace.calls[number] = call._replace(outputs=(*call.outputs, kept))
    needs = tuple(edge is not None for edge in node._edges)
    rule = _Rule(call.primitive.operation, needs, len(g))
    arrays = [None if part is None else part._array for part in g]
    xp: Any = backend_of(owner._array)
    values = rule.forward(xp, *arrays, node.output, *node.saved, **call.params)
    results = [owner._wrap(x) for x in (values if type(values) is tuple else (values,))]
    refs = tuple(map(trace.ref, results))
    seeds = [None if part is None else trace.ref(part) for part in g]
    trace.calls.append(Call(rule, (*seeds, kept, *call.args), call.params, refs))
    wanted = [arg for arg, need in zip(call.args, needs, strict=True) if need]
    return list(zip(wanted, results, strict=True))


def _each_once(
    calls: Iterable[Call], seen: dict[Any, Call], same: dict[Any, Ref]
) -> tuple[list[Call], dict[Any, Ref]]:
    """The calls without those that do what another did, and which results equal which."""
    unique, seen, same = [], {**seen}, {**same}
    for call in calls:
        call = call._replace(args=tuple(same.get(a, a) if type(a) is Ref else a for a in call.args))
        earlier = seen.setdefault(_same_as(call), call)
        if earlier is call:
            unique.append(call)
        else:
            same.update(zip(call.outputs, earlier.outputs, strict=True))
    return unique, same


def _same_as(call: Call) -> Any:
    """Equal for calls of which one will do (one with a number for what it keeps is another)."""
    return call.key(), len(call.outputs)


def _leading_to(wanted: Iterable[Ref], calls: Sequence[Call]) -> list[Call]:
    """The calls that the wanted values depend on."""
    wanted, found = set(wanted), []
    for call in reversed(calls):
        if not wanted.isdisjoint(call.outputs):
            found.append(call)
            wanted.update(arg for arg in call.args if type(arg) is Ref)
    return found[::-1]


def _parts(ref: Ref, makers: dict[Ref, Call], values: Sequence[Value]) -> Iterable[Part]:
    """The parts that the gradient `ref` of a constant is the sum of: as products of what all steps
    have, where that can be, in place of a product for each step."""
    call = makers.get(ref)
    if call is None:
        yield Whole(ref)
        return
    shape, shapes = values[ref].shape, [values[a].shape for a in call.args if type(a) is Ref]
    turned = makers.get(call.args[0])
    flat = len(shapes[0]) == 2
    if call.primitive is add and not call.params and shapes == [shape, shape]:
        for term in call.args:
            yield from _parts(term, makers, values)
    elif call.primitive is _matmul and turned is not None and turned.primitive is _permute and flat:
        yield Product(turned.args[0], call.args[1]) if len(shapes[1]) == 2 else Whole(ref)
    elif call.primitive in (_sum, sum_to) and flat and shape == shapes[0][1:]:
        over_rows = call.params.get("dims", (0,)) == (0,)
        yield Rows(call.args[0]) if over_rows else Whole(ref)
    else:
        yield Whole(ref)
