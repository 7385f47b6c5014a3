"""What distributions of successes and failures share."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Size, Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, given, lazy_property, logits_to_probs, probs_to_logits


class Binary(Distribution):
    """A distribution (of any batch shape) with the parameter `probs`, the probabilities of success,
    or `logits`, log(probs / (1 - probs)): one is given, the other computed when it is asked for."""

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    def _set_chances(self, probs: Any, logits: Any) -> None:
        self._name = given(probs, logits)
        (value,) = broadcast_all(logits if probs is None else probs)
        setattr(self, self._name, value)

    def _set_counted(self, total_count: Any, probs: Any, logits: Any) -> None:
        """With a number of trials, of the dtype and the shape of the chances."""
        self._name = given(probs, logits)
        count, value = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = count.type_as(value)
        setattr(self, self._name, value)

    @property
    def _param(self) -> Tensor:
        param: Tensor = getattr(self, self._name)
        return param

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        return self._param.shape
