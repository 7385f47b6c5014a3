"""Places in the graph, apart from the tensors there: edges, and hooks that wait for several."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .handles import RemovableHandle, _MultiHandle
from .users import given_to

if TYPE_CHECKING:
    from ..tensor import Tensor
    from .graph import Node


class GradientEdge(NamedTuple):
    """Where in the graph the gradient of a tensor is computed: `autograd.grad` and
    `autograd.backward` take it in the place of the tensor, whose values need not be kept.

    Attributes:
        node: the operation that made the tensor; of a leaf, what collects its gradient.
        output_nr: which of the node's outputs it was.
        ownership_token: an empty tensor of its dtype and device, or None.

    >>> y = torch.ones(2, requires_grad=True) * 3
    >>> torch.autograd.graph.GradientEdge(y.grad_fn, 0).node.name()
    'MulBackward0'
    """

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor, of any shape, is computed. Raises RuntimeError if it requires
    none.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> edge = torch.autograd.graph.get_gradient_edge(y := x * 3)
    >>> torch.autograd.grad((y * y).sum(), edge)
    (tensor([ 6., 12.]),)
    """
    if not hasattr(tensor, "requires_grad"):
        kind = type(tensor).__name__
        raise TypeError(f"get_gradient_edge(): argument 'tensor' must be Tensor, not {kind}")
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    node: Any = tensor.grad_fn  # of a view that is out of date, made anew
    edge: Any = tensor._edge
    return GradientEdge(node or edge[0], edge[1], tensor.new_empty(0))


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Say that a tensor, or each of several, of any shape, was changed in place by what autograd
    does not see: backward then refuses to use its values.

    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    if not hasattr(tensor, "_changes") and not isinstance(tensor, Iterable):
        raise RuntimeError(
            "increment_version expect a Iterable[Tensor] as input, got " + type(tensor).__name__
        )
    for one in (tensor,) if hasattr(tensor, "_changes") else tensor:
        if not hasattr(one, "_changes"):
            raise RuntimeError(
                "increment_version expects each element of the iterable to be a tensor, got "
                + type(one).__name__
            )
        one._changes[0] += 1


# ----- hooks for several tensors -----


class _Running(threading.local):
    now: Pass | None = None


_running = _Running()


class Pass:
    """A backward pass, while it runs: a context.

    Args:
        roots: where it starts.
        targets: whose gradients are wanted, None for those of all leaves.

    Attributes:
        notes: what hooks keep until it ends.
    """

    def __init__(self, roots: Sequence[Any], targets: Sequence[Any] | None) -> None:
        self._roots, self._targets = roots, targets
        self.notes: dict[Any, Any] = {}

    def __enter__(self) -> None:
        self._outer, _running.now = _running.now, self

    def __exit__(self, *exception: object) -> None:
        _running.now = self._outer

    def nodes(self) -> set[Any]:
        """The nodes that gradients come to."""
        stack = [root._edge[0] for root in self._roots]
        seen = set(stack)
        while stack:
            new = [e[0] for e in stack.pop()._edges if e is not None and e[0] not in seen]
            seen.update(new)
            stack += new
        if self._targets is None:
            return seen
        wanted = {target._edge[0] for target in self._targets} & seen
        for node in sorted(seen, key=lambda node: node._sequence):
            if any(edge is not None and edge[0] in wanted for edge in node._edges):
                wanted.add(node)
        return wanted


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` in each backward pass that comes to one of `tensors`, of any shapes.

    Args:
        mode: "all" calls ``fn(gradients)``, a list with one for each tensor, None for those that
            the pass does not come to, when all of them are known; "any" calls ``fn(gradient)``
            with the first.

    Raises RuntimeError for a tensor that requires no gradient (with "any" it is passed over), and
    ValueError for another mode.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * 3
    >>> handle = torch.autograd.graph.register_multi_grad_hook([x, y], print)
    >>> y.sum().backward()
    [tensor([3., 3.]), tensor([1., 1.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    several = isinstance(tensors, Iterable)
    for x in tensors if several else [tensors]:
        if not several or not hasattr(x, "requires_grad"):
            kind = type(x).__name__
            raise TypeError(f"register_multi_grad_hook(): expected several Tensors, got {kind}")
    key = object()

    def first(gradient: Any) -> None:
        notes = _notes()
        if key not in notes:
            notes[key] = True
            given_to(fn, "a hook", gradient)

    if mode == "any":
        return _MultiHandle([x.register_hook(first) for x in tensors if x.requires_grad])

    def part(i: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            notes = _notes()
            if key not in notes:
                assert _running.now is not None
                coming = _running.now.nodes()
                notes[key] = [sum(edge.node in coming for edge in edges), [None] * len(edges)]
            notes[key][0] -= 1
            notes[key][1][i] = gradient
            if notes[key][0] == 0:
                given_to(fn, "a hook", notes[key][1])

        return hook

    edges = [get_gradient_edge(x) for x in tensors]
    return _MultiHandle([x.register_hook(part(i)) for i, x in enumerate(tensors)])


def _notes() -> dict[Any, Any]:
    assert _running.now is not None, "hooks of tensors are called in a backward pass alone"
    return _running.now.notes
