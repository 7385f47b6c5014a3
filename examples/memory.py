"""Two tests of memory, RNN against GRU against LSTM, in one picture.

    python examples/memory.py
    python examples/memory.py --quick                    # ten seconds, less to see
    python examples/memory.py --length 100 --steps 4000

The adding problem (Hochreiter & Schmidhuber, 1997): of a long sequence of random numbers, add the
two that are marked. Who remembers nothing answers 1 and has a mean squared error of 1/6. The
forecast: having learned to predict the next value of noisy sine waves, go on alone, each prediction
being the next input. Prints the errors of each layer on the way and at the end, and draws the
errors of the first and the waves of the second. The defaults take a minute or two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

from common import Parser, count, positive, run, save_picture

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

LAYERS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
PERIOD, WARM_UP, FORECAST, NOISE = 25, 50, 100, 0.1  # of the waves, in steps


class Reader(nn.Module):
    """A recurrent layer, and one number made of each of its outputs."""

    def __init__(
        self, layer: Callable[[int, int], nn.RNNBase], input_size: int, hidden_size: int
    ) -> None:
        super().__init__()
        self.rnn = layer(input_size, hidden_size)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """Numbers (steps, batch, 1) for inputs (steps, batch, features), and the new state."""
        output, state = self.rnn(x, state)
        return self.head(output), state


def improve(model: nn.Module, optimizer: optim.Optimizer, loss: torch.Tensor) -> None:
    """One step against the loss."""
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


# ----- the adding problem -----


def adding(length: int, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers and marks (length, batch, 2), one mark in each half, and the sums (batch)."""
    numbers = torch.rand(length, batch_size)
    marks = torch.zeros(length, batch_size)
    every, half = torch.arange(batch_size), length // 2
    marks[torch.randint(0, half, (batch_size,)), every] = 1
    marks[torch.randint(half, length, (batch_size,)), every] = 1
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(0)


def learn_adding(name: str, args: Any) -> list[float]:
    """The errors on new sequences, measured twenty times in training."""
    torch.manual_seed(args.seed)
    test, sums = adding(args.length, 500)
    model = Reader(LAYERS[name], 2, args.hidden_size)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    errors, every = [], max(args.steps // 20, 1)
    for step in range(1, args.steps + 1):
        x, y = adding(args.length, args.batch_size)
        improve(model, optimizer, F.mse_loss(model(x)[0][-1, :, 0], y))
        if step % every == 0:
            with torch.no_grad():
                errors.append(F.mse_loss(model(test)[0][-1, :, 0], sums).item())
            if len(errors) % 5 == 0:
                print(f"adding, {name}: step {step}, error {errors[-1]:.4f}", flush=True)
    return errors


# ----- the forecast -----


def waves(length: int, batch_size: int, noise: float) -> torch.Tensor:
    """Sine waves (length, batch, 1) that begin anywhere, with normal noise."""
    begin = torch.rand(batch_size) * 2 * math.pi
    t = torch.arange(length).float().unsqueeze(1)
    clean = torch.sin(2 * math.pi * t / PERIOD + begin).unsqueeze(2)
    return clean + noise * torch.randn(length, batch_size, 1)


@torch.no_grad()
def forecast(model: Reader, begin: torch.Tensor, steps: int) -> torch.Tensor:
    """What the model thinks that comes behind waves (length, batch, 1): (steps, batch, 1)."""
    values, state = model(begin)
    values = values[-1:]
    predicted = [values]
    for _ in range(steps - 1):
        values, state = model(values, state)
        predicted.append(values)
    return torch.cat(predicted)


def learn_waves(name: str, args: Any) -> tuple[float, torch.Tensor, torch.Tensor]:
    """The root mean squared error of the forecasts; one wave, and the forecast of its end."""
    torch.manual_seed(args.seed)
    whole = waves(WARM_UP + FORECAST, 100, 0.0)
    model = Reader(LAYERS[name], 1, args.hidden_size)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    for _ in range(args.wave_steps):
        x = waves(WARM_UP + FORECAST, args.batch_size, NOISE)
        improve(model, optimizer, F.mse_loss(model(x[:-1])[0], x[1:]))
    noisy = whole[:WARM_UP] + NOISE * torch.randn(WARM_UP, 100, 1)
    predicted = forecast(model, noisy, FORECAST)
    error = F.mse_loss(predicted, whole[WARM_UP:]).sqrt().item()
    print(f"forecast, {name}: root mean squared error {error:.3f}", flush=True)
    return error, torch.cat([noisy[:, 0, 0], whole[WARM_UP:, 0, 0]]), predicted[:, 0, 0]


# ----- the picture -----


def draw(figure: Any, curves: dict[str, list[float]], ends: dict[str, Any], args: Any) -> None:
    """Errors of the adding problem on the left, a forecast of each layer on the right."""
    left, right = figure.subfigures(1, 2)
    axes = left.subplots()
    every = max(args.steps // 20, 1)
    for name, errors in curves.items():
        axes.plot([every * (i + 1) for i in range(len(errors))], errors, label=name)
    axes.axhline(1 / 6, color="gray", linestyle=":", label="no memory")
    axes.set(xlabel="step", ylabel="mean squared error", yscale="log")
    axes.set_title(f"adding two of {args.length} numbers")
    axes.legend()
    rows = right.subplots(len(ends), sharex=True, squeeze=False)[:, 0]
    for axes, (name, (error, wave, predicted)) in zip(rows, ends.items(), strict=True):
        axes.plot(wave.tolist(), color="gray", linewidth=1)
        axes.plot(range(WARM_UP, WARM_UP + FORECAST), predicted.tolist())
        axes.axvline(WARM_UP, color="gray", linestyle=":")
        axes.set(ylim=(-1.5, 1.5), ylabel=name)
        axes.set_title(f"forecast behind the line, error {error:.3f}", fontsize="small")


def main(argv: list[str] | None = None) -> list[float]:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--length", type=count, default=60, help="numbers in a sequence of the adding problem")
    add("--steps", type=count, default=2000, help="steps of training on the adding problem")
    add("--wave-steps", type=count, default=300, help="steps of training on waves")
    add("--batch-size", type=count, default=64, help="sequences in a step")
    add("--hidden-size", type=count, default=64, help="hidden units")
    add("--lr", type=positive, default=0.005, help="learning rate of Adam")
    add("--quick", action="store_true", help="--length 20 --steps 400 --wave-steps 100")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    add("--out", metavar="PICTURE", default="runs/memory.png", help="where the picture goes")
    args = parser.parse_args(argv)
    if args.quick:
        args.length, args.steps, args.wave_steps = 20, 400, 100
    if args.length < 2:
        raise ValueError(f"--length: expected at least 2 numbers to add, got {args.length}")
    curves = {name: learn_adding(name, args) for name in LAYERS}
    ends = {name: learn_waves(name, args) for name in LAYERS}
    save_picture(args.out, lambda figure: draw(figure, curves, ends, args), (11, 5))
    return [*chain.from_iterable(curves.values()), *(error for error, _, _ in ends.values())]


if __name__ == "__main__":
    run(main)
