"""Recurrent cells on a GPU: all steps of a sequence at once, forward and backward, or one step. And
sums at places that are named more than once."""

import functools

from ..protocol import FusedCell
from . import layer
from .compiler import Cell

CELLS = {
    "RNN_TANH": Cell("rnn", gates=1, saved=1),
    "RNN_RELU": Cell("rnn", gates=1, saved=1, options=("-DRELU",)),
    "GRU": Cell("gru", gates=3, saved=4, apart=True),
    "LSTM": Cell("lstm", gates=4, saved=5),
}


def _fused(cell: Cell) -> FusedCell:
    return FusedCell(
        *(functools.partial(f, cell=cell) for f in (layer.forward, layer.backward, layer.step))
    )


FUSED = {mode: _fused(cell) for mode, cell in CELLS.items()}
