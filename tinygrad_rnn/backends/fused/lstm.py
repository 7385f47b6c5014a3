"""The LSTM over a whole sequence: gates i, f, g, o; c' = f c + i g; h' = o tanh(c').

A sigmoid is (1 + tanh(a / 2)) / 2 with the halving folded into the weights, which changes no bit:
one tanh serves all gates.

What backward reads of a step are the factors of `_step`, products that do not depend on
gradients; forward forms them while the gates are in the cache.
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
    both,
    buffer,
    column_of,
    divided,
    joined,
    resized,
    transposed,
    turned,
)


def _sigmoids(hidden: int) -> tuple[slice, slice]:
    """The rows of i and f, and of o."""
    return slice(2 * hidden), slice(3 * hidden, 4 * hidden)


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n, c_n), and what `backward` reads, if that is to be kept.

    x (steps, batch, inputs); state h_0 (batch, proj or hidden), c_0 (batch, hidden); weights
    weight_ih, weight_hh, bias_ih, bias_hh, weight_hr as PyTorch has them, the last three or None.
    """
    dtype, batch = x.dtype, way.batch
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    hidden, out = w_hh.shape[0] // 4, w_hh.shape[1]
    sigmoids = _sigmoids(hidden)
    project = Projection(w_ih, both(b_ih, b_hh), w_hh, batch, sigmoids)
    first_h, first_c = (transposed(s, s.shape[1], batch, dtype) for s in state)
    last_h, last_c = first_h.copy(), first_c.copy()
    column = Column(x, out, way, keep)
    flat_factors, factors = buffer(6 * hidden, way, dtype, keep)
    flat_m, m_blocks = buffer(hidden if w_hr is not None else 0, way, dtype, keep)
    y = np.zeros((len(way.counts), batch, out), dtype)
    h, c = first_h[:, :0], first_c[:, :0]
    gates = np.empty((4 * hidden, 0), dtype)
    for t, following in way.pairs():
        n = way.counts[t]
        h, c = resized(h, n, first_h, last_h), resized(c, n, first_c, last_c)
        if gates.shape[1] != n:
            gates = np.empty((4 * hidden, n), dtype)
        project(column.begin(t, h), gates)
        h = column.slot(following, n)
        m = h if w_hr is None else m_blocks[t]
        c = _step(gates, sigmoids, c, m, factors[t] if keep else None)
        if w_hr is not None:
            np.matmul(w_hr, m, out=h)
        y[t, :n] = h.T
    resized(h, 0, first_h, last_h), resized(c, 0, first_c, last_c)
    return y, (last_h.T.copy(), last_c.T.copy()), (column.flat, flat_factors, flat_m)


def _step(
    gates: Array, sigmoids: Sequence[slice], before: Array, m: Array, factors: Array | None
) -> Array:
    """c' from the projected gates (which this changes) and the c before, and o tanh(c') into m.

    In `factors`, if they are wanted: what the gradients of h and c are multiplied by: c's to those
    of the c before and of i, f, g; h's to that of o and to c's. The slope of a sigmoid in it is 1 -
    tanh^2, which is four times too large (`backward` makes up for it)."""
    hidden, count = before.shape
    half = gates.dtype.type(0.5)
    np.tanh(gates, out=gates)
    if factors is not None:
        slopes = factors[hidden : 5 * hidden]
        np.multiply(gates, gates, out=slopes)
        np.subtract(gates.dtype.type(1), slopes, out=slopes)
    for rows in sigmoids:
        sigmoid = gates[rows]
        sigmoid *= half
        sigmoid += half
    i, f, g, o = gates.reshape(4, hidden, count)
    c = f * before
    product = i * g
    c += product
    tanh_c = np.tanh(c, out=product)
    np.multiply(o, tanh_c, out=m)
    if factors is not None:
        carry, of_i, of_f, of_g, of_o, of_c = factors.reshape(6, hidden, count)
        carry[:] = f
        of_i *= g
        of_f *= before
        of_g *= i
        of_o *= tanh_c
        np.multiply(m, tanh_c, out=of_c)
        np.subtract(o, of_c, out=of_c)  # o (1 - tanh(c)^2)
    return c


def step(x: Array, state: States, weights: Weights) -> States:
    """The new (h, c) for x (batch, inputs) and a state like `forward`'s, with the same bits."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    hidden = len(w_hh) // 4
    sigmoids = _sigmoids(hidden)
    gates = np.empty((4 * hidden, len(x)), x.dtype)
    project = Projection(w_ih, both(b_ih, b_hh), w_hh, len(x), sigmoids)
    project(column_of(x, state[0]), gates)
    m = np.empty((hidden, len(x)), x.dtype)
    c = _step(gates, sigmoids, turned(state[1]), m, None)
    return turned(m if w_hr is None else w_hr @ m), turned(c)


def backward(
    gy: Array | None,
    g_last: tuple[Array | None, Array | None],
    saved: tuple[Array, ...],
    weights: Weights,
    way: Way,
    needs_x: bool,
) -> tuple[Array | None, States, Gradients]:
    """Gradients of x (None unless needed), (h_0, c_0), and the weights, for those of y, h_n and
    c_n."""
    w_hr = weights.hr
    inputs = weights.ih.shape[1]
    hidden, out = weights.hh.shape[0] // 4, weights.hh.shape[1]
    dtype, batch = weights.ih.dtype, way.batch
    flat, flat_factors, flat_m = saved
    _, columns = buffer(inputs + 1 + out, way, dtype, flat)
    _, factors = buffer(6 * hidden, way, dtype, flat_factors)
    _, m_blocks = buffer(hidden if w_hr is not None else 0, way, dtype, flat_m)
    sigmoids = _sigmoids(hidden)
    i_f, g, o = np.split(weights.hh, (2 * hidden, 3 * hidden))
    back = backwards((i_f, 0.25), (g, 1), (o, 0.25))
    last_h, last_c = (
        transposed(g, size, batch, dtype) for g, size in zip(g_last, (out, hidden), strict=True)
    )
    first_h, first_c = last_h.copy(), last_c.copy()
    gx = InputGradient(way, weights.ih, needs_x, sigmoids)
    g_weight: Any = np.zeros((4 * hidden, inputs + 1 + out), dtype)
    g_hr: Any = None if w_hr is None else np.zeros_like(w_hr)
    dh, dc = last_h[:, :0], last_c[:, :0]
    for run in way.runs():
        gates, outputs = [], []
        for t in run:
            n = way.counts[t]
            dh, dc = resized(dh, n, last_h, first_h), resized(dc, n, last_c, first_c)
            if gy is not None:
                dh += gy[t, :n].T
            dm = dh
            if w_hr is not None:
                outputs.append(dh.copy())
                dm = w_hr.T @ dh
            factor = factors[t].reshape(6, hidden, n)
            d = np.empty((5, hidden, n), dtype)
            np.multiply(dm, factor[5], out=d[4])
            dc += d[4]
            np.multiply(dc, factor[:4], out=d[:4])
            np.multiply(dm, factor[4], out=d[4])
            dc = d[0]
            gates.append(d[1:].reshape(4 * hidden, n))
            dh = np.matmul(back, gates[-1], out=dh)
        d = joined(gates)
        g_weight += d @ joined([columns[t] for t in run]).T
        if w_hr is not None:
            g_hr += joined(outputs) @ joined([m_blocks[t] for t in run]).T
        gx.fill(run, d)
    resized(dh, 0, last_h, first_h), resized(dc, 0, last_c, first_c)
    for rows in sigmoids:
        g_weight[rows] *= 0.25
    of_weights = (*divided(g_weight, inputs), g_hr)
    return gx.array, (first_h.T.copy(), first_c.T.copy()), of_weights
