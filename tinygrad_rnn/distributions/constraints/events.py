"""Constraints of vectors and matrices."""

from __future__ import annotations

from ...creation import full
from ...dtypes import bool_, finfo
from ...linalg import cholesky_ex, eigvalsh, norm
from ...ops.comparison import isclose
from ...tensor import Tensor
from .base import Bound, Constraint
from .elements import Boolean


class OneHot(Constraint):
    """Vectors (..., n) of one 1 and else 0.

    >>> torch.distributions.constraints.one_hot.check(torch.tensor([[0, 1], [1, 1]]))
    tensor([ True, False])
    """

    is_discrete, event_dim = True, 1

    def check(self, value: Tensor) -> Tensor:
        return Boolean().check(value).all(-1) & (value.sum(-1) == 1)


class Simplex(Constraint):
    """Vectors (..., n) of numbers from 0 up whose sum is 1.

    >>> torch.distributions.constraints.simplex.check(torch.tensor([[0.5, 0.5], [0.5, 0.1]]))
    tensor([ True, False])
    """

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class Multinomial(Constraint):
    """Vectors (..., n) of numbers from 0 up whose sum is at most upper_bound.

    >>> torch.distributions.constraints.multinomial(3).check(torch.tensor([[1, 2], [3, 1]]))
    tensor([ True, False])
    """

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound: Bound) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


# ----- matrices -----


class LowerTriangular(Constraint):
    """Lower triangular matrices (..., n, n).

    >>> torch.distributions.constraints.lower_triangular.check(torch.ones(2, 2))
    tensor(False)
    """

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return (value.tril() == value).flatten(-2).all(-1)


class LowerCholesky(LowerTriangular):
    """Lower triangular matrices (..., n, n) with a positive diagonal.

    >>> torch.distributions.constraints.lower_cholesky.check(torch.eye(2))
    tensor(True)
    """

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class CorrCholesky(LowerCholesky):
    """Lower triangular matrices (..., n, n) with a positive diagonal and rows of length 1.

    >>> torch.distributions.constraints.corr_cholesky.check(torch.eye(2))
    tensor(True)
    """

    def check(self, value: Tensor) -> Tensor:
        tolerance = finfo(value.dtype).eps * value.size(-1) * 10
        lengths = norm(value.detach(), dim=-1)
        return super().check(value) & ((lengths - 1).abs() <= tolerance).all(-1)


class Square(Constraint):
    """Square matrices (..., n, n).

    >>> torch.distributions.constraints.square.check(torch.ones(2, 3))
    tensor(False)
    """

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        equal = value.shape[-2] == value.shape[-1]
        return full(value.shape[:-2], equal, dtype=bool_, device=value.device)


class Symmetric(Square):
    """Symmetric matrices (..., n, n).

    >>> torch.distributions.constraints.symmetric.check(torch.ones(2, 2))
    tensor(True)
    """

    def check(self, value: Tensor) -> Tensor:
        square = super().check(value)
        if not bool(square.all()):
            return square
        found: Tensor = isclose(value, value.mT, atol=1e-6).flatten(-2).all(-1)
        return found


class PositiveSemidefinite(Symmetric):
    """Symmetric matrices (..., n, n) without negative eigenvalues.

    >>> torch.distributions.constraints.positive_semidefinite.check(torch.zeros(2, 2))
    tensor(True)
    """

    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return (eigvalsh(value) >= 0).all(-1) if bool(symmetric.all()) else symmetric


class PositiveDefinite(Symmetric):
    """Symmetric matrices (..., n, n) with positive eigenvalues.

    >>> torch.distributions.constraints.positive_definite.check(torch.zeros(2, 2))
    tensor(False)
    """

    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return cholesky_ex(value).info == 0 if bool(symmetric.all()) else symmetric
