"""Norms and products under the names of ``torch.linalg``. There are no decompositions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dtypes import dtype
from .ops import diagonals, linalg, reduction
from .ops.linalg import matmul as matmul
from .ops.norms import matrix_norm as matrix_norm, vector_norm as vector_norm
from .ops.shape import Dims


def norm(
    A: Any, ord: Any = None, dim: Dims | None = None, keepdim: bool = False,
    *, dtype: dtype | None = None,
) -> Any:  # fmt: skip
    """The norm of a vector or a matrix: of the order ``ord`` if given, as a matrix if there are
    two dimensions; else the 2-norm of all elements."""
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
    """The product of two or more matrices (the first and the last may be vectors)."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    return linalg.chain_matmul(*tensors)


def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The cross products of vectors of 3 elements along dim."""
    return linalg.cross(input, other, dim)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """The inner products of vectors along dim."""
    return reduction.sum(x * y, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """A view of the diagonals of the planes dim1, dim2, as the last dimension."""
    return diagonals.diagonal(A, offset, dim1, dim2)
