"""L-BFGS: PyTorch's iterates, a line search that keeps its promises, and minima."""

import copy
import importlib
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import optim
from tinygrad_rnn.optim.line_search import Point, strong_wolfe

from ..nn.side_by_side import pytorch

OPTIONS = [
    {"lr": 1e-3},
    {"lr": 1e-3, "history_size": 2, "max_iter": 7},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7},
    {"line_search_fn": "strong_wolfe", "max_eval": 3},
    {"line_search_fn": "strong_wolfe", "lr": 0.1, "max_iter": 3},
]


def start(lib, device=None):
    """A vector, a matrix, and a parameter without a gradient."""
    values = [[-1.2, 1.0, 0.3, 2.0, -0.5], [[0.3, 0.2], [-0.1, 0.4]], 7.0]
    return [lib.tensor(v, dtype=lib.float64, device=device).requires_grad_() for v in values]


def loss_of(x, w):
    """Rosenbrock's valley, and a matrix that is to be its own inverse."""
    valley = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    return valley + ((w @ w)[0] - 1).pow(2).sum() + ((w @ w)[1] - 2).pow(2).sum()


def run(optimizer, params, steps):
    found, calls = [], 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = loss_of(*params[:2])
        loss.backward()
        return loss

    for _ in range(steps):
        loss = optimizer.step(closure)
        state = optimizer.state[params[0]]
        counts = [loss.item(), calls, state["n_iter"], state["func_evals"]]
        flat = [p.detach().cpu().numpy().ravel() for p in params]
        found.append(np.concatenate([counts, *flat]))
    return np.array(found)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_iterates_are_pytorch_s(options):
    found = []
    for lib in (tg, pytorch()):
        params = start(lib)
        found.append(run(lib.optim.LBFGS(params, **options), params, 3))
    # 3 steps of up to 20 iterations: rounding errors grow
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("options", [OPTIONS[1], OPTIONS[3]], ids=str)
def test_going_on_in_either_library(options):
    torch = pytorch()
    straight = start(torch)
    expected = run(torch.optim.LBFGS(straight, **options), straight, 4)
    for first, second in ((tg, tg), (tg, torch), (torch, tg)):
        params = start(first)
        optimizer = first.optim.LBFGS(params, **options)
        run(optimizer, params, 2)
        rest = [second.tensor(p.numpy(force=True), requires_grad=True) for p in params]
        state_dict = optimizer.state_dict()
        optimizer = second.optim.LBFGS(rest)
        if (first, second) == (tg, torch):
            state_dict = to_torch(torch, state_dict)
        optimizer.load_state_dict(copy.deepcopy(state_dict))
        found = run(optimizer, rest, 2)
        np.testing.assert_allclose(found[:, 4:], expected[2:, 4:], rtol=1e-9, atol=1e-9)


def to_torch(torch, value):
    if isinstance(value, tg.Tensor):
        return torch.tensor(value.numpy(force=True))
    if isinstance(value, dict):
        return {key: to_torch(torch, item) for key, item in value.items()}
    return [to_torch(torch, item) for item in value] if isinstance(value, list) else value


def test_on_every_device(device):
    found = []
    for where in (device, "cpu"):
        params = start(tg, where)
        optimizer = optim.LBFGS(params, line_search_fn="strong_wolfe")
        with tg.no_grad():  # the closure records all the same
            found.append(run(optimizer, params, 4))
        assert all(p.device.type == where and p.requires_grad for p in params)
    np.testing.assert_allclose(*found, rtol=1e-9)
    assert loss_of(*params[:2]).item() < found[0][0, 0] / 100


def test_at_the_minimum_nothing_happens():
    x = tg.zeros(3, requires_grad=True)
    optimizer = optim.LBFGS([x])

    def closure():
        loss = (x**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0 and x.tolist() == [0, 0, 0]
    assert optimizer.state_dict()["state"] == {0: {"func_evals": 1, "n_iter": 0}}


CURVES = {  # their height and slope
    "parabola": lambda t: ((t - 1) ** 2, 2 * (t - 1)),
    "flat far away": lambda t: (-t / (t**2 + 2), (t**2 - 2) / (t**2 + 2) ** 2),
    "steep": lambda t: (math.cosh(t - 2), math.sinh(t - 2)),
    "quartic": lambda t: ((t - 3) ** 4 - t, 4 * (t - 3) ** 3 - 1),
    "waves": lambda t: (math.sin(9 * t) - t / 9, 9 * math.cos(9 * t) - 9.9),
    "wall": lambda t: (math.exp(9 * t - 9) - t, 9 * math.exp(9 * t - 9) - 1),
}


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 20.0])
@pytest.mark.parametrize("name", CURVES)
def test_line_searches(name, first):
    """They keep Wolfe's conditions, or end where PyTorch's does; and try what that tries."""
    curve, calls = CURVES[name], []

    def evaluate(t):
        calls.append(t)
        return Point(t, *curve(t), tg.zeros(1))

    origin = Point(0.0, *curve(0.0), tg.zeros(1))
    best, count = strong_wolfe(evaluate, origin, first, 1.0, 1e-9, 25)
    assert count == len(calls) <= 26
    if name not in ("waves", "wall"):
        assert best.loss <= origin.loss + 1e-4 * best.t * origin.slope
        assert abs(best.slope) <= 0.9 * abs(origin.slope)

    torch = pytorch()
    theirs = []

    def objective(x, t, d):
        theirs.append(float(t))
        loss, slope = curve(float(t))
        return loss, torch.tensor([slope], dtype=torch.float64)

    one = torch.ones(1, dtype=torch.float64)
    found = importlib.import_module("torch.optim.lbfgs")._strong_wolfe(
        objective, None, first, one, origin.loss, one * origin.slope, one[0] * origin.slope
    )
    np.testing.assert_allclose(calls, theirs, rtol=1e-9)
    np.testing.assert_allclose(best.t, float(found[2]), rtol=1e-9)
