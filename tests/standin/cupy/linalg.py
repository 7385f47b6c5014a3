"""`cupy.linalg`, as far as tinygrad_rnn uses it: it takes no shapes that would be broadcast, and
by itself it says nothing of matrices without an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupyx
import numpy as np

from . import standin
from ._array import ndarray
from ._memory import computed, library_is_free, values


def _matrices(name: str, *arrays: Any) -> list[np.ndarray]:
    library_is_free("cuSOLVER")
    for array in arrays:
        if not isinstance(array, ndarray):
            raise TypeError(f"{name}(): Unsupported type {type(array)}")
        if array.dtype not in ("float32", "float64"):
            raise TypeError(f"Unsupported dtype {array.dtype}")
        if array.ndim < 2:
            raise np.linalg.LinAlgError(f"{array.ndim}-dimensional array given")
    return [values(array) for array in arrays]


def _answered(name: str, a: np.ndarray, *rest: np.ndarray) -> Any:
    """The result, with nan for matrices without one unless errors are asked for."""
    function: Callable[..., Any] = getattr(np.linalg, name)
    if cupyx.linalg_errors == "raise":
        standin.synchronized(name)
        return computed(lambda: function(a, *rest))
    try:
        return computed(lambda: function(a, *rest))
    except np.linalg.LinAlgError:
        return computed(lambda: np.full_like(rest[0] if rest else a, np.nan))


def cholesky(a: Any) -> ndarray:
    return _answered("cholesky", *_matrices("cholesky", a))


def inv(a: Any) -> ndarray:
    return _answered("inv", *_matrices("inv", a))


def solve(a: Any, b: Any) -> ndarray:
    if a.ndim != b.ndim or a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K)")
    return _answered("solve", *_matrices("solve", a, b))


def _computed(name: str, a: Any, *options: Any) -> Any:
    (array,) = _matrices(name, a)
    function: Callable[..., Any] = getattr(np.linalg, name)

    def work() -> Any:  # NumPy's named tuples as plain ones
        result = function(array, *options)
        return tuple(result) if isinstance(result, tuple) else result

    return computed(work)


def det(a: Any) -> ndarray:
    return _computed("det", a)


def eigh(a: Any, UPLO: str = "L") -> tuple[ndarray, ndarray]:
    return _computed("eigh", a, UPLO)


def qr(a: Any, mode: str = "reduced") -> tuple[ndarray, ndarray]:
    return _computed("qr", a, mode)


def slogdet(a: Any) -> tuple[ndarray, ndarray]:
    return _computed("slogdet", a)


def svd(a: Any, full_matrices: bool = True) -> tuple[ndarray, ndarray, ndarray]:
    return _computed("svd", a, full_matrices)
