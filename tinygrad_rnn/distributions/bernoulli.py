"""Success or failure."""

from __future__ import annotations

import math

from ..autograd import no_grad
from ..creation import arange
from ..nn.functional import binary_cross_entropy_with_logits, softplus
from ..random import bernoulli
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all


class Bernoulli(Binary, ExponentialFamily):
    """1 with the probability `probs`, else 0; or by `logits`, log(probs / (1 - probs)): numbers or
    tensors of the batch's shape.

    >>> torch.distributions.Bernoulli(torch.tensor([0.25, 0.5])).log_prob(torch.ones(2))
    tensor([-1.3863, -0.6931])
    """

    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_chances(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return (self.probs >= 0.5).to(self.probs).masked_fill(self.probs == 0.5, math.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype, device=self._param.device)
        return self._along_first(values, expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return softplus(natural_params[0])
