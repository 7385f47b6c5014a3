"""Steps that users write, run by a plan: as the plain loop does."""

from __future__ import annotations

import gc

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.autograd.graph import Record
from tinygrad_rnn.backends import cpu
from tinygrad_rnn.nn import functional as F

from .own_steps import (
    FEATURES,
    SIZE,
    STATES,
    STEPS,
    W,
    attention,
    constant_output,
    counted,
    flat,
    gradients,
    loop,
    lstm,
    mixing,
    normalized,
    planned,
    sliced,
    spreading,
    state as _state,
    swapped,
    tensor,
    textbook,
    weight,
    weights as weights,
)


@pytest.fixture
def kernels_alone(default_device, monkeypatch):
    """Where there are compiled kernels they do the work, or the test fails."""
    if cpu.in_use() != "numpy" and default_device == "cpu":
        for name in ("run_forward", "run_backward"):
            monkeypatch.delattr(f"tinygrad_rnn.ops.planned.{name}")


@pytest.mark.parametrize("batch", [0, 1, 5])
@pytest.mark.parametrize("reverse", [False, True])
# An output without sequences can't be masked
@pytest.mark.parametrize(
    "step, ragged",
    [(s, r) for s in STEPS for r in (False, True) if not (r and s is constant_output)],
)
def test_plans_are_the_plain_loop(step, ragged, reverse, batch):
    x = tensor(6, batch, FEATURES, seed=10).requires_grad_()
    state = STATES.get(step, _state)(batch)
    lengths = [6, 0, 3, 5, 1][:batch] if ragged else None
    inputs = [x, *flat(state), *W.all]
    expected, last = loop(step, x, state, lengths, reverse)
    y, end = nn.scan(step, x, state, lengths=lengths, reverse=reverse)
    assert planned(y)
    for ours, plain in zip([y, *flat(end)], [expected, *flat(last)], strict=True):
        assert ours.shape == plain.shape and ours.is_contiguous()
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    for ours, plain in zip(
        gradients(y, end, inputs), gradients(expected, last, inputs), strict=True
    ):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(
            nn.scan(step, x, state, lengths=lengths, reverse=reverse)[0], y.detach()
        )


@pytest.mark.parametrize("step", [lstm, sliced, normalized, attention, swapped])
def test_plans_differentiate_twice(step):
    x = tensor(3, 2, FEATURES, seed=10).requires_grad_()
    state = STATES.get(step, _state)(2)

    def function(x, *parts):
        state = parts if len(parts) > 1 else parts[0]
        y, last = nn.scan(step, x, state, lengths=[3, 2])
        assert planned(y)
        return (y, *flat(last))

    assert torch.autograd.gradgradcheck(function, (x, *flat(state)))


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_kernels_may_change_before_backward(step, ragged):
    """What the compiled kernels left is what those on NumPy need, and the other way round."""
    if ragged and step is constant_output:
        return
    x, state = tensor(6, 3, FEATURES, seed=10).requires_grad_(), STATES.get(step, _state)(3)
    inputs, found, kernels = [x, *flat(state), *W.all], [], cpu.in_use()
    try:
        for forward, backward in [(kernels, kernels), (kernels, "numpy"), ("numpy", kernels)]:
            cpu.use(forward)
            y, end = nn.scan(step, x, state, lengths=[6, 0, 3] if ragged else None)
            cpu.use(backward)
            found.append(gradients(y, end, inputs))
    finally:
        cpu.use(kernels)
    for other in found[1:]:
        for ours, expected in zip(other, found[0], strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


# Where sequences see each other, states have more dimensions or are counted, or a result is the
# same at every step
FOR_NUMPY_ALONE = (mixing, spreading, attention, counted, constant_output)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("step", [step for step in STEPS if step not in FOR_NUMPY_ALONE])
def test_compiled_kernels_do_all_they_can(step, ragged, kernels_alone):
    x, state = tensor(6, 3, FEATURES, seed=10).requires_grad_(), STATES.get(step, _state)(3)
    y, end = nn.scan(step, x, state, lengths=[6, 0, 3] if ragged else None)
    gradients(y, end, [x, *flat(state), *W.all])


def as_the_loop(step, inputs, x, lengths=None):
    state = _state(x.shape[1])
    found = [run(step, x, state, lengths, False) for run in (nn.scan, loop)]
    found = [(y, end, *gradients(y, end, [x, state, *inputs])) for y, end in found]
    assert planned(found[0][0])
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [6, 0, 3]])
@pytest.mark.parametrize("shape", [(), (1,), (SIZE,), (1, 1), (1, SIZE), (3, 1), (3, SIZE)])
def test_constants_of_any_shape(shape, lengths, kernels_alone):
    constants = [weight(*shape, seed=seed) for seed in (31, 32)]

    def step(x, h):
        h = torch.tanh(F.linear(x, W.hx) * constants[0] + h + constants[1])
        return h * constants[1], h

    as_the_loop(step, constants, tensor(6, 3, FEATURES, seed=10), lengths)


def test_normalization_of_what_needs_no_gradient(kernels_alone):
    matrix = W.hx.detach()

    def step(x, h):
        h = torch.tanh(F.layer_norm(x @ matrix.T, (SIZE,), W.gain, W.b) + h)
        return h, h

    as_the_loop(step, [W.gain, W.b], tensor(6, 3, FEATURES, seed=10))


def test_what_compiled_kernels_do_forward_alone():
    """They have no signs, which the gradient takes."""

    def step(x, h):
        h = torch.abs(F.linear(x, W.hx) + h) - 0.5
        return h, h

    as_the_loop(step, [W.hx], tensor(6, 3, FEATURES, seed=10))


def test_inputs_need_not_be_contiguous():
    x, state = tensor(6, 5, FEATURES), STATES[lstm](5)
    spread = torch.stack([x, x], -1)[..., 0]
    expected, last = nn.scan(lstm, x, state)
    y, end = nn.scan(lstm, spread, tuple(torch.stack([s, s], 1)[:, 0] for s in state))
    assert planned(y) and not spread.is_contiguous()
    for ours, plain in zip([y, *end], [expected, *last], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-13, atol=1e-13)


def test_many_steps_are_one_operation_in_the_graph():
    def nodes(steps):
        y, _ = nn.scan(lstm, tensor(steps, 5, FEATURES), STATES[lstm](5))
        gc.collect()
        alive = sum(type(thing) is Record for thing in gc.get_objects())
        assert planned(y)
        return alive

    nodes(4)
    assert nodes(40) == nodes(4)


@pytest.mark.parametrize(("columns", "steps"), [(8, 7), (1, 3), (10**6, 9)])
def test_products_are_formed_after_any_number_of_steps(columns, steps, monkeypatch):
    monkeypatch.setattr("tinygrad_rnn.ops.planned.COLUMNS", columns)
    monkeypatch.setattr("tinygrad_rnn.ops.lowered.COLUMNS", columns)
    x, state = tensor(steps, 5, FEATURES), STATES[lstm](5)
    y, last = nn.scan(lstm, x, state)
    expected, end = loop(lstm, x, state, None, False)
    for ours, plain in zip(
        gradients(y, last, W.all[3:6]), gradients(expected, end, W.all[3:6]), strict=True
    ):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


def test_values_that_changed_since_are_noticed():
    own = weight(SIZE, SIZE, seed=33)
    y, _ = nn.scan(lambda x, h: (h, h @ own), torch.ones(4, 2, 1), _state(2))
    with torch.no_grad():
        own *= 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_backward_twice():
    h = _state(2)
    y, _ = nn.scan(textbook, tensor(4, 2, FEATURES), h)
    first = torch.autograd.grad(y.sum(), h, retain_graph=True)
    second = torch.autograd.grad(y.sum(), h, retain_graph=True)
    assert torch.equal(*first, *second)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
