"""Operations in place: the result of an ordinary operation is written into the tensor's memory,
and the tensor takes the result's place in the graph.

A change through a view also changes the tensor that owns the memory. In the graph the owner then
becomes the old owner with the view's region replaced (`_paste`), and the view looks into it anew.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import Variable, current_edge, is_grad_enabled, primitive
from ..autograd.primitive import attach
from ..backends import Array, Backend, backend_of
from ..dtypes import FLOATING, of_array
from .conversion import cast
from .indexing import _put, prepare_index
from .shape import expand, shape_of


def _check_target(target: Variable) -> None:
    """Raise RuntimeError where autograd can't follow a change in place."""
    if not is_grad_enabled():
        return
    if target._edge is not None and target.is_leaf:  # type: ignore[attr-defined]
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation. Work on "
            "its .data, or inside torch.no_grad()."
        )
    view = target._view
    if view is not None and view.base._edge is not None:
        if view.base.is_leaf:  # type: ignore[attr-defined]
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation. Work on its .data, or inside torch.no_grad()."
            )
        if view.chain is None:
            raise RuntimeError(
                "Output 0 is a view and is being modified inplace. This view is the output of a "
                "function that returns multiple views. Such functions do not allow the output "
                "views to be modified inplace. Use an out-of-place operation."
            )


def _copy_into(target: Variable, value: Array) -> None:
    try:
        target._array[...] = value
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        ) from None
    target._version[0] += 1


def write(target: Any, value: Variable) -> Any:
    """Make the target hold `value` (same shape, castable dtype), in memory and in the graph."""
    own, new = of_array(target._array.dtype), of_array(value._array.dtype)
    if new is not own:
        if new.category > own.category:
            raise RuntimeError(f"result type {new} can't be cast to the desired output type {own}")
        value = cast(value, own)
    if value._array.shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target._array.shape)} doesn't match the broadcast shape "
            f"{list(value._array.shape)}"
        )
    _copy_into(target, value._array)
    if is_grad_enabled():
        _rebase(target, value)
    return target


def _rebase(target: Variable, value: Variable) -> None:
    """Give the target, and the owner of its memory, their new places in the graph."""
    view = target._view
    if view is None or view.chain is None:
        target._edge = value._edge
        return
    base = view.base
    if value._edge is None and base._edge is None:
        return
    attach(base, _paste, (base, value), {"chain": view.chain})
    view.edge = None  # out of date: the next use replays the view on the new base
    current_edge(target)


@primitive
def _paste(xp: Backend, base: Array, value: Array, *, chain: Any) -> Array:
    """The base with the region that a chain of views reaches replaced by value."""
    result = xp.empty_like(base)  # in the same layout, so that views stay views
    result[...] = base
    _region(result, chain)[...] = value
    return result


def _region(array: Array, chain: Any) -> Any:
    for call, args, params in chain:
        array = call(array, *args, **params)
    return array


@primitive
def _region_of(xp: Backend, base: Array, *, chain: Any) -> Array:
    ordered = xp.empty_like(base)
    ordered[...] = base
    return _region(ordered, chain).copy()


@primitive
def _clear_region(xp: Backend, base: Array, *, chain: Any) -> Array:
    result = xp.empty_like(base)
    result[...] = base
    _region(result, chain)[...] = 0
    return result


@primitive
def _region_gradient(xp: Backend, g: Array, *, shape: tuple[int, ...], chain: Any) -> Array:
    result = xp.zeros(shape, g.dtype)
    _region(result, chain)[...] = g
    return result


_paste.gradients(
    lambda g, _y, _b, _v, *, chain: _clear_region(g, chain=chain),
    lambda g, _y, _b, _v, *, chain: _region_of(g, chain=chain),
)
_clear_region.gradients(lambda g, _y, _x, *, chain: _clear_region(g, chain=chain))
_region_of.gradients(
    lambda g, _y, x_shape, *, chain: _region_gradient(g, shape=x_shape, chain=chain)
)
_region_gradient.gradients(lambda g, _y, _x, *, shape, chain: _region_of(g, chain=chain))


def inplace(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The in-place form of an operation: ``add_ = inplace(add)``. It returns its first argument.

    Raises RuntimeError for a leaf that requires a gradient, a result that does not fit the
    tensor's shape or dtype, and memory that several elements share.
    """

    @functools.wraps(operation)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _check_target(self)
        source = self
        if is_grad_enabled() and (
            self._edge is not None or any(isinstance(a, Variable) and a._edge for a in args)
        ):
            # What the operation saves of its input must outlive the change
            source = self._wrap(self._array.copy(), current_edge(self))
        return write(self, operation(source, *args, **kwargs))

    method.__name__ = method.__qualname__ = operation.__name__.strip("_") + "_"
    method.__doc__ = f"`{operation.__name__.strip('_')}` in place. {inplace_doc}"
    return method


inplace_doc = "Returns the tensor."


def fill(input: Any, value: Any) -> Any:
    """A tensor like the input with one value (a number or 0-d tensor) everywhere."""
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._array.ndim} dimensions."
            )
        return expand(cast(value, of_array(input._array.dtype)), shape_of(input))
    xp: Any = backend_of(input._array)
    return input._wrap(xp.full_like(input._array, value))


def zero(input: Any) -> Any:
    """Zeros like the input."""
    return fill(input, 0)


def copy(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """src, broadcast to the input's shape and in its dtype."""
    if not isinstance(src, Variable):
        raise TypeError(f"copy_(): argument 'other' must be Tensor, not {type(src).__name__}")
    if type(src._array) is not type(input._array):
        src = src.to(input.device)  # type: ignore[attr-defined]
    src = cast(src, of_array(input._array.dtype))
    return src if src._array.shape == input._array.shape else expand(src, shape_of(input))


def setitem(input: Any, index: Any, value: Any) -> None:
    """``input[index] = value``, with a number or a tensor that broadcasts to the place.

    Raises IndexError for bad positions, RuntimeError for values that do not fit.
    """
    _check_target(input)
    array = input._array
    places = prepare_index(index, array)
    own = of_array(array.dtype)
    if isinstance(value, Variable):
        if type(value._array) is not type(array):
            value = value.to(input.device)  # type: ignore[attr-defined]
        value = cast(value, own)
        shape, place = value._array.shape, array[places].shape
        while len(shape) > len(place) and shape[0] == 1:  # as PyTorch, leading 1s do not count
            shape = shape[1:]
        if shape != value._array.shape:
            value = value.reshape(shape)  # type: ignore[attr-defined]
        raw = value._array
    elif hasattr(value, "__array__") or isinstance(value, list | tuple):
        xp: Any = backend_of(array)
        raw = xp.asarray(value, array.dtype)
    else:
        raw = value
    edge = value._edge if isinstance(value, Variable) else None
    recorded = is_grad_enabled() and (current_edge(input) is not None or edge is not None)
    if not recorded or own.category != FLOATING:
        try:
            array[places] = raw
        except ValueError as error:
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(getattr(raw, 'shape', ()))} cannot "
                f"be broadcast to indexing result of shape {list(array[places].shape)} ({error})"
            ) from None
        input._version[0] += 1
        return
    before = input._wrap(array, current_edge(input))
    written = value if isinstance(value, Variable) else raw
    write(input, _put(before, written, index=places, accumulate=False))
