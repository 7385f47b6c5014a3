"""Training of recurrent layers: one-hot input, layer, linear head, cross-entropy, clip, SGD."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, Program, Sizes, Update, characters, fill

LEARNING_RATE, MAX_NORM = 0.1, 1.0

Forward = Callable[[Any], Any]
"""From one-hot inputs (steps, batch, features) to outputs (steps, batch, width)."""

# ----- the program -----


def training(
    torch: Any, layer: Any, forward: Forward, sizes: Sizes, lengths: np.ndarray | None = None,
    width: int = 0, rate: float = LEARNING_RATE,
) -> Update:  # fmt: skip
    """One update on the same characters again and again; outputs behind lengths don't count. The
    layer is the module whose parameters `forward` uses."""
    F, width = torch.nn.functional, width or sizes.hidden
    head = torch.nn.Linear(width, sizes.features)
    model = torch.nn.ModuleList([layer, head])
    fill(torch, model, 1 / math.sqrt(sizes.hidden))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    inputs, targets = characters(sizes)
    if lengths is not None:
        targets = np.where(np.arange(sizes.steps)[:, None] < lengths, targets, -100)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets).reshape(-1)

    def update() -> float:
        one_hot = F.one_hot(x, sizes.features).float()
        loss = F.cross_entropy(head(forward(one_hot)).reshape(-1, sizes.features), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        return loss.item()

    return update


def stock(sizes: Sizes, rate: float = LEARNING_RATE, **options: Any) -> Program:
    """A layer of nn."""
    width = sizes.hidden * (2 if options.get("bidirectional") else 1)

    def program(torch: Any) -> Update:
        layer = getattr(torch.nn, sizes.mode)(sizes.features, sizes.hidden, **options)
        return training(torch, layer, lambda x: layer(x)[0], sizes, None, width, rate)

    return program


# ----- where the two libraries differ -----


def is_ours(torch: Any) -> bool:
    return torch.__name__ == "tinygrad_rnn"


def ragged(sizes: Sizes) -> Program:
    """Sequences of different lengths: `lengths=` here, packed in PyTorch."""

    def program(torch: Any) -> Update:
        lengths = np.random.default_rng(3).integers(sizes.steps // 4, sizes.steps + 1, sizes.batch)
        lengths[0] = sizes.steps
        there = torch.from_numpy(lengths)
        layer = torch.nn.LSTM(sizes.features, sizes.hidden)
        rnn = torch.nn.utils.rnn

        def packed(x: Any) -> Any:
            sequences = rnn.pack_padded_sequence(x, there, enforce_sorted=False)
            return rnn.pad_packed_sequence(layer(sequences)[0])[0]

        forward = (lambda x: layer(x, lengths=there)[0]) if is_ours(torch) else packed
        return training(torch, layer, forward, sizes, lengths)

    return program


def parameters(torch: Any, module: Any, **shapes: tuple[int, ...]) -> None:
    for name, shape in shapes.items():
        setattr(module, name, torch.nn.Parameter(torch.empty(shape)))


def own_cell(sizes: Sizes) -> Program:
    """An LSTM cell that a user wrote, run by `nn.Recurrent`; PyTorch's LSTMCell in a loop."""
    features, hidden = sizes.features, sizes.hidden

    def program(torch: Any) -> Update:
        F = torch.nn.functional
        if not is_ours(torch):
            cell = torch.nn.LSTMCell(features, hidden)

            def loop(x: Any) -> Any:
                state, outputs = None, []
                for x_t in x:
                    state = cell(x_t, state)
                    outputs.append(state[0])
                return torch.stack(outputs)

            return training(torch, cell, loop, sizes)

        class Cell(torch.nn.Cell):
            state_size = hidden, hidden

            def __init__(self, features: int) -> None:
                super().__init__()
                rows = 4 * hidden
                parameters(torch, self, weight_ih=(rows, features), weight_hh=(rows, hidden),
                           bias_ih=(rows,), bias_hh=(rows,))  # fmt: skip

            def step(self, x: Any, state: Any) -> tuple[Any, Any]:
                h, c = state
                gates = F.linear(x, self.weight_ih, self.bias_ih)
                gates = gates + F.linear(h, self.weight_hh, self.bias_hh)
                i, f, g, o = gates.chunk(4, -1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
                return h, (h, c)

        layer = torch.nn.Recurrent(Cell, features)
        return training(torch, layer, lambda x: layer(x)[0], sizes)

    return program


def layer_norm(sizes: Sizes) -> Program:
    """The option `layer_norm=True` here, the same written out in PyTorch. At a lower rate, since
    normalised steps make much of rounding: at 0.1 either library leaves the path of float64."""
    hidden, rows, rate = sizes.hidden, 4 * sizes.hidden, 0.003

    def program(torch: Any) -> Update:
        if is_ours(torch):
            return stock(sizes, rate, layer_norm=True)(torch)
        F, m = torch.nn.functional, torch.nn.Module()
        parameters(torch, m, weight_ih=(rows, sizes.features), weight_hh=(rows, hidden),
                   bias_ih=(rows,), bias_hh=(rows,), gain_ih=(rows,), gain_hh=(rows,),
                   gain_c=(hidden,), bias_c=(hidden,))  # fmt: skip

        def forward(x: Any) -> Any:
            projected = F.layer_norm(F.linear(x, m.weight_ih), (rows,), m.gain_ih, m.bias_ih)
            h = c = x.new_zeros(x.shape[1], hidden)
            outputs = []
            for x_t in projected:
                recurrent = F.linear(h, m.weight_hh)
                gates = x_t + F.layer_norm(recurrent, (rows,), m.gain_hh, m.bias_hh)
                i, f, g, o = gates.chunk(4, -1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(F.layer_norm(c, (hidden,), m.gain_c, m.bias_c))
                outputs.append(h)
            return torch.stack(outputs)

        return training(torch, m, forward, sizes, rate=rate)

    return program


def checkpointed(sizes: Sizes) -> Program:
    """Segments that backward runs again: the option here, spelled out in PyTorch."""

    def program(torch: Any) -> Update:
        if is_ours(torch):
            return stock(sizes, checkpoint_every="sqrt")(torch)
        layer = getattr(torch.nn, sizes.mode)(sizes.features, sizes.hidden)

        def forward(x: Any) -> Any:
            state, outputs = None, []
            for part in x.split(math.isqrt(sizes.steps - 1) + 1):
                y, state = torch.utils.checkpoint.checkpoint(
                    layer, part, state, use_reentrant=False
                )
                outputs.append(y)
            return torch.cat(outputs)

        return training(torch, layer, forward, sizes)

    return program


# ----- the cases -----


def _layer(mode: str, hidden: int, updates: int) -> Case:
    sizes = Sizes(mode, hidden)
    return Case(
        f"{mode.lower()}-{hidden}", f"{mode} of {hidden} features", stock(sizes), updates,
        sizes=sizes, quick=hidden in (128, 512),
    )  # fmt: skip


def _long(steps: int, updates: int, checkpoints: bool) -> Case:
    sizes = Sizes("LSTM", 128, steps)
    name, title = f"long-{steps}", f"LSTM of 128 features, {steps} steps"
    if checkpoints:
        name, title = f"{name}-checkpoint", f"{title}, of which backward runs segments again"
    program = checkpointed(sizes) if checkpoints else stock(sizes)
    return Case(name, title, program, updates, sizes=sizes, quick=False)


_SMALL, _MIDDLE = Sizes("LSTM", 128), Sizes("LSTM", 256)
_COUNTS = {128: 80, 256: 48, 512: 24, 1024: 8}

CASES = [
    *(_layer(mode, hidden, n) for mode in ("RNN", "GRU", "LSTM") for hidden, n in _COUNTS.items()),
    Case("bidirectional-128", "LSTM of two layers and directions",
         stock(_SMALL, num_layers=2, bidirectional=True), 24),
    Case("ragged-256", "LSTM on 9 to 35 steps: lengths= against PackedSequence", ragged(_MIDDLE),
         48, quick=False),
    Case("own-cell-256", "an LSTM cell of one's own through nn.Recurrent against nn.LSTMCell in a "
         "loop", own_cell(_MIDDLE), 24),
    Case("layer-norm-256", "layer-normalised LSTM: the option against the same written in PyTorch",
         layer_norm(_MIDDLE), 24, quick=False),
    *(_long(steps, n, again) for again in (False, True) for steps, n in ((1000, 4), (10_000, 1))),
]  # fmt: skip


def _growing(mode: str, axis: str, value: int) -> Case:
    names = {"H": "hidden", "T": "steps", "B": "batch"}
    sizes = Sizes(mode, **{names[axis]: value})
    return Case(
        f"growth-{mode.lower()}-{axis}-{value}", f"{mode}, {names[axis]} {value}", stock(sizes), 8,
        sizes=sizes,
    )  # fmt: skip


AXES = {"H": (64, 128, 256, 512, 1024), "T": (10, 30, 100, 300, 1000), "B": (1, 4, 16, 64, 256)}
GROWTH = [
    _growing(mode, axis, value)
    for mode in ("RNN", "GRU", "LSTM")
    for axis, values in AXES.items()
    for value in values
]
