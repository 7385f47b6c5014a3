"""Decompositions and equations, and special functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import tinygrad_rnn as torch

from .sample import POSITIVE, S, on


def _regular(a: Any) -> Any:
    """A matrix far from singular, with eigenvalues apart."""
    return a + torch.diag(on(a, torch.arange(1.0, a.shape[-1] + 1, dtype=a.dtype) * 2))


def _symmetric(a: Any) -> Any:
    return _regular(a + a.mT)


def _positive(a: Any) -> Any:
    return a @ a.mT + torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)


SOLVING = [
    S("inv", lambda a: torch.linalg.inv(_regular(a)), (2, 3, 3)),
    S("solve", lambda a, b: torch.linalg.solve(_regular(a), b), (3, 3), (2, 3, 2)),
    S("solve-vector", lambda a, b: torch.linalg.solve(_regular(a), b), (3, 3), (3,)),
    S("solve-right", lambda a, b: torch.linalg.solve(_regular(a), b, left=False), (3, 3), (2, 3)),
    S("solve_triangular", lambda a, b: torch.linalg.solve_triangular(
        _regular(a), b, upper=True), (2, 3, 3), (3, 2)),
    S("solve_triangular-lower", lambda a, b: torch.linalg.solve_triangular(
        _regular(a), b, upper=False, unitriangular=True), (3, 3), (3, 1)),
    S("det", torch.linalg.det, (2, 3, 3)),
    S("det-of-a-square", lambda a: torch.linalg.det(a @ a), (2, 2)),
    S("slogdet", lambda a: torch.linalg.slogdet(a).logabsdet, (3, 3)),
    S("logdet", lambda a: torch.logdet(_positive(a)), (2, 2)),
    S("cholesky", lambda a: torch.linalg.cholesky(_positive(a)), (2, 3, 3)),
    S("cholesky-upper", lambda a: torch.linalg.cholesky(_positive(a), upper=True), (3, 3)),
    S("cholesky_solve", lambda a, b: torch.cholesky_solve(
        b, torch.linalg.cholesky(_positive(a))), (2, 2), (2, 1)),
    S("qr", lambda a: tuple(torch.linalg.qr(_regular(a))), (3, 3)),
    S("qr-tall", lambda a: tuple(torch.linalg.qr(a)), (4, 2)),
    S("qr-wide", lambda a: tuple(torch.linalg.qr(a)), (2, 4)),
    S("eigh", lambda a: tuple(torch.linalg.eigh(_symmetric(a))), (2, 3, 3)),
    S("svd", lambda a: tuple(torch.linalg.svd(_regular(a))), (3, 3)),
    S("svd-tall", lambda a: tuple(torch.linalg.svd(a, full_matrices=False)), (4, 2)),
    S("svd-wide", lambda a: tuple(torch.linalg.svd(a, full_matrices=False)), (2, 4)),
    S("svdvals", torch.linalg.svdvals, (3, 2)),
    S("pinv", torch.linalg.pinv, (3, 2)),
    S("pinv-of-rank-1", lambda a, b: torch.linalg.pinv(torch.outer(a, b)), (3,), (2,)),
    S("matrix_exp", torch.linalg.matrix_exp, (3, 3)),
    S("matrix_power", lambda a: torch.linalg.matrix_power(_regular(a), -3), (2, 2)),
    S("lstsq", lambda a, b: torch.linalg.lstsq(a, b).solution, (3, 2), (3, 1)),
    S("nuclear", lambda a: torch.linalg.matrix_norm(a, "nuc"), (2, 3)),
]  # fmt: skip

SPECIAL = [
    S("copysign", torch.copysign, (3,), (3,), **POSITIVE),
    S("frexp", lambda a: torch.frexp(a).mantissa, (3,), **POSITIVE),
    S("ldexp", lambda a, b: torch.ldexp(a, b), (3,), (3,)),
    S("nextafter", lambda a: torch.nextafter(a, a.new_tensor(9.0)), (3,)),
    S("deg2rad", torch.deg2rad, (3,)),
    S("rad2deg", torch.rad2deg, (3,)),
    S("angle", torch.angle, (3,), **POSITIVE),
    S("logaddexp2", torch.logaddexp2, (3,), (3,)),
    S("erfc", torch.erfc, (3,)),
    S("erfinv", torch.erfinv, (3,), low=-0.9, high=0.9),
    S("i0", torch.i0, (3,)),
    S("logit", torch.logit, (3,), low=0.1, high=0.9),
    S("logit-eps", lambda a: torch.logit(a, 0.05), (3,), low=0.1, high=0.9),
    S("entr", torch.special.entr, (3,), **POSITIVE),
    S("sinc", torch.sinc, (3,), **POSITIVE),
    S("igamma", lambda b: torch.igamma(b.new_tensor(1.5), b), (3,), **POSITIVE),
    S("igammac", lambda b: torch.igammac(b.new_tensor(0.5), b), (3,), **POSITIVE),
    S("lgamma", torch.lgamma, (3,), **POSITIVE),
    S("lgamma-negative", torch.lgamma, (3,), low=-1.9, high=-1.1),
    S("digamma", torch.digamma, (3,), **POSITIVE),
    S("polygamma", lambda a: torch.polygamma(2, a), (3,), low=1.0, high=3.0),
    S("mvlgamma", lambda a: torch.mvlgamma(a, 2), (3,), low=1.0, high=3.0),
]  # fmt: skip

INDEX = torch.tensor([[0, 1, 0], [2, 0, 2]])
PLACES = [
    *(S(f"scatter_reduce-{reduce}", lambda a, b, reduce=reduce: a.scatter_reduce(
        0, on(a, INDEX), b, reduce), (3, 3), (3, 3)) for reduce in ("sum", "prod", "mean", "amax")),
    S("scatter_reduce-without", lambda a, b: a.scatter_reduce(
        1, on(a, INDEX), b, "amin", include_self=False), (3, 3), (2, 3)),
    S("scatter_reduce-zeros", lambda a, b: a.scatter_reduce(
        0, on(a, INDEX), b * b.new_tensor([0, 1, 1]), "prod"
    ), (3, 3), (2, 3)),
    S("index_reduce", lambda a, b: a.index_reduce(1, on(a, INDEX[0]), b, "prod"), (2, 3), (2, 3)),
    S("scatter-multiply", lambda a, b: a.scatter(
        0, on(a, INDEX), b, reduce="multiply"), (3, 3), (2, 3)),
    S("as_strided", lambda a: a.as_strided((2, 3), (1, 1)) ** 2, (2, 3)),
    S("as_strided-of-a-view", lambda a: (a * 1)[1:].as_strided((2, 2), (3, 1), 4) ** 2, (3, 3)),
    S("as_strided_scatter", lambda a, b: torch.as_strided_scatter(
        a, b, (2,), (3,)) ** 2, (2, 3), (2,)),
    S("slice_scatter", lambda a, b: a.slice_scatter(b, 1, 0, 3, 2) ** 2, (2, 3), (2, 2)),
    S("select_scatter", lambda a, b: a.select_scatter(b, 0, 1) ** 2, (2, 3), (3,)),
    S("diagonal_scatter", lambda a, b: a.diagonal_scatter(b, 1) ** 2, (2, 3), (2,)),
    S("sum_to_size", lambda a: a.sum_to_size(1, 3) ** 2, (2, 3)),
    S("mode", lambda a: a.mode(0).values ** 2, (2, 3)),
    S("gradient", lambda a: torch.gradient(a, edge_order=2)[0], (4, 3)),
    S("gradient-at", lambda a, x: torch.gradient(
        a, spacing=(x.exp().cumsum(0),), dim=0)[0], (4, 3), (4,)),
    S("trapezoid", lambda y, x: torch.trapezoid(y, x), (2, 3), (3,)),
    S("cov", lambda a: torch.cov(a), (2, 3)),
    S("corrcoef", lambda a: torch.corrcoef(a), (2, 4)),
]  # fmt: skip

SURFACE = [replace(s, half=False) for s in SOLVING] + SPECIAL + PLACES
