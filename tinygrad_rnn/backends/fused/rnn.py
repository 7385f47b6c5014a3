"""The RNN over a whole sequence: h' = tanh(W_ih x + W_hh h + b), or relu."""

from __future__ import annotations

from typing import Any

import numpy as np

from .steps import (
    Array,
    Column,
    Gradients,
    InputGradient,
    Projection,
    States,
    Way,
    Weights,
    backwards,
    both,
    buffer,
    column_of,
    divided,
    joined,
    resized,
    transposed,
    turned,
)


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool, relu: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n,), and what `backward` reads: the inputs of all steps and the slopes of the
    nonlinearity. Arguments as in `lstm.forward`."""
    dtype = x.dtype
    w_ih, w_hh, b_ih, b_hh, _ = weights
    hidden = w_hh.shape[0]
    project = Projection(w_ih, both(b_ih, b_hh), w_hh, way.batch)
    first = transposed(state[0], hidden, way.batch, dtype)
    last = first.copy()
    column = Column(x, hidden, way, keep)
    flat_slopes, slopes = buffer(hidden, way, dtype, keep)
    y = np.zeros((len(way.counts), way.batch, hidden), dtype)
    h = first[:, :0]
    for t, following in way.pairs():
        n = way.counts[t]
        step = column.begin(t, resized(h, n, first, last))
        h = column.slot(following, n)
        _step(project, step, slopes[t], h, keep, relu)
        y[t, :n] = h.T
    resized(h, 0, first, last)
    return y, (last.T.copy(),), (column.flat, flat_slopes)


def _step(
    project: Projection, column: Array, slopes: Array, h: Array, keep: bool, relu: bool
) -> None:
    """h' into `h`, from the column [x; 1; h] of a step, and its slopes if they are to be kept."""
    project(column, slopes)
    if relu:
        np.maximum(slopes, 0, out=h)
        if keep:
            np.greater(h, 0, out=slopes, casting="unsafe")
    else:
        np.tanh(slopes, out=h)
        if keep:
            np.multiply(h, h, out=slopes)
            np.subtract(h.dtype.type(1), slopes, out=slopes)


def step(x: Array, state: States, weights: Weights, relu: bool) -> States:
    """The new (h,), with the bits of `forward`. Arguments as in `lstm.step`."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    project = Projection(w_ih, both(b_ih, b_hh), w_hh, len(x))
    h = np.empty((w_hh.shape[0], len(x)), x.dtype)
    _step(project, column_of(x, state[0]), np.empty_like(h), h, False, relu)
    return (turned(h),)


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
    back = backwards((weights.hh, 1))
    last = transposed(g_last[0], hidden, way.batch, dtype)
    first = last.copy()
    gx = InputGradient(way, weights.ih, needs_x)
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
        gx.fill(run, d)
    resized(dh, 0, last, first)
    return gx.array, (first.T.copy(),), (*divided(g_weight, inputs), None)
