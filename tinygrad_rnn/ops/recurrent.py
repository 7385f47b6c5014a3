"""A recurrent cell over a whole sequence as one operation, fused by the backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import (
    Kept,
    Record,
    Variable,
    current_edge,
    is_grad_enabled,
    primitive,
)
from ..backends import Array, Backend, Way, Weights, backend_of
from .replay import replayed

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
    return (y, *last, Kept((kept,))) if keep else (y, *last)


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
        return replayed(g, (x, h, c, *weights), needs, plain)
    xp: Any = backend_of(x)
    g_x, first, of_weights = xp.fused_cells[mode].backward(
        g[0], g[1:], kept[0], weights, way, needs[0]
    )
    return g_x, *first, *(() if c is not None else (None,)), *of_weights


_fused.gradients(joint=_gradients)


def can_fuse(mode: str, x: Any, state: Sequence[Any], weights: Weights) -> bool:
    """Whether `fused` can run on these: float32 or float64 all, of shapes that fit, and on a
    backend that has the cell. (Where shapes do not fit, ordinary operations tell what is wrong.)"""
    array = x._array
    xp: Any = backend_of(array)
    return (
        mode in xp.fused_cells
        and array.ndim == 3
        and _fit(array, [part._array for part in state], _arrays(weights))
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


def step(mode: str, x: Any, state: Sequence[Any], weights: Sequence[Any]) -> Any:
    """One step of a cell, not recorded: the new state, bit for bit as `fused` computes it for a
    batch of this size. None where `fused` cannot run.

    x is (batch, inputs), state (h,), for an LSTM (h, c), each (batch, size); weights are those of
    `Weights`.
    """
    new = _step(mode, x._array, [part._array for part in state], weights)
    return None if new is None else tuple([x._wrap(part) for part in new])


def step_layers(
    mode: str, x: Any, state: Sequence[Any], weights: Sequence[Weights], directions: int
) -> tuple[Any, tuple[Any, ...]] | None:
    """`step` of cells on top of each other, with the weights (raw arrays) of each layer and
    direction.

    x is (1, batch, inputs) or (batch, 1, inputs), each part of the state (layers * directions,
    batch, size); or both have no batch. Returns the outputs of the last layer and the new state, of
    the same forms. None, too, where shapes do not fit.
    """
    array, before = x._array, [part._array for part in state]
    *lead, inputs = array.shape
    for part in before:
        if part.ndim != array.ndim or len(part) != len(weights):
            return None
    rows, states = array, before
    if len(lead) == 2:
        rows = array.reshape((lead[0] * lead[1], inputs))
    else:
        states = [part[:, None] for part in before]
    xp: Any = backend_of(array)
    cell = xp.fused_cells.get(mode)
    new: list[Any] = []
    for number, of_cell in enumerate(weights):
        parts = [part[number] for part in states]
        if cell is None or not _fit(rows, parts, of_cell):
            return None
        after = cell.step(rows, parts, of_cell)
        new.append(after)
        if directions == 1:
            rows = after[0].copy()  # the outputs have memory of their own
        elif number % 2:
            rows = xp.concatenate((new[-2][0], after[0]), 1)
    if number:
        after = [xp.stack(parts) for parts in zip(*new, strict=True)]
    y = rows.reshape((*lead, rows.shape[1]))
    ends = [x._wrap(e.reshape(b.shape)) for e, b in zip(after, before, strict=True)]
    return x._wrap(y), tuple(ends)


def _step(mode: str, x: Array, state: Sequence[Array], weights: Sequence[Any]) -> Any:
    xp: Any = backend_of(x)
    arrays = _arrays(weights)
    if mode not in xp.fused_cells or not _fit(x, state, arrays):
        return None
    return xp.fused_cells[mode].step(x, state, arrays)


def _arrays(weights: Sequence[Any]) -> Weights:
    return Weights._make([None if w is None else w._array for w in weights])


def _fit(x: Array, state: Sequence[Array], weights: Weights) -> bool:
    """Whether arrays are all float32 or all float64, and of shapes that go together."""
    dtype, (rows, out), batch = x.dtype, weights.hh.shape, x.shape[-2]
    if dtype.char not in "fd":
        return False
    if x.shape[-1] != weights.ih.shape[1] or state[0].shape != (batch, out):
        return False
    if len(state) == 2 and state[1].shape != (batch, rows // 4):
        return False
    for array in (*state, *weights):
        if array is not None and array.dtype is not dtype and array.dtype != dtype:
            return False
    return True
