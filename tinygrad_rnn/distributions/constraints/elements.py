"""Constraints of single numbers."""

from __future__ import annotations

from ...tensor import Tensor
from .base import Bound, Constraint


class Real(Constraint):
    """Numbers, elementwise: all but nan.

    >>> torch.distributions.constraints.real.check(torch.tensor([1.0, float("nan")]))
    tensor([ True, False])
    """

    def check(self, value: Tensor) -> Tensor:
        return value == value


class Boolean(Constraint):
    """0 and 1, elementwise.

    >>> torch.distributions.constraints.boolean.check(torch.tensor([0.0, 0.5]))
    tensor([ True, False])
    """

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0) | (value == 1)


class GreaterThan(Constraint):
    """(lower_bound, inf], elementwise.

    >>> torch.distributions.constraints.greater_than(1.0).check(torch.tensor([1.0, 2.0]))
    tensor([False,  True])
    """

    def __init__(self, lower_bound: Bound) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        return value > self.lower_bound


class GreaterThanEq(GreaterThan):
    """[lower_bound, inf), elementwise.

    >>> torch.distributions.constraints.greater_than_eq(1.0).check(torch.tensor([0.0, 1.0]))
    tensor([False,  True])
    """

    def check(self, value: Tensor) -> Tensor:
        return value >= self.lower_bound


class LessThan(Constraint):
    """[-inf, upper_bound), elementwise.

    >>> torch.distributions.constraints.less_than(1.0).check(torch.tensor([0.0, 1.0]))
    tensor([ True, False])
    """

    def __init__(self, upper_bound: Bound) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class Interval(Constraint):
    """[lower_bound, upper_bound], elementwise.

    >>> torch.distributions.constraints.interval(0.0, 1.0).check(torch.tensor([1.0, 2.0]))
    tensor([ True, False])
    """

    def __init__(self, lower_bound: Bound, upper_bound: Bound) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class HalfOpenInterval(Interval):
    """[lower_bound, upper_bound), elementwise.

    >>> torch.distributions.constraints.half_open_interval(0.0, 1.0).check(torch.tensor([0.0, 1.0]))
    tensor([ True, False])
    """

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class IntegerInterval(Interval):
    """The integers from lower_bound to upper_bound, elementwise.

    >>> torch.distributions.constraints.integer_interval(0, 2).check(torch.tensor([0.5, 2.0]))
    tensor([False,  True])
    """

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value % 1 == 0)


class IntegerLessThan(LessThan):
    """The integers up to upper_bound, elementwise.

    >>> torch.distributions.constraints.IntegerLessThan(1).check(torch.tensor([0.5, 1.0]))
    tensor([False,  True])
    """

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value <= self.upper_bound) & (value % 1 == 0)


class IntegerGreaterThan(GreaterThan):
    """The integers from lower_bound on, elementwise.

    >>> torch.distributions.constraints.nonnegative_integer.check(torch.tensor([-1, 0]))
    tensor([False,  True])
    """

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value % 1 == 0)
