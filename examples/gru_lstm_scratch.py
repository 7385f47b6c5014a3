"""Gated recurrent units and long short-term memory from scratch: Dive into Deep Learning,
sections 9.1 and 9.2.

    python examples/gru_lstm_scratch.py                  # the book's runs, one after the other
    python examples/gru_lstm_scratch.py --cells lstm --epochs 100

Weights and steps of both are spelled out on plain tensors; training and writing are those of
rnn_scratch.py. Prints the perplexities on the way, and draws both in one picture. The book's runs
take some ten minutes.
"""

from __future__ import annotations

from itertools import chain

from common import language_model_options, load_batches, run, save_perplexities
from rnn_scratch import Params, RNNModelScratch, State, init_rnn_state, train

import tinygrad_rnn as torch


def get_gate_params(
    num_gates: int, vocab_size: int, num_hiddens: int, device: torch.device
) -> Params:
    """Weights of the input and of the state and a bias for each gate, then the output layer's."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device) * 0.01

    params = []
    for _ in range(num_gates):
        params += [
            normal(vocab_size, num_hiddens),
            normal(num_hiddens, num_hiddens),
            torch.zeros(num_hiddens, device=device),
        ]
    params += [normal(num_hiddens, vocab_size), torch.zeros(vocab_size, device=device)]
    for param in params:
        param.requires_grad_(True)
    return params


# ----- gated recurrent units -----


def get_gru_params(vocab_size: int, num_hiddens: int, device: torch.device) -> Params:
    """Those of the update gate, the reset gate, the candidate, and the output layer."""
    return get_gate_params(3, vocab_size, num_hiddens, device)


def gru(inputs: torch.Tensor, state: State, params: Params) -> tuple[torch.Tensor, State]:
    """Scores (steps * batch, vocab) for one-hot inputs (steps, batch, vocab), and the new state.

    The reset gate comes before the product with the weights; `nn.GRU` has it behind.
    """
    W_xz, W_hz, b_z, W_xr, W_hr, b_r, W_xh, W_hh, b_h, W_hq, b_q = params
    (H,) = state
    outputs = []
    for X in inputs:
        Z = torch.sigmoid((X @ W_xz) + (H @ W_hz) + b_z)
        R = torch.sigmoid((X @ W_xr) + (H @ W_hr) + b_r)
        H_tilda = torch.tanh((X @ W_xh) + ((R * H) @ W_hh) + b_h)
        H = Z * H + (1 - Z) * H_tilda
        outputs.append(H @ W_hq + b_q)
    return torch.cat(outputs, dim=0), (H,)


# ----- long short-term memory -----


def get_lstm_params(vocab_size: int, num_hiddens: int, device: torch.device) -> Params:
    """Those of the input, forget and output gates, the candidate, and the output layer."""
    return get_gate_params(4, vocab_size, num_hiddens, device)


def init_lstm_state(batch_size: int, num_hiddens: int, device: torch.device) -> State:
    """Zeros: the hidden state and the memory cell."""
    shape = (batch_size, num_hiddens)
    return torch.zeros(shape, device=device), torch.zeros(shape, device=device)


def lstm(inputs: torch.Tensor, state: State, params: Params) -> tuple[torch.Tensor, State]:
    """Scores (steps * batch, vocab) for one-hot inputs (steps, batch, vocab), and the new state."""
    [
        W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xo, W_ho, b_o, W_xc, W_hc, b_c, W_hq, b_q,
    ] = params  # fmt: skip
    (H, C) = state
    outputs = []
    for X in inputs:
        I = torch.sigmoid((X @ W_xi) + (H @ W_hi) + b_i)  # noqa: E741, the book's name
        F = torch.sigmoid((X @ W_xf) + (H @ W_hf) + b_f)
        O = torch.sigmoid((X @ W_xo) + (H @ W_ho) + b_o)  # noqa: E741
        C_tilda = torch.tanh((X @ W_xc) + (H @ W_hc) + b_c)
        C = F * C + I * C_tilda
        H = O * torch.tanh(C)
        outputs.append((H @ W_hq) + b_q)
    return torch.cat(outputs, dim=0), (H, C)


CELLS = {
    "gru": (get_gru_params, init_rnn_state, gru),
    "lstm": (get_lstm_params, init_lstm_state, lstm),
}


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(__doc__, out="runs/gru_lstm_scratch.png")
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS), help="which")
    args = parser.parse_args(argv)
    curves = {}
    for cell in args.cells:
        torch.manual_seed(args.seed)
        loader, vocab = load_batches(args)
        device = torch.device(args.device)
        net = RNNModelScratch(len(vocab), args.hidden_size, device, *CELLS[cell])
        print(f"{cell.upper()} from scratch")
        curves[cell.upper()] = train(net, loader, vocab, args)
    save_perplexities(args.out, curves)
    return list(chain.from_iterable(curves.values()))


if __name__ == "__main__":
    run(main)
