"""What RNN, GRU and LSTM layers share: parameters, checks, and the way through `scan`."""

from __future__ import annotations

import functools
import math
import numbers
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..creation import empty
from ..ops.joining import stack
from ..ops.linalg import linear
from ..tensor import Tensor
from . import init
from .cells import Cell, check_size, gru_step, lstm_step, rnn_step
from .module import Module
from .parameter import Parameter
from .scan import Lengths, run_layers
from .utils.rnn import PackedSequence, pack_like, padded

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
_STEPS: dict[str, Callable[..., Any]] = {
    "RNN_TANH": rnn_step,
    "RNN_RELU": functools.partial(rnn_step, nonlinearity="relu"),
    "GRU": gru_step,
    "LSTM": lstm_step,
}


class _Direction(Cell):
    """One direction of one layer, as the cell that `scan` runs: the layer's weights, its step."""

    def __init__(self, mode: str, weights: dict[str, Tensor | None]) -> None:
        super().__init__()
        # kept out of the module's own registers: they belong to the layer
        self.__dict__["weights"] = weights
        self.step_function = _STEPS[mode]

    def project(self, x: Tensor) -> Tensor:
        return linear(x, self.weights["weight_ih"], self.weights["bias_ih"])

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        rest = [w for w in (self.weights.get("weight_hr"),) if w is not None]
        weights = self.weights
        return self.step_function(x, state, weights["weight_hh"], weights["bias_hh"], *rest)


class RNNBase(Module):
    """What RNN, GRU and LSTM share: parameters, checks, and the way through layers.

    Attributes:
        mode: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        _check_options(self, dropout)
        rows = _GATES[mode] * hidden_size
        output = proj_size or hidden_size
        for layer, suffix in self._places():
            columns = output * (1 + bidirectional) if layer else input_size
            shapes = {
                "weight_ih": (rows, columns),
                "weight_hh": (rows, output),
                "bias_ih": (rows,) if bias else None,
                "bias_hh": (rows,) if bias else None,
                "weight_hr": (proj_size, hidden_size) if proj_size else None,
            }
            for name, shape in shapes.items():
                if shape:
                    weight = Parameter(empty(*shape, device=device, dtype=dtype))
                    setattr(self, name + suffix, weight)
        self.reset_parameters()

    def _places(self) -> Iterator[tuple[int, str]]:
        """(layer, end of the parameters' names) for every layer and direction."""
        for layer in range(self.num_layers):
            for direction in ("", "_reverse") if self.bidirectional else ("",):
                yield layer, f"_l{layer}{direction}"

    def reset_parameters(self) -> None:
        """Draw every parameter from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: parameters are never gathered in one buffer here."""

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [
            [w for w in self._weights(suffix).values() if w is not None]
            for _, suffix in self._places()
        ]

    def _weights(self, suffix: str) -> dict[str, Tensor | None]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return {name: getattr(self, name + suffix, None) for name in names}

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)

    # ----- running -----

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size,)

    def forward(
        self, input: Any, hx: Any = None, lengths: Lengths | None = None
    ) -> tuple[Any, Any]:
        """(output, h_n), for an LSTM (output, (h_n, c_n)).

        Args:
            input: (steps, batch, input_size), with batch_first (batch, steps, input_size),
                without a batch (steps, input_size), or a PackedSequence.
            hx: the state at the beginning, (layers * directions, batch, hidden_size) whatever
                batch_first says; an LSTM's is a pair (h_0, c_0). Zeros if None.
            lengths: steps of each sequence, 0 allowed. Outputs behind a sequence's end are 0, and
                its final state is the one at its own end (for the reverse direction: its start).

        Raises ValueError, RuntimeError for shapes and dtypes that do not fit, and for 0 steps.
        """
        packed = input if isinstance(input, PackedSequence) else None
        if packed is not None:
            if lengths is not None:
                raise ValueError("lengths: a PackedSequence has its own; give one of the two")
            x, lengths = padded(packed)
            batched = True
            if hx is not None:
                hx = self._reordered(hx, packed.sorted_indices)
        else:
            x, batched = self._sequence(input)
        states = self._begin(x, hx, batched)
        layers, directions = self._directions(), 1 + self.bidirectional
        begin = [states[i : i + directions] for i in range(0, len(states), directions)]
        p = self.dropout if self.training else 0.0
        output, finals = run_layers(layers, x, begin, lengths, p)
        state = self._joined(finals)
        if packed is not None:
            return pack_like(output, packed), self._reordered(state, packed.unsorted_indices)
        if not batched:
            return output.squeeze(1), self._each(lambda part: part.squeeze(1), state)
        return output.transpose(0, 1) if self.batch_first else output, state

    def _directions(self) -> list[list[_Direction]]:
        cells = [_Direction(self.mode, self._weights(suffix)) for _, suffix in self._places()]
        step = 1 + self.bidirectional
        return [cells[i : i + step] for i in range(0, len(cells), step)]

    def _sequence(self, input: Tensor) -> tuple[Tensor, bool]:
        """The input as (steps, batch, features), and whether it came with a batch."""
        name = type(self).__name__
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}: expected a Tensor as input, got {type(input).__name__}")
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{name}: Expected input to be 2D or 3D, got {input.dim()}D tensor instead"
            )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )
        weight = self.weight_ih_l0
        if input.dtype is not weight.dtype:
            advice = (
                "Give one-hot or embedded floats, not indices."
                if not input.is_floating_point()
                else f"Convert input: input.to({weight.dtype}), or the module: "
                f"module.to({input.dtype})."
            )
            raise ValueError(
                f"{name} input dtype ({input.dtype}) does not match weight dtype "
                f"({weight.dtype}). {advice}"
            )
        batched = input.dim() == 3
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if self.batch_first and batched else x
        if x.shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        return x, batched

    def _begin(self, x: Tensor, hx: Any, batched: bool) -> list[Any]:
        """The first state of every layer and direction, checked, or zeros."""
        count = self.num_layers * (1 + self.bidirectional)
        if hx is None:
            return [self._zeros(x) for _ in range(count)]
        self._check_state(hx, x.shape[1], batched, count)
        parts = self._each(lambda part: part if batched else part.unsqueeze(1), hx)
        if isinstance(parts, Tensor):
            return list(parts.unbind(0))
        return list(zip(*(part.unbind(0) for part in parts), strict=True))

    def _zeros(self, x: Tensor) -> Any:
        return x.new_zeros(x.shape[1], self._state_sizes()[0])

    def _check_state(self, hx: Any, batch: int, batched: bool, count: int) -> None:
        if not isinstance(hx, Tensor):
            raise TypeError(
                f"{type(self).__name__}: the state hx must be a Tensor, got {type(hx).__name__}"
            )
        if hx.dim() != 2 + batched:
            raise RuntimeError(
                f"For {described(batched)} input, hx should also be {2 + batched}-D but got "
                f"{hx.dim()}-D tensor"
            )
        self._check_shape(hx, "hidden", (count, *((batch,) if batched else ())), 0)

    def _check_shape(self, hx: Tensor, name: str, lead: tuple[int, ...], which: int) -> None:
        expected = (*lead, self._state_sizes()[which])
        if tuple(hx.shape) != expected:
            hint = ""
            if self.batch_first and len(hx.shape) == 3 and hx.shape[0] == expected[1]:
                hint = "; batch_first does not concern hx: its first dimension is the layer"
            raise RuntimeError(f"Expected {name} size {expected}, got {list(hx.shape)}{hint}")

    def _joined(self, finals: list[Any]) -> Any:
        return stack(finals)

    @staticmethod
    def _each(function: Any, state: Any) -> Any:
        """The function of a state's tensor, or of each of its tensors."""
        if isinstance(state, Tensor):
            return function(state)
        return tuple(function(part) for part in state)

    def _reordered(self, state: Any, order: Tensor | None) -> Any:
        if order is None:
            return state
        return self._each(lambda part: part.index_select(1, order), state)


def described(batched: bool) -> str:
    return "batched 3-D" if batched else "unbatched 2-D"


def _check_options(layer: RNNBase, dropout: Any) -> None:
    """Raise TypeError and ValueError for options that PyTorch refuses, warn where it warns."""
    number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element "
            f"being zeroed, got {dropout!r}"
        )
    if dropout > 0 and layer.num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and num_layers=1",
            stacklevel=4,
        )
    if not isinstance(layer.bias, bool):
        raise TypeError(f"bias should be of type bool, got: {type(layer.bias).__name__}")
    for name in ("input_size", "hidden_size", "num_layers"):
        check_size(name, getattr(layer, name))
    if layer.proj_size < 0:
        raise ValueError(
            "proj_size should be a positive integer or zero to disable projections, got "
            f"{layer.proj_size}"
        )
    if layer.proj_size >= layer.hidden_size:
        raise ValueError(
            f"proj_size has to be smaller than hidden_size, got {layer.proj_size} and "
            f"{layer.hidden_size}"
        )
