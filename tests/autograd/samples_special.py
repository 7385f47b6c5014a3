"""Special functions, and random draws that stay differentiable."""

from __future__ import annotations

import tinygrad_rnn as torch
from tinygrad_rnn.ops.standard_gamma import standard_gamma_at

from .sample import POSITIVE, S

TAILS = [
    S("erfcx", torch.special.erfcx, (3,)),
    S("erfcx-far", lambda a: torch.special.erfcx(a * 6), (3,), **POSITIVE),
    S("log_ndtr", torch.special.log_ndtr, (3,)),
    S("log_ndtr-far", lambda a: torch.special.log_ndtr(a * -6), (3,), **POSITIVE),
    S("ndtri", torch.special.ndtri, (3,), low=0.02, high=0.98),
    S("xlog1py", torch.special.xlog1py, (3,), (3,), low=-0.5, high=2.0),
]
BESSEL = [
    S("i0e", torch.special.i0e, (3,)),
    S("i1e", torch.special.i1e, (3,)),
]
WITHOUT_HALF = {"half": False}


def regular(a: torch.Tensor) -> torch.Tensor:
    """a with 3 added to its diagonal."""
    return a + 3 * torch.eye(*a.shape[-2:], dtype=a.dtype, device=a.device)


FACTORS = [
    S("lu", lambda a: torch.linalg.lu(regular(a))[1:], (3, 3), **WITHOUT_HALF),
    S("lu-tall", lambda a: torch.linalg.lu_factor(regular(a)).LU, (2, 4, 3), **WITHOUT_HALF),
    S("lu-wide", lambda a: torch.linalg.lu_factor(regular(a)).LU, (2, 3, 4), **WITHOUT_HALF),
]  # fmt: skip


def _quantile(a: torch.Tensor, part: float = 0.3) -> torch.Tensor:
    """A draw of the gamma distribution that stays at its quantile when `a` changes."""
    shape = a.detach()
    x = shape.clone()
    for _ in range(40):  # Newton's method, in the logarithm
        density = ((shape - 1) * x.log() - x - shape.lgamma()).exp()
        x = x * (-(torch.igamma(shape, x) - part) / (density * x)).clamp(-1, 1).exp()
    return standard_gamma_at(a, draw=x._array, terms=120)


DRAWS = [
    S("standard_gamma", _quantile, (3,), low=0.5, high=20.0, half=False),
    S("standard_gamma-large", lambda a: _quantile(a * 100), (3,), low=2.0, high=5.0, half=False),
    S("standard_gamma-rare", lambda a: _quantile(a * 10, 0.998), (3,), low=11, high=15, half=False),
]

SPECIAL = TAILS + BESSEL + FACTORS + DRAWS
