"""Numbers and their parts: signs, exponents, divisors, degrees; what of complex tensors is left
for real ones."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import bool_, of_array
from . import return_types
from .arithmetic import mul, pow, zeros_like
from .checking import refusing
from .choice import where
from .comparison import isfinite
from .conversion import cast, promote, promote_floating, result_type
from .elementwise import logaddexp

# ----- signs and neighbours -----


@primitive(broadcasts=True, prepare=promote_floating)
def copysign(xp: Backend, input: Array, other: Array) -> Array:
    """The magnitude of input with the sign of other (also of -0.0), elementwise, broadcast.

    >>> torch.copysign(torch.tensor([1.0, -2.0]), -1)
    tensor([-1., -2.])
    """
    return xp.copysign(input, other)


def _same_sign(g: Any, y: Any, x: Any) -> Any:
    return where(x == 0, 0, g * where(x == 0, 0, y / x))


copysign.gradients(
    lambda g, y, a, _b: _same_sign(g, y, a),
    lambda g, _y, _a, b_shape: zeros_like(g),
)


def _same_float(args: tuple[Any, ...]) -> tuple[Any, ...]:
    args = promote(args)
    for arg in args:
        if isinstance(arg, Variable) and arg._array.dtype.kind != "f":
            raise NotImplementedError(
                f'"nextafter_cpu" not implemented for {of_array(arg._array.dtype)}: it takes '
                "floating tensors"
            )
    return args


@primitive(broadcasts=True, prepare=_same_float)
def nextafter(xp: Backend, input: Array, other: Array) -> Array:
    """The next number of the dtype behind input on the way to other, elementwise, broadcast.
    Raises NotImplementedError for integers.

    >>> torch.nextafter(torch.tensor(1.0), torch.tensor(2.0)).item() - 1 == 2**-23
    True
    """
    return xp.nextafter(input, other)


nextafter.gradients(lambda g, _y, a, b: where(a == b, 0, g), lambda g, _y, _a, _b: zeros_like(g))


def isposinf(input: Any) -> Any:
    """Whether each element is +inf.

    >>> torch.isposinf(torch.tensor([-torch.inf, 1.0, torch.inf]))
    tensor([False, False,  True])
    """
    return input == math.inf


def isneginf(input: Any) -> Any:
    """Whether each element is -inf.

    >>> torch.isneginf(torch.tensor([-torch.inf, 1.0, torch.inf]))
    tensor([ True, False, False])
    """
    return input == -math.inf


# ----- exponents -----


@primitive
def _frexp(xp: Backend, input: Array) -> tuple[Array, Array]:
    mantissa, exponent = xp.frexp(input)
    return mantissa, exponent


_frexp.gradients(
    lambda g, y, x: g[0] * where((x == 0) | ~isfinite(x), 1, y[0] / where(x == 0, 1, x))
)


def frexp(input: Any) -> return_types.frexp:
    """Of each element the mantissa in (-1, -0.5] or [0.5, 1), or 0, and the exponent (int32), with
    input = mantissa * 2 ** exponent. Raises RuntimeError for integers.

    >>> torch.frexp(torch.tensor([10.0, -0.25])).exponent
    tensor([ 4, -1], dtype=torch.int32)
    """
    if input._array.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return return_types.frexp(*_frexp(input))


def ldexp(input: Any, other: Any) -> Any:
    """input * 2 ** other, elementwise, broadcast.

    >>> torch.ldexp(torch.tensor([1.0]), torch.tensor([3, -1]))
    tensor([8.0000, 0.5000])
    """
    kind = result_type(input, other)
    product = mul(input, pow(2.0, other))
    return cast(product, kind) if kind.is_floating_point else product


_check_logaddexp2 = refusing("logaddexp2_cpu", "biu", promote)


def logaddexp2(input: Any, other: Any) -> Any:
    """log2(2 ** input + 2 ** other), elementwise, broadcast, without overflow.

    >>> torch.logaddexp2(torch.tensor(3.0), torch.tensor(3.0))
    tensor(4.)
    """
    input, other = _check_logaddexp2((input, other))
    log2 = math.log(2)
    return logaddexp(input * log2, other * log2) / log2


# ----- degrees -----


@primitive(prepare=promote_floating)
def deg2rad(xp: Backend, input: Array) -> Array:
    """Degrees as radians, elementwise.

    >>> torch.deg2rad(torch.tensor([180.0]))
    tensor([3.1416])
    """
    return input * (math.pi / 180)


@primitive(prepare=promote_floating)
def rad2deg(xp: Backend, input: Array) -> Array:
    """Radians as degrees, elementwise.

    >>> torch.rad2deg(torch.tensor([torch.pi]))
    tensor([180.])
    """
    return input * (180 / math.pi)


deg2rad.gradients(lambda g, _y, _x: g * (math.pi / 180))
rad2deg.gradients(lambda g, _y, _x: g * (180 / math.pi))

# ----- divisors -----


def _integers(args: tuple[Any, ...]) -> tuple[Any, ...]:
    args = promote(args)
    for arg in args:
        if isinstance(arg, Variable) and arg._array.dtype.kind not in "iu":
            raise NotImplementedError(
                f'"gcd_cpu" not implemented for {of_array(arg._array.dtype)}: divisors are of '
                "integer tensors"
            )
    return args


@primitive(prepare=_integers)
def gcd(xp: Backend, input: Array, other: Array) -> Array:
    """The greatest common divisor of integers, elementwise, broadcast; gcd(0, 0) is 0.

    >>> torch.gcd(torch.tensor([12, 7]), torch.tensor(8))
    tensor([4, 1])
    """
    return xp.gcd(input, other)


@primitive(prepare=_integers)
def lcm(xp: Backend, input: Array, other: Array) -> Array:
    """The least common multiple of integers, elementwise, broadcast.

    >>> torch.lcm(torch.tensor([12, 7]), torch.tensor(8))
    tensor([24, 56])
    """
    return xp.lcm(input, other)


# ----- what of complex numbers is left for real ones -----


def conj(input: Any) -> Any:
    """The complex conjugate: of real numbers these themselves, the same tensor of any shape.

    >>> torch.conj(torch.tensor([1.0]))
    tensor([1.])
    """
    return input


def real(input: Any) -> Any:
    """The real part: of real numbers these themselves, the same tensor of any shape.

    >>> torch.real(torch.tensor([1.0]))
    tensor([1.])
    """
    return input


def resolve_conj(input: Any) -> Any:
    """The tensor itself, of any shape: none is lazily conjugated.

    >>> torch.resolve_conj(torch.tensor([1.0]))
    tensor([1.])
    """
    return input


def resolve_neg(input: Any) -> Any:
    """The tensor itself, of any shape: none is lazily negated.

    >>> torch.resolve_neg(torch.tensor([1.0]))
    tensor([1.])
    """
    return input


def isreal(input: Any) -> Any:
    """Whether each element has no imaginary part: always.

    >>> torch.isreal(torch.tensor([1, 2]))
    tensor([True, True])
    """
    xp: Any = backend_of(input._array)
    return input._wrap(xp.ones(input._array.shape, bool_.array))


@primitive(prepare=promote_floating)
def angle(xp: Backend, input: Array) -> Array:
    """The angle of each element in the complex plane: pi for negative numbers, 0 for others; nan
    stays nan.

    >>> torch.angle(torch.tensor([-2.0, 3.0]))
    tensor([3.1416, 0.0000])
    """
    return xp.where(xp.isnan(input), input, (input < 0) * input.dtype.type(math.pi))


angle.gradients(lambda g, _y, _x: zeros_like(g))
