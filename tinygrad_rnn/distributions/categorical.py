"""One of n classes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..autograd import no_grad
from ..creation import arange, full
from ..dtypes import finfo
from ..random import multinomial
from ..tensor import Size, Tensor
from . import constraints
from .distribution import Distribution, Shape
from .utils import given, lazy_property, logits_to_probs, probs_to_logits


class Categorical(Distribution):
    """One of the classes 0 to n - 1, with probabilities `probs` (..., n), which are divided by
    their sum, or by `logits` (..., n), their logarithms up to a constant. The batch has the shape
    of the dimensions in front.

    >>> policy = torch.distributions.Categorical(logits=torch.zeros(3, 4))
    >>> action = policy.sample()
    >>> policy.log_prob(action)
    tensor([-1.3863, -1.3863, -1.3863])
    """

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._name = given(probs, logits)
        value: Any = logits if probs is None else probs
        if value.dim() < 1:
            raise ValueError(f"`{self._name}` parameter must be at least one-dimensional.")
        if probs is None:
            value = value - value.logsumexp(-1, keepdim=True)
        else:
            value = value / value.sum(-1, keepdim=True)
        setattr(self, self._name, value)
        self._num_events = value.shape[-1]
        super().__init__(value.shape[:-1], validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        param: Tensor = getattr(self, self._name)
        return param

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        return self._param.shape

    @property
    def mean(self) -> Tensor:
        return full(self._batch_shape, math.nan, dtype=self._param.dtype, device=self._param.device)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            draws = multinomial(rows, Size(sample_shape).numel(), True)
            return draws.t().reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        index = value.long().unsqueeze(-1)
        shape = (*(index[..., 0] + self.logits[..., 0]).shape, 1)
        logits = self.logits.expand((*shape[:-1], self._num_events))
        return logits.gather(-1, index.expand(shape)).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)  # 0 * -inf is nan
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._along_first(arange(self._num_events, device=self._param.device), expand)


class OverClasses(Distribution):
    """Vectors (n) about the classes of a `Categorical` distribution, which has the parameters."""

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        super().__init__(
            self._categorical.batch_shape, self.param_shape[-1:], validate_args=validate_args
        )

    @property
    def probs(self) -> Tensor:
        probs: Tensor = self._categorical.probs
        return probs

    @property
    def logits(self) -> Tensor:
        logits: Tensor = self._categorical.logits
        return logits

    @property
    def param_shape(self) -> Size:
        return self._categorical.param_shape
