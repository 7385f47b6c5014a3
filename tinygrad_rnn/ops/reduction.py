"""Reductions: sums, means, deviations, products, softmax, counting."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.broadcast import expand
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, dtype, float16, float32, int64, of_array, uint8
from .arithmetic import abs, zeros_like
from .choice import where
from .comparison import isnan
from .conversion import cast
from .elementwise import exp
from .names import second_names
from .shape import Dims, reshape, shape_of, wrap_dim, wrap_dims

Axes = tuple[int, ...] | None  # None: all


def axes_of(input: Any, dim: Dims | None) -> Axes:
    """The dimensions to reduce; () and None mean all, as in PyTorch."""
    ndim = len(shape_of(input))
    if dim is None or dim == () or dim == []:
        return None
    dims = wrap_dims(dim, ndim)
    return dims if ndim else None


def _kept(shape: tuple[int, ...], dims: Axes) -> tuple[int, ...]:
    """The shape after a reduction with keepdim."""
    return tuple(1 if dims is None or i in dims else n for i, n in enumerate(shape))


def spread(g: Any, shape: tuple[int, ...], dims: Axes) -> Any:
    """A reduction's result (or gradient) over the shape it was reduced from."""
    return expand(reshape(g, _kept(shape, dims)), shape=shape)


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
        return (total / count).astype(float16.array)
    total = xp.sum(input, axis=dims, dtype=input.dtype, keepdims=keepdim)
    return total if count == 1 else total / count


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
    """The sum over dim (all dimensions if None). Integers and bool sum to int64."""
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
    """The mean over dim (all dimensions if None). Raises RuntimeError for integers."""
    input = floating(input, "mean", dtype)
    return _mean(input, dims=axes_of(input, dim), keepdim=keepdim)


@second_names
def var(
    input: Any,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The variance over dim: squared deviations summed, divided by n - correction (default 1)."""
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    input = floating(input, "var")
    dims = axes_of(input, dim)
    deviation = input - _mean(input, dims=dims, keepdim=True)
    n = max(_count(shape_of(input), dims) - correction, 0)
    return _sum(deviation * deviation, dims=dims, keepdim=keepdim) / n


@primitive
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
    """The standard deviation over dim: the root of `var`."""
    return root(var(input, dim, unbiased, keepdim, correction=correction))


def var_mean(input: Any, dim: Dims | bool | None = None, *args: Any, **options: Any) -> Any:
    """Variance and mean over dim: the arguments are those of `var`."""
    return _with_mean(var, input, dim, *args, **options)


def std_mean(input: Any, dim: Dims | bool | None = None, *args: Any, **options: Any) -> Any:
    """Standard deviation and mean over dim: the arguments are those of `std`."""
    return _with_mean(std, input, dim, *args, **options)


@second_names
def _with_mean(
    spread: Any, input: Any, dim: Any, unbiased: Any = None, keepdim: bool = False, **options: Any
) -> tuple[Any, Any]:
    result = spread(input, dim, unbiased, keepdim, **options)
    return result, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@second_names
def nansum(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The sum over dim, with nan counting as 0."""
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype)


@second_names
def nanmean(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The mean over dim of what is not nan."""
    input = floating(input, "nanmean", dtype)
    return nansum(input, dim, keepdim) / sum(~isnan(input), dim, keepdim)


# ----- products -----


@primitive
def _prod(xp: Backend, input: Array) -> Array:
    return xp.prod(input, -1, input.dtype)


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
    """The product over dim (all dimensions if None). Integers and bool give int64."""
    input = accumulated(input, dtype)
    shape = shape_of(input)
    if dim is None or not shape:
        return _prod(reshape(input, (math.prod(shape),)))
    dim = wrap_dim(dim, len(shape))
    result = _prod(input.movedim(dim, -1))
    return result.unsqueeze(dim) if keepdim else result


# ----- softmax and its logarithms -----


def _shifted(xp: Backend, input: Array, dims: Axes) -> tuple[Array, Array]:
    """The input less its largest element, for an exp that does not overflow; and that element,
    taken as 0 where it is infinite, since inf - inf is nan."""
    largest = input.max(axis=dims, keepdims=True)
    largest = xp.where(xp.isfinite(largest), largest, xp.asarray(0, input.dtype))
    return input - largest, largest


@primitive
def _logsumexp(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    if not input.size:
        return xp.log(xp.sum(xp.exp(input), axis=dims, keepdims=keepdim))
    shifted, largest = _shifted(xp, input, dims)
    result = xp.log(xp.sum(xp.exp(shifted), axis=dims, keepdims=True)) + largest
    return result if keepdim else result.squeeze(axis=dims)


@primitive
def _softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    exponential = xp.exp(input - input.max(axis=dim, keepdims=True))
    exponential /= xp.sum(exponential, axis=dim, keepdims=True)
    return exponential


@primitive
def _log_softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    shifted = input - input.max(axis=dim, keepdims=True)
    shifted -= xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))
    return shifted


def _total(g: Any, dim: int) -> Any:
    return _sum(g, dims=(dim,), keepdim=True)


_logsumexp.gradients(
    lambda g, y, x, *, dims, keepdim: (
        spread(g, shape_of(x), dims)
        * exp(x - spread(where(abs(y) == math.inf, 0, y), shape_of(x), dims))
    )
)
_softmax.gradients(lambda g, y, _x, *, dim: y * (g - _total(g * y, dim)))
_log_softmax.gradients(lambda g, y, _x, *, dim: g - exp(y) * _total(g, dim))


@second_names
def logsumexp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    """log(sum(exp(input))) over dim, without overflow."""
    input = cast(input, float32) if input._array.dtype.kind != "f" else input
    return _logsumexp(input, dims=axes_of(input, dim), keepdim=keepdim)


def _along(primitive: Any, input: Any, dim: int | None, target: dtype | None) -> Any:
    input = cast(input, target) if target is not None else input
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            f"softmax is not implemented for {of_array(input._array.dtype)}; convert with .float()"
        )
    shape = shape_of(input)
    if dim is None:
        raise TypeError("softmax() missing the dimension to normalise over: give dim=")
    dim = wrap_dim(dim, len(shape))
    if not shape:  # a number, alone in its dimension
        return reshape(primitive(reshape(input, (1,)), dim=0), ())
    return primitive(input, dim=dim)


@second_names
def softmax(input: Any, dim: int | None = None, dtype: dtype | None = None) -> Any:
    """exp(input), normalised to sum 1 over dim."""
    return _along(_softmax, input, dim, dtype)


@second_names
def log_softmax(input: Any, dim: int | None = None, dtype: dtype | None = None) -> Any:
    """The logarithm of softmax, computed without its rounding errors."""
    return _along(_log_softmax, input, dim, dtype)


# ----- counting and logic -----


def _logical(name: str, input: Any, dim: Dims | None, keepdim: bool) -> Any:
    xp: Any = backend_of(input._array)
    result = input._wrap(input._array != 0)
    if dim is None or not isinstance(dim, tuple | list) or dim:  # as in PyTorch, () is nothing
        axis = axes_of(input, dim)
        result = input._wrap(getattr(xp, name)(input._array, axis=axis, keepdims=keepdim))
    return cast(result, uint8) if input._array.dtype == uint8.array else result


@second_names
def all(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether all elements over dim are nonzero; bool (uint8 of uint8)."""
    return _logical("all", input, dim, keepdim)


@second_names
def any(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether any element over dim is nonzero; bool (uint8 of uint8)."""
    return _logical("any", input, dim, keepdim)


@second_names
def count_nonzero(input: Any, dim: Dims | None = None) -> Any:
    """How many elements over dim are nonzero."""
    return sum(input != 0, dim)
