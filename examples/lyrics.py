"""A character model of Chinese verse: the song-lyrics program of Dive into Deep Learning's Chinese
edition, on poems of the Tang dynasty (tang_poems.txt: Li Bai, Wang Wei, Du Fu and others).

    python examples/lyrics.py                                # from scratch, gradient descent
    python examples/lyrics.py --model concise --epochs 40    # nn.GRU, Adam
    python examples/lyrics.py --text lyrics.txt --batch-size 32 --num-steps 35 --max-tokens 10000

From scratch it learns by gradient descent with a learning rate of 100, which works because the
gradient is clipped to a norm of 0.01: nearly every step has the length 1. The concise model learns
by Adam with a learning rate of 0.01 and the same clipping. Prints the perplexities and new verse on
the way, and draws the perplexities. Takes a minute or so and ends at a perplexity of 1.1 (concise:
1.03, within 40 epochs): the poems by heart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import language_model_options, load_batches, run, save_perplexities
from gru_lstm_scratch import CELLS
from rnn_concise import RNNModel
from rnn_scratch import RNNModelScratch, get_params, init_rnn_state, rnn, train

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim

SCRATCH = {"rnn": (get_params, init_rnn_state, rnn), **CELLS}
LAYERS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
POEMS = Path(__file__).with_name("tang_poems.txt")


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(
        __doc__, text=str(POEMS), max_tokens=-1, epochs=150, batch_size=4, num_steps=20,
        lr=None, clip=1e-2, prefix="明月", out="runs/lyrics.png",
    )  # fmt: skip
    parser.add_argument(
        "--model", choices=["scratch", "concise"], default="scratch",
        help="scratch: --lr 100 unless given; concise: --lr 0.01",
    )  # fmt: skip
    parser.add_argument("--cell", choices=SCRATCH, default="gru", help="rnn, gru or lstm")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    loader, vocab = load_batches(args)
    device = torch.device(args.device)
    if args.model == "scratch":
        args.lr = args.lr or 1e2
        net = RNNModelScratch(len(vocab), args.hidden_size, device, *SCRATCH[args.cell])
        perplexities = train(net, loader, vocab, args)
    else:
        args.lr = args.lr or 1e-2
        model = RNNModel(LAYERS[args.cell](len(vocab), args.hidden_size), len(vocab)).to(device)
        updater = optim.Adam(model.parameters(), lr=args.lr)
        perplexities = train(model, loader, vocab, args, updater)
    save_perplexities(
        args.out, {f"{args.cell} {args.model}, learning rate {args.lr:g}": perplexities}
    )
    return perplexities


if __name__ == "__main__":
    run(main)
