"""Training as it goes on and on: its memory, and the state that it carries."""

import gc

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

pytestmark = pytest.mark.usefixtures("default_device")


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
def test_training_steps_need_no_more_memory(cell, no_cyclic_collector, default_device):
    """On a GPU every byte of its memory is counted, and so few steps will do."""
    model = nn.ModuleDict({"rnn": getattr(nn, cell)(28, 32), "head": nn.Linear(32, 28)})
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    tokens = torch.randint(0, 28, (4, 11))
    state = None
    warm, steps, used = 100, 400, resident_bytes
    if default_device == "cuda":
        warm, steps, used = 10, 40, torch.cuda.memory_allocated
    for step in range(steps + 1):
        output, state = model["rnn"](F.one_hot(tokens[:, :-1].T, 28).float(), state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = F.cross_entropy(model["head"](output).flatten(0, 1), tokens[:, 1:].T.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step == warm:
            before = used()
    limit = 5e3 if used is resident_bytes else 0  # for each step
    assert used() - before <= (steps - warm) * limit


def test_carried_state_must_be_detached():
    cell = nn.RNNCell(2, 3)
    h = cell(torch.ones(1, 2))
    h.sum().backward()
    h = cell(torch.ones(1, 2), h)
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        h.sum().backward()
