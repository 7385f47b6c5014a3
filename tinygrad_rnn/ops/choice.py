"""Choosing between values elementwise: where, maximum, minimum, clamp."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, of_array
from .comparison import isfinite
from .conversion import cast, promote, result_type

Number = float | int | bool


def _promote_choices(args: tuple[Any, ...]) -> tuple[Any, ...]:
    condition, *choices = args
    if not isinstance(condition, Variable):
        raise TypeError(
            f"where(): argument 'condition' must be a bool Tensor, not {type(condition).__name__}"
        )
    if condition._array.dtype.kind != "b":
        if condition._array.dtype != "uint8":
            raise RuntimeError(
                "where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{of_array(condition._array.dtype)}"
            )
        condition = cast(condition, bool_)
    if any(isinstance(c, Variable) for c in choices):
        return condition, *promote(tuple(choices))
    target = result_type(*choices)
    xp: Any = backend_of(condition._array)
    return condition, *(condition._wrap(xp.asarray(c, target.array)) for c in choices)


@primitive(broadcasts=True, prepare=_promote_choices)
def _where(xp: Backend, condition: Array, input: Array, other: Array) -> Array:
    return xp.where(condition, input, other)


_where.gradients(
    None,
    lambda g, _y, c, _a, _b: where(c, g, 0),
    lambda g, _y, c, _a, _b: where(c, 0, g),
)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the bool condition holds, other elsewhere; all broadcast.

    Of the condition alone: the indices where it holds, a tensor per dimension.
    """
    if input is None and other is None:
        return tuple(condition.nonzero(as_tuple=True))
    return _where(condition, input, other)


@primitive(broadcasts=True, prepare=promote)
def maximum(xp: Backend, input: Array, other: Array) -> Array:
    """The larger of the two; nan if either is."""
    return xp.maximum(input, other)


@primitive(broadcasts=True, prepare=promote)
def minimum(xp: Backend, input: Array, other: Array) -> Array:
    """The smaller of the two; nan if either is."""
    return xp.minimum(input, other)


def _winner(g: Any, won: Any, tied: Any) -> Any:
    return where(won, g, where(tied, g / 2, 0))  # equals share the gradient


maximum.gradients(
    lambda g, _y, a, b: _winner(g, a > b, a == b), lambda g, _y, a, b: _winner(g, b > a, a == b)
)
minimum.gradients(
    lambda g, _y, a, b: _winner(g, a < b, a == b), lambda g, _y, a, b: _winner(g, b < a, a == b)
)


@primitive(prepare=lambda args: args)
def _clamp(xp: Backend, input: Array, *, min: Number | None, max: Number | None) -> Array:
    return xp.clip(input, min, max)


def _inside(g: Any, x: Any, min: Number | None, max: Number | None) -> Any:
    if min is not None:
        g = where(x >= min, g, 0)
    return g if max is None else where(x <= max, g, 0)


_clamp.gradients(lambda g, _y, x, *, min, max: _inside(g, x, min, max))


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """The input with everything below min or above max (numbers or tensors) moved there."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    bounds = [b for b in (min, max) if b is not None]
    if not any(isinstance(b, Variable) for b in bounds):
        return _clamp(cast(input, result_type(input, *bounds)), min=min, max=max)
    if min is not None:
        input = where(input >= min, input, min)
    return input if max is None else where(input <= max, input, max)


@primitive
def _nan_to_num(
    xp: Backend, input: Array, *, nan: float, posinf: float | None, neginf: float | None
) -> Array:
    return xp.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


_nan_to_num.gradients(lambda g, _y, x, **_: where(isfinite(x), g, 0))


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """nan and the infinities replaced: by 0 and the largest and smallest finite numbers unless
    other values are given."""
    return _nan_to_num(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)
