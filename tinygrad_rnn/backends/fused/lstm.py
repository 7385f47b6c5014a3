"""The LSTM over a whole sequence: gates i, f, g, o; c' = f c + i g; h' = o tanh(c').

Rows of gates are in the order o, i, f, g, so that the three sigmoids are one block. A sigmoid is
(1 + tanh(a / 2)) / 2 with the halving folded into the weights: one tanh serves all gates.

What backward reads of a step are the factors of `_factors`, products that do not depend on
gradients; forward forms them while the gates are in the cache.
"""

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

_ORDER = (3, 0, 1, 2)  # where o, i, f, g are among PyTorch's i, f, g, o


def _stacked(weights: Weights, hidden: int) -> Array:
    """[W_ih | b | W_hh] in the order o, i, f, g, the sigmoids' rows halved."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    inputs = w_ih.shape[1]
    stacked = np.empty((4 * hidden, inputs + 1 + w_hh.shape[1]), w_ih.dtype)
    for to, gate in enumerate(_ORDER):
        rows, source = stacked[to * hidden :][:hidden], slice(gate * hidden, (gate + 1) * hidden)
        rows[:, :inputs] = w_ih[source]
        rows[:, inputs] = 0 if b_ih is None else b_ih[source] + b_hh[source]
        rows[:, inputs + 1 :] = w_hh[source]
    stacked[: 3 * hidden] *= 0.5
    return stacked


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n, c_n), and what `backward` reads, if that is to be kept.

    x (steps, batch, inputs); state h_0 (batch, proj or hidden), c_0 (batch, hidden); weights
    weight_ih, weight_hh, bias_ih, bias_hh, weight_hr as PyTorch has them, the last three or None.
    """
    dtype, batch = x.dtype, way.batch
    w_hr = weights.hr
    hidden, out = weights.hh.shape[0] // 4, weights.hh.shape[1]
    weight = _stacked(weights, hidden)
    first_h, first_c = (transposed(s, s.shape[1], batch, dtype) for s in state)
    last_h, last_c = first_h.copy(), first_c.copy()
    column = Column(x, out, way, keep)
    flat_factors, factors = buffer(6 * hidden, way, dtype, keep)
    flat_m, m_blocks = buffer(hidden if w_hr is not None else 0, way, dtype, keep)
    y = np.zeros((len(way.counts), batch, out), dtype)
    h, c = first_h[:, :0], first_c[:, :0]
    one, half = dtype.type(1), dtype.type(0.5)
    gates = np.empty((4 * hidden, 0), dtype)
    for t, following in way.pairs():
        n = way.counts[t]
        h, c = resized(h, n, first_h, last_h), resized(c, n, first_c, last_c)
        if gates.shape[1] != n:
            gates = np.empty((4 * hidden, n), dtype)
            sigmoids, (o, i, f, g) = gates[: 3 * hidden], gates.reshape(4, hidden, n)
            product = np.empty((hidden, n), dtype)
        np.matmul(weight, column.begin(t, h), out=gates)
        np.tanh(gates, out=gates)
        if keep:
            slopes = factors[t][: 4 * hidden]
            np.multiply(gates, gates, out=slopes)
            np.subtract(one, slopes, out=slopes)
        sigmoids *= half
        sigmoids += half
        before = c
        c = np.multiply(f, before)
        np.multiply(i, g, out=product)
        c += product
        tanh_c = np.tanh(c, out=product)
        h = column.slot(following, n)
        if w_hr is None:
            m = np.multiply(o, tanh_c, out=h)
        else:
            m = np.multiply(o, tanh_c, out=m_blocks[t])
            np.matmul(w_hr, m, out=h)
        if keep:
            _factors(factors[t].reshape(6, hidden, n), before, i, f, g, o, tanh_c, m)
        y[t, :n] = h.T
    resized(h, 0, first_h, last_h), resized(c, 0, first_c, last_c)
    return y, (last_h.T.copy(), last_c.T.copy()), (column.flat, flat_factors, flat_m)


def _factors(
    to: Array, before: Array, i: Array, f: Array, g: Array, o: Array, tanh_c: Array, m: Array
) -> None:
    """What the gradients of a step's h and c are multiplied by: h's to that of o; c's to those of
    i, f, g and of the c before; and h's to c's. `to` holds 1 - tanh^2 of o, i, f, g already, four
    times the slope of a sigmoid (the rest of `backward` makes up for the four)."""
    to[0] *= tanh_c
    to[1] *= g
    to[2] *= before
    to[3] *= i
    to[4] = f
    np.multiply(m, tanh_c, out=to[5])
    np.subtract(o, to[5], out=to[5])  # o (1 - tanh(c)^2)


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
    weight = _stacked(weights, hidden)
    weight[: 3 * hidden] *= 0.5  # with the four times too large slopes: the sigmoids' own
    back = np.array(weight[:, inputs + 1 :].T, order="C")
    last_h, last_c = (
        transposed(g, size, batch, dtype) for g, size in zip(g_last, (out, hidden), strict=True)
    )
    first_h, first_c = last_h.copy(), last_c.copy()
    gx = InputGradient(way, inputs, dtype, needs_x)
    g_weight: Any = np.zeros_like(weight)
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
            np.multiply(dm, factor[5], out=d[0])
            dc += d[0]
            np.multiply(dm, factor[0], out=d[0])
            np.multiply(dc, factor[1:5], out=d[1:])
            dc = d[4]
            gates.append(d[:4].reshape(4 * hidden, n))
            dh = np.matmul(back, gates[-1], out=dh)
        d = joined(gates)
        g_weight += d @ joined([columns[t] for t in run]).T
        if w_hr is not None:
            g_hr += joined(outputs) @ joined([m_blocks[t] for t in run]).T
        gx.fill(run, d, weight[:, :inputs])
    resized(dh, 0, last_h, first_h), resized(dc, 0, last_c, first_c)
    g_weight[: 3 * hidden] *= 0.25
    g_weight = np.concatenate([g_weight.reshape(4, hidden, -1)[_ORDER.index(g)] for g in range(4)])
    return gx.array, (first_h.T.copy(), first_c.T.copy()), (*divided(g_weight, inputs), g_hr)
