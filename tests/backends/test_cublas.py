"""Products by cuBLAS's own interface, for all the ways that matrices lie in memory."""

from __future__ import annotations

import itertools
from typing import Any

import cupy
import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.backends import cublas, cupy_backend

SHAPES = [
    ((3, 4), (4, 5)), ((1, 4), (4, 1)), ((5, 1), (1, 6)), ((1, 1), (1, 1)), ((4,), (4,)),
    ((4,), (4, 5)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (2, 4, 5)),
    ((2, 3, 4), (4,)), ((2, 1, 3, 4), (6, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((2, 3, 1), (1, 5)),
    ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((0, 3, 4), (4, 5)), ((2, 3, 4), (0, 1, 4, 5)),
]  # fmt: skip
TOLERANCE = {"float32": 1e-5, "float64": 1e-13, "float16": 1e-2, "int64": 0.0}
KEPT = ["rows", "columns", "every second", "part"]


def _pair(random: Any, shape: tuple[int, ...], dtype: str, kept: str) -> tuple[Any, Any]:
    """The same numbers in the host's memory, and on the GPU in one of the ways to keep them."""
    values = (random.standard_normal(shape) * 3).astype(dtype)
    if len(shape) < 2 or kept == "rows":
        return values, cupy.array(values)
    if kept == "columns":
        return values, cupy.array(values.swapaxes(-1, -2).copy()).swapaxes(-1, -2)
    if kept == "every second":
        wide = np.repeat(values, 2, -1)
        return values, cupy.array(wide)[..., ::2]
    margins = [(0, 0)] * (values.ndim - 2) + [(1, 2), (3, 1)]
    return values, cupy.array(np.pad(values, margins))[..., 1:-2, 3:-1]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("first", "second"), SHAPES, ids=str)
def test_products(first: tuple[int, ...], second: tuple[int, ...], dtype: str):
    random, tolerance = np.random.default_rng(0), TOLERANCE[dtype]
    for kept in itertools.product(KEPT, repeat=2):
        (a, x), (b, y) = (
            _pair(random, shape, dtype, how)
            for shape, how in zip((first, second), kept, strict=True)
        )
        expected = np.matmul(a.astype("float64"), b.astype("float64")).astype(dtype)
        result = cupy_backend.matmul(x, y)
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype), kept
        np.testing.assert_allclose(result.get(), expected, tolerance, 30 * tolerance)
        for out in (cupy.empty(expected.shape, dtype), cupy.empty(expected.shape[::-1], dtype).T):
            assert cupy_backend.matmul(x, y, out=out) is out
            assert (out == result).all(), kept
        assert (cupy.array(a) == x).all() and (cupy.array(b) == y).all()


def test_shapes_that_do_not_fit_and_two_dtypes():
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2, 3\) do not fit"):
        cupy_backend.matmul(cupy.zeros((2, 3)), cupy.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"out has shape \(3, 2\), the result \(2, 3\)"):
        cupy_backend.matmul(cupy.ones((2, 2)), cupy.ones((2, 3)), out=cupy.ones((3, 2)))
    wide = cupy_backend.matmul(cupy.ones((2, 3), "float32"), cupy.ones((3, 1)))
    assert wide.dtype == "float64" and wide.tolist() == [[3.0], [3.0]]


def test_on_each_gpu():
    for index in range(min(torch.cuda.device_count(), 2)):
        with torch.cuda.device(index):
            x = torch.ones(2, 3, device="cuda")
            assert (x @ x.T).tolist() == [[3.0, 3.0]] * 2


def test_tf32_rounds_factors_if_it_is_allowed():
    matmul = torch.backends.cuda.matmul
    x = torch.tensor([[1 + 2.0**-12]], device="cuda")
    exact = (x @ x).item()
    try:
        for allow in (
            lambda: setattr(matmul, "allow_tf32", True),
            lambda: torch.set_float32_matmul_precision("high"),
            lambda: setattr(matmul, "fp32_precision", "tf32"),
        ):
            matmul.allow_tf32 = False
            assert (x @ x).item() == exact and matmul.fp32_precision == "ieee"
            allow()
            assert matmul.allow_tf32 and torch.get_float32_matmul_precision() == "high"
            big = torch.full((64, 64), 1 + 2.0**-12, device="cuda")
            assert (big @ big)[0, 0].item() == 64.0  # of factors rounded to 1
            assert (big.double() @ big.double())[0, 0].item() > 64.0
    finally:
        torch.set_float32_matmul_precision("highest")
    with pytest.raises(RuntimeError, match="Invalid precision 'exact'"):
        matmul.fp32_precision = "exact"


def test_without_cublas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(cublas.ctypes, "PyDLL", missing)
    cublas._library.cache_clear()
    with pytest.raises(RuntimeError, match=r'libcublas.* pip install "cupy-cuda1\dx\[ctk\]"'):
        cublas._library()
    monkeypatch.undo()
    assert cublas._library() is not None


def test_what_cublas_refuses_is_an_error():
    with pytest.raises(RuntimeError, match="cuBLAS: a call failed: invalid value"):
        cublas._check(7, "a call")


@pytest.mark.parametrize("view", ["one row", "one column", "backwards", "overlapping"])
def test_views_that_cublas_can_not_read_are_copied(view: str):
    random = np.random.default_rng(1)
    values = random.standard_normal(12)
    host = {
        "one row": np.broadcast_to(values[:4], (3, 4)),
        "one column": np.broadcast_to(values[:3, None], (3, 4)),
        "backwards": values.reshape(3, 4)[::-1, ::-1],
        "overlapping": np.lib.stride_tricks.sliding_window_view(values[:6], 4),
    }[view]
    x = {
        "one row": lambda: cupy.broadcast_to(cupy.array(values[:4]), (3, 4)),
        "one column": lambda: cupy.broadcast_to(cupy.array(values[:3, None]), (3, 4)),
        "backwards": lambda: cupy.array(values).reshape(3, 4)[::-1, ::-1],
        "overlapping": lambda: cupy_backend.as_strided(cupy.array(values[:6]), (3, 4), (8, 8)),
    }[view]()
    y = random.standard_normal((4, 2))
    for a, b, mine in ((host, y, (x, cupy.array(y))), (y.T, host.T, (cupy.array(y.T), x.T))):
        np.testing.assert_allclose(cupy_backend.matmul(*mine).get(), a @ b, 1e-12)
