"""Numbers from 0 to 1 that stand for success or failure, differentiably."""

from __future__ import annotations

from typing import Any, ClassVar

from ..nn.functional import softplus
from ..random import rand
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import broadcast_all, clamp_probs, probs_to_logits


class LogitRelaxedBernoulli(Binary):
    """The logits of `RelaxedBernoulli`, of the batch's shape.

    >>> from tinygrad_rnn.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
    >>> LogitRelaxedBernoulli(torch.tensor(0.5), torch.tensor([0.2, 0.8])).batch_shape
    torch.Size([2])
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_chances(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        self.temperature = temperature

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        chances = probs_to_logits(self.probs, is_binary=True)
        draw = clamp_probs(rand(shape, dtype=chances.dtype, device=chances.device))
        return (draw.log() - (-draw).log1p() + chances) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        distance = logits - value * self.temperature
        return self.temperature.log() + distance - 2 * softplus(distance)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1, the nearer to them the lower the temperature (a scalar tensor), that
    are differentiable by `probs` or `logits`: of the batch's shape (Maddison, Mnih and Teh, "The
    concrete distribution", 2017; Jang, Gu and Poole, "Categorical reparameterization with
    Gumbel-softmax", 2017).

    >>> d = torch.distributions.RelaxedBernoulli(torch.tensor(0.5), torch.tensor([0.2, 0.8]))
    >>> d.rsample().shape
    torch.Size([2])
    """

    arg_constraints: ClassVar[Any] = Binary.arg_constraints
    support = constraints.unit_interval
    has_rsample = True
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        logits: Tensor = self.base_dist.logits
        return logits

    @property
    def probs(self) -> Tensor:
        probs: Tensor = self.base_dist.probs
        return probs
