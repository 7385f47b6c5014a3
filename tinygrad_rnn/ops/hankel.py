"""Bessel functions of the first and second kind, modified ones of the second kind, and Airy's:
from one integral, in float64, rounded once."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import float64
from .choice import where
from .conversion import promote_floating

_EULER = 0.5772156649015329
_STEP, _NODES = 0.2, 32  # of the trapezoidal rule; exp(-(0.2 * 32)**2) is 2e-18
_SMALL = 2.0  # below, the power series have all digits


def _scaled_k(xp: Backend, z: Array, order: float) -> Array:
    """exp(z) K_order(z), of real or complex numbers with |z| >= 2 and without negative real part.

    It is the integral of exp(-z (cosh t - 1)) cosh(order t) over t > 0 (DLMF 10.32.9). With
    s = sqrt(2 z) sinh(t / 2) that is one of exp(-s^2) times something smooth, which the
    trapezoidal rule takes with an error that falls exponentially with 1 / step.
    """
    root = xp.sqrt(2 * z)
    total = xp.ones_like(z) / 2
    for i in range(1, _NODES + 1):
        sinh = i * _STEP / root
        cosh = xp.sqrt(1 + sinh * sinh)
        weight = 1 / cosh
        if order == 1:
            weight = weight * (1 + 2 * sinh * sinh)
        elif order:
            growth = (sinh + cosh) ** (2 * order)
            weight = weight * (growth + 1 / growth) / 2
        total = total + math.exp(-((i * _STEP) ** 2)) * weight
    return 2 * _STEP * total / root


def _series(xp: Backend, x: Array, order: int, sign: int) -> tuple[Array, Array]:
    """For 0 < x <= 2 and the order 0 or 1: I (sign 1) or J (-1), and the sum that K or Y has
    beside it, without the terms in which log(x / 2) + Euler's constant and 1 / x stand (Abramowitz
    and Stegun, 9.1.10-13, 9.6.10-13)."""
    square = sign * x * x / 4
    term = (x / 2) ** order
    first, second = term, xp.zeros_like(x)
    harmonic, following = 0.0, float(order)  # 1 + 1/2 + ... + 1/k, and up to 1 / (k + order)
    second = term * (harmonic + following) / 2
    for k in range(1, 16):
        term = term * square / (k * (k + order))
        harmonic += 1 / k
        following += 1 / (k + order)
        first = first + term
        second = second + term * (harmonic + following) / 2
    return first, second


@primitive(prepare=promote_floating)
def _bessel(xp: Backend, input: Array, *, kind: str, order: int, scaled: bool = False) -> Array:
    """J, Y or K of the order 0 or 1; K times exp(input), if scaled."""
    x = xp.asarray(input, float64.array)
    size = xp.absolute(x)
    small = size <= _SMALL
    near = xp.where(small & (size > 0), size, 1.0)
    far = xp.where(small, _SMALL, size)
    first, second = _series(xp, near, order, 1 if kind == "k" else -1)
    logarithm = xp.log(near / 2) + _EULER
    if kind == "k":
        below = second - logarithm * first if order == 0 else 1 / near + logarithm * first - second
        above = _scaled_k(xp, far, order)
        if scaled:
            below = below * xp.exp(near)
        else:
            above = above * xp.exp(-far)
        above = xp.where(size == math.inf, 0.0, above)
    else:
        # The Hankel function J + i Y of x, from K of -i x (DLMF 10.27.8)
        wave = _scaled_k(xp, -1j * far, order) * xp.exp(1j * far)
        if kind == "j":
            below = first
            above = 2 / math.pi * (wave.imag if order == 0 else -wave.real)
        else:
            below = 2 / math.pi * (logarithm * first - second - (1 / near if order else 0))
            above = -2 / math.pi * (wave.real if order == 0 else wave.imag)
    result = xp.where(small, below, above)
    if kind == "j":
        result = xp.where(size == 0, 0.0 if order else 1.0, result)
        return (xp.copysign(1.0, x) * result if order else result).astype(input.dtype)
    result = xp.where(x == 0, math.inf if kind == "k" else -math.inf, result)
    return xp.where(x < 0, math.nan, result).astype(input.dtype)


def _slope(x: Any, y: Any, *, kind: str, order: int, scaled: bool = False) -> Any:
    """The derivative: of order 0 from that of order 1, and the other way round (DLMF 10.6.2-3,
    10.29.2-3)."""
    other = _bessel(x, kind=kind, order=1 - order, scaled=scaled)
    rise = y if scaled else 0
    if order == 0:
        return rise - other
    zero = x == 0
    quotient = y / where(zero, 1.0, x)
    if kind == "j":
        quotient = where(zero, 0.5, quotient)
    if kind == "y":
        other = where(zero, 0.0, other)  # infinite, but less so
    return rise + (-other if kind == "k" else other) - quotient


_bessel.gradients(lambda g, y, x, **which: g * _slope(x, y, **which))


def bessel_j0(input: Any) -> Any:
    """The Bessel function of the first kind and order 0, elementwise.

    >>> torch.special.bessel_j0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """
    return _bessel(input, kind="j", order=0)


def bessel_j1(input: Any) -> Any:
    """The Bessel function of the first kind and order 1, elementwise.

    >>> torch.special.bessel_j1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """
    return _bessel(input, kind="j", order=1)


def bessel_y0(input: Any) -> Any:
    """The Bessel function of the second kind and order 0, elementwise; nan for negative numbers.

    >>> torch.special.bessel_y0(torch.tensor([0.0, 1.0]))
    tensor([  -inf, 0.0883])
    """
    return _bessel(input, kind="y", order=0)


def bessel_y1(input: Any) -> Any:
    """The Bessel function of the second kind and order 1, elementwise; nan for negative numbers.

    >>> torch.special.bessel_y1(torch.tensor([0.0, 1.0]))
    tensor([   -inf, -0.7812])
    """
    return _bessel(input, kind="y", order=1)


def modified_bessel_k0(input: Any) -> Any:
    """The modified Bessel function of the second kind and order 0, elementwise; nan for negative
    numbers.

    >>> torch.special.modified_bessel_k0(torch.tensor([0.0, 1.0]))
    tensor([   inf, 0.4210])
    """
    return _bessel(input, kind="k", order=0)


def modified_bessel_k1(input: Any) -> Any:
    """The modified Bessel function of the second kind and order 1, elementwise; nan for negative
    numbers.

    >>> torch.special.modified_bessel_k1(torch.tensor([0.0, 1.0]))
    tensor([   inf, 0.6019])
    """
    return _bessel(input, kind="k", order=1)


def scaled_modified_bessel_k0(x: Any) -> Any:
    """exp(x) times `modified_bessel_k0`, elementwise: it does not vanish.

    >>> torch.special.scaled_modified_bessel_k0(torch.tensor([1.0, 100.0]))
    tensor([1.1445, 0.1252])
    """
    return _bessel(x, kind="k", order=0, scaled=True)


def scaled_modified_bessel_k1(x: Any) -> Any:
    """exp(x) times `modified_bessel_k1`, elementwise: it does not vanish.

    >>> torch.special.scaled_modified_bessel_k1(torch.tensor([1.0, 100.0]))
    tensor([1.6362, 0.1258])
    """
    return _bessel(x, kind="k", order=1, scaled=True)


@primitive(prepare=promote_floating)
def _airy(xp: Backend, input: Array, *, derivative: bool) -> Array:
    """Ai(input), or its derivative."""
    x = xp.asarray(input, float64.array)
    small = xp.absolute(x) < 2.1  # for which _airy_far would need K below 2
    near = _airy_series(xp, xp.where(small, x, 0.0), derivative)
    far = _airy_far(xp, xp.where(small, 3.0, x), derivative)
    far = xp.where(x == math.inf, 0.0, far)
    return xp.where(small, near, far).astype(input.dtype)


def _airy_series(xp: Backend, x: Array, derivative: bool) -> Array:
    """By the power series (Abramowitz and Stegun, 10.4.2-5)."""
    square, cube = x * x, x * x * x
    even = xp.ones_like(x)  # x^(3 k) / (2 3 5 6 8 9 ...)
    odd = xp.ones_like(x)  # x^(3 k) / (3 4 6 7 9 10 ...)
    first = xp.zeros_like(x) if derivative else even
    second = odd
    for k in range(1, 14):
        slope = even * square / (3 * k - 1)
        even = even * cube / ((3 * k - 1) * (3 * k))
        odd = odd * cube / ((3 * k) * (3 * k + 1))
        first = first + (slope if derivative else even)
        second = second + ((3 * k + 1) * odd if derivative else odd)
    second = second if derivative else second * x
    at_zero = 3 ** (-2 / 3) / math.gamma(2 / 3), -(3 ** (-1 / 3)) / math.gamma(1 / 3)
    return at_zero[0] * first + at_zero[1] * second


def _airy_far(xp: Backend, x: Array, derivative: bool) -> Array:
    """By K, of the order 1/3 or 2/3, of 2/3 |x|^(3/2) (DLMF 9.6.2-3), and where x is negative of -i
    times that (DLMF 9.6.17-19)."""
    size = xp.absolute(x)
    zeta = 2 / 3 * size * xp.sqrt(size)
    order = (1 + derivative) / 3
    falling = _scaled_k(xp, zeta, order) * xp.exp(-zeta) / math.pi
    wave = _scaled_k(xp, -1j * zeta, order) * xp.exp(1j * zeta) / math.pi
    if derivative:
        return -size / math.sqrt(3) * xp.where(x > 0, falling, 2 * wave.real)
    return xp.sqrt(size / 3) * xp.where(x > 0, falling, 2 * wave.imag)


def _airy_slope(x: Any, *, derivative: bool) -> Any:
    """Ai' from Ai, and from Ai' the second derivative, which is x Ai(x)."""
    return x * _airy(x, derivative=False) if derivative else _airy(x, derivative=True)


_airy.gradients(lambda g, y, x, **which: g * _airy_slope(x, **which))


def airy_ai(x: Any) -> Any:
    """The Airy function Ai, elementwise, which solves y'' = x y.

    >>> torch.special.airy_ai(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.5356, 0.3550, 0.1353])
    """
    return _airy(x, derivative=False)
