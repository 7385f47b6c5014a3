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
        prepare: is called on the inputs first if any is a tensor (type promotion).
    """
    if forward is None:
        return functools.partial(primitive, broadcasts=broadcasts, view=view, prepare=prepare)
    operation = Operation(forward, broadcasts=broadcasts)
    names = operation.inputs

    @functools.wraps(forward)
    def call(*args: Any, **params: Any) -> Any:
        if params and not operation.variadic:
            for name in names[len(args) :]:  # inputs given by keyword
                if name in params:
                    args = (*args, params.pop(name))
        owner = None
        arrays = []
        for arg in args:
            if isinstance(arg, Variable):
                owner = arg
                arrays.append(arg._array)
            else:
                arrays.append(arg)
        if owner is None:  # inside a gradient rule
            return _on_arrays(operation, arrays, params)
        if prepare is not None:
            prepared = prepare(args)
            if prepared is not args:
                args = prepared
                arrays = [a._array if isinstance(a, Variable) else a for a in args]
        xp: Any = backend_of(owner._array)
        try:
            output = forward(xp, *arrays, **params)
        except (TypeError, ValueError) as error:
            raise _explained(operation, args, error) from error
        return _record(operation, call, args, arrays, params, output, owner, view)

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


def _record(
    operation: Operation,
    call: Callable[..., Any],
    args: Sequence[Any],
    arrays: Sequence[Any],
    params: dict[str, Any],
    output: Any,
    owner: Variable,
    view: bool,
) -> Any:
    """Wrap the output, and add a node to the graph if an input wants a gradient."""
    mask = 0
    edges: Sequence[Any] = ()
    if state.enabled and operation._reads:
        edges = [
            (arg._edge if arg._view is None else current_edge(arg))
            if isinstance(arg, Variable)
            else None
            for arg in args
        ]
        for i, edge in enumerate(edges):
            if edge is not None:
                mask |= 1 << i
    multiple = type(output) is tuple
    if not mask:
        if not multiple:
            result = owner._wrap(output)
            if view:
                _link_view(result, args, params, call, output)
            return result
        results = tuple(owner._wrap(array) for array in output)
        if view:
            for result in results:
                _link_view(result, args, params, None, result._array)
        return results

    kept_of_output, kept = operation.plan(mask, len(args))
    saved = []
    guards = []
    for arg, array, keep in zip(args, arrays, kept, strict=True):
        if keep == _VALUE:
            saved.append(array)
            if isinstance(arg, Variable):
                counter = arg._version
                guards.append((counter, counter[0]))
        else:
            saved.append(getattr(array, "shape", ()) if keep == _SHAPE else None)
    shapes = tuple([a.shape for a in output]) if multiple else (output.shape,)
    node = Node(operation, tuple(edges), shapes, tuple(saved), params)
    if state.anomaly:
        node.trace = traceback.format_stack()[:-2]
    if not multiple:
        result = owner._wrap(output, (node, 0))
        if view:
            _link_view(result, args, params, call, output)
        results = (result,)
    else:
        results = tuple(
            owner._wrap(array, (node, i) if array.dtype.kind == "f" else None)
            for i, array in enumerate(output)
        )
        if view:
            for r in results:
                _link_view(r, args, params, None, r._array)
    if kept_of_output:
        node.output = output
        guards += [(r._version, r._version[0]) for r in results]
    node.guards = guards
    return results if multiple else result


def attach(
    target: Variable, call: Callable[..., Any], args: Sequence[Any], params: dict[str, Any]
) -> None:
    """Move the target, whose memory was changed already, behind an operation in the graph."""
    arrays = [a._array if isinstance(a, Variable) else a for a in args]
    operation = call.operation  # type: ignore[attr-defined]
    result = _record(operation, call, args, arrays, params, target._array, target, False)
    target._edge = result._edge


def _link_view(
    result: Variable,
    args: Sequence[Any],
    params: dict[str, Any],
    call: Callable[..., Any] | None,
    array: Array,
) -> None:
    """Note that `result` looks into the memory of the first input, if it does."""
    source = args[0]
    if _owner(array) is not _owner(source._array):
        return
    outer = source._view
    if outer is None:
        base, chain = source, ()
    else:
        base, chain = outer.base, outer.chain
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
    strange = [a for a in args if not isinstance(a, Variable | int | float | bool | type(None))]
    if isinstance(error, TypeError) and strange:
        name = operation.inputs[min(args.index(strange[0]), len(operation.inputs) - 1)]
        kind = type(strange[0])
        return TypeError(
            f"{operation.name}(): argument '{name}' must be Tensor or Number, "
            f"not {kind.__module__.removeprefix('builtins').lstrip('.') or ''}"
            f"{'.' if kind.__module__ != 'builtins' else ''}{kind.__name__}"
        )
    shapes = " and ".join(str(tuple(a._array.shape)) for a in tensors)
    kind = TypeError if isinstance(error, TypeError) else RuntimeError
    return kind(f"{operation.name}(): {error} (inputs of shape {shapes})")
