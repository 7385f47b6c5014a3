"""The backward pass: gradients flow through the recorded nodes, newest first."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..backends import backend_of
from .broadcast import sum_to
from .grad_mode import Setting
from .graph import Edge, Leaf, Node, Variable, current_edge

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


# The gradients that have come in for each node so far: for each output the sum, and whether it
# belongs to nobody else, so that more may be added in place.
_Pending = dict["Node | Leaf", list[Any]]


def _add(slot: list[Any], place: int, grad: Any, fresh: bool) -> None:
    present = slot[place]
    if present is None:
        slot[place], slot[place + 1] = grad, fresh
    elif slot[place + 1]:
        present += grad
        slot[place] = present  # a 0-d array's += may give a new object
    else:
        slot[place], slot[place + 1] = present + grad, not isinstance(grad, Variable)


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
    edges: list[Any] = [current_edge(root) for root in roots]
    nodes = _reachable(edges)
    wanted: dict[Any, Any] = {}
    needed: set[Node | Leaf] | None = None
    if targets is not None:
        wanted = {current_edge(t): None for t in targets if t._edge is not None}
        needed = _leading_to({edge[0] for edge in wanted}, nodes)
    owner = roots[0]
    pending: _Pending = {}
    for (node, index), grad in zip(edges, grads, strict=True):
        _add(pending.setdefault(node, [None, False] * len(node.shapes)), 2 * index, grad, False)

    with Setting(create_graph):
        for node in nodes:
            slot = pending.pop(node, None)
            if slot is None or (needed is not None and node not in needed):
                continue
            if node.hooks:
                _run_hooks(node, slot, owner)
            for index in range(len(node.shapes)) if wanted else ():
                if (node, index) in wanted:
                    wanted[node, index] = slot[2 * index]
            if isinstance(node, Leaf):
                if targets is None or (accumulate and (node, 0) in wanted):
                    _accumulate(node, slot[0], slot[1], owner)
                continue
            if node.retained and (targets is None or accumulate):
                for index, leaf in node.retained.items():
                    if slot[2 * index] is not None:
                        leaf.grad = None
                        _accumulate(leaf, slot[2 * index], False, owner)
            g = slot[0] if len(slot) == 2 else tuple(slot[::2])
            _propagate(node, g, pending, needed, owner, create_graph)
            if node.guards and not retain_graph:
                node.saved = node.output = None
    if targets is None or accumulate:
        return None
    return [None if t._edge is None else wanted[current_edge(t)] for t in targets]


def _propagate(
    node: Node,
    g: Any,
    pending: _Pending,
    needed: set[Node | Leaf] | None,
    owner: Variable,
    create_graph: bool,
) -> None:
    """Run the node's rules and add the results to the gradients of its inputs."""
    operation = node.operation
    for edge, result in _gradients(node, g, needed, owner, create_graph):
        target, index = edge
        shape = target.shapes[index]
        if result.shape != shape:
            if not operation.broadcasts:
                raise RuntimeError(
                    f"Function {node.name()} returned an invalid gradient - got "
                    f"{list(result.shape)} but expected shape compatible with {list(shape)}"
                )
            result = sum_to(result, shape=shape)
        if node.trace is not None:
            _check_nan(node, node.edges.index(edge), result)
        # A result may be added to in place if it is neither the incoming gradient itself nor a
        # view of anything, and if no graph was recorded of it.
        fresh = not create_graph and operation.fresh and result is not g and result.base is None
        slot = pending.get(target)
        if slot is None:
            if len(target.shapes) == 1:
                pending[target] = [result, fresh]
                continue
            slot = pending[target] = [None, False] * len(target.shapes)
        _add(slot, 2 * index, result, fresh)


def _gradients(
    node: Node, g: Any, needed: set[Node | Leaf] | None, owner: Variable, create_graph: bool
) -> list[tuple[Edge, Any]]:
    """The results of those rules whose input wants a gradient, with the edges they go along."""
    saved, output = node.saved, node.output
    if saved is None:
        raise RuntimeError(_FREED)
    for counter, version in node.guards:
        if counter[0] != version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: an input or the output of {node.name()} is at version "
                f"{counter[0]}; expected version {version} instead. Change a clone() of it, or "
                "call backward() first."
            )
    if create_graph:
        saved, output = _as_tensors(node, owner)
    operation, edges, params = node.operation, node.edges, node.params
    if operation.joint is None and not operation.variadic:
        return [
            (edge, rule(g, output, *saved, **params))
            for rule, edge in zip(operation.rules, edges, strict=False)
            if edge is not None and rule is not None and (needed is None or edge[0] in needed)
        ]
    wants = [e is not None and (needed is None or e[0] in needed) for e in edges]
    if operation.joint is not None:
        results = operation.joint(g, output, *saved, needs=wants, **params)
    else:
        rule = operation.rules[0]
        results = [
            rule(g, output, i, saved, **params) if want else None for i, want in enumerate(wants)
        ]
    return [
        (edge, result)
        for edge, want, result in zip(edges, wants, results, strict=False)
        if edge is not None and want and result is not None
    ]


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


def _run_hooks(node: Node | Leaf, slot: list[Any], owner: Variable) -> None:
    """Hooks of a tensor see its whole gradient, and may return another in its place."""
    by_output = {0: node.hooks} if isinstance(node, Leaf) else node.hooks
    for index, hooks in (by_output or {}).items():
        for hook in list(hooks.values()):
            grad = slot[2 * index]
            if grad is None:
                continue
            tensor = grad if isinstance(grad, Variable) else owner._wrap(grad)
            changed = hook(tensor)
            if changed is not None:
                slot[2 * index] = changed if isinstance(grad, Variable) else changed._array
            slot[2 * index + 1] = False  # the hook may have kept it


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
