"""RNN, GRU and LSTM layers with PyTorch's parameters and options, and more options of their own."""

from __future__ import annotations

from typing import Any

from ..ops.joining import stack
from ..tensor import Tensor
from .checkpointed import Every
from .regularized import Options, check_activation
from .rnn_base import RNNBase, described
from .steps import Activation


class RNN(RNNBase):
    """Layers of h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman, 1990).

    Args:
        input_size, hidden_size: features of the input and of the state.
        num_layers: layers on top of each other.
        nonlinearity: "tanh" or "relu".
        bias: whether there are b_ih and b_hh.
        batch_first: input and output are (batch, steps, features); states never are.
        dropout: probability of an element to be zeroed between layers, in training.
        bidirectional: a second pass from the end, its outputs beside the first one's.

    PyTorch's layers do not have these; without them the layer is PyTorch's. What is random is
    drawn anew for each call, layer and direction, and only in training:

        layer_norm: the products W_ih x and W_hh h are brought to mean 0 and variance 1 over the
            gates' features, then multiplied by gain_ih and gain_hh (from 1); the biases stay
            behind them: LN(W_ih x) gain_ih + b_ih + LN(W_hh h) gain_hh + b_hh (Ba et al., 2016,
            its supplement). A GRU's r and z are normalised together, its n apart. An LSTM also
            has h' = o tanh(LN(c') gain_c + bias_c).
        recurrent_dropout: probability of an element of h to be zeroed on its way into W_hh h, the
            same elements at all steps (Gal & Ghahramani, 2016). What a gate carries over from h
            is not dropped.
        zoneout: probability of an element of the state to keep its old value in a step; outside
            of training this share of the old value is kept (Krueger et al., 2017).
        weight_drop: probability of an element of W_hh to be zeroed (Merity et al., 2018).
        activation: a function of a tensor, or a module, in place of tanh.

    And one that changes no result:

        checkpoint_every: of so many steps only the last state is kept (and the outputs), and
            backward computes the rest again: for T steps and sqrt(T), or "sqrt", the memory for
            backward grows as sqrt(T), for one more forward pass. None: all is kept.

    Parameters: weight_ih_l0 (hidden, input), weight_hh_l0 (hidden, hidden), bias_ih_l0,
    bias_hh_l0 (hidden), with layer_norm gain_ih_l0, gain_hh_l0 (hidden), then the same of each
    layer and ``_reverse`` direction; the input of later layers is (directions * hidden) wide.

    Called with input (steps, batch, input_size), or (steps, input_size), or a `PackedSequence`, and
    a state (num_layers * directions, batch, hidden_size), zeros if None; returns the output (steps,
    batch, directions * hidden_size) of the last layer, and the state behind the last step. For
    lengths= and return_states= see `forward`.

    Raises TypeError and ValueError for arguments that make no sense.

    >>> output, h = nn.RNN(2, 3)(torch.zeros(5, 4, 2))
    >>> output.shape, h.shape
    (torch.Size([5, 4, 3]), torch.Size([1, 4, 3]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        proj_size: int = 0,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        weight_drop: float = 0.0,
        activation: Activation | None = None,
        checkpoint_every: Every = None,
    ) -> None:
        if proj_size:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            options=Options(layer_norm, recurrent_dropout, zoneout, weight_drop),
            activation=check_activation(activation, nonlinearity),
            checkpoint_every=checkpoint_every,
        )
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Layers of gated recurrent units (Cho et al., 2014): `steps.gru_step`.

    Arguments and parameters as for `RNN`, without nonlinearity, with three gates (r, z, n) in the
    parameters' first dimension, and

        reset_after: whether the reset gate comes behind the recurrent product of n, as in
            PyTorch; if not, n = tanh(W_in x + b_in + W_hn (r h) + b_hn), as Cho et al. have it.

    Raises TypeError and ValueError for arguments that make no sense.

    >>> output, h = nn.GRU(2, 3, zoneout=0.1, reset_after=False)(torch.zeros(5, 4, 2))
    >>> output.shape, h.shape
    (torch.Size([5, 4, 3]), torch.Size([1, 4, 3]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        proj_size: int = 0,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        weight_drop: float = 0.0,
        reset_after: bool = True,
        activation: Activation | None = None,
        checkpoint_every: Every = None,
    ) -> None:
        if proj_size:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            options=Options(layer_norm, recurrent_dropout, zoneout, weight_drop, reset_after),
            activation=activation,
            checkpoint_every=checkpoint_every,
        )


class LSTM(RNNBase):
    """Layers of long short-term memory (Hochreiter & Schmidhuber, 1997): `steps.lstm_step`.

    Arguments and parameters as for `RNN`, without nonlinearity, with four gates (i, f, g, o) in
    the parameters' first dimension. The state is a pair (h, c), each of the shape of `RNN`'s. Also

        proj_size: the size that h, and so the output, is projected to by weight_hr_l0 (proj,
            hidden), and weight_hh_l0 is (4 hidden, proj) then; 0: not at all.
        zoneout: one probability for both, or a pair (cell, hidden).
        forget_bias: what the two biases of the forget gate add up to in the beginning, in place
            of random numbers (Jozefowicz et al., 2015, propose 1).

    Raises TypeError and ValueError for arguments that make no sense.

    >>> lstm = nn.LSTM(2, 3, layer_norm=True, zoneout=(0.5, 0.05), forget_bias=1.0)
    >>> output, (h, c) = lstm(torch.zeros(5, 4, 2))
    >>> output.shape, h.shape, c.shape
    (torch.Size([5, 4, 3]), torch.Size([1, 4, 3]), torch.Size([1, 4, 3]))
    """

    def __init__(
        self,
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
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        weight_drop: float = 0.0,
        forget_bias: float | None = None,
        activation: Activation | None = None,
        checkpoint_every: Every = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            options=Options(
                layer_norm, recurrent_dropout, zoneout, weight_drop, forget_bias=forget_bias
            ),
            activation=activation,
            checkpoint_every=checkpoint_every,
        )

    def _state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _zeros(self, x: Tensor) -> Any:
        return tuple(x.new_zeros(x.shape[1], size) for size in self._state_sizes())

    def _check_state(self, hx: Any, batch: int, batched: bool) -> None:
        pair = isinstance(hx, tuple | list) and len(hx) == 2
        if not pair or not all(isinstance(part, Tensor) for part in hx):
            raise TypeError(
                "LSTM: the state hx is a tuple of two tensors (h_0, c_0), got "
                f"{type(hx).__name__}; call lstm(input, (h_0, c_0))"
            )
        if any(part.dim() != 2 + batched for part in hx):
            raise RuntimeError(
                f"For {described(batched)} input, hx and cx should also be {2 + batched}-D but "
                f"got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        for which, part in enumerate(hx):
            self._check_shape(part, f"hidden[{which}]", (batch,) if batched else (), which)

    def _joined(self, finals: list[Any]) -> Any:
        return tuple(stack(part) for part in zip(*finals, strict=True))
