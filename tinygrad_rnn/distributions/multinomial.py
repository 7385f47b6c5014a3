"""How often each of n classes comes among trials."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import no_grad
from ..tensor import Tensor
from . import constraints
from .binomial import Binomial
from .categorical import OverClasses
from .distribution import Shape
from .utils import broadcast_all


class Multinomial(OverClasses):
    """How often each of n classes comes among `total_count` trials: vectors (n) of counts, with
    probabilities `probs` or `logits` (..., n).

    Raises NotImplementedError for a total_count that is no int. `log_prob` takes counts of any sum.

    >>> torch.distributions.Multinomial(4, torch.tensor([0.0, 1.0])).sample()
    tensor([0., 4.])
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            trials = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
            counts = self.probs.new_zeros(self._extended_shape(sample_shape))
            return counts.scatter_add_(-1, trials, counts.new_ones(trials.shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0.0)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        """By the expectation of log(k!) of each class's count k, which is binomial."""
        counts = Binomial(self.total_count, self.probs)
        k = counts.enumerate_support(False)
        expected = (counts.log_prob(k).exp() * (k + 1).lgamma()).sum((0, -1))
        n = self.total_count
        return n * self._categorical.entropy() - math.lgamma(n + 1) + expected
