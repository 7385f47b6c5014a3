"""The RNN over a whole sequence: h' = tanh(W_ih x + W_hh h + b), or relu."""

from __future__ import annotations

from typing import Any

import numpy as np

from .steps import (
    Array,
    Column,
    Gradients,
    InputGradient,
    States,
    Way,
    Weights,
    buffer,
    divided,
    joined,
    resized,
    transposed,
)


def _stacked(weights: Weights) -> Array:
    """[W_ih | b | W_hh]."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    inputs = w_ih.shape[1]
    stacked = np.empty((w_ih.shape[0], inputs + 1 + w_hh.shape[1]), w_ih.dtype)
    stacked[:, :inputs] = w_ih
    stacked[:, inputs] = 0 if b_ih is None else b_ih + b_hh
    stacked[:, inputs + 1 :] = w_hh
    return stacked


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool, relu: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n,), and what `backward` reads: the inputs of all steps and the slopes of the
    nonlinearity. Arguments as in `lstm.forward`."""
    dtype = x.dtype
    hidden = weights.hh.shape[0]
    weight = _stacked(weights)
    first = transposed(state[0], hidden, way.batch, dtype)
    last = first.copy()
    column = Column(x, hidden, way, keep)
    flat_slopes, slopes = buffer(hidden, way, dtype, keep)
    y = np.zeros((len(way.counts), way.batch, hidden), dtype)
    h, one = first[:, :0], dtype.type(1)
    for t, following in way.pairs():
        n = way.counts[t]
        step = column.begin(t, resized(h, n, first, last))
        h = np.matmul(weight, step, out=slopes[t])
        if relu:
            h = np.maximum(h, 0, out=column.slot(following, n))
            if keep:
                np.greater(h, 0, out=slopes[t], casting="unsafe")
        else:
            h = np.tanh(h, out=column.slot(following, n))
            if keep:
                np.multiply(h, h, out=slopes[t])
                np.subtract(one, slopes[t], out=slopes[t])
        y[t, :n] = h.T
    resized(h, 0, first, last)
    return y, (last.T.copy(),), (column.flat, flat_slopes)


def backward(
    gy: Array | None,
    g_last: tuple[Array | None],
    saved: tuple[Array, ...],
    weights: Weights,
    way: Way,
    needs_x: bool,
) -> tuple[Array | None, States, Gradients]:
    """Gradients of x (None unless needed), (h_0,), and the weights, for those of y and h_n."""
    hidden, inputs = weights.ih.shape
    dtype = weights.ih.dtype
    _, columns = buffer(inputs + 1 + hidden, way, dtype, saved[0])
    _, slopes = buffer(hidden, way, dtype, saved[1])
    back = np.array(weights.hh.T, order="C")
    last = transposed(g_last[0], hidden, way.batch, dtype)
    first = last.copy()
    gx = InputGradient(way, inputs, dtype, needs_x)
    g_weight: Any = np.zeros((hidden, inputs + 1 + hidden), dtype)
    dh = last[:, :0]
    for run in way.runs():
        gates = []
        for t in run:
            n = way.counts[t]
            dh = resized(dh, n, last, first)
            if gy is not None:
                dh += gy[t, :n].T
            gates.append(dh * slopes[t])
            np.matmul(back, gates[-1], out=dh)
        d = joined(gates)
        g_weight += d @ joined([columns[t] for t in run]).T
        gx.fill(run, d, weights.ih)
    resized(dh, 0, last, first)
    return gx.array, (first.T.copy(),), (*divided(g_weight, inputs), None)
