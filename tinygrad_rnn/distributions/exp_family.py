"""Distributions whose density is exp of a product of parameters and statistics."""

from __future__ import annotations

from typing import Any

from ..autograd import grad
from ..tensor import Tensor
from .distribution import Distribution


class ExponentialFamily(Distribution):
    """A distribution with the density exp(t(x) theta - F(theta) + k(x)), of its batch shape: theta
    are its natural parameters, F its log normalizer, k the carrier measure.

    A subclass that says these (`_natural_params`, `_log_normalizer`, `_mean_carrier_measure`, the
    mean of k) has an `entropy`, and a `kl_divergence` to others of its kind, by F's gradient.

    >>> isinstance(torch.distributions.Poisson(2.0), torch.distributions.ExponentialFamily)
    True
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        carrier = self._mean_carrier_measure
        params = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*params)
        slopes = grad(normalizer.sum(), params, create_graph=True)
        result = normalizer - carrier
        for param, slope in zip(params, slopes, strict=True):
            result = result - (param * slope).reshape((*self._batch_shape, -1)).sum(-1)
        return result
