"""Special functions, computed in float64 whatever floating dtype the inputs have, rounded once."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import INTEGER, float64
from .arithmetic import log
from .choice import clamp, where
from .conversion import promote_floating, result_type
from .elementwise import cos, exp, sin
from .error_function import _FAR, _rational, erf
from .gamma import lgamma


def _wide(xp: Backend, input: Any) -> Array:
    return xp.asarray(input, float64.array)


# ----- the error function's kin -----

# exp(x^2) erfc(x) beyond 4, from polynomials in 1 / x^2, from the highest power down: W. J. Cody,
# "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969).
_TAIL = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


def scaled_erfc(xp: Backend, size: Array) -> Array:
    """exp(x^2) erfc(x) of float64 numbers from 0.46875 up."""
    far = xp.maximum(size, 4)
    inverse = 1 / (far * far)
    scaled = (1 / math.sqrt(math.pi) - inverse * _rational(inverse, _TAIL)) / far
    return xp.where(size < 4, _rational(xp.minimum(size, 4), _FAR), scaled)


def _erfc(xp: Backend, x: Array) -> Array:
    """1 - erf(x) of float64, with all digits also where it is small."""
    size = xp.absolute(x)
    limited = xp.minimum(size, 30)  # erfc(30) is 0 in float64
    sixteenths = xp.trunc(16 * limited) / 16  # its square is exact
    rest = (size - sixteenths) * (size + sixteenths)
    upper = xp.exp(-sixteenths * sixteenths) * xp.exp(-rest) * scaled_erfc(xp, limited)
    return xp.where(size < 0.46875, 1 - erf(x), xp.where(x < 0, 2 - upper, upper))


@primitive(prepare=promote_floating)
def erfc(xp: Backend, input: Array) -> Array:
    """1 - erf(input), elementwise, with all digits also where that is small.

    >>> torch.erfc(torch.tensor([0.0, 5.0]))
    tensor([1.0000e+00, 1.5375e-12])
    """
    return _erfc(xp, _wide(xp, input)).astype(input.dtype)


@primitive(prepare=promote_floating)
def erfinv(xp: Backend, input: Array) -> Array:
    """The number whose erf is input, elementwise; inf at 1, nan beyond.

    >>> torch.erfinv(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.4769,    inf])
    """
    y = _wide(xp, input)
    size = xp.absolute(y)
    # S. Winitzki's approximation, good for three digits; each of Halley's steps triples them
    tail = xp.log1p(-y * y)
    half = 2 / (math.pi * 0.147) + tail / 2
    x = xp.sqrt(xp.sqrt(half * half - tail / 0.147) - half)
    for _ in range(3):
        error = xp.where(size < 0.5, erf(x) - size, (1 - size) - _erfc(xp, x))
        step = error * (math.sqrt(math.pi) / 2) * xp.exp(x * x)
        x = x - step / (1 + x * step)
    x = xp.where(size == 1, math.inf, xp.where(size == 0, 0, x))
    return xp.copysign(x, y).astype(input.dtype)


erfc.gradients(lambda g, _y, x: g * (-2 / math.sqrt(math.pi)) * exp(-x * x))
erfinv.gradients(lambda g, y, _x: g * (math.sqrt(math.pi) / 2) * exp(y * y))

# ----- combinations -----


@primitive
def _logit(xp: Backend, input: Array) -> Array:
    return xp.log(input / (1 - input))


_logit.gradients(lambda g, _y, x: where((x < 0) | (x > 1), math.nan, g / (x * (1 - x))))


def logit(input: Any, eps: float | None = None) -> Any:
    """log(input / (1 - input)), elementwise, the inverse of sigmoid, with input moved into
    [eps, 1 - eps] if eps is given. nan outside of [0, 1].

    >>> torch.logit(torch.tensor([0.5, 0.0]), eps=0.1)
    tensor([ 0.0000, -2.1972])
    """
    (x,) = promote_floating((input,))
    return _logit(x if eps is None else clamp(x, eps, 1 - eps))


@primitive(prepare=promote_floating)
def entr(xp: Backend, input: Array) -> Array:
    """-input * log(input), elementwise, 0 at 0 and -inf for negative numbers: the terms of an
    entropy.

    >>> torch.special.entr(torch.tensor([0.0, 1.0, torch.e]))
    tensor([ 0.0000, -0.0000, -2.7183])
    """
    edge = xp.where(input == 0, 0, xp.where(input < 0, -math.inf, math.nan))
    return xp.where(input > 0, -input * xp.log(input), edge).astype(input.dtype)


entr.gradients(lambda g, _y, x: g * -(1 + log(x)))


@primitive(prepare=promote_floating)
def sinc(xp: Backend, input: Array) -> Array:
    """sin(pi input) / (pi input), elementwise, and 1 at 0.

    >>> torch.sinc(torch.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    turned = math.pi * input
    return xp.where(input == 0, 1, xp.sin(turned) / turned)


def _sinc_rule(g: Any, _y: Any, x: Any) -> Any:
    zero = math.pi * x * x == 0  # so close to 0 that the quotient below would be 0 / 0
    x = where(zero, 1, x)
    turned = math.pi * x
    return g * where(zero, 0, (turned * cos(turned) - sin(turned)) / (turned * x))


sinc.gradients(_sinc_rule)

# ----- the incomplete gamma functions -----


def _gamma_series(xp: Backend, a: Array, x: Array) -> Array:
    """gamma(a, x) / (exp(-x) x^a) by its series; for x < a + 1 (Abramowitz and Stegun, 6.5.29)."""
    term = total = 1 / a
    n = 0
    while n < 10_000 and bool((xp.absolute(term) > xp.absolute(total) * 1e-17).any()):
        n += 1
        term = term * x / (a + n)
        total = total + term
    return total


def _gamma_fraction(xp: Backend, a: Array, x: Array) -> Array:
    """Gamma(a, x) / (exp(-x) x^a) by its continued fraction, evaluated by Lentz's method; for
    x >= a + 1 (Abramowitz and Stegun, 6.5.31)."""
    b = x + 1 - a
    c = xp.full_like(b, 1e300)
    d = total = 1 / b
    change = total * 0 + 2
    n = 0
    # closer to 1 than some roundings it may never come
    while n < 10_000 and bool((xp.absolute(change - 1) > 1e-15).any()):
        n += 1
        b = b + 2
        d = 1 / (b - n * (n - a) * d)
        c = b - n * (n - a) / c
        change = c * d
        total = total * change
    return total


def _gamma_uniform(xp: Backend, a: Array, x: Array) -> Array:
    """Q(a, x) for a beyond a million, where one term of N. Temme's uniform expansion is exact
    (DLMF 8.12.4)."""
    d = (x - a) / a
    near = xp.absolute(d) < 0.01
    small = xp.where(near, d, 0)
    series = sum((-1) ** k * small**k / k for k in range(2, 9))  # d - log1p(d)
    half = xp.where(near, series, d - xp.log1p(xp.where(near, 1.0, d)))
    eta = xp.copysign(xp.sqrt(2 * half), d)
    small = xp.absolute(eta) < 1e-3
    first = xp.where(
        small, eta / 12 - 1 / 3, 1 / xp.where(d == 0, 1, d) - 1 / xp.where(small, 1, eta)
    )
    rest = xp.exp(-a * half) / xp.sqrt(2 * math.pi * a) * first
    return _erfc(xp, eta * xp.sqrt(a / 2)) / 2 + rest


def _promote_gamma(args: tuple[Any, ...]) -> tuple[Any, ...]:
    if result_type(*args).category <= INTEGER:
        raise NotImplementedError('"igamma_cpu" is not implemented for integers; use .float()')
    return promote_floating(args)


@primitive(broadcasts=True, prepare=_promote_gamma)
def _igamma(xp: Backend, input: Array, other: Array, *, upper: bool) -> Array:
    a, x = xp.broadcast_arrays(_wide(xp, input), _wide(xp, other))
    usual = (a > 0) & (x > 0) & xp.isfinite(a) & xp.isfinite(x)
    a1, x1 = xp.where(usual, a, 1.0), xp.where(usual, x, 1.0)
    large = a1 > 1e6
    uniform = _gamma_uniform(xp, xp.where(large, a1, 1e7), xp.where(large, x1, 1e7))
    a1, x1 = xp.where(large, 1.0, a1), xp.where(large, 1.0, x1)
    below = x1 < a1 + 1
    scale = xp.exp(a1 * xp.log(x1) - x1 - lgamma(a1))
    lower = scale * _gamma_series(xp, xp.where(below, a1, 1.0), xp.where(below, x1, 1.0))
    rest = scale * _gamma_fraction(xp, xp.where(below, 1.0, a1), xp.where(below, 2.0, x1))
    result = xp.where(below, 1 - lower if upper else lower, rest if upper else 1 - rest)
    result = xp.where(large, uniform if upper else 1 - uniform, result)
    # Where a or x is 0 or infinite P(a, x) is 0 or 1, and undefined where it is about both
    one = ((a == 0) & (x > 0)) | ((x == math.inf) & ~(a < 0) & (a != math.inf))
    zero = ((x == 0) & (a > 0)) | ((a == math.inf) & ~(x < 0) & (x != math.inf))
    edge = xp.where(one, 0.0 if upper else 1.0, xp.where(zero, 1.0 if upper else 0.0, math.nan))
    kind = (input if hasattr(input, "dtype") else other).dtype
    return xp.where(usual, result, edge).astype(kind)


def _no_rule(_g: Any, _y: Any, _a: Any, _x: Any, *, upper: bool) -> Any:
    raise NotImplementedError("the derivative for 'igamma: input' is not implemented")


def _igamma_rule(g: Any, _y: Any, a: Any, x: Any, *, upper: bool) -> Any:
    density = exp((a - 1) * log(x) - x - lgamma(a))
    return -g * density if upper else g * density


_igamma.gradients(_no_rule, _igamma_rule)


def igamma(input: Any, other: Any) -> Any:
    """The regularised lower incomplete gamma function P(input, other), elementwise, broadcast;
    differentiable in other.

    >>> torch.igamma(torch.tensor(1.0), torch.tensor(2.0))
    tensor(0.8647)
    """
    return _igamma(input, other, upper=False)


def igammac(input: Any, other: Any) -> Any:
    """The regularised upper incomplete gamma function 1 - P(input, other), elementwise,
    broadcast; differentiable in other.

    >>> torch.igammac(torch.tensor(1.0), torch.tensor(2.0))
    tensor(0.1353)
    """
    return _igamma(input, other, upper=True)
