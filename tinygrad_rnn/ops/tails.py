"""The tails of the normal distribution, and other functions of a probability's logarithm."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import float64
from .choice import where
from .conversion import promote_floating
from .elementwise import exp, log1p
from .error_function import erf
from .special import erfinv, scaled_erfc


def _erfcx(xp: Backend, x: Array) -> Array:
    """exp(x^2) erfc(x) of float64."""
    size = xp.absolute(x)
    square = x * x
    near = xp.exp(xp.minimum(square, 1)) * (1 - erf(xp.clip(x, -1, 1)))
    upper = xp.where(size < 0.46875, near, scaled_erfc(xp, size))
    return xp.where(x < -0.46875, 2 * xp.exp(square) - upper, upper)


@primitive(prepare=promote_floating)
def erfcx(xp: Backend, input: Array) -> Array:
    """exp(input ** 2) * erfc(input), elementwise, which does not vanish for large numbers.

    >>> torch.special.erfcx(torch.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])
    """
    return _erfcx(xp, xp.asarray(input, float64.array)).astype(input.dtype)


erfcx.gradients(lambda g, y, x: g * (2 * x * y - 2 / math.sqrt(math.pi)))


def _log_ndtr(xp: Backend, x: Array) -> Array:
    z = x / math.sqrt(2)
    low = xp.log(_erfcx(xp, -xp.minimum(z, 0)) / 2) - z * z
    upper = xp.maximum(z, -1)
    high = xp.log1p(-xp.exp(-upper * upper) * _erfcx(xp, upper) / 2)
    return xp.where(x < -1, low, high)


@primitive(prepare=promote_floating)
def log_ndtr(xp: Backend, input: Array) -> Array:
    """The logarithm of the part of the standard normal distribution below each element, also where
    that is too small for a number.

    >>> torch.special.log_ndtr(torch.tensor([0.0, -50.0]))
    tensor([-6.9315e-01, -1.2548e+03])
    """
    return _log_ndtr(xp, xp.asarray(input, float64.array)).astype(input.dtype)


log_ndtr.gradients(lambda g, _y, x: g * (math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5))))


@primitive(prepare=promote_floating)
def ndtri(xp: Backend, input: Array) -> Array:
    """The number below which there is this part of the standard normal distribution, elementwise:
    -inf for 0, inf for 1, nan outside.

    >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    p = xp.asarray(input, float64.array)
    lower = xp.minimum(p, 1 - p)
    middle = math.sqrt(2) * erfinv(2 * xp.clip(lower, 0.1, 0.5) - 1)
    target = xp.log(xp.clip(lower, 1e-320, 0.1))
    x = -xp.sqrt(-2 * target)
    for _ in range(6):  # Newton's method for the logarithm, which is nearly a parabola
        slope = math.sqrt(2 / math.pi) / _erfcx(xp, -x / math.sqrt(2))
        x = x - (_log_ndtr(xp, x) - target) / slope
    x = xp.where(lower < 0.1, x, middle)
    x = xp.where(p > 0.5, -x, x)
    x = xp.where(p == 0, -math.inf, xp.where(p == 1, math.inf, x))
    return xp.where((p >= 0) & (p <= 1), x, math.nan).astype(input.dtype)


ndtri.gradients(lambda g, y, _x: g * (math.sqrt(2 * math.pi) * exp(y * y / 2)))


@primitive(broadcasts=True, prepare=promote_floating)
def xlog1py(xp: Backend, input: Array, other: Array) -> Array:
    """input * log(1 + other), elementwise, broadcast; 0 where input is 0, unless other is nan.

    >>> torch.special.xlog1py(torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])
    """
    if not hasattr(other, "dtype"):
        other = xp.asarray(other, input.dtype)
    return xp.where((input == 0) & ~xp.isnan(other), 0, input * xp.log1p(other))


def _by_factor(g: Any, _y: Any, a: Any, b: Any) -> Any:
    zero = (a == 0) & (b <= -1)
    return where(zero, 0, g * log1p(where(zero, 0.0, b)))


xlog1py.gradients(_by_factor, lambda g, _y, a, b: g * a / (b + 1))
