"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..nn.functional import one_hot
from ..ops.standard_gamma import standard_gamma
from ..tensor import Tensor
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily


class Dirichlet(ExponentialFamily):
    """Probabilities of n classes, vectors (n) whose sum is 1, with the density that is proportional
    to the product of their powers `concentration` - 1, a tensor (..., n).

    >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints: ClassVar[Any] = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(
            concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args
        )

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0.0)
        inside = above / above.sum(-1, True)
        # Of concentrations below 1 the density is infinite in all corners: the first one
        corner = one_hot(above.argmax(-1), self._event_shape[0]).to(inside)
        return corner.where((self.concentration < 1).all(-1, True), inside)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.square() * (total + 1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        drawn: Tensor = standard_gamma(self.concentration.expand(shape))
        return drawn / drawn.sum(-1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (self.concentration - 1).xlogy(value).sum(-1) - self._log_normalizer(
            self.concentration
        )

    def entropy(self) -> Tensor:
        a = self.concentration
        total, n = a.sum(-1), a.shape[-1]
        return (
            self._log_normalizer(a)
            + (total - n) * total.digamma()
            - ((a - 1) * a.digamma()).sum(-1)
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (a,) = natural_params
        return a.lgamma().sum(-1) - a.sum(-1).lgamma()
