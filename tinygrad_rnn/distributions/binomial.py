"""The number of successes among trials."""

from __future__ import annotations

from typing import Any, ClassVar

from ..autograd import no_grad
from ..creation import arange
from ..nn.functional import softplus
from ..ops.random import binomial
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape


class Binomial(Binary):
    """The number of successes among `total_count` trials, each with the probability `probs` or by
    `logits`: numbers or tensors, which broadcast to the batch's shape.

    >>> torch.distributions.Binomial(10, torch.tensor([0.1, 0.5])).mean
    tensor([1., 5.])
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer,
        **Binary.arg_constraints,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Tensor | int = 1,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_counted(total_count, probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            drawn: Tensor = binomial(self.total_count.expand(shape), self.probs.expand(shape))
            return drawn

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return ways + value * self.logits - n * softplus(self.logits)

    def entropy(self) -> Tensor:
        logs = self.log_prob(self.enumerate_support(False))
        return -(logs.exp() * logs).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        most = int(self.total_count.max())
        if int(self.total_count.min()) != most:
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `enumerate_support` and `entropy`."
            )
        values = arange(most + 1, dtype=self._param.dtype, device=self._param.device)
        return self._along_first(values, expand)
