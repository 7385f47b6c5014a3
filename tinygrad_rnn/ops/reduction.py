"""Reductions: sums, means, deviations, products, counting."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.broadcast import expand
from ..backends import Array, Backend, backend_of, is_host, packed
from ..dtypes import bool_, dtype, float16, float32, float64, int64, of_array, uint8
from .arithmetic import zeros_like
from .choice import where
from .comparison import isnan
from .conversion import cast
from .names import second_names
from .shape import Dims, reshape, shape_of, wrap_dim, wrap_dims

Axes = tuple[int, ...] | None  # None: all
_ALONE = 32_768  # numbers that BLAS adds up on one thread: others would go on spinning, see cpu.py


def axes_of(input: Any, dim: Dims | None) -> Axes:
    """The dimensions to reduce; () and None mean all, as in PyTorch."""
    if dim is None or dim == () or dim == []:
        return None
    ndim = len(shape_of(input))
    dims = wrap_dims(dim, ndim)
    return dims if ndim else None


def _kept(shape: tuple[int, ...], dims: Axes) -> tuple[int, ...]:
    """The shape after a reduction with keepdim."""
    return tuple(1 if dims is None or i in dims else n for i, n in enumerate(shape))


def spread(g: Any, shape: tuple[int, ...], dims: Axes) -> Any:
    """A reduction's result (or gradient) over the shape it was reduced from."""
    if dims is not None and len(shape_of(g)) < len(shape):
        g = reshape(g, _kept(shape, dims))
    return expand(g, shape=shape)


def _count(shape: tuple[int, ...], dims: Axes) -> int:
    return math.prod(shape) if dims is None else math.prod(shape[d] for d in dims)


def evenly(g: Any, chosen: Any, dims: Axes) -> Any:
    """A gradient shared evenly among the chosen elements of each reduced group."""
    shape = shape_of(chosen)
    whole = spread(g, shape, dims)
    count = _sum(where(chosen, zeros_like(whole) + 1, 0), dims=dims, keepdim=True)
    return where(chosen, whole / count, 0)


# ----- sum and mean -----


def _summed(xp: Backend, input: Array, dims: Axes, keepdim: bool, count: int = 1) -> Array:
    """The sum in the input's dtype, divided by count; of float16 in float32, rounded once."""
    if input.dtype == float16.array:
        total = xp.sum(input, axis=dims, dtype=float32.array, keepdims=keepdim)
        return packed((total / count).astype(float16.array))
    if dims == (input.ndim - 1,) and _short_rows(input):
        total = xp.matmul(input, xp.ones(input.shape[-1], input.dtype))
    elif dims == (0,) and input.ndim == 2 and input.size <= _ALONE and _short_rows(input):
        total = xp.matmul(xp.ones(input.shape[0], input.dtype), input)
    else:
        total = xp.sum(input, axis=dims, dtype=input.dtype, keepdims=keepdim)
    total = packed(total.reshape(_kept(input.shape, dims)) if keepdim else total)
    return total if count == 1 else total / count


def _short_rows(array: Array) -> bool:
    """Whether there are many rows, so short that NumPy adds up number by number: as a product with
    ones it takes a quarter of the time. (Long ones it adds up in halves, for less rounding.)"""
    return (
        is_host(array)
        and array.dtype.kind == "f"
        and array.size >= 2048  # (and so there are dimensions)
        and 1 < array.shape[-1] <= 128
        and array.flags.c_contiguous
    )


def _sum_name(node: Any) -> str:
    return f"SumBackward{int(node.params['dims'] is not None)}"


def _mean_name(node: Any) -> str:
    return f"MeanBackward{int(node.params['dims'] is not None)}"


@primitive(name=_sum_name)
def _sum(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return _summed(xp, input, dims, keepdim)


@primitive(name=_mean_name)
def _mean(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return _summed(xp, input, dims, keepdim, _count(input.shape, dims))


_sum.gradients(lambda g, _y, x_shape, *, dims, keepdim: spread(g, x_shape, dims))
_mean.gradients(
    lambda g, _y, x_shape, *, dims, keepdim: spread(
        g / max(_count(x_shape, dims), 1), x_shape, dims
    )
)


def accumulated(input: Any, target: dtype | None) -> Any:
    """The input in the dtype its sum has: the one asked for, else int64 for integers and bool."""
    if target is not None:
        return cast(input, target)
    return cast(input, int64) if input._array.dtype.kind in "biu" else input


@second_names
def sum(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The sum over dim (all dimensions if None), which goes, or becomes 1 with keepdim. Integers
    and bool sum to int64.

    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]))
    tensor(10)
    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]), dim=1, keepdim=True).shape
    torch.Size([2, 1])
    """
    input = accumulated(input, dtype) if isinstance(input, Variable) else input
    return _sum(input, dims=axes_of(input, dim), keepdim=keepdim)


def floating(input: Any, name: str, target: dtype | None = None) -> Any:
    """The input in the dtype asked for, or in its own. Raises RuntimeError for integers."""
    own = of_array(input._array.dtype if isinstance(input, Variable) else input.dtype)
    if not (target or own).is_floating_point:
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point "
            f"or complex dtype. Got: {target or own}; convert with .float()"
        )
    return input if target is None else cast(input, target)


@second_names
def mean(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The mean over dim (all dimensions if None), which goes, or becomes 1 with keepdim. Raises
    RuntimeError for integers.

    >>> torch.mean(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([2., 3.])
    """
    input = floating(input, "mean", dtype)
    return _mean(input, dims=axes_of(input, dim), keepdim=keepdim)


def _freedom(shape: tuple[int, ...], dims: Axes, correction: float) -> float:
    return max(_count(shape, dims) - correction, 0)


def _variance(xp: Backend, input: Array, dims: Axes, keepdim: bool, correction: float) -> Array:
    wide = input.astype(float32.array) if input.dtype == float16.array else input
    mean = _summed(xp, wide, dims, True, _count(input.shape, dims))
    deviation = xp.asarray(wide - mean)
    deviation *= deviation
    total = xp.sum(deviation, axis=dims, keepdims=keepdim)
    return packed(xp.asarray(total / _freedom(input.shape, dims, correction)))


@primitive
def _var(xp: Backend, input: Array, *, dims: Axes, keepdim: bool, correction: float) -> Array:
    return _variance(xp, input, dims, keepdim, correction).astype(input.dtype, copy=False)


@primitive
def _std(xp: Backend, input: Array, *, dims: Axes, keepdim: bool, correction: float) -> Array:
    wide = input.astype(float64.array)  # in which squares of any float32 fit
    variance = _variance(xp, wide, dims, keepdim, correction)
    return xp.sqrt(variance).astype(input.dtype, copy=False)


def _var_rule(g: Any, x: Any, dims: Axes, correction: float) -> Any:
    share = 2 / (_freedom(shape_of(x), dims, correction) or math.nan)
    return spread(g * share, shape_of(x), dims) * (x - _mean(x, dims=dims, keepdim=True))


_var.gradients(lambda g, _y, x, *, dims, keepdim, correction: _var_rule(g, x, dims, correction))
_std.gradients(
    lambda g, y, x, *, dims, keepdim, correction: _var_rule(
        where(y == 0, 0, g / (2 * y)), x, dims, correction
    )
)


@second_names
def var(
    input: Any,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The variance over dim (all dimensions if None), which goes, or becomes 1 with keepdim:
    squared deviations summed, divided by n - correction (default 1).

    >>> torch.var(torch.tensor([1.0, 3.0]))
    tensor(2.)
    >>> torch.var(torch.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    return _spread_of(_var, "var", input, dim, unbiased, keepdim, correction)


def _spread_of(
    operation: Any, name: str, input: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> Any:
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    input = floating(input, name)
    dims = axes_of(input, dim)
    return operation(input, dims=dims, keepdim=keepdim, correction=correction)


@primitive(name="LinalgVectorNormBackward0")
def root(xp: Backend, input: Array, *, degree: float = 2) -> Array:
    """input ** (1 / degree), whose gradient at 0 is taken as 0: for deviations and norms."""
    return xp.sqrt(input) if degree == 2 else input ** (1 / degree)


root.gradients(lambda g, y, _x, *, degree=2: where(y == 0, 0, g / (degree * y ** (degree - 1))))


@second_names
def std(
    input: Any,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The standard deviation over dim: the root of `var`, of its shape.

    >>> torch.std(torch.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    return _spread_of(_std, "std", input, dim, unbiased, keepdim, correction)


def var_mean(input: Any, *args: Any, **options: Any) -> Any:
    """Variance and mean over dim: arguments and both shapes are those of `var`.

    >>> variance, mean = torch.var_mean(torch.tensor([1.0, 3.0]))
    >>> variance, mean
    (tensor(2.), tensor(2.))
    """
    return _with_mean(var, input, *args, **options)


def std_mean(input: Any, *args: Any, **options: Any) -> Any:
    """Standard deviation and mean over dim: arguments and both shapes are those of `std`.

    >>> deviation, mean = torch.std_mean(torch.tensor([1.0, 3.0]), correction=0)
    >>> deviation, mean
    (tensor(1.), tensor(2.))
    """
    return _with_mean(std, input, *args, **options)


@second_names
def _with_mean(
    of: Any, input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **rest: Any
) -> tuple[Any, Any]:
    result = of(input, dim, unbiased, keepdim, **rest)
    return result, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@second_names
def nansum(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The sum over dim, with nan counting as 0; shaped as that of `sum`.

    >>> torch.nansum(torch.tensor([1.0, torch.nan, 3.0]))
    tensor(4.)
    """
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype)


@second_names
def nanmean(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The mean over dim of what is not nan; shaped as that of `mean`.

    >>> torch.nanmean(torch.tensor([1.0, torch.nan, 3.0]))
    tensor(2.)
    """
    input = floating(input, "nanmean", dtype)
    kind = of_array(input._array.dtype)
    if kind is float16:  # the sum may not fit
        input = cast(input, float32)
    return cast(nansum(input, dim, keepdim) / sum(~isnan(input), dim, keepdim), kind)


# ----- products -----


@primitive
def _prod(xp: Backend, input: Array) -> Array:
    return packed(xp.prod(input, -1, input.dtype))


@primitive
def eye_like(xp: Backend, like: Array) -> Array:
    n = like.shape[-1]
    return xp.eye(n, dtype=bool_.array)


def _prod_rule(g: Any, y: Any, x: Any) -> Any:
    g = reshape(g, (*shape_of(g), 1))
    if not bool((x == 0).any()):
        return g * (reshape(y, (*shape_of(y), 1)) / x)
    # row i holds the factors with the i-th replaced by 1: their product is the derivative
    rows = where(eye_like(x), 1, reshape(x, (*shape_of(x)[:-1], 1, shape_of(x)[-1])))
    return g * _prod(rows)


_prod.gradients(_prod_rule)


@second_names
def prod(
    input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The product over dim (all dimensions if None), which goes, or becomes 1 with keepdim.
    Integers and bool give int64.

    >>> torch.prod(torch.tensor([[1, 2], [3, 4]]), dim=1)
    tensor([ 2, 12])
    """
    input = accumulated(input, dtype)
    if input._array.dtype == float16.array:  # products of some of the factors may not fit
        return cast(prod(cast(input, float32), dim, keepdim), float16)
    shape = shape_of(input)
    if dim is None or not shape:
        return _prod(reshape(input, (math.prod(shape),)))
    dim = wrap_dim(dim, len(shape))
    result = _prod(input.movedim(dim, -1))
    return result.unsqueeze(dim) if keepdim else result


# ----- counting and logic -----


def _logical(name: str, input: Any, dim: Dims | None, keepdim: bool) -> Any:
    xp: Any = backend_of(input._array)
    result = input._wrap(input._array != 0)
    if dim is None or not isinstance(dim, tuple | list) or dim:  # as in PyTorch, () is nothing
        axis = axes_of(input, dim)
        result = input._wrap(packed(getattr(xp, name)(input._array, axis=axis, keepdims=keepdim)))
    return cast(result, uint8) if input._array.dtype == uint8.array else result


@second_names
def all(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether all elements over dim (all dimensions if None), which goes, or becomes 1 with
    keepdim, are nonzero; bool (uint8 of uint8).

    >>> torch.all(torch.tensor([[True, False], [True, True]]), dim=1)
    tensor([False,  True])
    """
    return _logical("all", input, dim, keepdim)


@second_names
def any(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether any element over dim (all dimensions if None), which goes, or becomes 1 with
    keepdim, is nonzero; bool (uint8 of uint8).

    >>> torch.any(torch.tensor([[True, False], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return _logical("any", input, dim, keepdim)


@second_names
def count_nonzero(input: Any, dim: Dims | None = None) -> Any:
    """How many elements over dim (all dimensions if None), which goes, are nonzero.

    >>> torch.count_nonzero(torch.tensor([0, 2, 0, 3]))
    tensor(2)
    """
    return sum(input != 0, dim)
