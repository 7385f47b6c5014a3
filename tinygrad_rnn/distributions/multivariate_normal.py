"""The normal distribution of vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from ..creation import eye
from ..linalg import cholesky, solve_triangular
from ..ops.matrix_functions import cholesky_inverse
from ..ops.shape import broadcast_shapes
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .utils import lazy_property, standard_normal


def batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Matrices (..., n, m) times vectors (..., m)."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def batch_mahalanobis(scale_tril: Tensor, x: Tensor) -> Tensor:
    """The squared lengths of L^-1 x, for L (*batch, n, n) and vectors (*samples, *batch, n). All
    samples of a matrix are solved for together."""
    samples = x.dim() - scale_tril.dim() + 1
    columns = x.reshape((-1, *x.shape[samples:])).movedim(0, -1)
    solved: Tensor = solve_triangular(scale_tril, columns, upper=False)
    return solved.square().sum(-2).movedim(-1, 0).reshape(x.shape[:-1])


def half_log_det(scale_tril: Tensor) -> Tensor:
    """Half the logarithm of the determinant of L L^T."""
    return scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The lower triangular L for which L L^T is the inverse, by the factor of the matrix turned
    around."""
    turned: Tensor = cholesky(precision.flip((-2, -1)))
    inverse = turned.flip((-2, -1)).mT
    identity = eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    found: Tensor = solve_triangular(inverse, identity, upper=False)
    return found


# The lower triangular factor of the covariance, from each of the matrices.
FACTORS: dict[str, Callable[[Tensor], Tensor]] = {
    "covariance_matrix": cholesky,
    "precision_matrix": precision_to_scale_tril,
    "scale_tril": lambda matrix: matrix,
}


class MultivariateNormal(Distribution):
    """Vectors (n) that are normal with the mean `loc` (..., n) and one of three matrices (..., n,
    n): `covariance_matrix`, its inverse `precision_matrix`, or `scale_tril`, the lower triangular
    factor of the covariance. The last is the fastest.

    Raises ValueError for none or more than one of the matrices.

    >>> d = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    >>> d.log_prob(torch.zeros(3, 2))
    tensor([-1.8379, -1.8379, -1.8379])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = the_matrix(covariance_matrix, precision_matrix, scale_tril)
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        self.loc = loc.expand((*batch, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._factor = FACTORS[name](matrix).expand((*batch, -1, -1))

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._factor

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self._factor @ self._factor.mT

    @lazy_property
    def precision_matrix(self) -> Tensor:
        inverse: Tensor = cholesky_inverse(self._factor)
        return inverse

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        return self._factor.square().sum(-1)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        draw = standard_normal(self._extended_shape(sample_shape), self.loc)
        return self.loc + batch_mv(self._factor, draw)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = batch_mahalanobis(self._factor, value - self.loc)
        norm = self._event_shape[0] * math.log(2 * math.pi) / 2 + half_log_det(self._factor)
        return -distance / 2 - norm

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        return n * (1 + math.log(2 * math.pi)) / 2 + half_log_det(self._factor)


def the_matrix(
    covariance_matrix: Tensor | None, precision_matrix: Tensor | None, scale_tril: Tensor | None
) -> tuple[str, Tensor]:
    """The one that is given, with its name."""
    matrices = {
        "covariance_matrix": covariance_matrix,
        "precision_matrix": precision_matrix,
        "scale_tril": scale_tril,
    }
    found = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
    if len(found) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    ((name, matrix),) = found
    if matrix.dim() < 2:
        raise ValueError(
            f"{name} must be at least two-dimensional, with optional leading batch dimensions"
        )
    return name, matrix
