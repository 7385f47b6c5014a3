"""The gamma function's logarithm and its derivatives, computed in float64 and rounded once."""

from __future__ import annotations

import functools
import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import float64
from .conversion import promote_floating
from .reduction import sum
from .shape import new_sizes, shape_of, unsqueeze

_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
)  # B2, B4, ...
_SHIFT = 10  # from here on the asymptotic series have all digits of float64
_FACTORIALS = 170  # the last factorial that float64 has


def _from_half(xp: Backend, input: Array) -> tuple[Array, Array, Array]:
    """The input in float64; with numbers below 1/2 reflected at 1/2; and its distance to the next
    integer, which is exact."""
    x = input.astype(float64.array)
    return x, xp.where(x < 0.5, 1 - x, x), x - xp.rint(x)


@primitive(prepare=promote_floating)
def lgamma(xp: Backend, input: Array) -> Array:
    """log|gamma(input)|, elementwise; inf at 0, -1, -2, ... By Stirling's series, and the
    recurrence and the reflection formula where that is not exact (Abramowitz and Stegun,
    6.1.15-41).

    >>> torch.lgamma(torch.tensor([1.0, 4.0]))
    tensor([0.0000, 1.7918])
    """
    x, q, rest = _from_half(xp, input)
    small = q < _SHIFT
    product = xp.ones_like(q)
    for i in range(_SHIFT):
        product = product * xp.where(small, q + i, 1)
    z = xp.where(small, q + _SHIFT, q)
    result = (z - 0.5) * xp.log(z) - z + math.log(2 * math.pi) / 2 - xp.log(product)
    for k, b in enumerate(_BERNOULLI, 1):
        result = result + b / (2 * k * (2 * k - 1)) / z ** (2 * k - 1)
    result = xp.where((q == 1) | (q == 2), 0, xp.where(q == math.inf, math.inf, result))
    reflected = math.log(math.pi) - xp.log(xp.absolute(xp.sin(math.pi * rest))) - result
    reflected = xp.where((rest == 0) | (x == -math.inf), math.inf, reflected)
    return xp.where(x < 0.5, reflected, result).astype(input.dtype)


@functools.cache
def _cotangent_derivative(n: int) -> tuple[float, ...]:
    """The n-th derivative of cot(pi x) as a polynomial in cot(pi x), from the constant up."""
    if not n:
        return 0.0, 1.0
    slopes = [k * c for k, c in enumerate(_cotangent_derivative(n - 1))][1:]
    raised = [*slopes, 0.0, 0.0]
    for k, c in enumerate(slopes):
        raised[k + 2] += c
    return tuple(-math.pi * c for c in raised)


def _hurwitz(xp: Backend, s: Any, q: Array) -> Array:
    """The sum of (q + k) ** -s over k = 0, 1, ... for q >= 1/2, by Euler and Maclaurin; s is a
    float or an array."""
    total = xp.zeros_like(q)
    for k in range(_SHIFT):
        total = total + (q + k) ** -s
    w = q + _SHIFT
    total = total + w ** (1 - s) / (s - 1) + w**-s / 2
    factor = s
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + b * factor / math.factorial(2 * k) * w ** (1 - s - 2 * k)
        factor = factor * (s + 2 * k - 1) * (s + 2 * k)
    return total


def _digamma(xp: Backend, q: Array) -> Array:
    """The slope of lgamma for q >= 1/2, by its asymptotic series."""
    small = q < _SHIFT
    total = xp.zeros_like(q)
    for k in range(_SHIFT):
        total = total - xp.where(small, 1 / (q + k), 0)
    z = xp.where(small, q + _SHIFT, q)
    total = total + xp.log(z) - 0.5 / z
    for k, b in enumerate(_BERNOULLI, 1):
        total = total - b / (2 * k) / z ** (2 * k)
    return total


@primitive(prepare=promote_floating)
def _polygamma(xp: Backend, input: Array, *, n: int) -> Array:
    x, q, rest = _from_half(xp, input)
    sign = 1.0 if n % 2 else -1.0
    if n > _FACTORIALS:  # infinite, with the sign of the nearest pole
        result = sign * math.inf * q ** -float(n + 1)
        reflected = xp.copysign(math.inf, -rest) if n % 2 == 0 else xp.full_like(x, math.inf)
    else:
        result = sign * math.factorial(n) * _hurwitz(xp, float(n + 1), q) if n else _digamma(xp, q)
        cot = 1 / xp.tan(math.pi * rest)
        *lower, slope = _cotangent_derivative(n)
        for c in reversed(lower):
            slope = slope * cot + c
        reflected = -sign * result - math.pi * slope
    if n:
        pole = math.inf if n % 2 else -math.inf
    else:
        pole = xp.where(x == 0, xp.copysign(math.inf, -x), math.nan)
    reflected = xp.where(rest == 0, pole, reflected)
    return xp.where(x < 0.5, reflected, result).astype(input.dtype)


lgamma.gradients(lambda g, _y, x: g * _polygamma(x, n=0))
_polygamma.gradients(lambda g, _y, x, *, n: g * _polygamma(x, n=n + 1))


def digamma(input: Any) -> Any:
    """The derivative of `lgamma`, elementwise.

    >>> torch.digamma(torch.tensor([1.0]))
    tensor([-0.5772])
    """
    return _polygamma(input, n=0)


def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of `digamma`, elementwise. Raises RuntimeError for a negative n. Beyond
    n = 170, the last whose factorial float64 has, it is infinite, or nan where input > 1 is large.

    >>> torch.polygamma(1, torch.tensor([1.0]))
    tensor([1.6449])
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return _polygamma(input, n=n)


def polygamma_of(input: Any, n: int) -> Any:
    """`polygamma` as a method: the tensor comes first."""
    return polygamma(n, input)


def mvlgamma(input: Any, p: int) -> Any:
    """The logarithm of the p-variate gamma function, elementwise, for input > (p - 1) / 2. Raises
    RuntimeError for p < 1.

    >>> torch.mvlgamma(torch.tensor([2.0]), p=2)
    tensor([0.4516])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    new_sizes((*shape_of(input), p))
    (x,) = promote_floating((input,))
    xp: Any = backend_of(x._array)
    steps = x._wrap(xp.arange(p).astype(x._array.dtype)) / 2
    return sum(lgamma(unsqueeze(x, -1) - steps), -1) + p * (p - 1) / 4 * math.log(math.pi)


# ----- Hurwitz' zeta function -----


@primitive(broadcasts=True, prepare=promote_floating)
def _zeta(xp: Backend, input: Array, other: Array) -> Array:
    kind = (input if hasattr(input, "dtype") else other).dtype
    wide = (xp.asarray(value, float64.array) for value in (input, other))
    s, q = xp.broadcast_arrays(*wide)
    whole, pole = s == xp.floor(s), (q <= 0) & (q == xp.floor(q))
    usual = (s > 1) & ((q > 0) | (whole & ~pole)) & (q > -math.inf)
    s1, q1 = xp.where(usual, s, 2.0), xp.where(usual, q, 1.0)
    # The terms of negative numbers are those of positive ones, which end at -q
    negative = q1 < 0
    first = xp.where(negative, q1 - xp.floor(q1), q1)
    total = first**-s1 + _hurwitz(xp, s1, first + 1)
    distance, end = xp.where(negative, 1 - first, 1.0), xp.where(negative, 1 - q1, 1.0)
    rest = distance**-s1 + _hurwitz(xp, s1, distance + 1) - _hurwitz(xp, s1, end)
    total = total + xp.where(negative, xp.where(s1 % 2 == 0, rest, -rest), 0)
    edge = xp.where((s == 1) | ((s > 1) & pole), math.inf, math.nan)
    return xp.where(usual, total, edge).astype(kind)


def _no_rule(_g: Any, _y: Any, _s: Any, _q: Any) -> Any:
    raise NotImplementedError("the derivative for 'zeta' is not implemented.")


_zeta.gradients(_no_rule, lambda g, _y, s, q: g * -s * _zeta(s + 1, q))


def zeta(input: Any, other: Any) -> Any:
    """The Hurwitz zeta function, elementwise, broadcast: the sum of (other + k) ** -input over
    k = 0, 1, ... One of both may be a number. inf for an input of 1 and for an other of 0, -1,
    -2, ..., nan where it is not defined. Differentiable in other.

    >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    return _zeta(input, other)
