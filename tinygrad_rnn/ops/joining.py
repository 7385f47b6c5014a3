"""Joining tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend, packed
from .conversion import cast, result_type
from .indexing import _getitem, along
from .shape import reshape, unsqueeze, wrap_dim

_SEQUENCE = (tuple, list)

# ----- joining -----


@primitive
def _cat(xp: Backend, *tensors: Array, dim: int) -> Array:
    return xp.ascontiguousarray(xp.concatenate(tensors, axis=dim))  # not so, if none of them is


@primitive
def _stack(xp: Backend, *tensors: Array, dim: int) -> Array:
    new = (slice(None),) * dim + (None,)
    return packed(xp.concatenate([x[new] for x in tensors], axis=dim))  # sooner than xp.stack


def part_of(g: Any, number: int, shapes: Sequence[tuple[int, ...]], dim: int) -> Any:
    """The gradient of one of the tensors of these shapes that were joined along dim."""
    start = sum(shape[dim] for shape in shapes[:number])
    return _getitem(g, index=along(dim, slice(start, start + shapes[number][dim])))


_cat.gradients(lambda g, _y, number, xs_shape, *, dim: part_of(g, number, xs_shape, dim))
_stack.gradients(lambda g, _y, number, _xs, *, dim: _getitem(g, index=along(dim, number)))


def _checked(tensors: Any, name: str) -> tuple[Any, ...]:
    """The tensors to join, in their common dtype."""
    if not isinstance(tensors, _SEQUENCE):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, "
            f"not {type(tensors).__name__}"
        )
    if not tensors:
        kind = ValueError if name == "torch.cat" else RuntimeError  # PyTorch's kinds
        raise kind(f"{name}(): expected a non-empty list of Tensors")
    alike = True
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Variable):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}"
            )
        alike = alike and tensor._array.dtype is tensors[0]._array.dtype
    if alike:
        return tuple(tensors)
    # Joining counts every tensor alike, 0-d or not
    target = result_type(*(x if x._array.ndim else unsqueeze(x, 0) for x in tensors))
    return tuple(cast(x, target) for x in tensors)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors one behind the other along dim, whose sizes add up; other sizes must agree.

    Raises ValueError for an empty sequence, RuntimeError for sizes that do not agree and for 0-d
    tensors.

    >>> torch.cat([torch.tensor([[1, 2]]), torch.tensor([[3, 4]])])
    tensor([[1, 2],
            [3, 4]])
    >>> torch.cat([torch.tensor([[1, 2]]), torch.tensor([[3, 4]])], dim=1)
    tensor([[1, 2, 3, 4]])
    """
    tensors = _checked(tensors, "torch.cat")
    if (0,) in [x._array.shape for x in tensors]:  # PyTorch lets an empty vector stand beside all
        tensors = [x for x in tensors if x._array.shape != (0,)] or tensors[:1]
    dim = wrap_dim(dim, tensors[0]._array.ndim)
    try:
        return _cat(*tensors, dim=dim)
    except RuntimeError as error:
        misfit = _misfit([x._array.shape for x in tensors], dim)
        raise RuntimeError(misfit or str(error)) from error


def _misfit(shapes: Sequence[tuple[int, ...]], dim: int) -> str:
    """What keeps these shapes from being joined along dim."""
    first = shapes[0]
    for number, shape in enumerate(shapes):
        if len(shape) != len(first):
            return f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}"
        for d, (n, size) in enumerate(zip(first, shape, strict=True)):
            if d != dim and n != size:
                return (
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but "
                    f"got size {size} for tensor number {number} in the list."
                )
    return ""


concat = concatenate = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """k tensors of equal shapes along a new dimension of size k. Raises RuntimeError for others.

    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = _checked(tensors, "stack")
    first = tensors[0]._array.shape
    for number, tensor in enumerate(tensors):
        if tensor._array.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(tensor._array.shape)} at entry {number}"
            )
    return _stack(*tensors, dim=wrap_dim(dim, tensors[0]._array.ndim + 1))


def _at_least(tensors: Any, ndim: int, name: str) -> list[Any]:
    """The tensors with dimensions of size 1 added as NumPy does: vectors become rows, and
    matrices are planes with a third dimension behind."""
    added = []
    for x in _checked(tensors, name):
        x = reshape(x, (1,)) if not x._array.ndim else x
        x = unsqueeze(x, 0) if x._array.ndim == 1 < ndim else x
        added.append(unsqueeze(x, 2) if x._array.ndim == 2 < ndim else x)
    return added


def hstack(tensors: Sequence[Any]) -> Any:
    """Joined along the second dimension, vectors along the first.

    >>> torch.hstack([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    tensors = _at_least(tensors, 1, "hstack")
    return cat(tensors, 0 if tensors[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """Joined along the first dimension, vectors as rows.

    >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(_at_least(tensors, 2, "vstack"), 0)


def dstack(tensors: Sequence[Any]) -> Any:
    """Joined along the third dimension, matrices as planes, vectors as rows of a plane.

    >>> torch.dstack([torch.ones(2, 3), torch.zeros(2, 3)]).shape
    torch.Size([2, 3, 2])
    """
    return cat(_at_least(tensors, 3, "dstack"), 2)


def column_stack(tensors: Sequence[Any]) -> Any:
    """Joined along the second dimension, vectors as columns.

    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = _checked(tensors, "column_stack")
    return cat([reshape(x, (-1, 1)) if x._array.ndim < 2 else x for x in tensors], 1)
