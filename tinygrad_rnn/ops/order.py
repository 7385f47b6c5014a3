"""The largest and the smallest: max, min, argmax, argmin and their kin."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from .choice import maximum, minimum
from .gathering import picked
from .names import second_names
from .reduction import Axes, axes_of, evenly, spread
from .shape import Dims, shape_of, wrap_dim


class ValuesIndices(NamedTuple):
    """What max, min, sort, topk, ... return along a dimension."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """What aminmax returns."""

    min: Any
    max: Any


def _not_empty(input: Array, dims: Axes, error: type[Exception]) -> None:
    if 0 in (input.shape if dims is None else [input.shape[d] for d in dims]):
        raise error(
            "Expected reduction dim to be specified for input.numel() == 0, and to have non-zero "
            f"size; got shape {list(input.shape)}"
        )


@primitive
def _amax(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    _not_empty(input, dims, RuntimeError if dims is None else IndexError)
    return input.max(axis=dims, keepdims=keepdim)


@primitive
def _amin(xp: Backend, input: Array, *, dims: Axes, keepdim: bool) -> Array:
    _not_empty(input, dims, RuntimeError if dims is None else IndexError)
    return input.min(axis=dims, keepdims=keepdim)


for _extreme in (_amax, _amin):
    _extreme.gradients(
        lambda g, y, x, *, dims, keepdim: evenly(g, x == spread(y, shape_of(x), dims), dims)
    )


@second_names
def amax(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The largest element over dim; equal ones share the gradient."""
    return _amax(input, dims=axes_of(input, dim), keepdim=keepdim)


@second_names
def amin(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest element over dim; equal ones share the gradient."""
    return _amin(input, dims=axes_of(input, dim), keepdim=keepdim)


@second_names
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest element: of all, or along dim."""
    dims = axes_of(input, dim)
    _not_empty(input._array, dims, RuntimeError if dim is None else IndexError)
    return MinMax(
        _amin(input, dims=dims, keepdim=keepdim), _amax(input, dims=dims, keepdim=keepdim)
    )


@second_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) largest element: in the flattened tensor, or along dim."""
    return _arg_extreme("argmax", input, dim, keepdim)


@second_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) smallest element: in the flattened tensor, or along dim."""
    return _arg_extreme("argmin", input, dim, keepdim)


def _arg_extreme(name: str, input: Any, dim: int | None, keepdim: bool) -> Any:
    array = input._array
    xp: Any = backend_of(array)
    axis = None if dim is None else wrap_dim(dim, array.ndim)
    _not_empty(array, None if axis is None or not array.ndim else (axis,), IndexError)
    if axis is None or not array.ndim:
        found = xp.asarray(getattr(xp, name)(array))
        return input._wrap(found.reshape((1,) * array.ndim if keepdim else ()))
    return input._wrap(getattr(xp, name)(array, axis=axis, keepdims=keepdim))


def _extreme_along(arg: Any, whole: Any, pair: Any, args: tuple[Any, ...]) -> Any:
    input, *rest = args
    if not isinstance(input, Variable):
        raise TypeError(f"argument 'input' must be Tensor, not {type(input).__name__}")
    if not rest:
        return whole(input)
    if isinstance(rest[0], Variable):
        return pair(input, rest[0])
    dim = rest[0]
    keepdim = rest[1] if len(rest) > 1 else False
    indices = arg(input, dim, True)
    values = picked(input, dim, indices)
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
