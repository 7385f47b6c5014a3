"""A constraint, and what stands for one that only an object knows."""

from __future__ import annotations

from typing import Any

from ...autograd.hints import TellingAll
from ...tensor import Tensor

Bound = Any  # a number, or a tensor


class Constraint(TellingAll):
    """A condition on tensors whose last `event_dim` dimensions are one event; `is_discrete` says
    whether it is about integers.

    >>> torch.distributions.constraints.positive
    GreaterThan(lower_bound=0.0)
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """Whether each event holds: a bool tensor of value's shape without the event's."""
        raise NotImplementedError

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class Dependent(Constraint):
    """Stands for a condition (on tensors of any shape) that depends on other parameters.

    >>> torch.distributions.constraints.dependent(is_discrete=True, event_dim=1).event_dim
    1
    """

    def __init__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> None:
        if not (event_dim is NotImplemented or isinstance(event_dim, int)):
            raise TypeError(f"event_dim must be int, not {type(event_dim).__name__}")
        self._is_discrete, self._event_dim = is_discrete, event_dim

    @property
    def is_discrete(self) -> bool:
        return bool(self._known("is_discrete"))

    @property
    def event_dim(self) -> int:
        return self._known("event_dim")

    def _known(self, name: str) -> Any:
        value = getattr(self, f"_{name}")
        if value is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return value

    def __call__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> Any:
        return Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Tensor) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def is_dependent(constraint: Constraint) -> bool:
    """Whether the constraint stands for one that only an object knows (it says nothing of any
    shape).

    >>> torch.distributions.constraints.is_dependent(torch.distributions.Uniform.support)
    True
    """
    return isinstance(constraint, Dependent)


class dependent_property(property, Dependent):
    """A property that is a constraint, for events of any shape: of the class a `Dependent`, of an
    object what it returns.

    >>> torch.distributions.Uniform(0.0, 2.0).support
    Interval(lower_bound=0.0, upper_bound=2.0)
    """

    def __init__(
        self, fn: Any = None, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> None:
        property.__init__(self, fn)
        Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Any) -> Any:  # type: ignore[override]
        return dependent_property(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)
