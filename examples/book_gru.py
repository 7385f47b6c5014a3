"""The GRU as Dive into Deep Learning has it (section 9.1), as a cell of one's own.

    python examples/book_gru.py
    python examples/book_gru.py --num-layers 2 --epochs 100

The book's reset gate comes before the recurrent product, tanh(x W_xh + (r * h) W_hh + b_h), that
of `nn.GRU` behind it. One step is written down here, and `nn.Recurrent` makes a layer of it, with
layers, directions, ragged batches and the rest. (`nn.GRU(..., reset_after=False)` is the same GRU
ready-made.) Prints the perplexities on the way and draws them; the run takes some minutes.
"""

from __future__ import annotations

from common import count, language_model_options, load_batches, run, save_perplexities
from rnn_scratch import train

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F


class BookGRUCell(nn.Cell):
    """One step of the book's GRU. The weights of the input, (input_size, 3 * hidden_size), are
    those of the update gate, the reset gate and the candidate, side by side; so are the biases."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.state_size = hidden_size
        self.W_x = nn.Parameter(torch.randn(input_size, 3 * hidden_size) * 0.01)
        self.W_hz = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.01)
        self.W_hr = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.01)
        self.W_hh = nn.Parameter(torch.randn(hidden_size, hidden_size) * 0.01)
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))

    def project(self, x: torch.Tensor) -> torch.Tensor:
        """What does not depend on the state: one large product for all steps."""
        return x @ self.W_x + self.b

    def step(self, x: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The new state (batch, hidden_size), twice: it is the output too."""
        x_z, x_r, x_h = x.chunk(3, dim=-1)
        z = torch.sigmoid(x_z + h @ self.W_hz)
        r = torch.sigmoid(x_r + h @ self.W_hr)
        candidate = torch.tanh(x_h + (r * h) @ self.W_hh)
        h = z * h + (1 - z) * candidate
        return h, h


class BookGRUModel(nn.Module):
    """A character model of layers of the book's GRU."""

    def __init__(self, vocab_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.vocab_size, self.hidden_size, self.num_layers = vocab_size, hidden_size, num_layers
        self.rnn = nn.Recurrent(BookGRUCell, vocab_size, hidden_size, num_layers=num_layers)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(
        self, inputs: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (steps * batch, vocab) for characters (batch, steps), and the new state."""
        Y, state = self.rnn(F.one_hot(inputs.T, self.vocab_size).float(), state)
        return self.linear(Y.flatten(0, 1)), state

    def begin_state(self, device: torch.device, batch_size: int = 1) -> torch.Tensor:
        return torch.zeros(self.num_layers, batch_size, self.hidden_size, device=device)


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(__doc__, out="runs/book_gru.png")
    parser.add_argument("--num-layers", type=count, default=1, help="layers of the GRU")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    loader, vocab = load_batches(args)
    net = BookGRUModel(len(vocab), args.hidden_size, args.num_layers).to(torch.device(args.device))
    perplexities = train(net, loader, vocab, args)
    save_perplexities(args.out, {"the book's GRU": perplexities})
    return perplexities


if __name__ == "__main__":
    run(main)
