"""One step of the stock recurrent cells, in ordinary operations. They are the specification.

x is the projected input (batch, gates * hidden), h and c are (batch, hidden), or (batch, proj) for
a projected h; `recurrent` is what the gates get of h. Each function returns the new state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..ops.affine import linear
from ..ops.elementwise import sigmoid, tanh
from ..ops.joining import cat
from ..ops.normalization import layer_norm
from ..tensor import Tensor

Activation = Callable[[Tensor], Tensor]
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


class Affine(NamedTuple):
    """W x + b. With a gain it is LN(W x) gain + b (Ba et al., 2016), where LN brings each of the
    `parts` of W x (their sizes) to mean 0 and variance 1. With a mask it is that of x * mask."""

    weight: Tensor
    bias: Tensor | None
    gain: Tensor | None
    parts: tuple[int, ...]
    mask: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        if self.mask is not None:
            x = x * self.mask
        product = linear(x, self.weight, self.bias if self.gain is None else None)
        if self.gain is None:
            return product
        if len(self.parts) == 1:
            return layer_norm(product, self.parts, self.gain, self.bias)
        normalized = [
            layer_norm(part, part.shape[-1:], gain, bias)
            for part, gain, bias in zip(
                product.split(self.parts, -1), self._cut(self.gain), self._cut(self.bias),
                strict=True,
            )
        ]  # fmt: skip
        return cat(normalized, -1)

    def split(self) -> list[Affine]:
        """Each of the parts for itself."""
        weights, biases, gains = (self._cut(x) for x in (self.weight, self.bias, self.gain))
        return [
            Affine(weight, bias, gain, (size,), self.mask)
            for weight, bias, gain, size in zip(weights, biases, gains, self.parts, strict=True)
        ]

    def _cut(self, x: Tensor | None) -> Any:
        return x.split(self.parts) if x is not None else (None,) * len(self.parts)


def rnn_step(x: Tensor, h: Tensor, recurrent: Affine, activation: Activation = tanh) -> Tensor:
    """h' = tanh(x + W h + b) (Elman, 1990)."""
    return activation(x + recurrent(h))


def gru_step(x: Tensor, h: Tensor, recurrent: Affine, activation: Activation = tanh) -> Tensor:
    """Gates r, z, n: n = tanh(x_n + r (W_n h + b_n)), h' = (1 - z) n + z h (Cho et al., 2014,
    with the reset after the product, as cuDNN and PyTorch have it)."""
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = recurrent(h).chunk(3, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = activation(x_n + r * h_n)
    return n + z * (h - n)


def gru_step_reset_before(
    x: Tensor, h: Tensor, gates: Affine, candidate: Affine, activation: Activation = tanh
) -> Tensor:
    """As `gru_step`, with n = tanh(x_n + W_n (r h) + b_n), the form of Cho et al. themselves."""
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z = gates(h).chunk(2, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = activation(x_n + candidate(r * h))
    return n + z * (h - n)


def lstm_step(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    recurrent: Affine,
    activation: Activation = tanh,
    normalize: Activation | None = None,
    weight_hr: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Gates i, f, g, o: c' = f c + i g, h' = o tanh(c') (Hochreiter & Schmidhuber, 1997, with
    forget gates), h' = o tanh(normalize(c')) if that is given, projected by weight_hr if that is
    (Sak et al., 2014)."""
    h, c = state
    i, f, g, o = (x + recurrent(h)).chunk(4, -1)
    c = sigmoid(f) * c + sigmoid(i) * activation(g)
    h = sigmoid(o) * activation(c if normalize is None else normalize(c))
    if weight_hr is not None:
        h = linear(h, weight_hr)
    return h, c
