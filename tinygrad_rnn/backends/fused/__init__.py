"""Recurrent cells on NumPy: all steps of a sequence at once, forward and backward, or one step."""

import functools

from ..protocol import FusedCell
from . import gru, lstm, rnn


def _rnn(relu: bool) -> FusedCell:
    forward, step = (functools.partial(f, relu=relu) for f in (rnn.forward, rnn.step))
    return FusedCell(forward, rnn.backward, step)


FUSED = {
    "RNN_TANH": _rnn(relu=False),
    "RNN_RELU": _rnn(relu=True),
    "GRU": FusedCell(gru.forward, gru.backward, gru.step),
    "LSTM": FusedCell(lstm.forward, lstm.backward, lstm.step),
}
