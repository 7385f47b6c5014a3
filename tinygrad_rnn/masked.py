"""Reductions and normalizations of the elements that a mask selects, under ``torch.masked``.

A mask is a bool tensor that broadcasts to the input's shape: its True elements take part. The
others count as the number that changes nothing: 0 in a sum, 1 in a product, -inf in a maximum.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import dtypes
from .autograd import hints
from .dtypes import dtype as DType
from .ops import (
    choice,
    conversion,
    cumulative,
    elementwise,
    exponentials,
    norms,
    order,
    reduction,
    softmax as softmaxes,
    sorting,
)

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]  # fmt: skip

Dims = int | Sequence[int] | None


def _mask(input: Any, mask: Any) -> Any:
    """The mask in the input's shape. Raises IndexError if it has more dimensions."""
    if mask.dim() > input.dim():
        raise IndexError(
            "_input_mask expected broadcastable mask (got mask dimensionality higher than of the "
            f"input: {mask.dim()} and {input.dim()})"
        )
    return conversion.cast(mask, dtypes.bool_).expand(input.shape)


def _filled(input: Any, mask: Any, neutral: float) -> Any:
    """The input with the neutral number in place of what the mask leaves out."""
    return input if mask is None else choice.where(_mask(input, mask), input, neutral)


def _lowest(input: Any) -> float:
    """The number that no maximum has need of."""
    kind = input.dtype
    if kind is dtypes.bool_:
        raise NotImplementedError("the smallest and the largest of bools are not implemented")
    return -math.inf if kind.is_floating_point else dtypes.iinfo(kind).min


def _highest(input: Any) -> float:
    return -_lowest(input) if input.is_floating_point() else dtypes.iinfo(input.dtype).max


def _dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """The dimensions from the left, in order; all if none is named. Raises RuntimeError for one
    that is named twice, IndexError for one that the input does not have."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    limit, found = max(ndim, 1), set()
    for d in (dim,) if isinstance(dim, int) else dim:
        if not -limit <= d < limit:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but "
                f"got {d})"
            )
        if d % limit in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        found.add(d % limit)
    return tuple(sorted(found))


def _total(kind: DType) -> DType:
    """The dtype of sums and products."""
    return kind if kind.is_floating_point else dtypes.int64


# ----- reductions -----


def sum(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The sum of the elements of the mask, over all dimensions or those named; 0 where there are
    none. Integers give int64. Raises IndexError for a mask of more dimensions than the input.

    >>> torch.masked.sum(torch.tensor([1, 2, 4]), mask=torch.tensor([True, False, True]))
    tensor(5)
    """
    filled = conversion.cast(_filled(input, mask, 0), dtype or _total(input.dtype))
    return reduction.sum(filled, _dims(dim, input.dim()), bool(keepdim))


def prod(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The product of the elements of the mask; 1 where there are none. See `torch.masked.sum`.

    >>> torch.masked.prod(torch.tensor([1, 2, 4]), mask=torch.tensor([True, False, True]))
    tensor(4)
    """
    result = conversion.cast(_filled(input, mask, 1), dtype or _total(input.dtype))
    for d in reversed(_dims(dim, input.dim())):
        result = reduction.prod(result, d, bool(keepdim))
    return result


def amax(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The largest element of the mask, over all dimensions or those named; the lowest number of the
    dtype where there is none.

    >>> torch.masked.amax(torch.tensor([1, 4, 2]), mask=torch.tensor([True, False, True]))
    tensor(2)
    """
    filled = _filled(input, mask, _lowest(input))
    return conversion.cast(
        order.amax(filled, _dims(dim, input.dim()), bool(keepdim)), dtype or input.dtype
    )


def amin(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The smallest element of the mask, over all dimensions or those named; the highest number of
    the dtype where there is none.

    >>> torch.masked.amin(torch.tensor([1, 4, 2]), mask=torch.tensor([False, True, True]))
    tensor(2)
    """
    filled = _filled(input, mask, _highest(input))
    return conversion.cast(
        order.amin(filled, _dims(dim, input.dim()), bool(keepdim)), dtype or input.dtype
    )


def argmax(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Any = None,
) -> Any:  # fmt: skip
    """Where the largest element of the mask is, along a dimension or in the flattened input: in the
    dtype of the input, as PyTorch has it, unless there is another one.

    >>> torch.masked.argmax(torch.tensor([1, 4, 2]), mask=torch.tensor([True, False, True]))
    tensor(2)
    """
    filled = _filled(input, mask, _lowest(input))
    return conversion.cast(order.argmax(filled, dim, bool(keepdim)), dtype or input.dtype)


def argmin(
    input: Any, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Any = None,
) -> Any:  # fmt: skip
    """Where the smallest element of the mask is; see `torch.masked.argmax`.

    >>> torch.masked.argmin(torch.tensor([1, 4, 2]), mask=torch.tensor([False, True, True]))
    tensor(2)
    """
    filled = _filled(input, mask, _highest(input))
    return conversion.cast(order.argmin(filled, dim, bool(keepdim)), dtype or input.dtype)


def _counted(input: Any, dim: tuple[int, ...], keepdim: bool, mask: Any) -> Any:
    chosen = input.new_ones(input.shape, dtype=dtypes.bool_) if mask is None else _mask(input, mask)
    return reduction.sum(chosen, dim, keepdim)


def mean(
    input: Any, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The mean of the elements of the mask, over all dimensions or those named; nan where there are
    none. Raises ValueError for integers, unless there is a floating dtype.

    >>> torch.masked.mean(torch.tensor([1.0, 2.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(2.5000)
    """
    kind = dtype or input.dtype
    if not kind.is_floating_point:
        source = "Optional" if dtype else "Input"
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point "
            f"or complex dtype. Got: {kind}"
        )
    dims = _dims(dim, input.dim())
    count = _counted(input, dims, bool(keepdim), mask)
    return sum(input, dims, keepdim=keepdim, dtype=kind, mask=mask) / count


def median(
    input: Any, dim: int = -1, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The median of the elements of the mask along a dimension, the lower one of two; nan where
    there are none. Raises ValueError for that if the input has integers.

    >>> torch.masked.median(torch.tensor([1.0, 9.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(1.)
    """
    (d,) = _dims(dim, max(input.dim(), 1))
    wide = input if input.is_floating_point() else conversion.cast(input, dtypes.float32)
    found = sorting.nanmedian(_filled(wide, mask, math.nan), d, keepdim)[0]
    if input.is_floating_point():
        return found
    if bool(found.isnan().any()):
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return conversion.cast(found, dtype or input.dtype)


def logsumexp(
    input: Any, dim: Dims = None, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The logarithm of the sum of the exponentials of the elements of the mask, over all dimensions
    or those named; -inf where there are none.

    >>> torch.masked.logsumexp(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor(0.6931)
    """
    filled = _filled(input, mask, _lowest(input))
    result = exponentials.logsumexp(filled, _dims(dim, input.dim()), keepdim)
    return conversion.cast(result, dtype or input.dtype)


def norm(
    input: Any, ord: float | None = 2.0, dim: Dims = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Any = None,
) -> Any:  # fmt: skip
    """The vector norm of the elements of the mask, of an order that `torch.linalg.vector_norm`
    has, over all dimensions or those named.

    >>> torch.masked.norm(torch.tensor([3.0, 9.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(5.)
    """
    filled = _filled(input, mask, math.inf if ord == -math.inf else 0)
    dims = _dims(dim, input.dim())
    kind = dtype or input.dtype
    return norms.vector_norm(filled, 2.0 if ord is None else ord, dims, bool(keepdim), dtype=kind)


def var(
    input: Any, dim: Dims = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The variance of the elements of the mask, over all dimensions or those named: the squares are
    divided by their number less the correction, which is 1, or 0 with unbiased=False. Of integers
    it is in float32.

    >>> torch.masked.var(torch.tensor([1.0, 9.0, 3.0]), mask=torch.tensor([True, False, True]))
    tensor(2.)
    """
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1.0 if unbiased or unbiased is None else 0.0
    kind = dtype or (input.dtype if input.is_floating_point() else dtypes.float32)
    wide = kind if kind.is_floating_point else dtypes.float32
    dims = _dims(dim, input.dim())
    total = sum(input, dims, keepdim=True, dtype=kind, mask=mask)
    distance = input - total / _counted(input, dims, True, mask)
    squares = sum(distance * distance, dims, keepdim=keepdim, dtype=wide, mask=mask)
    count = conversion.cast(_counted(input, dims, bool(keepdim), mask), wide)
    return conversion.cast(squares / (count - correction).clamp(min=0), kind)


def std(
    input: Any, dim: Dims = None, unbiased: bool | None = None, *,
    correction: int | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The root of the variance of the elements of the mask; see `torch.masked.var`.

    >>> torch.masked.std(torch.tensor([1.0, 9.0, 5.0]), mask=torch.tensor([True, False, True]))
    tensor(2.8284)
    """
    found = var(
        input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask
    )
    return elementwise.sqrt(found)


# ----- of the same shape -----


def _along(
    function: Callable[..., Any], input: Any, dim: int, dtype: DType | None, mask: Any,
    neutral: float,
) -> Any:  # fmt: skip
    """A function along a dimension, in the dtype, or in the input's."""
    (d,) = _dims(dim, max(input.dim(), 1))
    return function(_filled(input, mask, neutral), d, dtype=dtype or input.dtype)


def cumsum(input: Any, dim: int, *, dtype: DType | None = None, mask: Any = None) -> Any:
    """The sums, along a dimension, of the elements of the mask up to each.

    >>> torch.masked.cumsum(torch.tensor([1, 2, 4]), 0, mask=torch.tensor([True, False, True]))
    tensor([1, 1, 5])
    """
    return _along(cumulative.cumsum, input, dim, dtype, mask, 0)


def cumprod(input: Any, dim: int, *, dtype: DType | None = None, mask: Any = None) -> Any:
    """The products, along a dimension, of the elements of the mask up to each.

    >>> torch.masked.cumprod(torch.tensor([3, 2, 4]), 0, mask=torch.tensor([True, False, True]))
    tensor([ 3,  3, 12])
    """
    return _along(cumulative.cumprod, input, dim, dtype, mask, 1)


def softmax(input: Any, dim: int, *, dtype: DType | None = None, mask: Any = None) -> Any:
    """The softmax of the elements of the mask along a dimension, and 0 for the others; nan where
    there are none.

    >>> torch.masked.softmax(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    return _along(exponentials.softmax, input, dim, dtype, mask, _lowest(input))


def log_softmax(input: Any, dim: int, *, dtype: DType | None = None, mask: Any = None) -> Any:
    """The logarithm of `torch.masked.softmax` along a dimension.

    >>> torch.masked.log_softmax(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([-0.6931,    -inf, -0.6931])
    """
    return _along(exponentials.log_softmax, input, dim, dtype, mask, _lowest(input))


def softmin(input: Any, dim: int, *, dtype: DType | None = None, mask: Any = None) -> Any:
    """The softmax of the elements of the mask with the other sign, along a dimension.

    >>> torch.masked.softmin(torch.zeros(3), 0, mask=torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    return _along(softmaxes.softmin, input, dim, dtype, mask, _highest(input))


def normalize(
    input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: DType | None = None,
    mask: Any = None,
) -> Any:  # fmt: skip
    """The elements of the mask divided by their norm along a dimension, or by eps if that is
    larger; 0 for the others.

    >>> torch.masked.normalize(torch.tensor([3.0, 9.0]), 1, 0, mask=torch.tensor([True, False]))
    tensor([1., 0.])
    """
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / length.clamp(min=eps)


def logaddexp(
    input: Any, other: Any, *, dtype: DType | None = None, input_mask: Any = None,
    other_mask: Any = None,
) -> Any:  # fmt: skip
    """log(exp(input) + exp(other)), elementwise, where what a mask leaves out counts as -inf.

    >>> one = torch.zeros(2)
    >>> torch.masked.logaddexp(one, one, other_mask=torch.tensor([True, False]))
    tensor([0.6931, 0.0000])
    """
    a = _filled(input, input_mask, _lowest(input))
    b = _filled(other, other_mask, _lowest(other))
    return conversion.cast(elementwise.logaddexp(a, b), dtype or input.dtype)


hints.tell(sys.modules[__name__])  # errors of all of these name wrong arguments
