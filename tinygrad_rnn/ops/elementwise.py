"""Elementwise functions of one variable: each one's forward, and its gradient rule."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import float16, float32
from .arithmetic import log_of, pow
from .checking import refusing
from .choice import where
from .conversion import promote, promote_floating

# ----- exponentials, logarithms, roots -----


@primitive(prepare=promote_floating)
def exp(xp: Backend, input: Array) -> Array:
    """e ** input, elementwise.

    >>> torch.exp(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return xp.exp(input)


@primitive(prepare=promote_floating)
def exp2(xp: Backend, input: Array) -> Array:
    """2 ** input, elementwise.

    >>> torch.exp2(torch.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return xp.exp2(input)


@primitive(prepare=promote_floating)
def expm1(xp: Backend, input: Array) -> Array:
    """exp(input) - 1, elementwise, exact for small inputs.

    >>> torch.expm1(torch.tensor([0.0, 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])
    """
    return xp.expm1(input)


@primitive(prepare=promote_floating)
def log2(xp: Backend, input: Array) -> Array:
    """The logarithm of each element to base 2.

    >>> torch.log2(torch.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return xp.log2(input)


@primitive(prepare=promote_floating)
def log10(xp: Backend, input: Array) -> Array:
    """The logarithm of each element to base 10.

    >>> torch.log10(torch.tensor([1.0, 1000.0]))
    tensor([0.0000, 3.0000])
    """
    return xp.log10(input)


@primitive(prepare=promote_floating, name="Log1PBackward0")
def log1p(xp: Backend, input: Array) -> Array:
    """log(1 + input), elementwise, exact for small inputs.

    >>> torch.log1p(torch.tensor([0.0, 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])
    """
    return xp.log1p(input)


@primitive(prepare=promote_floating)
def sqrt(xp: Backend, input: Array) -> Array:
    """The square root of each element.

    >>> torch.sqrt(torch.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return xp.sqrt(input)


@primitive(prepare=promote_floating)
def rsqrt(xp: Backend, input: Array) -> Array:
    """1 / sqrt(input), elementwise.

    >>> torch.rsqrt(torch.tensor([4.0, 16.0]))
    tensor([0.5000, 0.2500])
    """
    return 1 / xp.sqrt(input)


@primitive(prepare=promote_floating)
def reciprocal(xp: Backend, input: Array) -> Array:
    """1 / input, elementwise.

    >>> torch.reciprocal(torch.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
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
    """input * log(other), elementwise, broadcast; 0 where input is 0, unless other is nan.

    >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 10.0]))
    tensor([0.0000, 4.6052])
    """
    if not hasattr(other, "dtype"):
        other = xp.asarray(other, input.dtype)
    return xp.where((input == 0) & ~xp.isnan(other), 0, input * xp.log(other))


xlogy.gradients(
    lambda g, _y, a, b: where((a == 0) & (b <= 0), 0, g * log_of(b)), lambda g, _y, a, b: g * a / b
)


def square(input: Any) -> Any:
    """input ** 2, elementwise.

    >>> torch.square(torch.tensor([-2.0, 3.0]))
    tensor([4., 9.])
    """
    return pow(input, 2)


@primitive(broadcasts=True, prepare=refusing("logaddexp_cpu", "biu", promote))
def logaddexp(xp: Backend, input: Array, other: Array) -> Array:
    """log(exp(input) + exp(other)), elementwise, broadcast, without overflow.

    >>> torch.logaddexp(torch.tensor([1000.0]), torch.tensor([1000.0]))
    tensor([1000.6932])
    """
    # NumPy's own takes ten times as long
    apart = xp.absolute(xp.subtract(input, other))
    apart = xp.where(xp.equal(input, other), 0, apart)  # of two infinities it is nan
    return xp.maximum(input, other) + xp.log1p(xp.exp(-apart))


logaddexp.gradients(lambda g, _y, a, b: g * sigmoid(a - b), lambda g, _y, a, b: g * sigmoid(b - a))

# ----- trigonometry -----


@primitive(prepare=promote_floating)
def sin(xp: Backend, input: Array) -> Array:
    """The sine of each element, which is in radians.

    >>> torch.sin(torch.tensor([0.0, torch.pi / 2]))
    tensor([0., 1.])
    """
    return xp.sin(input)


@primitive(prepare=promote_floating)
def cos(xp: Backend, input: Array) -> Array:
    """The cosine of each element, which is in radians.

    >>> torch.cos(torch.tensor([0.0, torch.pi]))
    tensor([ 1., -1.])
    """
    return xp.cos(input)


@primitive(prepare=promote_floating)
def tan(xp: Backend, input: Array) -> Array:
    """The tangent of each element, which is in radians.

    >>> torch.tan(torch.tensor([0.0, torch.pi / 4]))
    tensor([0., 1.])
    """
    return xp.tan(input)


@primitive(prepare=promote_floating)
def asin(xp: Backend, input: Array) -> Array:
    """The arc sine of each element, in radians.

    >>> torch.asin(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return xp.arcsin(input)


@primitive(prepare=promote_floating)
def acos(xp: Backend, input: Array) -> Array:
    """The arc cosine of each element, in radians.

    >>> torch.acos(torch.tensor([1.0, -1.0]))
    tensor([0.0000, 3.1416])
    """
    return xp.arccos(input)


@primitive(prepare=promote_floating)
def atan(xp: Backend, input: Array) -> Array:
    """The arc tangent of each element, in radians.

    >>> torch.atan(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return xp.arctan(input)


@primitive(broadcasts=True, prepare=promote_floating)
def atan2(xp: Backend, input: Array, other: Array) -> Array:
    """The angle of the point (other, input), in radians, elementwise, broadcast.

    >>> torch.atan2(torch.tensor([1.0, -1.0]), torch.tensor([1.0, -1.0]))
    tensor([ 0.7854, -2.3562])
    """
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
    """The hyperbolic sine of each element.

    >>> torch.sinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return xp.sinh(input)


@primitive(prepare=promote_floating)
def cosh(xp: Backend, input: Array) -> Array:
    """The hyperbolic cosine of each element.

    >>> torch.cosh(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return xp.cosh(input)


@primitive(prepare=promote_floating)
def tanh(xp: Backend, input: Array) -> Array:
    """The hyperbolic tangent of each element.

    >>> torch.tanh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return xp.tanh(input)


@primitive(prepare=promote_floating)
def asinh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic sine of each element.

    >>> torch.asinh(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return xp.arcsinh(input)


@primitive(prepare=promote_floating)
def acosh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic cosine of each element.

    >>> torch.acosh(torch.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return xp.arccosh(input)


@primitive(prepare=promote_floating)
def atanh(xp: Backend, input: Array) -> Array:
    """The inverse hyperbolic tangent of each element.

    >>> torch.atanh(torch.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return xp.arctanh(input)


@primitive(prepare=promote_floating)
def sigmoid(xp: Backend, input: Array) -> Array:
    """1 / (1 + exp(-input)), elementwise.

    >>> torch.sigmoid(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return logistic(xp, input, xp.empty_like(input))


def logistic(xp: Backend, input: Array, out: Array) -> Array:
    """The sigmoid written into out."""
    wide = xp.empty(out.shape, float32.array) if out.dtype == float16.array else out  # holds exp
    xp.negative(input, out=wide)
    xp.exp(wide, out=wide)
    wide += 1
    return xp.true_divide(1, wide, out=out)


@primitive
def relu(xp: Backend, input: Array) -> Array:
    """max(input, 0), elementwise; nan stays nan.

    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return xp.clip(input, 0, None)


sinh.gradients(lambda g, _y, x: g * cosh(x))
cosh.gradients(lambda g, _y, x: g * sinh(x))
tanh.gradients(lambda g, y, _x: g * (1 - y * y))
asinh.gradients(lambda g, _y, x: g * rsqrt(x * x + 1))
acosh.gradients(lambda g, _y, x: g * rsqrt(x * x - 1))
atanh.gradients(lambda g, _y, x: g / (1 - x * x))
sigmoid.gradients(lambda g, y, _x: g * (y * (1 - y)))
relu.gradients(lambda g, y, _x: where(y <= 0, 0, g))


@primitive(broadcasts=True, prepare=refusing("hypot_cpu", "biu", promote))
def hypot(xp: Backend, input: Array, other: Array) -> Array:
    """sqrt(input ** 2 + other ** 2), elementwise, broadcast, without overflow.

    >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
    tensor([5.])
    """
    return xp.hypot(input, other)


hypot.gradients(lambda g, y, a, _b: g * (a / y), lambda g, y, _a, b: g * (b / y))
