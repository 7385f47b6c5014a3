"""The backward pass: gradients flow through the recorded nodes, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from ..backends import HostScalar, backend_of
from .anomaly import anomaly, check_nan
from .broadcast import sum_to
from .grad_mode import Setting
from .graph import Edge, Extras, Hook, Leaf, Node, Record, Variable
from .primitive import current_edge
from .products import Products, formed

# What has come in for a node so far: the node, and for each of its outputs the sum of the
# gradients and whether it belongs to nobody else, so that more may be added in place.
_Entry = list[Any]


def run(
    roots: Sequence[Variable],
    grads: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[Variable] | None,
    accumulate: bool,
) -> list[Any]:
    """Send `grads` (raw arrays; tensors with create_graph) backward from `roots`.

    With `targets` only their gradients are computed. They are returned (None for a target that
    was not reached) or, with `accumulate`, added to `.grad`, as those of all leaves are if there
    are no targets. Raises RuntimeError if saved values were freed or changed in place.
    """
    if not roots:
        return [None] * len(targets or ())
    owner = roots[0]
    starts: list[Any] = [current_edge(root) for root in roots]
    ends: list[Any] = [current_edge(target) for target in targets or ()]
    wanted: dict[Any, Any] = dict.fromkeys(ends)
    followed = None if targets is None else _leading_to({node for node, _ in ends}, starts)

    checked = anomaly.checked
    # Leaves get their gradients at the very end, all of them: if something fails, none has.
    arrived: list[tuple[Leaf, Any]] = []
    # Nodes wait in the order of their sequence: all gradients for a node come from newer ones.
    waiting: dict[int, _Entry] = {}
    order: list[int] = []  # a heap of their negated sequences
    # The roots get theirs as if they were the results of a node.
    results: Any = zip(starts, grads, strict=True)
    if followed is not None:
        results = [(edge, grad) for edge, grad in results if edge[0] in followed]
    node: Any = None
    g, plain = None, False
    with Setting(create_graph):
        while True:
            for edge, result in results:
                target, index = edge
                shape = target._shapes[index]
                if result.shape != shape:
                    if not node.operation.broadcasts:
                        raise RuntimeError(
                            f"Function {node._name()} returned an invalid gradient at index "
                            f"{node._edges.index(edge)} - got {list(result.shape)} but expected "
                            f"shape compatible with {list(shape)}"
                        )
                    result = sum_to(result, shape=shape)
                if not shape and isinstance(result, HostScalar):
                    xp: Any = backend_of(result)
                    result = xp.asarray(result)
                # A primitive's result may be added to in place if it is neither the incoming
                # gradient itself nor a view of anything, and if no graph was recorded of it.
                fresh = plain and result is not g and result.base is None
                key, place = target._sequence, 2 * index + 1
                if key not in waiting:
                    heappush(order, -key)
                    if len(target._shapes) == 1:
                        waiting[key] = [target, result, fresh]
                        continue
                    waiting[key] = [target] + [None, False] * len(target._shapes)
                entry = waiting[key]
                present = entry[place]
                if type(result) is Products and type(present) is not Products:
                    result = result.value()
                if present is None:
                    entry[place], entry[place + 1] = result, fresh
                elif entry[place + 1]:
                    present += result
                    entry[place] = present  # a number, in place of a 0-d array, is another now
                else:
                    entry[place], entry[place + 1] = present + result, not create_graph
            if not order:
                break
            results = ()
            entry = waiting.pop(-heappop(order))
            node = entry[0]
            if type(entry[1]) is Products:
                entry[1], entry[2] = entry[1].value(), True
            extras = node._extras
            if extras is not None:
                _run_hooks(extras, entry, owner)
            if wanted:
                for index in range(len(node._shapes)):
                    if (node, index) in wanted:
                        wanted[node, index] = _own(entry, index)
            if type(node) is Leaf:
                if node.wanted and (targets is None or (accumulate and (node, 0) in wanted)):
                    arrived.append((node, _for_leaf(node, entry, owner)))
                continue
            edges = node._edges
            if followed is not None:
                edges = [e if e is not None and e[0] in followed else None for e in edges]
                if not any(edges):
                    continue
            g = entry[1] if len(entry) == 3 else tuple(entry[1::2])
            results = node._run(g, edges, owner, create_graph)
            if checked or (extras is not None and extras.hooks):
                results = [(edge, formed(result)) for edge, result in results]
            if checked:
                check_nan(node, results)
            if extras is not None and extras.hooks:
                results = _run_post_hooks([*extras.hooks.values()], edges, results, g, owner)
            plain = type(node) is Record and not create_graph
            if not retain_graph:
                node._free()
    for leaf, total in arrived:
        _accumulate(leaf, total)
    return [wanted[end] for end in ends]


def _leading_to(targets: set[Node], starts: Sequence[Edge]) -> set[Node]:
    """The targets, and the nodes behind `starts` from which one of them can be reached."""
    stack = [node for node, _ in starts]
    seen = set(stack)
    while stack:
        for edge in stack.pop()._edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    leading = set(targets)
    for node in sorted(seen, key=lambda node: node._sequence):
        if any(edge is not None and edge[0] in leading for edge in node._edges):
            leading.add(node)
    return leading


def _own(entry: _Entry, index: int) -> Any:
    """The gradient of an output for keeps: copied if it may be part of another."""
    grad = entry[2 * index + 1]
    if grad is None or isinstance(grad, Variable) or entry[2 * index + 2]:
        return grad
    return grad.copy()


def _run_hooks(extras: Extras, entry: _Entry, owner: Variable) -> None:
    """Hooks of a tensor see its whole gradient, and may return another in its place."""
    node = entry[0]
    for index, hooks in extras.tensor_hooks.items():
        for hook in list(hooks.values()):
            if entry[2 * index + 1] is not None:
                grad = _tensor(entry[2 * index + 1], owner)
                changed = hook(grad)
                if changed is not None:
                    _put(entry, index, grad, changed, hook)
                entry[2 * index + 2] = False  # the hook may have kept it
    for hook in list(extras.pre_hooks.values()):
        grads = tuple(_tensor(grad, owner) for grad in entry[1::2])
        changed = hook(grads)
        if changed is not None:
            changed = changed if isinstance(changed, tuple) else (changed,)
            for index, (before, after) in enumerate(zip(grads, changed, strict=True)):
                _put(entry, index, before, after, hook)
        entry[2::2] = [False] * len(node._shapes)
    for index, leaf in extras.retained.items():
        grad = entry[2 * index + 1]
        if grad is not None:
            grad = grad if isinstance(grad, Variable) else owner._wrap(grad.copy())
            leaf.grad = grad if leaf.grad is None else leaf.grad + grad


def _tensor(grad: Any, owner: Variable) -> Any:
    return grad if grad is None or isinstance(grad, Variable) else owner._wrap(grad)


def _put(entry: _Entry, index: int, before: Any, after: Any, hook: Any) -> None:
    """A gradient that a hook returned, in the place of another."""
    name = getattr(hook, "__name__", hook)
    if not isinstance(after, Variable):
        raise TypeError(f"expected Variable, but hook returned '{type(after).__name__}'")
    old, new = before._array, after._array
    if old.shape != new.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value (was {list(old.shape)} got "
            f"{list(new.shape)})"
        )
    if old.dtype != new.dtype:
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was {old.dtype} got {new.dtype})"
        )
    entry[2 * index + 1] = after if isinstance(entry[2 * index + 1], Variable) else new


def _for_leaf(leaf: Leaf, entry: _Entry, owner: Variable) -> Any:
    """What is to be a leaf's `.grad`, a tensor; or the array to be added to the one it has."""
    grad = entry[1]
    if isinstance(grad, Variable):
        return grad if leaf.grad is None else leaf.grad + grad
    if leaf.grad is None:
        return owner._wrap(grad if entry[2] and grad.flags.c_contiguous else grad.copy())
    return grad


def _accumulate(leaf: Leaf, total: Any) -> None:
    """Give a leaf its gradient: in place, unless the addition itself is recorded."""
    if isinstance(total, Variable):
        leaf.grad = total
    else:
        leaf.grad._array += total
        leaf.grad._changes[0] += 1
    for hook in list(leaf.accumulated_hooks.values()):
        if leaf.variable is not None:
            hook(leaf.variable)


def _run_post_hooks(
    hooks: Sequence[Hook],
    edges: Sequence[Edge | None],
    results: list[tuple[Edge, Any]],
    g: Any,
    owner: Variable,
) -> list[tuple[Edge, Any]]:
    """Hooks of a node see the gradients that came in and those that go out."""
    incoming = tuple(_tensor(grad, owner) for grad in (g if isinstance(g, tuple) else (g,)))
    recorded = any(isinstance(result, Variable) for _, result in results)
    for hook in hooks:
        by_edge = {id(edge): _tensor(result, owner) for edge, result in results}
        changed = hook(tuple(by_edge.get(id(edge)) for edge in edges), incoming)
        if changed is not None:
            changed = changed if isinstance(changed, tuple) else (changed,)
            results = [
                (edge, grad if recorded else grad._array)
                for edge, grad in zip(edges, changed, strict=True)
                if edge is not None and grad is not None
            ]
    return results
