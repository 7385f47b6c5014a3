"""Orthogonal polynomials by their three-term recurrences, computed in float64 and rounded once.

Each is p_n(x) with p_0 = 1, p_1 = a_0 x + b_0 and p_(k+1) = (a_k x + b_k) p_k - c_k p_(k-1); the
coefficients are those of the NIST Digital Library of Mathematical Functions, 18.9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import finfo, float64, of_array
from .conversion import promote_floating

_HIGHEST = 2**17  # of the degrees that are computed where a polynomial stays finite

_Coefficients = tuple[float, float, float]


def _chebyshev(
    slope: float, constant: float, shifted: bool = False
) -> Callable[[int], _Coefficients]:
    """The coefficients of the polynomials with p_1 = slope x + constant; of 2 x - 1 if shifted."""

    def coefficients(k: int) -> _Coefficients:
        a, b = (2, 0) if k else (slope, constant)
        return (2 * a, b - a, 1) if shifted else (a, b, 1)

    return coefficients


_FAMILIES: dict[str, Callable[[int], _Coefficients]] = {
    "T": _chebyshev(1, 0),
    "U": _chebyshev(2, 0),
    "V": _chebyshev(2, -1),
    "W": _chebyshev(2, 1),
    "T*": _chebyshev(1, 0, shifted=True),
    "U*": _chebyshev(2, 0, shifted=True),
    "V*": _chebyshev(2, -1, shifted=True),
    "W*": _chebyshev(2, 1, shifted=True),
    "H": lambda k: (2, 0, 2 * k),
    "He": lambda k: (1, 0, k),
    "L": lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)),
    "P": lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1)),
}


@primitive(broadcasts=True, prepare=promote_floating)
def _polynomial(xp: Backend, x: Array, n: Array, *, family: str, derivative: int) -> Array:
    """The derivative of that order of p_n(x), elementwise; 0 where n is negative or no int64."""
    kind = (x if hasattr(x, "dtype") else n).dtype
    x, n = xp.broadcast_arrays(xp.asarray(x, float64.array), xp.asarray(n, float64.array))
    degree = xp.where(xp.absolute(n) < 2**63, xp.trunc(n), -1)
    largest = finfo(of_array(kind)).max
    # The derivatives of order 0, 1, ... of p_(k-1) and of p_k
    zero = xp.zeros_like(x)
    before, now = [zero] * (derivative + 1), [zero + 1] + [zero] * derivative
    result = xp.where(degree == 0, now[-1], zero)
    highest = int(degree.max()) if degree.size else 0
    for k in range(min(highest, _HIGHEST)):
        a, b, c = _FAMILIES[family](k)
        line = a * x + b
        after = [line * now[0] - c * before[0]]
        for order in range(1, derivative + 1):
            after.append(line * now[order] + order * a * now[order - 1] - c * before[order])
        # It overflows where it would in the dtype of the result, as PyTorch's does
        size = xp.absolute(after[0])
        after[0] = xp.where(size > largest, xp.copysign(math.inf, after[0]), after[0])
        before, now = now, after
        result = xp.where(degree == k + 1, now[-1], result)
        if k % 64 == 63 and bool((xp.isnan(now[-1]) | (degree <= k)).all()):
            result = xp.where(degree > k, now[-1], result)  # it overflowed, and stays nan
            break
    else:
        if highest > _HIGHEST:
            raise RuntimeError(f"n must be at most {_HIGHEST} where |x| is small, got {highest}")
    return result.astype(kind)


_polynomial.gradients(
    lambda g, _y, x, n, *, family, derivative: (
        g * _polynomial(x, n, family=family, derivative=derivative + 1)
    ),
    None,
)


def chebyshev_polynomial_t(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the first kind T_n(x), elementwise, broadcast. Of x and n one
    may be a number. The degrees n are cut to integers; 0 where negative. Raises RuntimeError for
    degrees beyond 131,072, unless p_n(x) is infinite or nan much before. Differentiable in x, as
    are the other polynomials, which PyTorch's are not.

    >>> torch.special.chebyshev_polynomial_t(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([1., 2., 7.])
    """
    return _polynomial(x, n, family="T", derivative=0)


def chebyshev_polynomial_u(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the second kind U_n(x), elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.chebyshev_polynomial_u(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([ 1.,  4., 15.])
    """
    return _polynomial(x, n, family="U", derivative=0)


def chebyshev_polynomial_v(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the third kind V_n(x), elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.chebyshev_polynomial_v(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([ 1.,  3., 11.])
    """
    return _polynomial(x, n, family="V", derivative=0)


def chebyshev_polynomial_w(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the fourth kind W_n(x), elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.chebyshev_polynomial_w(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([ 1.,  5., 19.])
    """
    return _polynomial(x, n, family="W", derivative=0)


def shifted_chebyshev_polynomial_t(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the first kind at 2 x - 1, for x in [0, 1], elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.shifted_chebyshev_polynomial_t(torch.tensor(1.5), torch.tensor([0, 1, 2]))
    tensor([1., 2., 7.])
    """
    return _polynomial(x, n, family="T*", derivative=0)


def shifted_chebyshev_polynomial_u(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the second kind at 2 x - 1, elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.shifted_chebyshev_polynomial_u(torch.tensor(1.5), torch.tensor([0, 1, 2]))
    tensor([ 1.,  4., 15.])
    """
    return _polynomial(x, n, family="U*", derivative=0)


def shifted_chebyshev_polynomial_v(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the third kind at 2 x - 1, elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.shifted_chebyshev_polynomial_v(torch.tensor(1.5), torch.tensor([0, 1, 2]))
    tensor([ 1.,  3., 11.])
    """
    return _polynomial(x, n, family="V*", derivative=0)


def shifted_chebyshev_polynomial_w(x: Any, n: Any) -> Any:
    """The Chebyshev polynomials of the fourth kind at 2 x - 1, elementwise; see
    `chebyshev_polynomial_t`.

    >>> torch.special.shifted_chebyshev_polynomial_w(torch.tensor(1.5), torch.tensor([0, 1, 2]))
    tensor([ 1.,  5., 19.])
    """
    return _polynomial(x, n, family="W*", derivative=0)


def hermite_polynomial_h(x: Any, n: Any) -> Any:
    """The physicist's Hermite polynomials H_n(x), elementwise; see `chebyshev_polynomial_t`.

    >>> torch.special.hermite_polynomial_h(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([ 1.,  4., 14.])
    """
    return _polynomial(x, n, family="H", derivative=0)


def hermite_polynomial_he(x: Any, n: Any) -> Any:
    """The probabilist's Hermite polynomials He_n(x), elementwise; see `chebyshev_polynomial_t`.

    >>> torch.special.hermite_polynomial_he(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([1., 2., 3.])
    """
    return _polynomial(x, n, family="He", derivative=0)


def laguerre_polynomial_l(x: Any, n: Any) -> Any:
    """The Laguerre polynomials L_n(x), elementwise; see `chebyshev_polynomial_t`.

    >>> torch.special.laguerre_polynomial_l(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([ 1., -1., -1.])
    """
    return _polynomial(x, n, family="L", derivative=0)


def legendre_polynomial_p(x: Any, n: Any) -> Any:
    """The Legendre polynomials P_n(x), elementwise; see `chebyshev_polynomial_t`.

    >>> torch.special.legendre_polynomial_p(torch.tensor(2.0), torch.tensor([0, 1, 2]))
    tensor([1.0000, 2.0000, 5.5000])
    """
    return _polynomial(x, n, family="P", derivative=0)
