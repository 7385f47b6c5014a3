"""Matrices taken apart: Cholesky, QR, eigenvalues, singular values, with exact gradients.

All take stacks of matrices (..., m, n) of float32 or float64. The gradient rules are those of
M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and S. Walter and L. Lehmann, "Algorithmic differentiation of linear
algebra functions" (2012) for QR. Where eigenvalues or singular values coincide, their vectors have
no gradient.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import bool_, int32, of_array
from . import return_types
from .arithmetic import zeros_like
from .choice import where
from .conversion import cast
from .diagonals import _triangle
from .joining import cat
from .reduction import eye_like
from .shape import shape_of
from .solving import LinAlgError, matrices, solve_triangle, turned

# ----- Cholesky -----


@primitive(name="LinalgCholeskyExBackward0")
def _cholesky(xp: Backend, input: Array) -> Array:
    try:
        return xp.cholesky(input)
    except ValueError:
        raise LinAlgError(
            "linalg.cholesky: The factorization could not be completed because the input is not "
            "positive-definite."
        ) from None


def _half_lower(x: Any) -> Any:
    """The lower triangle, of the diagonal half."""
    return _triangle(where(eye_like(x), x / 2, x), diagonal=0, upper=False)


def _cholesky_rule(g: Any, y: Any, _x: Any) -> Any:
    middle = _half_lower(turned(y) @ g)
    left = solve_triangle(turned(y), middle, upper=True)
    both = turned(solve_triangle(turned(y), turned(left), upper=True))
    return (both + turned(both)) / 2


_cholesky.gradients(_cholesky_rule)


def cholesky(A: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L L^T = A of symmetric positive-definite matrices (..., n, n), of
    which only the lower triangle is read; or with upper=True the upper triangular L^T, of the upper
    triangle. Raises LinAlgError for other matrices.

    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    matrices("linalg.cholesky", A)
    return turned(_cholesky(turned(A))) if upper else _cholesky(A)


def cholesky_ex(
    A: Any, *, upper: bool = False, check_errors: bool = False
) -> return_types.linalg_cholesky_ex:
    """As `torch.linalg.cholesky`, with nan for matrices that are not positive-definite; and int32
    numbers (...), 0 for those that are. Raises LinAlgError only if check_errors is set.

    >>> torch.linalg.cholesky_ex(-torch.ones(1, 1)).info
    tensor(1, dtype=torch.int32)
    """
    failed = A.new_zeros(shape_of(matrices("linalg.cholesky", A))[:-2], dtype=bool_)
    try:
        return return_types.linalg_cholesky_ex(cholesky(A, upper=upper), cast(failed, int32))
    except LinAlgError:
        if check_errors:
            raise
    failed = (eigvalsh(A.detach(), "U" if upper else "L") <= 0).any(-1)
    one = cast(eye_like(A), of_array(A._array.dtype))
    safe = where(failed[..., None, None], one, A)
    found = where(failed[..., None, None], math.nan, cholesky(safe, upper=upper))
    return return_types.linalg_cholesky_ex(found, cast(failed, int32))


# ----- QR -----


@primitive
def _qr(xp: Backend, input: Array, *, mode: str) -> tuple[Array, Array]:
    q, r = xp.qr(input, mode)
    return q, r


def _qr_rule(g: Any, y: Any, _x: Any, *, mode: str) -> Any:
    (gq, gr), (q, r) = g, y
    if shape_of(q)[-1] != shape_of(r)[-1]:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        )
    gq, gr = (zeros_like(value) if part is None else part for part, value in ((gq, q), (gr, r)))
    middle = r @ turned(gr) - turned(gq) @ q
    lower = _triangle(middle, diagonal=0, upper=False)
    both = lower + turned(_triangle(middle, diagonal=-1, upper=False))
    return turned(solve_triangle(r, turned(gq + q @ both), upper=True))


_qr.gradients(_qr_rule)


def qr(A: Any, mode: str = "reduced") -> return_types.linalg_qr:
    """Q with orthonormal columns and the upper triangular R with Q R = A: (..., m, k) and
    (..., k, n), where k is the smaller of m and n, or with mode="complete" m. With mode="r" Q is
    empty, and R has no gradient.

    >>> torch.linalg.qr(torch.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    m, n = shape_of(matrices("linalg.qr", A, square=False))[-2:]
    if mode == "r":
        if A.requires_grad:
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                "Please use linalg.qr(A, mode='reduced') if you are going to require gradients."
            )
        return return_types.linalg_qr(A.new_empty((0,)), _qr(A, mode="reduced")[1])
    if m >= n:
        return return_types.linalg_qr(*_qr(A, mode=mode))
    q, r = _qr(A[..., :m], mode=mode)  # the columns behind are multiples of these
    return return_types.linalg_qr(q, cat([r, turned(q) @ A[..., m:]], -1))


# ----- eigenvalues of symmetric matrices -----


@primitive(name="LinalgEighBackward0")
def _eigh(xp: Backend, input: Array, *, uplo: str) -> tuple[Array, Array]:
    try:
        values, vectors = xp.eigh(input, uplo)
    except ValueError as error:
        raise LinAlgError(f"linalg.eigh: The algorithm failed to converge: {error}") from None
    return values, vectors


def _skew(x: Any) -> Any:
    return x - turned(x)


def _over_distances(x: Any, values: Any) -> Any:
    """Each x_ij divided by values_j - values_i; 0 on the diagonal."""
    eye = eye_like(x)
    distances = values[..., None, :] - values[..., :, None]
    return where(eye, 0, x / where(eye, 1, distances))


def _eigh_rule(g: Any, y: Any, _x: Any, *, uplo: str) -> Any:
    (gl, gv), (values, vectors) = g, y
    inner = zeros_like(vectors)
    if gv is not None:
        inner = _over_distances(_skew(turned(vectors) @ gv) / 2, values)
    if gl is not None:
        inner = where(eye_like(inner), gl[..., None, :], inner)
    return vectors @ inner @ turned(vectors)


_eigh.gradients(_eigh_rule)


def eigh(A: Any, UPLO: str = "L") -> return_types.linalg_eigh:
    """The eigenvalues in rising order (..., n) and the eigenvectors, as columns (..., n, n), of
    symmetric matrices, of which only the lower (UPLO="L") or upper ("U") triangle is read.

    >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return return_types.linalg_eigh(*_eigh(matrices("linalg.eigh", A), uplo=UPLO.upper()))


def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues (..., n) of symmetric matrices, as `torch.linalg.eigh` has them.

    >>> torch.linalg.eigvalsh(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    return eigh(A, UPLO).eigenvalues


# ----- singular values -----


@primitive(name="LinalgSvdBackward0")
def _svd(xp: Backend, input: Array, *, full: bool) -> tuple[Array, Array, Array]:
    try:
        u, s, v = xp.svd(input, full)
    except ValueError:
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained "
            "non-finite values."
        ) from None
    return u, s, v


def _svd_rule(g: Any, y: Any, x_shape: tuple[int, ...], *, full: bool) -> Any:
    (gu, gs, gv), (u, s, v) = g, y
    m, n = x_shape[-2:]
    k = min(m, n)
    u, v = u[..., :, :k], v[..., :k, :]  # the vectors beyond are of no value
    inner = zeros_like(u[..., :k, :])
    if gs is not None:
        inner = where(eye_like(inner), gs[..., None, :], inner)
    if gu is not None:
        gu = gu[..., :, :k]
        inner = inner + _over_distances(_skew(turned(u) @ gu), s * s) * s[..., None, :]
    if gv is not None:
        gv = gv[..., :k, :]
        inner = inner + s[..., :, None] * _over_distances(_skew(v @ turned(gv)), s * s)
    result = u @ inner @ v
    if m > k and gu is not None:
        result = result + ((gu - u @ (turned(u) @ gu)) / s[..., None, :]) @ v
    if n > k and gv is not None:
        result = result + u @ ((gv - (gv @ turned(v)) @ v) / s[..., :, None])
    return result


_svd.gradients(_svd_rule)


def svd(
    A: Any, full_matrices: bool = True, *, driver: str | None = None
) -> return_types.linalg_svd:
    """U, S, Vh with A = U diag(S) Vh: orthonormal columns of U (..., m, m), the singular values in
    falling order (..., k), where k is the smaller of m and n, orthonormal rows of Vh (..., n, n);
    with full_matrices=False only the first k of the columns and rows.

    >>> torch.linalg.svd(torch.tensor([[0.0, 3.0], [2.0, 0.0]])).S
    tensor([3., 2.])
    """
    return return_types.linalg_svd(
        *_svd(matrices("linalg.svd", A, square=False), full=full_matrices)
    )


def svdvals(A: Any, *, driver: str | None = None) -> Any:
    """The singular values (..., k) of matrices (..., m, n), k the smaller of m and n, in falling
    order.

    >>> torch.linalg.svdvals(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    return _svd(matrices("linalg.svdvals", A, square=False), full=False)[1]
