"""Steps that users might write, what runs them step by step, and what tells how they ran."""

from __future__ import annotations

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.nn import functional as F

SIZE, FEATURES = 3, 2


def tensor(*shape, seed=0):
    values = torch.linspace(-1, 1, max(1, torch.Size(shape).numel()), dtype=torch.float64)
    return (torch.sin(values * (7 + seed)) * 0.8)[: torch.Size(shape).numel()].reshape(shape)


def weight(*shape, seed=0):
    return tensor(*shape, seed=seed).requires_grad_()


class W:
    """The weights of the steps, made anew for each test on its device."""

    @classmethod
    def make(cls):
        shapes = {
            "x": (FEATURES, SIZE), "h": (SIZE, SIZE), "b": (SIZE,), "x4": (4 * SIZE, FEATURES),
            "h4": (4 * SIZE, SIZE), "b4": (4 * SIZE,), "cat": (SIZE, FEATURES + SIZE),
            "gain": (SIZE,), "hx": (SIZE, FEATURES), "graph": (5, 5), "nodes": (5, SIZE),
        }  # fmt: skip
        for number, (name, shape) in enumerate(shapes.items()):
            setattr(W, name, weight(*shape, seed=number))
        cls.note = torch.zeros(3, SIZE, dtype=torch.float64)
        cls.all = [getattr(W, name) for name in shapes]


@pytest.fixture(autouse=True)
def weights(default_device):
    W.make()


def textbook(x, h):
    h = torch.tanh(torch.mm(x, W.x) + torch.mm(h, W.h) + W.b)
    return h, h


def lstm(x, state):
    h, c = state
    i, f, g, o = (F.linear(x, W.x4, W.b4) + F.linear(h, W.h4, W.b4)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, (h, c)


def sliced(x, h):
    gates = F.linear(x, W.x4) + F.linear(h, W.h4, W.b4)
    r, z = gates[:, :SIZE].sigmoid(), gates[:, SIZE : 2 * SIZE].sigmoid()
    n = torch.tanh(gates[:, 2 * SIZE : 3 * SIZE] + r * gates[:, 3 * SIZE :])
    return h * z, (1 - z) * n + z * h


def leaky(x, h):
    h = 0.9 * h + 0.1 * torch.tanh(F.linear(torch.cat([x, h], -1), W.cat))
    return h * 2, h


def normalized(x, h):
    h = F.layer_norm(F.linear(x, W.hx) + F.linear(h, W.h), (SIZE,), W.gain, W.b).relu()
    return h.sum(-1, keepdim=True), h


def normalized_twice(x, h):
    """Once with a gradient of nothing but its input."""
    h = torch.tanh(F.layer_norm(h + x.sum(-1, keepdim=True), (SIZE,)))
    return h, F.layer_norm(h * 2, (SIZE,))


def mixing(x, state):
    """Sequences see each other, those that are over too."""
    a, b = state
    b = torch.sqrt((b @ W.h) ** 2 + 0.1)
    return b, (torch.tanh(a + b.mean(0)), b)


def spreading(x, h):
    """Sequences are the nodes of a graph, which multiplies from the left what varies."""
    n = len(h)
    h = torch.tanh(W.graph[:n, :n] @ (h + W.nodes[:n]) + F.linear(x, W.hx))
    return h, h


def transposed_weight(x, h):
    h = torch.tanh(x @ W.hx.t() + h @ (W.h.t() * 0.5) + W.b / 2)
    return h, h


def swapped(x, state):
    a, b = state
    return a - b, (b, a + F.linear(x, W.hx))


def shared(x, state):
    a, (b, c) = state
    return a, (b + c, (a * F.linear(x, W.hx), b))


def attention(x, memory):
    """A state of more dimensions."""
    scores = torch.softmax((memory * F.linear(x, W.hx).unsqueeze(1)).sum(-1), -1)
    read = (scores.unsqueeze(-1) * memory).sum(1)
    written = torch.where(memory > read.unsqueeze(1), memory, read.unsqueeze(1) * 0.5)
    return read, written / (1 + written**2)


def unused_input(x, h):
    return h, torch.exp(-h * h) @ W.h


def unused_state(x, h):
    h = F.linear(x, W.hx)
    return h, h


def counted(x, state):
    """A state that gets no gradient beside one that does."""
    h, n = state
    h = torch.tanh(F.linear(x, W.hx) + h / n.to(h.dtype))
    return h, (h, n + 1)


def added_constants(x, state):
    """Constants whose gradients are those of the new states, or of the output, as they come."""
    a, b = state
    return a + W.b, (torch.tanh(b @ W.h) + W.b, a * 0.5 + W.gain - W.b)


def constant_output(x, h):
    return W.b, h + F.linear(x, W.hx)


def state(batch):
    return tensor(batch, SIZE, seed=11).requires_grad_()


def _count(batch):
    return torch.ones(batch, 1, dtype=torch.int64)


STATES = {
    lstm: lambda n: (state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    swapped: lambda n: (state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    mixing: lambda n: (state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    added_constants: lambda n: (state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    shared: lambda n: (state(n), (tensor(n, SIZE, seed=12).requires_grad_(), state(n))),
    attention: lambda n: tensor(n, 4, SIZE, seed=13).requires_grad_(),
    counted: lambda n: (state(n), _count(n)),
}
STEPS = [textbook, lstm, sliced, leaky, normalized, normalized_twice, mixing, spreading,
         transposed_weight, swapped, shared, attention, unused_input, unused_state, counted,
         added_constants, constant_output]  # fmt: skip


def flat(state):
    return [t for part in state for t in flat(part)] if isinstance(state, tuple) else [state]


def choose(runs, new, old):
    if isinstance(new, tuple):
        return tuple(choose(runs, a, b) for a, b in zip(new, old, strict=True))
    mask = torch.tensor(runs, dtype=torch.bool).reshape((-1,) + (1,) * (new.dim() - 1))
    return torch.where(mask, new, old)


def loop(step, x, state, lengths, reverse):
    """The definition."""
    steps = len(x)
    outputs = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        runs = [t < n for n in lengths or [steps] * x.shape[1]]
        y, new = step(x[t], state)
        outputs[t] = y if lengths is None else choose(runs, y, torch.zeros_like(y))
        state = new if lengths is None else choose(runs, new, state)
    return torch.stack(outputs), state


def gradients(y, state, inputs):
    loss = (y * tensor(*y.shape, seed=20)).sum()
    for part in flat(state):
        if part.is_floating_point():
            loss = loss + (part * part).sum()
    wanted = [t for t in inputs if t.requires_grad]
    return torch.autograd.grad(
        loss, wanted, retain_graph=True, allow_unused=True, materialize_grads=True
    )


def planned(y):
    return y.grad_fn.name() == "ScanBackward0"
