"""Reductions: sums, means, products, norms, and what is built on them."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.broadcast import expand
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, dtype, float32, int64, of_array
from .arithmetic import abs, pow, sign, zeros_like
from .choice import where
from .conversion import cast
from .elementwise import exp
from .names import numpy_names
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


# ----- sum and mean -----


@primitive
def _sum(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    if input.dtype == "float16":  # summed in float32, rounded once
        return input.sum(axis=dims, keepdims=keepdim, dtype=float32.array).astype(input.dtype)
    return input.sum(axis=dims, keepdims=keepdim)


@primitive
def _mean(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return input.mean(axis=dims, keepdims=keepdim)


_sum.gradients(lambda g, _y, x_shape, *, dims, keepdim: spread(g, x_shape, dims))
_mean.gradients(
    lambda g, _y, x_shape, *, dims, keepdim: spread(
        g / max(_count(x_shape, dims), 1), x_shape, dims
    )
)


def _accumulated(input: Any, target: dtype | None) -> Any:
    """The input in the dtype its sum has: the one asked for, else int64 for integers and bool."""
    if target is not None:
        return cast(input, target)
    return cast(input, int64) if input._array.dtype.kind in "biu" else input


@numpy_names
def sum(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The sum over dim (all dimensions if None). Integers and bool sum to int64."""
    input = _accumulated(input, dtype) if isinstance(input, Variable) else input
    return _sum(input, dims=axes_of(input, dim), keepdim=keepdim)


def _floating(input: Any, name: str, target: dtype | None = None) -> Any:
    if target is not None:
        return cast(input, target)
    if isinstance(input, Variable) and input._array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point "
            f"or complex dtype. Got: {of_array(input._array.dtype)}; convert with .float()"
        )
    return input


@numpy_names
def mean(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The mean over dim (all dimensions if None). Raises RuntimeError for integers."""
    input = _floating(input, "mean", dtype)
    return _mean(input, dims=axes_of(input, dim), keepdim=keepdim)


@numpy_names
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
    input = _floating(input, "var")
    dims = axes_of(input, dim)
    deviation = input - _mean(input, dims=dims, keepdim=True)
    n = max(_count(shape_of(input), dims) - correction, 0)
    return _sum(deviation * deviation, dims=dims, keepdim=keepdim) / n


@primitive
def _root(xp: Backend, input: Array) -> Array:
    return xp.sqrt(input)


# The gradient at 0 is taken as 0, as PyTorch does for deviations and norms
_root.gradients(lambda g, y, _x: where(y == 0, 0, g / (2 * y)))


@numpy_names
def std(
    input: Any,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """The standard deviation over dim: the root of `var`."""
    return _root(var(input, dim, unbiased, keepdim, correction=correction))


def var_mean(input: Any, dim: Dims | None = None, **options: Any) -> tuple[Any, Any]:
    """Variance and mean over dim."""
    return var(input, dim, **options), mean(input, dim, options.get("keepdim", False))


def std_mean(input: Any, dim: Dims | None = None, **options: Any) -> tuple[Any, Any]:
    """Standard deviation and mean over dim."""
    return std(input, dim, **options), mean(input, dim, options.get("keepdim", False))


# ----- products -----


@primitive
def _prod(xp: Backend, input: Array) -> Array:
    return input.prod(axis=-1)


@primitive
def _cumprod(xp: Backend, input: Array) -> Array:
    return xp.cumprod(input, axis=-1)


@primitive
def _eye(xp: Backend, like: Array) -> Array:
    n = like.shape[-1]
    return xp.eye(n, dtype=bool_.array)


@primitive
def _upper(xp: Backend, like: Array) -> Array:
    n = like.shape[-1]
    return xp.triu(xp.ones((n, n), dtype=bool_.array))


def _prod_rule(g: Any, y: Any, x: Any) -> Any:
    g = reshape(g, (*shape_of(g), 1))
    if not bool((x == 0).any()):
        return g * (reshape(y, (*shape_of(y), 1)) / x)
    # row i holds the factors with the i-th replaced by 1: their product is the derivative
    rows = where(_eye(x), 1, reshape(x, (*shape_of(x)[:-1], 1, shape_of(x)[-1])))
    return g * _prod(rows)


def _cumprod_rule(g: Any, _y: Any, x: Any) -> Any:
    rows = where(_eye(x), 1, reshape(x, (*shape_of(x)[:-1], 1, shape_of(x)[-1])))
    reach = where(_upper(x), _cumprod(rows), 0)  # an element touches the products behind it
    return (reach * reshape(g, (*shape_of(g)[:-1], 1, shape_of(g)[-1]))).sum(-1)


_prod.gradients(_prod_rule)
_cumprod.gradients(_cumprod_rule)


@numpy_names
def prod(
    input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Any:
    """The product over dim (all dimensions if None). Integers and bool give int64."""
    input = _accumulated(input, dtype)
    shape = shape_of(input)
    if dim is None or not shape:
        return _prod(reshape(input, (math.prod(shape),)))
    dim = wrap_dim(dim, len(shape))
    result = _prod(input.movedim(dim, -1))
    return result.unsqueeze(dim) if keepdim else result


@numpy_names
def cumprod(input: Any, dim: int, *, dtype: dtype | None = None) -> Any:
    """The products of all elements up to each one, along dim."""
    input = _accumulated(input, dtype)
    if not shape_of(input):
        return input.clone()
    return _cumprod(input.movedim(dim, -1)).movedim(-1, dim)


@primitive
def _cumsum(xp: Backend, input: Array, *, dim: int, reverse: bool) -> Array:
    if reverse:
        return xp.flip(xp.cumsum(xp.flip(input, dim), axis=dim), dim)
    return xp.cumsum(input, axis=dim)


_cumsum.gradients(lambda g, _y, _x, *, dim, reverse: _cumsum(g, dim=dim, reverse=not reverse))


@numpy_names
def cumsum(input: Any, dim: int, *, dtype: dtype | None = None) -> Any:
    """The sums of all elements up to each one, along dim."""
    input = _accumulated(input, dtype)
    dim = wrap_dim(dim, len(shape_of(input)))
    return _cumsum(input, dim=dim, reverse=False) if shape_of(input) else input.clone()


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
        return xp.log(xp.exp(input).sum(axis=dims, keepdims=keepdim))
    shifted, largest = _shifted(xp, input, dims)
    result = xp.log(xp.exp(shifted).sum(axis=dims, keepdims=True)) + largest
    return result if keepdim else result.squeeze(axis=dims)


@primitive
def _softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    exponential = xp.exp(input - input.max(axis=dim, keepdims=True))
    exponential /= exponential.sum(axis=dim, keepdims=True)
    return exponential


@primitive
def _log_softmax(xp: Backend, input: Array, *, dim: int) -> Array:
    if not input.size:
        return input.copy()
    shifted = input - input.max(axis=dim, keepdims=True)
    shifted -= xp.log(xp.exp(shifted).sum(axis=dim, keepdims=True))
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


@numpy_names
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


@numpy_names
def softmax(input: Any, dim: int | None = None, *, dtype: dtype | None = None) -> Any:
    """exp(input), normalised to sum 1 over dim."""
    return _along(_softmax, input, dim, dtype)


@numpy_names
def log_softmax(input: Any, dim: int | None = None, *, dtype: dtype | None = None) -> Any:
    """The logarithm of softmax, computed without its rounding errors."""
    return _along(_log_softmax, input, dim, dtype)


# ----- norms -----


@primitive
def _largest_magnitude(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return xp.absolute(input).max(axis=dims, keepdims=keepdim)


@primitive
def _smallest_magnitude(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    return xp.absolute(input).min(axis=dims, keepdims=keepdim)


for _magnitude in (_largest_magnitude, _smallest_magnitude):
    _magnitude.gradients(
        lambda g, y, x, *, dims, keepdim: (
            sign(x) * evenly(g, spread(y, shape_of(x), dims) == abs(x), dims)
        )
    )


def evenly(g: Any, chosen: Any, dims: Axes) -> Any:
    """A gradient shared evenly among the chosen elements of each reduced group."""
    shape = shape_of(chosen)
    whole = spread(g, shape, dims)
    count = _sum(where(chosen, zeros_like(whole) + 1, 0), dims=dims, keepdim=True)
    return where(chosen, whole / count, 0)


@numpy_names
def vector_norm(
    x: Any, ord: float = 2, dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The norm (sum |x| ** ord) ** (1 / ord) over dim; ord inf and 0 are the largest magnitude
    and the number of nonzero elements."""
    x = _floating(x, "linalg.vector_norm", dtype)
    dims = axes_of(x, dim)
    if ord == math.inf:
        return _largest_magnitude(x, dims=dims, keepdim=keepdim)
    if ord == 0:
        return _sum(cast(x != 0, of_array(x._array.dtype)), dims=dims, keepdim=keepdim)
    if ord == 1:
        return _sum(abs(x), dims=dims, keepdim=keepdim)
    if ord == 2:
        return _root(_sum(x * x, dims=dims, keepdim=keepdim))
    if ord == -math.inf:
        return _smallest_magnitude(x, dims=dims, keepdim=keepdim)
    return pow(_sum(pow(abs(x), ord), dims=dims, keepdim=keepdim), 1 / ord)


@numpy_names
def norm(
    input: Any, p: float | str | None = "fro", dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The p-norm over dim (all dimensions if None); "fro" is p = 2."""
    order = 2.0 if p in ("fro", None) else float(p)  # type: ignore[arg-type]
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


# ----- counting and logic -----


def _plain_reduction(name: str, input: Any, dim: Dims | None, keepdim: bool) -> Any:
    xp: Any = backend_of(input._array)
    return input._wrap(getattr(xp, name)(input._array, axis=axes_of(input, dim), keepdims=keepdim))


@numpy_names
def all(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether all elements over dim are nonzero; bool (uint8 of uint8)."""
    result = _plain_reduction("all", input, dim, keepdim)
    return cast(result, of_array(input._array.dtype)) if input._array.dtype == "uint8" else result


@numpy_names
def any(input: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """Whether any element over dim is nonzero; bool (uint8 of uint8)."""
    result = _plain_reduction("any", input, dim, keepdim)
    return cast(result, of_array(input._array.dtype)) if input._array.dtype == "uint8" else result


@numpy_names
def count_nonzero(input: Any, dim: Dims | None = None) -> Any:
    """How many elements over dim are nonzero."""
    return sum(input != 0, dim)
