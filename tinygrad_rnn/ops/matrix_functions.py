"""Functions of matrices: powers, exponential, pseudo-inverse, rank, least squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import finfo, float64, of_array
from . import return_types
from .checking import check_same_dtype
from .choice import maximum, where
from .conversion import cast
from .decompositions import eigvalsh, svdvals
from .inplace import _forget
from .linalg import matmul
from .norms import matrix_norm
from .reduction import eye_like, sum
from .shape import broadcast_shapes, expand, movedim, reshape, shape_of, unsqueeze
from .solving import inv, inv_ex, matrices, solve, solve_triangle, turned

# ----- powers -----


def _identity(like: Any) -> Any:
    """Identity matrices in the shape of these."""
    return _forget(like) + cast(eye_like(like), of_array(like._array.dtype))


def matrix_power(input: Any, n: int) -> Any:
    """Square matrices (..., m, m) multiplied n times; of their inverses for a negative n, which
    raises LinAlgError for singular ones.

    >>> torch.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    if not isinstance(n, int):
        raise TypeError(
            f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}"
        )
    base = inv(input) if n < 0 else matrices("linalg.matrix_power", input)
    n, result = abs(n), None
    if not n:
        return _identity(input)
    while n:
        if n % 2:
            result = base if result is None else matmul(result, base)
        n //= 2
        base = matmul(base, base) if n else base
    return result


def matrix_exp(input: Any) -> Any:
    """The exponential of square matrices (..., n, n), the sum of A ** k / k!: the series for
    A / 2 ** s, which is small, squared s times (N. Higham, "Functions of Matrices", chapter 10).

    >>> torch.linalg.matrix_exp(torch.zeros(1, 1))
    tensor([[1.]])
    """
    own = of_array(input._array.dtype)
    A = cast(input, float64) if own.is_floating_point else input  # float16, too, as in PyTorch
    if not matrices("linalg.matrix_exp", A)._array.size:
        return input.clone()
    norm = abs(A.detach()).sum(-2).amax().item()
    squarings = max(0, math.ceil(math.log2(norm)) + 1) if 0 < norm < math.inf else 0
    small = A * 0.5**squarings
    result = one = _identity(A)
    for k in range(18, 0, -1):  # Horner's rule
        result = one + matmul(small, result) / k
    for _ in range(squarings):
        result = matmul(result, result)
    return cast(result, own)


# ----- pseudo-inverse and rank -----


def _threshold(A: Any, s: Any, atol: Any, rtol: Any) -> Any:
    """Below this singular values (..., k) count as 0: the larger of atol and rtol * the largest;
    rtol is the dtype's eps * the larger size of the matrix if neither is given."""
    if rtol is None:
        rtol = finfo(of_array(A._array.dtype)).eps * max(shape_of(A)[-2:])
        if isinstance(atol, Variable):
            rtol = where(atol > 0, 0.0, rtol)  # type: ignore[operator]
        elif atol:
            rtol = 0.0
    largest = s.amax(-1, True) if shape_of(s)[-1] else sum(s, -1, True)
    relative = largest * (unsqueeze(rtol, -1) if isinstance(rtol, Variable) else rtol)
    if atol is None:
        return relative
    absolute = unsqueeze(atol, -1) if isinstance(atol, Variable) else relative * 0 + atol
    return maximum(relative, cast(absolute, of_array(relative._array.dtype)))


def matrix_rank(
    A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Any:
    """How many singular values of each of the matrices (..., m, n) are larger than atol and than
    rtol * the largest (default: the dtype's eps * the larger of m and n): int64 (...). tol is an
    older name of atol.

    >>> torch.linalg.matrix_rank(torch.ones(3, 3))
    tensor(1)
    """
    matrices("linalg.matrix_rank", A, square=hermitian)
    A = A.detach()
    s = abs(eigvalsh(A)) if hermitian else svdvals(A)
    if tol is not None:
        atol, rtol = tol, 0.0 if rtol is None else rtol
    if not A._array.size:
        return sum(s > 0, -1)
    return sum(s > _threshold(A, s, atol, rtol), -1)


@primitive
def _pinv(xp: Backend, input: Array, threshold: Array, *, hermitian: bool) -> Array:
    if hermitian:  # only the lower triangle is read
        input = xp.tril(input) + turned(xp.tril(input, -1))
    u, s, v = xp.svd(input, False)
    counts = s > threshold
    inverse = xp.where(counts, 1 / xp.where(counts, s, 1), 0)
    return turned(v) @ (inverse[..., :, None] * turned(u))


def _pinv_rule(g: Any, y: Any, a: Any, _t: Any, *, hermitian: bool) -> Any:
    t, g = turned(y), turned(g)
    outer = (g - a @ (y @ g)) @ (y @ t)
    return outer + (t @ y) @ (g - (g @ y) @ a) - t @ turned(g) @ t


_pinv.gradients(_pinv_rule, None)


def pinv(
    A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Any:
    """The pseudo-inverses (..., n, m) of matrices (..., m, n): the inverse for singular values that
    are larger than atol and rtol * the largest (default as in `matrix_rank`), 0 for the others.
    rcond is an older name of rtol.

    >>> torch.linalg.pinv(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    matrices("linalg.pinv", A, square=hermitian)
    if not A._array.size:
        return turned(A).clone()
    rtol = rcond if rtol is None else rtol
    s = abs(eigvalsh(A.detach())) if hermitian else svdvals(A.detach())
    threshold = expand(_threshold(A, s, atol, rtol), shape_of(s))
    return _pinv(A, threshold, hermitian=hermitian)


def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """`torch.linalg.pinv`, (..., m, n) to (..., n, m), with a smaller threshold.

    >>> torch.pinverse(torch.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return pinv(input, rcond)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(
    A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None
) -> return_types.linalg_lstsq:
    """The X that makes the norm of A X - B smallest, the smallest such X, for matrices A
    (..., m, n) and B (..., m, k) (or vectors (..., m)). With it, by driver, "gelsy" (the default),
    "gelsd", "gelss" or "gels": the sums of squares that remain, if m > n and all ranks are full
    (not "gelsy"); the ranks of A, of singular values larger than rcond * the largest (not "gels");
    the singular values ("gelsd", "gelss").

    >>> torch.linalg.lstsq(torch.tensor([[2.0]]), torch.tensor([[6.0]])).solution
    tensor([[3.]])
    """
    matrices("torch.linalg.lstsq", A, square=False)
    driver = driver or "gelsy"
    if driver not in _DRIVERS:
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got {driver}"
        )
    if A._array.dtype != B._array.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got "
            f"{of_array(A._array.dtype)} and {of_array(B._array.dtype)}"
        )
    a, b = shape_of(A), shape_of(B)
    vector = len(b) == 1 if len(a) == 2 else b == a[:-1]
    if not 0 <= len(a) - len(b) <= 1:
        raise RuntimeError(
            "torch.linalg.lstsq: other must have as many dimensions as input, or one less, got "
            f"{list(a)} and {list(b)}"
        )
    right = unsqueeze(B, -1) if vector else B
    if len(shape_of(right)) < 2 or shape_of(right)[-2] != a[-2]:
        raise RuntimeError(
            "torch.linalg.lstsq: input.size(-2) should match other.size(-2), got "
            f"{list(a)} and {list(b)}"
        )
    if len(shape_of(right)) < len(a):  # PyTorch counts its batch dimensions from the front
        right = expand(right, (*broadcast_shapes(a[:-2], b[: len(a) - 2]), *b[-2:]))
    if rcond is None:
        rcond = finfo(of_array(A._array.dtype)).eps * max(a[-2:])
    found = matmul(pinv(A, 0.0 if driver == "gels" else rcond), right)
    s = svdvals(A.detach())
    empty = A.new_empty((0,))
    rank = matrix_rank(A, rtol=rcond) if driver != "gels" else empty.long()
    residuals = reshape(found, (-1,))[:0]
    if a[-2] > a[-1] and driver != "gelsy" and bool((rank == a[-1]).all()):
        residuals = sum((matmul(A, found) - right) ** 2, -2)
    found = found.squeeze(-1) if vector else found
    return return_types.linalg_lstsq(
        found, residuals, rank, s if driver in ("gelsd", "gelss") else empty
    )


def cond(A: Any, p: float | str | None = None) -> Any:
    """How much an error grows in solving A X = B, (...) of A (..., n, n): the norm of A times that
    of its inverse, with the order p of `torch.linalg.matrix_norm`; for None and 2 the largest
    singular value divided by the smallest, for -2 the other way. inf for singular matrices.

    >>> torch.linalg.cond(torch.tensor([[4.0, 0.0], [0.0, 1.0]]))
    tensor(4.)
    """
    if p in (None, 2, -2):
        s = svdvals(matrices("linalg.cond", A, square=False))
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    matrices("linalg.cond", A)
    inverse, info = inv_ex(A)
    product = matrix_norm(A, p) * matrix_norm(inverse, p)
    return where(info == 0, product, math.inf)


# ----- with what Cholesky's decomposition gives -----


@primitive(broadcasts=True)
def _cholesky_solve(xp: Backend, B: Array, L: Array) -> Array:
    return solve_triangle(turned(L), solve_triangle(L, B, upper=False), upper=True)


def _cholesky_solve_rule(g: Any, y: Any, _b: Any, lower: Any) -> Any:
    # as if the upper triangle was read, too, as in PyTorch
    product = _cholesky_solve(g, lower) @ turned(y)
    return -(product + turned(product)) @ lower


_cholesky_solve.gradients(lambda g, _y, _b, lower: _cholesky_solve(g, lower), _cholesky_solve_rule)


def cholesky_solve(input: Any, input2: Any, upper: bool = False) -> Any:
    """The X (..., n, k) with A X = input, for the A (..., n, n) that `torch.linalg.cholesky` took
    apart into input2.

    >>> torch.cholesky_solve(torch.tensor([[8.0]]), torch.tensor([[2.0]]))
    tensor([[2.]])
    """
    matrices("cholesky_solve", input2)
    check_same_dtype("cholesky_solve", input, input2)
    if len(shape_of(input)) < 2:
        raise RuntimeError(
            f"b should have at least 2 dimensions, but has {len(shape_of(input))} dimensions"
        )
    (m, k), n = shape_of(input)[-2:], shape_of(input2)[-1]
    if m != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for linear_solve: each A matrix is {n} by {n} but each b "
            f"matrix is {m} by {k}"
        )
    return _cholesky_solve(input, turned(input2) if upper else input2)


def cholesky_inverse(input: Any, upper: bool = False) -> Any:
    """The inverses of the matrices A (..., n, n) that `torch.linalg.cholesky` took apart into
    input.

    >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    return cholesky_solve(_identity(matrices("cholesky_inverse", input)), input, upper)


# ----- tensors as matrices -----


def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse of a tensor as a square matrix, whose rows are the first ind dimensions; in the
    result they come last.

    >>> torch.linalg.tensorinv(torch.eye(4).reshape(2, 2, 4)).shape
    torch.Size([4, 2, 2])
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows, columns = shape_of(A)[:ind], shape_of(A)[ind:]
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(columns)} != {math.prod(rows)}"
        )
    return reshape(inv(reshape(A, (math.prod(rows), -1))), (*columns, *rows))


def tensorsolve(A: Any, B: Any, dims: Sequence[int] | None = None) -> Any:
    """The X with tensordot(A, X, X.ndim) = B; the dimensions of A in dims are moved to its end
    first.

    >>> torch.linalg.tensorsolve(torch.eye(4).reshape(2, 2, 4), torch.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    if dims is not None:
        n = len(shape_of(A))
        A = movedim(A, tuple(dims), tuple(range(n - len(dims), n)))
    rest = shape_of(A)[len(shape_of(B)) :]
    size = math.prod(rest)
    if size != math.prod(shape_of(B)):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {size} != {math.prod(shape_of(B))}"
        )
    return reshape(solve(reshape(A, (-1, size)), reshape(B, (-1,))), rest)
