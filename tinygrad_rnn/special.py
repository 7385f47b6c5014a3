"""Special functions under the names of ``torch.special``."""

from __future__ import annotations

import math
from typing import Any

from .ops import conversion
from .ops.activation import erf as erf
from .ops.bessel import (
    i0 as i0,
    i0 as modified_bessel_i0,
    i0e as i0e,
    i1 as i1,
    i1 as modified_bessel_i1,
    i1e as i1e,
)
from .ops.elementwise import (
    exp2 as exp2,
    expm1 as expm1,
    log1p as log1p,
    sigmoid as expit,
    xlogy as xlogy,
)
from .ops.exponentials import (
    log_softmax as log_softmax,
    logsumexp as logsumexp,
    softmax as softmax,
)
from .ops.gamma import (
    digamma as digamma,
    digamma as psi,
    lgamma as gammaln,
    mvlgamma as multigammaln,
    polygamma as polygamma,
    zeta as zeta,
)
from .ops.hankel import (
    airy_ai as airy_ai,
    bessel_j0 as bessel_j0,
    bessel_j1 as bessel_j1,
    bessel_y0 as bessel_y0,
    bessel_y1 as bessel_y1,
    modified_bessel_k0 as modified_bessel_k0,
    modified_bessel_k1 as modified_bessel_k1,
    scaled_modified_bessel_k0 as scaled_modified_bessel_k0,
    scaled_modified_bessel_k1 as scaled_modified_bessel_k1,
)
from .ops.outputs import with_out
from .ops.polynomials import (
    chebyshev_polynomial_t as chebyshev_polynomial_t,
    chebyshev_polynomial_u as chebyshev_polynomial_u,
    chebyshev_polynomial_v as chebyshev_polynomial_v,
    chebyshev_polynomial_w as chebyshev_polynomial_w,
    hermite_polynomial_h as hermite_polynomial_h,
    hermite_polynomial_he as hermite_polynomial_he,
    laguerre_polynomial_l as laguerre_polynomial_l,
    legendre_polynomial_p as legendre_polynomial_p,
    shifted_chebyshev_polynomial_t as shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u as shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v as shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w as shifted_chebyshev_polynomial_w,
)
from .ops.rounding import round as round
from .ops.special import (
    entr as entr,
    erfc as erfc,
    erfinv as erfinv,
    igamma as gammainc,
    igammac as gammaincc,
    logit as logit,
    sinc as sinc,
)
from .ops.tails import (
    erfcx as erfcx,
    log_ndtr as log_ndtr,
    ndtri as ndtri,
    xlog1py as xlog1py,
)

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t",
    "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma",
    "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc",
    "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e",
    "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
    "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0", "xlog1py",
    "xlogy", "zeta",
]  # fmt: skip


def ndtr(input: Any) -> Any:
    """The part of the standard normal distribution below each element.

    >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    (x,) = conversion.promote_floating((input,))
    return erfc(-x / math.sqrt(2)) / 2


def spherical_bessel_j0(input: Any) -> Any:
    """The spherical Bessel function of the first kind and order 0, sin(x) / x, elementwise.

    >>> torch.special.spherical_bessel_j0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    (x,) = conversion.promote_floating((input,))
    return sinc(x / math.pi).masked_fill(x.isinf(), 0.0)


for _name in set(__all__) - {"log_softmax", "softmax"}:
    globals()[_name] = with_out(globals()[_name])
