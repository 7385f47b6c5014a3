"""What RNN, GRU and LSTM layers share: parameters, checks, and the way through `scan`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ..autograd import is_grad_enabled
from ..backends import Weights
from ..creation import empty
from ..ops.joining import stack
from ..ops.recurrent import step_layers
from ..tensor import Tensor
from ..warning import warn
from .checkpointed import Every, check_every
from .parameter import Parameter
from .recurrent import Layered
from .regularized import (
    STOCK,
    Options,
    check_activation,
    check_probability,
    draw_masks,
    options_repr,
    parameter_shapes,
    reset,
)
from .scan import Lengths, check_size
from .states import each
from .steps import GATES, Activation
from .stock import STOCK_NAMES, StockCell
from .utils.rnn import PackedSequence, pack_like, padded


class RNNBase(Layered):
    """What RNN, GRU and LSTM share: parameters, checks, and the way through layers.

    Attributes:
        mode: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
        options: those that PyTorch does not have; frozen.
        activation: in place of tanh, or None.
        checkpoint_every: steps between the states that are kept for backward; may be changed.

    The parameters' shapes: weight_ih_l0 (gates * hidden_size, input_size), weight_hh_l0 (gates *
    hidden_size, hidden_size), bias_ih_l0, bias_hh_l0 (gates * hidden_size), ...; see `RNN`, also
    for input and output.

    >>> [name for name, _ in nn.RNNBase("GRU", 2, 3, bias=False).named_parameters()]
    ['weight_ih_l0', 'weight_hh_l0']
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
        *,
        options: Options = STOCK,
        activation: Activation | None = None,
        checkpoint_every: Every = None,
    ) -> None:
        super().__init__()
        if mode not in GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode!r}, expected {', '.join(GATES)}")
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        bidirectional = bool(bidirectional)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        _check_options(self, dropout)
        options.check(type(self).__name__, GATES[mode], bias)
        self.options, self.activation = options, check_activation(activation)
        self.checkpoint_every = check_every(checkpoint_every)
        output = proj_size or hidden_size
        empty(num_layers, hidden_size, output)  # fails at once if memory would
        for layer, suffix in self._places():
            columns = output * (1 + bidirectional) if layer else input_size
            shapes = parameter_shapes(
                GATES[mode], columns, hidden_size, bias, options.layer_norm, proj_size
            )
            for name, shape in shapes.items():
                if shape:
                    weight = Parameter(empty(*shape, device=device, dtype=dtype))
                    setattr(self, name + suffix, weight)
        self._weight_names = tuple(name for name, shape in shapes.items() if shape)
        self._stock_names = [
            tuple(name + suffix if shapes.get(name) else None for name in STOCK_NAMES)
            for _, suffix in self._places()
        ]
        self.reset_parameters()

    def _places(self) -> Iterator[tuple[int, str]]:
        """(layer, end of the parameters' names) for every layer and direction."""
        for layer in range(self.num_layers):
            for direction in ("", "_reverse") if self.bidirectional else ("",):
                yield layer, f"_l{layer}{direction}"

    def reset_parameters(self) -> None:
        """Draw weights and biases from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), and give
        gains and forget_bias their values."""
        reset(self, self.hidden_size, self.options.forget_bias)

    def flatten_parameters(self) -> None:
        """Nothing: parameters are never gathered in one buffer here."""

    # Private in PyTorch too, but how books and programs find the weights by name
    @property
    def _all_weights(self) -> list[list[str]]:
        return [[n + suffix for n in self._weight_names] for _, suffix in self._places()]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [list(self._weights(suffix).values()) for _, suffix in self._places()]

    def _weights(self, suffix: str) -> dict[str, Tensor]:
        own, names = self._parameters, [name + suffix for name in self._weight_names]
        found: list[Any] = [own[name] if name in own else getattr(self, name) for name in names]
        return dict(zip(self._weight_names, found, strict=True))

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
        return ", ".join(parts) + options_repr(self.options, self.activation)

    # ----- running -----

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size,)

    def forward(
        self,
        input: Any,
        hx: Any = None,
        lengths: Lengths | None = None,
        return_states: bool = False,
    ) -> tuple[Any, ...]:
        """(output, h_n), for an LSTM (output, (h_n, c_n)); with return_states also the states.

        output is (steps, batch, directions * hidden_size), or as input is; h_n is like hx.

        Args:
            input: (steps, batch, input_size), with batch_first (batch, steps, input_size),
                without a batch (steps, input_size), or a PackedSequence.
            hx: the state at the beginning, (layers * directions, batch, hidden_size) whatever
                batch_first says; an LSTM's is a pair (h_0, c_0). Zeros if None.
            lengths: steps of each sequence, 0 allowed. Outputs behind a sequence's end are 0, and
                its final state is the one at its own end (for the reverse direction: its start).
            return_states: whether to return, third, the state of every layer and direction behind
                each step: (layers * directions, steps, batch, hidden_size), with batch_first
                (..., batch, steps, hidden_size), an LSTM's a pair (h, c). Behind a sequence's end
                the state stays as it is. For a PackedSequence it is one too, of (total steps,
                layers * directions, hidden_size).

        One step for itself, with the state given back, is bit for bit the same as a row of the
        whole sequence on the CPU, for batches of the same size, as long as nothing is recorded
        (`no_grad`), and the options are PyTorch's. Otherwise it is the same but for rounding.

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
            if lengths is None and not return_states:
                stepped = self._one_step(input, hx)
                if stepped is not None:
                    return stepped
            x, batched = self._sequence(input)
        begin = self._begin(x, hx, batched)
        between = self._drop if packed is None else partial(self._drop_packed, packed)
        output, finals, every = self._run_layers(
            self._cells(x), x, begin, lengths, between, return_states
        )
        state = self._joined(finals)
        states = (self._joined(every),) if return_states else ()
        if packed is not None:
            state = self._reordered(state, packed.unsorted_indices)
            pack = partial(pack_like, packed=packed)
            return pack(output), state, *each(lambda s: pack(s.permute(1, 2, 0, 3)), states)
        if not batched:
            return output.squeeze(1), *each(lambda s: s.squeeze(-2), (state, *states))
        if self.batch_first:
            return output.transpose(0, 1), state, *each(lambda s: s.transpose(1, 2), states)
        return output, state, *states

    def _one_step(self, input: Any, hx: Any) -> tuple[Any, ...] | None:
        """`forward` of one step that is not recorded, as in a loop that generates: much less to do.
        None for what has to go the ordinary way, which also tells what is wrong."""
        pair = self.mode == "LSTM"
        if (
            not (isinstance(input, Tensor) and 2 <= len(shape := input.shape) <= 3)
            or shape[axis := int(self.batch_first and len(shape) == 3)] != 1
            or not (self.options.stock(self.training) and self.activation is None)
            or (self.dropout and self.training and self.num_layers > 1)
            or (self._module_hooks and self._hooks_of("step"))
        ):
            return None
        state: Any
        if hx is None:
            lead = len(self._stock_names), *((shape[1 - axis],) if len(shape) == 3 else ())
            state = [input.new_zeros(*lead, size) for size in self._state_sizes()]
        else:
            state = hx if pair else (hx,)
            if not (isinstance(state, tuple | list) and len(state) == 1 + pair):
                return None
            if not (isinstance(state[0], Tensor) and isinstance(state[-1], Tensor)):
                return None
        own: dict[str, Any] = self._parameters
        weights: list[Weights] = []
        recording = is_grad_enabled()
        if recording and any(value.requires_grad for value in (input, *state)):
            return None
        for names in self._stock_names:
            values: list[Any] = [own[n] if n in own else n and getattr(self, n) for n in names]
            if recording and any(w is not None and w.requires_grad for w in values):
                return None
            weights.append(Weights._make([None if w is None else w._array for w in values]))
        stepped = step_layers(self.mode, input, state, weights, 1 + self.bidirectional)
        if stepped is None or pair:
            return stepped
        y, (h,) = stepped
        return y, h

    def _drop_packed(self, packed: PackedSequence, output: Tensor) -> Tensor:
        """`_drop`, which draws numbers for what is packed alone: as many as PyTorch."""
        inside = pack_like(output, packed)
        return padded(inside._replace(data=self._drop(inside.data)))[0]

    def _cells(self, x: Tensor) -> list[list[StockCell]]:
        """The cells of each layer's directions, with new masks for x."""
        steps, batch, _ = x.shape
        cells = []
        for _, suffix in self._places():
            weights = self._weights(suffix)
            masks = draw_masks(
                self.options, weights["weight_hh"], self._state_sizes(), (steps, batch),
                self.training,
            )  # fmt: skip
            reset_after = self.options.reset_after
            cells.append(StockCell(self.mode, weights, masks, self.activation, reset_after))
        directions = 1 + self.bidirectional
        return [cells[i : i + directions] for i in range(0, len(cells), directions)]

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
                else f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype "
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
        self._check_state(hx, x.shape[1], batched)
        parts = each(lambda part: part if batched else part.unsqueeze(1), hx)
        if isinstance(parts, Tensor):
            return list(parts.unbind(0))
        return list(zip(*(part.unbind(0) for part in parts), strict=True))

    def _zeros(self, x: Tensor) -> Any:
        return x.new_zeros(x.shape[1], self._state_sizes()[0])

    def _check_state(self, hx: Any, batch: int, batched: bool) -> None:
        if not isinstance(hx, Tensor):
            raise TypeError(
                f"{type(self).__name__}: the state hx must be a Tensor, got {type(hx).__name__}"
            )
        if hx.dim() != 2 + batched:
            raise RuntimeError(
                f"For {described(batched)} input, hx should also be {2 + batched}-D but got "
                f"{hx.dim()}-D tensor"
            )
        self._check_shape(hx, "hidden", (batch,) if batched else (), 0)

    def _check_shape(self, hx: Tensor, name: str, batch: tuple[int, ...], which: int) -> None:
        count = self.num_layers * (1 + self.bidirectional)
        expected = (count, *batch, self._state_sizes()[which])
        if tuple(hx.shape) != expected:
            hint = ""
            if self.batch_first and len(hx.shape) == 3 and hx.shape[0] == expected[1]:
                hint = "; batch_first does not concern hx: its first dimension is the layer"
            raise RuntimeError(f"Expected {name} size {expected}, got {list(hx.shape)}{hint}")

    def _joined(self, finals: list[Any]) -> Any:
        return stack(finals)

    def _reordered(self, state: Any, order: Tensor | None) -> Any:
        if order is None:
            return state
        return each(lambda part: part.index_select(1, order), state)


def described(batched: bool) -> str:
    return "batched 3-D" if batched else "unbatched 2-D"


def _check_options(layer: RNNBase, dropout: Any) -> None:
    """Raise TypeError and ValueError for options that PyTorch refuses, warn where it warns."""
    check_probability("dropout", dropout, "being zeroed")
    if dropout > 0 and layer.num_layers == 1:
        warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and num_layers=1"
        )
    for name in ("bias", "batch_first"):
        value = getattr(layer, name)
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
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
