"""Transforms from all real numbers to what a constraint says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import constraints, transforms

Factory = Callable[[Any], transforms.Transform]


class ConstraintRegistry:
    """What makes a transform, from real tensors of some shape, to the events of a constraint: one
    factory for each kind.

    >>> positive = torch.distributions.transform_to(torch.distributions.constraints.positive)
    >>> positive(torch.zeros(2))
    tensor([1., 1.])
    """

    def __init__(self) -> None:
        self._registry: dict[type, Factory] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Register a function of the constraint for its class; without one, a decorator."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, "
                f"but got {constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: constraints.Constraint) -> transforms.Transform:
        if type(constraint) not in self._registry:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._registry[type(constraint)](constraint)


biject_to = ConstraintRegistry()  # one to one
transform_to = ConstraintRegistry()  # may have more numbers than needed: better to optimize


def _both(*kinds: Any) -> Callable[[Factory], Factory]:
    def register(factory: Factory) -> Factory:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return register


@_both(constraints.real)
def _to_real(constraint: Any) -> transforms.Transform:
    return transforms.identity_transform


@_both(constraints.positive, constraints.nonnegative)
def _above(constraint: Any) -> transforms.Transform:
    if isinstance(constraint.lower_bound, int | float) and constraint.lower_bound == 0:
        return transforms.ExpTransform()
    shift = transforms.AffineTransform(constraint.lower_bound, 1)
    return transforms.ComposeTransform([transforms.ExpTransform(), shift])


@_both(constraints.less_than)
def _below(constraint: Any) -> transforms.Transform:
    turn = transforms.AffineTransform(constraint.upper_bound, -1)
    return transforms.ComposeTransform([transforms.ExpTransform(), turn])


@_both(constraints.interval, constraints.half_open_interval)
def _between(constraint: Any) -> transforms.Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, int | float) and isinstance(high, int | float) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    widen = transforms.AffineTransform(low, high - low)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), widen])


@_both(constraints.corr_cholesky)
def _correlated(constraint: Any) -> transforms.Transform:
    return transforms.CorrCholeskyTransform()


biject_to.register(constraints.simplex, lambda constraint: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda constraint: transforms.SoftmaxTransform())
transform_to.register(
    constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform()
)
for _kind in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_kind, lambda constraint: transforms.PositiveDefiniteTransform())

for _registry in (biject_to, transform_to):  # of the parts, as the registry says of them

    @_registry.register(constraints.independent)
    def _independent(c: Any, to: ConstraintRegistry = _registry) -> transforms.Transform:
        return transforms.IndependentTransform(to(c.base_constraint), c.reinterpreted_batch_ndims)

    @_registry.register(constraints.cat)
    def _cat(c: Any, to: ConstraintRegistry = _registry) -> transforms.Transform:
        return transforms.CatTransform([to(part) for part in c.cseq], c.dim, c.lengths)

    @_registry.register(constraints.stack)
    def _stack(c: Any, to: ConstraintRegistry = _registry) -> transforms.Transform:
        return transforms.StackTransform([to(part) for part in c.cseq], c.dim)
