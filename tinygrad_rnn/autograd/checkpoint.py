"""`checkpoint`: memory for time. What backward needs of a function is computed again, not kept.

The function runs as usual, and is recorded. Then what its nodes saved is thrown away. When backward
comes to the first of them the function runs again, and the nodes get the values of the twins that
this makes. So the graph is an ordinary one: gradients of any order, with respect to anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..backends.generator import default_generator
from .grad_mode import is_grad_enabled, set_grad_enabled
from .graph import FREED, Edge, Node, Record, Variable, next_sequence
from .hints import told
from .primitive import current_edge

Contexts = Callable[[], tuple[Any, Any]]


class CheckpointError(RuntimeError):
    """A function did other operations when it ran again than it did at first.

    >>> issubclass(torch.utils.checkpoint.CheckpointError, RuntimeError)
    True
    """


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: the default of `checkpoint`.

    >>> len(torch.utils.checkpoint.noop_context_fn())
    2
    """
    return contextlib.nullcontext(), contextlib.nullcontext()


@told
def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Contexts = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, without keeping what backward will need: it runs again then.

    Args:
        function: of tensors or anything else; it must do the same when it runs again. It may use
            parameters of modules.
        use_reentrant: for PyTorch's signature. Both kinds behave as use_reentrant=False there.
        context_fn: returns two context managers, one for each run.
        determinism_check: "default" compares the shapes of both runs, "none" does not.
        debug, early_stop: for PyTorch's signature, without an effect.
        preserve_rng_state: whether random numbers (dropout) are the same in both runs.

    Backward raises CheckpointError, a RuntimeError, if the second run is another than the first.

    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    >>> y.backward()
    >>> torch.allclose(x.grad, x.exp().cos() * x.exp())
    True
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(
            "determinism_check should be one of dict_keys(['default', 'none']), but got "
            f"{determinism_check}"
        )
    before, again = context_fn()
    call = _Call(function, args, kwargs, again, determinism_check == "default", preserve_rng_state)
    start = next_sequence()
    with before:
        result = function(*args, **kwargs)
    if is_grad_enabled():
        call.forget(_recorded(result, start))
    return result


def _tensors(value: Any) -> Iterator[Variable]:
    """The tensors in nested containers."""
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _recorded(result: Any, start: int) -> list[Node]:
    """The nodes behind a result that were recorded since `start`, in that order."""
    found: set[Node] = set()
    edges: list[Edge | None] = [current_edge(tensor) for tensor in _tensors(result)]
    while edges:
        edge = edges.pop()
        if edge is not None and edge[0]._sequence > start and edge[0] not in found:
            found.add(edge[0])
            edges += edge[0]._edges
    return sorted(found, key=lambda node: node._sequence)


class _Forgotten(Record):
    """A node whose saved values are computed again when they are needed; its `saved` is the call
    that does it."""

    __slots__ = ()

    def _run(self, g: Any, edges: Any, owner: Any, recorded: bool) -> list[tuple[Edge, Any]]:
        if self.saved is None:
            raise RuntimeError(FREED)
        self.saved.remember()  # type: ignore[attr-defined]
        return self._run(g, edges, owner, recorded)  # it is a Record now


class _Call:
    """One checkpointed call: the function, and the nodes it recorded."""

    def __init__(
        self, function: Any, args: Any, kwargs: Any, context: Any, checked: bool, keep_random: bool
    ) -> None:
        self._call = function, args, kwargs
        self._context, self._checked = context, checked
        self._random = default_generator.get_state() if keep_random else None
        self._nodes: list[Node] = []

    def forget(self, nodes: Iterable[Node]) -> None:
        """Throw away what these nodes, all that the call recorded, have saved."""
        self._nodes = list(nodes)
        for node in self._nodes:
            if type(node) is Record and (node.guards or node.output is not None):
                node.saved, node.output = self, None  # type: ignore[assignment]
                node.__class__ = _Forgotten

    def remember(self) -> None:
        """Run the function again, and give the nodes what they had saved."""
        function, args, kwargs = self._call
        before = default_generator.get_state()
        if self._random is not None:
            default_generator.set_state(self._random)
        start = next_sequence()
        try:
            with set_grad_enabled(True), self._context:
                result = function(*args, **kwargs)
        finally:
            if self._random is not None:
                default_generator.set_state(before)
        twins = _recorded(result, start)
        self._compare(twins)
        for node, twin in zip(self._nodes, twins, strict=True):
            if type(node) is _Forgotten and node.saved is self and isinstance(twin, Record):
                node.saved, node.output = twin.saved, twin.output
                node.__class__ = Record  # type: ignore[assignment]

    def _compare(self, twins: Sequence[Node]) -> None:
        """Raise CheckpointError unless the second run recorded what the first one did."""
        first, second = (
            [(node._name(), *map(tuple, node._shapes if self._checked else ())) for node in nodes]
            for nodes in (self._nodes, twins)
        )
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if one != other:
                raise CheckpointError(
                    "checkpoint: Recomputed values have different metadata than during the forward "
                    f"pass: operation {number} was {one}, and is {other} when the function runs "
                    "again"
                )
        if len(first) != len(second):
            raise CheckpointError(
                "checkpoint: A different number of tensors was saved during the original forward "
                f"and recomputation: {len(first)} operations, and {len(second)} when the function "
                "runs again"
            )
