"""Products of Householder reflections, which is how LAPACK returns Q of a QR decomposition.

The reflections are I - tau_i v_i v_i^T; v_i has zeros above place i, a 1 there, and below it the
numbers of column i. Their product is I - V T V^T with the triangular T = (I + D U)^-1 D, where D
has tau on its diagonal and U is the strictly upper triangle of V^T V (R. Schreiber and C. Van Loan,
"A storage-efficient WY representation for products of Householder transformations", 1989).
"""

from __future__ import annotations

from typing import Any

from ..autograd import is_grad_enabled, primitive
from ..backends import Array, Backend
from ..dtypes import of_array
from . import return_types
from .arithmetic import zeros_like
from .diagonals import tril, triu
from .shape import shape_of, unsqueeze
from .solving import matrices, solve_triangle, turned


@primitive
def _geqrf(xp: Backend, input: Array) -> tuple[Array, Array]:
    factors, tau = xp.qr(input, "raw")
    return turned(factors).astype(input.dtype), tau.astype(input.dtype)


def geqrf(input: Any) -> return_types.geqrf:
    """The QR decomposition of matrices (..., m, n) as LAPACK returns it: R in the upper triangle of
    ``a``, (..., m, n), below it the reflections that Q is the product of, and their factors
    ``tau`` (..., k), where k is the smaller of m and n. `torch.linalg.householder_product` makes Q
    of it, `torch.ormqr` multiplies with it. Raises NotImplementedError where a gradient would be
    needed: `torch.linalg.qr` is differentiable.

    >>> torch.geqrf(torch.tensor([[3.0], [4.0]])).a
    tensor([[-5.0000],
            [ 0.5000]])
    """
    if is_grad_enabled() and input.requires_grad:
        raise NotImplementedError(
            "the derivative for 'geqrf' is not implemented: use torch.linalg.qr, or input.detach()"
        )
    return return_types.geqrf(*_geqrf(matrices("geqrf", input, square=False)))


def _checked(name: str, input: Any, tau: Any) -> None:
    """Raise RuntimeError unless tau (..., k) belongs to input (..., m, n), k <= n <= m."""
    shape, factors = shape_of(matrices(name, input, square=False)), shape_of(tau)
    if shape[-2] < shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], got "
            f"{list(shape)}"
        )
    if len(factors) != len(shape) - 1 or factors[:-1] != shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, and the same batch "
            f"dimensions, but got tau of shape {list(factors)} and input of shape {list(shape)}"
        )
    if factors[-1] > shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], got "
            f"{list(shape)} and {list(factors)}"
        )
    kinds = of_array(input._array.dtype), of_array(tau._array.dtype)
    if kinds[0] is not kinds[1]:
        raise RuntimeError(f"{name}: tau dtype {kinds[1]} does not match input dtype {kinds[0]}")


def _one(like: Any) -> Any:
    """Matrices of that shape with ones on their diagonals."""
    return triu(tril(zeros_like(like.detach()) + 1))


def _reflected(input: Any, tau: Any, x: Any, *, transpose: bool = False) -> Any:
    """Q x, or Q^T x, of matrices x (..., m, n)."""
    below = tril(input[..., : shape_of(tau)[-1]], -1)
    v, factors = below + _one(below), unsqueeze(tau, -1)
    inner = turned(v) @ x
    upper = factors * triu(turned(v) @ v, 1)
    upper = upper + _one(upper)
    if transpose:
        return x - v @ (factors * solve_triangle(turned(upper), inner, upper=False))
    return x - v @ solve_triangle(upper, factors * inner, upper=True)


def householder_product(input: Any, tau: Any) -> Any:
    """The first n columns of the product of Householder reflections, whose vectors stand below the
    diagonal of matrices (..., m, n), n <= m, and whose factors are tau (..., k), k <= n: what
    `torch.geqrf` returns makes Q (..., m, n).

    >>> torch.linalg.householder_product(*torch.geqrf(torch.tensor([[3.0], [4.0]])))
    tensor([[-0.6000],
            [-0.8000]])
    """
    _checked("torch.linalg.householder_product", input, tau)
    return _reflected(input, tau, _one(input))


def orgqr(input: Any, input2: Any) -> Any:
    """`torch.linalg.householder_product` of matrices (..., m, n) and factors (..., k).

    >>> torch.orgqr(*torch.geqrf(torch.tensor([[3.0], [4.0]])))
    tensor([[-0.6000],
            [-0.8000]])
    """
    return householder_product(input, input2)


def ormqr(input: Any, input2: Any, input3: Any, left: bool = True, transpose: bool = False) -> Any:
    """The product of Q and matrices input3 (..., m, n): Q input3, with left=False input3 Q, with
    transpose=True of Q^T in its place. Q is the whole product of the Householder reflections in
    input (..., r, k) with factors input2, which are called tau, (..., k); r is m, or with
    left=False n.

    >>> a, tau = torch.geqrf(torch.tensor([[3.0], [4.0]]))
    >>> torch.ormqr(a, tau, torch.tensor([[3.0], [4.0]]), transpose=True).abs()
    tensor([[5.], [0.]])
    """
    if len(shape_of(input)) < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    if len(shape_of(input3)) < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    other = input3 if left else turned(input3)
    size, (*batch, rows, columns) = shape_of(other)[-2], shape_of(input)
    place = "other.shape[-2]" if left else "other.shape[-1]"
    if size != rows:
        raise RuntimeError(
            f"torch.ormqr: {place} must be equal to input.shape[-2], but they are {size} and {rows}"
        )
    if shape_of(input2)[-1:] != (min(size, columns),):
        raise RuntimeError(
            f"torch.ormqr: tau.shape[-1] must be equal to min({place}, input.shape[-1]), but tau "
            f"has the shape {list(shape_of(input2))}, with {min(size, columns)} expected last"
        )
    if not tuple(batch) == shape_of(input2)[:-1] == shape_of(input3)[:-2]:
        raise RuntimeError(
            "torch.ormqr: Expected input, tau and other to have the same batch dimensions, but got "
            f"{[*batch, rows, columns]}, {list(shape_of(input2))} and {list(shape_of(input3))}"
        )
    result = _reflected(input, input2, other, transpose=transpose is left)
    return result if left else turned(result)
