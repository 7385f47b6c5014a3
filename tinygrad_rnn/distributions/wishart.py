"""The Wishart distribution of matrices."""

from __future__ import annotations

import math
import warnings

from ..creation import arange, as_tensor
from ..linalg import slogdet
from ..ops.gamma import mvlgamma
from ..ops.matrix_functions import cholesky_inverse, cholesky_solve
from ..ops.shape import broadcast_shapes
from ..tensor import Tensor
from . import constraints
from .chi2 import Chi2
from .distribution import Shape
from .exp_family import ExponentialFamily
from .multivariate_normal import FACTORS, half_log_det, the_matrix
from .utils import lazy_property, standard_normal


class Wishart(ExponentialFamily):
    """Positive definite matrices (n, n): the sum of x x^T of `df` normal vectors of the covariance
    that one of three matrices (..., n, n) gives, as of `MultivariateNormal`. `df` is a number or a
    tensor, above n - 1; it broadcasts with the batch's shape.

    Raises ValueError for a df that is too small, or for none or more than one of the matrices.

    >>> torch.distributions.Wishart(torch.tensor(3.0), torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = the_matrix(covariance_matrix, precision_matrix, scale_tril)
        if not isinstance(df, Tensor) or not df.is_floating_point():
            df = as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch = broadcast_shapes(matrix.shape[:-2], df.shape)
        n = matrix.shape[-1]
        if bool((df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if bool((df < n).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.", stacklevel=2,
            )  # fmt: skip
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand((*batch, n, n)))
        super().__init__(batch, (n, n), validate_args=validate_args)
        self._factor = FACTORS[name](matrix).expand((*batch, n, n))

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

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
    def _df(self) -> Tensor:
        return self.df[..., None, None]

    @property
    def mean(self) -> Tensor:
        mean: Tensor = self._df * self.covariance_matrix
        return mean

    @property
    def mode(self) -> Tensor:
        factor = self._df - self._event_shape[-1] - 1
        mode: Tensor = factor.masked_fill(factor <= 0, math.nan) * self.covariance_matrix
        return mode

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        variance: Tensor = self._df * (v.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))
        return variance

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """By Bartlett's decomposition."""
        n, shape = self._event_shape[-1], self._extended_shape(sample_shape)
        lower = arange(n, dtype=self.df.dtype, device=self.df.device)
        squares = Chi2(self.df.unsqueeze(-1) - lower, validate_args=False).rsample(sample_shape)
        noise = squares.sqrt().diag_embed() + standard_normal(shape, self.df).tril(-1)
        factor = self._factor @ noise
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, df = self._event_shape[-1], self.df
        trace = cholesky_solve(value, self._factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        norm = df * (n * math.log(2) / 2 + half_log_det(self._factor)) + mvlgamma(df / 2, n)
        found: Tensor = (df - n - 1) / 2 * slogdet(value).logabsdet - trace / 2 - norm
        return found

    def entropy(self) -> Tensor:
        n, df = self._event_shape[-1], self.df
        lower = arange(n, dtype=df.dtype, device=df.device) / 2
        slope = (df.unsqueeze(-1) / 2 - lower).digamma().sum(-1)  # of mvlgamma
        norm = (n + 1) * (n * math.log(2) / 2 + half_log_det(self._factor))
        found: Tensor = norm + mvlgamma(df / 2, n) - (df - n - 1) / 2 * slope + df * n / 2
        return found

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        n, (x, y) = self._event_shape[-1], natural_params
        half = y + (n + 1) / 2
        found: Tensor = half * (n * math.log(2) - slogdet(-2 * x).logabsdet) + mvlgamma(half, n)
        return found
