"""Calls of users' functions, which may not be what they are taken for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def given_to(function: Callable[..., Any], what: str, *args: Any) -> Any:
    """What a user's function returns. Raises TypeError with what it is and what it was given where
    it cannot take these arguments."""
    try:
        return function(*args)
    except TypeError as error:
        here = error.__traceback__
        if here is None or here.tb_next is not None:  # it was called, and raised it itself
            raise
        kinds = ", ".join(type(arg).__name__ for arg in args)
        name = getattr(function, "__qualname__", type(function).__name__)
        raise TypeError(f"{what} was given ({kinds}), which {name} cannot take: {error}") from error
