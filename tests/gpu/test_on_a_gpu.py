"""What only a real GPU can show: ``pytest -m gpu``, on a machine that has one.

All other tests that take `device` run on it as well then, in the stand-in's place.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

from ..conftest import REPO
from .sanitized import KERNELS

pytestmark = pytest.mark.gpu

SIZES = [("RNN", 256), ("GRU", 256), ("LSTM", 256), ("RNN", 512), ("GRU", 512), ("LSTM", 512),
         ("LSTM", 100), ("GRU", 77)]  # fmt: skip
STEPS, BATCH, CHARACTERS = 35, 32, 28
ROWS, PLACES, PLACED, MANY = 100_000, 1 << 22, 1 << 20, 10_000
Step = Callable[[Any, Any], Any]


def data(device: str, count: int = 1) -> list[tuple[Any, Any]]:
    generator = torch.Generator().manual_seed(1)
    text = torch.randint(CHARACTERS, (count, STEPS + 1, BATCH), generator=generator).to(device)
    return [(ids[:-1], ids[1:].reshape(-1)) for ids in text]


def training(cell: str, hidden: int, device: str, optimizer: Any = optim.SGD) -> tuple[Any, Step]:
    """A character model, and a step of its training."""
    torch.manual_seed(0)
    layer, head = getattr(nn, cell)(CHARACTERS, hidden), nn.Linear(hidden, CHARACTERS)
    model = nn.ModuleList([layer, head]).to(device)
    algorithm = optimizer(model.parameters(), lr=0.01)

    def step(x: Any, y: Any) -> Any:
        scores = head(layer(F.one_hot(x, CHARACTERS).float())[0])
        loss = F.cross_entropy(scores.reshape(-1, CHARACTERS), y)
        algorithm.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        algorithm.step()
        return loss

    return model, step


@pytest.mark.parametrize(("cell", "hidden"), SIZES)
def test_values_and_gradients_are_those_of_the_cpu(cell: str, hidden: int):
    """Outputs, states and all gradients, within float32's rounding over so many sums."""
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        layer = getattr(nn, cell)(24, hidden, num_layers=2, bidirectional=True).to(device)
        x = torch.randn(STEPS, BATCH, 24).to(device).requires_grad_()
        lengths = torch.arange(BATCH) % STEPS + 1
        y, state = layer(x, lengths=lengths.to(device))
        states = state if isinstance(state, tuple) else (state,)
        weights = torch.randn(STEPS, BATCH, 2 * hidden).to(device)
        ((y * weights).sum() + sum((s * s).sum() for s in states)).backward()
        found.append([y, *states, x.grad, *(p.grad for p in layer.parameters())])
    for mine, other in zip(found[1], found[0], strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(
            mine.detach().cpu(), other.detach(), rtol=2e-4, atol=2e-5 * max(scale, 1.0)
        )


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
@pytest.mark.parametrize(("cell", "hidden"), SIZES)
def test_a_graph_is_bit_for_bit_what_it_was_captured_from(cell: str, hidden: int, optimizer: Any):
    results = []
    for graphed in (False, True):
        model, step = training(cell, hidden, "cuda", optimizer)
        batches = data("cuda", 20)
        run = torch.cuda.make_graphed_step(step, batches[0]) if graphed else step
        losses = [run(x, y).detach().clone() for x, y in batches]
        results.append([t.tolist() for t in [*losses, *model.parameters()]])
    assert results[0] == results[1]


@pytest.mark.parametrize(("cell", "hidden"), SIZES)
def test_the_same_run_gives_the_same_bits(cell: str, hidden: int):
    runs = []
    for _ in range(3):
        model, step = training(cell, hidden, "cuda")
        for x, y in data("cuda", 10):
            step(x, y)
        runs.append([p.tolist() for p in model.parameters()])
    assert runs[0] == runs[1] == runs[2]


ADDED: dict[str, Callable[[Any, Any], Any]] = {
    "rows": lambda x, i: x.new_zeros(5000, 64).index_add(0, i, x),
    "few rows": lambda x, i: x.new_zeros(3, 64).index_add(0, i % 3, x),
    "elements": lambda x, i: torch.zeros_like(x).scatter_add(
        0, i[:, None] % len(x) + 0 * x.long(), x
    ),
    "counts": lambda x, i: torch.bincount(i, x[:, 0]),
    "cumulative": lambda x, i: x.reshape(-1).cumsum(0),
    "mean": lambda x, i: torch.stack([x.sum(), x.std(), x.norm()]),
}


@pytest.mark.parametrize("name", ADDED)
def test_sums_have_the_same_bits(name: str):
    """Those of the CPU to rounding, and each time the same."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(ROWS, 64, generator=generator)
    places = torch.randint(5000, (ROWS,), generator=generator)
    on_gpu = x.cuda(), places.cuda()
    first = ADDED[name](*on_gpu)
    assert all(torch.equal(ADDED[name](*on_gpu), first) for _ in range(20))
    wanted = ADDED[name](x.double(), places)
    torch.testing.assert_close(first.cpu().double(), wanted, rtol=1e-4, atol=1e-2)


def test_places_in_order():
    """The sort of a GPU, on as many places as a large embedding's gradient has."""
    places = torch.randint(PLACES, (PLACED,), generator=torch.Generator().manual_seed(3))
    values = torch.arange(PLACED)
    torch.use_deterministic_algorithms(True)
    try:
        found = torch.full((PLACES,), -1, device="cuda")
        found[places.cuda()] = values.cuda()
    finally:
        torch.use_deterministic_algorithms(False)
    wanted = torch.full((PLACES,), -1)
    wanted[places] = values
    assert torch.equal(found.cpu(), wanted)


@pytest.mark.parametrize("graphed", [False, True], ids=["eager", "graph"])
def test_ten_thousand_steps_take_no_more_memory(graphed: bool):
    _, step = training("GRU", 64, "cuda")
    (x, y), *_ = data("cuda")
    run = torch.cuda.make_graphed_step(step, (x, y)) if graphed else step
    for _ in range(MANY // 100):
        loss = run(x, y)
    torch.cuda.synchronize()
    used, kept = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    free, _ = torch.cuda.mem_get_info()
    for number in range(MANY):
        loss = run(x, y)
        if number % (MANY // 10) == 0:
            assert torch.isfinite(loss).item()
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() <= used and torch.cuda.memory_reserved() <= kept
    assert torch.cuda.mem_get_info()[0] >= free - (64 << 20)


def complaints(tool: str, *arguments: str) -> list[str]:
    """What compute-sanitizer says of this library's kernels, not of CuPy's and cuBLAS's."""
    if shutil.which("compute-sanitizer") is None:
        pytest.skip("compute-sanitizer, which comes with the CUDA toolkit, is not in the PATH")
    done = subprocess.run(
        ["compute-sanitizer", "--tool", tool, sys.executable, "-m", "tests.gpu.sanitized",
         *arguments],
        capture_output=True, text=True, cwd=REPO, timeout=1800,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "SUMMARY" in said, said[-3000:]
    return [line for line in said.splitlines() if any(name in line for name in KERNELS)]


@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "synccheck"])
def test_kernels_are_clean(tool: str):
    """NVIDIA's compute-sanitizer finds nothing in a training step of each cell."""
    assert not complaints(tool)


def test_a_missing_barrier_is_complained_of():
    assert complaints("racecheck", "without-barriers")


def test_products_are_exact_unless_tf32_is_allowed():
    x, y = (torch.randn(256, 256, device="cuda") for _ in range(2))
    exact = x.double() @ y.double()
    errors = {}
    try:
        for allowed in (False, True):
            torch.backends.cuda.matmul.allow_tf32 = allowed
            errors[allowed] = float(((x @ y).double() - exact).abs().max())
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    assert errors[False] < 1e-4
    if torch.cuda.get_device_capability() >= (8, 0):
        assert 1e-3 < errors[True] < 1
