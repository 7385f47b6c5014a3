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
import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, overload

from ..backends import Array, Backend, backend_of, device_of
from .grad_mode import state
from .graph import Node, Variable, View, current_edge

if TYPE_CHECKING:
    from ..tensor import Tensor

P = ParamSpec("P")
Q = ParamSpec("Q")
Rule = Callable[..., Any]
_NOTHING, _VALUE, _SHAPE = range(3)
_NUMBERS = frozenset((float, int, bool))
REGISTERED: list[Operation] = []  # every primitive; the tests want gradient samples of each


def _kept_for(parameter: str) -> int:
    if parameter.startswith("_"):
        return _NOTHING
    return _SHAPE if parameter.endswith("_shape") else _VALUE


class Operation:
    """What the graph knows of a primitive: its name, its forward and its gradient rules."""

    fresh = True  # gradients belong to nobody else, unless they are the incoming one or a view

    def __init__(self, forward: Callable[..., Any], *, broadcasts: bool) -> None:
        self.name = forward.__name__.strip("_")
        words = self.name.split("_")
        self.backward_name = "".join(w.capitalize() for w in words) + "Backward0"
        self.forward = forward
        self.broadcasts = broadcasts
        parameters = list(inspect.signature(forward).parameters.values())[1:]
        self.inputs = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.rules: Sequence[Rule | None] = ()
        self.joint: Rule | None = None
        self._reads: list[list[int]] = []  # per rule: what it reads of the output and the inputs
        self._plans: dict[int, tuple[int, Sequence[int]]] = {}

    def set_rules(self, rules: Sequence[Rule | None], joint: Rule | None) -> None:
        self.rules, self.joint = rules, joint
        skipped = 3 if self.variadic else 2  # (g, y, ...) or (g, y, number of the input, ...)
        for rule in [joint] if joint else rules:
            names = [
                p.name
                for p in (inspect.signature(rule).parameters.values() if rule else ())
                if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD
            ]
            self._reads.append([_kept_for(name) for name in names[1:2] + names[skipped:]])
            if rule and len(self._reads[-1]) != 1 + len(self.inputs):
                raise TypeError(f"{self.name}: a rule takes (g, output, *inputs, *, params)")
        for column in zip(*filter(None, self._reads), strict=True):
            if {_VALUE, _SHAPE} <= set(column):
                raise TypeError(f"{self.name}: one rule reads an input's value, another its shape")

    def plan(self, mask: int, count: int) -> tuple[int, Sequence[int]]:
        """What to keep of the output and of each of the `count` inputs if those in the bit set
        `mask` need gradients."""
        if self.variadic:
            output, each = self._reads[0]
            return output, [each] * count
        if mask not in self._plans:
            reads = (
                self._reads
                if self.joint
                else [r for i, r in enumerate(self._reads) if mask >> i & 1 and r]
            )
            columns = [max(column) for column in zip(*reads, strict=True)]
            columns = columns or [_NOTHING] * (count + 1)
            self._plans[mask] = columns[0], columns[1:]
        return self._plans[mask]


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
) -> Any:
    """Make an operation of `forward(xp, *inputs, **params)`, which computes on raw arrays.

    Positional parameters are inputs: tensors (differentiable), numbers, or anything else.
    Keyword-only parameters are constants of the operation.

    Args:
        broadcasts: inputs may have other shapes than the output; the engine sums gradients back.
        view: the result may share the first input's memory.
        prepare: turns the inputs into those the forward takes (type promotion). It is not called
            for tensors of one floating dtype, among Python numbers or alone.
    """
    if forward is None:
        return functools.partial(primitive, broadcasts=broadcasts, view=view, prepare=prepare)
    operation = Operation(forward, broadcasts=broadcasts)
    names = operation.inputs

    # One long function: every recorded operation pays for each call made here.
    @functools.wraps(forward)
    def call(*args: Any, _prepared: bool = prepare is None, **params: Any) -> Any:
        if params and not operation.variadic:
            for name in names[len(args) :]:  # inputs given by keyword
                if name in params:
                    args = (*args, params.pop(name))
        owner: Any = None
        arrays = []
        edges = []
        mask, bit = 0, 1
        dtype, regular = None, True
        for arg in args:
            if isinstance(arg, Variable):
                owner = arg
                array = arg._array
                arrays.append(array)
                if array.dtype is not dtype:
                    regular = dtype is None
                    dtype = array.dtype
                edge = arg._edge if arg._view is None else current_edge(arg)
                edges.append(edge)
                if edge is not None:
                    mask |= bit
            else:
                arrays.append(arg)
                edges.append(None)
                if type(arg) not in _NUMBERS:
                    regular = False
            bit <<= 1
        if owner is None:  # inside a gradient rule
            return _on_arrays(operation, arrays, params)
        if not _prepared and not (regular and dtype.kind == "f"):  # type: ignore[union-attr]
            return call(*prepare(args), _prepared=True, **params)
        xp: Any = backend_of(owner._array)
        try:
            output = forward(xp, *arrays, **params)
        except (TypeError, ValueError) as error:
            raise _explained(operation, args, error) from error

        if not mask or not state.enabled or not operation._reads:
            if not view and type(output) is not tuple:
                return owner._wrap(output)
            return _results(owner, output, None, call if view else None, args, params)
        node = _node(operation, args, arrays, edges, mask, params, output)
        if not view and type(output) is not tuple:
            result = owner._wrap(output, (node, 0))
            if node.output is not None:
                node.guards.append((result._version, 0))
            return result
        return _results(owner, output, node, call if view else None, args, params)

    REGISTERED.append(operation)
    call.operation = operation  # type: ignore[attr-defined]
    call.gradients = lambda *rules, joint=None: operation.set_rules(rules, joint)  # type: ignore[attr-defined]
    del call.__wrapped__  # type: ignore[attr-defined]
    call.__signature__ = _public_signature(forward)  # type: ignore[attr-defined]
    return call


def _public_signature(forward: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(forward)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _on_arrays(operation: Operation, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    for array in arrays:
        xp = backend_of(array)
        if xp is not None:
            return operation.forward(xp, *arrays, **params)
    kinds = ", ".join(type(a).__name__ for a in arrays)
    raise TypeError(f"{operation.name}(): expected a Tensor among the arguments, got ({kinds})")


def _node(
    operation: Operation,
    args: Sequence[Any],
    arrays: Sequence[Any],
    edges: Sequence[Any],
    mask: int,
    params: dict[str, Any],
    output: Any,
) -> Node:
    """The record of an operation: what its rules will read, and where gradients go."""
    kept_of_output, kept = operation.plan(mask, len(args))
    saved: list[Any] = []
    guards = []
    for arg, array, keep in zip(args, arrays, kept, strict=True):
        if keep == _VALUE:
            saved.append(array)
            if isinstance(arg, Variable):
                counter = arg._version
                guards.append((counter, counter[0]))
        else:
            saved.append(getattr(array, "shape", ()) if keep == _SHAPE else None)
    shapes = tuple([part.shape for part in output]) if type(output) is tuple else (output.shape,)
    node = Node(operation, edges, shapes, saved, params, output if kept_of_output else None, guards)
    if state.anomaly:
        node.trace = traceback.format_stack()[:-3]
    return node


def _results(
    owner: Any,
    output: Any,
    node: Node | None,
    view: Callable[..., Any] | None,
    args: Sequence[Any],
    params: dict[str, Any],
) -> Any:
    """The results of an operation with several outputs, or of a view."""
    outputs = output if type(output) is tuple else (output,)
    results = tuple(
        owner._wrap(part, (node, i) if node is not None and part.dtype.kind == "f" else None)
        for i, part in enumerate(outputs)
    )
    if view is not None:
        for result in results:
            _link_view(result, args, params, None if type(output) is tuple else view)
    if node is not None and node.output is not None:
        node.guards += [(result._version, result._version[0]) for result in results]
    return results if type(output) is tuple else results[0]


def attach(
    target: Variable, call: Callable[..., Any], args: Sequence[Any], params: dict[str, Any]
) -> None:
    """Move the target, whose memory was changed already, behind an operation in the graph."""
    arrays = [a._array if isinstance(a, Variable) else a for a in args]
    edges = [current_edge(a) if isinstance(a, Variable) else None for a in args]
    mask = sum(1 << i for i, edge in enumerate(edges) if edge is not None)
    operation = call.operation  # type: ignore[attr-defined]
    target._edge = (_node(operation, args, arrays, edges, mask, params, target._array), 0)


def _link_view(
    result: Variable,
    args: Sequence[Any],
    params: dict[str, Any],
    call: Callable[..., Any] | None,
) -> None:
    """Note that `result` looks into the memory of the first input, if it does."""
    source = args[0]
    if _owner(result._array) is not _owner(source._array):
        return
    outer = source._view
    base = source if outer is None else outer.base
    chain = () if outer is None else outer.chain
    if chain is not None:
        chain = None if call is None else (*chain, (call, args[1:], params))
    result._version = base._version
    result._view = View(base, chain, base._edge)


def _owner(array: Array) -> Any:
    base = array.base
    return array if base is None else base


def _explained(operation: Operation, args: Sequence[Any], error: Exception) -> Exception:
    """The array library's complaint as PyTorch's kind of error, with the shapes that met."""
    tensors = [a for a in args if isinstance(a, Variable)]
    places = {str(device_of(a._array)) for a in tensors}
    if len(places) > 1:
        return RuntimeError(
            f"{operation.name}(): expected all tensors to be on the same device, but found at "
            f"least two devices, {' and '.join(sorted(places))}; move one with .to(device)"
        )
    strange = [
        (name, type(arg))
        for name, arg in zip(operation.inputs, args, strict=False)
        if not isinstance(arg, Variable | int | float | bool | type(None))
    ]
    if isinstance(error, TypeError) and strange:
        name, kind = strange[0]
        return TypeError(
            f"{operation.name}(): argument '{name}' must be Tensor or Number, not {kind.__name__}"
        )
    shapes = " and ".join(str(tuple(a._array.shape)) for a in tensors)
    return RuntimeError(f"{operation.name}(): {error} (inputs of shape {shapes})")
