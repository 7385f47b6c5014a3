"""Primitives: operations with a forward on raw arrays and one gradient rule per input.

    @primitive
    def mul(xp, input, other):
        return xp.multiply(input, other)

    mul.gradients(lambda g, _y, _a, b: g * b,
                  lambda g, _y, a, _b: g * a)

A rule gets the gradient of the output, the output, the inputs, and the operation's keyword
arguments by name. The *names* of its parameters say what is kept for it until backward:

- `x`: the value of that input (or `y`: of the output); changing it in place before backward is
  then an error,
- `x_shape`: its shape only,
- `_x`: nothing.

Rules are bound when backward runs. They use operators and primitives alone, so the same rule
serves raw arrays (an ordinary backward pass) and tensors (`create_graph=True`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, overload

from ..backends import Array, Backend, backend_of, is_host
from .anomaly import anomaly, trace
from .grad_mode import state
from .graph import Edge, Kept, Record, Variable, View, next_sequence
from .operation import Operation, Rule, numbers
from .packed import PackedRecord
from .saved import innermost, packing
from .synonyms import meant, renamed
from .trace import note, tracing

if TYPE_CHECKING:
    from ..tensor import Tensor

P = ParamSpec("P")
Q = ParamSpec("Q")
_NUMBERS = frozenset((float, int, bool))
_new: Any = object.__new__

REGISTERED: list[Operation] = []  # every primitive; the tests want gradient samples of each


class Primitive(Protocol[P]):
    """The type of a decorated operation: called with tensors, or with raw arrays inside rules."""

    operation: Operation

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Tensor: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Primitive[P]: ...
    @overload
    def __get__(
        self: Primitive[Concatenate[Any, Q]], instance: object, owner: type
    ) -> Callable[Q, Tensor]: ...
    def __get__(self, instance: object, owner: type) -> Any: ...

    def gradients(self, *rules: Rule | None, joint: Rule | None = None) -> None:
        """Declare the gradient rules: one per input (None: it has no gradient); one for all
        inputs of a variadic operation, which gets the number of the input behind the output; or
        `joint`, which gets `needs` (a bool per input) and returns all gradients at once. The
        rules of an operation with several outputs get a tuple g, with None for unused ones."""
        ...


def primitive(
    forward: Callable[Concatenate[Backend, P], Any] | None = None,
    *,
    broadcasts: bool = False,
    view: bool = False,
    prepare: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None = None,
    name: str | Callable[[Record], str] | None = None,
) -> Any:
    """Make an operation of `forward(xp, *inputs, **params)`, which computes on raw arrays.

    Positional parameters are inputs: tensors (differentiable), numbers, or anything else.
    Keyword-only parameters are constants of the operation.

    Args:
        broadcasts: inputs may have other shapes than the output; the engine sums gradients back.
        view: the result may share the first input's memory.
        prepare: turns the inputs into those the forward takes (type promotion). It is not called
            for tensors of one floating dtype, among Python numbers or alone.
        name: PyTorch's name for the nodes, or a function that tells it from a node's `params`;
            by default that of the forward, "MulBackward0".
    """
    if forward is None:
        return functools.partial(
            primitive, broadcasts=broadcasts, view=view, prepare=prepare, name=name
        )
    operation = Operation(forward, broadcasts, view, name)
    names = operation.inputs
    count = 0 if operation.variadic else len(names)
    bound = operation.bound
    convert: Any = prepare

    # One long function: every recorded operation pays for each call made here.
    @functools.wraps(forward)
    def call(*args: Any, _prepared: bool = prepare is None, **params: Any) -> Any:
        if params:
            if operation.write is not None and "out" in params:
                out = params.pop("out")
                return operation.write(operation.name, call(*args, **params), out)
            if len(args) < count:
                for name in names[len(args) :]:  # inputs given by keyword
                    if name in params:
                        args = (*args, params.pop(name))
                if (own := renamed(call, params)) is not None:
                    return call(*args, **own)
        recording = state.enabled and operation.differentiable
        owner: Any = None
        dtype: Any = None
        regular = True
        arrays, edges = [], []
        mask, bit = 0, 1
        for arg in args:
            if isinstance(arg, Variable):
                owner = arg
                array = arg._array
                arrays.append(array)
                if array.dtype is not dtype:
                    regular = regular and dtype is None
                    dtype = array.dtype
                if recording:
                    edge = arg._edge if arg._view is None else current_edge(arg)
                    edges.append(edge)
                    if edge is not None:
                        mask += bit
            else:
                arrays.append(arg)
                edges.append(None)
                if type(arg) not in _NUMBERS:
                    regular = False
            bit += bit
        if owner is None:  # inside a gradient rule
            return _on_arrays(operation, arrays, params)
        if not _prepared and not (regular and dtype.kind == "f"):
            return call(*convert(args), _prepared=True, **params)
        compute = bound.get(type(array)) or operation.bind(array)
        try:
            if not params:
                output = compute(*arrays)
            elif isinstance(output := compute(*arrays, **params), Variable):
                # A tensor came in the place of a number
                return call(*args, _prepared=_prepared, **numbers(params))
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            if (now := meant(call, args, params)) is not None:
                return call(*now[0], _prepared=_prepared, **now[1])
            if not _prepared:  # perhaps a number on the CPU that met tensors of a GPU
                moved = convert(args)
                if moved is not args:
                    return call(*moved, _prepared=True, **params)
            raise operation.explained(args, params, error) from error

        node = edge = None
        if mask:
            node = record(operation, args, arrays, edges, mask, params, output)
            edge = node, 0
        if type(output) is tuple:
            results = _several(owner, output, node, view, args[0])
            if tracing.count:
                note(call, args, params, results)
            return results
        result = owner._wrap(output, edge)
        if view:
            link_view(result, args[0])
        if node is not None and node.output is not None:
            node.guards.append((result._changes, result._changes[0]))
        if tracing.count:
            note(call, args, params, result)
        return result

    REGISTERED.append(operation)
    call.operation = operation  # type: ignore[attr-defined]
    call.gradients = lambda *rules, joint=None: operation.set_rules(rules, joint)  # type: ignore[attr-defined]
    # What inspect.signature and help() show: the forward without its first parameter
    call.__wrapped__ = functools.partial(forward, None)  # type: ignore[arg-type]
    return call


def named(default: str) -> Callable[[Record], str]:
    """The name of the nodes of a primitive that stands for several operations of PyTorch's: what
    its keyword argument `name` says."""
    return lambda node: node.params.get("name", default)


def _on_arrays(operation: Operation, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    for array in arrays:
        xp = backend_of(array)
        if xp is not None:
            try:
                return operation.forward(xp, *arrays, **params)
            except (TypeError, ValueError, OverflowError, AttributeError) as error:
                raise operation.misfit(arrays, error) from error
    kinds = ", ".join(type(a).__name__ for a in arrays)
    raise TypeError(f"{operation.name}(): expected a Tensor among the arguments, got ({kinds})")


def record(
    operation: Operation,
    args: Sequence[Any],
    arrays: Sequence[Any],
    edges: Sequence[Edge | None],
    mask: int,
    params: dict[str, Any],
    output: Any,
) -> Record:
    """The record of an operation: what its rules will read, and where gradients go."""
    plan = operation.plans.get(mask) or operation.plan(mask, len(args))
    node = _new(Record)
    node.operation, node.plan, node.params, node._edges = operation, plan, params, edges
    node._extras, node._sequence = None, next_sequence()
    guards = node.guards = []
    for i in plan.values:
        arg = args[i]
        if isinstance(arg, Variable):
            counter = arg._changes
            guards.append((counter, counter[0]))
    if plan.all_values:
        node.saved = arrays
    elif not plan.kept:
        node.saved = plan.nothing
    else:
        saved: list[Any] = [*plan.nothing]
        node.saved = saved
        for i in plan.values:
            saved[i] = arrays[i]
        for i in plan.shapes:
            saved[i] = getattr(arrays[i], "shape", ())
    if type(output) is not tuple:
        node._shapes = (output.shape,)
    elif output and type(output[-1]) is Kept:
        node._shapes, output = [part.shape for part in output[:-1]], output[-1]
    else:
        node._shapes = [part.shape for part in output]
    node.output = output if plan.output else None
    if anomaly.traced:
        trace(node)
    if packing.count:
        hooks = innermost()
        if hooks is not None:
            node.__class__ = PackedRecord
            node.pack(args, hooks)
    return node


def _several(
    owner: Any, outputs: tuple[Array, ...], node: Record | None, view: bool, source: Any
) -> tuple[Any, ...]:
    """The results of an operation with several outputs."""
    kept = bool(outputs) and type(outputs[-1]) is Kept
    if kept:
        outputs = outputs[:-1]
    if node is None:
        results = tuple([owner._wrap(part) for part in outputs])
    else:
        results = tuple(
            [
                owner._wrap(part, (node, i) if part.dtype.kind == "f" else None)
                for i, part in enumerate(outputs)
            ]
        )
    if view:
        for result in results:
            link_view(result, source, View.ONE_OF_SEVERAL)
    if node is not None and node.output is not None and not kept:
        node.guards += [(result._changes, result._changes[0]) for result in results]
    return results


# ----- views, and what changes in place do to them -----


def link_view(result: Variable, source: Variable, fixed: str = "") -> None:
    """Note that `result` looks into the memory of `source`, if it does."""
    array, memory, owner = result._array, source._array, result._array.base
    if array is not memory and (
        owner is None or (owner is not memory and owner is not memory.base)
    ):
        return
    base = source
    outer = source._view
    if outer is not None:
        base = outer.base
        fixed = fixed or outer.fixed
    if not fixed and not state.enabled:
        fixed = View.IN_NO_GRAD
    result._changes = base._changes
    result._view = View(base, base._edge, fixed)


def current_edge(variable: Variable) -> Edge | None:
    """The variable's edge; for a view of a base that was changed in place, made anew."""
    view = variable._view
    if view is not None:
        edge = view.base._edge
        if edge is not view.edge and edge is not None and view.fixed != View.IN_NO_GRAD:
            if view.fixed:
                what = "its base or another view of its base has been"
                raise view.error(variable._edge, what)
            base, array = view.base._array, variable._array
            params = {"places": places_in(base, array)}
            node = record(_look.operation, (view.base,), (base,), (edge,), 1, params, array)
            variable._edge, view.edge = (node, 0), edge
    return variable._edge


def places_in(base: Array, view: Array) -> Array:
    """For each element of a view the number of the base's element, counted in C order, that is in
    the same place of the memory."""
    xp: Any = backend_of(base)
    at = _offsets(xp, view) + (address(view) - address(base))
    if base.flags.c_contiguous:
        return at // base.itemsize
    offsets = _offsets(xp, base).reshape(-1)
    order = offsets.argsort()
    return order[xp.searchsorted(offsets[order], at)]


def _offsets(xp: Any, array: Array) -> Array:
    """For each element of an array how many bytes it lies behind the first."""
    result = xp.zeros(array.shape, "int64")
    for i, (size, step) in enumerate(zip(array.shape, array.strides, strict=True)):
        result += (xp.arange(size) * step).reshape((size,) + (1,) * (array.ndim - 1 - i))
    return result


def address(array: Array) -> int:
    """Where in memory the first element lies."""
    return array.ctypes.data if is_host(array) else array.data.ptr


@primitive(name="AsStridedBackward0")
def _look(xp: Backend, base: Array, *, places: Array) -> Array:
    """The elements at these places of the flattened base."""
    return base.reshape(-1)[places]


@primitive
def _spread(xp: Backend, values: Array, *, shape: tuple[int, ...], places: Array) -> Array:
    """Zeros with the values added at these places."""
    result = xp.zeros(shape, values.dtype)
    xp.scatter_add(result.reshape(-1), places, values)
    return result


@primitive(name="torch::autograd::CopySlices")
def paste(xp: Backend, base: Array, value: Array, *, places: Array) -> Array:
    """The base with other values at these places."""
    result = base.copy()
    result.reshape(-1)[places] = value
    return result


_look.gradients(lambda g, _y, x_shape, *, places: _spread(g, shape=x_shape, places=places))
_spread.gradients(lambda g, _y, _x, *, shape, places: _look(g, places=places))
paste.gradients(
    lambda g, _y, _b, _v, *, places: paste(g, 0.0, places=places),
    lambda g, _y, _b, _v, *, places: _look(g, places=places),
)


def attach(target: Variable, call: Primitive[...], args: Sequence[Any], **params: Any) -> None:
    """Move the target, whose memory was changed already, behind an operation in the graph."""
    arrays = [a._array if isinstance(a, Variable) else a for a in args]
    edges = [current_edge(a) if isinstance(a, Variable) else None for a in args]
    mask = sum(1 << i for i, edge in enumerate(edges) if edge is not None)
    node = record(call.operation, args, arrays, edges, mask, params, target._array)
    _move(target, (node, 0))


def rebase(target: Variable, edge: Edge | None) -> None:
    """Put the target, whose memory was changed, behind the edge of what was written there. If it
    is a view, the owner of its memory follows, and the view looks into that anew."""
    view = target._view
    if view is None or view.fixed:
        _move(target, edge)
    elif edge is not None or view.base._edge is not None:
        base, old = view.base, target._edge
        places = places_in(base._array, target._array)
        attach(base, paste, (base, target._wrap(target._array, edge)), places=places)
        view.edge = None  # out of date
        new, target._edge = current_edge(target), old
        _move(target, new)


def _move(target: Variable, edge: Edge | None) -> None:
    """Give a tensor that was changed in place its new edge; retain_grad moves along."""
    old = target._edge
    target._edge = edge
    if old is not None and edge is not None and old[0]._extras is not None:
        leaf = old[0]._extras.retained.pop(old[1], None)
        if leaf is not None:
            edge[0]._with_extras().retained[edge[1]] = leaf
