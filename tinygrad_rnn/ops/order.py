"""Largest, smallest, sorted: operations that go by the order of elements."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import int64
from .choice import maximum, minimum
from .indexing import gather
from .names import numpy_names
from .reduction import Axes, axes_of, evenly, spread
from .shape import Dims, reshape, shape_of, wrap_dim


class ValuesIndices(NamedTuple):
    """What max, min, sort, topk, ... return along a dimension."""

    values: Any
    indices: Any


# ----- the largest and the smallest -----


def _not_empty(xp: Backend, input: Array, dims: Axes, name: str) -> None:
    sizes = input.shape if dims is None else [input.shape[d] for d in dims]
    if 0 in sizes:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0, or to have "
            f"non-zero size; got shape {list(input.shape)}"
        )


@primitive
def _amax(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    _not_empty(xp, input, dims, "max")
    return input.max(axis=dims, keepdims=keepdim)


@primitive
def _amin(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    _not_empty(xp, input, dims, "min")
    return input.min(axis=dims, keepdims=keepdim)


for _extreme in (_amax, _amin):
    _extreme.gradients(
        lambda g, y, x, *, dims, keepdim: evenly(g, x == spread(y, shape_of(x), dims), dims)
    )


@numpy_names
def amax(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The largest element over dim; equal ones share the gradient."""
    return _amax(input, dims=axes_of(input, dim), keepdim=keepdim)


@numpy_names
def amin(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest element over dim; equal ones share the gradient."""
    return _amin(input, dims=axes_of(input, dim), keepdim=keepdim)


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> tuple[Any, Any]:
    """The smallest and the largest element."""
    return amin(input, () if dim is None else dim, keepdim), amax(
        input, () if dim is None else dim, keepdim
    )


@numpy_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) largest element: in the flattened tensor, or along dim."""
    return _arg_extreme("argmax", input, dim, keepdim)


@numpy_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) smallest element: in the flattened tensor, or along dim."""
    return _arg_extreme("argmin", input, dim, keepdim)


def _arg_extreme(name: str, input: Any, dim: int | None, keepdim: bool) -> Any:
    array = input._array
    xp: Any = backend_of(array)
    axis = None if dim is None else wrap_dim(dim, array.ndim)
    _not_empty(xp, array, None if axis is None or not array.ndim else (axis,), name)
    if axis is None or not array.ndim:
        found = xp.asarray(getattr(xp, name)(array))
        return input._wrap(found.reshape((1,) * array.ndim if keepdim else ()))
    return input._wrap(getattr(xp, name)(array, axis=axis, keepdims=keepdim))


def _extreme_along(arg: Any, whole: Any, pair: Any, args: tuple[Any, ...]) -> Any:
    input, *rest = args
    if not rest:
        return whole(input)
    if isinstance(rest[0], Variable):
        return pair(input, rest[0])
    dim = rest[0]
    keepdim = rest[1] if len(rest) > 1 else False
    indices = arg(input, dim, True)
    values = gather(input, dim, indices) if shape_of(input) else input.clone()
    if not keepdim and shape_of(input):
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return ValuesIndices(values, indices)


def max(input: Any, *args: Any, **kwargs: Any) -> Any:
    """``max(input)``: the largest element. ``max(input, dim, keepdim=False)``: (values, indices)
    along dim. ``max(input, other)``: elementwise."""
    return _extreme_along(argmax, amax, maximum, (input, *_ordered(args, kwargs)))


def min(input: Any, *args: Any, **kwargs: Any) -> Any:
    """``min(input)``: the smallest element. ``min(input, dim, keepdim=False)``: (values, indices)
    along dim. ``min(input, other)``: elementwise."""
    return _extreme_along(argmin, amin, minimum, (input, *_ordered(args, kwargs)))


def _ordered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of max and min, whose second one is a dimension or a tensor, in order."""
    names = {"dim": 0, "axis": 0, "other": 0, "keepdim": 1, "keepdims": 1}
    if unknown := kwargs.keys() - names.keys():
        raise TypeError(f"got an unexpected keyword argument '{unknown.pop()}'")
    named = sorted(kwargs, key=names.__getitem__)
    return (*args, *(kwargs[name] for name in named))


# ----- sorting -----


def _sorted_indices(input: Any, dim: int, descending: bool, stable: bool) -> Any:
    xp: Any = backend_of(input._array)
    array = input._array
    if not descending:
        return input._wrap(xp.argsort(array, axis=dim, kind="stable"))
    # Sorting the reversed array upwards and reversing again keeps equal elements in order
    n = array.shape[dim]
    order = n - 1 - xp.flip(xp.argsort(xp.flip(array, dim), axis=dim, kind="stable"), dim)
    return input._wrap(order)


@numpy_names
def sort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesIndices:
    """The elements sorted along dim, and where they were. Always stable; nan counts as largest."""
    dim = wrap_dim(dim, len(shape_of(input)))
    if not shape_of(input):
        return ValuesIndices(input.clone(), input._wrap(_zero_index(input)))
    indices = _sorted_indices(input, dim, descending, stable)
    return ValuesIndices(gather(input, dim, indices), indices)


def _zero_index(input: Any) -> Array:
    xp: Any = backend_of(input._array)
    return xp.zeros((), int64.array)


@numpy_names
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The indices that sort the elements along dim."""
    return sort(input, dim, descending, stable).indices


@numpy_names
def topk(
    input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """The k largest (or smallest) elements along dim in order, and where they are."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if not 0 <= k <= (shape[dim] if shape else 1):
        raise RuntimeError(
            f"selected index k out of range: k={k}, dimension {dim} of {list(shape)}"
        )
    if not shape:
        return ValuesIndices(input.clone(), input._wrap(_zero_index(input)))
    indices = _sorted_indices(input, dim, largest, True).narrow(dim, 0, k).contiguous()
    return ValuesIndices(gather(input, dim, indices), indices)


@numpy_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest element along dim (counted from 1), and where it is."""
    dim = wrap_dim(dim, len(shape_of(input)))
    if not 1 <= k <= shape_of(input)[dim]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: {k}")
    indices = _sorted_indices(input, dim, False, True).narrow(dim, k - 1, 1)
    values = gather(input, dim, indices)
    if keepdim:
        return ValuesIndices(values, indices)
    return ValuesIndices(values.squeeze(dim), indices.squeeze(dim))


@numpy_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements, or (values, indices) along dim."""
    if dim is None:
        flat = reshape(input, (-1,))
        return kthvalue(flat, (shape_of(flat)[0] + 1) // 2, 0).values
    n = shape_of(input)[wrap_dim(dim, len(shape_of(input)))]
    return kthvalue(input, (n + 1) // 2, dim, keepdim)


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Any:
    """The different elements in rising order; with them, if asked for, the index of each element
    in that list, and how often each occurs."""
    xp: Any = backend_of(input._array)
    values, inverse, counts = xp.unique(input._array, return_inverse=True, return_counts=True)
    results = [input._wrap(values)]
    if return_inverse:
        results.append(input._wrap(inverse.reshape(input._array.shape)))
    if return_counts:
        results.append(input._wrap(counts))
    return results[0] if len(results) == 1 else tuple(results)


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, ... occurs in a vector of integers (or the sum of its weights)."""
    xp: Any = backend_of(input._array)
    return input._wrap(
        xp.bincount(input._array, weights if weights is None else weights._array, minlength)
    )
