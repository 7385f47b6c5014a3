"""Draws of the gamma distribution that are differentiable by its concentration."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import CPU, Array, Backend, device_of, move
from ..backends.capture import host_array
from ..backends.generator import Generator, default_generator
from ..dtypes import finfo, float64, of_array
from .arithmetic import log_of
from .choice import where
from .conversion import cast
from .gamma import digamma

_LARGE = 100.0  # from here on the expansion in 1 / sqrt(concentration) has nearly all digits


@primitive
def standard_gamma_at(xp: Backend, concentration: Array, *, draw: Array, terms: int) -> Array:
    """A draw, as a function of the concentrations; its gradient takes so many terms of a series."""
    return draw


def _slope_by_series(a: Any, x: Any, terms: int) -> Any:
    """dx/da where P(a, x), the part of the distribution below x, stays the same: - (dP/da) /
    (dP/dx), by the series P = x^a e^-x sum_k x^k / gamma(a + k + 1) (DLMF, 8.11.4)."""
    term, total, weights, weighted = 1.0, 1.0, 0.0, 0.0
    for k in range(1, terms):
        rest = 1 / (a + k)
        term, weights = term * x * rest, weights + rest
        total, weighted = total + term, weighted + term * weights
    return x / a * (total * (digamma(a + 1) - log_of(x)) + weighted)


def _slope_by_normal(a: Any, x: Any) -> Any:
    """The same for a large `a`: the derivative of x as a series in 1 / sqrt(a) with z, the same
    quantile of the normal distribution (Cornish and Fisher; Abramowitz and Stegun, 26.2.49)."""
    s = a**0.5
    z = (x - a) / s
    for _ in range(6):  # Newton's method, with nearly the slope
        value = a + s * z + (z**2 - 1) / 3 + (z**3 - 7 * z) / (36 * s)
        value = value - (3 * z**4 + 7 * z**2 - 16) / (810 * a)
        value = value + (9 * z**5 + 256 * z**3 - 433 * z) / (38880 * a * s)
        z = z - (value - x) / (s + 2 * z / 3)
    return (
        1 + z / (2 * s) - (z**3 - 7 * z) / (72 * a * s) + (3 * z**4 + 7 * z**2 - 16) / (810 * a**2)
        - (9 * z**5 + 256 * z**3 - 433 * z) / (25920 * a**2 * s)
    )  # fmt: skip


def _slope(a: Any, x: Any, terms: int) -> Any:
    target = of_array(getattr(a, "_array", a).dtype)
    a, x = cast(a, float64), cast(x, float64)
    large = a > _LARGE
    few = _slope_by_series(where(large, 1.0, a), where(large, 1.0, x), terms)
    many = _slope_by_normal(where(large, a, _LARGE), where(large, x, _LARGE))
    return cast(where(large, many, few), target)


standard_gamma_at.gradients(lambda g, y, a, *, draw, terms: g * _slope(a, y, terms))


def standard_gamma(concentration: Any, *, generator: Generator | None = None) -> Any:
    """Draws with these concentrations (elementwise, of a floating tensor) and the rate 1, at least
    the smallest normal number of the dtype. They are differentiable by the concentrations, with
    the quantile fixed (Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", 2018).
    The numbers are not those of PyTorch's generator. Raises RuntimeError for a concentration that
    is not positive."""
    array, source = concentration._array, generator or default_generator
    shapes = move(array, CPU)
    if not bool((shapes > 0).all()):
        raise RuntimeError("standard_gamma expects concentrations > 0")
    least = finfo(of_array(array.dtype)).tiny
    draw = host_array(
        lambda: source.gamma(shapes).clip(least, None).astype(array.dtype),
        array.shape, array.dtype, device_of(array),
    )  # fmt: skip
    small = shapes[shapes <= _LARGE]
    peak = float(small.max()) if small.size else 0.0
    likely = peak + 8 * math.sqrt(peak) + 15  # hardly a draw is larger
    return standard_gamma_at(
        concentration, draw=draw, terms=math.ceil(30 + likely + 10 * math.sqrt(likely))
    )
