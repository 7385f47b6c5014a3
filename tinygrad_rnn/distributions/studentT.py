"""Student's t distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from . import constraints
from .chi2 import Chi2
from .distribution import Distribution, Shape
from .utils import broadcast_all, standard_normal


class StudentT(Distribution):
    """Student's t distribution of `df` degrees of freedom, moved by `loc` and widened by `scale`:
    numbers or tensors, which broadcast to the batch's shape.

    >>> torch.distributions.StudentT(torch.tensor([1.5, 4.0])).variance
    tensor([inf, 2.])
    """

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        infinite = self.df <= 2
        df = self.df.masked_fill(infinite, math.inf)
        variance = self.scale.square() / (1 - 2 / df)
        return variance.masked_fill(infinite, math.inf).masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        draw = standard_normal(self._extended_shape(sample_shape), self.df)
        squares = Chi2(self.df, validate_args=False).rsample(sample_shape)
        return self.loc + self.scale * draw * (squares / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z, more = (value - self.loc) / self.scale, (self.df + 1) / 2
        norm = self.scale.log() + (self.df * math.pi).log() / 2
        norm = norm + (self.df / 2).lgamma() - more.lgamma()
        return -more * (z.square() / self.df).log1p() - norm

    def entropy(self) -> Tensor:
        half, more = self.df / 2, (self.df + 1) / 2
        beta = half.lgamma() + math.lgamma(0.5) - more.lgamma()
        shape = more * (more.digamma() - half.digamma())
        return self.scale.log() + shape + self.df.log() / 2 + beta
