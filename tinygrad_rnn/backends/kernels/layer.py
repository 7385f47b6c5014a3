"""A direction of a recurrent layer over a whole sequence: what `backends.fused` has for NumPy.

Large products before and after; between them all steps, in one launch where that can be (see
`sequence`), else step by step (see `steps`).
"""

from __future__ import annotations

from typing import Any

import cupy

from ..cublas import matmul
from ..fused.steps import Gradients, Way, Weights
from . import sequence, steps
from .compiler import Cell, Launch, sequence_launch
from .packing import Packing

Array = Any
States = tuple[Array, ...]


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool, cell: Cell
) -> tuple[Array, States, tuple[Any, ...]]:
    """y, the last states, and what `backward` reads. Arguments as in `fused.lstm.forward`."""
    packing = Packing(way, x)
    rows, dtype = packing.pack(x), x.dtype
    hidden, out = weights.hh.shape[0] // cell.gates, weights.hh.shape[1]
    make = cupy.empty if packing.offsets is None else cupy.zeros
    y = make((len(way.counts), way.batch, out), dtype)
    saved = before = m = None
    if keep:
        saved = cupy.empty((len(packing), cell.saved * hidden), dtype)
        before = cupy.empty((len(packing), out), dtype)
    if weights.hr is not None:
        m = cupy.empty((len(packing), hidden), dtype)
    gates = matmul(rows, weights.ih.T)
    launch = _launch(cell, "sequence_forward", dtype, weights, way)
    if launch is not None:
        last = sequence.forward(launch, gates, state, weights, way, packing, y, saved, before)
    else:
        last = steps.forward(cell, gates, state, weights, way, packing, y, saved, before, m)
    return y, last, (packing, rows, saved, before, m)


def step(x: Array, state: States, weights: Weights, cell: Cell) -> States:
    """The new states. Arguments as in `fused.lstm.step`. To rounding they are `forward`'s: for its
    projection of all inputs at once, cuBLAS may add up in another order."""
    return forward(x[None], state, weights, Way((len(x),), len(x), False), False, cell)[1]


def backward(
    gy: Array | None,
    g_last: tuple[Array | None, ...],
    kept: tuple[Any, ...],
    weights: Weights,
    way: Way,
    needs_x: bool,
    cell: Cell,
) -> tuple[Array | None, States, Gradients]:
    """Gradients of x (None unless needed), the first states, and the weights, for those of y and
    the last states."""
    packing, rows, saved, before, m = kept
    of_h = cupy.empty((len(packing), len(weights.hh)), rows.dtype)
    of_x = cupy.empty_like(of_h) if cell.apart else of_h
    of_hr = None
    launch = _launch(cell, "sequence_backward", rows.dtype, weights, way)
    arguments = (gy, g_last, saved, before, weights, way, packing, of_x, of_h)
    if launch is not None:
        first = sequence.backward(launch, *arguments)
    else:
        first, of_m = steps.backward(cell, *arguments)
        of_hr = None if m is None else matmul(of_m.T, m)
    of_bias = (None, None)
    if weights.bias_ih is not None:
        of_bias = (of_x.sum(0), of_h.sum(0))
    gx = None
    if needs_x:
        gx = packing.unpack(matmul(of_x, weights.ih), len(way.counts), way.batch)
    return gx, first, (matmul(of_x.T, rows), matmul(of_h.T, before), *of_bias, of_hr)


def _launch(cell: Cell, name: str, dtype: Any, weights: Weights, way: Way) -> Launch | None:
    """The launch that does all steps, None where they are done one by one: in float64, with a
    projection, and where `sequence_launch` says so."""
    if dtype.char != "f" or weights.hr is not None or not way.batch:
        return None
    hidden = weights.hh.shape[1]
    return sequence_launch(cell, name, hidden, way.batch, cupy.cuda.runtime.getDevice())
