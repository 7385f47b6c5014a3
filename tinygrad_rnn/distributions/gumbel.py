"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..creation import full_like
from ..dtypes import finfo
from ..tensor import Tensor
from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant


class Gumbel(TransformedDistribution):
    """The distribution of the largest of many numbers, moved by `loc` and widened by `scale`:
    numbers or tensors, which broadcast to the batch's shape.

    >>> torch.distributions.Gumbel(0.0, torch.tensor([1.0, 2.0])).mean
    tensor([0.5772, 1.1544])
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = finfo(self.loc.dtype)
        low, high = (full_like(self.loc.detach(), x) for x in (limits.tiny, 1 - limits.eps))
        log = ExpTransform().inv
        super().__init__(
            Uniform(low, high, validate_args=validate_args),
            [log, AffineTransform(0, -1), log, AffineTransform(self.loc, -self.scale)],
            validate_args=validate_args,
        )

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale * (math.pi / math.sqrt(6))

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return y - y.exp() - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
