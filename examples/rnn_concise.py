"""A recurrent network with the library's layers: Dive into Deep Learning, section 8.6.

    python examples/rnn_concise.py                       # the book's run
    python examples/rnn_concise.py --hidden-size 512 --sampling random

The layer `nn.RNN` makes hidden states, and a linear layer makes scores of them; training and
writing are those of rnn_scratch.py. Prints and draws the perplexity of the epochs; the book's run
takes about a minute and ends at a perplexity of 1.3.
"""

from __future__ import annotations

from typing import Any

from common import language_model_options, load_batches, run, save_perplexities
from rnn_scratch import predict, train

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F


class RNNModel(nn.Module):
    """A character model of any recurrent layer whose input size is the vocabulary's."""

    def __init__(self, rnn_layer: nn.RNNBase, vocab_size: int) -> None:
        super().__init__()
        self.rnn = rnn_layer
        self.vocab_size = vocab_size
        self.num_directions = 2 if self.rnn.bidirectional else 1
        self.linear = nn.Linear(self.rnn.hidden_size * self.num_directions, vocab_size)

    def forward(self, inputs: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Scores (steps * batch, vocab) for characters (batch, steps), and the new state."""
        X = F.one_hot(inputs.T.long(), self.vocab_size).to(torch.float32)
        Y, state = self.rnn(X, state)
        return self.linear(Y.reshape((-1, Y.shape[-1]))), state

    def begin_state(self, device: torch.device, batch_size: int = 1) -> Any:
        """Zeros: one tensor, or for an LSTM a tuple of two."""
        shape = (self.num_directions * self.rnn.num_layers, batch_size, self.rnn.hidden_size)
        if isinstance(self.rnn, nn.LSTM):
            return (torch.zeros(shape, device=device), torch.zeros(shape, device=device))
        return torch.zeros(shape, device=device)


def main(argv: list[str] | None = None) -> list[float]:
    args = language_model_options(__doc__, out="runs/rnn_concise.png").parse_args(argv)
    torch.manual_seed(args.seed)
    loader, vocab = load_batches(args)
    device = torch.device(args.device)
    net = RNNModel(nn.RNN(len(vocab), args.hidden_size), len(vocab)).to(device)
    print(f"untrained: {predict(args.prefix, 10, net, vocab, device)}")
    perplexities = train(net, loader, vocab, args)
    save_perplexities(args.out, {f"nn.RNN, {args.sampling}": perplexities})
    return perplexities


if __name__ == "__main__":
    run(main)
