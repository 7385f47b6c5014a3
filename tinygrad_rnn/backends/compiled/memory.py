"""Memory as the kernels like it."""

from __future__ import annotations

import math

import numpy as np

LINE = 64  # bytes of a line of the cache


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A new array that begins with a line of the cache: threads that write to neighbouring lines
    do not wait for each other."""
    memory = np.empty(math.prod(shape) * dtype.itemsize + LINE, np.uint8)
    skipped = -memory.__array_interface__["data"][0] % LINE
    return np.ndarray(shape, dtype, memory.data, skipped)
