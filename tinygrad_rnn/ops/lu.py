"""Matrices as products P L U: row swaps, a lower and an upper triangular matrix, with exact
gradients.

All take stacks of matrices (..., m, n) of float32 or float64. The gradient rule is that of
M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), made rectangular block by block.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, backend_of
from ..dtypes import int32, int64, of_array
from . import return_types
from .conversion import cast
from .diagonals import _triangle
from .gathering import take_along_dim
from .joining import _cat, cat
from .reduction import eye_like
from .shape import broadcast_shapes, shape_of
from .solving import LinAlgError, matrices, solve_triangle, turned


def _eliminated(a: Array) -> tuple[Array, Array, Array, Array]:
    """L and U in one matrix, the pivots and the order of the rows (from 0), and which pivot is the
    first that is 0 (from 1; 0 for none), of matrices (b, m, n): column by column."""
    xp: Any = backend_of(a)
    a = a.copy()
    b, m, n = a.shape
    each, count = xp.arange(b), min(m, n)
    pivots = xp.zeros((b, count), int64.array)
    order = xp.zeros((b, m), int64.array) + xp.arange(m)
    info = xp.zeros((b,), int64.array)
    for j in range(count):
        pivot = xp.argmax(xp.absolute(a[:, j:, j]), axis=1) + j
        pivots[:, j] = pivot
        for rows in (a, order):
            row = rows[each, pivot]
            rows[each, pivot] = rows[:, j]
            rows[:, j] = row
        top = a[:, j, j]
        info = xp.where((top == 0) & (info == 0), j + 1, info)
        column = a[:, j + 1 :, j] / xp.where(top == 0, 1, top)[:, None]
        a[:, j + 1 :, j] = column
        a[:, j + 1 :, j + 1 :] -= column[:, :, None] * a[:, j, None, j + 1 :]
    return a, pivots, order, info


@primitive
def _packed(xp: Backend, input: Array, *, factors: Array) -> Array:
    """L and U in one matrix, of matrices whose rows are in order."""
    return factors


def _lower(x: Any, below: int = -1) -> Any:
    return _triangle(x, diagonal=below, upper=False)


def _upper(x: Any) -> Any:
    return _triangle(x, diagonal=0, upper=True)


def _with_ones(x: Any) -> Any:
    """The lower triangle, of the diagonal ones: of square matrices."""
    return _lower(x) + eye_like(x)


def _solved_left(lower: Any, x: Any) -> Any:
    """L^-T x."""
    return solve_triangle(turned(lower), x, upper=True)


def _solved_right(x: Any, upper: Any) -> Any:
    """x U^-T."""
    return turned(solve_triangle(upper, turned(x), upper=True))


def _packed_rule(g: Any, y: Any, _x: Any, *, factors: Array) -> Any:
    m, n = y.shape[-2:]
    k = min(m, n)
    square, within = y[..., :k, :k], g[..., :k, :k]
    lower, upper = _with_ones(square), _upper(square)
    of_lower = turned(lower) @ _lower(within)
    of_upper = _upper(within) @ turned(upper)
    if n > k:
        of_lower = of_lower - g[..., k:] @ turned(y[..., k:])
    if m > k:
        of_upper = of_upper - turned(y[..., k:, :]) @ g[..., k:, :]
    found = _solved_right(_solved_left(lower, _lower(of_lower) + _upper(of_upper)), upper)
    if n > k:
        return _cat(found, _solved_left(lower, g[..., k:]), dim=len(y.shape) - 1)
    if m > k:
        return _cat(found, _solved_right(g[..., k:, :], upper), dim=len(y.shape) - 2)
    return found


_packed.gradients(_packed_rule)


def _factored(name: str, A: Any, pivot: bool) -> tuple[Any, Any, Any, Any]:
    """LU, the pivots and the order of the rows (from 0), and info, as tensors."""
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented")
    *batch, m, n = shape_of(matrices(name, A, square=False))
    flat = A._array.reshape((math.prod(batch), m, n))
    factors, *others = _eliminated(flat)
    pivots, order, info = (A._wrap(x.reshape((*batch, *x.shape[1:]))) for x in others)
    rows = take_along_dim(A, order.unsqueeze(-1), -2)
    return _packed(rows, factors=factors.reshape((*batch, m, n))), pivots, order, info


def lu_factor_ex(
    A: Any, *, pivot: bool = True, check_errors: bool = False
) -> return_types.linalg_lu_factor_ex:
    """As `torch.linalg.lu_factor`, and int32 numbers (...): 0, or the number of the first element
    of U's diagonal that is 0, from 1. Raises LinAlgError for these only if check_errors is set.

    >>> torch.linalg.lu_factor_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=torch.int32)
    """
    factors, pivots, _, info = _factored("linalg.lu_factor", A, pivot)
    if check_errors and bool((info > 0).any()):
        first = int(info[info > 0].reshape(-1)[0])
        raise LinAlgError(
            f"torch.linalg.lu_factor: U[{first},{first}] is zero and using it on lu_solve would "
            "result in a division by zero. If you still want to perform the factorization, "
            "consider calling linalg.lu_factor_ex(A, pivot)"
        )
    return return_types.linalg_lu_factor_ex(factors, cast(pivots + 1, int32), cast(info, int32))


def lu_factor(A: Any, *, pivot: bool = True) -> return_types.linalg_lu_factor:
    """L and U of A = P L U for matrices (..., m, n), in one matrix (L's diagonal is 1), and the
    pivots (..., min(m, n)): with which row, from 1, each row changed places in turn. int32.

    Raises LinAlgError where U's diagonal has a 0.

    >>> torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
    torch.return_types.linalg_lu_factor(
    LU=tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]),
    pivots=tensor([2, 2], dtype=torch.int32))
    """
    return return_types.linalg_lu_factor(*lu_factor_ex(A, pivot=pivot, check_errors=True)[:2])


def lu(A: Any, *, pivot: bool = True) -> return_types.linalg_lu:
    """P, L and U with A = P L U for matrices (..., m, n): a permutation (..., m, m), L (..., m, k)
    lower triangular with ones on the diagonal, and U (..., k, n) upper triangular, k = min(m, n).

    >>> torch.linalg.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]])).U
    tensor([[2., 2.],
            [0., 1.]])
    """
    factors, _, order, _ = _factored("linalg.lu", A, pivot)
    return return_types.linalg_lu(_permutation(order, factors), *_triangles(factors))


def _permutation(order: Any, like: Any) -> Any:
    places = order.new_tensor(range(shape_of(order)[-1])).unsqueeze(-1)
    return cast(places == order.unsqueeze(-2), of_array(like._array.dtype))


def _triangles(factors: Any) -> tuple[Any, Any]:
    m, n = shape_of(factors)[-2:]
    k = min(m, n)
    lower = _with_ones(factors[..., :k, :k])
    if m > k:
        lower = cat([lower, factors[..., k:, :]], -2)
    return lower, _upper(factors[..., :k, :])


def _order_of(pivots: Any, m: int) -> Any:
    """The order of m rows that swaps by pivots (from 1) lead to."""
    xp: Any = backend_of(pivots._array)
    message = "pivots must be between 1 and LU.size(-2) inclusive, but got {}"
    xp.check_range(pivots._array, 1, m + 1, RuntimeError, message)
    array = pivots._array.astype(int64.array) - 1
    swaps = array.reshape((math.prod(array.shape[:-1]), array.shape[-1]))
    each = xp.arange(len(swaps))
    order = xp.zeros((len(swaps), m), int64.array) + xp.arange(m)
    for j in range(swaps.shape[1]):
        row = order[each, swaps[:, j]]
        order[each, swaps[:, j]] = order[:, j]
        order[:, j] = row
    return pivots._wrap(order.reshape((*array.shape[:-1], m)))


def _check_pivots(pivots: Any, shape: tuple[int, ...]) -> None:
    """Raise RuntimeError for what are no pivots of a factorization of this shape."""
    if pivots.shape != (*shape[:-2], min(shape[-2:])):
        raise RuntimeError(
            f"torch.lu_unpack: expected LU_pivots of shape {[*shape[:-2], min(shape[-2:])]} for "
            f"LU_data of shape {list(shape)}, but got {list(pivots.shape)}"
        )


def lu_unpack(
    LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True
) -> return_types.lu_unpack:
    """P, L and U, see `torch.linalg.lu`, of what `torch.linalg.lu_factor` returns for matrices
    (..., m, n); empty tensors for what is not to be unpacked. Raises RuntimeError for pivots that
    are not int32.

    >>> A = torch.tensor([[1.0, 2.0], [2.0, 2.0]])
    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(A))
    >>> torch.equal(P @ L @ U, A)
    True
    """
    if unpack_pivots and LU_pivots._array.dtype != int32.array:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype."
        )
    matrices("torch.lu_unpack", LU_data, square=False)
    if unpack_pivots:
        _check_pivots(LU_pivots._array, shape_of(LU_data))
    empty = LU_data.new_zeros((0,))
    order = _order_of(LU_pivots, shape_of(LU_data)[-2]) if unpack_pivots else None
    lower, upper = _triangles(LU_data) if unpack_data else (empty, empty)
    return return_types.lu_unpack(
        empty if order is None else _permutation(order, LU_data), lower, upper
    )


def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """X with A X = B, or X A = B if not left, for matrices A (..., n, n) of which
    `torch.linalg.lu_factor` made LU and pivots; with A^T for A if adjoint. B and X are (..., n, k),
    or (..., k, n).

    >>> A = torch.tensor([[1.0, 2.0], [2.0, 2.0]])
    >>> torch.linalg.lu_solve(*torch.linalg.lu_factor(A), torch.ones(2, 1))
    tensor([[0.0000],
            [0.5000]])
    """
    matrices("linalg.lu_solve", LU)
    matrices("linalg.lu_solve", B, square=False)
    if pivots._array.dtype != int32.array:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    if of_array(LU._array.dtype) is not of_array(B._array.dtype):
        raise RuntimeError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type "
            f"{of_array(LU._array.dtype)} and B of type {of_array(B._array.dtype)} instead"
        )
    n, rows = shape_of(LU)[-1], shape_of(B)[-2 if left else -1]
    if shape_of(pivots) != shape_of(LU)[:-1]:
        raise RuntimeError(
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            "matrix"
        )
    if rows != n:
        raise RuntimeError(
            f"linalg.lu_solve: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({n}x{n} and {tuple(shape_of(B)[-2:])})"
        )
    if not left:
        return turned(lu_solve(LU, pivots, turned(B), adjoint=not adjoint))
    batch = broadcast_shapes(shape_of(LU)[:-2], shape_of(B)[:-2])
    B = B.expand((*batch, *shape_of(B)[-2:]))
    order = _order_of(pivots, n)
    if adjoint:
        middle = solve_triangle(turned(_upper(LU)), B, upper=False)
        found = solve_triangle(turned(_with_ones(LU)), middle, upper=True)
        back = order.argsort(-1)
        return take_along_dim(found, back.unsqueeze(-1), -2)
    rows_of_b = take_along_dim(B, order.unsqueeze(-1), -2)
    return solve_triangle(
        _upper(LU), solve_triangle(_with_ones(LU), rows_of_b, upper=False), upper=True
    )
