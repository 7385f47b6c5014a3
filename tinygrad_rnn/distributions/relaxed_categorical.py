"""Probabilities that stand for one of n classes, differentiably."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..random import rand
from ..tensor import Tensor
from . import constraints
from .categorical import OverClasses
from .distribution import Shape
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs


class ExpRelaxedCategorical(OverClasses):
    """The logarithms of `RelaxedOneHotCategorical`: vectors (n).

    >>> from tinygrad_rnn.distributions.relaxed_categorical import ExpRelaxedCategorical
    >>> ExpRelaxedCategorical(torch.tensor(0.5), torch.tensor([0.2, 0.8])).event_shape
    torch.Size([2])
    """

    support = constraints.real_vector  # the true one, of vectors whose exp is a simplex, is thin
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(probs, logits, validate_args)
        self.temperature = temperature

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape, logits = self._extended_shape(sample_shape), self.logits
        draw = clamp_probs(rand(shape, dtype=logits.dtype, device=logits.device))
        gumbel = -(-draw.log()).log()
        return ((logits + gumbel) / self.temperature).log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        n = self._event_shape[0]
        scale = math.lgamma(n) + (n - 1) * self.temperature.log()
        return (logits - value * self.temperature).log_softmax(-1).sum(-1) + scale


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors (n) of positive numbers whose sum is 1, the nearer to one-hot the lower the
    temperature (a scalar tensor), that are differentiable by `probs` or `logits` (..., n): Gumbel-
    softmax (Maddison, Mnih and Teh, "The concrete distribution", 2017; Jang, Gu and Poole,
    "Categorical reparameterization with Gumbel-softmax", 2017).

    >>> d = torch.distributions.RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(3, 4))
    >>> torch.allclose(d.rsample().sum(-1), torch.ones(3))
    True
    """

    arg_constraints: ClassVar[Any] = ExpRelaxedCategorical.arg_constraints
    support = constraints.simplex
    has_rsample = True
    base_dist: ExpRelaxedCategorical

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs
