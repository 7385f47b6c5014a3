"""Graphs as training makes them: long, freed at once, without leaks, gradients never shared."""

import gc
import sys
import weakref

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F


@pytest.fixture
def no_cyclic_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def resident_bytes():
    """The memory of this process, as the system counts it."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
    except FileNotFoundError:
        pytest.skip("the system has no /proc to ask for the memory in use")
    return pages * 4096


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_a_thousand_training_steps_need_no_more_memory(cell, no_cyclic_collector):
    model = nn.ModuleDict({"rnn": getattr(nn, cell)(28, 32), "head": nn.Linear(32, 28)})
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    tokens = torch.randint(0, 28, (4, 11))
    state = None
    for step in range(1100):
        output, state = model["rnn"](F.one_hot(tokens[:, :-1].T, 28).float(), state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = F.cross_entropy(model["head"](output).flatten(0, 1), tokens[:, 1:].T.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step == 100:
            before = resident_bytes()
    assert resident_bytes() - before < 5e6


def test_a_graph_is_freed_with_its_last_tensor(no_cyclic_collector):
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).exp()
    nodes = weakref.ref(y)
    loss = (y * y).sum()
    del y
    assert nodes() is None  # the graph needs the values, not the tensor
    (g,) = torch.autograd.grad(loss, x, create_graph=True)
    second = weakref.ref(g)
    del g, loss
    assert second() is None


def chain_of_products(x, count):
    for _ in range(count):
        x = x * 1.00001
    return x


def chain_of_views(x, count):
    for _ in range(count):
        x = x.view(-1)
    return x


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g * 1


def chain_of_functions(x, count):
    for _ in range(count):
        x = Twice.apply(x)
    return x


@pytest.mark.parametrize("chain", [chain_of_products, chain_of_views, chain_of_functions])
def test_a_chain_of_100_000_operations(chain, no_cyclic_collector):
    assert sys.getrecursionlimit() < 10_000
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    y = chain(x, 100_000)
    y.sum().backward(retain_graph=True)
    expected = 1.00001**100_000 if chain is chain_of_products else 1.0
    assert x.grad.tolist() == pytest.approx([expected] * 2, rel=1e-9)
    del y  # freeing it must not recurse either


def test_leaves_do_not_share_their_gradients():
    a = torch.ones(3, requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    start = torch.ones(3)
    (a + b).backward(start)
    a.grad.mul_(5)
    assert b.grad.tolist() == [1, 1, 1] and start.tolist() == [1, 1, 1]
    first, second = torch.autograd.grad((a + b).sum(), [a, b])
    first.mul_(5)
    assert second.tolist() == [1, 1, 1]


def test_a_gradient_used_twice_is_not_changed_on_the_way():
    """x's gradient is summed from three sides; the second must not see the first one's sum."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x + 0
    z = y + x + x
    (z + y).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_gradients_add_up_in_place():
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    kept = x.grad
    (x * 3).sum().backward()
    assert x.grad is kept and kept.tolist() == [5.0, 5.0]


def test_carried_state_must_be_detached():
    cell = nn.RNNCell(2, 3)
    h = cell(torch.ones(1, 2))
    h.sum().backward()
    h = cell(torch.ones(1, 2), h)
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        h.sum().backward()


def test_linear_graphs_may_run_again():
    x = torch.ones(2, requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    y.backward()  # nothing was saved, so nothing was freed
    assert x.grad.tolist() == [2.0, 2.0]
