"""States of recurrent layers: a tensor, or tuples and lists of tensors, one in the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ops.joining import stack
from ..tensor import Tensor


def flat(state: Any) -> list[Any]:
    """The tensors of a state in order."""
    if isinstance(state, tuple | list):
        return [tensor for part in state for tensor in flat(part)]
    return [state]


def each(function: Callable[..., Any], *states: Any) -> Any:
    """The function of the tensors that stand in the same place of all states, in the structure of
    the first."""
    first = states[0]
    if isinstance(first, Tensor):
        return function(*states)
    parts = [each(function, *some) for some in zip(*states, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)


def stacked(states: Sequence[Any]) -> Any:
    """States along a new first dimension."""
    return each(lambda *parts: stack(parts), *states)
