"""Sums and writes at places that are named more than once, on a GPU or its stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupy
import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.backends import backend_for, cupy_backend as xp, numpy_backend
from tinygrad_rnn.backends.determinism import setting
from tinygrad_rnn.backends.kernels import compiler, scatter
from tinygrad_rnn.backends.precision import setting as precision
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.ops import embedding

from ..conftest import HAS_GPU
from .kernels.test_layer import schedule

STANDIN_ONLY = pytest.mark.skipif(HAS_GPU, reason="changes what the stand-in does")
RANDOM = np.random.default_rng(3)


def ints(high: int, *shape: int) -> np.ndarray:
    return RANDOM.integers(-high, high, shape)


# The target's shape, an index of it, and the shape of the values if they are to be broadcast
CASES: dict[str, tuple[tuple[int, ...], Any, tuple[int, ...] | None]] = {
    "rows": ((5, 3), ints(5, 20), None),
    "rows, in two dimensions": ((5, 2, 2), ints(5, 3, 7), None),
    "in a tuple": ((5, 3), (ints(5, 20),), None),
    "elements": ((4, 6), (ints(4, 50), ints(6, 50)), None),
    "elements, broadcast": ((4, 6), (ints(4, 5, 1), ints(6, 9)), None),
    "columns": ((4, 6, 2), (slice(None), ints(6, 30)), None),
    "columns, all the rest": ((4, 6, 2), (slice(None), ints(6, 30), ...), None),
    "last dimension": ((4, 6, 3), (..., ints(3, 9)), None),
    "last but one": ((4, 6, 3), (..., ints(6, 9), slice(None)), None),
    "arrays apart": ((4, 3, 5), (ints(4, 8), slice(1, 3), ints(5, 8)), None),
    "apart, then all": ((4, 3, 5, 2), (ints(4, 8), slice(None), ints(5, 8), slice(None)), None),
    "a number and an array": ((4, 6, 2), (2, ints(6, 9)), None),
    "a new dimension": ((4, 6), (None, ints(4, 9)), None),
    "a mask": ((4, 3), np.array([True, False, True, True]), None),
    "a mask of elements": ((2, 3), np.array([[True, False, True], [False, True, True]]), None),
    "values for all": ((5, 3), ints(5, 20), (1,)),
    "a row for all": ((5, 3), ints(5, 20), (3,)),
    "one place": ((1, 2), ints(1, 500), None),
    "one element": ((1,), ints(1, 1), None),
    "no entries": ((4, 3), ints(4, 0), None),
    "no columns": ((4, 0), ints(4, 5), None),
    "more than a byte": ((300, 2), ints(300, 3000), None),
    "more than two": ((70_000,), ints(70_000, 5000), None),
}


def on_gpu(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(on_gpu, index))
    return cupy.array(index) if isinstance(index, np.ndarray) else index


def arguments(case: str, dtype: str) -> tuple[np.ndarray, Any, np.ndarray]:
    shape, index, given = CASES[case]
    random = np.random.default_rng(1)
    target = (random.standard_normal(shape) * 100).astype(dtype)
    size = target[index].shape if given is None else given
    return target, index, (random.standard_normal(size) * 100).astype(dtype)


@pytest.mark.parametrize("case", CASES)
def test_sums(case):
    target, index, values = arguments(case, "float64")
    found = cupy.array(target)
    xp.scatter_add(found, on_gpu(index), cupy.array(values))
    np.add.at(target, index, values)
    np.testing.assert_allclose(found.get(), target, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "int64", "int32", "int16", "int8", "uint8", "bool"]
)
def test_dtypes(dtype):
    target, index, values = arguments("rows", dtype)
    found = cupy.array(target)
    xp.scatter_add(found, on_gpu(index), cupy.array(values))
    assert found.dtype == dtype
    wide = target.astype("float64") if "float" in dtype else target.astype("int64")
    np.add.at(wide, index, values.astype(wide.dtype))
    limit = {"float16": 1e-3, "float32": 1e-6}.get(dtype, 0)
    np.testing.assert_allclose(found.get(), wide.astype(dtype), rtol=limit)


@pytest.mark.parametrize("case", CASES)
def test_the_last_one_stays(case, monkeypatch):
    target, index, values = arguments(case, "float32")
    monkeypatch.setattr(setting, "level", 2)
    found = cupy.array(target)
    xp.assign(found, on_gpu(index), cupy.array(values))
    target[index] = values
    assert np.array_equal(found.get(), target)


UFUNCS: dict[str, Any] = {"multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum}


@pytest.mark.parametrize("operation", UFUNCS)
@pytest.mark.parametrize("case", CASES)
def test_products_and_extremes(case, operation, device):
    target, index, values = arguments(case, "float64")
    target, values = target / 90, values / 90
    own: Any = cupy.array if device == "cuda" else np.array
    found, here = own(target), on_gpu(index) if device == "cuda" else index
    backend: Any = backend_for(torch.device(device))
    backend.scatter_combine(found, here, own(values), operation)
    UFUNCS[operation].at(target, index, values)
    np.testing.assert_allclose(backend.to_host(found), target, rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "int8", "uint8", "bool"])
@pytest.mark.parametrize("operation", UFUNCS)
def test_products_and_extremes_of_dtypes(operation, dtype):
    target, index, values = arguments("rows", dtype)
    target, values = target[:, :1], values[:, :1]
    if dtype[:5] == "float":
        target[1], values[3:9] = np.nan, [[np.inf], [-np.inf], [0.01], [-0.01], [np.nan], [0.0]]
    found = cupy.array(target)
    xp.scatter_combine(found, on_gpu(index), cupy.array(values), operation)
    assert found.dtype == dtype
    numpy_backend.scatter_combine(target, index, values, operation)
    limit = {"float16": 1e-3, "float32": 1e-6}.get(dtype, 0)
    np.testing.assert_allclose(found.get(), target, rtol=limit)


def test_views():
    """Targets that are not contiguous, values with any strides."""
    wide, index = cupy.zeros((4, 6)), cupy.array([1, 0, 1])
    xp.scatter_add(wide[:, ::2], index, cupy.arange(9.0).reshape(3, 3).T)
    assert wide[:, ::2].tolist() == [[1, 4, 7], [2, 8, 14], [0, 0, 0], [0, 0, 0]]
    assert not wide[:, 1::2].get().any()
    xp.scatter_add(wide.T, index, cupy.broadcast_to(cupy.ones(1), (3, 4)))
    assert wide.get()[:2, :2].tolist() == [[2, 2], [3, 2]]


def in_pieces(index: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sums in float32 in the order that the kernels promise: entries sorted by place, those of 128
    one by one, then these sums one by one."""
    order = np.argsort(index, kind="stable")
    result = np.zeros(size, "float32")
    for place in range(size):
        total: Any = None
        for start in range(0, len(order), 128):
            mine = [i for i in order[start : start + 128] if index[i] == place]
            if mine:
                piece = np.float32(0)
                for i in mine:
                    piece += values[i]
                total = piece if total is None else total + piece
        result[place] = 0 if total is None else total
    return result


@pytest.mark.parametrize("size", [1, 3, 400])
def test_the_order_is_always_the_same(size):
    """Every bit, in whatever order threads run."""
    index = RANDOM.integers(0, size, 2500)
    values = (RANDOM.standard_normal(2500) * 10.0 ** RANDOM.integers(-4, 5, 2500)).astype("float32")
    wanted = in_pieces(index, values, size)
    for seed in (0, 1, 2):
        found = cupy.zeros(size, "float32")
        with schedule(seed):
            xp.scatter_add(found, cupy.array(index), cupy.array(values))
        assert np.array_equal(found.get(), wanted)


@pytest.mark.parametrize("size", [1, 2, 256, 257, 2**20, 2**33])
def test_sorting(size):
    keys = RANDOM.integers(0, min(size, 2**33), 3000)
    keys[::3] = keys[0]
    found, order = scatter._sorted(cupy.array(keys), size, size > 2**31)
    assert found.dtype == order.dtype == ("int64" if size > 2**31 else "int32")
    wanted = np.argsort(keys, kind="stable")
    assert np.array_equal(order.get(), wanted) and np.array_equal(found.get(), keys[wanted])


@STANDIN_ONLY
def test_a_missing_barrier_is_seen(monkeypatch):
    whole = compiler.source

    def broken(name: str) -> str:
        return whole(name).replace("__syncthreads();", "if (blockDim.x == 1) __syncthreads();")

    monkeypatch.setattr(scatter, "source", broken)
    scatter._kernel.cache_clear()
    keys = RANDOM.integers(0, 9, 2000)

    def wrong(seed: int) -> bool:
        with schedule(seed):
            _, order = scatter._sorted(cupy.array(keys), 9, False)
        return not np.array_equal(order.get(), np.argsort(keys, kind="stable"))

    try:
        assert any(map(wrong, range(1, 4)))
    finally:
        scatter._kernel.cache_clear()


def test_the_host_does_not_wait(no_sync: Callable[[], Any]):
    x, index, values = cupy.zeros((4, 2)), cupy.array([0, 3, 0]), cupy.ones((3, 2))
    with no_sync():
        xp.scatter_add(x, index, values)
        xp.scatter_combine(x, index[:2], values[:2] * 3, "maximum")
    assert x.tolist() == [[3, 3], [0, 0], [0, 0], [3, 3]]


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_the_host_does_not_wait_for_a_reduction(reduce: str, no_sync: Callable[[], Any]):
    x = torch.arange(1.0, 7.0).reshape(2, 3).cuda().requires_grad_()
    index = torch.tensor([[0, 1, 1], [1, 1, 1]], device="cuda")
    for include_self in (True, False):
        with no_sync():
            y = x.scatter_reduce(0, index, x, reduce, include_self=include_self)
            y.square().sum().backward()
    mine, x.grad = x.grad, None
    host = x.detach().cpu().requires_grad_()
    for include_self in (True, False):
        y = host.scatter_reduce(0, index.cpu(), host, reduce, include_self=include_self)
        y.square().sum().backward()
    torch.testing.assert_close(mine.cpu(), host.grad)


@pytest.mark.parametrize("product", [True, False], ids=["product", "sorted"])
@pytest.mark.parametrize("tf32", [True, False])
def test_gradients_of_an_embedding(product, tf32, monkeypatch, no_sync):
    """Exact whether products may be less so, and nobody waits."""
    if not product:
        monkeypatch.setattr(embedding, "_AS_PRODUCT", 0)
    monkeypatch.setattr(precision, "precision", "high" if tf32 else "highest")
    weight = torch.zeros(9, 3, device="cuda", requires_grad=True)
    ids = torch.tensor([[8, 1, 1], [0, 8, 8]], device="cuda")
    g = torch.arange(18.0, device="cuda").reshape(2, 3, 3) / 7
    with no_sync():
        F.embedding(ids, weight).backward(g)
    wanted = np.zeros((9, 3))
    np.add.at(wanted, ids.cpu().numpy(), g.double().cpu().numpy())
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.cpu().numpy(), wanted, rtol=1e-6)


def test_in_a_graph():
    """Written down once, added again and again."""
    x, index, values = cupy.zeros(3), cupy.array([2, 2, 0]), cupy.ones(3)
    graph = xp.Graph()
    with graph.trial():
        xp.scatter_add(x, index, values)
    with graph.capturing():
        xp.scatter_add(x, index, values)
    assert x.tolist() == [1, 0, 2]
    index[1] = 1
    graph.replay()
    graph.replay()
    assert x.tolist() == [3, 2, 4]


def test_counts_with_weights():
    index, weights = np.array([3, 1, 3, 3]), np.array([1.5, 2.0, -1.0, 0.25], "float32")
    for least in (0, 7):
        found = xp.bincount(cupy.array(index), cupy.array(weights), least)
        assert found.dtype == "float64"
        assert found.tolist() == np.bincount(index, weights, least).tolist()
    for weights in (None, cupy.zeros(0)):
        nothing = xp.bincount(cupy.zeros(0, "int64"), weights, 2)
        assert nothing.dtype == "int64" and nothing.tolist() == [0, 0]
