"""Constraints made of others."""

from __future__ import annotations

from collections.abc import Sequence

from ...ops.joining import cat, stack
from ...tensor import Tensor
from .base import Constraint


class IndependentConstraint(Constraint):
    """A constraint that must hold for all of the last dimensions, so many more than its own.
    Raises AssertionError if it is no such number.

    >>> torch.distributions.constraints.real_vector.check(torch.ones(3, 2))
    tensor([True, True, True])
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(reinterpreted_batch_ndims, int) or reinterpreted_batch_ndims < 0:
            raise AssertionError(
                f"reinterpreted_batch_ndims must be an int >= 0, got {reinterpreted_batch_ndims!r}"
            )
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return int(self.base_constraint.event_dim + self.reinterpreted_batch_ndims)

    def check(self, value: Tensor) -> Tensor:
        result = self.base_constraint.check(value)
        kept = result.dim() - self.reinterpreted_batch_ndims
        if kept < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return result.flatten(kept).all(-1) if self.reinterpreted_batch_ndims else result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """What a mixture's samples must be: all that the components' samples must be, whose last batch
    dimension is put back for that.

    >>> c = torch.distributions.constraints
    >>> c.MixtureSameFamilyConstraint(c.positive).check(torch.tensor([1.0, -1.0]))
    tensor([ True, False])
    """

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        kept = value.dim() - self.event_dim
        if kept < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return result.flatten(kept).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint})"


class Cat(Constraint):
    """Constraints of the parts of a tensor along a dimension, of these lengths (default: 1 each).

    >>> c = torch.distributions.constraints
    >>> c.cat([c.positive, c.real], lengths=[1, 2]).check(torch.tensor([-1.0, -1.0, -1.0]))
    tensor([False,  True,  True])
    """

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        self.cseq, self.dim = list(cseq), dim
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise ValueError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)

    def check(self, value: Tensor) -> Tensor:
        parts = value.split(self.lengths, self.dim)
        found: Tensor = cat([c.check(v) for c, v in zip(self.cseq, parts, strict=True)], self.dim)
        return found


class Stack(Constraint):
    """Constraints of the slices of a tensor along a dimension.

    >>> c = torch.distributions.constraints
    >>> c.stack([c.positive, c.real]).check(torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]))
    tensor([[False,  True],
            [ True,  True]])
    """

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = list(cseq), dim
        self.is_discrete = any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:
        most = max(c.event_dim for c in self.cseq)
        return int(most + (self.dim + most < 0))  # the dimension of the slices may be in an event

    def check(self, value: Tensor) -> Tensor:
        slices = value.unbind(self.dim)
        if len(slices) != len(self.cseq):
            raise ValueError(
                f"expected size {len(self.cseq)} in dimension {self.dim}, one for each constraint, "
                f"but got shape {list(value.shape)}"
            )
        checked = [c.check(v) for c, v in zip(self.cseq, slices, strict=True)]
        found: Tensor = stack(checked, self.dim)
        return found
