"""A character model in plain NumPy, gradients by hand, after Andrej Karpathy's min-char-rnn; and
the same on autograd.

    python examples/min_char_rnn.py                      # by hand
    python examples/min_char_rnn.py --autograd           # the same losses, without the derivation
    python examples/min_char_rnn.py --hello              # four letters, small enough to look into
    python examples/min_char_rnn.py --text poems.txt --iterations 100000

Both read 25 characters at a time, carry the state on, clip each element of the gradient to 5 and
learn by Adagrad, with the same losses: for some fifty iterations to the sixth digit, then rounding,
which Adagrad's first steps enlarge, is seen. Prints the smoothed loss of 25 characters and what the
model writes, and draws the loss. 10,000 iterations take 15 seconds by hand, three times that on
autograd, and bring the loss of the sample text from 83 to 49.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from common import Parser, count, load_corpus, positive, run, save_picture

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

Weights = dict[str, np.ndarray]


def initial_weights(vocab_size: int, hidden_size: int, seed: int) -> Weights:
    """h' = tanh(Wxh x + Whh h + bh) and scores Why h' + by; vectors are columns."""
    rng = np.random.default_rng(seed)
    return {
        "Wxh": 0.01 * rng.standard_normal((hidden_size, vocab_size)),
        "Whh": 0.01 * rng.standard_normal((hidden_size, hidden_size)),
        "Why": 0.01 * rng.standard_normal((vocab_size, hidden_size)),
        "bh": np.zeros((hidden_size, 1)),
        "by": np.zeros((vocab_size, 1)),
    }


# ----- by hand -----


def loss_and_gradients(
    inputs: list[int], targets: list[int], h: np.ndarray, weights: Weights
) -> tuple[float, Weights, np.ndarray]:
    """The cross-entropy of all characters, its derivatives, and the state after the last."""
    Wxh, Whh, Why, bh, by = weights.values()
    hs, ps, loss = [h], [], 0.0
    for char, target in zip(inputs, targets, strict=True):
        h = np.tanh(Wxh[:, [char]] + Whh @ h + bh)  # Wxh x is a column, as x is one-hot
        scores = Why @ h + by
        p = np.exp(scores - scores.max())
        p /= p.sum()
        loss -= math.log(p[target, 0])
        hs.append(h)
        ps.append(p)
    gradients = {name: np.zeros_like(weight) for name, weight in weights.items()}
    dh_next = np.zeros_like(h)
    for t in reversed(range(len(inputs))):
        d_scores = ps[t].copy()
        d_scores[targets[t]] -= 1  # of -log softmax
        gradients["Why"] += d_scores @ hs[t + 1].T
        gradients["by"] += d_scores
        dh = Why.T @ d_scores + dh_next
        d_sum = (1 - hs[t + 1] ** 2) * dh  # through tanh
        gradients["bh"] += d_sum
        gradients["Wxh"][:, [inputs[t]]] += d_sum
        gradients["Whh"] += d_sum @ hs[t].T
        dh_next = Whh.T @ d_sum
    return loss, gradients, h


class ByHand:
    """Learns in NumPy: steps change the arrays of the weights."""

    def __init__(self, weights: Weights, lr: float) -> None:
        self.weights, self.lr = weights, lr
        self.squares = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def learn(
        self, inputs: list[int], targets: list[int], h: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """One step of Adagrad. Returns the loss before it, and the state after the last input."""
        loss, gradients, h = loss_and_gradients(inputs, targets, h, self.weights)
        for name, gradient in gradients.items():
            np.clip(gradient, -5, 5, out=gradient)
            self.squares[name] += gradient**2
            self.weights[name] -= self.lr * gradient / (np.sqrt(self.squares[name]) + 1e-10)
        return loss, h


# ----- on autograd -----


class Autograd:
    """Learns with tensors that share the memory of the weights' arrays."""

    def __init__(self, weights: Weights, lr: float) -> None:
        self.params = [torch.from_numpy(w).requires_grad_() for w in weights.values()]
        self.optimizer = optim.Adagrad(self.params, lr=lr)

    def learn(
        self, inputs: list[int], targets: list[int], h: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """One step of Adagrad. Returns the loss before it, and the state after the last input."""
        Wxh, Whh, Why, bh, by = self.params
        state, scores = torch.from_numpy(h), []
        for char in inputs:
            state = torch.tanh(Wxh[:, [char]] + Whh @ state + bh)
            scores.append(Why @ state + by)
        loss = F.cross_entropy(torch.cat(scores, 1).T, torch.tensor(targets), reduction="sum")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(self.params, 5.0)
        self.optimizer.step()
        return loss.item(), state.detach().numpy()


# ----- training and writing -----


def write(
    weights: Weights, h: np.ndarray, char: int, length: int, rng: np.random.Generator
) -> list[int]:
    """Characters drawn one after the other, as likely as the model thinks them."""
    Wxh, Whh, Why, bh, by = weights.values()
    written = []
    for _ in range(length):
        h = np.tanh(Wxh[:, [char]] + Whh @ h + bh)
        scores = (Why @ h + by).ravel()
        p = np.exp(scores - scores.max())
        char = int(rng.choice(len(p), p=p / p.sum()))
        written.append(char)
    return written


def train(args: Any) -> list[float]:
    """Go through the text again and again. Returns the loss of each iteration."""
    corpus, vocab = load_corpus(args.text)
    chars, size = vocab.idx_to_token[1:], args.seq_length  # no need for the unknown one
    data = [token - 1 for token in corpus]
    if len(data) <= size:
        raise ValueError(f"--text: expected more than {size} characters, got {len(data)}")
    weights = initial_weights(len(chars), args.hidden_size, args.seed)
    learner = (Autograd if args.autograd else ByHand)(weights, args.lr)
    rng = np.random.default_rng(args.seed)
    losses: list[float] = []
    smooth, position = size * math.log(len(chars)), 0
    for iteration in range(1, args.iterations + 1):
        if position == 0 or position + size >= len(data):
            position, h = 0, np.zeros((args.hidden_size, 1))
        inputs, targets = (data[position + i : position + i + size] for i in (0, 1))
        loss, h = learner.learn(inputs, targets, h)
        losses.append(loss)
        smooth = 0.999 * smooth + 0.001 * loss
        position += size
        if iteration % max(args.iterations // 10, 1) == 0:
            written = write(weights, h, inputs[-1], 80, rng)
            print(f"iteration {iteration}, loss {smooth:.2f}: {''.join(chars[i] for i in written)}")
    return losses


def hello(args: Any) -> list[float]:
    """Learn "hello" with three hidden numbers, and show all there is to see."""
    chars, word = "helo", "hello"
    data = [chars.index(c) for c in word]
    weights = initial_weights(len(chars), 3, args.seed)
    learner = (Autograd if args.autograd else ByHand)(weights, args.lr)
    start = np.zeros((3, 1))
    losses = [learner.learn(data[:-1], data[1:], start)[0] for _ in range(200)]
    print(
        f"loss of the four characters: {losses[0]:.3f} at first, {losses[-1]:.3f} after 200 steps"
    )
    print("input  hidden                scores of " + "      ".join(chars) + "   likeliest")
    h, char, written = start, data[0], word[0]
    for _ in range(len(word) - 1):
        h = np.tanh(weights["Wxh"][:, [char]] + weights["Whh"] @ h + weights["bh"])
        scores = (weights["Why"] @ h + weights["by"]).ravel()
        best = int(scores.argmax())
        numbers = [" ".join(f"{n:6.2f}" for n in vector) for vector in (h.ravel(), scores)]
        print(f"{chars[char]}      {numbers[0]}  {numbers[1]}   {chars[best]}")
        char = best
        written += chars[best]
    print(f'from "h" alone it writes "{written}"')
    return losses


def main(argv: list[str] | None = None) -> list[float]:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--autograd", action="store_true", help="let autograd find the gradients")
    add("--hello", action="store_true", help='learn the word "hello"')
    add("--text", default="sample", metavar="sample|time-machine|PATH", help="what to learn")
    add("--hidden-size", type=count, default=100, help="hidden units")
    add("--seq-length", type=count, default=25, help="characters in an iteration")
    add("--iterations", type=count, default=10_000, help="steps of Adagrad")
    add("--lr", type=positive, default=0.1, help="learning rate")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    add("--out", metavar="PICTURE", default="runs/min_char_rnn.png", help="where the picture goes")
    args = parser.parse_args(argv)
    if args.hello:
        return hello(args)
    losses = train(args)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        width = max(len(losses) // 100, 1)
        means = [
            sum(losses[i : i + width]) / width for i in range(0, len(losses) - width + 1, width)
        ]
        axes.plot([width * (i + 1) for i in range(len(means))], means)
        axes.set(xlabel="iteration", ylabel=f"loss of {args.seq_length} characters")
        axes.grid(True, alpha=0.3)

    save_picture(args.out, draw, (6, 4))
    return losses


if __name__ == "__main__":
    run(main)
