"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..ops.choice import where
from ..random import rand
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all

_NEAR = 1e-8  # a concentration that is taken as 0


class GeneralizedPareto(Distribution):
    """The distribution of what exceeds a high threshold `loc`, with the width `scale` and a tail
    that the `concentration` says: exponential for 0, heavy above it, bounded below it. Numbers or
    tensors, which broadcast to the batch's shape.

    >>> torch.distributions.GeneralizedPareto(0.0, 1.0, torch.tensor([0.0, 0.5])).mean
    tensor([1., 2.])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, where(self.concentration < 0, end, math.inf))

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and concentrations that are not."""
        zero = self.concentration.abs() <= _NEAR
        return zero, self.concentration.masked_fill(zero, 1.0)

    @property
    def mean(self) -> Tensor:
        finite = self.concentration < 1
        mean = self.loc + self.scale / (1 - where(finite, self.concentration, 0.5))
        found: Tensor = where(finite, mean, math.nan)
        return found

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.concentration < 0.5
        c = where(finite, self.concentration, 0.25)
        variance = self.scale.square() / ((1 - c).square() * (1 - 2 * c))
        found: Tensor = where(finite, variance, math.nan)
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        survival = self.log_survival_function(value)
        return (1 + self.concentration) * survival - self.scale.log()

    def log_survival_function(self, value: Tensor) -> Tensor:
        """log(1 - cdf(value))."""
        if self._validate_args:
            self._validate_sample(value)
        zero, c = self._shape()
        z = (value - self.loc) / self.scale
        found: Tensor = where(zero, -z, -(c * z).log1p() / c)
        return found

    def log_cdf(self, value: Tensor) -> Tensor:
        """log(cdf(value))."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        zero, c = self._shape()
        log = (-value).log1p()
        found: Tensor = self.loc + self.scale * where(zero, -log, (-c * log).expm1() / c)
        return found

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
