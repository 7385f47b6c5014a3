"""The backward pass: gradients flow through the recorded nodes, newest first."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..backends import backend_of
from .broadcast import sum_to
from .grad_mode import _Setting, state
from .graph import Edge, Leaf, Node, Variable

_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you "
    "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
    "through the graph a second time; in truncated backpropagation, detach the carried state."
)


def _reachable(roots: Sequence[Edge]) -> list[Node | Leaf]:
    """All nodes that the roots depend on, newest first: an order in which a node comes before
    the nodes of its inputs, since those were recorded earlier."""
    stack: list[Node | Leaf] = [node for node, _ in roots]
    seen = set(stack)
    found = []
    while stack:
        node = stack.pop()
        found.append(node)
        if type(node) is Node:
            for edge in node.edges:
                if edge is not None and edge[0] not in seen:
                    seen.add(edge[0])
                    stack.append(edge[0])
    found.sort(key=lambda node: node.sequence, reverse=True)
    return found


def _leading_to(targets: set[Node | Leaf], nodes: Sequence[Node | Leaf]) -> set[Node | Leaf]:
    """Those of `nodes` (newest first) from which a target can be reached."""
    needed = set(targets)
    for node in reversed(nodes):
        if type(node) is Node and any(e is not None and e[0] in needed for e in node.edges):
            needed.add(node)
    return needed


class _Pending:
    """The gradients of a node's outputs, summed as they come in.

    `owned` says that the array belongs to nobody else, so that more may be added in place.
    """

    __slots__ = ("grads", "owned")

    def __init__(self, count: int) -> None:
        self.grads: list[Any] = [None] * count
        self.owned = [False] * count

    def add(self, index: int, grad: Any, fresh: bool) -> None:
        present = self.grads[index]
        if present is None:
            self.grads[index], self.owned[index] = grad, fresh
        elif self.owned[index]:
            present += grad
            self.grads[index] = present  # a 0-d array's += may give a new object
        else:
            self.grads[index], self.owned[index] = present + grad, not isinstance(grad, Variable)


def run(
    roots: Sequence[Variable],
    grads: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[Variable] | None,
    accumulate: bool,
) -> list[Any] | None:
    """Send `grads` (raw arrays; tensors with create_graph) backward from `roots`.

    With `targets` only their gradients are computed. They are returned (None for a target that
    was not reached) or, with `accumulate`, added to `.grad`, as those of all leaves are if there
    are no targets. Raises RuntimeError if saved values were freed or changed in place.
    """
    edges: list[Any] = [root._edge for root in roots]
    nodes = _reachable(edges)
    wanted: dict[Edge, Any] = {}
    needed: set[Node | Leaf] | None = None
    if targets is not None:
        wanted = {t._edge: None for t in targets if t._edge is not None}
        needed = _leading_to({edge[0] for edge in wanted}, nodes)
    owner = roots[0]
    pending: dict[Node | Leaf, _Pending] = {}
    for (node, index), grad in zip(edges, grads, strict=True):
        pending.setdefault(node, _Pending(len(node.shapes))).add(index, grad, False)

    with _Setting(create_graph):
        for node in nodes:
            arrived = pending.pop(node, None)
            if arrived is None or (needed is not None and node not in needed):
                continue
            if node.hooks:
                _run_hooks(node, arrived, owner)
            for index in range(len(node.shapes)) if wanted else ():
                if (node, index) in wanted:
                    wanted[node, index] = arrived.grads[index]
            if type(node) is Leaf:
                if targets is None or (accumulate and (node, 0) in wanted):
                    _accumulate(node, arrived.grads[0], arrived.owned[0], owner)
                continue
            if node.retained and accumulate:
                for index, leaf in node.retained.items():
                    if arrived.grads[index] is not None:
                        leaf.grad = None
                        _accumulate(leaf, arrived.grads[index], False, owner)
            g = arrived.grads[0] if len(arrived.grads) == 1 else tuple(arrived.grads)
            _propagate(node, g, pending, needed, owner, create_graph)
            if node.guards and not retain_graph:
                node.saved = node.output = None
    if targets is None or accumulate:
        return None
    return [wanted[t._edge] if t._edge is not None else None for t in targets]


def _propagate(
    node: Node,
    g: Any,
    pending: dict[Node | Leaf, _Pending],
    needed: set[Node | Leaf] | None,
    owner: Variable,
    create_graph: bool,
) -> None:
    """Run the node's rules and add the results to the gradients of its inputs."""
    operation = node.operation
    saved = node.saved
    output = node.output
    if saved is None:
        raise RuntimeError(_FREED)
    for counter, version in node.guards or ():
        if counter[0] != version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: an input or the output of {node.name()} is at version "
                f"{counter[0]}; expected version {version} instead. Change a clone() of it, or "
                "call backward() first."
            )
    if create_graph:
        saved, output = _as_tensors(node, owner)
    edges = node.edges
    wants = [e is not None and (needed is None or e[0] in needed) for e in edges]
    if operation.joint is not None:
        results = operation.joint(g, output, *saved, needs=wants, **node.params)
    elif operation.variadic:
        rule = operation.rules[0]
        results = [
            rule(g, output, i, saved, **node.params) if want else None
            for i, want in enumerate(wants)
        ]
    else:
        results = [
            rule(g, output, *saved, **node.params) if want else None
            for rule, want in zip(operation.rules, wants, strict=False)
        ]
    for i, (edge, result) in enumerate(zip(edges, results, strict=False)):
        if result is None or not wants[i]:
            continue
        target, index = edge  # type: ignore[misc]
        shape = target.shapes[index]
        if tuple(result.shape) != shape:
            if not operation.broadcasts:
                raise RuntimeError(
                    f"Function {node.name()} returned an invalid gradient at index {i} - got "
                    f"{list(result.shape)} but expected shape compatible with {list(shape)}"
                )
            result = sum_to(result, shape=shape)
        if state.anomaly:
            _check_nan(node, i, result)
        # A result is free to be added to in place if it is neither the incoming gradient itself
        # nor a view of anything, and if no graph was recorded of it.
        fresh = not create_graph and result is not g and getattr(result, "base", 0) is None
        slot = pending.get(target)
        if slot is None:
            slot = pending[target] = _Pending(len(target.shapes))
        slot.add(index, result, fresh and operation.fresh)


def _as_tensors(node: Node, owner: Variable) -> tuple[list[Any], Any]:
    """The saved values as tensors in their places in the graph, for rules that are recorded."""
    saved = [
        owner._wrap(value, edge) if backend_of(value) is not None else value
        for value, edge in zip(node.saved or (), node.edges, strict=True)
    ]
    output = node.output
    if type(output) is tuple:
        return saved, tuple(owner._wrap(y, (node, i)) for i, y in enumerate(output))
    return saved, None if output is None else owner._wrap(output, (node, 0))


def _run_hooks(node: Node | Leaf, arrived: _Pending, owner: Variable) -> None:
    """Hooks of a tensor see its whole gradient, and may return another in its place."""
    by_output = {0: node.hooks} if type(node) is Leaf else node.hooks
    for index, hooks in by_output.items():  # type: ignore[union-attr]
        for hook in list(hooks.values()):  # type: ignore[union-attr]
            grad = arrived.grads[index]
            if grad is None:
                continue
            tensor = grad if isinstance(grad, Variable) else owner._wrap(grad)
            changed = hook(tensor)
            if changed is not None:
                arrived.grads[index] = changed if isinstance(grad, Variable) else changed._array
            arrived.owned[index] = False  # the hook may have kept it


def _accumulate(leaf: Leaf, grad: Any, owned: bool, owner: Variable) -> None:
    """Add to a leaf's `.grad`: in place, unless the addition itself is recorded."""
    if isinstance(grad, Variable):
        leaf.grad = grad if leaf.grad is None else leaf.grad + grad
    elif leaf.grad is None:
        leaf.grad = owner._wrap(grad if owned else grad.copy())
    else:
        leaf.grad._array += grad
        leaf.grad._version[0] += 1
    for hook in list(leaf.accumulated_hooks.values()):
        hook(leaf)


def _check_nan(node: Node, index: int, result: Any) -> None:
    array = result._array if isinstance(result, Variable) else result
    xp: Any = backend_of(array)
    if bool(xp.isnan(array).any()):
        if node.trace:
            warnings.warn(
                f"Error detected in {node.name()}. Traceback of forward call that caused the "
                f"error:\n{''.join(node.trace)}",
                stacklevel=2,
            )
        raise RuntimeError(f"Function '{node.name()}' returned nan values in its {index}th output.")
