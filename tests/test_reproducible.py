"""The same seed gives the same bits: in another process, with another number of threads, on each
backend; and a sequence means the same alone and in a batch. (What may differ: docs/trust.md.)"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.backends import cpu

from .conftest import REPO

LAYERS = {"RNN": {}, "GRU": {}, "LSTM": {}, "LSTM projected": {"proj_size": 5}}
# How far outputs and states, which are in (-1, 1), may be from those of another batch size: some
# tens of roundings of the products' sums, whose order depends on it
BOUND = {tg.float32: 2e-6, tg.float64: 5e-15}


class Leaky(nn.Cell):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.state_size = hidden_size
        self.x, self.h = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, hidden_size)

    def step(self, x: Any, state: Any) -> Any:
        state = 0.5 * state + 0.5 * tg.tanh(self.x(x) + self.h(state))
        return state, state


def train(device: str = "cpu", hidden: int = 24) -> str:
    """A digest of losses, weights and draws of a short training with all that is random."""
    tg.manual_seed(3)
    with tg.device(device):
        model = nn.ModuleDict({
            "rnn": nn.LSTM(8, hidden, 2, dropout=0.3, bidirectional=True),
            "own": nn.Recurrent(Leaky, 2 * hidden, hidden),
            "drop": nn.Dropout(0.2), "out": nn.Linear(hidden, 11),
        })  # fmt: skip
        optimizer = tg.optim.Adam(model.parameters(), lr=1e-2)
        parts = []
        for _ in range(3):
            x, y = tg.randn(9, 6, 8), tg.randint(0, 11, (9 * 6,))
            outputs, _ = model["own"](model["rnn"](x)[0])
            loss = nn.functional.cross_entropy(model["out"](model["drop"](outputs)).view(54, 11), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            parts.append(loss)
        parts += [*model.parameters(), tg.rand(3), tg.randperm(10)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.detach().numpy(force=True).tobytes())
    return digest.hexdigest()


SETTINGS = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def test_in_one_process(device):
    assert train(device) == train(device)


def test_in_other_processes():
    """With another hash seed (nothing depends on the order of sets), and more threads: at sizes
    that BLAS does not divide among them."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", "from tests.test_reproducible import train; print(train())"],
            cwd=REPO, stdout=subprocess.PIPE, text=True,
            env=os.environ | dict.fromkeys(SETTINGS, number),
        ) for number in ("1", "2")
    ]  # fmt: skip
    assert {run.communicate(timeout=300)[0].strip() for run in runs} == {train()}


@pytest.mark.skipif(cpu.in_use() == "numpy", reason="there are no compiled kernels")
def test_with_any_number_of_threads():
    """At sizes that the compiled kernels divide among them."""
    before, found = tg.get_num_threads(), set()
    try:
        for count in (1, 2, 3):
            tg.set_num_threads(count)
            found.add(train(hidden=160))
    finally:
        tg.set_num_threads(before)
    assert len(found) == 1


def test_draws_are_those_of_the_cpu(device):
    """Initial weights, dropout and random numbers depend on the seed alone, not on the device."""

    def draws(where: str) -> list[Any]:
        tg.manual_seed(5)
        with tg.device(where):
            parts = [*nn.LSTM(3, 4).parameters(), nn.functional.dropout(tg.ones(99), 0.3)]
            parts += [tg.randn(7), tg.rand(5), tg.randint(0, 9, (6,)), tg.randperm(12)]
        return [part.tolist() for part in parts]

    assert draws(device) == draws("cpu")


@pytest.mark.parametrize("dtype", BOUND, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_alone_and_in_a_batch(name, dtype):
    tg.manual_seed(1)
    steps, sizes = 20, (1, 2, 5, 16)
    with tg.no_grad():
        layer = getattr(nn, name.split()[0])(6, 32, 2, bidirectional=True, **LAYERS[name])
        layer.to(dtype)
        x = tg.randn(steps, max(sizes), 6, dtype=dtype)
        lengths = tg.tensor([1 + 7 * i % steps for i in range(max(sizes))])
        alone = [layer(x[: lengths[i].item(), i]) for i in range(max(sizes))]
        for size in sizes:
            outputs, states = layer(x[:, :size], lengths=lengths[:size])
            for i, (y, state) in enumerate(alone[:size]):
                assert (outputs[: len(y), i] - y).abs().max().item() <= BOUND[dtype]
                parts = (states, state) if isinstance(states, tuple) else ((states,), (state,))
                for together, single in zip(*parts, strict=True):
                    assert (together[:, i] - single).abs().max().item() <= BOUND[dtype]
