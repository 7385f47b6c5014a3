"""Comparisons, logic and bits: results without gradients."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import uint8
from .conversion import promote

# ----- comparison: bool results -----


@primitive(prepare=promote)
def eq(xp: Backend, input: Array, other: Array) -> Array:
    """input == other, elementwise, broadcast."""
    return xp.equal(input, other)


@primitive(prepare=promote)
def ne(xp: Backend, input: Array, other: Array) -> Array:
    """input != other, elementwise, broadcast."""
    return xp.not_equal(input, other)


@primitive(prepare=promote)
def lt(xp: Backend, input: Array, other: Array) -> Array:
    """input < other, elementwise, broadcast."""
    return xp.less(input, other)


@primitive(prepare=promote)
def le(xp: Backend, input: Array, other: Array) -> Array:
    """input <= other, elementwise, broadcast."""
    return xp.less_equal(input, other)


@primitive(prepare=promote)
def gt(xp: Backend, input: Array, other: Array) -> Array:
    """input > other, elementwise, broadcast."""
    return xp.greater(input, other)


@primitive(prepare=promote)
def ge(xp: Backend, input: Array, other: Array) -> Array:
    """input >= other, elementwise, broadcast."""
    return xp.greater_equal(input, other)


@primitive
def isnan(xp: Backend, input: Array) -> Array:
    """Whether an element is nan."""
    return xp.isnan(input)


@primitive
def isinf(xp: Backend, input: Array) -> Array:
    """Whether an element is infinite."""
    return xp.isinf(input)


@primitive
def isfinite(xp: Backend, input: Array) -> Array:
    """Whether an element is neither infinite nor nan."""
    return xp.isfinite(input)


@primitive(prepare=promote)
def _isclose(
    xp: Backend, input: Array, other: Array, *, rtol: float, atol: float, equal_nan: bool
) -> Array:
    if input.dtype.kind == "b":
        input, other = input.astype(uint8.array), other.astype(uint8.array)
    close = (xp.absolute(input - other) <= atol + rtol * xp.absolute(other)) & xp.isfinite(other)
    close |= input == other
    return close | (xp.isnan(input) & xp.isnan(other)) if equal_nan else close


def isclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """|input - other| <= atol + rtol * |other|, elementwise. Raises RuntimeError for a negative
    rtol or atol."""
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol={rtol} and atol={atol} must not be negative")
    return _isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether `isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    same = input._array.shape == other._array.shape
    return same and bool((input._array == other._array).all())


def is_same_size(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape."""
    return input._array.shape == other._array.shape


def is_nonzero(input: Any) -> bool:
    """Whether the only element is not zero. Raises RuntimeError if there are more, or none."""
    return bool(input)


# ----- logic: any dtype in, bool out -----


@primitive
def logical_not(xp: Backend, input: Array) -> Array:
    """Whether an element is zero."""
    return xp.logical_not(input)


@primitive
def logical_and(xp: Backend, input: Array, other: Array) -> Array:
    """Whether both are nonzero."""
    return xp.logical_and(input, other)


@primitive
def logical_or(xp: Backend, input: Array, other: Array) -> Array:
    """Whether either is nonzero."""
    return xp.logical_or(input, other)


@primitive
def logical_xor(xp: Backend, input: Array, other: Array) -> Array:
    """Whether exactly one is nonzero."""
    return xp.logical_xor(input, other)


# ----- bits: integers and bool -----


def _promote_bits(args: tuple[Any, ...]) -> tuple[Any, ...]:
    args = promote(args)
    for arg in args:
        if isinstance(arg, Variable) and arg._array.dtype.kind == "f":
            raise RuntimeError(
                f"bitwise operations are not implemented for '{arg._array.dtype}': "
                "they take integer or bool tensors"
            )
    return args


@primitive(prepare=_promote_bits)
def bitwise_and(xp: Backend, input: Array, other: Array) -> Array:
    """input & other."""
    return xp.bitwise_and(input, other)


@primitive(prepare=_promote_bits)
def bitwise_or(xp: Backend, input: Array, other: Array) -> Array:
    """input | other."""
    return xp.bitwise_or(input, other)


@primitive(prepare=_promote_bits)
def bitwise_xor(xp: Backend, input: Array, other: Array) -> Array:
    """input ^ other."""
    return xp.bitwise_xor(input, other)


@primitive(prepare=_promote_bits)
def bitwise_not(xp: Backend, input: Array) -> Array:
    """~input: of a bool tensor the logical not."""
    return xp.invert(input)


@primitive(prepare=_promote_bits)
def bitwise_left_shift(xp: Backend, input: Array, other: Array) -> Array:
    """input << other: input * 2 ** other."""
    return input << other


@primitive(prepare=_promote_bits)
def bitwise_right_shift(xp: Backend, input: Array, other: Array) -> Array:
    """input >> other: input / 2 ** other, rounded down."""
    return input >> other


def signbit(input: Any) -> Any:
    """Whether the sign bit is set: true for -0.0 too."""
    xp: Any = backend_of(input._array)
    array = input._array
    return input._wrap(xp.signbit(array) if array.dtype.kind == "f" else array < 0)
