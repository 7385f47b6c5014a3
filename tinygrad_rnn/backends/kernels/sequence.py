"""All steps of a layer in one launch: see sequence.cu and docs/gpu-kernels.md."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from ..fused.steps import Way, Weights
from .compiler import NULL, Launch
from .packing import Packing

Array = Any
States = tuple[Array, ...]


def forward(
    launch: Launch,
    gates: Array,
    state: States,
    weights: Weights,
    way: Way,
    packing: Packing,
    y: Array,
    saved: Array | None,
    before: Array | None,
) -> States:
    """The last states. Fills y, and saved and before if they are wanted."""
    last = tuple(cupy.empty(part.shape, part.dtype) for part in state)
    exchange = cupy.empty((2, *state[0].shape), y.dtype)
    launch(
        *_sizes(launch, way, weights),
        _given(packing.offsets),
        gates,
        _given(weights.hh),
        _given(weights.bias_ih),
        _given(weights.bias_hh),
        *_both(state),
        y,
        *_both(last),
        _given(saved),
        _given(before),
        exchange,
        _counters(launch),
    )
    return last


def backward(
    launch: Launch,
    gy: Array | None,
    g_last: tuple[Array | None, ...],
    saved: Array,
    before: Array,
    weights: Weights,
    way: Way,
    packing: Packing,
    of_x: Array,
    of_h: Array,
) -> States:
    """The gradients of the first states. Fills those of the gates, in both projections."""
    shape = way.batch, weights.hh.shape[1]
    first = tuple(cupy.empty(shape, of_h.dtype) for _ in g_last)
    launch(
        *_sizes(launch, way, weights),
        _given(packing.offsets),
        _given(weights.hh),
        saved,
        before,
        _given(gy),
        *_both(g_last),
        NULL if of_x is of_h else of_x,
        of_h,
        *_both(first),
        _counters(launch),
    )
    return first


def _sizes(launch: Launch, way: Way, weights: Weights) -> tuple[np.int32, ...]:
    """steps, batch, hidden, rows, reverse."""
    sizes = len(way.counts), way.batch, weights.hh.shape[1], launch.arrangement.rows, way.reverse
    return tuple(np.int32(size) for size in sizes)


def _counters(launch: Launch) -> Array:
    """On which the blocks of each group count who has arrived, each on a line of its own."""
    return cupy.zeros((launch.arrangement.groups, 32), np.uint32)


def _both(state: tuple[Array | None, ...]) -> tuple[Any, Any]:
    """h and c for a kernel, which ignores the c of a cell that has none."""
    h, c = (*state, None)[:2]
    return _given(h), _given(c)


def _given(array: Array | None) -> Any:
    """An array as a kernel reads it: contiguous, from an address that four floats can be read from
    at once."""
    if array is None:
        return NULL
    array = cupy.ascontiguousarray(array)
    return array.copy() if array.data.ptr % 16 else array
