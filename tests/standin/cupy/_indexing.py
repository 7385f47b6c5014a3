"""Indices as NumPy takes them, made of those that CuPy takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ._memory import Memory, values
from .standin import synchronized


def index_for(key: Any, shape: tuple[int, ...]) -> tuple[Callable[[], tuple[Any, ...]], bool]:
    """A function that gives the index for NumPy, and whether it takes a kernel to follow it.

    CuPy wraps positions that are outside around where an array names them; where a number does,
    it raises IndexError as NumPy does. A mask is counted first, and the host waits for that.
    """
    parts = key if isinstance(key, tuple) else (key,)
    named = sum(_consumed(part) for part in parts)
    index: list[Any] = []
    dim, advanced = 0, False
    for part in parts:
        if isinstance(part, Memory):
            advanced = True
            positions = values(part)
            if part.dtype.kind == "b":
                synchronized("indexing with a mask")
            elif part.dtype.kind not in "iu":
                raise IndexError("arrays used as indices must be of integer or boolean type.")
            elif dim < len(shape) and shape[dim]:
                index.append(functools.partial(_wrapped_around, positions, shape[dim]))
                dim += 1
                continue
            index.append(positions)
        elif part is None or part is Ellipsis or isinstance(part, slice | int | np.integer):
            index.append(part)
        else:
            raise TypeError(f"Unsupported type {type(part)} as an index")
        dim += len(shape) - named if part is Ellipsis else _consumed(part)
    if not any(part is Ellipsis for part in parts):
        index.append(Ellipsis)  # a single element is then a 0-d view
    return lambda: tuple([part() if callable(part) else part for part in index]), advanced


def write(array: np.ndarray, index: tuple[Any, ...], new: Any) -> None:
    """array[index] = new. Of values for one place a GPU keeps any, here it is the first, so that
    nobody counts on the last."""
    if not any(isinstance(part, np.ndarray) for part in index):
        array[index] = new
        return
    places = np.arange(array.size).reshape(array.shape)[index]
    while np.ndim(new) > places.ndim and len(new) == 1:
        new = new[0]
    array.flat[places.ravel()[::-1]] = np.broadcast_to(new, places.shape).ravel()[::-1]


def _wrapped_around(positions: np.ndarray, size: int) -> np.ndarray:
    return positions.astype(np.int64) % size


def _consumed(part: Any) -> int:
    """How many dimensions a part of an index names."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if isinstance(part, Memory) and part.dtype.kind == "b" else 1
