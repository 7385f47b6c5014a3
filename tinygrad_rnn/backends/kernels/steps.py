"""A layer step by step: a product for all sequences that run, then one kernel for the cell. For any
size, in float32 and float64, and for an LSTM with a projection."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from ..cublas import matmul
from ..fused.steps import Way, Weights
from .compiler import NULL, Cell, step_kernel
from .packing import Packing

Array = Any
States = tuple[Array, ...]
_THREADS = 256  # of a block


def forward(
    cell: Cell,
    gates: Array,
    state: States,
    weights: Weights,
    way: Way,
    packing: Packing,
    y: Array,
    saved: Array | None,
    before: Array | None,
    m: Array,
) -> States:
    """The last states. Fills y, saved and before if they are wanted, and m, the outputs that a
    projection reads (None without one)."""
    kernel = step_kernel(cell, "step_forward", y.dtype)
    last = tuple(part.copy() for part in state)
    h, c = (*last, None)[:2]
    biases = [_given(bias) for bias in (weights.bias_ih, weights.bias_hh)]
    projected = weights.hr is not None
    for t in way.steps():
        n, rows = way.counts[t], packing.of_step(t)
        of_h = matmul(h[:n], weights.hh.T)
        if projected and before is not None:
            before[rows] = h[:n]
        _run(
            kernel, n, of_h.shape[1] // cell.gates,
            gates[rows], of_h, *biases,
            NULL if projected else h,
            NULL if c is None else c,
            m[rows] if projected else h,
            NULL if projected else y[t],
            NULL if saved is None else saved[rows],
            NULL if projected or before is None else before[rows],
        )  # fmt: skip
        if projected:
            h[:n] = matmul(m[rows], weights.hr.T)
            y[t, :n] = h[:n]
    return last


def backward(
    cell: Cell,
    gy: Array | None,
    g_last: tuple[Array | None, ...],
    saved: Array,
    before: Array,
    weights: Weights,
    way: Way,
    packing: Packing,
    of_x: Array,
    of_h: Array,
) -> tuple[States, Array]:
    """The gradients of the first states, and of the projection's outputs (packed) if there is one.
    Fills those of the gates, in both projections."""
    kernel = step_kernel(cell, "step_backward", of_h.dtype)
    hidden, out = saved.shape[1] // cell.saved, before.shape[1]
    first = tuple(
        cupy.zeros((way.batch, size), of_h.dtype) if g is None else g.copy()
        for g, size in zip(g_last, (out, hidden), strict=False)
    )
    gh, gc = (*first, None)[:2]
    gy = None if gy is None else cupy.ascontiguousarray(gy)
    of_m = None if weights.hr is None else cupy.empty((len(packing), out), of_h.dtype)
    for t in reversed(way.steps()):
        n, rows = way.counts[t], packing.of_step(t)
        g = gh
        if of_m is not None:
            of_m[rows] = gh[:n] if gy is None else gh[:n] + gy[t, :n]
            g = matmul(of_m[rows], weights.hr)
        _run(
            kernel, n, hidden,
            saved[rows],
            before[rows] if of_m is None else NULL,
            NULL if gy is None or of_m is not None else gy[t],
            g,
            NULL if gc is None else gc,
            NULL if of_x is of_h else of_x[rows],
            of_h[rows],
        )  # fmt: skip
        product = matmul(of_h[rows], weights.hh)
        gh[:n] = product if of_m is not None else g[:n] + product
    return first, of_m


def _run(kernel: Any, count: int, hidden: int, *arrays: Any) -> None:
    blocks = -(-count * hidden // _THREADS)
    kernel((blocks,), (_THREADS,), (np.int32(count), np.int32(hidden), *arrays))


def _given(array: Array | None) -> Any:
    return NULL if array is None else cupy.ascontiguousarray(array)
