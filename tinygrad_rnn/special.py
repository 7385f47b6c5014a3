"""Special functions under the names of ``torch.special``."""

from __future__ import annotations

import math
from typing import Any

from .autograd.hints import telling
from .ops import conversion
from .ops.activation import erf as erf
from .ops.arithmetic import round as round
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
    i0 as i0,
    i1 as i1,
    igamma as gammainc,
    igammac as gammaincc,
    logit as logit,
    sinc as sinc,
)

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc",
    "gammaln", "i0", "i1", "log1p", "logit", "multigammaln", "ndtr", "polygamma", "psi", "round",
    "sinc", "xlogy",
]  # fmt: skip


def ndtr(input: Any) -> Any:
    """The part of the standard normal distribution below each element.

    >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    (x,) = conversion.promote_floating((input,))
    return erfc(-x / math.sqrt(2)) / 2


globals().update(telling(globals()))
