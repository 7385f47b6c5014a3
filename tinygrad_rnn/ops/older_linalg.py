"""Decompositions under their older names, which are not those of ``torch.linalg``."""

from __future__ import annotations

from typing import Any

from . import decompositions, lu as factors, return_types, solving
from .shape import shape_of


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> return_types.svd:
    """U, S, V with input = U diag(S) V^T, (..., m, n), as `torch.linalg.svd` has them, with V where
    that has its transpose; reduced unless some=False; U and V are zeros with compute_uv=False.

    >>> torch.svd(torch.tensor([[3.0], [4.0]])).S
    tensor([5.])
    """
    if compute_uv:
        u, s, v = decompositions.svd(input, full_matrices=not some)
        return return_types.svd(u, s, solving.turned(v))
    *batch, m, n = shape_of(input)
    u, v = input.new_zeros((*batch, m, m)), input.new_zeros((*batch, n, n))
    return return_types.svd(u, decompositions.svdvals(input), v)


def qr(input: Any, some: bool = True) -> return_types.qr:
    """`torch.linalg.qr` of matrices (..., m, n), reduced unless some=False.

    >>> torch.qr(torch.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    return return_types.qr(*decompositions.qr(input, "reduced" if some else "complete"))


def slogdet(input: Any) -> return_types.slogdet:
    """`torch.linalg.slogdet` of matrices (..., n, n).

    >>> torch.slogdet(torch.tensor([[-1.0]])).sign
    tensor(-1.)
    """
    return return_types.slogdet(*solving.slogdet(input))


def cholesky(input: Any, upper: bool = False) -> Any:
    """`torch.linalg.cholesky` of matrices (..., n, n): L of the same shape.

    >>> torch.cholesky(torch.tensor([[4.0]]))
    tensor([[2.]])
    """
    return decompositions.cholesky(input, upper=upper)


def lu(A: Any, pivot: bool = True, get_infos: bool = False) -> tuple[Any, ...]:
    """`torch.linalg.lu_factor` of matrices (..., m, n); with get_infos what `lu_factor_ex` returns.

    >>> torch.lu(torch.tensor([[2.0]]))
    (tensor([[2.]]), tensor([1], dtype=torch.int32))
    """
    found = factors.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return tuple(found) if get_infos else tuple(found[:2])


def lu_solve(input: Any, LU_data: Any, LU_pivots: Any) -> Any:
    """`torch.linalg.lu_solve`: X with A X = input for matrices (..., n, k), with the arguments
    turned round.

    >>> torch.lu_solve(torch.tensor([[4.0]]), *torch.lu(torch.tensor([[2.0]])))
    tensor([[2.]])
    """
    return factors.lu_solve(LU_data, LU_pivots, input)
