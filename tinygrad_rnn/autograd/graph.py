"""The recorded graph: what is known of a tensor here, and the nodes that gradients flow through.

A node points at the nodes of its inputs, never at its own output, so a graph has no reference
cycles: it is freed at once when the last tensor that leads to it goes away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..backends import Array
from .grad_mode import Setting

Hook = Callable[[Any], Any]
Edge = tuple["Node | Leaf", int]  # a node and the number of its output


class RemovableHandle:
    """Returned by every register_hook: ``handle.remove()`` takes the hook out again."""

    _number = itertools.count().__next__  # unlike id(self), never given to another handle

    def __init__(self, hooks: dict[int, Any]) -> None:
        self._hooks = hooks
        self.id = self._number()

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(hooks: dict[int, Any], hook: Any) -> RemovableHandle:
    """Store `hook` behind the others and return the handle that removes it."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


class Leaf:
    """The end of the graph at a tensor that the user made: where its gradient is collected.

    It holds the gradient, not the tensor: a tensor owns its leaf, and nothing points back.
    """

    __slots__ = ("accumulated_hooks", "grad", "hooks", "shapes")
    sequence = -1  # older than every node
    next_functions: tuple[tuple[Any, int], ...] = ()

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shapes = (shape,)
        self.grad: Any = None  # a tensor
        self.hooks: dict[int, Hook] = {}
        self.accumulated_hooks: dict[int, Hook] = {}

    def name(self) -> str:
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


_count = itertools.count().__next__


class Node:
    """One recorded operation: ``tensor.grad_fn``.

    Attributes:
        operation: knows the gradient rules and the name.
        edges: for each input, where its gradient goes, or None.
        saved, output: the values that the rules will read; None after they are freed.
        params: the keyword arguments of the operation.
        guards: (version counter, version) of everything saved, to catch changes in place.
        shapes: the shape of each output.
        sequence: counts nodes as they are recorded; a node's inputs always have smaller numbers.
    """

    __slots__ = (
        "__dict__",  # made only for what few nodes have: hooks, retained, trace
        "edges",
        "guards",
        "operation",
        "output",
        "params",
        "saved",
        "sequence",
        "shapes",
    )
    hooks: dict[int, dict[int, Hook]] | None = None  # per output
    retained: dict[int, Leaf] | None = None  # per output, where retain_grad wants it
    trace: list[str] | None = None  # the stack of calls, in anomaly mode

    def __init__(
        self,
        operation: Any,
        edges: Sequence[Edge | None],
        shapes: tuple[tuple[int, ...], ...],
        saved: Sequence[Any],
        params: dict[str, Any],
        output: Any = None,
        guards: list[tuple[list[int], int]] | None = None,
    ) -> None:
        self.operation = operation
        self.edges = edges
        self.shapes = shapes
        self.saved: Sequence[Any] | None = saved
        self.params = params
        self.output = output
        self.guards = guards or []
        self.sequence = _count()

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """For each input the node its gradient goes to, and which output of that node it was."""
        return tuple(edge or (None, 0) for edge in self.edges)

    def name(self) -> str:
        """The operation's name as PyTorch spells it: "AddBackward0"."""
        return self.operation.backward_name

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class View:
    """How a tensor looks into the memory of another: what in-place changes need to know.

    Attributes:
        base: the tensor that owns the memory, never itself a view.
        chain: the operations (call, other arguments, keyword arguments) that lead from base here;
            None if the tensor is one of several outputs, which must not be changed in place.
        edge: the base's edge when this tensor's own edge was made; once the base has another
            (it was changed in place), this tensor's edge is out of date.
    """

    __slots__ = ("base", "chain", "edge")

    def __init__(self, base: Variable, chain: tuple[Any, ...] | None, edge: Edge | None) -> None:
        self.base, self.chain, self.edge = base, chain, edge


class Variable:
    """What the graph knows of a tensor: its array, and where its gradient goes.

    `Tensor` extends it; operations take Variables and build their results with `_wrap`.

    Slots:
        _array: the values.
        _edge: None if no gradient is wanted; (leaf, 0) for a tensor of the user's that requires
            one; (node, number of the output) for the result of a recorded operation.
        _leaf: holds `.grad`, made when first needed.
        _version: a counter of in-place changes, in a list that all views of the memory share.
        _view: a View if the memory belongs to another tensor.
    """

    __slots__ = ("_array", "_edge", "_leaf", "_version", "_view")

    _array: Array
    _edge: Edge | None
    _leaf: Leaf | None
    _version: list[int]
    _view: View | None

    def _wrap(self, array: Array, edge: Edge | None = None) -> Any:
        """A new tensor of this array. The class that users hold overrides it."""
        raise NotImplementedError


def current_edge(variable: Variable) -> Edge | None:
    """The variable's edge; for a view of a base that was changed in place, made anew."""
    view = variable._view
    if view is not None and view.base._edge is not view.edge and view.chain is not None:
        replayed: Any = view.base
        with Setting(True):
            for call, args, params in view.chain:
                replayed = call(replayed, *args, **params)
        variable._edge, view.edge = replayed._edge, view.base._edge
    return variable._edge
