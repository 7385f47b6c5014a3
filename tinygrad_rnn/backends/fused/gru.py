"""The GRU over a whole sequence: n = tanh(x_n + r h_n), h' = n + z (h - n), where x_n and h_n are
the projections of input and state, and r and z sigmoids of the sum of both.

As in `lstm`, sigmoids are computed by tanh with halved weights, and forward forms the factors that
backward multiplies the gradient of h' by: here all five of a step, so it is one product.
"""

from __future__ import annotations

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
    joined,
    resized,
    transposed,
)


def _stacked(weights: Weights, sigmoid: float) -> tuple[Array, Array, Array]:
    """[W_ih | b | W_hh] of r and z, times `sigmoid`; [W_ih | b_ih] of n; [b_hh | W_hh] of n."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    hidden, inputs = w_hh.shape[1], w_ih.shape[1]
    gates, split = slice(2 * hidden), 2 * hidden
    dtype = w_ih.dtype
    both = np.empty((2 * hidden, inputs + 1 + hidden), dtype)
    both[:, :inputs] = w_ih[gates]
    both[:, inputs] = 0 if b_ih is None else b_ih[gates] + b_hh[gates]
    both[:, inputs + 1 :] = w_hh[gates]
    both *= sigmoid
    of_x = np.empty((hidden, inputs + 1), dtype)
    of_x[:, :inputs] = w_ih[split:]
    of_x[:, inputs] = 0 if b_ih is None else b_ih[split:]
    of_h = np.empty((hidden, 1 + hidden), dtype)
    of_h[:, 0] = 0 if b_hh is None else b_hh[split:]
    of_h[:, 1:] = w_hh[split:]
    return both, of_x, of_h


def forward(
    x: Array, state: States, weights: Weights, way: Way, keep: bool
) -> tuple[Array, States, tuple[Array, ...]]:
    """y, (h_n,), and what `backward` reads. Arguments as in `lstm.forward`."""
    dtype, inputs = x.dtype, x.shape[2]
    hidden = weights.hh.shape[1]
    both, of_x, of_h = _stacked(weights, 0.5)
    first = transposed(state[0], hidden, way.batch, dtype)
    last = first.copy()
    column = Column(x, hidden, way, keep)
    flat_factors, factors = buffer(5 * hidden, way, dtype, keep)
    y = np.zeros((len(way.counts), way.batch, hidden), dtype)
    h, one, half = first[:, :0], dtype.type(1), dtype.type(0.5)
    gates = np.empty((4 * hidden, 0), dtype)
    for t, following in way.pairs():
        count = way.counts[t]
        h = resized(h, count, first, last)
        if gates.shape[1] != count:
            gates = np.empty((4 * hidden, count), dtype)
            r_z, (r, z, h_n, n) = gates[: 2 * hidden], gates.reshape(4, hidden, count)
        step = column.begin(t, h)
        np.matmul(both, step, out=r_z)
        np.matmul(of_h, step[inputs:], out=h_n)
        np.matmul(of_x, step[: inputs + 1], out=n)
        np.tanh(r_z, out=r_z)
        factor = factors[t].reshape(5, hidden, count)
        if keep:
            slopes = factor[1:3].reshape(2 * hidden, count)
            np.multiply(r_z, r_z, out=slopes)
            np.subtract(one, slopes, out=slopes)
        r_z *= half
        r_z += half
        difference = np.multiply(r, h_n, out=factor[4])
        n += difference
        np.tanh(n, out=n)
        np.subtract(h, n, out=difference)
        if keep:
            factor[2] *= difference
        difference *= z
        h = np.add(n, difference, out=column.slot(following, count))
        if keep:
            _factors(factor, r, z, h_n, n)
        y[t, :count] = h.T
    resized(h, 0, first, last)
    return y, (last.T.copy(),), (column.flat, flat_factors)


def _factors(to: Array, r: Array, z: Array, h_n: Array, n: Array) -> None:
    """What the gradient of h' is multiplied by for those of h_n, r, z, x_n and the h before. `to`
    holds 1 - tanh^2, four times a sigmoid's slope, of r, and that of z times (h - n), already."""
    of_n, carry = to[3], to[4]
    np.multiply(n, n, out=of_n)
    np.subtract(1, of_n, out=of_n)
    np.subtract(1, z, out=carry)
    of_n *= carry  # (1 - z) (1 - n^2)
    to[1] *= of_n
    to[1] *= h_n
    np.multiply(of_n, r, out=to[0])
    carry[:] = z


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
    both, of_x, of_h = _stacked(
        weights, 0.25
    )  # the slopes of the sigmoids are four times too large
    back = np.array(np.concatenate([of_h[:, 1:], both[:, inputs + 1 :]]).T, order="C")
    to_x = np.concatenate([both[:, :inputs], of_x[:, :inputs]])
    last = transposed(g_last[0], hidden, way.batch, dtype)
    first = last.copy()
    gx = InputGradient(way, inputs, dtype, needs_x)
    g_both, g_of_x, g_of_h = (np.zeros_like(weight) for weight in (both, of_x, of_h))
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
        g_of_h += d[:hidden] @ step[inputs:].T
        g_both += d[hidden : 3 * hidden] @ step.T
        g_of_x += d[3 * hidden :] @ step[: inputs + 1].T
        gx.fill(run, d[hidden:], to_x)
    resized(dh, 0, last, first)
    g_both *= 0.25
    of_weights = (
        np.concatenate([g_both[:, :inputs], g_of_x[:, :inputs]]),
        np.concatenate([g_both[:, inputs + 1 :], g_of_h[:, 1:]]),
        np.concatenate([g_both[:, inputs], g_of_x[:, inputs]]),
        np.concatenate([g_both[:, inputs], g_of_h[:, 0]]),
        None,
    )
    return gx.array, (first.T.copy(),), of_weights
