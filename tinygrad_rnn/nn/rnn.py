"""RNN, GRU and LSTM layers with PyTorch's parameters and options."""

from __future__ import annotations

from typing import Any

from ..ops.joining import stack
from ..tensor import Tensor
from .rnn_base import RNNBase, described


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

    Parameters: weight_ih_l0 (hidden, input), weight_hh_l0 (hidden, hidden), bias_ih_l0,
    bias_hh_l0 (hidden), then the same of each layer and ``_reverse`` direction.
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
        )
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Layers of gated recurrent units (Cho et al., 2014): `cells.gru_step`.

    Arguments as for `RNN`, without nonlinearity. Parameters as there, with three gates (r, z, n)
    in their first dimension.
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
        )


class LSTM(RNNBase):
    """Layers of long short-term memory (Hochreiter & Schmidhuber, 1997): `cells.lstm_step`.

    Arguments as for `RNN`, without nonlinearity, and proj_size: the size that h is projected to
    (0: not at all). Parameters as there, with four gates (i, f, g, o) in their first dimension,
    and weight_hr_l0 (proj, hidden). The state is a pair (h, c).
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
        )

    def _state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _zeros(self, x: Tensor) -> Any:
        return tuple(x.new_zeros(x.shape[1], size) for size in self._state_sizes())

    def _check_state(self, hx: Any, batch: int, batched: bool, count: int) -> None:
        if isinstance(hx, Tensor) or not isinstance(hx, tuple | list) or len(hx) != 2:
            raise TypeError(
                "LSTM: the state hx is a tuple of two tensors (h_0, c_0), got "
                f"{type(hx).__name__}; call lstm(input, (h_0, c_0))"
            )
        if any(part.dim() != 2 + batched for part in hx):
            raise RuntimeError(
                f"For {described(batched)} input, hx and cx should also be {2 + batched}-D but "
                f"got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        lead = (count, *((batch,) if batched else ()))
        for which, part in enumerate(hx):
            self._check_shape(part, f"hidden[{which}]", lead, which)

    def _joined(self, finals: list[Any]) -> Any:
        return tuple(stack(part) for part in zip(*finals, strict=True))
