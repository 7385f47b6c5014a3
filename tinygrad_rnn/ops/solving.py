"""Linear equations: inverses, determinants, solutions, with exact gradients.

All take stacks of matrices (..., n, n) of float32 or float64. The gradient rules are those of
M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008).
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend
from ..dtypes import float16, int32, of_array
from . import return_types
from .arithmetic import zeros_like
from .choice import where
from .conversion import cast
from .diagonals import _triangle
from .reduction import eye_like
from .shape import broadcast_shapes, expand, shape_of, unsqueeze


class _LinAlgError(RuntimeError):
    """Raised where a matrix has no answer: it is singular, or not positive-definite, ...

    >>> issubclass(torch.linalg.LinAlgError, RuntimeError)
    True
    """


LinAlgError = _LinAlgError  # what PyTorch's tracebacks call it


def turned(x: Any) -> Any:
    """The matrices transposed."""
    return x.swapaxes(-1, -2)


def matrices(name: str, input: Any, *, square: bool = True) -> Any:
    """The input. Raises RuntimeError unless it is a stack of (square) matrices of floats."""
    shape, kind = shape_of(input), of_array(input._array.dtype)
    if len(shape) < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if square and shape[-1] != shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {shape[-2]} by "
            f"{shape[-1]} matrices"
        )
    if not kind.is_floating_point:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {kind.scalar_name}"
        )
    if kind is float16:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {kind.scalar_name}")
    return input


# ----- inverse and solution -----


@primitive(name="LinalgInvExBackward0")
def _inv(xp: Backend, input: Array) -> Array:
    try:
        return xp.inv(input)
    except ValueError:
        raise LinAlgError(
            "linalg.inv: The inversion could not be completed because the input matrix is singular."
        ) from None


@primitive(broadcasts=True)
def _solve(xp: Backend, A: Array, B: Array) -> Array:
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A, B = (xp.ascontiguousarray(xp.broadcast_to(x, (*batch, *x.shape[-2:]))) for x in (A, B))
    try:
        return xp.solve(A, B)
    except ValueError:
        raise LinAlgError(
            "torch.linalg.solve: The solver failed because the input matrix is singular."
        ) from None


_inv.gradients(lambda g, y, _x: -(turned(y) @ g @ turned(y)))
_solve.gradients(
    lambda g, y, a, _b: -(_solve(turned(a), g) @ turned(y)),
    lambda g, _y, a, _b: _solve(turned(a), g),
)


def inv(A: Any) -> Any:
    """The inverses (..., n, n) of matrices (..., n, n). Raises LinAlgError for a singular one.

    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inv(matrices("linalg.inv", A))


def inverse(input: Any) -> Any:
    """`torch.linalg.inv`: the inverses of matrices (..., n, n).

    >>> torch.inverse(torch.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return inv(input)


def _equation(name: str, A: Any, B: Any, left: bool) -> bool:
    """Whether B is a (stack of) vectors; the sizes and dtypes fit or RuntimeError is raised."""
    matrices(name, A)
    a, b = shape_of(A), shape_of(B)
    if A._array.dtype != B._array.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found "
            f"{of_array(A._array.dtype)} and {of_array(B._array.dtype)}"
        )
    if not b:
        raise RuntimeError(f"{name}: The input tensor B must have at least 1 dimension.")
    vector = len(b) == 1 or (len(b) == len(a) - 1 and b == a[:-1])
    rows = b[-1] if vector or not left else b[-2]
    if rows != a[-1]:
        other = f"{b[-2]}x{b[-1]}" if len(b) > 1 else f"{b[0]}x1"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({a[-2]}x{a[-1]} and {other})"
        )
    return vector


def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The X with A X = B, or with left=False X A = B, for matrices A (..., n, n) and B (..., n, k),
    whose batches broadcast, or vectors B (n) or (..., n); X is like B. Raises LinAlgError for a
    singular A.

    >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.ones(2))
    tensor([0.5000, 0.2500])
    """
    if _equation("linalg.solve", A, B, left):
        return (_solve(A if left else turned(A), unsqueeze(B, -1))).squeeze(-1)
    return _solve(A, B) if left else turned(_solve(turned(A), turned(B)))


# ----- without an error for singular matrices -----


def _or_identity(A: Any) -> tuple[Any, Any]:
    """The matrices with identities for singular ones; and which these are."""
    singular = slogdet(A.detach()).sign == 0
    if not bool(singular.any()):
        return A, singular
    one = cast(eye_like(A), of_array(A._array.dtype))
    return where(singular[..., None, None], one, A), singular


def inv_ex(A: Any, *, check_errors: bool = False) -> return_types.linalg_inv_ex:
    """The inverses of matrices (..., n, n), nan for singular ones; and an int32 for each, (...),
    which is 0 for those that have one. Raises LinAlgError only if check_errors is set.

    >>> torch.linalg.inv_ex(torch.zeros(1, 1)).info
    tensor(1, dtype=torch.int32)
    """
    matrices("linalg.inv", A)
    if check_errors:
        return return_types.linalg_inv_ex(_inv(A), A.new_zeros(shape_of(A)[:-2], dtype=int32))
    safe, singular = _or_identity(A)
    inverse = where(singular[..., None, None], math.nan, _inv(safe))
    return return_types.linalg_inv_ex(inverse, cast(singular, int32))


def solve_ex(
    A: Any, B: Any, *, left: bool = True, check_errors: bool = False
) -> return_types.linalg_solve_ex:
    """As `torch.linalg.solve`, with nan for singular matrices; and an int32 for each, (...), which
    is 0 for those that are not singular. Raises LinAlgError only if check_errors is set.

    >>> torch.linalg.solve_ex(torch.ones(1, 1), torch.ones(1)).result
    tensor([1.])
    """
    vector = _equation("linalg.solve", A, B, left)
    if check_errors:
        return return_types.linalg_solve_ex(
            solve(A, B, left=left), A.new_zeros(shape_of(A)[:-2], dtype=int32)
        )
    safe, singular = _or_identity(A)
    failed = singular[..., None] if vector else singular[..., None, None]
    return return_types.linalg_solve_ex(
        where(failed, math.nan, solve(safe, B, left=left)), cast(singular, int32)
    )


# ----- triangular equations -----


def _substituted(xp: Backend, a: Array, b: Array, upper: bool) -> Array:
    """The solution of triangular equations, by halves: the second half of the unknowns (for a
    lower triangle the first), then the other one with these put in."""
    n = a.shape[-1]
    if n < 2:
        return b / a if n else b
    first, second = slice(None, n // 2), slice(n // 2, None)
    done, left = (second, first) if upper else (first, second)
    known = _substituted(xp, a[..., done, done], b[..., done, :], upper)
    rest = b[..., left, :] - a[..., left, done] @ known
    found = _substituted(xp, a[..., left, left], rest, upper)
    return xp.concatenate([found, known] if upper else [known, found], -2)


@primitive(broadcasts=True)
def _solve_triangle(xp: Backend, A: Array, B: Array, *, upper: bool) -> Array:
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    return _substituted(xp, A, xp.broadcast_to(B, (*batch, *B.shape[-2:])), upper)


def solve_triangle(A: Any, B: Any, *, upper: bool) -> Any:
    """`solve_triangular` without checks, also of raw arrays."""
    return _solve_triangle(A, B, upper=upper)


_solve_triangle.gradients(
    lambda g, y, a, _b, *, upper: (
        -_triangle(
            _solve_triangle(turned(a), g, upper=not upper) @ turned(y), diagonal=0, upper=upper
        )
    ),
    lambda g, _y, a, _b, *, upper: _solve_triangle(turned(a), g, upper=not upper),
)


def solve_triangular(
    A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Any:
    """The X with A X = B (or with left=False X A = B) for triangular matrices A (..., n, n) and B
    (..., n, k); only the upper or the lower triangle of A is read, with unitriangular=True without
    its diagonal, which counts as ones. A 0 on the diagonal gives infinities.

    >>> torch.linalg.solve_triangular(torch.tensor([[2.0]]), torch.tensor([[1.0]]), upper=True)
    tensor([[0.5000]])
    """
    matrices("linalg.solve_triangular", A)
    if len(shape_of(B)) < 2:
        raise RuntimeError(
            "linalg.solve_triangular: The input tensor B must have at least 2 dimensions."
        )
    _equation("linalg.solve_triangular", A, B, left)
    if unitriangular:
        A = where(eye_like(A), 1.0, A)
    if left:
        return _solve_triangle(A, B, upper=upper)
    return turned(_solve_triangle(turned(A), turned(B), upper=not upper))


def triangular_solve(
    input: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> return_types.triangular_solve:
    """The X (..., n, k) with A X = input for triangular A (..., n, n), and A.
    `torch.linalg.solve_triangular` is newer.

    >>> torch.triangular_solve(torch.tensor([[1.0]]), torch.tensor([[2.0]])).solution
    tensor([[0.5000]])
    """
    a, up = (turned(A), not upper) if transpose else (A, upper)
    solution = solve_triangular(a, input, upper=up, unitriangular=unitriangular)
    whole = expand(A, *shape_of(solution)[:-2], *shape_of(A)[-2:])  # as many as solutions
    return return_types.triangular_solve(solution, whole.clone())


# ----- determinants -----


@primitive(name="LinalgDetBackward0")
def _det(xp: Backend, input: Array) -> Array:
    return xp.asarray(xp.det(input))


@primitive
def _cofactors(xp: Backend, input: Array) -> Array:
    """det(A) inv(A) transposed, also for singular matrices: with A = U S V the same of U and V,
    and of S on the diagonal the products of all other singular values."""
    if not input.size:
        return xp.zeros_like(input)
    u, s, v = xp.svd(input)
    others = xp.where(xp.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    sign = xp.det(u) * xp.det(v)
    return xp.asarray(sign)[..., None, None] * ((u * others[..., None, :]) @ v)


def _cofactors_rule(g: Any, y: Any, a: Any) -> Any:
    inverse = turned(_inv(a))
    return (g * y).sum((-2, -1))[..., None, None] * inverse - y @ turned(g) @ inverse


@primitive
def _slogdet(xp: Backend, input: Array) -> tuple[Array, Array]:
    sign, logarithm = xp.slogdet(input)
    return xp.asarray(sign), xp.asarray(logarithm)


_det.gradients(lambda g, _y, x: g[..., None, None] * _cofactors(x))
_cofactors.gradients(_cofactors_rule)
_slogdet.gradients(
    lambda g, _y, x: zeros_like(x) if g[1] is None else g[1][..., None, None] * turned(_inv(x))
)


def det(input: Any) -> Any:
    """The determinants (...) of matrices (..., n, n).

    >>> torch.linalg.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    return _det(matrices("linalg.det", input))


def slogdet(input: Any) -> return_types.linalg_slogdet:
    """The sign (-1, 0 or 1) and the logarithm of the magnitude of the determinants of matrices
    (..., n, n), both (...).

    >>> torch.linalg.slogdet(torch.tensor([[-torch.e]])).sign
    tensor(-1.)
    """
    sign, logarithm = _slogdet(matrices("linalg.slogdet", input))
    return return_types.linalg_slogdet(sign, logarithm)


def logdet(input: Any) -> Any:
    """The logarithms (...) of the determinants of matrices (..., n, n): nan for negative ones,
    -inf for 0.

    >>> torch.logdet(torch.tensor([[1.0]]))
    tensor(0.)
    """
    sign, logarithm = slogdet(input)
    return where(sign < 0, math.nan, logarithm)
