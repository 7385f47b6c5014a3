"""A stand-in for `cupyx`: what matrices without an answer lead to."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from cupy.cuda import PinnedMemoryPointer

linalg_errors = "ignore"


@contextlib.contextmanager
def errstate(*, linalg: str) -> Iterator[None]:
    """Inside the block, "raise" errors of linear algebra or "ignore" them."""
    global linalg_errors
    before, linalg_errors = linalg_errors, linalg
    try:
        yield
    finally:
        linalg_errors = before


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    """A NumPy array in memory that a GPU reads by itself, with nothing in it yet."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, PinnedMemoryPointer(size), order=order)
