"""A distribution whose outcomes go through transforms."""

from __future__ import annotations

from typing import Any, ClassVar

from ..autograd import no_grad
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import sum_rightmost


class TransformedDistribution(Distribution):
    """Outcomes of the base distribution, through transforms one after the other. The batch and
    event shapes are those that come out.

    Raises ValueError for what is no transform, or for events with too few dimensions.

    >>> D = torch.distributions
    >>> d = D.TransformedDistribution(D.Normal(torch.zeros(2), 1.0), [D.ExpTransform()])
    >>> d.log_prob(torch.ones(2))
    tensor([-0.9189, -0.9189])
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        if isinstance(transforms, Transform):
            transforms = [transforms]
        if not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        if not all(isinstance(t, Transform) for t in transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms = transforms
        whole = ComposeTransform(transforms)
        needed, base_dims = whole.domain.event_dim, len(base_distribution.event_shape)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(base_shape) < needed:
            raise ValueError(
                "base_distribution needs to have shape with size at least "
                f"{needed}, but got {base_shape}."
            )
        shape = whole.forward_shape(base_shape)
        wider = whole.inverse_shape(shape)  # the parameters of transforms broadcast
        if wider != base_shape:
            base_distribution = base_distribution.expand(wider[: len(wider) - base_dims])
        if needed > base_dims:
            base_distribution = Independent(base_distribution, needed - base_dims)
        self.base_dist = base_distribution
        grown = base_dims + whole.codomain.event_dim - needed
        cut = len(shape) - max(whole.codomain.event_dim, grown)
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self._event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    @property
    def has_rsample(self) -> Any:
        return self.base_dist.has_rsample

    def _through(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._through(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event_dim, logs = len(self._event_shape), value.new_zeros(())
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            term = transform.log_abs_det_jacobian(x, y)
            logs = logs + sum_rightmost(term, event_dim - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return sum_rightmost(base, event_dim - len(self.base_dist.event_shape)) - logs

    def _turned(self, chance: Tensor) -> Tensor:
        """The chance of the other side where the transforms fall."""
        sign: Any = ComposeTransform(self.transforms).sign
        return chance if isinstance(sign, int) and sign == 1 else sign * (chance - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._through(self.base_dist.icdf(self._turned(value)))
