"""The recurrent cells on the compiled kernels, with the functions of those on NumPy."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from .. import cpu
from ..fused import FUSED
from ..fused.steps import Array, Gradients, States, Way, Weights
from ..protocol import FusedCell
from .memory import LINE, aligned

# As call.h, real.h and instructions.h have them
_NUMBERS = {"RNN_TANH": 0, "RNN_RELU": 1, "GRU": 2, "LSTM": 3}
_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
_KEPT = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 5, "LSTM": 6}  # rows per unit
_BLOCK = 8  # units
_FEW = 4  # sequences whose rows are not padded to lines


class Saved(NamedTuple):
    """What forward leaves for backward."""

    columns: Array
    kept: Array


@functools.lru_cache(maxsize=16)
def _one_step(batch: int) -> Way:
    return Way((batch,), batch, False)


@functools.lru_cache(maxsize=16)
def _steps(way: Way) -> tuple[Array, Array]:
    """The times of the steps that run, in their order, and how many sequences each has."""
    times = np.array(way.steps(), np.intp)
    return times, np.array(way.counts, np.intp)[times]


def _run(mode: str, backward: bool, way: Way, weights: Weights, *arrays: Array | None) -> None:
    """Call a kernel with the arrays of `struct call` that come after w_hr, in its order."""
    ih, hh, hr = weights.ih, weights.hh, weights.hr
    (rows, inputs), outputs = ih.shape, hh.shape[1]
    cpu.run_kernel(
        _NUMBERS[mode], ih.dtype.char == "d", backward,
        cpu.members_for((ih.size + hh.size) * way.batch),
        len(way.counts), way.batch, inputs, rows // _GATES[mode], outputs, *_steps(way), _plain(hr),
        *arrays,
    )  # fmt: skip


def _plain(array: Array | None) -> Array | None:
    return None if array is None else np.ascontiguousarray(array)


def _fits(way: Way, weights: Weights) -> bool:
    return cpu.in_use() != "numpy" and weights.hh.size > 0 and way.batch > 0


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool, mode: str
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, the last state, and what `backward` reads: see `fused.lstm.forward`."""
    if not _fits(way, weights):
        return FUSED[mode].forward(x, state, weights, way, keep)
    dtype, (rows, outputs) = x.dtype, weights.hh.shape
    hidden = rows // _GATES[mode]
    total = sum(way.counts)
    whole = total == len(way.counts) * way.batch
    y = (np.empty if whole else np.zeros)((len(way.counts), way.batch, outputs), dtype)
    first = [np.ascontiguousarray(part) for part in state]
    last = [part.copy() for part in first]
    saved: tuple[Array, ...] = ()
    if keep:
        line = LINE // dtype.itemsize
        row = 1 if way.batch <= _FEW else line
        columns = sum(-(-n // row) * row for n in way.counts)
        units = -(-hidden // _BLOCK) * _BLOCK
        length = outputs + x.shape[2] + (0 if weights.hr is None else hidden)
        saved = Saved(
            np.empty((total, length), dtype),
            aligned((columns * _KEPT[mode] * units + line,), dtype),
        )
    h, c = (*first, None)[:2]
    h_n, c_n = (*last, None)[:2]
    _run(
        mode, False, way, weights, np.ascontiguousarray(x), h, c,
        *[_plain(part) for part in weights[:4]], y, h_n, c_n, *saved,
    )  # fmt: skip
    return y, tuple(last), saved


def backward(
    gy: Array | None,
    g_last: tuple[Array | None, ...],
    saved: tuple[Array, ...],
    weights: Weights,
    way: Way,
    needs_x: bool,
    mode: str,
) -> tuple[Array | None, States, Gradients]:
    """Gradients of x (None unless needed), of the first state, and of the weights."""
    if not isinstance(saved, Saved):
        return FUSED[mode].backward(gy, g_last, saved, weights, way, needs_x)
    ih, hh, b_ih, b_hh, hr = (_plain(part) for part in weights)
    assert ih is not None and hh is not None
    (rows, outputs), dtype = hh.shape, hh.dtype
    last = [_plain(part) for part in g_last]
    first = [
        np.zeros((way.batch, size), dtype) if part is None else part.copy()
        for part, size in zip(last, (outputs, rows // _GATES[mode]), strict=False)
    ]
    gx = np.zeros((len(way.counts), way.batch, ih.shape[1]), dtype) if needs_x else None
    new = np.empty_like if sum(way.counts) else np.zeros_like
    g_ih, g_hh, g_hr = (None if w is None else new(w) for w in (ih, hh, hr))
    of_biases = [None if b is None else np.zeros_like(b) for b in (b_ih, b_hh)]
    of_weights = (g_ih, g_hh, *of_biases, g_hr)
    g_h, g_c = (*last, None)[:2]
    g_h0, g_c0 = (*first, None)[:2]
    _run(
        mode, True, way, weights, None, None, None, ih, hh, None, None, None, None, None,
        *saved, _plain(gy), g_h, g_c, gx, g_h0, g_c0, *of_weights,
    )  # fmt: skip
    return gx, tuple(first), of_weights


def step(x: Array, state: States, weights: Weights, mode: str) -> States:
    """The new state of one step, with the bits of `forward`."""
    way = _one_step(len(x))
    if not _fits(way, weights):
        return FUSED[mode].step(x, state, weights)
    ih, hh, b_ih, b_hh, _ = weights
    h, c = state[0], state[1] if len(state) == 2 else None
    h_n, c_n = np.empty(h.shape, h.dtype), None if c is None else np.empty(c.shape, c.dtype)
    _run(
        mode, False, way, weights, _plain(x), _plain(h), _plain(c), _plain(ih), _plain(hh),
        _plain(b_ih), _plain(b_hh), h_n, h_n, c_n,
    )  # fmt: skip
    return (h_n,) if c_n is None else (h_n, c_n)


def _cell(mode: str) -> FusedCell:
    return FusedCell(*(functools.partial(f, mode=mode) for f in (forward, backward, step)))


CELLS = {mode: _cell(mode) for mode in _NUMBERS}
