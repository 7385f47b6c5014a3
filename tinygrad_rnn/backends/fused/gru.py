"""The GRU over a whole sequence: n = tanh(x_n + r h_n), h' = n + z (h - n), where x_n and h_n are
the projections of input and state, and r and z sigmoids of the sum of both.

As in `lstm`, sigmoids are computed by tanh with halved weights, and forward forms the factors that
backward multiplies the gradient of h' by: here all five of a step, so it is one product.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    buffer,
    column_of,
    joined,
    resized,
    transposed,
    turned,
)


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n,), and what `backward` reads. Arguments as in `lstm.forward`."""
    dtype, hidden = x.dtype, weights.hh.shape[1]
    projections = _projections(weights, way.batch)
    first = transposed(state[0], hidden, way.batch, dtype)
    last = first.copy()
    column = Column(x, hidden, way, keep)
    flat_factors, factors = buffer(5 * hidden, way, dtype, keep)
    y = np.zeros((len(way.counts), way.batch, hidden), dtype)
    h = first[:, :0]
    gates = np.empty((6 * hidden, 0), dtype)
    for t, following in way.pairs():
        n = way.counts[t]
        before = resized(h, n, first, last)
        if gates.shape[1] != n:
            gates = np.empty((6 * hidden, n), dtype)
        step = column.begin(t, before)
        h = column.slot(following, n)
        _step(projections, step, before, gates, h, factors[t], keep)
        y[t, :n] = h.T
    resized(h, 0, first, last)
    return y, (last.T.copy(),), (column.flat, flat_factors)


def _projections(weights: Weights, batch: int) -> tuple[Projection, Projection]:
    """Of h and of x, the rows of r and z halved."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    sigmoids = (slice(2 * w_hh.shape[1]),)
    return (
        Projection(None, b_hh, w_hh, batch, sigmoids),
        Projection(w_ih, b_ih, None, batch, sigmoids),
    )


def _step(
    projections: Sequence[Projection],
    column: Array,
    before: Array,
    gates: Array,
    h: Array,
    factors: Array,
    keep: bool,
) -> None:
    """h' into `h`, from the column [x; 1; h] of a step and the h before.

    `factors` is what the gradient of h' is multiplied by for those of h_n, r, z, x_n and the h
    before, if that is to be kept; its slopes of sigmoids are four times too large."""
    hidden, count = before.shape
    of_h, of_x = projections
    of_h(column[-hidden - 1 :], gates[: 3 * hidden])
    of_x(column[:-hidden], gates[3 * hidden :])
    r_z, (r, z, h_n, _, _, n) = gates[: 2 * hidden], gates.reshape(6, hidden, count)
    r_z += gates[3 * hidden : 5 * hidden]
    one, half = gates.dtype.type(1), gates.dtype.type(0.5)
    np.tanh(r_z, out=r_z)
    to_h_n, to_r, to_z, to_n, carry = factors.reshape(5, hidden, count)
    if keep:
        slopes = factors[hidden : 3 * hidden]
        np.multiply(r_z, r_z, out=slopes)
        np.subtract(one, slopes, out=slopes)
    r_z *= half
    r_z += half
    difference = np.multiply(r, h_n, out=carry)
    n += difference
    np.tanh(n, out=n)
    np.subtract(before, n, out=difference)
    if keep:
        to_z *= difference
    difference *= z
    np.add(n, difference, out=h)
    if keep:
        np.multiply(n, n, out=to_n)
        np.subtract(one, to_n, out=to_n)
        np.subtract(one, z, out=carry)
        to_n *= carry  # (1 - z) (1 - n^2)
        to_r *= to_n
        to_r *= h_n
        np.multiply(to_n, r, out=to_h_n)
        carry[:] = z


def step(x: Array, state: States, weights: Weights) -> States:
    """The new (h,), with the bits of `forward`. Arguments as in `lstm.step`."""
    hidden, count = weights.hh.shape[1], len(x)
    column = column_of(x, state[0])
    gates, factors, h = (np.empty((k * hidden, count), x.dtype) for k in (6, 5, 1))
    _step(_projections(weights, count), column, column[-hidden:], gates, h, factors, False)
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
    hidden, inputs = weights.hh.shape[1], weights.ih.shape[1]
    dtype = weights.ih.dtype
    _, columns = buffer(inputs + 1 + hidden, way, dtype, saved[0])
    _, factors = buffer(5 * hidden, way, dtype, saved[1])
    # Gate gradients are in the order h_n, r, z, x_n: all of W_hh's, then all of W_ih's
    back = backwards((weights.hh[2 * hidden :], 1), (weights.hh[: 2 * hidden], 0.25))
    last = transposed(g_last[0], hidden, way.batch, dtype)
    first = last.copy()
    sigmoids = slice(2 * hidden)
    gx = InputGradient(way, weights.ih, needs_x, (sigmoids,))
    g_ih: Any = np.zeros((3 * hidden, inputs + 1), dtype)
    g_hh: Any = np.zeros((3 * hidden, 1 + hidden), dtype)
    dh = last[:, :0]
    for run in way.runs():
        gates = []
        for t in run:
            n = way.counts[t]
            dh = resized(dh, n, last, first)
            if gy is not None:
                dh += gy[t, :n].T
            d = factors[t].reshape(5, hidden, n) * dh
            gates.append(d[:4].reshape(4 * hidden, n))
            np.matmul(back, gates[-1][: 3 * hidden], out=dh)
            dh += d[4]
        d = joined(gates)
        step = joined([columns[t] for t in run])
        g_ih += d[hidden:] @ step[: inputs + 1].T
        g_hh += d[: 3 * hidden] @ step[inputs:].T
        gx.fill(run, d[hidden:])
    resized(dh, 0, last, first)
    g_hh = np.concatenate([g_hh[hidden:], g_hh[:hidden]])
    g_ih[sigmoids] *= 0.25
    g_hh[sigmoids] *= 0.25
    of_weights = g_ih[:, :-1].copy(), g_hh[:, 1:].copy(), g_ih[:, -1].copy(), g_hh[:, 0].copy()
    return gx.array, (first.T.copy(),), (*of_weights, None)
