"""Recurrent cells over whole sequences on NumPy: one forward and one backward for all steps."""

import functools

from ..protocol import FusedCell
from . import gru, lstm, rnn

FUSED = {
    "RNN_TANH": FusedCell(functools.partial(rnn.forward, relu=False), rnn.backward),
    "RNN_RELU": FusedCell(functools.partial(rnn.forward, relu=True), rnn.backward),
    "GRU": FusedCell(gru.forward, gru.backward),
    "LSTM": FusedCell(lstm.forward, lstm.backward),
}
