"""Recurrent layers: the fused operation where the backend has it, the scan elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from .sample import S

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def _layer(kind: Callable[..., Any], lengths: list[int], **options: Any) -> Callable[..., Any]:
    """One direction of one layer, its weights among the inputs."""

    def call(x: Any, h: Any, *weights: Any) -> Any:
        layer = kind(2, 3, **options)
        for name, weight in zip(NAMES, weights, strict=True):
            delattr(layer, name)
            setattr(layer, name, weight)
        state = (h, h * 0.5) if isinstance(layer, nn.LSTM) else h
        output, last = layer(x, state, lengths=lengths)
        return output, *(last if isinstance(last, tuple) else (last,))

    return call


def _shapes(gates: int) -> tuple[tuple[int, ...], ...]:
    """x, h, weight_ih, weight_hh, bias_ih, bias_hh."""
    rows = gates * 3
    return (3, 2, 2), (1, 2, 3), (rows, 2), (rows, 3), (rows,), (rows,)


def _own(x: Any, h: Any, w: Any, u: Any, gain: Any) -> Any:
    """A step that users might write, which is run by a plan."""

    def step(x: Any, h: Any) -> tuple[Any, Any]:
        h = torch.tanh(F.layer_norm(F.linear(x, w) + F.linear(h, u), (3,), gain))
        return h * 2, h

    return nn.scan(step, x, h, lengths=[3, 2])


def _twice(x: Any, h: Any, *weights: Any) -> Any:
    """The second time its input and its state were made by the same weights."""
    layer = _layer(nn.RNN, [2, 2])
    output, last = layer(x, h, *weights)
    return layer(output[..., :2], last, *weights)


def _own_segments(x: Any, w: Any) -> Any:
    return nn.scan(lambda x, h: (torch.tanh(x @ w + h),) * 2, x, x[0] @ w, checkpoint_every=2)


RECURRENT = [
    S("RNN-twice", _twice, (2, 2, 2), *_shapes(1)[1:]),
    S("scan-segments", _own_segments, (5, 2, 2), (2, 2)),
    S("scan", _own, (3, 2, 2), (2, 3), (3, 2), (3, 3), (3,)),
    S("RNN", _layer(nn.RNN, [3, 3]), *_shapes(1)),
    S("RNN-ragged", _layer(nn.RNN, [1, 3]), *_shapes(1)),
    S("GRU", _layer(nn.GRU, [3, 2]), *_shapes(3)),
    S("LSTM", _layer(nn.LSTM, [3, 2]), *_shapes(4)),
    S("RNN-segments", _layer(nn.RNN, [3, 2], checkpoint_every=2), *_shapes(1)),
]
