"""Functions that the NumPy backend computes in a way of its own: they give what NumPy's give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_rnn.backends import numpy_backend as xp

pytestmark = pytest.mark.cpu("NumPy as a backend")

SHAPES = [  # of the condition and of the two choices
    ((40, 50), (40, 50), (40, 50)),
    ((40, 50), (50,), ()),
    ((2000,), (), (2000,)),
    ((40, 1, 50), (2, 1), (40, 2, 50)),
    ((40, 50), (), ()),
    ((0, 50), (0, 50), ()),
    ((4, 5), (4, 5), (4, 5)),
    ((40, 1), (40, 50), (40, 50)),
]
TYPES = ["?", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c16"]


def values(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    result = np.asarray(np.random.default_rng(seed).standard_normal(shape) * 100)
    if dtype[0] in "fc" and result.size > 2:
        result.flat[:3] = np.nan, np.inf, -0.0
    return result.astype(dtype)


def same_bits(result: Any, expected: Any) -> None:
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_where(dtype, shapes):
    condition = values(shapes[0], "f8", 0) > 0
    for other in (dtype, "i4", "f4"):
        x, y = values(shapes[1], dtype, 1), values(shapes[2], other, 2)
        same_bits(xp.where(condition, x, y), np.where(condition, x, y))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("number", [0, 1, 0.0, -0.0, 0.5, True, float("inf"), float("nan")])
def test_where_of_a_number(dtype, number):
    condition, x = values((60, 40), "f8", 0) > 0, values((40, 60), dtype, 1).T  # not contiguous
    for choices in ((x, number), (number, x)):
        same_bits(xp.where(condition, *choices), np.where(condition, *choices))


def test_where_keeps_its_inputs_and_makes_memory_of_its_own():
    condition, x = values((60, 40), "f8", 0) > 0, values((60, 40), "f4", 1)
    before = condition.copy(), x.copy()
    for y in (0, x):
        result = xp.where(condition, x, y)
        assert result.base is None
        result += 1
    same_bits(condition, before[0])
    same_bits(x, before[1])


@pytest.mark.parametrize(
    "condition", [np.arange(2000) % 3, np.arange(2000.0), True, np.bool_(False), [True] * 2000]
)
def test_where_of_other_conditions(condition):
    same_bits(xp.where(condition, 1.5, 2), np.where(condition, 1.5, 2))
    same_bits(xp.where(np.atleast_1d(condition))[0], np.where(np.atleast_1d(condition))[0])


@pytest.mark.parametrize("dtype", ["i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("bounds", [(0, None), (None, 3), (-1, 5)])
def test_clip(dtype, bounds):
    x = values((50, 3), dtype, 0)
    expected = np.clip(x, *bounds)
    result = xp.clip(x, *bounds)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)
    assert xp.clip(x, *bounds, out=x) is x
    same_bits(x, result)


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize(
    "shapes",
    [((3, 4), (4, 2)), ((1, 0), (0, 2)), ((70, 70), (70, 70)), ((2, 3, 4), (4, 2))],
    ids=str,
)
def test_matmul(dtype, shapes):
    a, b = (np.nan_to_num(values(shape, "f8", i), posinf=9) for i, shape in enumerate(shapes))
    a, b = (np.abs(x / 50).astype(dtype) for x in (a, b))
    for x, y in ((a, b), (np.asfortranarray(a), np.repeat(b, 2, -1)[..., ::2])):
        result, expected = xp.matmul(x, y), np.matmul(x, y)
        assert result.dtype == expected.dtype and result.flags.c_contiguous
        np.testing.assert_allclose(result, expected, rtol=1e-5 if dtype == "f4" else 1e-12)
        out = np.empty_like(expected)
        assert xp.matmul(x, y, out=out) is out
        same_bits(out, result)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 1), (2, 3)])
@pytest.mark.parametrize("target", [(), (1,), (0,), (2, 3), (4, 2, 3), (2, 0), (3,)])
def test_broadcast_to(shape, target):
    array = values(shape, "f4", 0)
    try:
        expected = np.broadcast_to(array, target)
    except ValueError:
        with pytest.raises(ValueError, match=r"broadcast|remapping"):
            xp.broadcast_to(array, target)
        return
    result = xp.broadcast_to(array, target)
    same_bits(result, expected)
    assert result.flags.writeable and result.strides == expected.strides
    assert np.shares_memory(result, array) == bool(result.size)
    array.flags.writeable = False
    assert not xp.broadcast_to(array, target).flags.writeable
