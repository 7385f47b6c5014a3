"""Choosing between values elementwise: where, maximum, minimum, clamp."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, named, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, of_array
from .comparison import eq, gt, isfinite, isnan
from .conversion import cast, promote, result_type, without_overflow

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


@primitive(broadcasts=True, prepare=_promote_choices, name=named("WhereBackward0"))
def _where(xp: Backend, condition: Array, input: Array, other: Array, *, name: str = "") -> Array:
    return xp.where(condition, input, other)


_where.gradients(
    None,
    lambda g, _y, c, _a, _b, *, name="": where(c, g, 0),
    lambda g, _y, c, _a, _b, *, name="": where(c, 0, g),
)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the bool condition holds, other elsewhere: of the shape all broadcast to.

    Of the condition alone: the indices where it holds, a tensor per dimension.

    >>> x = torch.tensor([-1.0, 2.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if input is None and other is None:
        return tuple(condition.nonzero(as_tuple=True))
    if isinstance(condition, Variable) and condition._array.dtype.kind not in "bu":
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{of_array(condition._array.dtype).scalar_name}"
        )
    return _where(condition, input, other)


# ----- the larger, the smaller -----


@primitive(broadcasts=True, prepare=promote)
def maximum(xp: Backend, input: Array, other: Array) -> Array:
    """The larger of the two, elementwise, broadcast; nan if either is.

    >>> torch.maximum(torch.tensor([1, 5]), torch.tensor([3, 4]))
    tensor([3, 5])
    """
    return xp.maximum(input, other)


@primitive(broadcasts=True, prepare=promote)
def minimum(xp: Backend, input: Array, other: Array) -> Array:
    """The smaller of the two, elementwise, broadcast; nan if either is.

    >>> torch.minimum(torch.tensor([1, 5]), torch.tensor([3, 4]))
    tensor([1, 4])
    """
    return xp.minimum(input, other)


def _unless(lost: Any, tied: Any, g: Any) -> Any:
    return where(lost, 0, where(tied, g / 2, g))  # equals share the gradient


maximum.gradients(
    lambda g, _y, a, b: _unless(a < b, a == b, g), lambda g, _y, a, b: _unless(b < a, a == b, g)
)
minimum.gradients(
    lambda g, _y, a, b: _unless(a > b, a == b, g), lambda g, _y, a, b: _unless(b > a, a == b, g)
)


def fmax(input: Any, other: Any) -> Any:
    """The larger of the two, elementwise, broadcast; the other one where one is nan.

    >>> torch.fmax(torch.tensor([1.0, torch.nan]), torch.tensor([2.0, 3.0]))
    tensor([2., 3.])
    """
    return where((input >= other) | isnan(other), input, other)


def fmin(input: Any, other: Any) -> Any:
    """The smaller of the two, elementwise, broadcast; the other one where one is nan.

    >>> torch.fmin(torch.tensor([1.0, torch.nan]), torch.tensor([2.0, 3.0]))
    tensor([1., 3.])
    """
    return where((input <= other) | isnan(other), input, other)


def heaviside(input: Any, values: Any) -> Any:
    """0 where the input is negative, 1 where it is positive, the values where it is 0;
    elementwise, broadcast.

    >>> torch.heaviside(torch.tensor([-1.0, 0.0, 2.0]), torch.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if input._array.dtype != values._array.dtype:
        raise RuntimeError(
            "heaviside is not yet implemented for tensors with different dtypes: got "
            f"{of_array(input._array.dtype)} and {of_array(values._array.dtype)}"
        )
    return where(eq(input, 0), values, cast(gt(input, 0), of_array(values._array.dtype)))


# ----- limits -----


def _promote_limits(args: tuple[Any, ...]) -> tuple[Any, ...]:
    kept = iter(promote(tuple(a for a in args if a is not None)))
    return tuple(a if a is None else next(kept) for a in args)


@primitive(broadcasts=True, prepare=_promote_limits, name=named("ClampBackward1"))
def _clamp(xp: Backend, input: Array, min: Any, max: Any, *, name: str = "") -> Array:
    return xp.clip(input, min, max)


def _inside(g: Any, x: Any, low: Any, high: Any) -> Any:
    if low is not None:
        g = where(x >= low, g, 0)
    return g if high is None else where(x <= high, g, 0)


def _at_low(g: Any, x: Any, low: Any, high: Any) -> Any:
    g = where(x < low, g, 0)
    return g if high is None else where(low < high, g, 0)


def _at_high(g: Any, x: Any, low: Any, high: Any) -> Any:
    above = x > high
    return where(above if low is None else above | (low > high), g, 0)


_clamp.gradients(
    lambda g, _y, x, low, high, *, name="": _inside(g, x, low, high),
    lambda g, _y, x, low, high, *, name="": _at_low(g, x, low, high),
    lambda g, _y, x, low, high, *, name="": _at_high(g, x, low, high),
)


def _limited(input: Any, min: Any, max: Any, name: str) -> Any:
    """Raises RuntimeError for numbers that the result's dtype does not have."""
    given = [x for x in (input, min, max) if x is not None]
    for limit in given[1:]:
        if isinstance(limit, int | float):
            without_overflow(limit, result_type(*given))
    return _clamp(input, min, max, name=name)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """The input with all elements below min or above max (numbers, or tensors that broadcast)
    moved there.

    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    tensors = isinstance(min, Variable) or isinstance(max, Variable)
    return _limited(input, min, max, f"ClampBackward{int(not tensors)}")


def clamp_min(input: Any, min: Any) -> Any:
    """The input with all elements below min (a number, or a tensor that broadcasts) moved there.

    >>> torch.clamp_min(torch.tensor([-2.0, 0.5, 3.0]), -1)
    tensor([-1.0000,  0.5000,  3.0000])
    """
    return _limited(input, min, None, f"ClampMinBackward{int(isinstance(min, Variable))}")


def clamp_max(input: Any, max: Any) -> Any:
    """The input with all elements above max (a number, or a tensor that broadcasts) moved there.

    >>> torch.clamp_max(torch.tensor([-2.0, 0.5, 3.0]), 1)
    tensor([-2.0000,  0.5000,  1.0000])
    """
    return _limited(input, None, max, f"ClampMaxBackward{int(isinstance(max, Variable))}")


@primitive
def _nan_to_num(
    xp: Backend, input: Array, *, nan: float, posinf: float | None, neginf: float | None
) -> Array:
    return xp.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


_nan_to_num.gradients(lambda g, _y, x, **_: where(isfinite(x), g, 0))


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """The input with elements that are nan or infinite replaced: by 0 and the largest and
    smallest finite numbers unless other values are given.

    >>> torch.nan_to_num(torch.tensor([torch.nan, torch.inf]), posinf=9)
    tensor([0., 9.])
    """
    return _nan_to_num(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)
