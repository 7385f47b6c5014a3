"""Linear algebra under the names of ``torch.linalg``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import backends
from .dtypes import dtype
from .ops import arithmetic, diagonals, linalg, reduction
from .ops.decompositions import (
    cholesky as cholesky,
    cholesky_ex as cholesky_ex,
    eigh as eigh,
    eigvalsh as eigvalsh,
    qr as qr,
    svd as svd,
    svdvals as svdvals,
)
from .ops.householder import householder_product as householder_product
from .ops.linalg import matmul as matmul
from .ops.lu import (
    lu as lu,
    lu_factor as lu_factor,
    lu_factor_ex as lu_factor_ex,
    lu_solve as lu_solve,
)
from .ops.matrix_functions import (
    cond as cond,
    lstsq as lstsq,
    matrix_exp as matrix_exp,
    matrix_power as matrix_power,
    matrix_rank as matrix_rank,
    pinv as pinv,
    tensorinv as tensorinv,
    tensorsolve as tensorsolve,
)
from .ops.norms import matrix_norm as matrix_norm, vector_norm as vector_norm
from .ops.outputs import with_out
from .ops.shape import Dims
from .ops.solving import (
    LinAlgError as LinAlgError,
    det as det,
    inv as inv,
    inv_ex as inv_ex,
    slogdet as slogdet,
    solve as solve,
    solve_ex as solve_ex,
    solve_triangular as solve_triangular,
)


def norm(
    A: Any, ord: Any = None, dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The norm of a vector or a matrix: of the order ``ord`` if given, as a matrix if there are
    two dimensions; else the 2-norm of all elements. A scalar; with dim, A's shape without these
    (or with size 1, keepdim).

    >>> torch.linalg.norm(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    >>> torch.linalg.norm(torch.tensor([3.0, 4.0]), 1)
    tensor(7.)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    dims = (dim,) if isinstance(dim, int) else dim
    if dims is None:
        if A.dim() not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
                f"Got {A.dim()}D."
            )
        dims = tuple(range(A.dim()))
    if len(dims) == 1 and not isinstance(ord, str):
        return vector_norm(A, ord, dims, keepdim, dtype=dtype)
    return matrix_norm(A, ord, dims, keepdim, dtype=dtype)


def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product (n, p) of two or more matrices (n, m), ..., (k, p); the first and the last may be
    vectors, (m) and (k), whose dimension the product lacks.

    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)])
    tensor([12., 12.])
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    return linalg.chain_matmul(*tensors)


def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The cross products of vectors of 3 elements along dim; the other dimensions broadcast.

    >>> torch.linalg.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return linalg.cross(input, other, dim)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along dim; x and y broadcast, and the result lacks dim.

    >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.ones(2))
    tensor([3., 7.])
    """
    for one in (x, y):
        if not one.is_floating_point():
            raise RuntimeError(
                "linalg.vecdot: Expected a floating point or complex tensor as input. Got "
                f"{one.dtype}"
            )
    if x.dtype != y.dtype:
        raise RuntimeError(
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{x.dtype} and y of type {y.dtype} instead"
        )
    return reduction.sum(x * y, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """A view of the diagonals of the planes dim1, dim2, as the last dimension.

    >>> torch.linalg.diagonal(torch.ones(5, 2, 3)).shape
    torch.Size([5, 2])
    """
    return diagonals.diagonal(A, offset, dim1, dim2)


def vander(x: Any, *, N: int | None = None) -> Any:
    """The powers 0, 1, ..., N - 1 (default: as many as elements) of the elements of vectors
    (..., n), as the rows of matrices (..., n, N).

    >>> torch.linalg.vander(torch.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    x = x if x.dim() else x.reshape(1)
    if N is not None and N <= 1:
        raise RuntimeError("N must be greater than 1.")
    count = x.shape[-1] if N is None else N
    x = x if x.is_floating_point() else x.long()
    xp: Any = backends.backend_of(x._array)
    return arithmetic.pow(x.unsqueeze(-1), x._wrap(xp.arange(count)))


_WITH_OUT = """
cholesky cholesky_ex cond cross det eigh eigvalsh householder_product inv inv_ex lstsq lu lu_factor
lu_factor_ex lu_solve matmul matrix_norm matrix_power matrix_rank multi_dot norm pinv qr slogdet
solve solve_ex solve_triangular svd svdvals tensorinv tensorsolve vecdot vector_norm
""".split()  # noqa: SIM905, a list would have a line for each
for _name in _WITH_OUT:
    globals()[_name] = with_out(globals()[_name])
