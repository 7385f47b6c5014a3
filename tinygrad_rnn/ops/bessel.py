"""Modified Bessel functions of the first kind, computed in float64 and rounded once."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import float64
from .arithmetic import abs, sign
from .choice import where
from .conversion import promote_floating


@primitive(prepare=promote_floating)
def _bessel_i(xp: Backend, input: Array, *, order: int, scaled: bool) -> Array:
    """By the power series, all terms of which are positive, up to 30; by the asymptotic one
    beyond (Abramowitz and Stegun, 9.6.10 and 9.7.1). If scaled, times exp(-|input|)."""
    x = xp.asarray(input, float64.array)
    size = xp.absolute(x)
    small = xp.minimum(size, 30)
    quarter = small**2 / 4
    near = term = (small / 2) ** order
    for k in range(1, 65):
        term = term * quarter / (k * (k + order))
        near = near + term
    inverse = 1 / (8 * xp.maximum(size, 30))
    far = term = xp.ones_like(size)
    for k in range(1, 20):
        term = term * inverse * ((2 * k - 1) ** 2 - 4 * order * order) / k
        far = far + term
    far = far / xp.sqrt(2 * math.pi * xp.maximum(size, 30))
    if scaled:
        near = near * xp.exp(-small)
    else:
        root = xp.exp(size / 2)  # twice, as exp(size) overflows earlier than the result
        far = root * far * root
    result = xp.where(size <= 30, near, far)
    return (xp.copysign(result, x) if order % 2 else result).astype(input.dtype)


def _bessel_slope(x: Any, y: Any, order: int, scaled: bool) -> Any:
    if not order:
        slope = _bessel_i(x, order=1, scaled=scaled)
        return slope - sign(x) * y if scaled else slope
    other = abs(x) > 0
    z = where(other, x, 1.0)
    slope = _bessel_i(z, order=0, scaled=scaled) - where(other, y, 0.0) / z
    return where(other, slope - sign(z) * y if scaled else slope, 0.5)


_bessel_i.gradients(lambda g, y, x, *, order, scaled: g * _bessel_slope(x, y, order, scaled))


def i0(input: Any) -> Any:
    """The modified Bessel function of the first kind and order 0, elementwise.

    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return _bessel_i(input, order=0, scaled=False)


def i1(input: Any) -> Any:
    """The modified Bessel function of the first kind and order 1, elementwise.

    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return _bessel_i(input, order=1, scaled=False)


def i0e(input: Any) -> Any:
    """exp(-|input|) times `i0`, elementwise: it does not overflow.

    >>> torch.special.i0e(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """
    return _bessel_i(input, order=0, scaled=True)


def i1e(input: Any) -> Any:
    """exp(-|input|) times `i1`, elementwise: it does not overflow.

    >>> torch.special.i1e(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """
    return _bessel_i(input, order=1, scaled=True)
