"""A recurrent network from scratch: Dive into Deep Learning, section 8.5.

    python examples/rnn_scratch.py                       # the book's run
    python examples/rnn_scratch.py --sampling random

Weights, the loop over the steps, clipping of the gradient and writing of text are spelled out on
plain tensors. It prints the perplexity (e to the mean loss of a character) ten times on the way
with what the model writes, and draws the perplexity of each epoch. The book's run takes two or
three minutes and ends at a perplexity of 1.05: the model knows its text by heart.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from common import language_model_options, load_batches, run, save_perplexities

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.nn import functional as F

Params = list[Any]  # tensors that have a gradient
State = tuple[torch.Tensor, ...]

# ----- the model -----


def get_params(vocab_size: int, num_hiddens: int, device: torch.device) -> Params:
    """Weights and biases of the hidden state, then those of the output layer."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device) * 0.01

    W_xh = normal(vocab_size, num_hiddens)
    W_hh = normal(num_hiddens, num_hiddens)
    b_h = torch.zeros(num_hiddens, device=device)
    W_hq = normal(num_hiddens, vocab_size)
    b_q = torch.zeros(vocab_size, device=device)
    params = [W_xh, W_hh, b_h, W_hq, b_q]
    for param in params:
        param.requires_grad_(True)
    return params


def init_rnn_state(batch_size: int, num_hiddens: int, device: torch.device) -> State:
    """Zeros: a tuple, as an LSTM's state has two parts."""
    return (torch.zeros((batch_size, num_hiddens), device=device),)


def rnn(inputs: torch.Tensor, state: State, params: Params) -> tuple[torch.Tensor, State]:
    """Scores (steps * batch, vocab) for one-hot inputs (steps, batch, vocab), and the new state."""
    W_xh, W_hh, b_h, W_hq, b_q = params
    (H,) = state
    outputs = []
    for X in inputs:
        H = torch.tanh(torch.mm(X, W_xh) + torch.mm(H, W_hh) + b_h)
        outputs.append(torch.mm(H, W_hq) + b_q)
    return torch.cat(outputs, dim=0), (H,)


class RNNModelScratch:
    """A character model of three functions: they make its parameters, its first state, and its
    scores."""

    def __init__(
        self,
        vocab_size: int,
        num_hiddens: int,
        device: torch.device,
        get_params: Callable[[int, int, torch.device], Params],
        init_state: Callable[[int, int, torch.device], State],
        forward_fn: Callable[[torch.Tensor, State, Params], tuple[torch.Tensor, State]],
    ) -> None:
        self.vocab_size, self.num_hiddens = vocab_size, num_hiddens
        self.params = get_params(vocab_size, num_hiddens, device)
        self.init_state, self.forward_fn = init_state, forward_fn

    def __call__(self, X: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        X = F.one_hot(X.T, self.vocab_size).type(torch.float32)
        return self.forward_fn(X, state, self.params)

    def begin_state(self, device: torch.device, batch_size: int = 1) -> State:
        return self.init_state(batch_size, self.num_hiddens, device)


# ----- writing text -----


@torch.no_grad()
def predict(prefix: str, num_preds: int, net: Any, vocab: text.Vocab, device: torch.device) -> str:
    """The prefix, and what the model thinks the likeliest `num_preds` characters behind it."""
    state = net.begin_state(batch_size=1, device=device)
    outputs = [vocab[prefix[0]]]

    def last() -> torch.Tensor:
        return torch.tensor([outputs[-1]], device=device).reshape((1, 1))

    for char in prefix[1:]:  # the warm-up: the state learns what was said
        _, state = net(last(), state)
        outputs.append(vocab[char])
    for _ in range(num_preds):
        y, state = net(last(), state)
        outputs.append(int(y.argmax(dim=1).reshape(1)))
    return "".join(vocab.to_tokens(i) for i in outputs)


# ----- training -----


def grad_clipping(net: Any, theta: float) -> None:
    """Scale the gradient down to the norm theta, if it is longer."""
    if isinstance(net, nn.Module):
        params: Params = [p for p in net.parameters() if p.requires_grad]
    else:
        params = net.params
    norm = torch.sqrt(sum(torch.sum(p.grad**2) for p in params))
    if norm > theta:
        for param in params:
            param.grad[:] *= theta / norm


def sgd(params: Params, lr: float) -> None:
    """One step of gradient descent, and no gradient afterwards."""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad
            param.grad.zero_()


def train_epoch(
    net: Any,
    loader: text.SequenceLoader,
    updater: optim.Optimizer | Callable[[], None],
    clip: float,
    device: torch.device,
) -> tuple[float, float]:
    """One pass over the text. Returns the perplexity and the characters per second."""
    loss = nn.CrossEntropyLoss()
    state, start = None, time.perf_counter()
    total, tokens = 0.0, 0
    for X, Y in loader:
        if state is None or not loader.carries_state:
            state = net.begin_state(batch_size=X.shape[0], device=device)
        elif isinstance(state, tuple):
            for s in state:
                s.detach_()
        else:
            state.detach_()
        y = Y.T.reshape(-1)
        X, y = X.to(device), y.to(device)
        y_hat, state = net(X, state)
        mean = loss(y_hat, y.long()).mean()
        if isinstance(updater, optim.Optimizer):
            updater.zero_grad()
            mean.backward()
            grad_clipping(net, clip)
            updater.step()
        else:
            mean.backward()
            grad_clipping(net, clip)
            updater()
        total += mean.item() * y.numel()
        tokens += y.numel()
    return math.exp(min(total / tokens, 700)), tokens / (time.perf_counter() - start)


def train(
    net: Any,
    loader: text.SequenceLoader,
    vocab: text.Vocab,
    args: Any,
    updater: optim.Optimizer | Callable[[], None] | None = None,
) -> list[float]:
    """Train with gradient descent, or the given updater; print how it goes. Returns the perplexity
    of each epoch."""
    device = torch.device(args.device)
    if updater is None and isinstance(net, nn.Module):
        updater = optim.SGD(net.parameters(), lr=args.lr)
    elif updater is None:

        def updater() -> None:
            sgd(net.params, args.lr)

    perplexities = []
    for epoch in range(1, args.epochs + 1):
        perplexity, speed = train_epoch(net, loader, updater, args.clip, device)
        perplexities.append(perplexity)
        if epoch % max(args.epochs // 10, 1) == 0:
            print(f"epoch {epoch}, perplexity {perplexity:.2f}, {speed:,.0f} tokens/s: ", end="")
            print(predict(args.prefix, 50, net, vocab, device), flush=True)
    return perplexities


def main(argv: list[str] | None = None) -> list[float]:
    parser = language_model_options(__doc__, hidden_size=512, out="runs/rnn_scratch.png")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    loader, vocab = load_batches(args)
    device = torch.device(args.device)
    net = RNNModelScratch(len(vocab), args.hidden_size, device, get_params, init_rnn_state, rnn)
    print(f"untrained: {predict(args.prefix, 10, net, vocab, device)}")
    perplexities = train(net, loader, vocab, args)
    save_perplexities(args.out, {f"RNN from scratch, {args.sampling}": perplexities})
    return perplexities


if __name__ == "__main__":
    run(main)
