"""The training program of a recurrent layer in NumPy, its gradients derived by hand: what the
computation costs without any machinery around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .case import Sizes, Update, characters, layer_weights
from .layers import LEARNING_RATE, MAX_NORM

Array = np.ndarray
Backward = Callable[[Array], tuple[Array, Array]]
"""From the gradient of the states to those of the projected input and of the recurrent product,
both (steps, batch, gates * hidden)."""


def sigmoid(x: Array) -> Array:
    return 0.5 * np.tanh(0.5 * x) + np.float32(0.5)


# Each takes the projected input with b_ih (steps, batch, gates * hidden), W_hh, b_hh and the states
# (steps + 1, batch, hidden), of which it writes all but the first.


def rnn(a: Array, w: Array, b: Array, h: Array) -> Backward:
    for t in range(len(a)):
        np.tanh(a[t] + h[t] @ w.T + b, out=h[t + 1])

    def backward(dh: Array) -> tuple[Array, Array]:
        da = np.empty_like(a)
        carried = np.zeros_like(h[0])
        for t in reversed(range(len(a))):
            da[t] = (dh[t] + carried) * (1 - h[t + 1] ** 2)
            carried = da[t] @ w
        return da, da

    return backward


def gru(a: Array, w: Array, b: Array, h: Array) -> Backward:
    H = h.shape[2]
    rz, n = np.empty_like(a[..., : 2 * H]), np.empty_like(h[1:])
    hn = np.empty_like(n)
    for t in range(len(a)):
        product = h[t] @ w.T + b
        rz[t] = sigmoid(a[t, :, : 2 * H] + product[:, : 2 * H])
        hn[t] = product[:, 2 * H :]
        np.tanh(a[t, :, 2 * H :] + rz[t, :, :H] * hn[t], out=n[t])
        h[t + 1] = n[t] + rz[t, :, H:] * (h[t] - n[t])

    def backward(dh: Array) -> tuple[Array, Array]:
        da, dp = np.empty_like(a), np.empty_like(a)
        carried = np.zeros_like(h[0])
        for t in reversed(range(len(a))):
            g = dh[t] + carried
            r, z = rz[t, :, :H], rz[t, :, H:]
            dn = g * (1 - z) * (1 - n[t] ** 2)
            da[t, :, :H] = dn * hn[t] * r * (1 - r)
            da[t, :, H : 2 * H] = g * (h[t] - n[t]) * z * (1 - z)
            da[t, :, 2 * H :] = dn
            dp[t, :, : 2 * H] = da[t, :, : 2 * H]
            dp[t, :, 2 * H :] = dn * r
            carried = g * z + dp[t] @ w
        return da, dp

    return backward


def lstm(a: Array, w: Array, b: Array, h: Array) -> Backward:
    H = h.shape[2]
    gates, c, tanh_c = np.empty_like(a), np.zeros_like(h), np.empty_like(h[1:])
    for t in range(len(a)):
        product = a[t] + h[t] @ w.T + b
        gates[t] = sigmoid(product)
        np.tanh(product[:, 2 * H : 3 * H], out=gates[t, :, 2 * H : 3 * H])
        i, f, g, o = np.split(gates[t], 4, 1)
        c[t + 1] = f * c[t] + i * g
        np.tanh(c[t + 1], out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h[t + 1])

    def backward(dh: Array) -> tuple[Array, Array]:
        da = np.empty_like(a)
        carried, dc = np.zeros_like(h[0]), np.zeros_like(h[0])
        for t in reversed(range(len(a))):
            i, f, g, o = np.split(gates[t], 4, 1)
            d = dh[t] + carried
            dc += d * o * (1 - tanh_c[t] ** 2)
            da[t, :, :H] = dc * g * i * (1 - i)
            da[t, :, H : 2 * H] = dc * c[t] * f * (1 - f)
            da[t, :, 2 * H : 3 * H] = dc * i * (1 - g * g)
            da[t, :, 3 * H :] = d * tanh_c[t] * o * (1 - o)
            dc *= f
            carried = da[t] @ w
        return da, da

    return backward


def program(sizes: Sizes) -> Update:
    layer = {"RNN": rnn, "GRU": gru, "LSTM": lstm}[sizes.mode]
    params = layer_weights(sizes)
    w_ih, w_hh, b_ih, b_hh, weight, bias = params
    inputs, targets = characters(sizes)
    y, rows = targets.reshape(-1), np.arange(targets.size)

    def update() -> float:
        x = np.eye(sizes.features, dtype=np.float32)[inputs.reshape(-1)]
        h = np.zeros((sizes.steps + 1, sizes.batch, sizes.hidden), np.float32)
        a = (x @ w_ih.T + b_ih).reshape(sizes.steps, sizes.batch, -1)
        backward = layer(a, w_hh, b_hh, h)
        top = h[1:].reshape(-1, sizes.hidden)
        scores = top @ weight.T + bias
        scores -= scores.max(1, keepdims=True)
        likelihoods = np.exp(scores)
        sums = likelihoods.sum(1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - scores[rows, y]).mean())

        d = likelihoods / sums
        d[rows, y] -= 1
        d /= len(y)
        da, dp = (part.reshape(len(y), -1) for part in backward((d @ weight).reshape(h[1:].shape)))
        before = h[:-1].reshape(-1, sizes.hidden)
        gradients = [da.T @ x, dp.T @ before, da.sum(0), dp.sum(0), d.T @ top, d.sum(0)]
        norm = float(np.sqrt(sum(np.vdot(g, g) for g in gradients)))
        rate = LEARNING_RATE * min(1.0, MAX_NORM / (norm + 1e-6))
        for param, gradient in zip(params, gradients, strict=True):
            gradient *= rate
            param -= gradient
        return loss

    return update
