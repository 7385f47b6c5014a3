"""The same lines of code under PyTorch and under tinygrad_rnn: results, dtypes, gradients, errors.

    agree(lambda torch, x: x[0].exp(), array)

calls the function twice, with either library as `torch` and tensors of the arrays.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as tg

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")

KINDS = (IndexError, TypeError, ValueError, RuntimeError)


def numbers(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Any:
    """float64 numbers, no two of them equal."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def integers(*shape: int, seed: int = 0, low: int = -5, high: int = 6) -> Any:
    return np.random.default_rng(seed).integers(low, high, shape)


def _tensor(module: Any, value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    tensor = module.as_tensor(value.copy(order="K"))  # on the default device
    return tensor.requires_grad_() if value.dtype.kind == "f" else tensor


def _plain(value: Any) -> Any:
    """A result without its library: arrays, dtypes by name, and what Python has."""
    if isinstance(value, tg.Tensor | torch.Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, tg.dtype | torch.dtype):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _tensors(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [t for v in value for t in _tensors(v)]
    return [value] if isinstance(value, tg.Tensor | torch.Tensor) else []


def outcome(module: Any, call: Callable[..., Any], values: tuple[Any, ...]) -> tuple[Any, Any]:
    """What a call returns, and the gradients of a weighted sum of the tensors in it with respect
    to the floating inputs; or the kinds of the errors that these raise."""
    inputs = [_tensor(module, v) for v in values]
    with warnings.catch_warnings():
        if module is torch:
            warnings.simplefilter("ignore")
        try:
            result = call(module, *inputs)
            plain = _plain(result)  # which is when a GPU's errors come
        except KINDS as error:
            return _kind(error), None
        try:
            return plain, _gradients(module, _tensors(result), _tensors(inputs))
        except KINDS as error:
            return plain, _kind(error)


def _kind(error: Exception) -> type:
    return next(kind for kind in KINDS if isinstance(error, kind))


def _gradients(module: Any, results: list[Any], inputs: list[Any]) -> list[Any] | None:
    outputs = [y for y in results if y.requires_grad]
    leaves = [x for x in inputs if x.requires_grad]
    if not outputs or not leaves:
        return None
    total = sum((y * _weights(module, y)).sum() for y in outputs)
    gradients = module.autograd.grad(total, leaves, allow_unused=True)
    return [
        np.zeros(tuple(x.shape)) if g is None else g.cpu().numpy()
        for g, x in zip(gradients, leaves, strict=True)
    ]


def _weights(module: Any, like: Any) -> Any:
    weights = np.cos(np.arange(like.numel()) + 1.0).reshape(tuple(like.shape))
    return module.as_tensor(weights, dtype=like.dtype)


def assert_same(mine: Any, theirs: Any, what: str, **tolerance: float) -> None:
    if isinstance(theirs, np.ndarray):
        assert isinstance(mine, np.ndarray), f"{what}: {mine!r} for {theirs!r}"
        assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
        assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, not {theirs.dtype}"
        close = {"rtol": 1e-6, "atol": 1e-6} | tolerance
        np.testing.assert_allclose(mine, theirs, err_msg=what, **close)
    elif isinstance(theirs, list):
        assert isinstance(mine, list) and len(mine) == len(theirs), f"{what}: {mine!r}"
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            assert_same(a, b, f"{what}[{i}]", **tolerance)
    elif isinstance(theirs, float):
        assert mine == pytest.approx(theirs, nan_ok=True), what
    else:
        assert type(mine) is type(theirs) and mine == theirs, f"{what}: {mine!r}, not {theirs!r}"


def agree(call: Callable[..., Any], *values: Any, **tolerance: float) -> None:
    """Assert that the call gives the same under both libraries: results and gradients, or an
    error of the same kind. NumPy arrays become tensors, floating ones leaves that require
    gradients."""
    theirs, their_gradients = outcome(torch, call, values)
    mine, my_gradients = outcome(tg, call, values)
    assert_same(mine, theirs, "result", **tolerance)
    assert_same(my_gradients, their_gradients, "gradient", **tolerance)
