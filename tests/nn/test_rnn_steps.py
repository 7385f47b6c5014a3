"""A step by itself, as in a loop that generates, is bit for bit a row of the whole sequence."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.backends.fused import steps

MODES = {
    "RNN": {},
    "relu": {"nonlinearity": "relu"},
    "GRU": {},
    "LSTM": {},
    "projected": {"proj_size": 3},
}
KINDS = {"relu": "RNN", "projected": "LSTM"}
SIZES = [(1, 1), (3, 17), (28, 100), (40, 33)]  # inputs, hidden
BATCHES = [1, 2, steps.SMALL, steps.SMALL + 1, 32]


def made(mode: str, suffix: str = "", **options: Any) -> Any:
    return getattr(nn, KINDS.get(mode, mode) + suffix)(**MODES[mode], **options)


def parts(value: Any) -> list[Any]:
    """The tensors of a state, or of a layer's whole result."""
    return [t for v in value for t in parts(v)] if isinstance(value, tuple | list) else [value]


def same(mine: Any, expected: Any) -> None:
    for a, b in zip(parts(mine), parts(expected), strict=True):
        assert a.shape == b.shape and a.dtype is b.dtype
        if a.is_cuda:  # which has other products for other sizes: docs/gpu-kernels.md
            torch.testing.assert_close(a, b)
        else:
            assert torch.equal(a, b)


def close(mine: Any, expected: Any) -> None:
    for a, b in zip(parts(mine), parts(expected), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


CASES = list(itertools.product(MODES, BATCHES, [torch.float32, torch.float64]))


@pytest.mark.cpu("a GPU's bits are others; tests/backends/kernels has its steps")
@pytest.mark.parametrize("mode, batch, dtype", CASES)
@torch.no_grad()
def test_steps_have_the_bits_of_the_sequence(mode, batch, dtype):
    for (inputs, hidden), bias in zip(SIZES, [True, False, True, True], strict=True):
        if mode == "projected" and hidden < 4:
            continue
        options = {"input_size": inputs, "hidden_size": hidden, "bias": bias, "dtype": dtype}
        layer = made(mode, **options)
        cell = None if mode == "projected" else made(mode, "Cell", **options)
        x = torch.randn(6, batch, inputs, dtype=dtype)
        output, last = layer(x)
        with torch.enable_grad():
            same(layer(x)[0].detach(), output)
        state = held = None
        if cell is not None:
            cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
            same(nn.scan(cell, x)[0], output)
        for t in range(6):
            y, state = layer(x[t : t + 1], state)
            same(y[0], output[t])
            if cell is not None:
                held = cell(x[t], held)
                same(parts(held)[0], output[t])
        same(state, last)


@pytest.mark.parametrize("options", [{"batch_first": True}, {"training": False}, {"batch": None}])
@pytest.mark.parametrize("mode", MODES)
@torch.no_grad()
def test_layers_directions_and_axes(mode, options):
    """Several layers forwards; both directions of one step; x without a batch or with it first."""
    options = dict(options)
    batched, training = options.pop("batch", True), options.pop("training", True)
    layer = made(mode, input_size=3, hidden_size=5, num_layers=2, **options)
    layer.train(training)
    first = layer.batch_first
    x = torch.randn(*((2, 4, 3) if first else (4, 2, 3) if batched else (4, 3)))
    output, last = layer(x)
    state, rows, axis = None, [], int(first)
    for x_t in x.split(1, axis):
        y, state = layer(x_t, state)
        rows.append(y)
    same(torch.cat(rows, axis), output)
    same(state, last)
    two = made(mode, input_size=3, hidden_size=5, num_layers=2, bidirectional=True, **options)
    y, state = two(x_t)
    same((y, state), two(x_t, type(state)([torch.zeros_like(part) for part in state])
                         if isinstance(state, tuple) else torch.zeros_like(state)))  # fmt: skip
    with torch.enable_grad():
        close((y, state), two(x_t))


REGULARISED: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"layer_norm": True}),
    ("GRU", {"reset_after": False}),
    ("RNN", {"zoneout": 0.3}),
    ("LSTM", {"weight_drop": 0.3, "recurrent_dropout": 0.2}),
    ("RNN", {"activation": torch.sin}),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "mode, options", REGULARISED, ids=["-".join([mode, *names]) for mode, names in REGULARISED]
)
def test_options_and_hooks_go_the_ordinary_way(mode, options, training):
    layer = getattr(nn, mode)(3, 4, **options).train(training)
    cell = getattr(nn, mode + "Cell")(3, 4, **options).train(training)
    for run, x in ((layer, torch.randn(1, 2, 3)), (cell, torch.randn(2, 3))):
        results = []
        for recorded in (True, False):
            torch.manual_seed(0)
            with torch.set_grad_enabled(recorded):
                results.append(run(x))
        close(*results)
    called = []
    layer.register_step_hook(lambda number, t, new: called.append((number, t)))
    with torch.no_grad():
        layer(torch.zeros(1, 2, 3))
    assert called == [(0, 0)]


@torch.no_grad()
@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_results_share_no_memory(mode):
    layer, cell = getattr(nn, mode)(3, 4), getattr(nn, mode + "Cell")(3, 4)
    for run, x in ((layer, torch.zeros(1, 1, 3)), (cell, torch.zeros(1, 3))):
        given = run(x)[1] if run is layer else run(x)
        before = [part.clone() for part in parts(given)]
        results = parts(run(x, given))
        expected = [part.clone() for part in results]
        for i, part in enumerate(results):
            part.add_(i + 1)
            expected[i] += i + 1
        same(results, expected)
        same(given, before)


@pytest.mark.parametrize("mode", MODES)
def test_no_sequences(mode):
    layer, x = made(mode, input_size=3, hidden_size=5), torch.zeros(1, 0, 3)
    y, state = layer(x)
    with torch.no_grad():
        same((y, state), layer(x, state))
        same((y, state), layer(x))


@torch.no_grad()
@pytest.mark.cpu("NumPy's memory")
def test_changed_weights_count_at_once():
    layer, x = nn.GRU(3, 4), torch.ones(1, 1, 3)
    before, weights = layer(x)[0], layer.weight_ih_l0.numpy(force=True)
    weights *= 2
    assert not torch.equal(layer(x)[0], before)
    weights /= 2
    same(layer(x)[0], before)


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_frozen_layers_step_without_no_grad(mode):
    """Where nothing requires a gradient; what does is recorded."""
    layer = getattr(nn, mode)(3, 4).requires_grad_(False)
    x = torch.randn(5, 2, 3)
    output, last = layer(x)
    state = None
    for t in range(5):
        y, state = layer(x[t : t + 1], state)
        same(y[0], output[t])
        assert not any(part.requires_grad for part in parts((y, state)))
    same(state, last)
    leaf = x[:1].clone().requires_grad_()
    assert layer(leaf, state)[0].requires_grad
    held = [part.clone().requires_grad_() for part in parts(state)]
    assert layer(x[:1], tuple(held) if mode == "LSTM" else held[0])[0].requires_grad
    layer.weight_hh_l0.requires_grad_()
    assert layer(x[:1], state)[0].requires_grad


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_weights_from_elsewhere_count(mode):
    """Replaced, parametrised and given for one call."""
    layer, x = getattr(nn, mode)(3, 4), torch.randn(1, 2, 3)
    state = layer(x)[1]

    def check(run: Any) -> None:
        expected = run()
        with torch.no_grad():
            found = run()
        close([part.detach() for part in parts(found)], [part.detach() for part in parts(expected)])
        changes.append(parts(found)[0])

    changes: list[Any] = []
    check(lambda: layer(x, state))
    layer.weight_hh_l0 = nn.Parameter(layer.weight_hh_l0.detach() * 2)
    check(lambda: layer(x, state))
    other = {name: p.detach() + 1 for name, p in layer.named_parameters()}
    check(lambda: torch.func.functional_call(layer, other, (x, state)))
    nn.utils.parametrizations.weight_norm(layer, "weight_ih_l0")
    with torch.no_grad():
        layer.parametrizations.weight_ih_l0.original0.mul_(3)
    check(lambda: layer(x, state))
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(changes, 2))


H = torch.zeros(1, 5, 4)
UNFIT: dict[str, tuple[Any, ...]] = {
    "steps as a batch": (torch.zeros(5, 1, 3), H),
    "a batch as steps": (torch.zeros(1, 5, 3), H, {"batch_first": True}),
    "layers": (torch.zeros(1, 5, 3), torch.zeros(2, 5, 4)),
    "batch": (torch.zeros(1, 5, 3), torch.zeros(1, 4, 4)),
    "hidden size": (torch.zeros(1, 5, 3), torch.zeros(1, 5, 3)),
    "input size": (torch.zeros(1, 5, 4), H),
    "no features": (torch.zeros(1, 5, 0), H),
    "dimensions": (torch.zeros(1, 3), H),
    "dtype": (torch.zeros(1, 5, 3, dtype=torch.float64), H),
    "no tensor": ([1.0], H),
    "no state": (torch.zeros(1, 5, 3), 1.0),
    "no steps": (torch.zeros(0, 0, 3), torch.zeros(1, 0, 4)),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("mode", ["GRU", "LSTM"])
def test_what_does_not_fit_raises_as_in_training(mode, case):
    x, h, *options = UNFIT[case]
    layer = getattr(nn, mode)(3, 4, **(options[0] if options else {}))
    hx = (h, h) if mode == "LSTM" else h
    with pytest.raises((TypeError, ValueError, RuntimeError)) as expected:
        layer(x, hx)
    with torch.no_grad(), pytest.raises(type(expected.value)) as raised:
        layer(x, hx)
    assert str(raised.value) == str(expected.value)
