"""`Function`: operations that users write, with a forward and a backward of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..backends import backend_of
from .grad_mode import Setting, state
from .graph import Node, Variable, current_edge


class FunctionCtx:
    """What `forward` leaves for `backward`: saved tensors, and anything set as an attribute."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: Sequence[Any] = ()
        self._dirty: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()
        self._materialize = True
        self._saved: list[Any] = []  # tensors (or None); for an output its number
        self._outputs: tuple[Any, ...] | None = None  # only while backward runs

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for backward, where `saved_tensors` returns them."""
        self._to_save = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs forward changed in place (and returns as outputs)."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that were not used."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        if self._outputs is None:
            raise RuntimeError("saved_tensors can be read in backward only")
        outputs = self._outputs
        return tuple(outputs[s] if isinstance(s, int) else s for s in self._saved)


class _UserOperation:
    """A Function as the graph sees it: an operation with one rule for all gradients."""

    broadcasts = variadic = fresh = False

    def __init__(self, function: type[Function], ctx: FunctionCtx, owner: Variable) -> None:
        self.backward_name = f"{function.__name__}Backward"
        self.function, self.ctx, self.owner = function, ctx, owner

    def joint(self, g: Any, output: Any, *, shapes: Any, like: Any, needs: list[bool]) -> list[Any]:
        grads = g if isinstance(g, tuple) else (g,)
        recorded = any(isinstance(grad, Variable) for grad in grads)
        wrap = self.owner._wrap
        tensors = []
        for grad, shape, (xp, dtype) in zip(grads, shapes, like, strict=True):
            if grad is None and self.ctx._materialize:
                grad = xp.zeros(shape, dtype)
            tensors.append(
                grad if grad is None or isinstance(grad, Variable) else wrap(xp.asarray(grad))
            )
        # The outputs come from the node, which owns them: held by ctx they would be a cycle.
        self.ctx._outputs = tuple(o if isinstance(o, Variable) else wrap(o) for o in output)
        try:
            results = self.function.backward(self.ctx, *tensors)
        finally:
            self.ctx._outputs = None
        results = results if isinstance(results, tuple | list) else (results,)
        extra = results[len(needs) :]
        if len(results) < len(needs) or any(r is not None for r in extra):
            raise RuntimeError(
                f"function {self.backward_name} returned an incorrect number of gradients "
                f"(expected {len(needs)}, got {len(results)})"
            )
        return [r if r is None or recorded else r._array for r in results[: len(needs)]]


class Function:
    """Derive from it, write static `forward(ctx, *args)` and `backward(ctx, *grad_outputs)`, and
    call ``YourFunction.apply(*args)``.

    backward gets a gradient per output and returns one per argument of forward (None for those
    without). If it is written in differentiable operations, so is its result (create_graph).
    Alternatively `forward(*args)` without ctx, and `setup_context(ctx, inputs, output)`.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static forward(ctx, ...) method")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("a Function needs a static backward(ctx, *grad_outputs) method")

    setup_context: Callable[..., None] | None = None

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments, and record it if an argument requires a gradient."""
        edges = [
            current_edge(a) if isinstance(a, Variable) and state.enabled else None for a in args
        ]
        ctx = FunctionCtx(tuple(edge is not None for edge in edges))
        with Setting(False):
            if cls.setup_context is None:
                returned = cls.forward(ctx, *args, **kwargs)
            else:
                returned = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, returned)
        outputs = returned if isinstance(returned, tuple) else (returned,)
        owner = next((a for a in (*args, *outputs) if isinstance(a, Variable)), None)
        if owner is None or not any(edges):
            return returned
        tensors = [o for o in outputs if isinstance(o, Variable)]
        shapes = tuple(o._array.shape for o in tensors)
        params = {
            "shapes": shapes,
            "like": [(backend_of(o._array), o._array.dtype) for o in tensors],
        }
        node = Node(_UserOperation(cls, ctx, owner), tuple(edges), shapes, (), params)
        results: list[Any] = []
        for output in outputs:
            if not isinstance(output, Variable):
                results.append(output)
                continue
            index = sum(isinstance(r, Variable) for r in results)
            constant = any(output is c for c in ctx._constant) or output._array.dtype.kind != "f"
            edge = None if constant else (node, index)
            if any(output is d for d in ctx._dirty):
                output._edge = edge
                output._version[0] += 1
                results.append(output)
            else:
                results.append(owner._wrap(output._array, edge))
        node.output = tuple(r._array for r in results if isinstance(r, Variable))
        node.guards = []
        for tensor in ctx._to_save:
            if isinstance(tensor, Variable):
                number = next((i for i, o in enumerate(tensors) if o is tensor), None)
                ctx._saved.append(tensor if number is None else number)
                node.guards.append((tensor._version, tensor._version[0]))
            else:
                ctx._saved.append(tensor)
        ctx._to_save = ()
        return tuple(results) if isinstance(returned, tuple) else results[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a `backward` that is not itself differentiable: its results are constants."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with Setting(False):
            return backward(ctx, *grads)

    return wrapped
