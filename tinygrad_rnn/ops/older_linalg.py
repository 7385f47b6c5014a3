"""Decompositions under their older names, which are not those of ``torch.linalg``."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import decompositions
from .shape import shape_of
from .solving import turned


class SVD(NamedTuple):
    """What torch.svd returns."""

    U: Any
    S: Any
    V: Any


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> SVD:
    """U, S, V with input = U diag(S) V^T, (..., m, n), as `torch.linalg.svd` has them, with V where
    that has its transpose; reduced unless some=False; U and V are zeros with compute_uv=False.

    >>> torch.svd(torch.tensor([[3.0], [4.0]])).S
    tensor([5.])
    """
    if compute_uv:
        u, s, v = decompositions.svd(input, full_matrices=not some)
        return SVD(u, s, turned(v))
    *batch, m, n = shape_of(input)
    u, v = input.new_zeros((*batch, m, m)), input.new_zeros((*batch, n, n))
    return SVD(u, decompositions.svdvals(input), v)


def qr(input: Any, some: bool = True) -> Any:
    """`torch.linalg.qr` of matrices (..., m, n), reduced unless some=False.

    >>> torch.qr(torch.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    return decompositions.qr(input, "reduced" if some else "complete")


def cholesky(input: Any, upper: bool = False) -> Any:
    """`torch.linalg.cholesky` of matrices (..., n, n): L of the same shape.

    >>> torch.cholesky(torch.tensor([[4.0]]))
    tensor([[2.]])
    """
    return decompositions.cholesky(input, upper=upper)
