"""Transforms of the parts of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...autograd.annotations import fits
from ...ops.joining import cat, stack
from ...tensor import Tensor
from .. import constraints
from ..utils import sum_rightmost
from .base import Transform


class _Parts(Transform):
    """Transforms of parts along a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        super().__init__(cache_size)
        for transform in tseq:
            if not isinstance(transform, Transform):
                raise ValueError(
                    "All elements of tseq must be Transform instances, but one is "
                    f"{type(transform).__name__}"
                )
        self.transforms = [t.with_cache(cache_size) if cache_size else t for t in tseq]
        self.dim = dim

    @property
    def bijective(self) -> Any:
        return all(t.bijective for t in self.transforms)

    def _split(self, x: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    def _zip(self, *tensors: Tensor) -> Any:
        """The transforms with the parts of the tensors."""
        for x in tensors:
            if x.size(self.dim) != sum(self._extents):
                raise ValueError(
                    f"expected a tensor of size {sum(self._extents)} in dimension {self.dim}, as "
                    f"{len(self.transforms)} transforms say, but got {tuple(x.shape)}"
                )
        return zip(self.transforms, *map(self._split, tensors), strict=True)

    @property
    def _extents(self) -> Sequence[int]:
        return [1] * len(self.transforms)


class CatTransform(_Parts):
    """Transforms of the parts of a tensor along a dimension, of these lengths (default: 1 each).

    >>> T = torch.distributions.transforms
    >>> T.CatTransform([T.ExpTransform(), T.AbsTransform()], lengths=[1, 2])(torch.zeros(3))
    tensor([1., 0., 0.])
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(tseq) if lengths is None else list(lengths)
        if not all(fits(length, int) for length in self.lengths):
            raise TypeError(f"lengths must be ints, got {self.lengths}")
        if len(self.lengths) != len(tseq):
            raise ValueError(f"lengths ({len(self.lengths)}) must match transforms ({len(tseq)})")

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """Of the whole dimension."""
        return sum(self.lengths)

    @property
    def _extents(self) -> Sequence[int]:
        return self.lengths

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def _split(self, x: Tensor) -> Sequence[Tensor]:
        return x.split(self.lengths, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return _joined(cat, [t(part) for t, part in self._zip(x)], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return _joined(cat, [t.inv(part) for t, part in self._zip(y)], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        logs = [
            sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in self._zip(x, y)
        ]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return _joined(cat, logs, dim) if dim < 0 else sum(logs[1:], logs[0])


class StackTransform(_Parts):
    """Transforms of the slices of a tensor along a dimension, one for each.

    >>> T = torch.distributions.transforms
    >>> T.StackTransform([T.ExpTransform(), T.AbsTransform()])(torch.zeros(2, 1))
    tensor([[1.],
            [0.]])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)

    def _split(self, x: Tensor) -> Sequence[Tensor]:
        return x.unbind(self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return _joined(stack, [t(part) for t, part in self._zip(x)], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return _joined(stack, [t.inv(part) for t, part in self._zip(y)], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        logs = [t.log_abs_det_jacobian(a, b) for t, a, b in self._zip(x, y)]
        return _joined(stack, logs, self.dim)


def _joined(how: Callable[..., Any], parts: list[Tensor], dim: int) -> Tensor:
    whole: Tensor = how(parts, dim)
    return whole
