"""A stock cell as it runs over one sequence: the steps of `steps.py` on weights and masks that are
given to it by a layer's direction or a cell module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..autograd import is_grad_enabled
from ..backends import Weights
from ..creation import as_tensor
from ..ops.choice import where
from ..ops.elementwise import relu, tanh
from ..ops.normalization import layer_norm
from ..ops.recurrent import can_fuse, fused
from ..tensor import Tensor
from .planning import Description
from .regularized import NO_MASKS, Masks
from .scan import Cell, step_by_step
from .steps import GATES, Activation, Affine, gru_step, gru_step_reset_before, lstm_step, rnn_step

STOCK_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")  # as in `Weights`


class StockCell(Cell):
    """The cell of a mode ("RNN_TANH", "RNN_RELU", "GRU", "LSTM") for one pass over a sequence.

    Args:
        weights: by the names of `parameter_shapes`, without those that it does without.
        masks: the random numbers of the pass.
        activation: in place of tanh (or relu); None: the mode's own.
        reset_after: whether a GRU resets behind the product.

    Attributes:
        plain: whether the step is PyTorch's: no normalisation, reset_after, the mode's activation.
    """

    mode: str
    weights: Mapping[str, Tensor]
    masks: Masks
    plain: bool

    def __init__(
        self,
        mode: str,
        weights: Mapping[str, Tensor],
        masks: Masks = NO_MASKS,
        activation: Activation | None = None,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        get, weight_hh = weights.get, weights["weight_hh"]
        rows, size = weight_hh.shape
        hidden = rows // GATES[mode]
        if masks.weight is not None:
            weight_hh = weight_hh * masks.weight
        # Ba et al. normalise the gates r and z of a GRU together, and n apart
        parts = (2 * hidden, hidden) if mode == "GRU" else (rows,)
        recurrent = Affine(weight_hh, get("bias_hh"), get("gain_hh"), parts, masks.hidden)
        own = activation is not None  # the user's, of which nothing is known
        plain = not own and reset_after and "gain_ih" not in weights
        activation = activation or (relu if mode == "RNN_RELU" else tanh)
        step: Callable[..., Any]
        if mode == "GRU" and not reset_after:
            gates, candidate = recurrent.split()
            step = partial(gru_step_reset_before, gates=gates, candidate=candidate)
        elif mode == "GRU":
            step = partial(gru_step, recurrent=recurrent)
        elif mode == "LSTM":
            step = partial(lstm_step, recurrent=recurrent, weight_hr=get("weight_hr"))
            if get("gain_c") is not None:
                normalize = partial(
                    layer_norm, normalized_shape=(hidden,), weight=get("gain_c"), bias=get("bias_c")
                )
                step = partial(step, normalize=normalize)
        else:
            step = partial(rnn_step, recurrent=recurrent)
        # Into the dict, as members of this module they would be: they belong to others
        self.__dict__.update(
            mode=mode,
            weights=weights,
            masks=masks,
            plain=plain,
            _weight_hh=weight_hh,
            state_size=(size, hidden) if mode == "LSTM" else size,
            _input=Affine(weights["weight_ih"], get("bias_ih"), get("gain_ih"), parts),
            _step=partial(step, activation=activation),
            _own=own,
            _reset_after=reset_after,
        )

    def part(self, start: int, stop: int) -> StockCell:
        """The cell for the steps from start to stop of its sequence: with their masks."""
        zoneout = self.masks.zoneout
        kept = tuple(z[start:stop] if isinstance(z, Tensor) else z for z in zoneout)
        cell = copy.copy(self)
        cell.__dict__["masks"] = self.masks._replace(zoneout=kept)
        return cell

    def over_sequence(
        self, x: Tensor, state: Any, ends: list[int] | None, reverse: bool
    ) -> tuple[Tensor, Any] | None:
        """Fused by the backend, where it has this cell: for PyTorch's own step without masks of
        the state, in float32 or float64, and more than one step (if it is recorded: the weights
        are prepared for it)."""
        steps, batch = x.shape[:2]
        masked = self.masks.hidden is not None or self.masks.zoneout
        if masked or not self.plain or (steps < 2 and is_grad_enabled()):
            return None
        weights = stock_weights(self.weights)._replace(hh=self._weight_hh)
        parts = state if self.mode == "LSTM" else (state,)
        if not can_fuse(self.mode, x, parts, weights):
            return None
        lengths = [steps] * batch if ends is None else ends
        order = sorted(range(batch), key=lambda sequence: -lengths[sequence])
        sorts = order != list(range(batch))
        if sorts:
            there = as_tensor(order, device=x.device)
            x, parts = x.index_select(1, there), [s.index_select(0, there) for s in parts]
            lengths = [lengths[sequence] for sequence in order]

        def plain(x: Tensor, h: Tensor, c: Tensor | None, *weights: Any) -> tuple[Tensor, ...]:
            named = {name: w for name, w in zip(STOCK_NAMES, weights, strict=True) if w is not None}
            cell = StockCell(self.mode, named)
            y, last = step_by_step(cell, x, h if c is None else (h, c), lengths, reverse)
            return (y, last) if c is None else (y, *last)

        y, *last = fused(self.mode, x, parts, weights, _counts(lengths, steps), reverse, plain)
        if sorts:
            back = there.argsort()
            y, last = y.index_select(1, back), [s.index_select(0, back) for s in last]
        return y, tuple(last) if self.mode == "LSTM" else last[0]

    def _describe(self) -> Description | None:
        if self._own:
            return None
        hidden, shares = self.masks.hidden, self.masks.zoneout
        numbers = (share for share in shares if not isinstance(share, Tensor))
        name = self.mode, self._reset_after, hidden is None, *self.weights, *numbers
        tensors = [self._weight_hh, *self.weights.values()]
        return Description(name, tensors if hidden is None else [*tensors, hidden])

    def project(self, x: Tensor) -> Any:
        kept = self.masks.zoneout
        return (x, *kept) if kept and isinstance(kept[0], Tensor) else x

    def step(self, x: Any, state: Any) -> tuple[Tensor, Any]:
        kept: Any = self.masks.zoneout
        if isinstance(x, tuple):
            x, *kept = x
        new = self._step(self._input(x), state)
        if self.mode != "LSTM":
            if kept:
                new = zoneout(kept[0], state, new)
            return new, new
        if kept:
            new = tuple(zoneout(*parts) for parts in zip(kept, state, new, strict=True))
        return new[0], new


def stock_weights(named: Mapping[str, Tensor]) -> Weights:
    """The weights of a cell as fused operations take them."""
    get = named.get
    return Weights(
        named["weight_ih"], named["weight_hh"], get("bias_ih"), get("bias_hh"), get("weight_hr")
    )


def _counts(lengths: list[int], steps: int) -> list[int]:
    """How many sequences run at each step, for falling lengths."""
    counts, running = [], len(lengths)
    for t in range(steps):
        while running and lengths[running - 1] <= t:
            running -= 1
        counts.append(running)
    return counts


def zoneout(kept: Tensor | float, old: Tensor, new: Tensor) -> Tensor:
    """The new state, but the old one where it is kept, or by its share (Krueger et al., 2017)."""
    if isinstance(kept, Tensor):
        return where(kept, old, new)
    return kept * old + (1 - kept) * new
