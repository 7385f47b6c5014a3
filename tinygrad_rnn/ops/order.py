"""The largest and the smallest: max, min, argmax, argmin and their kin."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, named, primitive
from ..backends import Array, Backend, backend_of, packed
from . import return_types
from .choice import maximum, minimum
from .gathering import picked
from .names import second_names
from .reduction import Axes, axes_of, evenly, spread
from .shape import Dims, shape_of, wrap_dim


def _not_empty(input: Array, dims: Axes, error: type[Exception]) -> None:
    if 0 in (input.shape if dims is None else [input.shape[d] for d in dims]):
        raise error(
            "Expected reduction dim to be specified for input.numel() == 0, and to have non-zero "
            f"size; got shape {list(input.shape)}"
        )


@primitive(name=named("AmaxBackward0"))
def _amax(xp: Backend, input: Array, *, dims: Axes, keepdim: bool, name: str = "") -> Array:
    _not_empty(input, dims, RuntimeError if dims is None else IndexError)
    return packed(input.max(axis=dims, keepdims=keepdim))


@primitive(name=named("AminBackward0"))
def _amin(xp: Backend, input: Array, *, dims: Axes, keepdim: bool, name: str = "") -> Array:
    _not_empty(input, dims, RuntimeError if dims is None else IndexError)
    return packed(input.min(axis=dims, keepdims=keepdim))


for _extreme in (_amax, _amin):  # where there is a nan, it is the result
    _extreme.gradients(
        lambda g, y, x, *, dims, keepdim, name="": evenly(
            g, (x == spread(y, shape_of(x), dims)) | (x != x), dims
        )
    )


@second_names
def amax(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The largest element over dim (all if ()), which goes, or becomes 1 with keepdim; equal ones
    share the gradient.

    >>> torch.amax(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([5, 7])
    """
    return _amax(input, dims=axes_of(input, dim), keepdim=keepdim)


@second_names
def amin(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest element over dim (all if ()), which goes, or becomes 1 with keepdim; equal ones
    share the gradient.

    >>> torch.amin(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([1, 2])
    """
    return _amin(input, dims=axes_of(input, dim), keepdim=keepdim)


@second_names
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> return_types.MinMax:
    """The smallest and the largest element: of all, or along dim, which goes, or becomes 1 with
    keepdim.

    >>> low, high = torch.aminmax(torch.tensor([3, 1, 2]))
    >>> low, high
    (tensor(1), tensor(3))
    """
    dims = axes_of(input, dim)
    _not_empty(input._array, dims, RuntimeError if dim is None else IndexError)
    return return_types.aminmax(
        _amin(input, dims=dims, keepdim=keepdim), _amax(input, dims=dims, keepdim=keepdim)
    )


@second_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) largest element: in the flattened tensor, or along dim, which
    goes, or becomes 1 with keepdim.

    >>> torch.argmax(torch.tensor([[1, 5], [7, 2]]), dim=1)
    tensor([1, 0])
    """
    return _arg_extreme("argmax", _not_of_bools("argmax", input), dim, keepdim)


@second_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the (first) smallest element: in the flattened tensor, or along dim, which
    goes, or becomes 1 with keepdim.

    >>> torch.argmin(torch.tensor([[1, 5], [7, 2]]))
    tensor(0)
    """
    return _arg_extreme("argmin", _not_of_bools("argmin", input), dim, keepdim)


def _not_of_bools(name: str, input: Any) -> Any:
    if input._array.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input; convert with .int()")
    return input


def _arg_extreme(name: str, input: Any, dim: int | None, keepdim: bool) -> Any:
    array = input._array
    xp: Any = backend_of(array)
    axis = None if dim is None else wrap_dim(dim, array.ndim)
    _not_empty(array, None if axis is None or not array.ndim else (axis,), IndexError)
    if axis is None or not array.ndim:
        found = xp.asarray(getattr(xp, name)(array))
        return input._wrap(found.reshape((1,) * array.ndim if keepdim else ()))
    return input._wrap(getattr(array, name)(axis, keepdims=keepdim))


def _extreme_along(name: str, whole: Any, pair: Any, args: tuple[Any, ...]) -> Any:
    input, *rest = args
    if not isinstance(input, Variable):
        raise TypeError(f"argument 'input' must be Tensor, not {type(input).__name__}")
    if not rest:
        return whole(input, dims=None, keepdim=False, name=f"{name}Backward1")
    if isinstance(rest[0], Variable) and len(rest) == 1:
        return pair(input, rest[0])
    dim = rest[0]
    keepdim = rest[1] if len(rest) > 1 else False
    indices = _arg_extreme(f"arg{name.lower()}", input, dim, True)
    squeezed = bool(not keepdim and shape_of(input))
    values = picked(input, dim, indices, f"{name}Backward0", squeezed)
    kind = getattr(return_types, name.lower())
    return kind(values, indices.squeeze(dim) if squeezed else indices)


def max(input: Any, *args: Any, **kwargs: Any) -> Any:
    """``max(input)``: the largest element, a scalar. ``max(input, dim, keepdim=False)``: (values,
    indices) along dim, which goes, or becomes 1. ``max(input, other)``: elementwise, broadcast.

    >>> torch.max(torch.tensor([[1, 5], [7, 2]]))
    tensor(7)
    >>> torch.max(torch.tensor([[1, 5], [7, 2]]), 1).indices
    tensor([1, 0])
    """
    return _extreme_along("Max", _amax, maximum, (input, *_ordered(args, kwargs)))


def min(input: Any, *args: Any, **kwargs: Any) -> Any:
    """``min(input)``: the smallest element, a scalar. ``min(input, dim, keepdim=False)``: (values,
    indices) along dim, which goes, or becomes 1. ``min(input, other)``: elementwise, broadcast.

    >>> torch.min(torch.tensor([[1, 5], [7, 2]]))
    tensor(1)
    >>> torch.min(torch.tensor([[1, 5], [7, 2]]), 1).values
    tensor([1, 2])
    """
    return _extreme_along("Min", _amin, minimum, (input, *_ordered(args, kwargs)))


def _ordered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of max and min, whose second one is a dimension or a tensor, in order."""
    names = {"dim": 0, "axis": 0, "other": 0, "keepdim": 1, "keepdims": 1}
    if unknown := kwargs.keys() - names.keys():
        raise TypeError(f"got an unexpected keyword argument '{unknown.pop()}'")
    named = sorted(kwargs, key=names.__getitem__)
    return (*args, *(kwargs[name] for name in named))
