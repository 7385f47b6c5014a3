"""Other ways to call, which PyTorch takes beside its own: NumPy's names of keyword arguments, and
the order of older programs, ``x.add_(0.1, y)`` for ``x.add_(y, alpha=0.1)``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..warning import warn
from .graph import Variable

SYNONYMS = {
    "axis": ("dim", "dims"),
    "keepdims": ("keepdim",),
    "x": ("input",),
    "a": ("input",),
    "x1": ("input",),
    "x2": ("other",),
}


def renamed(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Keyword arguments by the function's own names, if some came by NumPy's; otherwise None.

    For calls that failed: those by PyTorch's names pay nothing for it."""
    if SYNONYMS.keys().isdisjoint(kwargs):
        return None
    names = _own_names(function)
    if not names or any(names.get(name) in kwargs for name in kwargs):
        return None
    own = {names.get(name, name): value for name, value in kwargs.items()}
    return own if own.keys() != kwargs.keys() else None


# Functions of so many tensors, and their numbers, which older programs have before the last tensor
_NUMBERED: dict[str, tuple[int, tuple[str, ...]]] = {
    **dict.fromkeys(("add", "sub"), (2, ("alpha",))),
    **dict.fromkeys(("addcmul", "addcdiv"), (3, ("value",))),
    **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), (3, ("beta", "alpha"))),
}


def reordered(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The keyword arguments with the numbers among the positional ones, if those are in the order
    of older programs; otherwise None. Warns of it."""
    count, names = _NUMBERED.get(function.__name__, (0, ()))
    numbers = [a for a in args if isinstance(a, int | float)]
    if not 0 < len(numbers) <= len(names) or len(args) - len(numbers) != count:
        return None
    found = dict(zip(names, numbers, strict=False))
    if (
        found.keys() & kwargs.keys()
        or not isinstance(args[-1], Variable)
        or not (names[0] == "beta" or args[0] is not numbers[0])
    ):
        return None
    warn(
        f"This overload of {function.__name__} is deprecated: give {' and '.join(names)} by "
        "keyword, behind the tensors"
    )
    return {**kwargs, **found}


def meant(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]] | None:
    """The arguments of a call that failed as the function takes them, if they came in another way
    that PyTorch takes; otherwise None."""
    if kwargs and (own := renamed(function, kwargs)) is not None:
        return args, own
    if (own := reordered(function, args, kwargs)) is not None:
        return [a for a in args if not isinstance(a, int | float)], own
    return None


@functools.cache
def _own_names(function: Callable[..., Any]) -> dict[str, str]:
    """The function's own names by those it can take for them."""
    own = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in own.values()):
        return {}
    return {
        second: name
        for second, names in SYNONYMS.items()
        for name in names
        if name in own and second not in own
    }
