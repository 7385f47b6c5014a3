"""Samples of orthogonal polynomials, Bessel functions and what is near them."""

from __future__ import annotations

from collections.abc import Callable

import tinygrad_rnn as torch

from .sample import S, on

DEGREES = torch.tensor([0, 1, 4])
WITHOUT_HALF = {"half": False}


def _of_degrees(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: getattr(torch.special, name)(x, on(x, DEGREES))


POLYNOMIALS = [
    S(name, _of_degrees(name), (2, 3))
    for name in (
        "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
        "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he",
        "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t",
        "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
        "shifted_chebyshev_polynomial_w",
    )
]  # fmt: skip
BESSEL = [
    S(f"{name}-{part}", getattr(torch.special, name), (4,), low=low, high=high)
    for part, low, high in (("near", 0.4, 1.9), ("far", 2.5, 30.0))
    for name in (
        "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_k0",
        "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
    )
]  # fmt: skip
AIRY = [
    S("airy_ai-near", torch.special.airy_ai, (4,), low=-2.0, high=2.0),
    S("airy_ai-far", lambda x: torch.special.airy_ai(3 * x.sign() + x), (4,), low=-4.0, high=4.0),
]
ZETA = [
    S("zeta", lambda q: torch.special.zeta(q.new_tensor([2.0, 3.5]), q), (3, 2), low=0.2, high=9.0),
]  # fmt: skip
HOUSEHOLDER = [
    S("householder_product", torch.linalg.householder_product, (2, 4, 3), (2, 2), **WITHOUT_HALF),
    S("ormqr", torch.ormqr, (4, 3), (3,), (4, 2), **WITHOUT_HALF),
    S("ormqr-right", lambda a, t, x: torch.ormqr(a, t, x, False, True), (4, 3), (3,), (2, 4),
      **WITHOUT_HALF),
]  # fmt: skip

FUNCTIONS = POLYNOMIALS + BESSEL + AIRY + ZETA + HOUSEHOLDER
