"""Along a dimension, with what came before: running sums, products, extremes; differences."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of, packed
from ..dtypes import bool_, dtype, float16, float32, int64
from . import return_types
from .arithmetic import sub
from .choice import where
from .comparison import logical_xor
from .conversion import cast
from .elementwise import logaddexp
from .gathering import picked
from .joining import cat, stack
from .names import second_names
from .rearranging import contiguous
from .reduction import accumulated, eye_like
from .return_types import ValuesIndices
from .shape import reshape, shape_of, wrap_dim
from .splitting import narrow, unbind

# ----- sums and products -----


@primitive
def _cumsum(xp: Backend, input: Array, *, dim: int, reverse: bool) -> Array:
    if reverse:
        return xp.flip(_cumsum(xp.flip(input, dim), dim=dim, reverse=False), dim)
    if input.dtype == float16.array:  # summed in float32, rounded once
        return xp.cumsum(input, dim, float32.array).astype(input.dtype)
    return packed(xp.cumsum(input, dim, input.dtype))


@primitive
def _cumprod(xp: Backend, input: Array) -> Array:
    if input.dtype == float16.array:  # multiplied in float32, rounded once
        return xp.cumprod(input, -1, float32.array).astype(input.dtype)
    return xp.cumprod(input, -1, input.dtype)


@primitive
def _upper(xp: Backend, like: Array) -> Array:
    n = like.shape[-1]
    return xp.triu(xp.ones((n, n), dtype=bool_.array))


def _cumprod_rule(g: Any, _y: Any, x: Any) -> Any:
    # row i holds the factors with the i-th replaced by 1, and reaches the products from i on
    rows = where(eye_like(x), 1, reshape(x, (*shape_of(x)[:-1], 1, shape_of(x)[-1])))
    reach = where(_upper(x), _cumprod(rows), 0)
    return (reach * reshape(g, (*shape_of(g)[:-1], 1, shape_of(g)[-1]))).sum(-1)


_cumsum.gradients(lambda g, _y, _x, *, dim, reverse: _cumsum(g, dim=dim, reverse=not reverse))
_cumprod.gradients(_cumprod_rule)


@second_names
def cumsum(input: Any, dim: int, *, dtype: dtype | None = None) -> Any:
    """The sums of all elements up to each one, along dim; of input's shape.

    >>> torch.cumsum(torch.tensor([[1, 2], [3, 4]]), dim=1)
    tensor([[1, 3],
            [3, 7]])
    """
    input = accumulated(input, dtype)
    dim = wrap_dim(dim, len(shape_of(input)))
    return _cumsum(input, dim=dim, reverse=False) if shape_of(input) else input.clone()


@second_names
def cumprod(input: Any, dim: int, *, dtype: dtype | None = None) -> Any:
    """The products of all elements up to each one, along dim; of input's shape.

    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    input = accumulated(input, dtype)
    dim = wrap_dim(dim, len(shape_of(input)))
    if not shape_of(input):
        return input.clone()
    return contiguous(_cumprod(input.movedim(dim, -1)).movedim(-1, dim))


@second_names
def logcumsumexp(input: Any, dim: int) -> Any:
    """log(cumsum(exp(input))) along dim, without overflow; of input's shape.

    >>> torch.logcumsumexp(torch.zeros(3), 0).exp()
    tensor([1., 2., 3.])
    """
    dim = wrap_dim(dim, len(shape_of(input)))
    if not input._array.size or not shape_of(input):
        return input.clone()
    if input._array.dtype == float16.array:  # small parts would not count
        return cast(logcumsumexp(cast(input, float32), dim), float16)
    total, *parts = unbind(input, dim)
    totals = [total]
    for part in parts:
        totals.append(total := logaddexp(total, part))
    return stack(totals, dim)


# ----- extremes -----


def _running(
    kind: type[ValuesIndices], input: Any, dim: int, better: Callable[[Array, Array], Array]
) -> ValuesIndices:
    dim = wrap_dim(dim, len(shape_of(input)))
    array = input._array
    xp: Any = backend_of(array)
    indices = xp.zeros(array.shape, int64.array)
    if array.size and array.ndim:
        steps, found = xp.moveaxis(array, dim, 0), xp.moveaxis(indices, dim, 0)
        best = steps[0]
        for i in range(1, len(steps)):
            won = better(steps[i], best) | xp.isnan(steps[i])
            best = xp.where(won, steps[i], best)
            found[i] = xp.where(won, i, found[i - 1])
    index = input._wrap(indices)
    return kind(picked(input, dim, index), index)


@second_names
def cummax(input: Any, dim: int) -> ValuesIndices:
    """The largest of all elements up to each one, along dim, and where it (last) was: both of
    input's shape.

    >>> torch.cummax(torch.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    return _running(return_types.cummax, input, dim, operator.ge)


@second_names
def cummin(input: Any, dim: int) -> ValuesIndices:
    """The smallest of all elements up to each one, along dim, and where it (last) was: both of
    input's shape.

    >>> torch.cummin(torch.tensor([3, 1, 2]), 0).indices
    tensor([0, 1, 1])
    """
    return _running(return_types.cummin, input, dim, operator.le)


# ----- differences -----


@second_names
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Each element less the one before it along dim, n times over: its size becomes smaller by
    n. prepend and append are joined to the input first.

    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if not shape_of(input):
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, len(shape_of(input)))
    if n == 0:
        return input
    parts = [x for x in (prepend, input, append) if x is not None]
    input = cat(parts, dim) if len(parts) > 1 else input
    minus = logical_xor if input._array.dtype == bool_.array else sub
    for _ in range(min(n, shape_of(input)[dim])):
        count = shape_of(input)[dim] - 1
        input = minus(narrow(input, dim, 1, count), narrow(input, dim, 0, count))
    return input
