"""NumPy's names for keyword arguments, which PyTorch accepts beside its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_SYNONYMS = {"axis": ("dim", "dims"), "keepdims": ("keepdim",), "x": ("input",), "a": ("input",)}


def numpy_names(function: F) -> F:
    """Let `function` take axis= for dim= (or dims=), keepdims= for keepdim=, x= for input=."""
    own = inspect.signature(function).parameters
    synonyms = {
        theirs: name for theirs, names in _SYNONYMS.items() for name in names if name in own
    }

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        for theirs in kwargs.keys() & synonyms.keys():
            kwargs[synonyms[theirs]] = kwargs.pop(theirs)
        return function(*args, **kwargs)

    return renamed  # type: ignore[return-value]
