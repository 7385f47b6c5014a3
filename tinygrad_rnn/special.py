"""Special functions under the names of ``torch.special``."""

from __future__ import annotations

import math
from typing import Any

from .ops import conversion
from .ops.activation import erf as erf
from .ops.arithmetic import round as round
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
from .ops.gamma import (
    digamma as digamma,
    digamma as psi,
    lgamma as gammaln,
    mvlgamma as multigammaln,
    polygamma as polygamma,
)
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
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc",
    "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "logit",
    "modified_bessel_i0", "modified_bessel_i1", "multigammaln", "ndtr", "ndtri", "polygamma",
    "psi", "round", "sinc", "spherical_bessel_j0", "xlog1py", "xlogy",
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
