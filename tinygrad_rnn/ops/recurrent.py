"""A recurrent cell over a whole sequence as one operation, fused by the backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import (
    Kept,
    Record,
    Variable,
    current_edge,
    grad,
    is_grad_enabled,
    primitive,
)
from ..backends import Array, Backend, Way, Weights, backend_of
from ..dtypes import float32, float64

_NAMES = {
    "RNN_TANH": "RnnTanhBackward0",
    "RNN_RELU": "RnnReluBackward0",
    "GRU": "GruBackward0",
    "LSTM": "LstmBackward0",
}


def _name(node: Record) -> str:
    return _NAMES[node.params["mode"]]


@primitive(name=_name)
def _fused(
    xp: Backend,
    x: Array,
    h: Array,
    c: Array | None,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    weight_hr: Array | None,
    *,
    mode: str,
    way: Way,
    keep: bool,
    plain: Callable[..., Any],
) -> tuple[Any, ...]:
    """The outputs and the last state: see `fused`."""
    weights = Weights(weight_ih, weight_hh, bias_ih, bias_hh, weight_hr)
    state = (h,) if c is None else (h, c)
    y, last, kept = xp.fused_cells[mode].forward(x, state, weights, way, keep)
    return (y, *last, Kept(kept)) if keep else (y, *last)


def _gradients(
    g: Sequence[Any],
    kept: Any,
    x: Any,
    h: Any,
    c: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
    weight_hr: Any,
    *,
    needs: list[bool],
    mode: str,
    way: Way,
    keep: bool,
    plain: Callable[..., Any],
) -> Sequence[Any]:
    weights = Weights(weight_ih, weight_hh, bias_ih, bias_hh, weight_hr)
    if any(isinstance(part, Variable) for part in g):
        return _recorded(g, (x, h, c, *weights), needs, plain)
    xp: Any = backend_of(x)
    g_x, first, of_weights = xp.fused_cells[mode].backward(
        g[0], g[1:], kept, weights, way, needs[0]
    )
    return g_x, *first, *(() if c is not None else (None,)), *of_weights


def _recorded(
    g: Sequence[Any], inputs: Sequence[Any], needs: list[bool], plain: Callable[..., Any]
) -> list[Any]:
    """Gradients that can be differentiated: those of the plain form, run again."""
    outputs = plain(*inputs)
    known = [(y, part) for y, part in zip(outputs, g, strict=True) if part is not None]
    wanted = [x for x, need in zip(inputs, needs, strict=True) if need]
    ends, parts = zip(*known, strict=True)
    found = iter(grad(ends, wanted, parts, create_graph=True, allow_unused=True))
    return [next(found) if need else None for need in needs]


_fused.gradients(joint=_gradients)


def can_fuse(mode: str, x: Any, state: Sequence[Any], weights: Weights) -> bool:
    """Whether `fused` can run on these: float32 or float64 all, of shapes that fit, and on a
    backend that has the cell. (Where shapes do not fit, ordinary operations tell what is wrong.)"""
    xp: Any = backend_of(x._array)
    tensors = [value for value in (x, *state, *weights) if value is not None]
    rows, out = weights.hh.shape
    sizes = (out, rows // 4)[: len(state)]
    return (
        mode in xp.fused_cells
        and x.dtype in (float32, float64)
        and all(value.dtype is x.dtype for value in tensors)
        and x.dim() == 3
        and x.shape[2] == weights.ih.shape[1]
        and all(tuple(s.shape) == (x.shape[1], n) for s, n in zip(state, sizes, strict=True))
    )


def fused(
    mode: str,
    x: Any,
    state: Sequence[Any],
    weights: Weights,
    counts: Sequence[int],
    reverse: bool,
    plain: Callable[..., Any],
) -> tuple[Any, ...]:
    """The outputs (steps, batch, hidden) and the last state of one direction of one layer.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
        x: (steps, batch, inputs), the sequences in order of falling length.
        state: (h,), for an LSTM (h, c), each (batch, size).
        counts: how many sequences run at each step.
        reverse: from each sequence's last step to the first.
        plain: ``plain(x, h, c, *weights)``, the same in ordinary operations, which takes the place
            of this one where gradients are to be differentiated.
    """
    h, c = (*state, None)[:2]
    inputs = (x, h, c, *weights)
    keep = is_grad_enabled() and any(
        isinstance(value, Variable) and current_edge(value) is not None for value in inputs
    )
    way = Way(tuple(counts), x.shape[1], reverse)
    return _fused(*inputs, mode=mode, way=way, keep=keep, plain=plain)
