"""The recurrent cells on the compiled kernels, with the functions of those on NumPy."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from .. import cpu
from ..fused import FUSED
from ..fused.steps import Array, Gradients, States, Way, Weights
from ..protocol import FusedCell

# As call.h, real.h and instructions.h have them
_NUMBERS = {"RNN_TANH": 0, "RNN_RELU": 1, "GRU": 2, "LSTM": 3}
_KEPT = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 5, "LSTM": 6}  # rows per unit
_BLOCK, _LINE = 8, 64  # units, bytes
_FEW = 4  # sequences whose rows are not padded to lines


class Saved(NamedTuple):
    """What forward leaves for backward."""

    columns: Array
    kept: Array


@functools.lru_cache(maxsize=16)
def _steps(way: Way) -> tuple[Array, Array]:
    """The times of the steps that run, in their order, and how many sequences each has."""
    times = np.array(way.steps(), np.intp)
    return times, np.array(way.counts, np.intp)[times]


def _run(mode: str, backward: bool, way: Way, weights: Weights, *arrays: Array | None) -> None:
    """Call a kernel with the arrays of `struct call` that come after counts, in its order."""
    ih, hh = weights.ih, weights.hh
    cpu.run_kernel(
        _NUMBERS[mode], ih.dtype.char == "d", backward,
        cpu.members_for((ih.size + hh.size) * way.batch),
        len(way.counts), way.batch, ih.shape[1], hh.shape[1], *_steps(way), *arrays,
    )  # fmt: skip


def _plain(array: Array | None) -> Array | None:
    return None if array is None else np.ascontiguousarray(array)


def _fits(way: Way, weights: Weights) -> bool:
    return cpu.in_use() != "numpy" and weights.hr is None and weights.hh.size > 0 and way.batch > 0


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool, mode: str
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, the last state, and what `backward` reads: see `fused.lstm.forward`."""
    if not _fits(way, weights):
        return FUSED[mode].forward(x, state, weights, way, keep)
    dtype, hidden = x.dtype, weights.hh.shape[1]
    total = sum(way.counts)
    whole = total == len(way.counts) * way.batch
    y = (np.empty if whole else np.zeros)((len(way.counts), way.batch, hidden), dtype)
    first = [np.ascontiguousarray(part) for part in state]
    last = [part.copy() for part in first]
    saved: tuple[Array, ...] = ()
    if keep:
        line = _LINE // dtype.itemsize
        row = 1 if way.batch <= _FEW else line
        columns = sum(-(-n // row) * row for n in way.counts)
        units = -(-hidden // _BLOCK) * _BLOCK
        saved = Saved(
            np.empty((total, hidden + x.shape[2]), dtype),
            np.empty(columns * _KEPT[mode] * units + line, dtype),
        )
    h, c = (*first, None)[:2]
    h_n, c_n = (*last, None)[:2]
    _run(
        mode, False, way, weights, np.ascontiguousarray(x), h, c,
        *[_plain(part) for part in weights[:4]], y, h_n, c_n, *(saved or (None, None)),
        *[None] * 10,
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
    ih, hh, b_ih, b_hh, _ = (_plain(part) for part in weights)
    assert ih is not None and hh is not None
    hidden, dtype = hh.shape[1], hh.dtype
    last = [_plain(part) for part in g_last]
    shape = (way.batch, hidden)
    first = [np.zeros(shape, dtype) if part is None else part.copy() for part in last]
    gx = np.zeros((len(way.counts), way.batch, ih.shape[1]), dtype) if needs_x else None
    of_weights = [None if w is None else np.zeros_like(w) for w in (ih, hh, b_ih, b_hh)]
    g_h, g_c = (*last, None)[:2]
    g_h0, g_c0 = (*first, None)[:2]
    _run(
        mode, True, way, weights, None, None, None, ih, hh, None, None, None, None, None,
        *saved, _plain(gy), g_h, g_c, gx, g_h0, g_c0, *of_weights,
    )  # fmt: skip
    return gx, tuple(first), (*of_weights, None)


def step(x: Array, state: States, weights: Weights, mode: str) -> States:
    """The new state of one step, with the bits of `forward`."""
    way = Way((len(x),), len(x), False)
    if not _fits(way, weights):
        return FUSED[mode].step(x, state, weights)
    return forward(x[None], state, weights, way, False, mode)[1]


def _cell(mode: str) -> FusedCell:
    return FusedCell(*(functools.partial(f, mode=mode) for f in (forward, backward, step)))


CELLS = {mode: _cell(mode) for mode in _NUMBERS}
