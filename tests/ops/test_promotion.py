"""Data types of results: every pair of types, tensors with and without dimensions, numbers."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_rnn as tg

from .compare import agree

pytestmark = pytest.mark.usefixtures("default_device")

TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
SMALL = {"rtol": 1e-2, "atol": 1e-2}  # half precision is rounded elsewhere
OPERATIONS = {
    "add": operator.add,
    "mul": operator.mul,
    "true_divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "eq": operator.eq,
    "lt": operator.lt,
}
NAMED = {
    "maximum": lambda torch, a, b: torch.maximum(a, b),
    "atan2": lambda torch, a, b: torch.atan2(a, b),
    "where": lambda torch, a, b: torch.where(a > 1, a, b),
    "cat": lambda torch, a, b: torch.cat([a.reshape(-1), b.reshape(-1)]),
    "stack": lambda torch, a, b: torch.stack([a.reshape(-1)[:1], b.reshape(-1)[:1]]),
    "addcmul": lambda torch, a, b: torch.addcmul(a, a, b),
    "result_type": lambda torch, a, b: torch.result_type(a, b),
    "add_": lambda torch, a, b: a.clone().add_(b),
    "div_": lambda torch, a, b: a.clone().div_(b),
    "setitem": lambda torch, a, b: _set(a.reshape(-1).clone(), b),
}


def _set(a, b):
    a[:1] = b.reshape(-1)[:1]
    return a


def _values(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 2, dtype)


@pytest.mark.parametrize("name", [*OPERATIONS, *NAMED])
@pytest.mark.parametrize("second", TYPES)
@pytest.mark.parametrize("first", TYPES)
def test_two_tensors(first, second, name):
    call = NAMED.get(name) or (lambda torch, a, b: OPERATIONS[name](a, b))
    if name == "addcmul" and first == second == "bool":
        pytest.skip("PyTorch has no addcmul of bool tensors")
    for shapes in ((3,), (3,)), ((3,), ()), ((), (3,)), ((), ()):
        a, b = _values(first, shapes[0]), _values(second, shapes[1])
        agree(lambda torch, a, b: call(torch, a.detach(), b.detach()), a, b, **SMALL)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("number", [True, 2, 2.5])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_number_on_either_side(dtype, number, name):
    if dtype == "bool" and name == "pow":
        pytest.skip("of all exponents PyTorch lets bool tensors have 1 alone")
    for shape in ((3,), ()):
        for call in (
            lambda torch, a: OPERATIONS[name](a.detach(), number),
            lambda torch, a: OPERATIONS[name](number, a.detach()),
        ):
            agree(call, _values(dtype, shape), **SMALL)


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "sum", "prod", "cumsum", "sign", "neg"])
@pytest.mark.parametrize("dtype", TYPES)
def test_one_tensor(dtype, name):
    call = lambda torch, a: getattr(torch, name)(a.detach(), *([0] if name == "cumsum" else []))  # noqa: E731
    agree(call, _values(dtype, (3,)), **SMALL)


@pytest.mark.parametrize("default", ["float16", "float64"])
def test_the_default_type_counts_for_python_floats_and_integers(default):
    tg.set_default_dtype(getattr(tg, default))
    wanted = getattr(tg, default)
    assert tg.tensor(1.5).dtype is wanted
    assert tg.tensor([1, 2]).exp().dtype is wanted
    assert (tg.tensor([1, 2]) + 0.5).dtype is wanted
    assert (tg.tensor([1.0], dtype=tg.float32) + 0.5).dtype is tg.float32


numbers = st.integers(-300, 300) | st.floats(-300, 300, width=16)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TYPES), numbers)
def test_numbers_keep_the_type_of_floating_tensors(dtype, number):
    x = tg.ones(2, dtype=getattr(tg, dtype) if dtype != "bool" else tg.bool)
    result = x * number
    floating = isinstance(number, float) and not x.is_floating_point()
    assert result.dtype is (tg.float32 if floating else tg.int64 if dtype == "bool" else x.dtype)
