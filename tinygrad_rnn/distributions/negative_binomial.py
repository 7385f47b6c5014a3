"""The number of successes before so many failures."""

from __future__ import annotations

from typing import Any, ClassVar

from ..autograd import no_grad
from ..nn.functional import logsigmoid
from ..ops.random import poisson
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape
from .gamma import Gamma


class NegativeBinomial(Binary):
    """The number of successes before `total_count` failures (any number from 0 up), each trial a
    success with the probability `probs` or by `logits`: numbers or tensors, which broadcast to the
    batch's shape.

    >>> torch.distributions.NegativeBinomial(3, torch.tensor([0.5, 0.75])).mean
    tensor([3., 9.])
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_counted(total_count, probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
            drawn: Tensor = poisson(rates.sample(sample_shape))
            return drawn

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = (n + value).lgamma() - (value + 1).lgamma() - n.lgamma()
        ways = ways.masked_fill(n + value == 0, 0.0)
        return ways + n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
