"""assert_close finds what differs, and says where, in PyTorch's words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .both import t as t

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "values",
    [
        lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0]) + 1e-6),
        lambda t: ({"a": [t.ones(2), 1.0]}, OrderedDict(a=(t.ones(2), 1.0))),
        lambda t: (t.tensor([INF, 1.0]), t.tensor([INF, 1.0])),
        lambda t: (t.tensor([]), t.tensor([])),
        lambda t: (t.nn.Parameter(t.ones(1)), t.ones(1)),
        lambda t: (np.ones(2), np.ones(2)),
        lambda t: (np.float64(1.0), 1.0 + 1e-9),
        lambda t: (None, None),
        lambda t: (True, True),
        lambda t: (t.tensor([True]), t.tensor([True])),
    ],
)
def test_what_is_close(t: Any, values: Callable[[Any], tuple[Any, Any]]):
    t.testing.assert_close(*values(t))


@pytest.mark.parametrize(
    "values, options, message",
    [
        (lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 3.0])), {},
         "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
         "Greatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)\n"
         "Greatest relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)"),
        (lambda t: (t.tensor([[1, 2], [3, 4]]), t.tensor([[1, 2], [3, 5]])), {},
         "Tensor-likes are not equal!\n\nMismatched elements: 1 / 4 (25.0%)\n"
         "Greatest absolute difference: 1 at index (1, 1)\n"
         "Greatest relative difference: 0.20000000298023224 at index (1, 1)"),
        (lambda t: (t.tensor(1.0), t.tensor(2.0)), {"rtol": 0.0, "atol": 0.5},
         "Scalars are not close!\n\nExpected 2.0 but got 1.0.\n"
         "Absolute difference: 1.0 (up to 0.5 allowed)\n"
         "Relative difference: 0.5 (up to 0.0 allowed)"),
        (lambda t: (1, 2), {},
         "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\n"
         "Relative difference: 0.5"),
        (lambda t: (t.tensor([NAN]), t.tensor([NAN])), {},
         "Tensor-likes are not close!\n\nMismatched elements: 1 / 1 (100.0%)\n"
         "Greatest absolute difference: nan at index (0,) (up to 1e-05 allowed)\n"
         "Greatest relative difference: nan at index (0,) (up to 1.3e-06 allowed)"),
        (lambda t: (t.tensor([True]), t.tensor([False])), {},
         "Tensor-likes are not equal!\n\nMismatched elements: 1 / 1 (100.0%)\n"
         "Greatest absolute difference: 1 at index (0,)\n"
         "Greatest relative difference: inf at index (0,)"),
        (lambda t: (True, False), {}, "Booleans mismatch: True is not False"),
        (lambda t: (None, 1), {}, "None mismatch: None is not 1"),
        (lambda t: (1, 1.0), {},
         "The (d)types do not match: <class 'int'> != <class 'float'>."),
        (lambda t: ([1, 2], [1]), {}, "The length of the sequences mismatch: 2 != 1"),
        (lambda t: ({"a": 1}, {"b": 1}), {},
         "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
         "Additional keys in the actual mapping: ['a']"),
        (lambda t: ({"a": [1, 1]}, {"a": [1, 2]}), {},
         "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\n"
         "Relative difference: 0.5\n\nThe failure occurred for item ['a'][1]"),
        (lambda t: (t.ones(1), t.ones(2)), {},
         "The values for attribute 'shape' do not match: torch.Size([1]) != torch.Size([2])."),
        (lambda t: (t.ones(1), t.tensor([1])), {},
         "The values for attribute 'dtype' do not match: torch.float32 != torch.int64."),
        (lambda t: (t.ones(2, 3).T, t.ones(3, 2)), {"check_stride": True},
         "The values for attribute 'stride()' do not match: (1, 3) != (2, 1)."),
        (lambda t: (1.0, 2.0), {"msg": "mine"}, "mine"),
        (lambda t: (True, False), {"msg": "mine: {}".format},
         "mine: Booleans mismatch: True is not False"),
    ],
    ids=range(17),
)  # fmt: skip
def test_differences_are_found(
    t: Any, values: Callable[[Any], tuple[Any, Any]], options: dict[str, Any], message: str
):
    with pytest.raises(AssertionError) as caught:
        t.testing.assert_close(*values(t), **options)
    assert str(caught.value) == message


def test_options(t: Any):
    close = t.testing.assert_close
    close(t.tensor([1.0]), t.tensor([1]), check_dtype=False)
    close(1.0, 1.1, rtol=0.2, atol=0.0)
    close(NAN, t.tensor(NAN).item(), equal_nan=True)
    half = t.ones(2, dtype=t.float16)
    close(half, half.float() * 1.0009, check_dtype=False)
    with pytest.raises(ValueError, match=r"Both 'rtol' and 'atol' .* but got no atol\."):
        close(1.0, 1.0, rtol=1e-3)
    for pair in ((1.0, t.tensor(1.0)), (t.ones(1), [1.0]), ("a", "a"), (np.ones(1), t.ones(1))):
        with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
            close(*pair)
    with pytest.raises(TypeError, match="No comparison pair"):
        close(t.nn.Parameter(t.ones(1)), t.ones(1), allow_subclasses=False)
