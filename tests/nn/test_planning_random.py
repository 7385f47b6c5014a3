"""Steps put together at random: a plan does what the same step does when it runs step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

SIZE = 3


def _gated(w: Any, a: Any, b: Any) -> Any:
    p, q = F.linear(a, w.double, w.pair).chunk(2, -1)
    return torch.tanh(p) * torch.sigmoid(q)


# What a step may do with two of the values that it has so far, and with weights
OPERATIONS = {
    "add": lambda w, a, b: a + b,
    "sub": lambda w, a, b: a - b,
    "mul": lambda w, a, b: a * b,
    "div": lambda w, a, b: a / (1 + b * b),
    "tanh": lambda w, a, b: torch.tanh(a),
    "relu": lambda w, a, b: torch.relu(a),
    "scale": lambda w, a, b: 0.5 * a,
    "from one": lambda w, a, b: 1 - a,
    "linear": lambda w, a, b: F.linear(a, w.square, w.row),
    "product": lambda w, a, b: a @ w.square + w.row,
    "made of weights": lambda w, a, b: a @ (w.square.t() * w.number),
    "joined": lambda w, a, b: F.linear(torch.cat([a, b], -1), w.wide),
    "gated": _gated,
    "where": lambda w, a, b: torch.where(a > b, a, b * 0.5),
    "maximum": lambda w, a, b: torch.maximum(a, b),
    "normalized": lambda w, a, b: F.layer_norm(a, (SIZE,), w.row, w.other_row),
    "softmax": lambda w, a, b: torch.softmax(a, -1),
    "bell": lambda w, a, b: torch.exp(-a * a),
    "over features": lambda w, a, b: b * a.sum(-1, keepdim=True),
    "over the batch": lambda w, a, b: b + a.mean(0),
    "three dimensions": lambda w, a, b: (a.unsqueeze(1) * b.unsqueeze(2)).sum(1),
    "turned": lambda w, a, b: a.t().contiguous().t() * 1.0,
    "sliced": lambda w, a, b: torch.cat([a[:, 1:], b[:, :1]], -1),
    "row": lambda w, a, b: a + w.row,
    "number": lambda w, a, b: a * w.number,
    "full": lambda w, a, b: a + w.full,
    "stacked": lambda w, a, b: torch.stack([a, b]).mean(0),
}


class Weights:
    """Each with a gradient or without, by the bits of a number."""

    def __init__(self, batch: int, bits: int) -> None:
        shapes = {
            "square": (SIZE, SIZE), "wide": (SIZE, 2 * SIZE), "double": (2 * SIZE, SIZE),
            "row": (SIZE,), "other_row": (SIZE,), "pair": (2 * SIZE,), "number": (),
            "full": (batch, SIZE),
        }  # fmt: skip
        self.all = []
        for number, (name, shape) in enumerate(shapes.items()):
            weight = torch.randn(*shape, dtype=torch.float64) * 0.7
            setattr(self, name, weight.requires_grad_(not bits >> number & 1))
            self.all.append(weight)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


PLACE = st.integers(0, 40)
CALLS = st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), PLACE, PLACE), max_size=9)
RESULTS = st.lists(st.tuples(PLACE, st.booleans()), min_size=2, max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    calls=CALLS, results=RESULTS, batch=st.integers(1, 5), steps=st.integers(2, 6),
    ragged=st.booleans(), reverse=st.booleans(), bits=st.integers(0, 1023), seed=st.integers(0, 99),
)  # fmt: skip
def test_as_step_by_step(calls, results, batch, steps, ragged, reverse, bits, seed):
    torch.manual_seed(seed)
    w, count = Weights(batch, bits), len(results) - 1
    x = torch.randn(steps, batch, SIZE, dtype=torch.float64).requires_grad_(not bits >> 8 & 1)
    first = torch.randn(count, batch, SIZE, dtype=torch.float64).requires_grad_(not bits >> 9 & 1)
    lengths = torch.randint(0, steps + 1, (batch,)).tolist() if ragged else None

    def step(x: Any, states: Any) -> Any:
        values = [x, *states]
        for name, a, b in calls:
            values.append(OPERATIONS[name](w, values[a % len(values)], values[b % len(values)]))
        found = [values[place % len(values)] for place, _ in results]
        found = [torch.tanh(v) if t else v for v, (_, t) in zip(found, results, strict=True)]
        return found[0], tuple(found[1:])

    def run(**options: Any) -> Any:
        y, last = nn.scan(step, x, (*first,), lengths, reverse, **options)
        values = [y, *last]
        loss = sum((v * torch.linspace(-1, 1, v.numel()).reshape(v.shape)).sum() for v in values)
        wanted = [value for value in (x, first, *w.all) if value.requires_grad]
        if not loss.requires_grad:  # a plan's results do as soon as any of its inputs does
            return values + [torch.zeros_like(value) for value in wanted]
        found = torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)
        return [*values, *found]

    expected = run(on_step=lambda t, new: None)
    if all(bool((v.abs() < 1e6).all()) for v in expected):
        for mine, plain in zip(run(), expected, strict=True):
            torch.testing.assert_close(mine, plain, rtol=1e-8, atol=1e-8)
