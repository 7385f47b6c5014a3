"""Elementwise functions of one variable: each one's forward, and its gradient rule."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from .arithmetic import log_of, pow
from .choice import where
from .conversion import promote_floating

# ----- exponentials, logarithms, roots -----


@primitive(prepare=promote_floating)
def exp(xp: Backend, input: Array) -> Array:
    """e ** input."""
    return xp.exp(input)


@primitive(prepare=promote_floating)
def exp2(xp: Backend, input: Array) -> Array:
    """2 ** input."""
    return xp.exp2(input)


@primitive(prepare=promote_floating)
def expm1(xp: Backend, input: Array) -> Array:
    """exp(input) - 1, exact for small inputs."""
    return xp.expm1(input)


@primitive(prepare=promote_floating)
def log2(xp: Backend, input: Array) -> Array:
    """The logarithm to base 2."""
    return xp.log2(input)


@primitive(prepare=promote_floating)
def log10(xp: Backend, input: Array) -> Array:
    """The logarithm to base 10."""
    return xp.log10(input)


@primitive(prepare=promote_floating)
def log1p(xp: Backend, input: Array) -> Array:
    """log(1 + input), exact for small inputs."""
    return xp.log1p(input)


@primitive(prepare=promote_floating)
def sqrt(xp: Backend, input: Array) -> Array:
    """The square root."""
    return xp.sqrt(input)


@primitive(prepare=promote_floating)
def rsqrt(xp: Backend, input: Array) -> Array:
    """1 / sqrt(input)."""
    return 1 / xp.sqrt(input)


@primitive(prepare=promote_floating)
def reciprocal(xp: Backend, input: Array) -> Array:
    """1 / input."""
    return 1 / input


exp.gradients(lambda g, y, _x: g * y)
exp2.gradients(lambda g, y, _x: g * y * math.log(2))
expm1.gradients(lambda g, y, _x: g * (y + 1))
log2.gradients(lambda g, _y, x: g / (x * math.log(2)))
log10.gradients(lambda g, _y, x: g / (x * math.log(10)))
log1p.gradients(lambda g, _y, x: g / (x + 1))
sqrt.gradients(lambda g, y, _x: g / (2 * y))
rsqrt.gradients(lambda g, y, _x: -0.5 * g * y * y * y)
reciprocal.gradients(lambda g, y, _x: -g * y * y)


@primitive(broadcasts=True, prepare=promote_floating)
def xlogy(xp: Backend, input: Array, other: Array) -> Array:
    """input * log(other), and 0 where input is 0, unless other is nan."""
    if not hasattr(other, "dtype"):
        other = xp.asarray(other, input.dtype)
    return xp.where((input == 0) & ~xp.isnan(other), 0, input * xp.log(other))


xlogy.gradients(
    lambda g, _y, a, b: where((a == 0) & (b <= 0), 0, g * log_of(b)), lambda g, _y, a, b: g * a / b
)


def square(input: Any) -> Any:
    """input ** 2."""
    return pow(input, 2)


@primitive(broadcasts=True, prepare=promote_floating)
def logaddexp(xp: Backend, input: Array, other: Array) -> Array:
    """log(exp(input) + exp(other)), without overflow."""
    return xp.logaddexp(input, other)


logaddexp.gradients(lambda g, _y, a, b: g * sigmoid(a - b), lambda g, _y, a, b: g * sigmoid(b - a))

# ----- trigonometry -----


@primitive(prepare=promote_floating)
def sin(xp: Backend, input: Array) -> Array:
    """The sine of radians."""
    return xp.sin(input)


@primitive(prepare=promote_floating)
def cos(xp: Backend, input: Array) -> Array:
    """The cosine of radians."""
    return xp.cos(input)


@primitive(prepare=promote_floating)
def tan(xp: Backend, input: Array) -> Array:
    """The tangent of radians."""
    return xp.tan(input)


@primitive(prepare=promote_floating)
def asin(xp: Backend, input: Array) -> Array:
    """The arc sine, in radians."""
    return xp.arcsin(input)


@primitive(prepare=promote_floating)
def acos(xp: Backend, input: Array) -> Array:
    """The arc cosine, in radians."""
    return xp.arccos(input)


@primitive(prepare=promote_floating)
def atan(xp: Backend, input: Array) -> Array:
    """The arc tangent, in radians."""
    return xp.arctan(input)


@primitive(broadcasts=True, prepare=promote_floating)
def atan2(xp: Backend, input: Array, other: Array) -> Array:
    """The angle of the point (other, input), in radians."""
    return xp.arctan2(input, other)


def _over_square(x: Any, a: Any, b: Any) -> Any:
    square = a * a + b * b
    return where(square == 0, 0, x / square)


sin.gradients(lambda g, _y, x: g * cos(x))
cos.gradients(lambda g, _y, x: -g * sin(x))
tan.gradients(lambda g, y, _x: g * (1 + y * y))
asin.gradients(lambda g, _y, x: g * rsqrt(1 - x * x))
acos.gradients(lambda g, _y, x: -g * rsqrt(1 - x * x))
atan.gradients(lambda g, _y, x: g / (1 + x * x))
atan2.gradients(
    lambda g, _y, a, b: _over_square(g * b, a, b), lambda g, _y, a, b: _over_square(-g * a, a, b)
)

# ----- hyperbolic functions and activations -----


@primitive(prepare=promote_floating)
def sinh(xp: Backend, input: Array) -> Array:
    """The hyperbolic sine."""
    return xp.sinh(input)


@primitive(prepare=promote_floating)
def cosh(xp: Backend, input: Array) -> Array:
    """The hyperbolic cosine."""
    return xp.cosh(input)


@primitive(prepare=promote_floating)
def tanh(xp: Backend, input: Array) -> Array:
    """The hyperbolic tangent."""
    return xp.tanh(input)


@primitive(prepare=promote_floating)
def asinh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic sine."""
    return xp.arcsinh(input)


@primitive(prepare=promote_floating)
def acosh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic cosine."""
    return xp.arccosh(input)


@primitive(prepare=promote_floating)
def atanh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic tangent."""
    return xp.arctanh(input)


@primitive(prepare=promote_floating)
def sigmoid(xp: Backend, input: Array) -> Array:
    """1 / (1 + exp(-input))."""
    return 1 / (1 + xp.exp(-input))


@primitive
def relu(xp: Backend, input: Array) -> Array:
    """max(input, 0); nan stays nan."""
    return xp.maximum(input, 0)


sinh.gradients(lambda g, _y, x: g * cosh(x))
cosh.gradients(lambda g, _y, x: g * sinh(x))
tanh.gradients(lambda g, y, _x: g * (1 - y * y))
asinh.gradients(lambda g, _y, x: g * rsqrt(x * x + 1))
acosh.gradients(lambda g, _y, x: g * rsqrt(x * x - 1))
atanh.gradients(lambda g, _y, x: g / (1 - x * x))
sigmoid.gradients(lambda g, y, _x: g * (y * (1 - y)))
relu.gradients(lambda g, y, _x: where(y <= 0, 0, g))


@primitive(broadcasts=True, prepare=promote_floating)
def hypot(xp: Backend, input: Array, other: Array) -> Array:
    """sqrt(input ** 2 + other ** 2), without overflow."""
    return xp.hypot(input, other)


hypot.gradients(lambda g, y, a, _b: g * (a / y), lambda g, y, _a, b: g * (b / y))
