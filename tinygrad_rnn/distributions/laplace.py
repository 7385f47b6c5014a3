"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..creation import empty
from ..dtypes import finfo
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all


class Laplace(Distribution):
    """The density exp(-|x - loc| / scale) / (2 scale): numbers or tensors, which broadcast to the
    batch's shape.

    >>> torch.distributions.Laplace(0.0, 1.0).log_prob(torch.tensor([0.0, 2.0]))
    tensor([-0.6931, -2.6931])
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.square()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        kind = self.loc.dtype
        u = empty(self._extended_shape(sample_shape), dtype=kind, device=self.loc.device)
        u = u.uniform_(finfo(kind).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = value - self.loc
        return 0.5 - distance.sign() * (-distance.abs() / self.scale).expm1() / 2

    def icdf(self, value: Tensor) -> Tensor:
        u = value - 0.5
        return self.loc - self.scale * u.sign() * (-2 * u.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
