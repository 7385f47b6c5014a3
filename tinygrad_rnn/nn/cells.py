"""Recurrent cells: one step of each, in ordinary operations. They are the specification.

A cell is split in two: `project` is what does not depend on the state, and is computed for a
whole sequence in one product; `step` is the rest.
"""

from __future__ import annotations

import math
from typing import Any

from ..creation import empty
from ..ops.elementwise import relu, sigmoid, tanh
from ..ops.linalg import linear
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter

State = Tensor | tuple[Tensor, ...]

# ----- one step of the stock cells -----
# x is the projected input (batch, gates * hidden), weight_hh (gates * hidden, hidden); h, c and
# the output are (batch, hidden), or (batch, proj) for a projected h.

_NONLINEARITIES = {"tanh": tanh, "relu": relu}


def rnn_step(
    x: Tensor, h: Tensor, weight_hh: Tensor, bias_hh: Tensor | None, nonlinearity: str = "tanh"
) -> tuple[Tensor, Tensor]:
    """h' = tanh(x + W h + b), or relu."""
    h = _NONLINEARITIES[nonlinearity](x + linear(h, weight_hh, bias_hh))
    return h, h


def gru_step(
    x: Tensor, h: Tensor, weight_hh: Tensor, bias_hh: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Gates r, z, n: n = tanh(x_n + r (W_n h + b_n)), h' = (1 - z) n + z h (Cho et al., 2014,
    with the reset after the product, as cuDNN and PyTorch have it)."""
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = linear(h, weight_hh, bias_hh).chunk(3, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    h = n + z * (h - n)
    return h, h


def lstm_step(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weight_hh: Tensor,
    bias_hh: Tensor | None,
    weight_hr: Tensor | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Gates i, f, g, o: c' = f c + i g, h' = o tanh(c') (Hochreiter & Schmidhuber, 1997, with
    forget gates), projected by weight_hr if given (Sak et al., 2014)."""
    h, c = state
    i, f, g, o = (x + linear(h, weight_hh, bias_hh)).chunk(4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    if weight_hr is not None:
        h = linear(h, weight_hr)
    return h, (h, c)


# ----- cells as modules -----


class Cell(Module):
    """One step of a recurrent layer: derive from it and write `step`; `scan` and `Recurrent` make
    it a layer, with directions, masks, dropout between layers and derivatives of any order.

        class Leaky(nn.Cell):
            def __init__(self, input_size, hidden_size):
                super().__init__()
                self.state_size = hidden_size
                self.update = nn.Linear(input_size + hidden_size, hidden_size)

            def step(self, x, h):
                h = 0.9 * h + 0.1 * torch.tanh(self.update(torch.cat([x, h], -1)))
                return h, h

    Attributes:
        state_size: the size of the state, or a tuple of sizes for a state of several tensors.
        output_size: the size of a step's output; that of the (first) state unless set.
    """

    state_size: int | tuple[int, ...]

    @property
    def output_size(self) -> int:
        size = self.state_size
        return size if isinstance(size, int) else size[0]

    def project(self, x: Tensor) -> Tensor:
        """What a step needs of the input, for inputs of any leading shape: the input itself."""
        return x

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """(output, new state) from a projected input (batch, ...) and the state, a tensor (batch,
        state_size) or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} needs a method step(self, x, state)")

    def initial_state(self, batch_size: int, like: Tensor) -> State:
        """Zeros of (batch_size, state_size), in the dtype and on the device of `like`."""
        if isinstance(self.state_size, int):
            return like.new_zeros(batch_size, self.state_size)
        return tuple(like.new_zeros(batch_size, size) for size in self.state_size)

    def forward(self, input: Tensor, state: Any = None) -> Any:
        """One step: the new state, as PyTorch's cells return it."""
        if state is None:
            state = self.initial_state(input.shape[0], input)
        return self.step(self.project(input), state)[1]


def check_size(name: str, value: Any) -> None:
    """Raise TypeError unless a size is an int, ValueError unless it is positive."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if value <= 0:
        raise ValueError(f"{name} must be greater than zero")


class RNNCellBase(Cell):
    """What the stock cells share: weights, initialisation, and the checks of `forward`."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.state_size = hidden_size
        rows = self.gates * hidden_size

        def parameter(*size: int) -> Parameter:
            return Parameter(empty(*size, device=device, dtype=dtype))

        self.weight_ih = parameter(rows, input_size)
        self.weight_hh = parameter(rows, hidden_size)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, parameter(rows) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every parameter from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def project(self, x: Tensor) -> Tensor:
        return linear(x, self.weight_ih, self.bias_ih)

    def extra_repr(self) -> str:
        bias = "" if self.bias else ", bias=False"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        kind = "" if nonlinearity == "tanh" else f", nonlinearity={nonlinearity}"
        return f"{self.input_size}, {self.hidden_size}{bias}{kind}"

    def _checked(self, input: Tensor, states: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
        """Input and states with a batch dimension, zeros for missing states."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
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
            elif state.dim() not in (1, 2):
                raise ValueError(
                    f"{name}: Expected hidden to be 1D or 2D, got {state.dim()}D instead"
                )
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


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    ``cell(input, hx=None)``: input (batch, input_size) or (input_size), hx and the result (batch,
    hidden_size) or (hidden_size). Raises ValueError and RuntimeError for shapes that do not fit.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return rnn_step(x, state, self.weight_hh, self.bias_hh, self.nonlinearity)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in _NONLINEARITIES:
            raise RuntimeError(
                f"Unknown nonlinearity: {self.nonlinearity}. Select from 'tanh' or 'relu'."
            )
        return _one_state(self, input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU, gates r, z, n.

    ``cell(input, hx=None)``: input (batch, input_size) or (input_size), hx and the result (batch,
    hidden_size) or (hidden_size). Raises ValueError and RuntimeError for shapes that do not fit.
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return gru_step(x, state, self.weight_hh, self.bias_hh)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return _one_state(self, input, hx)


def _one_state(cell: RNNCellBase, input: Tensor, hx: Tensor | None) -> Tensor:
    x, (h,), batched = cell._checked(input, (hx,))
    h, _ = cell.step(cell.project(x), h)
    return h if batched else h.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of an LSTM, gates i, f, g, o.

    ``cell(input, hx=None)``: input (batch, input_size) or (input_size); hx is a pair (h, c), each
    (batch, hidden_size) or (hidden_size), and so is the result. Raises TypeError for a state that
    is no pair, ValueError and RuntimeError for shapes that do not fit.
    """

    gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.state_size = (hidden_size, hidden_size)

    def step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return lstm_step(x, state, self.weight_hh, self.bias_hh)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        if hx is not None and (isinstance(hx, Tensor) or len(hx) != 2):
            raise TypeError("LSTMCell: the state hx must be a tuple of two tensors (h_0, c_0)")
        x, state, batched = self._checked(input, hx or (None, None))
        _, (h, c) = self.step(self.project(x), state)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
