"""Sums and softmax over many short rows, which have ways of their own on the host."""

import math

import numpy as np
import pytest

from ..both import t as t

ROWS = (300, 28)


def rows(t, dtype, scale=1.0):
    values = np.random.default_rng(0).standard_normal(ROWS) * scale
    return t.tensor(values.tolist(), dtype=getattr(t, dtype))


def exact(function, x):
    """By NumPy in float64, whatever x is."""
    return function(np.asarray(x.detach().cpu().tolist(), np.float64))


def close(result, expected, dtype):
    digits = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[dtype]
    np.testing.assert_allclose(result.detach().cpu().tolist(), expected, rtol=digits, atol=digits)


def shifted(x):
    return x - x.max(1, keepdims=True)


def softmax(x):
    return np.exp(shifted(x)) / np.exp(shifted(x)).sum(1, keepdims=True)


def log_softmax(x):
    return shifted(x) - np.log(np.exp(shifted(x)).sum(1, keepdims=True))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_sums(t, dtype):
    x = rows(t, dtype)
    for keepdim in (False, True):
        result = x.sum(1, keepdim=keepdim)
        assert result.dtype is x.dtype
        close(result / 28, exact(lambda a, k=keepdim: a.mean(1, keepdims=k), x), dtype)
    parts = [a.reshape(3, 100, 28)[:, ::2] for a in (x, exact(np.asarray, x))]  # not contiguous
    close(*(part.mean(-1) for part in parts), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 5.0, 29.0, 1e4])  # up to 30 exp needs no shift
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_small_and_large_scores(t, dtype, scale, name):
    x = (rows(t, dtype).clamp(-1, 1) * scale).requires_grad_()
    result = getattr(x, name)(1)
    expected = exact(globals()[name], x)
    assert result.dtype is x.dtype
    close(result / max(scale, 1), expected / max(scale, 1), dtype)
    weights = t.arange(28, dtype=x.dtype, device=x.device) / 28
    (result * weights).sum().backward()
    p, w = exact(softmax, x), np.arange(28) / 28
    slope = p * (w - (p * w).sum(1, keepdims=True)) if name == "softmax" else w - p * w.sum()
    close(x.grad / 14, slope / 14, dtype)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_rows_with_infinities_and_nan(t, name):
    x = rows(t, "float32")
    x[0, 3], x[1, 2], x[2, :] = -math.inf, math.nan, -math.inf
    result = getattr(x, name)(1)
    assert result[0, 3].item() == (0.0 if name == "softmax" else -math.inf)
    assert result[1:3].isnan().all()
    assert result[3:].isfinite().all()
    assert abs(x[:1].softmax(1).sum().item() - 1) < 1e-6
