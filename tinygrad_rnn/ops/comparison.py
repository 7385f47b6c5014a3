"""Comparisons, logic and bits: results without gradients."""

from __future__ import annotations

from typing import Any

from ..autograd import Variable, primitive
from ..autograd.trace import READ, refuse
from ..backends import Array, Backend, backend_of
from ..dtypes import get_default_dtype, of_array
from .checking import check_same_dtype, refusing
from .conversion import promote

# ----- comparison: bool results -----


@primitive(prepare=promote)
def eq(xp: Backend, input: Array, other: Array) -> Array:
    """input == other, elementwise, broadcast.

    >>> torch.eq(torch.tensor([1, 2]), torch.tensor([1, 3]))
    tensor([ True, False])
    """
    return xp.equal(input, other)


@primitive(prepare=promote)
def ne(xp: Backend, input: Array, other: Array) -> Array:
    """input != other, elementwise, broadcast.

    >>> torch.ne(torch.tensor([1, 2]), torch.tensor([1, 3]))
    tensor([False,  True])
    """
    return xp.not_equal(input, other)


@primitive(prepare=promote)
def lt(xp: Backend, input: Array, other: Array) -> Array:
    """input < other, elementwise, broadcast.

    >>> torch.lt(torch.tensor([1, 2, 3]), 2)
    tensor([ True, False, False])
    """
    return xp.less(input, other)


@primitive(prepare=promote)
def le(xp: Backend, input: Array, other: Array) -> Array:
    """input <= other, elementwise, broadcast.

    >>> torch.le(torch.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False])
    """
    return xp.less_equal(input, other)


@primitive(prepare=promote)
def gt(xp: Backend, input: Array, other: Array) -> Array:
    """input > other, elementwise, broadcast.

    >>> torch.gt(torch.tensor([1, 2, 3]), 2)
    tensor([False, False,  True])
    """
    return xp.greater(input, other)


@primitive(prepare=promote)
def ge(xp: Backend, input: Array, other: Array) -> Array:
    """input >= other, elementwise, broadcast.

    >>> torch.ge(torch.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True])
    """
    return xp.greater_equal(input, other)


@primitive
def isnan(xp: Backend, input: Array) -> Array:
    """Whether each element is nan.

    >>> torch.isnan(torch.tensor([1.0, torch.inf, torch.nan]))
    tensor([False, False,  True])
    """
    return xp.isnan(input)


@primitive
def isinf(xp: Backend, input: Array) -> Array:
    """Whether each element is infinite.

    >>> torch.isinf(torch.tensor([1.0, torch.inf, torch.nan]))
    tensor([False,  True, False])
    """
    return xp.isinf(input)


@primitive
def isfinite(xp: Backend, input: Array) -> Array:
    """Whether each element is neither infinite nor nan.

    >>> torch.isfinite(torch.tensor([1.0, torch.inf, torch.nan]))
    tensor([ True, False, False])
    """
    return xp.isfinite(input)


@primitive(prepare=promote)
def _isclose(
    xp: Backend, input: Array, other: Array, *, rtol: float, atol: float, equal_nan: bool
) -> Array:
    if input.dtype.kind != "f":  # where differences could wrap around
        kind = get_default_dtype().array
        input, other = input.astype(kind), xp.asarray(other, kind)
    close = (xp.absolute(input - other) <= atol + xp.absolute(rtol * other)) & xp.isfinite(other)
    close |= input == other
    return close | (xp.isnan(input) & xp.isnan(other)) if equal_nan else close


def isclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """|input - other| <= atol + rtol * |other|, elementwise, broadcast. Raises RuntimeError for a
    negative rtol or atol, and for two dtypes.

    >>> torch.isclose(torch.tensor([1.0, 1.0]), torch.tensor([1.000001, 1.1]))
    tensor([ True, False])
    """
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol={rtol} and atol={atol} must not be negative")
    check_same_dtype("isclose", input, other)
    return _isclose(input, other, rtol=float(rtol), atol=float(atol), equal_nan=equal_nan)


def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether `isclose` holds for every element.

    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.000001]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input: Any, other: Variable) -> bool:
    """Whether two tensors have the same shape and the same elements.

    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    refuse(READ)
    same = input._array.shape == other._array.shape
    return same and bool((input._array == other._array).all())


def is_same_size(input: Any, other: Variable) -> bool:
    """Whether two tensors have the same shape.

    >>> torch.is_same_size(torch.ones(2, 3), torch.zeros(2, 3))
    True
    """
    return input._array.shape == other._array.shape


def is_nonzero(input: Any) -> bool:
    """Whether the only element is not zero. Raises RuntimeError if there are more, or none.

    >>> torch.is_nonzero(torch.tensor([3]))
    True
    """
    return bool(input)


# ----- logic: any dtype in, bool out -----


@primitive
def logical_not(xp: Backend, input: Array) -> Array:
    """Whether each element is zero.

    >>> torch.logical_not(torch.tensor([0, 2]))
    tensor([ True, False])
    """
    return xp.logical_not(input)


@primitive
def logical_and(xp: Backend, input: Array, other: Array) -> Array:
    """Whether both are nonzero, elementwise, broadcast.

    >>> torch.logical_and(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 4]))
    tensor([False, False,  True])
    """
    return xp.logical_and(input, other)


@primitive
def logical_or(xp: Backend, input: Array, other: Array) -> Array:
    """Whether either is nonzero, elementwise, broadcast.

    >>> torch.logical_or(torch.tensor([0, 2, 0]), torch.tensor([1, 0, 0]))
    tensor([ True,  True, False])
    """
    return xp.logical_or(input, other)


@primitive
def logical_xor(xp: Backend, input: Array, other: Array) -> Array:
    """Whether exactly one is nonzero, elementwise, broadcast.

    >>> torch.logical_xor(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 4]))
    tensor([ True,  True, False])
    """
    return xp.logical_xor(input, other)


# ----- bits: integers and bool -----


def _promote_bits(args: tuple[Any, ...]) -> tuple[Any, ...]:
    args = promote(args)
    for arg in args:
        if isinstance(arg, Variable) and arg._array.dtype.kind == "f":
            raise NotImplementedError(
                f"bitwise operations are not implemented for {of_array(arg._array.dtype)}: they "
                "take integer or bool tensors"
            )
    return args


@primitive(prepare=_promote_bits)
def bitwise_and(xp: Backend, input: Array, other: Array) -> Array:
    """input & other, elementwise, broadcast.

    >>> torch.bitwise_and(torch.tensor([6, 5]), 3)
    tensor([2, 1])
    """
    return xp.bitwise_and(input, other)


@primitive(prepare=_promote_bits)
def bitwise_or(xp: Backend, input: Array, other: Array) -> Array:
    """input | other, elementwise, broadcast.

    >>> torch.bitwise_or(torch.tensor([6, 5]), 3)
    tensor([7, 7])
    """
    return xp.bitwise_or(input, other)


@primitive(prepare=_promote_bits)
def bitwise_xor(xp: Backend, input: Array, other: Array) -> Array:
    """input ^ other, elementwise, broadcast.

    >>> torch.bitwise_xor(torch.tensor([6, 5]), 3)
    tensor([5, 6])
    """
    return xp.bitwise_xor(input, other)


@primitive(prepare=_promote_bits)
def bitwise_not(xp: Backend, input: Array) -> Array:
    """~input, elementwise: of a bool tensor the logical not.

    >>> torch.bitwise_not(torch.tensor([0, 5]))
    tensor([-1, -6])
    """
    return xp.invert(input)


def invert(input: Any) -> Any:
    """``~input``. Raises TypeError for floating tensors."""
    if input._array.dtype.kind == "f":
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors, "
            f"got {of_array(input._array.dtype)}"
        )
    return bitwise_not(input)


@primitive(prepare=refusing("lshift_cpu", "b", _promote_bits))
def bitwise_left_shift(xp: Backend, input: Array, other: Array) -> Array:
    """input << other, elementwise, broadcast: input * 2 ** other.

    >>> torch.bitwise_left_shift(torch.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return input << other


@primitive(prepare=refusing("rshift_cpu", "b", _promote_bits))
def bitwise_right_shift(xp: Backend, input: Array, other: Array) -> Array:
    """input >> other, elementwise, broadcast: input / 2 ** other, rounded down.

    >>> torch.bitwise_right_shift(torch.tensor([8, -3]), 1)
    tensor([ 4, -2])
    """
    return input >> other


def signbit(input: Any) -> Any:
    """Whether the sign bit of each element is set: true for -0.0 too.

    >>> torch.signbit(torch.tensor([-1.0, -0.0, 0.0]))
    tensor([ True,  True, False])
    """
    xp: Any = backend_of(input._array)
    array = input._array
    return input._wrap(xp.signbit(array) if array.dtype.kind == "f" else array < 0)
