"""Data types: names, promotion, limits, and what passes for a dtype."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import dtypes

from .both import t as t

NAMES = [d.name for d in dtypes.ALL]


@pytest.mark.parametrize("name", NAMES)
def test_one_dtype(t, name):
    d = getattr(t, name)
    assert repr(d) == str(d) == f"torch.{name}" and isinstance(d, t.dtype)
    assert d.itemsize == np.dtype(name).itemsize and t.ones(2, dtype=d).dtype is d
    assert d.is_floating_point == name.startswith("float") and not d.is_complex
    assert d.is_signed == (name not in ("uint8", "bool"))
    for same in (copy.copy(d), copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        assert same is d


def test_second_names(t):
    pairs = [("float", "float32"), ("double", "float64"), ("half", "float16"), ("long", "int64")]
    for name, of in [*pairs, ("int", "int32"), ("short", "int16")]:
        assert getattr(t, name) is getattr(t, of)


def test_promotion_is_pytorchs():
    torch = pytest.importorskip("torch", reason="compares with PyTorch: not installed")
    for a, b in itertools.product(NAMES, repeat=2):
        expected = torch.promote_types(getattr(torch, a), getattr(torch, b))
        assert str(tg.promote_types(getattr(tg, a), getattr(tg, b))) == str(expected), (a, b)
        assert tg.can_cast(getattr(tg, a), getattr(tg, b)) == torch.can_cast(
            getattr(torch, a), getattr(torch, b)
        ), (a, b)


def test_promotion(t):
    assert t.promote_types(t.int64, t.float16) is t.float16
    assert t.promote_types(t.uint8, t.int8) is t.int16
    assert t.promote_types(t.float32, t.float64) is t.float64
    assert t.can_cast(t.int32, t.float32) and not t.can_cast(t.float32, t.int32)


def test_the_default_dtype(t):
    assert t.get_default_dtype() is t.float32
    try:
        t.set_default_dtype(t.float64)
        assert t.ones(1).dtype is t.tensor(1.5).dtype is t.float64 and t.finfo().bits == 64
        assert (t.ones(1, dtype=t.int64) / 2).dtype is t.float64
    finally:
        t.set_default_dtype(t.float32)
    for wrong in (t.int32, "float64"):
        with pytest.raises(
            TypeError, match="only floating-point types are supported as the defaul"
        ):
            t.set_default_dtype(wrong)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_limits_of_floats(t, name):
    info, expected = t.finfo(getattr(t, name)), np.finfo(name)
    assert info.resolution == 10.0**-expected.precision
    for limit in ("bits", "eps", "max", "min", "tiny", "smallest_normal"):
        assert getattr(info, limit) == pytest.approx(float(getattr(expected, limit)))
    assert info.dtype == name and repr(info).startswith("finfo(resolution=0.001, min=-65504, ") == (
        name == "float16"
    )
    with pytest.raises(TypeError, match="finfo"):
        t.finfo(t.int32)


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_limits_of_integers(t, name):
    info, expected = t.iinfo(getattr(t, name)), np.iinfo(name)
    assert (info.min, info.max, info.bits) == (expected.min, expected.max, expected.bits)
    assert info.dtype == name and repr(info).startswith("iinfo(min=")
    with pytest.raises(TypeError, match="iinfo"):
        t.iinfo(t.float32)


def test_what_passes_for_a_dtype():
    assert dtypes.as_dtype(tg.int8) is tg.int8 and dtypes.as_dtype(tg.LongTensor) is tg.int64
    assert [dtypes.as_dtype(kind) for kind in (float, int, bool)] == [tg.float64, tg.int64, tg.bool]
    assert dtypes.as_dtype("torch.HalfTensor") is tg.float16
    for wrong in ("float32", 3, str, np.float32):
        with pytest.raises(TypeError, match=r"expected a dtype such as torch.float32, got"):
            dtypes.as_dtype(wrong)


def test_arrays_of_other_types():
    with pytest.raises(TypeError, match="can't convert an array of type complex64"):
        tg.tensor(np.ones(2, "complex64"))
    with pytest.raises(TypeError, match="can't convert an array of type"):
        dtypes.of_array(np.dtype("uint16"))
