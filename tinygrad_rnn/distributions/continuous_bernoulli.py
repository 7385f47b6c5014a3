"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

from ..nn.functional import binary_cross_entropy_with_logits
from ..ops.choice import where
from ..random import rand
from ..tensor import Tensor
from . import constraints
from .binary import Binary
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, given, lazy_property, logits_to_probs


class ContinuousBernoulli(Binary, ExponentialFamily):
    """Numbers from 0 to 1 with the density proportional to probs ** x (1 - probs) ** (1 - x):
    `probs` or `logits`, numbers or tensors of the batch's shape (Loaiza-Ganem and Cunningham, "The
    continuous Bernoulli", 2019).

    Between the two `lims` around 1/2 the first terms of a Taylor series are computed.

    >>> torch.distributions.ContinuousBernoulli(torch.tensor([0.5, 0.75])).mean
    tensor([0.5000, 0.5898])
    """

    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._name, self._lims = given(probs, logits), lims
        chances: Any = logits if probs is None else probs
        (value,) = broadcast_all(chances)
        known = probs is None or validate_args is None
        if not known and not bool(self.arg_constraints["probs"].check(value).all()):
            raise ValueError(f"The parameter probs has invalid values: {value}")
        setattr(self, self._name, value if probs is None else clamp_probs(value))
        super().__init__(value.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _away(self) -> tuple[Tensor, Tensor]:
        """Where probs are away from 1/2, and probs that are everywhere."""
        away = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return away, where(away, self.probs, self._lims[0])

    def log_norm(self) -> Tensor:
        """The logarithm of what the density of a Bernoulli distribution is multiplied by."""
        away, p = self._away()
        odds = (-p).log1p() - p.log()
        x = (self.probs - 0.5).square()
        near = math.log(2) + (4 / 3 + 104 / 45 * x) * x
        found: Tensor = where(away, odds.abs().log() - (1 - 2 * p).abs().log(), near)
        return found

    @property
    def mean(self) -> Tensor:
        away, p = self._away()
        x = self.probs - 0.5
        far = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        found: Tensor = where(away, far, 0.5 + (1 / 3 + 16 / 45 * x.square()) * x)
        return found

    @property
    def variance(self) -> Tensor:
        away, p = self._away()
        x = (self.probs - 0.5).square()
        far = p * (p - 1) / (1 - 2 * p).square() + 1 / ((-p).log1p() - p.log()).square()
        found: Tensor = where(away, far, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        plain = -binary_cross_entropy_with_logits(logits, value, reduction="none")
        return plain + self.log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        away, p = self._away()
        far = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        found: Tensor = where(away, far, value).clamp(0, 1)
        return found

    def icdf(self, value: Tensor) -> Tensor:
        away, p = self._away()
        far = (value * (2 * p - 1) - p).log1p() - (-p).log1p()
        found: Tensor = where(away, far / (p.log() - (-p).log1p()), value)
        return found

    def entropy(self) -> Tensor:
        zero, one = (-self.probs).log1p(), self.probs.log()
        return self.mean * (zero - one) - self.log_norm() - zero

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        away = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        far = where(away, x, 1.0)
        near = x / 2 + x.square() / 24 - x**4 / 2880
        found: Tensor = where(away, far.expm1().abs().log() - far.abs().log(), near)
        return found
