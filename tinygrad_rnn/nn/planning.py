"""How a cell's step becomes a plan: it is watched at the beginning of a sequence."""

from __future__ import annotations

import sys
import threading
import weakref
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..autograd import Variable, current_edge, is_grad_enabled
from ..autograd.anomaly import anomaly
from ..autograd.trace import Call, Ref, Trace
from ..backends.elsewhere import drawn
from ..backends.forking import new_lock
from ..ops.course import Course
from ..ops.plan import Plan, Step, make_plan, varying
from ..ops.planned import planned
from ..tensor import Tensor
from .states import each, flat

_KEPT = 64  # so many plans are kept, of all cells together
_DISTURBED = 16  # so many steps of a sequence are watched in vain, while other threads draw numbers


class _Known:
    """A plan, and for each of the last steps that were watched twice and had it, as the layers of
    a stack have, the tensors from outside that they read."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outer: deque[list[weakref.ref[Any]]] = deque(maxlen=16)

    def reads(self, outer: Sequence[Any]) -> bool:
        """Whether one of these steps read just these tensors."""
        return any(_same([ref() for ref in refs], outer) for refs in list(self.outer))


_plans: OrderedDict[Any, _Known] = OrderedDict()
# Of cells that describe their steps: the plan, and which of the tensors are its constants
_described: OrderedDict[Any, tuple[Plan, list[int]]] = OrderedDict()
_changing = new_lock()


class _Seen(NamedTuple):
    """What a step was seen to do.

    key: equal for steps that do the same with values of the same kinds.
    outer: the tensors from outside that it read.
    constants: what it did the same with at every step: those, and what it made of them alone.
    """

    key: Any
    outer: list[Variable]
    constants: list[Variable]
    trace: Trace
    calls: list[Call]
    step: Step
    needs: list[bool]


def can_watch(*values: Any) -> bool:
    """Whether inputs and states consist of tensors, and nothing else."""
    return all(isinstance(tensor, Tensor) for value in values for tensor in flat(value))


class Description(NamedTuple):
    """What a step does.

    name: equal for steps that do the same with tensors of the same kinds.
    tensors: those from outside that it reads.
    """

    name: Any
    tensors: Sequence[Tensor]


class Watch:
    """Watches the first steps of a sequence, to run all of it by a plan if they are alike.

    A step can be planned if it consists of primitives, on its input, its state and tensors that
    are the same at every step. Two steps show it: they called the same primitives, with the same
    tensors from outside. After that one is enough, while these tensors stay the same.

    Attributes:
        over: whether there is nothing more to see.
        plan: of the step, None if it has none.
    """

    def __init__(self, x: Any, state: Any, description: Description | None) -> None:
        self.over = False
        self.plan: Plan | None = None
        self._first: _Seen | None = None
        self._disturbed = 0
        self._new = state  # in the structure in which the step returns it
        self._constants: Sequence[Variable] = ()
        self._description, self._key = description, None
        # In anomaly mode steps are no plan, because each of their operations is to be found
        if description is not None and not anomaly.traced and type(state) is not list:
            self._key = _described_key(description, flat(x), flat(state))
            found = _described.get(self._key)
            if found is not None:
                self.plan, numbers = found
                self._constants = [description.tensors[number] for number in numbers]

    def step(self, step: Callable[..., Any], x: Any, state: Any) -> tuple[Any, Any]:
        """What the step returns; it is watched meanwhile."""
        state = each(_apart, state)
        before = drawn()
        with Trace() as trace:
            inputs, states = [trace.ref(t) for t in flat(x)], [trace.ref(t) for t in flat(state)]
            output, new = step(x, state)
        refused = trace.refused or not isinstance(output, Tensor) or not _alike(new, state)
        if refused or _escaped(trace, [*map(id, [output, *flat(new)])]):
            self.over = True
            return output, new
        if drawn() != before:  # by the step, or by another thread: then another step will show it
            self._disturbed += 1
            self.over = threading.active_count() == 1 or self._disturbed == _DISTURBED
            return output, new
        self._new = new
        seen = _look(trace, inputs, states, trace.ref(output), [*map(trace.ref, flat(new))])
        known = _plans.get(seen.key)
        if self._first is None:
            self._first = seen
            if known is not None and known.reads(seen.outer):
                self.over, self.plan = True, known.plan
        else:
            self.over = True
            if seen.key == self._first.key and _same(seen.outer, self._first.outer):
                self.plan = _plan_of(seen)
        if self.plan is not None:
            self._constants = self._first.constants
            self._remember(self.plan)
        return output, new

    def _remember(self, plan: Plan) -> None:
        """Keep the plan for other sequences of cells of this description."""
        if self._description is None or self._key is None:
            return
        numbers = {id(tensor): n for n, tensor in enumerate(self._description.tensors)}
        constants = [numbers[id(tensor)] for tensor in self._constants if id(tensor) in numbers]
        if len(constants) == len(self._constants):  # else the step makes tensors of these first
            with _changing:
                _described[self._key] = plan, constants
                if len(_described) > _KEPT:
                    _described.popitem(last=False)

    def whole(
        self, x: Any, state: Any, lengths: Sequence[int] | None, reverse: bool
    ) -> tuple[Tensor, Any]:
        """The outputs and the last state of the whole sequence, by the plan."""
        assert self.plan is not None
        inputs = flat(x)
        course = Course(inputs[0].shape[0], reverse, lengths)
        given = [*inputs, *flat(state), *self._constants]
        y, *last = planned(self.plan, given, course)
        tensors = iter(last)
        return y, each(lambda _: next(tensors), self._new)


def _look(
    trace: Trace, inputs: list[Ref], states: list[Ref], output: Ref, new_states: list[Ref]
) -> _Seen:
    """What the calls of a trace amount to."""
    made = {result for call in trace.calls for result in call.outputs}
    outer = set(range(len(trace.tensors))) - made - {*inputs, *states}
    calls, changing = varying(trace.calls, [*inputs, *states])
    read = [arg for call in calls for arg in call.args if type(arg) is Ref]
    constants = [r for r in dict.fromkeys([*read, output, *new_states]) if r not in changing]
    step = Step(inputs, states, constants, output, new_states)
    given = [trace.tensors[ref] for ref in (*inputs, *states, *constants)]
    needs = _needs(given, range(len(inputs), len(inputs) + len(states)))
    key = *(call.key() for call in trace.calls), repr(step), *map(_kind, given), *needs
    tensors = [trace.tensors[number] for number in sorted(outer)]
    own = [trace.tensors[ref] for ref in constants]
    return _Seen(key, tensors, own, trace, calls, step, needs)


def _kind(tensor: Variable, first: int = 0) -> tuple[Any, ...]:
    """What is told before its values are, of its dimensions from the first on."""
    array = tensor._array
    return array.shape[first:], array.dtype, type(array)


def _described_key(
    description: Description, inputs: Sequence[Variable], states: Sequence[Variable]
) -> tuple[Any, ...]:
    """Equal for sequences that one plan can run."""
    name, tensors = description
    needs = _needs([*inputs, *states, *tensors], range(len(inputs), len(inputs) + len(states)))
    kinds = [*(_kind(x, 1) for x in inputs), *map(_kind, states), *map(_kind, tensors)]
    distinct = [*dict.fromkeys(map(id, tensors))]
    same = [distinct.index(id(tensor)) for tensor in tensors]  # a weight may have two names
    return name, *kinds, *needs, *same


def _needs(tensors: Sequence[Variable], states: range) -> list[bool]:
    """Which get gradients; if any does, the states do, through which they flow."""
    needs = [is_grad_enabled() and current_edge(tensor) is not None for tensor in tensors]
    if any(needs):
        for number in states:
            needs[number] = tensors[number]._array.dtype.kind == "f"
    return needs


def _plan_of(seen: _Seen) -> Plan | None:
    """The plan of a step that was seen twice."""
    with _changing:
        known = _plans.get(seen.key)
        if known is None:
            plan = make_plan(seen.trace, seen.calls, seen.step, seen.needs)
            if plan is None:
                return None
            known = _plans[seen.key] = _Known(plan)
            if len(_plans) > _KEPT:
                _plans.popitem(last=False)
        _plans.move_to_end(seen.key)
        known.outer.append([weakref.ref(tensor) for tensor in seen.outer])
        return known.plan


def _references(things: list[Any]) -> list[int]:
    return [sys.getrefcount(thing) for thing in things]


(_IN_A_LIST,) = _references([object()])  # of what nothing else refers to


def _escaped(trace: Trace, returned: list[int]) -> bool:
    """Whether the step put a tensor that it made somewhere else than into what it `returned` (the
    ids of these tensors): into an attribute, or a list, that is to have it from every step."""
    held = Counter(returned)
    held.update(id(t._view.base) for t in trace.tensors if t._view is not None)
    counts = _references(trace.tensors)
    made = {result for call in trace.calls for result in call.outputs}
    return any(counts[ref] - _IN_A_LIST > held[id(trace.tensors[ref])] for ref in made)


def _apart(tensor: Any) -> Any:
    """Another tensor for the same: one that no step can read from outside, nor meet twice."""
    other = tensor._wrap(tensor._array, current_edge(tensor))
    other._changes, other._view = tensor._changes, tensor._view
    return other


def _same(tensors: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(tensors) == len(others) and all(a is b for a, b in zip(tensors, others, strict=True))


def _alike(new: Any, state: Any) -> bool:
    """Whether two states have the same structure, of tensors of the same kinds."""
    if isinstance(state, tuple | list):
        return (
            isinstance(new, tuple | list)
            and len(new) == len(state)
            and all(_alike(a, b) for a, b in zip(new, state, strict=True))
        )
    return (
        isinstance(new, Tensor)
        and isinstance(state, Tensor)
        and new._array.shape == state._array.shape
        and new._array.dtype == state._array.dtype
    )
