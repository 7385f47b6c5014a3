"""Second names of keyword arguments: NumPy's, which PyTorch accepts beside its own, and those that
PyTorch's methods have where its functions have others."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ..autograd.hints import name_dtype, wrong_argument
from ..autograd.synonyms import SYNONYMS

F = TypeVar("F", bound=Callable[..., Any])
_SYNONYMS = {
    **SYNONYMS,
    "axis0": ("dim0",),
    "axis1": ("dim1",),
    "split_size": ("split_size_or_sections",),
    "sections": ("indices_or_sections",),
    "indices": ("indices_or_sections",),
}


def second_names(function: F) -> F:
    """Let `function` take axis= for dim= (or dims=), keepdims= for keepdim=, x= for input=, ..."""
    own = inspect.signature(function).parameters
    synonyms = {
        second: name for second, names in _SYNONYMS.items() for name in names if name in own
    }

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        try:
            if not kwargs:
                return function(*args)
            if "dtype" in kwargs:
                name_dtype(kwargs)
            for second in synonyms:
                if second in kwargs:
                    kwargs[synonyms[second]] = kwargs.pop(second)
            return function(*args, **kwargs)
        except Exception as error:
            wrong = wrong_argument(function, args, kwargs, error)
            if wrong is None:
                raise
            raise wrong from error

    renamed.__tells__ = True  # type: ignore[attr-defined]
    return renamed  # type: ignore[return-value]
