"""The training program of a recurrent layer in JAX: one jitted update with `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .case import Sizes, Update, characters, layer_weights
from .layers import LEARNING_RATE, MAX_NORM


def outputs(mode: str, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    """States (steps, batch, hidden) for inputs (steps, batch, features)."""
    zeros = jnp.zeros((x.shape[1], w_hh.shape[1]), x.dtype)

    def rnn(h: Any, x: Any) -> Any:
        h = jnp.tanh(x + h @ w_hh.T + b_hh)
        return h, h

    def gru(h: Any, x: Any) -> Any:
        x_r, x_z, x_n = jnp.split(x, 3, -1)
        h_r, h_z, h_n = jnp.split(h @ w_hh.T + b_hh, 3, -1)
        r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
        n = jnp.tanh(x_n + r * h_n)
        h = n + z * (h - n)
        return h, h

    def lstm(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x + h @ w_hh.T + b_hh, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    step = {"RNN": rnn, "GRU": gru, "LSTM": lstm}[mode]
    begin = (zeros, zeros) if mode == "LSTM" else zeros
    return jax.lax.scan(step, begin, x @ w_ih.T + b_ih)[1]


def jitted(sizes: Sizes) -> Callable[[], Any]:
    """Does one update and returns its loss, which may not be there yet."""

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        *layer, weight, bias = params
        one_hot = jax.nn.one_hot(x, sizes.features, dtype=jnp.float32)
        scores = outputs(sizes.mode, one_hot, *layer) @ weight.T + bias
        chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), y[..., None], -1)
        return -chosen.mean()

    def descend(params: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients))
        rate = LEARNING_RATE * jnp.minimum(1, MAX_NORM / (norm + 1e-6))
        return loss, [p - rate * g for p, g in zip(params, gradients, strict=True)]

    step = jax.jit(descend, donate_argnums=0)
    params = [jnp.asarray(value) for value in layer_weights(sizes)]
    x, y = (jnp.asarray(part) for part in characters(sizes))

    def update() -> Any:
        nonlocal params
        loss, params = step(params, x, y)
        return loss

    return update


def program(sizes: Sizes) -> Update:
    update = jitted(sizes)
    return lambda: float(jax.block_until_ready(update()))
