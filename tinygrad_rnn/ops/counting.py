"""Counting how often values occur, and finding them in sorted or given ones."""

from __future__ import annotations

import math
import operator
from typing import Any

from ..autograd import Variable
from ..backends import backend_of
from ..dtypes import int32, int64
from .checking import refusing
from .comparison import eq
from .conversion import cast, result_type
from .reduction import any, sum
from .shape import new_sizes, reshape, shape_of, unsqueeze


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, ... occurs in a vector of integers (or the sum of its weights): a
    vector up to the largest one, or of minlength if that is more. Sums are float32 for float32
    weights, else float64.

    Raises RuntimeError for other shapes and dtypes, and for negative integers.

    >>> torch.bincount(torch.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    array = input._array
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and int(array.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and shape_of(weights) != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    least = int(operator.index(minlength))
    if least < 0:
        raise RuntimeError("minlength should be >= 0")
    xp: Any = backend_of(array)
    if weights is None:
        return input._wrap(xp.bincount(array, None, least))
    sums = xp.bincount(array, weights._array, least)
    narrow = weights._array.dtype == "float32" and array.size  # of nothing there are int64 zeros
    return input._wrap(sums.astype("float32") if narrow else sums)


_check_histc = refusing("histogram_cpu", "biu")


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements lie in each of `bins` equal parts of [min, max], (bins), in the input's
    dtype; from the smallest to the largest element if min and max are equal.

    >>> torch.histc(torch.tensor([0.0, 1.0, 1.0, 4.0]), bins=4, min=0, max=4)
    tensor([1., 2., 0., 1.])
    """
    _check_histc((input,))
    array = input._array.reshape(-1)
    xp: Any = backend_of(array)
    bins = int(operator.index(bins))
    min, max = (x.item() if isinstance(x, Variable) else x for x in (min, max))
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    new_sizes((bins,))
    if min == max and array.size:
        min, max = array.min(), array.max()
    if min == max:
        min, max = min - 1, max + 1
    if not min < max or not math.isfinite(float(max - min)):
        raise RuntimeError(
            f"histc: range of [{min}, {max}] must be finite, and max larger than min"
        )
    inside = array[(array >= min) & (array <= max)]
    place = ((inside - min) / (max - min) * bins).astype(int64.array)
    counts = xp.bincount(xp.minimum(place, bins - 1), None, bins)
    return input._wrap(counts.astype(array.dtype))


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Any = None,
) -> Any:  # fmt: skip
    """Where, in input's shape, to insert its values (..., m) into rising sequences (..., n), or of
    any shape into one (n), so that they stay so: in front of equal elements, or behind them with
    right=True (or side="right").

    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4]), right=True)
    tensor([2, 2])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("side and right can't be set to opposites, got side of left and right")
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    kind = result_type(sorted_sequence, input)
    values = input if isinstance(input, Variable) else sorted_sequence.new_tensor(input, dtype=kind)
    lines, shape = shape_of(sorted_sequence), shape_of(values)
    if len(lines) != 1 and (isinstance(input, float | int) or lines[:-1] != shape[:-1]):
        raise RuntimeError(
            "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(lines)} "
            f"and input value tensor {list(shape)}"
        )
    sequence, values = cast(sorted_sequence, kind), cast(values, kind)
    behind = right or side == "right"
    if len(lines) == 1:
        xp: Any = backend_of(sequence._array)
        found = xp.searchsorted(sequence._array, values._array, "right" if behind else "left")
        result = values._wrap(xp.asarray(found))
    else:
        each, others = unsqueeze(values, -1), unsqueeze(sequence, -2)
        result = sum(others <= each if behind else others < each, -1)
    return cast(result, int32 if out_int32 else int64)


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The number of the bucket between rising boundaries, a vector, that each element falls into,
    in input's shape; what is on a boundary belongs to the lower one, or with right=True to the
    upper one.

    >>> torch.bucketize(torch.tensor([1, 4, 9]), torch.tensor([2, 4, 6]))
    tensor([0, 1, 3])
    """
    if len(shape_of(boundaries)) != 1:
        raise RuntimeError(
            f"bucketize: boundaries must be 1 dimension, got {len(shape_of(boundaries))}"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Any:
    """Whether each element (of a tensor of any shape, or a number) occurs among test_elements.

    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    found: Any
    for given in (elements, test_elements):
        if isinstance(given, Variable) and given._array.dtype.kind == "b":
            raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    if not isinstance(test_elements, Variable):
        found = eq(elements, test_elements)
    elif not isinstance(elements, Variable):
        found = any(eq(test_elements, elements))
    else:
        found = any(eq(unsqueeze(elements, -1), reshape(test_elements, (-1,))), -1)
    return ~found if invert else found
