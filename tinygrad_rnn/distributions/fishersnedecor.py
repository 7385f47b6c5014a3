"""The F distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..dtypes import finfo
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .gamma import Gamma
from .utils import broadcast_all


class FisherSnedecor(Distribution):
    """The quotient of two means of squares of normal numbers, of `df1` and `df2` of them: numbers
    or tensors, which broadcast to the batch's shape.

    >>> torch.distributions.FisherSnedecor(1.0, torch.tensor([4.0, 6.0])).mean
    tensor([2.0000, 1.5000])
    """

    arg_constraints: ClassVar[Any] = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(
        self, df1: Tensor | float, df2: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return (self.df2 / (self.df2 - 2)).masked_fill(self.df2 <= 2, math.nan)

    @property
    def mode(self) -> Tensor:
        inside = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return inside.masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Tensor:
        m, n = self.df1, self.df2
        finite = 2 * n.square() * (m + n - 2) / (m * (n - 2).square() * (n - 4))
        return finite.masked_fill(n <= 4, math.nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        least = finfo(self.df1.dtype).tiny
        above, below = (
            Gamma(df / 2, df, validate_args=False).rsample(sample_shape).clamp(min=least)
            for df in (self.df1, self.df2)
        )
        return (above / below).clamp(min=least)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        m, n, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        norm = (m + n).lgamma() - m.lgamma() - n.lgamma()
        rise = m * ratio.log() + (m - 1) * value.log()
        return norm + rise - (m + n) * (ratio * value).log1p()
