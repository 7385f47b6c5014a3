"""Adafactor and Muon, which look at whole matrices, against their definitions and PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import optim

OPTIONS = [
    {},
    {"lr": 0.3, "beta2_decay": -0.5, "eps": (1e-3, 1e-2), "d": 1.5, "weight_decay": 0.2},
    {"lr": 0.3, "maximize": True},
]


def gradients(shape, steps):
    return [np.random.default_rng(i).standard_normal(shape) for i in range(steps)]


def moved(lib, kind, shape, options, steps=12, **where):
    """A parameter after some steps, its start, and the optimizer."""
    start = np.random.default_rng(99).standard_normal(shape)
    param = lib.tensor(start, **where).requires_grad_()
    optimizer = getattr(lib.optim, kind)([param], **options)
    for g in gradients(shape, steps):
        param.grad = lib.tensor(g, dtype=param.dtype, device=param.device)
        optimizer.step()
    return param.detach().cpu().numpy(), start, optimizer


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(3, 4), (5,), (), (2, 3, 4)])
def test_adafactor_is_pytorch_s(options, shape, device):
    torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")
    found, _, mine = moved(tg, "Adafactor", shape, options, device=device)
    expected, _, theirs = moved(torch, "Adafactor", shape, options)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    state, known = mine.state_dict()["state"][0], theirs.state_dict()["state"][0]
    assert {k: tuple(v.shape) for k, v in state.items()} == {
        k: tuple(v.shape) for k, v in known.items()
    }


def test_adafactor_remembers_rows_and_columns():
    """By the definition, in the second step."""
    found, start, optimizer = moved(tg, "Adafactor", (2, 3), {"lr": 0.1}, steps=2)
    x, rows, columns = start.copy(), np.zeros((2, 1)), np.zeros((1, 3))
    for t, g in enumerate(gradients((2, 3), 2), 1):
        new = t**-0.8
        rows = (1 - new) * rows + new * (g**2).mean(1, keepdims=True)
        columns = (1 - new) * columns + new * (g**2).mean(0, keepdims=True)
        change = g / np.sqrt(rows @ columns / rows.mean())
        change /= max(1, np.sqrt((change**2).mean()))
        x -= min(0.1, t**-0.5) * max(1e-3, np.sqrt((x**2).mean())) * change
    np.testing.assert_allclose(found, x)
    assert {v.shape for k, v in optimizer.state_dict()["state"][0].items() if "var" in k} == {
        (2, 1), (1, 3)
    }  # fmt: skip


def test_adafactor_finds_a_minimum():
    target = tg.tensor([[1.0, -2.0], [3.0, 0.5]])
    x = tg.ones(2, 2, requires_grad=True)
    optimizer = optim.Adafactor([x], lr=0.3)
    for _ in range(400):
        optimizer.zero_grad()
        ((x - target) ** 2).sum().backward()
        optimizer.step()
    assert ((x - target) ** 2).sum().item() < 0.1


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
@pytest.mark.parametrize("ratio", [None, "match_rms_adamw"])
def test_muon_makes_steps_nearly_orthogonal(shape, ratio, device):
    options = {"lr": 0.1, "weight_decay": 0.0, "adjust_lr_fn": ratio}
    found, start, _ = moved(tg, "Muon", shape, options, steps=1, device=device)
    scale = 0.2 * max(shape) ** 0.5 if ratio else max(1, shape[0] / shape[1]) ** 0.5
    values = np.linalg.svd((start - found) / (0.1 * scale), compute_uv=False)
    assert (values > 0.6).all()
    assert (values < 1.3).all()
    u, _, v = np.linalg.svd(gradients(shape, 1)[0], full_matrices=False)
    cosine = (
        ((u @ v) * (start - found)).sum() / np.linalg.norm(u @ v) / np.linalg.norm(start - found)
    )
    assert cosine > 0.97


def test_misuse():
    for options, message in (
        ({"adjust_lr_fn": "other"}, "not supported"),
        ({"ns_steps": 100}, "less than 100"),
        ({"ns_coefficients": (1.0, 2.0)}, "exactly 3"),
        ({"momentum": -1.0}, "momentum should be >= 0"),
        ({"lr": -1.0}, "Learning rate should be >= 0"),
    ):
        with pytest.raises(ValueError, match=message):
            optim.Muon([tg.ones(2, 2, requires_grad=True)], **options)
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        optim.Muon([tg.ones(2, requires_grad=True)])
