"""Mixtures."""

from __future__ import annotations

from typing import Any, ClassVar

from ..autograd import no_grad
from ..tensor import Tensor
from . import constraints
from .categorical import Categorical
from .distribution import Distribution, Shape


class MixtureSameFamily(Distribution):
    """One of k distributions of a kind, which a `Categorical` distribution chooses: the components
    are the last batch dimension (k) of `component_distribution`.

    Raises ValueError where these do not fit.

    >>> D = torch.distributions
    >>> mixture = D.Categorical(torch.tensor([0.5, 0.5]))
    >>> D.MixtureSameFamily(mixture, D.Normal(torch.tensor([-1.0, 3.0]), 1.0)).mean
    tensor(1.)
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "The Mixture distribution needs to be an instance of torch.distributions."
                f"Categorical, not {type(mixture_distribution).__name__}"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions."
                f"Distribution, not {type(component_distribution).__name__}"
            )
        chosen, batch = mixture_distribution.batch_shape, component_distribution.batch_shape
        for i, j in zip(reversed(chosen), reversed(batch[:-1]), strict=False):
            if i != 1 and j not in (1, i):
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch[:-1]})"
                )
        k = mixture_distribution.param_shape[-1]
        if not batch or batch[-1] != k:
            raise ValueError(
                f"`mixture_distribution component` ({k}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({batch[-1] if batch else 'none'})"
            )
        self._mixture_distribution = mixture_distribution.expand(batch[:-1])
        self._component_distribution = component_distribution
        self._num_component = k
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(
            batch[:-1], component_distribution.event_shape, validate_args=validate_args
        )

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        return self._component_distribution

    def _mean_of(self, values: Tensor) -> Tensor:
        """Of values of each component, which have the shapes of events."""
        probs = self._mixture_distribution.probs
        weights = probs.reshape((*probs.shape, *[1] * self._event_ndims))
        return (weights * values).sum(-1 - self._event_ndims)

    def _pad(self, value: Tensor) -> Tensor:
        return value.unsqueeze(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._mean_of(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        parts = self._component_distribution
        return self._mean_of(parts.variance + (parts.mean - self._pad(self.mean)).square())

    def cdf(self, value: Tensor) -> Tensor:
        return self._mean_of(self._component_distribution.cdf(self._pad(value)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logs = self._component_distribution.log_prob(self._pad(value))
        return (logs + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            at = chosen.reshape((*chosen.shape, *[1] * (self._event_ndims + 1)))
            at = at.expand((*chosen.shape, 1, *self._event_shape))
            return drawn.gather(chosen.dim(), at).squeeze(chosen.dim())

    def __repr__(self) -> str:
        parts = f"\n  {self._mixture_distribution},\n  {self._component_distribution}"
        return f"{type(self).__name__}({parts})"
