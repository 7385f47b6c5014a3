"""Gated recurrent units and long short-term memory with the library's layers: Dive into Deep
Learning, sections 9.1 and 9.2.

    python examples/gru_lstm_concise.py                  # the book's runs, one after the other
    python examples/gru_lstm_concise.py --cells lstm --epochs 100

The model is that of rnn_concise.py, with `nn.GRU` or `nn.LSTM` in it. Prints the perplexities on
the way, and draws both in one picture. The book's runs take two minutes each and end at a
perplexity of about 1.05.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from common import language_model_options, load_batches, run, save_perplexities
from rnn_concise import RNNModel
from rnn_scratch import train

import tinygrad_rnn as torch
from tinygrad_rnn import nn

LAYERS: dict[str, Any] = {"gru": nn.GRU, "lstm": nn.LSTM}


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(__doc__, out="runs/gru_lstm_concise.png")
    parser.add_argument("--cells", nargs="+", choices=LAYERS, default=list(LAYERS), help="which")
    args = parser.parse_args(argv)
    curves = {}
    for cell in args.cells:
        torch.manual_seed(args.seed)
        loader, vocab = load_batches(args)
        net = RNNModel(LAYERS[cell](len(vocab), args.hidden_size), len(vocab))
        net = net.to(torch.device(args.device))
        print(f"nn.{cell.upper()}")
        curves[cell.upper()] = train(net, loader, vocab, args)
    save_perplexities(args.out, curves)
    return list(chain.from_iterable(curves.values()))


if __name__ == "__main__":
    run(main)
