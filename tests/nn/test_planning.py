"""Steps that users write, run by a plan: as the plain loop does, or the plain loop itself."""

from __future__ import annotations

import gc
import itertools
import random as chance

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.autograd.graph import Record
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
            "gain": (SIZE,), "hx": (SIZE, FEATURES),
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


def _state(batch):
    return tensor(batch, SIZE, seed=11).requires_grad_()


def _count(batch):
    return torch.ones(batch, 1, dtype=torch.int64)


STATES = {
    lstm: lambda n: (_state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    swapped: lambda n: (_state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    mixing: lambda n: (_state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    added_constants: lambda n: (_state(n), tensor(n, SIZE, seed=12).requires_grad_()),
    shared: lambda n: (_state(n), (tensor(n, SIZE, seed=12).requires_grad_(), _state(n))),
    attention: lambda n: tensor(n, 4, SIZE, seed=13).requires_grad_(),
    counted: lambda n: (_state(n), _count(n)),
}
STEPS = [textbook, lstm, sliced, leaky, normalized, normalized_twice, mixing, transposed_weight,
         swapped, shared, attention, unused_input, unused_state, counted, added_constants,
         constant_output]  # fmt: skip


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


@pytest.mark.parametrize("batch", [0, 1, 5])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_plans_are_the_plain_loop(step, ragged, reverse, batch):
    if step is constant_output and ragged:
        pytest.skip("an output without sequences can't be masked")
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
    x, state = tensor(steps, 5, FEATURES), STATES[lstm](5)
    y, last = nn.scan(lstm, x, state)
    expected, end = loop(lstm, x, state, None, False)
    for ours, plain in zip(
        gradients(y, last, W.all[3:6]), gradients(expected, end, W.all[3:6]), strict=True
    ):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


# ----- when a step is watched -----


def calls(step):
    """The step, counting its calls."""

    def counting(x, state):
        counting.count += 1
        return step(x, state)

    counting.count = 0
    return counting


def test_a_step_is_called_twice_and_then_once():
    own = weight(SIZE, SIZE, seed=30)
    step = calls(lambda x, h: (h, torch.tanh(h @ own) + 0.25))
    x, h = tensor(9, 5, FEATURES), _state(5)
    expected = [2, 3, 4]
    for count in expected:
        nn.scan(step, x, h)
        assert step.count == count
    own = weight(SIZE, SIZE, seed=31)  # another tensor from outside: seen twice again
    y, _ = nn.scan(step, x, h)
    assert step.count == 6
    torch.testing.assert_close(y, loop(step, x, h, None, False)[0])


def test_a_step_may_read_what_is_also_the_first_state():
    x, first = tensor(6, 5, FEATURES), _state(5)
    alone = lambda x, h: (h, torch.tanh(h @ W.h) + h)  # noqa: E731
    with_first = lambda x, h: (h, torch.tanh(h @ W.h) + first)  # noqa: E731
    for step in (alone, with_first, alone):
        y, last = nn.scan(step, x, first)
        expected, end = loop(step, x, first, None, False)
        assert planned(y)
        torch.testing.assert_close(y, expected, rtol=1e-13, atol=1e-13)
        for ours, plain in zip(
            gradients(y, last, [first, W.h]), gradients(expected, end, [first, W.h]), strict=True
        ):
            torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


def test_plans_see_weights_as_they_are():
    own = weight(SIZE, SIZE, seed=32)
    step = lambda x, h: (h, torch.tanh(h @ own.t()))  # noqa: E731
    x, h = tensor(9, 5, FEATURES), _state(5)
    nn.scan(step, x, h)
    with torch.no_grad():
        own *= 2
    torch.testing.assert_close(nn.scan(step, x, h)[0], loop(step, x, h, None, False)[0])


def test_a_cell_that_changes_its_ways_gets_another_plan():
    factor = [1.0]
    step = lambda x, h: (h, h * factor[0] + 1)  # noqa: E731
    x, h = tensor(4, 5, FEATURES), _state(5)
    for value in (1.0, 1.5, True, 1.0):
        factor[0] = value
        torch.testing.assert_close(nn.scan(step, x, h)[1], loop(step, x, h, None, False)[1])


# ----- steps that can't be planned -----


def branching(x, h):
    h = h * 0.5 + 1 if h.sum() > 0 else -h
    return h, h


def reading(x, h):
    h = h * (1 + h.abs().max().item())
    return h, h


def listing(x, h):
    return h, h + max(h.detach().reshape(-1).tolist())


def through_numpy(x, h):
    h = h * float(h.detach().cpu().numpy().max())
    return h, h


def comparing(x, h):
    return h, h * 2 if torch.equal(h, h * 1) and not torch.allclose(h, h * 3) else h


def in_place(x, h):
    h = h * 1
    h[:, 0] = 0.5
    return h, h


def in_place_on_memory(x, h):
    h = h * 1
    h.mul_(0.5)
    return h, h


def writing_elsewhere(x, h):
    with torch.no_grad():
        W.note[0] += h[0]
    return h, h * 1.5


def filling_elsewhere(x, h):
    W.note.copy_(h.detach()[:1].expand(3, -1))
    return h, h + W.note[0]


def unrecorded_inside(x, h):
    with torch.no_grad():
        gate = (h > 0).to(h.dtype) * h
    return h, h * gate + 0.1 * h


def recorded_inside(x, h):
    with torch.set_grad_enabled(not torch.is_grad_enabled()):
        gate = torch.tanh(h)
    return h, gate * 1


def detaching(x, h):
    h = h.detach() * 0.5 + F.linear(x, W.hx)
    return h, h


def fresh(x, h):
    return h, h + torch.arange(SIZE, dtype=h.dtype)


def indexed_by_values(x, h):
    return h, h[:, h.detach()[0].argsort()]


class Custom(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 3


def custom(x, h):
    h = Custom.apply(h * 0.5)
    return h, h


def counting_steps():
    steps = itertools.count(1)
    return lambda x, h: (h, h * next(steps))


def hooked(x, h):
    h = h * 0.5
    h.register_hook(lambda g: g * 2)
    return h, h


def random(x, h):
    return h, F.dropout(h + 1, 0.5)


def by_pythons_chance(x, h):
    return h, h * 0.5 if chance.random() < 2 else h


def by_numpys_chance(x, h):
    return h, h * 0.5 if np.random.rand() < 2 else h


def growing(x, h):
    h = torch.cat([h, h], -1)[:, : h.shape[1] + 1]
    return h.sum(-1), h


class Keeping:
    """A step that puts something away."""

    def __init__(self, where):
        self.where, self.last, self.all = where, None, []

    def __call__(self, x, h):
        h = torch.tanh(h * 0.5 + F.linear(x, W.hx))
        if self.where == "attribute":
            self.last = h
        elif self.where == "list":
            self.all.append(h * 2)
        elif self.where == "closure":
            self.hook = lambda: h
        return h, h


CANNOT = [branching, reading, listing, through_numpy, comparing, in_place, in_place_on_memory,
          writing_elsewhere, filling_elsewhere, unrecorded_inside, recorded_inside,
          detaching, fresh, indexed_by_values, custom, hooked, random,
          by_pythons_chance, by_numpys_chance, growing,
          Keeping("attribute"), Keeping("list"), Keeping("closure")]  # fmt: skip


@pytest.mark.parametrize("step", [*CANNOT, counting_steps])
def test_other_steps_run_the_plain_way(step):
    make = step if step is counting_steps else lambda: step
    x, h = tensor(6, 2, FEATURES, seed=10).requires_grad_(), _state(2)
    torch.manual_seed(5)
    expected, last = loop(make(), x, h, None, False)
    for _ in range(2):
        torch.manual_seed(5)
        counted_step = calls(make())
        y, end = nn.scan(counted_step, x, h)
        assert counted_step.count == 6 and not planned(y)
        for ours, plain in zip([y, end], [expected, last], strict=True):
            torch.testing.assert_close(ours, plain, rtol=1e-13, atol=1e-13)
        for ours, plain in zip(
            gradients(y, end, [x, h]), gradients(expected, last, [x, h]), strict=True
        ):
            torch.testing.assert_close(ours, plain, rtol=1e-13, atol=1e-13)


def test_a_step_that_keeps_nothing_is_planned():
    assert planned(nn.scan(Keeping(""), tensor(6, 2, FEATURES), _state(2))[0])


def test_a_module_with_hooks_is_called_at_every_step():
    layer, seen = nn.Linear(SIZE, SIZE), []
    layer.register_forward_hook(lambda module, args, output: seen.append(output))
    y, _ = nn.scan(lambda x, h: (h, layer(h)), torch.ones(6, 2, FEATURES), torch.ones(2, SIZE))
    assert len(seen) == 6 and not planned(y)


@pytest.mark.filterwarnings("ignore:")
def test_anomaly_mode_shows_where_in_the_step_a_nan_came_up():
    h = torch.zeros(2, SIZE, requires_grad=True)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="SqrtBackward0"):
        _, last = nn.scan(lambda x, h: (h, torch.sqrt(h) * 0), torch.ones(3, 2, 1), h)
        last.sum().backward()


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
