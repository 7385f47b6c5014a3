"""The recorded graph: what is known of a tensor here, and the nodes that gradients flow through.

A node points at the nodes of its inputs, never at its own output, so a graph has no reference
cycles: it is freed at once when the last tensor that leads to it goes away.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .. import dtypes
from ..backends import Array, backend_of
from ..warning import warn
from .edges import (
    GradientEdge as GradientEdge,
    get_gradient_edge as get_gradient_edge,
    increment_version as increment_version,
    register_multi_grad_hook as register_multi_grad_hook,
)
from .handles import RemovableHandle as RemovableHandle, add_hook as add_hook
from .saved import (
    disable_saved_tensors_hooks as disable_saved_tensors_hooks,
    save_on_cpu as save_on_cpu,
    saved_tensors_hooks as saved_tensors_hooks,
)

Hook = Callable[..., Any]
Edge = tuple["Node", int]  # a node and the number of its output
Guard = tuple[list[int], int]  # a counter of changes in place, and where it must stand

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you "
    "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
    "through the graph a second time; in truncated backpropagation, detach the carried state."
)


next_sequence = itertools.count().__next__


class Extras:
    """What only few nodes have.

    Attributes:
        tensor_hooks: for each output, hooks that see its gradient.
        pre_hooks, hooks: see all gradients that come in; those that go out, too.
        retained: for each output with retain_grad, where its gradient is collected.
        trace: the stack of calls that led to the operation, in anomaly mode.
        metadata: what users note.
    """

    def __init__(self) -> None:
        self.tensor_hooks: dict[int, dict[int, Hook]] = {}
        self.pre_hooks: dict[int, Hook] = {}
        self.hooks: dict[int, Hook] = {}
        self.retained: dict[int, Leaf] = {}
        self.trace: list[str] | None = None
        self.metadata: dict[Any, Any] = {}


class Node:
    """One recorded operation: ``tensor.grad_fn``.

    Slots:
        _edges: for each input, where its gradient goes, or None.
        _shapes: the shape of each output.
        _sequence: counts nodes as they are recorded; a node's inputs always have smaller numbers.
        _extras: hooks and the like, None for most.

    >>> node = (torch.ones(2, requires_grad=True) * 2).grad_fn
    >>> node.name(), node.next_functions[0][0].name()
    ('MulBackward0', 'torch::autograd::AccumulateGrad')
    """

    __slots__ = ("_edges", "_extras", "_sequence", "_shapes")

    operation: Any = None
    _edges: Sequence[Edge | None]
    _extras: Extras | None
    _sequence: int
    _shapes: Sequence[tuple[int, ...]]

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each input the node its gradient goes to, and which output of that node it was."""
        return tuple((shown(edge[0]), edge[1]) if edge else (None, 0) for edge in self._edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's notes about the node."""
        return self._with_extras().metadata

    def name(self) -> str:
        """What PyTorch calls the operation: "AddBackward0"."""
        return self._name()

    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self._name().rpartition('::')[2]} object at {id(self):#x}>"

    def _with_extras(self) -> Extras:
        """The node's extras, made when first needed."""
        if self._extras is None:
            self._extras = Extras()
        return self._extras

    def register_prehook(self, fn: Hook) -> RemovableHandle:
        """Call ``fn(grad_outputs)`` before the gradient rules run; what it returns, if anything,
        takes the place of the gradients. Both are tuples with an entry for each output."""
        return add_hook(self._with_extras().pre_hooks, fn)

    def register_hook(self, fn: Hook) -> RemovableHandle:
        """Call ``fn(grad_inputs, grad_outputs)`` after the gradient rules ran; what it returns,
        if anything, takes the place of grad_inputs."""
        return add_hook(self._with_extras().hooks, fn)

    def _run(
        self, g: Any, edges: Sequence[Edge | None], owner: Variable, recorded: bool
    ) -> list[tuple[Edge, Any]]:
        """The gradients that leave along `edges`, those of the node's that are wanted.

        g is the gradient of the output, a tuple for several; all are raw arrays, or tensors if
        the pass itself is `recorded`. `owner` makes tensors.
        """
        raise NotImplementedError

    def _free(self) -> None:
        """Free what was saved for backward."""


class Leaf(Node):
    """The end of the graph at a tensor that the user made: where its gradient is collected.

    It holds the gradient, not the tensor: a tensor owns its leaf, and only a weak reference
    points back.

    Slots:
        grad: the gradient, a tensor.
        wanted: whether the tensor still requires one.
        accumulated_hooks: called with the tensor after each addition to the gradient.
    """

    __slots__ = ("_tensor", "accumulated_hooks", "grad", "wanted")
    _count = itertools.count(1).__next__

    def __init__(self, tensor: Variable) -> None:
        self._edges = ()
        self._extras = None
        self._shapes = (tensor._array.shape,)
        self._sequence = -Leaf._count()  # older than every node
        self._tensor = weakref.ref(tensor)
        self.grad: Any = None
        self.wanted = True
        self.accumulated_hooks: dict[int, Hook] = {}

    @property
    def variable(self) -> Any:
        """The tensor, None if it is gone."""
        return self._tensor()

    def _name(self) -> str:
        return "torch::autograd::AccumulateGrad"


Leaf.__name__ = Leaf.__qualname__ = "AccumulateGrad"  # for programs that draw graphs


class Kept(tuple[Any, ...]):
    """What a forward keeps for its rules beside its inputs, as the last of several outputs: no
    tensor is made of it. The rules get it in place of the output."""

    __slots__ = ()


class Record(Node):
    """A node of a primitive.

    Slots:
        operation: knows the gradient rules and the name.
        saved, output: the values that the rules will read; None after they are freed.
        params: the keyword arguments of the operation.
        guards: a guard for each saved value of a tensor and for a saved output.
        plan: the operation's for the inputs that need gradients.

    `primitive.record` makes it and fills the slots: a call of the class would take longer.
    """

    __slots__ = ("guards", "operation", "output", "params", "plan", "saved")

    saved: Sequence[Any] | None
    output: Any
    params: dict[str, Any]
    guards: list[Guard]
    plan: Any

    def _name(self) -> str:
        name = self.operation.backward_name
        return name(self) if callable(name) else name

    def _run(
        self, g: Any, edges: Sequence[Edge | None], owner: Variable, recorded: bool
    ) -> list[tuple[Edge, Any]]:
        saved, output = self.saved, self.output
        if saved is None:
            raise RuntimeError(FREED)
        for guard in self.guards:
            counter, version = guard
            if counter[0] != version:
                raise self._changed(guard)
        if recorded:
            saved, output = self._as_tensors(owner)
        operation, params = self.operation, self.params
        found = []
        if operation.each:
            two = len(saved) == 2 and not params
            if two:
                a, b = saved
            for i, rule in self.plan.rules:
                edge = edges[i]
                if edge is not None:
                    # Without a star a call takes a fifth of the time
                    result = rule(g, output, a, b) if two else rule(g, output, *saved, **params)
                    found.append((edge, result))
        elif operation.joint is not None:
            needs = [edge is not None for edge in edges]
            results = operation.joint(g, output, *saved, needs=needs, **params)
            for edge, result in zip(edges, results, strict=False):
                if edge is not None and result is not None:
                    if not recorded and any(result is other for _, other in found):
                        result = result.copy()  # each of two inputs needs a gradient of its own
                    found.append((edge, result))
        else:
            for i, edge in enumerate(edges):
                if edge is not None:
                    found.append((edge, operation.common(g, output, i, saved, **params)))
        return found

    def _as_tensors(self, owner: Variable) -> tuple[list[Any], Any]:
        """The saved values as tensors in their places in the graph, for rules that are recorded."""
        saved = [
            owner._wrap(value, edge) if backend_of(value) is not None else value
            for value, edge in zip(self.saved or (), self._edges, strict=True)
        ]
        output = self.output
        if type(output) is Kept:
            return saved, output
        if type(output) is tuple:
            return saved, tuple(owner._wrap(y, (self, i)) for i, y in enumerate(output))
        return saved, None if output is None else owner._wrap(output, (self, 0))

    def _changed(self, guard: Guard) -> RuntimeError:
        values = [
            (value, edge)
            for value, edge in zip(self.saved or (), self._edges, strict=True)
            if backend_of(value) is not None
        ]
        outputs = self.output if type(self.output) is tuple else (self.output,)
        values += [(output, (self, i)) for i, output in enumerate(outputs)]
        return changed_error(guard, *values[self.guards.index(guard)])

    def _free(self) -> None:
        if self.guards:
            self.saved = self.output = None


def shown(node: Node) -> Node:
    """The node for users to see. Programs that draw graphs ask for the name of its class, so the
    class of a primitive's node becomes one of the operation's name then."""
    if type(node) is Record:
        node.__class__ = _class_named(node._name())
    return node


@functools.cache
def _class_named(name: str) -> type[Record]:
    return type(name.rpartition("::")[2], (Record,), {"__slots__": (), "__module__": "builtins"})


def changed_error(guard: Guard, array: Array, edge: Edge | None) -> RuntimeError:
    """The error for a saved value, made where `edge` says, that was changed in place."""
    origin = ""
    if edge is not None and not isinstance(edge[0], Leaf):
        origin = f", which is output {edge[1]} of {edge[0]._name()},"
    kind = f"torch.{dtypes.of_array(array.dtype).scalar_name}Tensor"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{kind} {list(array.shape)}]{origin} is at version {guard[0][0]}; expected "
        f"version {guard[1]} instead. Change a clone() of it, or call backward() first."
    )


class View:
    """How a tensor looks into the memory of another: what in-place changes need to know.

    Attributes:
        base: the tensor that owns the memory, never itself a view.
        edge: the base's edge when this tensor's own edge was made; once the base has another
            (it was changed in place), this tensor's edge is out of date.
        fixed: why autograd can't follow changes of the shared memory, "" if it can.
    """

    __slots__ = ("base", "edge", "fixed")

    IN_NO_GRAD = "it was made in no_grad mode, where the graph does not know that it is a view"
    ONE_OF_SEVERAL = "it is one of several views that one operation returned"
    OF_FUNCTION = "it was made by a Function, whose backward the change would bypass"

    def __init__(self, base: Variable, edge: Edge | None, fixed: str) -> None:
        self.base, self.edge, self.fixed = base, edge, fixed

    def error(self, edge: Edge | None, what: str) -> RuntimeError:
        """The error for a `fixed` view with this edge, and what was done to the memory."""
        subject = "A view was created in no_grad mode and"
        if self.fixed != View.IN_NO_GRAD:
            origin = f"Output {edge[1]} of {edge[0]._name()}" if edge else "A tensor"
            subject = f"{origin} is a view and"
        return RuntimeError(
            f"{subject} {what} modified inplace, which autograd can't follow: {self.fixed}. Use an "
            "operation that is not in place, or change a clone()."
        )


class Variable:
    """What the graph knows of a tensor: its array, and where its gradient goes.

    `Tensor` extends it; operations take Variables and build their results with `_wrap`. A call,
    ``Variable(data, requires_grad=False)``, is PyTorch's old way to put a tensor into the graph: it
    returns a tensor on the same memory. (`volatile`, the `no_grad` of old, only warns.)

    Slots:
        _array: the values.
        _edge: None if no gradient is wanted; (leaf, 0) for a tensor of the user's that requires
            one; (node, number of the output) for the result of a recorded operation.
        _leaf: holds `.grad`, made when first needed.
        _changes: a counter of in-place changes, in a list that all views of the memory share.
        _view: a View if the memory belongs to another tensor.
    """

    __slots__ = ("_array", "_changes", "_edge", "_leaf", "_view")

    _array: Array
    _changes: list[int]
    _edge: Edge | None
    _leaf: Leaf | None
    _view: View | None

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if not isinstance(data, Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile:
            warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")
        return data.detach()  # type: ignore[attr-defined]  # and then its __init__ is called

    def _wrap(self, array: Array, edge: Edge | None = None) -> Any:
        """A new tensor of this array. The class that users hold overrides it."""
        raise NotImplementedError
