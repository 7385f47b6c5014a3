"""One of n classes, as a one-hot vector."""

from __future__ import annotations

from ..creation import eye
from ..nn.functional import one_hot
from ..tensor import Tensor
from . import constraints
from .categorical import OverClasses
from .distribution import Shape


class OneHotCategorical(OverClasses):
    """One-hot vectors (n) of the classes of a `Categorical` distribution, with probabilities
    `probs` or `logits` (..., n).

    >>> d = torch.distributions.OneHotCategorical(torch.tensor([0.0, 1.0, 0.0]))
    >>> d.sample()
    tensor([0., 1., 0.])
    """

    support = constraints.one_hot
    has_enumerate_support = True

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _one_hot(self, indices: Tensor) -> Tensor:
        return one_hot(indices, self._event_shape[0]).to(self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = eye(self._event_shape[0], dtype=self._param.dtype, device=self._param.device)
        return self._along_first(values, expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical`, one-hot vectors (n), whose draws have the gradient of the probabilities
    (Bengio, Leonard and Courville, "Estimating or propagating gradients through stochastic
    neurons", 2013).

    >>> probs = torch.tensor([0.5, 0.5], requires_grad=True)
    >>> d = torch.distributions.OneHotCategoricalStraightThrough(probs)
    >>> d.rsample().requires_grad
    True
    """

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
