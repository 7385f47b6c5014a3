"""Arrays with a row for each sequence that runs at a step, as a PackedSequence has its data."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from ..capture import host_array
from ..device import device_of
from ..fused.steps import Way


class Packing:
    """The rows of a way through a sequence, those of a step together.

    Attributes:
        starts: the first row of each step, and the number of all.
        offsets: the same on the device of `x`; None if all sequences run at every step, so that
            the rows of (steps, batch, features) are the packed ones.
    """

    def __init__(self, way: Way, x: cupy.ndarray) -> None:
        counts = np.array(way.counts, np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        self.starts: list[int] = starts.tolist()
        self.offsets = self._rows = None
        if (counts != way.batch).any():
            rows = np.flatnonzero(np.arange(way.batch) < counts[:, None])
            where = device_of(x)
            self.offsets, self._rows = (
                host_array(array.copy, array.shape, array.dtype, where) for array in (starts, rows)
            )

    def __len__(self) -> int:
        return self.starts[-1]

    def pack(self, x: cupy.ndarray) -> cupy.ndarray:
        """The rows (len, features) of an array (steps, batch, features)."""
        steps, batch, features = x.shape
        x = x.reshape(steps * batch, features)
        return x if self._rows is None else cupy.take(x, self._rows, 0)

    def unpack(self, rows: cupy.ndarray, steps: int, batch: int) -> Any:
        """The array (steps, batch, features) of these rows, and zeros."""
        if self._rows is None:
            return rows.reshape(steps, batch, rows.shape[1])
        x = cupy.zeros((steps * batch, rows.shape[1]), rows.dtype)
        x[self._rows] = rows
        return x.reshape(steps, batch, rows.shape[1])

    def of_step(self, t: int) -> slice:
        """The rows of a step."""
        return slice(self.starts[t], self.starts[t + 1])
