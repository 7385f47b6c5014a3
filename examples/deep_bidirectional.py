"""Deep and bidirectional recurrent networks: Dive into Deep Learning, sections 9.3 and 9.4.

    python examples/deep_bidirectional.py                # the book's runs, one after the other
    python examples/deep_bidirectional.py --models deep

First an LSTM of two layers. Then a bidirectional one, as a warning: its perplexity is excellent,
since the pass from the end has seen the character to predict, and what it writes is nonsense, since
there is no future to look at when it writes. Prints the perplexities on the way, and draws both in
one picture. The runs take some twenty minutes; `--models bidirectional --num-layers 1 --epochs 100`
shows the second point in one.
"""

from __future__ import annotations

from itertools import chain

from common import count, language_model_options, load_batches, run, save_perplexities
from rnn_concise import RNNModel
from rnn_scratch import train

import tinygrad_rnn as torch
from tinygrad_rnn import nn

MODELS = ("deep", "bidirectional")


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(__doc__, lr=2.0, out="runs/deep_bidirectional.png")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="which")
    parser.add_argument("--num-layers", type=count, default=2, help="layers of both models")
    args = parser.parse_args(argv)
    curves = {}
    for model in args.models:
        torch.manual_seed(args.seed)
        loader, vocab = load_batches(args)
        layer = nn.LSTM(
            len(vocab), args.hidden_size, args.num_layers, bidirectional=model == "bidirectional"
        )
        net = RNNModel(layer, len(vocab)).to(torch.device(args.device))
        print(f"{model} LSTM of {args.num_layers} layers")
        curves[model] = train(net, loader, vocab, args)
    save_perplexities(args.out, curves)
    return list(chain.from_iterable(curves.values()))


if __name__ == "__main__":
    run(main)
