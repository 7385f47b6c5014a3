"""The gamma function's logarithm and its derivatives, computed in float64 and rounded once."""

from __future__ import annotations

import functools
import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
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


def _hurwitz(xp: Backend, s: int, q: Array) -> Array:
    """The sum of (q + k) ** -s over k = 0, 1, ... for q >= 1/2, by Euler and Maclaurin."""
    total = xp.zeros_like(q)
    for k in range(_SHIFT):
        total = total + (q + k) ** -float(s)
    w = q + _SHIFT
    total = total + w ** (1.0 - s) / (s - 1) + w ** -float(s) / 2
    factor = float(s)
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + b * factor / math.factorial(2 * k) * w ** (1.0 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k)
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
    scale = (-1) ** (n + 1) * math.factorial(n)
    result = scale * _hurwitz(xp, n + 1, q) if n else _digamma(xp, q)
    cot = 1 / xp.tan(math.pi * rest)
    *lower, slope = _cotangent_derivative(n)
    for c in reversed(lower):
        slope = slope * cot + c
    reflected = (-1) ** n * result - math.pi * slope
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
    """The n-th derivative of `digamma`, elementwise. Raises RuntimeError for a negative n.

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
    steps = x.new_tensor([-i / 2 for i in range(p)])
    return sum(lgamma(unsqueeze(x, -1) + steps), -1) + p * (p - 1) / 4 * math.log(math.pi)
