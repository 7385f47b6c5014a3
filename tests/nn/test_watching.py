"""When a step of one's own is watched, and which steps run step by step."""

from __future__ import annotations

import collections
import itertools
import random as chance
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F, planning

from .own_steps import (
    FEATURES,
    SIZE,
    W,
    gradients,
    loop,
    planned,
    state as _state,
    tensor,
    weight,
    weights as weights,
)


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


def test_layers_of_one_kind_are_watched_once_each():
    class Counting(nn.Cell):
        count = 0

        def __init__(self, inputs, size):
            super().__init__()
            self.state_size = size
            self.update = nn.Linear(inputs + size, size)

        def step(self, x, h):
            Counting.count += 1
            h = torch.tanh(self.update(torch.cat([x, h], -1)))
            return h, h

    layer = nn.Recurrent(Counting, 4, 4, num_layers=3)
    for count in (6, 9, 12):
        layer(torch.ones(7, 5, 4))
        assert Counting.count == count


Pair = collections.namedtuple("Pair", "a b")


def test_states_keep_their_structure():
    x, a, b = tensor(5, 2, FEATURES), _state(2), _state(2)

    def named(x, state):
        a = torch.tanh(state.a + F.linear(x, W.hx))
        return a, Pair(a, state.b + a)

    def listed(x, state):
        assert type(state) is list
        return state[0], [state[1] * 0.5, state[0]]

    for step, first in ((named, Pair(a, b)), (listed, [a, b])):
        for lengths in (None, [5, 3]):
            y, last = nn.scan(step, x, first, lengths=lengths)
            _, plain, states = nn.scan(step, x, first, lengths=lengths, return_states=True)
            assert planned(y) and type(last) is type(plain) is type(states) is type(first)
            torch.testing.assert_close([*last], [*plain])
    _, (_, count) = nn.scan(lambda x, s: (s[0], (s[0], s[1] + 1)), x, (a, 0))
    assert count == 5  # a state that is no tensor


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


@pytest.fixture
def elsewhere():
    """Runs a function in another thread, which lives as long as the test."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # the thread begins
        yield lambda function: pool.submit(function).result()


@pytest.mark.parametrize("draw", [chance.random, np.random.rand])
def test_numbers_that_another_thread_draws_do_not_forbid_a_plan(draw, elsewhere):
    def disturbed(x, h):
        if disturbed.count in (1, 3):  # once for each of the two steps that tell
            elsewhere(draw)
        return h, torch.tanh(h @ W.h) + F.linear(x, W.hx)

    disturbed, step = calls(disturbed), disturbed
    x, h = tensor(9, 5, FEATURES), _state(5)
    y, last = nn.scan(disturbed, x, h)
    assert planned(y) and disturbed.count == 4
    expected, end = loop(step, x, h, None, False)
    torch.testing.assert_close([y, last], [expected, end])


def test_where_there_is_no_other_thread_it_was_the_step_that_drew(monkeypatch):
    monkeypatch.setattr(planning.threading, "active_count", lambda: 1)
    step = calls(lambda x, h: (h, h * (chance.random() if step.count == 1 else 0.5)))
    assert not planned(nn.scan(step, tensor(9, 5, FEATURES), _state(5))[0])
    assert step.count == 9


@pytest.mark.parametrize("step", [by_pythons_chance, by_numpys_chance])
def test_a_step_that_draws_is_none_the_better_for_another_thread(step, elsewhere, monkeypatch):
    monkeypatch.setattr(planning, "_DISTURBED", 3)
    drawn, watched = planning.drawn, []
    monkeypatch.setattr(planning, "drawn", lambda: watched.append(0) or drawn())
    step = calls(step)
    y, _ = nn.scan(step, tensor(9, 5, FEATURES), _state(5))
    assert not planned(y) and step.count == 9
    assert len(watched) == 2 * 3  # before and behind each step that is watched


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
