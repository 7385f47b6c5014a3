"""Values and dtypes that operations refuse, with PyTorch's kinds of errors."""

import operator
from collections import deque

import pytest

from ..both import t as t


class Sequence:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return [3, 4][index]


NOT_INFERRED = "Could not infer dtype of"
DATA = {
    "None": (None, RuntimeError, f"{NOT_INFERRED} NoneType"),
    "in a list": ([None], RuntimeError, f"{NOT_INFERRED} NoneType"),
    "beside numbers": ([[1, None]], RuntimeError, f"{NOT_INFERRED} NoneType"),
    "a dict": ({}, RuntimeError, f"{NOT_INFERRED} dict"),
    "dicts": ([{}], RuntimeError, f"{NOT_INFERRED} dict"),
    "an object": (object(), RuntimeError, f"{NOT_INFERRED} object"),
    "a set": ({1}, RuntimeError, f"{NOT_INFERRED} set"),
    "a generator": ((i for i in "12"), RuntimeError, f"{NOT_INFERRED} generator"),
    "a string": ("a", TypeError, "invalid data type 'str'"),
    "no string": ([""], TypeError, "invalid data type 'str'"),
    "bytes": ([b"a"], TypeError, "invalid data type 'bytes'"),
    "strings": (["a", 1], ValueError, "too many dimensions 'str'"),
    "strings inside": ([["ab"]], ValueError, "too many dimensions 'str'"),
    "a later string": ([1, "a"], TypeError, "invalid data type 'str'"),
    "depths": ([[1], [[2]]], TypeError, None),
    "numbers and lists": ([[1], 2], TypeError, None),
    "ragged": ([[1, 2], [3]], ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
    "too long": ([2**63], ValueError, "Overflow when unpacking long long"),
}


@pytest.mark.parametrize("data, error, words", DATA.values(), ids=DATA)
def test_data_that_are_no_numbers(t, data, error, words):
    with pytest.raises(error, match=words):
        t.tensor(data)
    with pytest.raises(error, match=words):
        t.as_tensor(data)


@pytest.mark.parametrize("data", [None, [None], {}, ["a"], "a"])
def test_data_that_are_no_numbers_in_a_dtype(t, data):
    with pytest.raises((TypeError, ValueError)):
        t.tensor(data, dtype=t.float32)


def test_data_of_other_sequences(t):
    for data in (deque([3, 4]), Sequence(), range(3, 5)):
        assert t.tensor(data).tolist() == [3, 4]
    assert t.tensor([range(2), deque([5, 6])]).tolist() == [[0, 1], [5, 6]]


def test_numbers_that_a_dtype_does_not_have(t):
    assert t.tensor([-1, -255, 255], dtype=t.uint8).tolist() == [255, 1, 255]
    for number in (256, -256, float("inf")):
        with pytest.raises(RuntimeError, match="without overflow"):
            t.tensor([number], dtype=t.uint8)
    for dtype, number in ((t.int8, 128), (t.int8, -129), (t.int32, 2**31)):
        with pytest.raises(RuntimeError, match="without overflow"):
            t.tensor([number], dtype=dtype)
    with pytest.raises(RuntimeError, match="without overflow"):
        t.tensor(float("inf"), dtype=t.int64)


def test_bits_of_floating_numbers(t):
    x = t.ones(2)
    with pytest.raises(TypeError, match=r"~ .* is only implemented on integer and Boolean-type"):
        operator.invert(x)
    for call in (x.bitwise_not, lambda: x & 1, lambda: 1 | x, lambda: x ^ x, lambda: x << 1):
        with pytest.raises(NotImplementedError, match="not implemented for"):
            call()


def test_a_number_is_shifted_by_tensors(t):
    by = t.tensor([0, 3])
    assert (1 << by).tolist() == [1, 8] and (8 >> by).tolist() == [8, 1]


def test_differences_of_bools(t):
    mask, x, i = t.tensor([True, False]), t.ones(2), t.tensor([1, 2])
    for call in (lambda: mask - mask, lambda: t.sub(mask, mask)):
        with pytest.raises(RuntimeError, match="with two bool tensors is not supported"):
            call()
    calls = (
        lambda: 1 - mask, lambda: mask - 1.0, lambda: x - mask, lambda: mask - i, lambda: i - True,
        lambda: t.rsub(mask, 1), lambda: x.sub(mask), lambda: x.clone().sub_(mask),
        lambda: t.sub(mask, 1, alpha=2), lambda: x - t.tensor(True),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(RuntimeError, match="with a bool tensor is not supported"):
            call()


def test_types_by_name(t):
    x = t.ones(2)
    assert x.type("torch.LongTensor").dtype is t.int64 and x.type(t.ByteTensor).dtype is t.uint8
    for name in ("torch.Nope", "float32", "LongTensor", ""):
        with pytest.raises(ValueError, match="invalid type"):
            x.type(name)
    with pytest.raises(TypeError, match="dtype"):
        x.type(3)


def test_seeds(t):
    state = t.get_rng_state()
    try:
        for seed, expected in (("3", 3), (3.7, 3), (True, 1), (t.tensor(4), 4)):
            assert t.manual_seed(seed).initial_seed() == expected
        with pytest.raises(ValueError, match="'a'"):
            t.manual_seed("a")
        with pytest.raises(TypeError, match="None"):
            t.manual_seed(None)
        with pytest.raises(ValueError, match="'a'"):
            t.cuda.manual_seed_all("a")
    finally:
        t.set_rng_state(state)


def test_softmax_of_integers(t):
    with pytest.raises(NotImplementedError, match="not implemented for"):
        t.tensor([1, 2]).softmax(0)
