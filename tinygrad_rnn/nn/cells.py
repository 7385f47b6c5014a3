"""RNN, GRU and LSTM cells as modules: one step for each call, with PyTorch's parameters."""

from __future__ import annotations

import copy
from typing import Any, Self

from ..autograd import is_grad_enabled
from ..creation import empty
from ..ops.recurrent import step
from ..tensor import Tensor
from .parameter import Parameter
from .planning import Description
from .regularized import (
    NO_MASKS,
    STOCK,
    Masks,
    Options,
    check_activation,
    draw_masks,
    options_repr,
    parameter_shapes,
    reset,
)
from .scan import Cell, check_size
from .states import each
from .steps import Activation
from .stock import StockCell, stock_weights


class RNNCellBase(Cell):
    """What the stock cells share: weights, initialisation, checks of the input, and masks. Under
    `no_grad` a call has, bit for bit, what a layer of these weights computes: see its `forward`.

    num_chunks is the number of gates: 1 (RNN), 3 (GRU) or 4 (LSTM). The parameters' shapes:
    weight_ih (num_chunks * hidden_size, input_size), weight_hh (num_chunks * hidden_size,
    hidden_size), bias_ih and bias_hh (num_chunks * hidden_size).

    >>> [name for name, _ in nn.GRUCell(2, 3).named_parameters()]
    ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']
    """

    mode: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
        *,
        options: Options = STOCK,
        activation: Activation | None = None,
    ) -> None:
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.state_size = (hidden_size, hidden_size) if num_chunks == 4 else hidden_size
        options.check(type(self).__name__, num_chunks, bias)
        self.options, self.activation = options, check_activation(activation)
        shapes = parameter_shapes(num_chunks, input_size, hidden_size, bias, options.layer_norm)
        for name, shape in shapes.items():
            made = Parameter(empty(*shape, device=device, dtype=dtype)) if shape else None
            self.register_parameter(name, made)
        self._weight_names = tuple(name for name, shape in shapes.items() if shape)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), and give
        gains and forget_bias their values."""
        reset(self, self.hidden_size, self.options.forget_bias)

    # ----- running -----

    def draw_masks(self, batch_size: int, steps: int | None = None) -> Masks:
        """New random masks for a pass over a batch, or without steps for one step; see `Masks`."""
        sizes = self.state_size if isinstance(self.state_size, tuple) else (self.state_size,)
        lead = (batch_size,) if steps is None else (steps, batch_size)
        return draw_masks(self.options, self.weight_hh, sizes, lead, self.training)

    def with_masks(self, masks: Masks) -> Self:
        """This cell, on the same parameters, as it runs with the given masks."""
        running = copy.copy(self)
        running.__dict__["_running"] = self._stock(masks)
        return running

    def _stock(self, masks: Masks = NO_MASKS) -> StockCell:
        weights = {name: getattr(self, name) for name in self._weight_names}
        return StockCell(self.mode, weights, masks, self.activation, self.options.reset_after)

    def begin(self, x: Tensor) -> Self:
        return self.with_masks(self.draw_masks(x.shape[1], x.shape[0]))

    def part(self, start: int, stop: int) -> Self:
        """This cell, which has begun, for the steps from start to stop of its sequence."""
        running = copy.copy(self)
        running.__dict__["_running"] = self.__dict__["_running"].part(start, stop)
        return running

    def over_sequence(
        self, x: Tensor, state: Any, ends: list[int] | None, reverse: bool
    ) -> tuple[Tensor, Any] | None:
        stock = self._unchanged()
        return None if stock is None else stock.over_sequence(x, state, ends, reverse)

    def _describe(self) -> Description | None:
        stock = self._unchanged()
        return None if stock is None else stock._describe()

    def _unchanged(self) -> StockCell | None:
        """What runs; None where it is not all that a step does, because somebody replaced it."""
        for ours, theirs in ((RNNCellBase.step, self.step), (RNNCellBase.project, self.project)):
            if getattr(theirs, "__func__", None) is not ours:
                return None
        return self._running_or_new()

    def _running_or_new(self) -> StockCell:
        return self.__dict__.get("_running") or self._stock()

    def project(self, x: Tensor) -> Any:
        return self._running_or_new().project(x)

    def step(self, x: Any, state: Any) -> tuple[Tensor, Any]:
        return self._running_or_new().step(x, state)

    def _one_step(
        self, input: Tensor, states: tuple[Tensor | None, ...], masks: Masks | None
    ) -> Any:
        """The new state, with the given masks or new ones."""
        x, ready, batched = self._checked(input, states)
        new: Any = None
        if masks is None and self._unrecorded():
            weights = {name: getattr(self, name) for name in self._weight_names}
            new = step(self.mode, x, ready, stock_weights(weights))
        if new is None:
            running = self.with_masks(self.draw_masks(x.shape[0]) if masks is None else masks)
            _, new = running.step(running.project(x), ready if self.mode == "LSTM" else ready[0])
        elif self.mode != "LSTM":
            new = new[0]
        return new if batched else each(lambda part: part.squeeze(0), new)

    def _unrecorded(self) -> bool:
        """Whether a step is PyTorch's own, and nothing is recorded: the fused step will do."""
        stock = self.options.stock(self.training) and self.activation is None
        return stock and not is_grad_enabled()

    def _checked(self, input: Tensor, states: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
        """Input and states with a batch dimension, zeros for missing states."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for number, state in enumerate(states):
            if state is not None and state.dim() not in (1, 2):
                what = "hidden" if len(states) == 1 else f"hx[{number}]"
                raise ValueError(
                    f"{name}: Expected {what} to be 1D or 2D, got {state.dim()}D instead"
                )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {input.shape[-1]} expected "
                f"{self.input_size}"
            )
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        ready = []
        for number, state in enumerate(states):
            if state is None:
                state = x.new_zeros(x.shape[0], self.hidden_size)
            elif state.dim() != input.dim():
                raise RuntimeError(
                    f"{name}: input is {input.dim()}D and hidden{number} {state.dim()}D; both must "
                    "have a batch dimension, or neither"
                )
            else:
                state = state if batched else state.unsqueeze(0)
            if state.shape[0] != x.shape[0]:
                raise RuntimeError(
                    f"Input batch size {x.shape[0]} doesn't match hidden{number} batch size "
                    f"{state.shape[0]}"
                )
            if state.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{number} has inconsistent hidden_size: got {state.shape[1]}, expected "
                    f"{self.hidden_size}"
                )
            ready.append(state)
        return x, tuple(ready), batched

    def extra_repr(self) -> str:
        bias = "" if self.bias else ", bias=False"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        kind = "" if nonlinearity == "tanh" else f", nonlinearity={nonlinearity}"
        options = options_repr(self.options, self.activation)
        return f"{self.input_size}, {self.hidden_size}{bias}{kind}{options}"


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    ``cell(input, hx=None, masks=None)``: input (batch, input_size) or (input_size), hx and the
    result (batch, hidden_size) or (hidden_size). The keyword-only options are those of `RNN`; the
    masks that some of them need are drawn at each call, unless masks is given: one pass over a
    sequence has ``masks = cell.draw_masks(batch_size, steps)`` and calls ``cell(x[t], h,
    masks.at(t))``. Raises TypeError and ValueError for sizes and options that make no sense,
    ValueError and RuntimeError for shapes that do not fit.

    >>> nn.RNNCell(2, 3)(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        weight_drop: float = 0.0,
        activation: Activation | None = None,
    ) -> None:
        options = Options(layer_norm, recurrent_dropout, zoneout, weight_drop)
        super().__init__(
            input_size, hidden_size, bias, 1, device, dtype,
            options=options, activation=check_activation(activation, nonlinearity),
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    @property
    def mode(self) -> str:  # type: ignore[override]
        return f"RNN_{self.nonlinearity.upper()}"

    def forward(
        self, input: Tensor, hx: Tensor | None = None, masks: Masks | None = None
    ) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(
                f"Unknown nonlinearity: {self.nonlinearity}. Select from 'tanh' or 'relu'."
            )
        return self._one_step(input, (hx,), masks)


class GRUCell(RNNCellBase):
    """One step of a GRU, gates r, z, n.

    Called as `RNNCell` is, with the keyword-only options of `GRU`. Raises TypeError and ValueError
    for sizes and options that make no sense, ValueError and RuntimeError for shapes that do not
    fit.

    >>> nn.GRUCell(2, 3)(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        weight_drop: float = 0.0,
        reset_after: bool = True,
        activation: Activation | None = None,
    ) -> None:
        options = Options(layer_norm, recurrent_dropout, zoneout, weight_drop, reset_after)
        super().__init__(
            input_size, hidden_size, bias, 3, device, dtype, options=options, activation=activation
        )  # fmt: skip

    def forward(
        self, input: Tensor, hx: Tensor | None = None, masks: Masks | None = None
    ) -> Tensor:
        return self._one_step(input, (hx,), masks)


class LSTMCell(RNNCellBase):
    """One step of an LSTM, gates i, f, g, o.

    Called as `RNNCell` is, with the keyword-only options of `LSTM`; hx is a pair (h, c), each
    (batch, hidden_size) or (hidden_size), and so is the result. Raises TypeError for a state that
    is no pair, TypeError and ValueError for sizes and options that make no sense, ValueError and
    RuntimeError for shapes that do not fit.

    >>> h, c = nn.LSTMCell(2, 3)(torch.zeros(5, 2))
    >>> h.shape, c.shape
    (torch.Size([5, 3]), torch.Size([5, 3]))
    """

    mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        weight_drop: float = 0.0,
        forget_bias: float | None = None,
        activation: Activation | None = None,
    ) -> None:
        options = Options(
            layer_norm, recurrent_dropout, zoneout, weight_drop, forget_bias=forget_bias
        )
        super().__init__(
            input_size, hidden_size, bias, 4, device, dtype, options=options, activation=activation
        )  # fmt: skip

    def forward(
        self,
        input: Tensor,
        hx: tuple[Tensor, Tensor] | None = None,
        masks: Masks | None = None,
    ) -> tuple[Tensor, Tensor]:
        if hx is not None and (isinstance(hx, Tensor) or len(hx) != 2):
            raise TypeError("LSTMCell: the state hx must be a tuple of two tensors (h_0, c_0)")
        return self._one_step(input, hx or (None, None), masks)
