"""checkpoint_every: the same results and gradients from less memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn

STEPS, BATCH = 11, 3
LENGTHS = [11, 4, 0]
OPTIONS: list[tuple[str, dict[str, Any], list[int] | None]] = [
    ("RNN", {}, None),
    ("GRU", {"bidirectional": True, "num_layers": 2, "dropout": 0.4}, LENGTHS),
    ("LSTM", {"bidirectional": True, "proj_size": 2}, LENGTHS),
    ("LSTM", {"zoneout": (0.3, 0.2), "weight_drop": 0.4, "recurrent_dropout": 0.3}, None),
    ("GRU", {"layer_norm": True, "reset_after": False, "zoneout": 0.3}, LENGTHS),
    ("RNN", {"activation": torch.sin, "batch_first": True}, LENGTHS),
]


def parts(value: Any) -> list[Any]:
    return [t for v in value for t in parts(v)] if isinstance(value, tuple) else [value]


def layer_and_twin(mode: str, options: dict[str, Any], every: Any) -> tuple[Any, Any]:
    twins = [
        getattr(nn, mode)(2, 4, dtype=torch.float64, checkpoint_every=k, **options)
        for k in (None, every)
    ]
    twins[1].load_state_dict(twins[0].state_dict())
    return twins[0], twins[1]


def results(layer: Any, x: Any, run: Any) -> list[Any]:
    """Results, and gradients of x and all weights, of a run with the same random numbers."""
    torch.manual_seed(3)
    x = x.clone().requires_grad_()
    found = parts(run(layer, x))
    total = sum((y * torch.linspace(1, 2, y.numel()).reshape(y.shape)).sum() for y in found)
    return [*found, *torch.autograd.grad(total, [x, *layer.parameters()])]


def same(mine: list[Any], expected: list[Any]) -> None:
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("every", [1, 3, 50, "sqrt"])
@pytest.mark.parametrize(
    "mode, options, lengths", OPTIONS, ids=["-".join([mode, *names]) for mode, names, _ in OPTIONS]
)
@pytest.mark.usefixtures("default_device")
def test_nothing_changes(mode, options, lengths, every):
    expected, layer = layer_and_twin(mode, options, every)
    x = torch.randn(
        *((BATCH, STEPS, 2) if options.get("batch_first") else (STEPS, BATCH, 2)),
        dtype=torch.float64,
    )
    for extra in ({}, {"return_states": True}):

        def run(layer: Any, x: Any, extra: Any = extra) -> Any:
            return layer(x, lengths=lengths, **extra)

        same(results(layer, x, run), results(expected, x, run))


def test_packed_and_second_derivatives():
    expected, layer = layer_and_twin("GRU", {"bidirectional": True}, 2)
    x = torch.randn(5, 3, 2, dtype=torch.float64)

    def packed(layer: Any, x: Any) -> Any:
        return layer(nn.utils.rnn.pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False))[0].data

    def second(layer: Any, x: Any) -> Any:
        (first,) = torch.autograd.grad(layer(x)[0].sin().sum(), x, create_graph=True)
        return first**2

    for run in (packed, second):
        same(results(layer, x, run), results(expected, x, run))


class Leaky(nn.Cell):
    """A cell of one's own, which is planned, or not."""

    def __init__(self, input_size: int, hidden_size: int, plain: bool) -> None:
        super().__init__()
        self.state_size, self.plain = hidden_size, plain
        self.update = nn.Linear(input_size + hidden_size, hidden_size, dtype=torch.float64)

    def step(self, x: Any, h: Any) -> Any:
        h = 0.9 * h + 0.1 * torch.tanh(self.update(torch.cat([x, h], -1)))
        return h, h * (1 if not self.plain or h.sum() > 0 else 0.5)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("every", [3, "sqrt"])
@pytest.mark.usefixtures("default_device")
def test_cells_of_ones_own(plain, every):
    layer = nn.Recurrent(Leaky, 2, 4, plain, num_layers=2, bidirectional=True, dropout=0.3)
    x = torch.randn(STEPS, BATCH, 2, dtype=torch.float64)

    def run(layer: Any, x: Any) -> Any:
        return layer(x, lengths=LENGTHS)

    expected = results(layer, x, run)
    layer.checkpoint_every = every
    same(results(layer, x, run), expected)
    step = layer.cells[0].step
    mine = nn.scan(step, x, torch.zeros(BATCH, 4, dtype=x.dtype), checkpoint_every=every)
    same([*mine], [*nn.scan(step, x, torch.zeros(BATCH, 4, dtype=x.dtype))])


def test_step_hooks_are_called_once_and_see_gradients():
    found = []
    for layer in layer_and_twin("LSTM", {"bidirectional": True}, 4):
        seen: dict[Any, Any] = {}

        def hook(number: int, t: int, new: Any, seen: dict[Any, Any] = seen) -> None:
            assert (number, t) not in seen
            seen[number, t] = None
            new[0].register_hook(lambda g: seen.__setitem__((number, t), g))

        layer.register_step_hook(hook)
        layer(torch.ones(10, 2, 2, dtype=torch.float64))[0].sum().backward()
        found.append(seen)
    assert list(found[0]) == [*((0, t) for t in range(10)), *((1, t) for t in range(9, -1, -1))]
    same([found[1][key] for key in found[0]], list(found[0].values()))


@pytest.mark.cpu("tracemalloc sees the host's memory")
@pytest.mark.parametrize("mode", ["RNN", "LSTM"])
def test_memory_grows_with_the_root_of_the_steps(mode):
    def peak(steps: int, every: Any) -> float:
        """In states of one step, beyond the outputs and their gradient."""
        layer = getattr(nn, mode)(8, 64, checkpoint_every=every)
        x = torch.zeros(steps, 16, 8)
        state = 16 * 64 * 4
        layer(x[:2])[0].sum().backward()
        tracemalloc.start()
        try:
            layer(x)[0].sum().backward()
            return tracemalloc.get_traced_memory()[1] / state - 2 * steps
        finally:
            tracemalloc.stop()

    whole, cut, longer = peak(1024, None), peak(1024, 32), peak(2304, 48)
    assert cut < whole / 10
    assert longer < 1.7 * cut  # 1.5 times the root


@pytest.mark.parametrize(
    "every, error", [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError),
                     ("log", TypeError)],
)  # fmt: skip
def test_bad_values(every, error):
    with pytest.raises(error, match="checkpoint_every"):
        nn.GRU(2, 3, checkpoint_every=every)
