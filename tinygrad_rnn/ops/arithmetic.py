"""Arithmetic: each operation's forward, and its gradient rules right behind it."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, HostScalar
from ..dtypes import bool_, float64, of_array
from .checking import refusing
from .choice import Number, where
from .conversion import cast, fitting, promote, promote_floating


@primitive(prepare=promote_floating)
def log(xp: Backend, input: Array) -> Array:
    """The natural logarithm of each element.

    >>> torch.log(torch.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """
    return xp.log(input)


log.gradients(lambda g, _y, x: g / x)

# ----- arithmetic -----


def _is_floating(*operands: Any) -> bool:
    """Whether promoted operands, arrays and numbers, are floating. Raises RuntimeError for bool,
    of which NumPy makes small integers."""
    kind = next(o.dtype.kind for o in operands if hasattr(o, "dtype"))
    if kind == "b":
        raise NotImplementedError("not implemented for bool tensors; convert one with .long()")
    return kind == "f"


def _times_alpha(input: Any, other: Any, alpha: Number) -> Any:
    """alpha * other, in the dtype that the promoted operands have."""
    if not isinstance(alpha, int | float | HostScalar | Variable):
        raise TypeError(f"argument 'alpha' must be Number, not {type(alpha).__name__}")
    if getattr(other, "dtype", None) == bool_.array:
        return other & bool(alpha)
    if _is_floating(input, other):
        return other * alpha
    if isinstance(alpha, float):
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    kind = of_array(next(o.dtype for o in (input, other) if hasattr(o, "dtype")))
    product = fitting(alpha, kind) * other
    return product if hasattr(product, "dtype") else fitting(product, kind)


@primitive(broadcasts=True, prepare=promote)
def add(xp: Backend, input: Array, other: Array, *, alpha: Number = 1) -> Array:
    """input + alpha * other, elementwise, broadcast.

    >>> torch.add(torch.tensor([1, 2]), torch.tensor([1, 1]), alpha=10)
    tensor([11, 12])
    """
    return xp.add(input, other if alpha == 1 else _times_alpha(input, other, alpha))


def _promote_difference(args: tuple[Any, ...]) -> tuple[Any, ...]:
    kinds = [
        a._array.dtype.kind == "b" if isinstance(a, Variable) else type(a) is bool for a in args
    ]
    if all(kinds):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if any(kinds):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying "
            "to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return promote(args)


@primitive(broadcasts=True, prepare=_promote_difference)
def sub(xp: Backend, input: Array, other: Array, *, alpha: Number = 1) -> Array:
    """input - alpha * other, elementwise, broadcast.

    >>> torch.sub(torch.tensor([1, 2]), torch.tensor([1, 1]), alpha=10)
    tensor([-9, -8])
    """
    return xp.subtract(input, other if alpha == 1 else _times_alpha(input, other, alpha))


@primitive(broadcasts=True, prepare=promote)
def mul(xp: Backend, input: Array, other: Array) -> Array:
    """input * other, elementwise, broadcast.

    >>> torch.mul(torch.tensor([[1], [2]]), torch.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    return xp.multiply(input, other)


@primitive(broadcasts=True, prepare=promote_floating)
def _div(xp: Backend, input: Array, other: Array) -> Array:
    return xp.true_divide(input, other)


def _scaled(g: Any, alpha: Number) -> Any:
    return g if alpha == 1 else g * alpha


add.gradients(
    lambda g, _y, _a, _b, *, alpha=1: g, lambda g, _y, _a, _b, *, alpha=1: _scaled(g, alpha)
)
sub.gradients(
    lambda g, _y, _a, _b, *, alpha=1: g, lambda g, _y, _a, _b, *, alpha=1: _scaled(g, -alpha)
)
mul.gradients(lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: g * a)
_div.gradients(lambda g, _y, _a, b: g / b, lambda g, _y, a, b: -g * (a / b / b))


@primitive(broadcasts=True, prepare=_promote_difference, name="RsubBackward1")
def _rsub(xp: Backend, input: Array, other: Number) -> Array:
    return xp.subtract(other, input)


_rsub.gradients(lambda g, _y, _a, _b: -g, None)


def rsub(input: Any, other: Any, *, alpha: Number = 1) -> Any:
    """other - alpha * input, elementwise, broadcast.

    >>> torch.rsub(torch.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    if alpha == 1 and isinstance(other, Number):
        return _rsub(input, other)
    return sub(other, input, alpha=alpha)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other, elementwise, broadcast; integers divide to floating results unless
    rounding_mode is "floor" or "trunc". Raises RuntimeError for another rounding_mode.

    >>> torch.div(torch.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return _div(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return _trunc_divide(input, other)
    raise RuntimeError(
        "div expected rounding_mode to be one of None, 'trunc', or 'floor' "
        f"but found '{rounding_mode}'"
    )


def _check_divisor(input: Any, other: Any) -> None:
    """Raise RuntimeError for integers to be divided by 0: the floating quotient is inf or nan."""
    if not _is_floating(input, other) and not (other.all() if hasattr(other, "all") else other):
        raise RuntimeError("ZeroDivisionError: integer division by zero")


@primitive(broadcasts=True, prepare=promote)
def floor_divide(xp: Backend, input: Array, other: Array) -> Array:
    """The largest integer at or below input / other, elementwise, broadcast, in the promoted
    dtype.

    >>> torch.floor_divide(torch.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    _check_divisor(input, other)
    return xp.floor_divide(input, other)


@primitive(broadcasts=True, prepare=promote)
def _trunc_divide(xp: Backend, input: Array, other: Array) -> Array:
    if _is_floating(input, other):
        return xp.trunc(xp.true_divide(input, other))
    _check_divisor(input, other)
    return (input - xp.fmod(input, other)) // other


@primitive(broadcasts=True, prepare=promote)
def remainder(xp: Backend, input: Array, other: Array) -> Array:
    """What floor division leaves, elementwise, broadcast, with the sign of the divisor, as
    Python's %.

    >>> torch.remainder(torch.tensor([7, -7]), 4)
    tensor([3, 1])
    """
    _check_divisor(input, other)
    return xp.remainder(input, other)


@primitive(broadcasts=True, prepare=promote)
def fmod(xp: Backend, input: Array, other: Array) -> Array:
    """What truncated division leaves, elementwise, broadcast, with the sign of the dividend, as
    C's fmod.

    >>> torch.fmod(torch.tensor([7, -7]), 4)
    tensor([ 3, -3])
    """
    _check_divisor(input, other)
    return xp.fmod(input, other)


remainder.gradients(lambda g, _y, _a, _b: g, lambda g, _y, a, b: -g * floor_divide(a, b))
fmod.gradients(lambda g, _y, _a, _b: g, lambda g, _y, a, b: -g * _trunc_divide(a, b))


def _pow_name(node: Any) -> str:
    """Which of the two is a number decides PyTorch's."""
    base, exponent = node.saved or (None, 0)
    return f"PowBackward{0 if isinstance(exponent, Number) else 1 + isinstance(base, Number)}"


@primitive(broadcasts=True, prepare=promote, name=_pow_name)
def pow(xp: Backend, input: Array, exponent: Array) -> Array:
    """input ** exponent, elementwise, broadcast.

    Raises RuntimeError for integers to a negative number; where a tensor of integers is the
    exponent, what is smaller than 1 becomes 0.

    >>> torch.pow(torch.tensor([1, 2, 3]), 2)
    tensor([1, 4, 9])
    """
    if not _is_floating(input, exponent):
        if isinstance(exponent, int):
            if exponent < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
        elif (exponent < 0).any():
            lost = (exponent < 0) & (xp.absolute(input) != 1)
            # of 1 and -1 only whether the exponent is odd counts
            positive = xp.where(exponent < 0, exponent & 1, exponent)
            return xp.where(lost, 0, xp.power(input, positive))
    return xp.power(input, exponent)


def float_power(input: Any, exponent: Any) -> Any:
    """input ** exponent in float64, elementwise, broadcast.

    >>> torch.float_power(torch.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=torch.float64)
    """
    operands = [cast(x, float64) if isinstance(x, Variable) else x for x in (input, exponent)]
    return pow(*operands)


def log_of(x: Any) -> Any:
    """The logarithm of a tensor, an array or a number."""
    if not isinstance(x, Number):
        return log(x)
    return math.log(x) if x > 0 else (math.nan if x else -math.inf)


def _pow_base(g: Any, _y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, Number):
        return zeros_like(g) if b == 0 else g * (b * a ** (b - 1))
    return where(b == 0, 0.0, g * (b * a ** (b - 1)))


def _pow_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # a ** b * log(a), which is 0 in the limit at a = 0 for b >= 0
    return where((b >= 0) & (a == 0), 0.0, g * y * log_of(a))


pow.gradients(lambda g, _y, a, b: _pow_base(g, None, a, b), _pow_exponent)


@primitive
def neg(xp: Backend, input: Array) -> Array:
    """-input, elementwise. Raises RuntimeError for bool.

    >>> torch.neg(torch.tensor([1, -2]))
    tensor([-1,  2])
    """
    if input.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return xp.negative(input)


@primitive(view=True)
def positive(xp: Backend, input: Array) -> Array:
    """input itself, of any shape. Raises RuntimeError for bool.

    >>> torch.positive(torch.tensor([1, -2]))
    tensor([ 1, -2])
    """
    if input.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@primitive(prepare=refusing("abs_cpu"))
def abs(xp: Backend, input: Array) -> Array:
    """The absolute value of each element.

    >>> torch.abs(torch.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    return xp.absolute(input)


@primitive
def zeros_like(xp: Backend, input: Array) -> Array:
    return xp.zeros_like(input)


neg.gradients(lambda g, _y, _x: -g)
positive.gradients(lambda g, _y, _x: g)
abs.gradients(lambda g, _y, x: g * sign(x))


# ----- steps: their gradients are zero -----


@primitive
def sign(xp: Backend, input: Array) -> Array:
    """-1, 0 or 1 for each element; 0 for nan.

    >>> torch.sign(torch.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    if input.dtype.kind == "f":
        return xp.greater(input, 0).astype(input.dtype) - xp.less(input, 0)
    return input.copy() if input.dtype.kind == "b" else xp.sign(input)


sign.gradients(lambda g, _y, _x: zeros_like(g))
for _division in (floor_divide, _trunc_divide):
    _division.gradients(lambda g, _y, _a, _b: zeros_like(g), lambda g, _y, _a, _b: zeros_like(g))
