"""The normal distribution of vectors whose covariance is nearly diagonal."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..creation import eye
from ..linalg import cholesky, solve_triangular
from ..ops.shape import broadcast_tensors
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .multivariate_normal import batch_mahalanobis, batch_mv, half_log_det
from .utils import lazy_property, standard_normal


class LowRankMultivariateNormal(Distribution):
    """Vectors (n) that are normal with the mean `loc` (..., n) and the covariance W W^T + D, where
    W is `cov_factor` (..., n, m) and D has the diagonal `cov_diag` (..., n). For m much less than n
    this is much less work than `MultivariateNormal` (by Woodbury's identity).

    Raises ValueError for shapes that do not fit.

    >>> d = torch.distributions.LowRankMultivariateNormal(
    ...     torch.zeros(2), torch.tensor([[1.0], [0.0]]), torch.ones(2))
    >>> d.variance
    tensor([2., 1.])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        n = loc.shape[-1]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        if cov_factor.shape[-2] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
        if cov_diag.shape[-1:] != loc.shape[-1:]:
            raise ValueError(f"cov_diag must be a batch of vectors with shape ({n},)")
        try:
            wide, self.cov_factor, diag = broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = wide[..., 0], diag[..., 0]
        super().__init__(self.loc.shape[:-1], self.loc.shape[-1:], validate_args=validate_args)

    @property
    def _weighted(self) -> Tensor:
        """W^T / D."""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    @lazy_property
    def _capacitance(self) -> Tensor:
        """The factor of I + W^T W / D."""
        factor, m = self.cov_factor, self.cov_factor.shape[-1]
        identity = eye(m, dtype=factor.dtype, device=factor.device)
        found: Tensor = cholesky(self._weighted @ factor + identity)
        return found

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def precision_matrix(self) -> Tensor:
        part: Tensor = solve_triangular(self._capacitance, self._weighted, upper=False)
        return self.cov_diag.reciprocal().diag_embed() - part.mT @ part

    @lazy_property
    def scale_tril(self) -> Tensor:
        found: Tensor = cholesky(self.covariance_matrix)
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        few = standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc)
        many = standard_normal(shape, self.loc)
        return self.loc + batch_mv(self.cov_factor, few) + self.cov_diag.sqrt() * many

    def mahalanobis(self, x: Tensor) -> Tensor:
        """x^T C^-1 x of vectors (..., n), C the covariance."""
        part = batch_mahalanobis(self._capacitance, batch_mv(self._weighted, x))
        return (x.square() / self.cov_diag).sum(-1) - part

    def log_det(self) -> Tensor:
        """The logarithm of the covariance's determinant."""
        return 2 * half_log_det(self._capacitance) + self.cov_diag.log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[0]
        distance = self.mahalanobis(value - self.loc)
        return -(n * math.log(2 * math.pi) + self.log_det() + distance) / 2

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        return (n * (1 + math.log(2 * math.pi)) + self.log_det()) / 2
