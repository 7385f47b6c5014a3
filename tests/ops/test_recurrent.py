"""Fused recurrent cells against a plain loop, one sequence and one step at a time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.backends import Weights
from tinygrad_rnn.backends.fused import FUSED, steps
from tinygrad_rnn.ops.recurrent import fused

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


def step(mode: str, x: Any, h: Any, c: Any, w: Weights) -> tuple[Any, Any]:
    """One step for one sequence, from the formulas."""
    of_x, of_h = w.ih @ x, w.hh @ h
    if w.bias_ih is not None:
        of_x, of_h = of_x + w.bias_ih, of_h + w.bias_hh
    if mode == "GRU":
        (r_x, z_x, n_x), (r_h, z_h, n_h) = of_x.chunk(3), of_h.chunk(3)
        z = (z_x + z_h).sigmoid()
        n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
        return (1 - z) * n + z * h, None
    if mode == "LSTM":
        i, f, g, o = (of_x + of_h).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return (h if w.hr is None else w.hr @ h), c
    return (of_x + of_h).tanh() if mode == "RNN_TANH" else (of_x + of_h).relu(), None


def loop(mode: str, lengths: list[int], reverse: bool, *inputs: Any) -> tuple[Any, ...]:
    """Outputs and last states."""
    x, h, c = inputs[:3]
    outputs, last_h, last_c = [], [], []
    for b, length in enumerate(lengths):
        h_b, c_b = h[b], None if c is None else c[b]
        rows = [torch.zeros_like(h_b)] * x.shape[0]
        for t in range(length)[:: -1 if reverse else 1]:
            h_b, c_b = step(mode, x[t, b], h_b, c_b, Weights(*inputs[3:]))
            rows[t] = h_b
        outputs.append(torch.stack(rows))
        last_h.append(h_b)
        last_c.append(c_b)
    y = torch.stack(outputs, 1)
    return (y, torch.stack(last_h), *(() if c is None else (torch.stack(last_c),)))


def inputs_of(mode: str, batch: int, sizes: tuple[int, int, int, int], bias: bool) -> list[Any]:
    """x, h, c and the weights, leaves in float64; None for what there is not."""
    length, inputs, hidden, proj = sizes
    rows, out = GATES[mode] * hidden, proj or hidden
    shapes: list[Any] = [(length, batch, inputs), (batch, out), (batch, hidden), (rows, inputs)]
    shapes += [(rows, out), (rows,), (rows,), (proj, hidden)]
    absent = {2: mode != "LSTM", 5: not bias, 6: not bias, 7: not proj}
    return [
        None if absent.get(i) else torch.randn(*shape, dtype=torch.float64).requires_grad_()
        for i, shape in enumerate(shapes)
    ]


def both(mode: str, lengths: list[int], reverse: bool, inputs: list[Any]) -> tuple[Any, Any]:
    def plain(*inputs: Any) -> Any:
        return loop(mode, lengths, reverse, *inputs)

    x, h, c, *weights = inputs
    counts = [sum(length > t for length in lengths) for t in range(x.shape[0])]
    state = (h,) if c is None else (h, c)
    return fused(mode, x, state, Weights(*weights), counts, reverse, plain), plain(*inputs)


def gradients(outputs: Any, inputs: list[Any], **options: Any) -> list[Any]:
    """Of a sum of the outputs with weights that tell them apart; zeros where nothing comes."""
    total = sum((y * (torch.arange(y.numel()).reshape(y.shape) + 1.0).cos()).sum() for y in outputs)
    leaves = [x for x in inputs if x is not None]
    found = torch.autograd.grad(total, leaves, allow_unused=True, **options)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]


def same(mine: Any, expected: Any) -> None:
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


BATCHES = {  # lengths, inputs, hidden, proj
    "full": ([5, 5, 5], 2, 3, 0),
    "ragged": ([5, 4, 2, 0], 3, 4, 0),
    "one": ([3], 1, 1, 0),
    "short": ([2, 0], 1, 3, 0),
    "projected": ([4, 4, 1], 2, 5, 2),
}
CASES = [
    pytest.param(mode, *BATCHES[name], bias, reverse, id=f"{mode}-{name}-{bias}-{reverse}")
    for mode, name, bias, reverse in itertools.product(GATES, BATCHES, [True, False], [False, True])
    if mode == "LSTM" or name != "projected"
]


@pytest.mark.parametrize("mode, lengths, inputs, hidden, proj, bias, reverse", CASES)
def test_as_the_loop(mode, lengths, inputs, hidden, proj, bias, reverse, monkeypatch):
    monkeypatch.setattr(steps, "COLUMNS", 6)  # several products for the gradients of weights
    values = inputs_of(mode, len(lengths), (max(lengths), inputs, hidden, proj), bias)
    mine, expected = both(mode, lengths, reverse, values)
    same(mine, expected)
    for some in (slice(None), slice(1), slice(1, 2), slice(2, None)):
        if mine[some]:
            same(
                gradients(mine[some], values, retain_graph=True),
                gradients(expected[some], values, retain_graph=True),
            )
    with torch.no_grad():
        same(both(mode, lengths, reverse, values)[0], expected)


@pytest.mark.parametrize("mode", GATES)
def test_inputs_need_not_be_contiguous(mode):
    values, lengths = inputs_of(mode, 3, (4, 2, 3, 0), True), [4, 2, 1]
    spread = [
        None if v is None else torch.stack([v.detach()] * 2, -1)[..., 0].requires_grad_()
        for v in values
    ]
    assert not any(v.is_contiguous() for v in spread if v is not None)
    mine, expected = both(mode, lengths, True, spread)[0], both(mode, lengths, True, values)[1]
    same(mine, expected)
    same(gradients(mine, spread), gradients(expected, values))


@pytest.mark.parametrize("mode", GATES)
def test_second_order_runs_the_plain_form(mode):
    lengths = [3, 2]
    values = inputs_of(mode, 2, (3, 2, 3, 0), True)
    second = []
    for outputs in both(mode, lengths, False, values):
        first = gradients(outputs, values, create_graph=True)
        second.append(gradients([g * g for g in first], values))
    same(*second)


@pytest.mark.parametrize("mode", GATES)
def test_an_empty_batch(mode):
    values = inputs_of(mode, 0, (3, 2, 4, 0), True)
    outputs = fused(
        mode, values[0], tuple(s for s in values[1:3] if s is not None), Weights(*values[3:]),
        [0, 0, 0], False, lambda *inputs: None,
    )  # fmt: skip
    assert outputs[0].shape == (3, 0, 4) and outputs[1].shape == (0, 4)
    assert all(not g.any() for g in gradients(outputs, values))


@pytest.mark.parametrize("mode", GATES)
def test_backward_may_run_twice_and_outputs_may_change(mode):
    values = inputs_of(mode, 3, (4, 2, 3, 0), True)
    outputs, expected = both(mode, [4, 4, 4], False, values)
    wanted = gradients(expected, values)
    same(gradients(outputs, values, retain_graph=True), wanted)
    same(gradients(outputs, values, retain_graph=True), wanted)
    total = outputs[0].sum()
    with torch.no_grad():
        outputs[0].mul_(2)  # the operation keeps values of its own
    total.backward(retain_graph=True)
    values[4].data.add_(1)
    with torch.no_grad():
        values[4].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_float32_and_the_inputs_are_left_alone():
    for mode in FUSED:
        values = [
            None if v is None else v.float().detach()
            for v in inputs_of(mode, 2, (3, 2, 3, 0), True)
        ]
        before = [None if v is None else v.clone() for v in values]
        leaves = [None if v is None else v.requires_grad_() for v in values]
        outputs, expected = both(mode, [3, 3], False, leaves)
        gradients(outputs, leaves)
        assert {y.dtype for y in outputs} == {torch.float32}
        for a, b in zip(outputs, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
        assert all(a is None or torch.equal(a, b) for a, b in zip(leaves, before, strict=True))
