"""Matrices taken apart approximately, by products with random ones.

The algorithms 4.4 and 5.1 of N. Halko, P. Martinsson and J. Tropp, "Finding structure with
randomness: probabilistic algorithms for constructing approximate matrix decompositions" (2011).
"""

from __future__ import annotations

from typing import Any

from .dtypes import get_default_dtype
from .ops.decompositions import qr, svd
from .random import randn

_MOST = 10_000  # iterations: they have converged after a few


def _check(A: Any, niter: int) -> None:
    if A.dim() < 2:
        raise ValueError(f"A must be matrices (..., m, n), but has shape {list(A.shape)}")
    if not 0 <= niter <= _MOST:
        raise ValueError(f"niter(={niter}) must be non-negative integer, and at most {_MOST}")


def svd_lowrank(
    A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None
) -> tuple[Any, Any, Any]:
    """U (..., m, q), S (..., q) and V (..., n, q), so that U diag(S) V^T is about A (..., m, n), if
    the rank of that is not much over q, or about A - M. The more iterations the closer.

    >>> A = torch.outer(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 1.0]))
    >>> torch.svd_lowrank(A, q=1)[1]
    tensor([5.])
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    _check(A, niter)
    rest = A if M is None else A - M
    if A.shape[-2] < A.shape[-1]:
        V, S, U = _of_tall(rest.mT, q, niter)
    else:
        U, S, V = _of_tall(rest, q, niter)
    return U, S, V


def _of_tall(A: Any, q: int, niter: int) -> tuple[Any, Any, Any]:
    """The same for matrices that have no more columns than rows."""
    kind = A.dtype if A.is_floating_point() else get_default_dtype()
    Q = qr(A @ randn(A.shape[-1], q, dtype=kind, device=A.device)).Q
    for _ in range(niter):
        Q = qr(A.mT @ Q).Q
        Q = qr(A @ Q).Q
    U, S, Vh = svd(Q.mT @ A, full_matrices=False)
    return Q @ U, S, Vh.mT


def pca_lowrank(
    A: Any, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Any, Any, Any]:
    """The main directions of m samples (..., m, n), the columns of V (..., n, q): `svd_lowrank` of
    the samples, less their mean if center is set. q is at most the smaller of m and n, by default
    that or 6. Raises ValueError otherwise.

    >>> samples = torch.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    >>> torch.pca_lowrank(samples, q=1)[1] ** 2
    tensor([10.])
    """
    _check(A, niter)
    most = min(A.shape[-2:])
    if q is None:
        q = min(6, most)
    elif not 0 <= q <= most:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}"
        )
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
