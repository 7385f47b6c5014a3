"""Tensors put together and apart in NumPy's and combinatorial ways."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import Variable
from ..autograd.broadcast import sum_to
from ..backends import backend_of
from ..dtypes import int64, of_array
from .arithmetic import pow
from .indexing import getitem
from .joining import cat
from .names import second_names
from .reduction import accumulated
from .shape import reshape, shape_of, sizes, unsqueeze
from .splitting import cuts, split, split_with_sizes, tensor_split

# ----- at least so many dimensions -----


def _each(one: Callable[[Any], Any], tensors: tuple[Any, ...]) -> Any:
    """Of one tensor the result, of several or of a list of them a tuple of results."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        return tuple(map(one, tensors[0]))
    return one(*tensors) if len(tensors) == 1 else tuple(map(one, tensors))


def atleast_1d(*tensors: Any) -> Any:
    """The tensors, numbers (0-d) as vectors (1).

    >>> torch.atleast_1d(torch.tensor(2.0))
    tensor([2.])
    """
    return _each(lambda x: x if shape_of(x) else reshape(x, (1,)), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """The tensors, numbers and vectors (n) as matrices of one row (1, n).

    >>> torch.atleast_2d(torch.tensor([1.0, 2.0]))
    tensor([[1., 2.]])
    """

    def matrix(x: Any) -> Any:
        return x if len(shape_of(x)) > 1 else reshape(x, (1, *(shape_of(x) or (1,))))

    return _each(matrix, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """The tensors with dimensions of size 1 added: vectors (n) become (1, n, 1), matrices (m, n)
    become (m, n, 1).

    >>> torch.atleast_3d(torch.ones(2)).shape
    torch.Size([1, 2, 1])
    """

    def box(x: Any) -> Any:
        shape = shape_of(x)
        if len(shape) > 2:
            return x
        return reshape(x, (*shape, 1) if len(shape) == 2 else (1, *(shape or (1,)), 1))

    return _each(box, tensors)


# ----- apart -----


def _divided(name: str, input: Any, dim: int, needed: int, parts: Any) -> tuple[Any, ...]:
    shape = shape_of(input)
    if len(shape) < needed:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {needed} dimension, but got a tensor "
            f"with {len(shape)} dimensions!"
        )
    parts = cuts(name, parts)
    if isinstance(parts, int) and (parts <= 0 or shape[dim] % parts):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{shape[dim]} is not divisible by the split_size {parts}!"
        )
    return tensor_split(input, parts, dim)


@second_names
def hsplit(input: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """Views of consecutive columns (of a vector, elements): of so many equal pieces, or of those
    between the given indices.

    >>> torch.hsplit(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _divided("hsplit", input, min(len(shape_of(input)), 2) - 1, 1, indices_or_sections)


@second_names
def vsplit(input: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """Views of consecutive rows: of so many equal pieces, or of those between the given indices.

    >>> torch.vsplit(torch.ones(4, 1), [1])[1].shape
    torch.Size([3, 1])
    """
    return _divided("vsplit", input, 0, 2, indices_or_sections)


@second_names
def dsplit(input: Any, indices_or_sections: int | Sequence[int]) -> Any:
    """Views of consecutive pieces along the third dimension, as `vsplit`.

    >>> torch.dsplit(torch.ones(1, 2, 4), 2)[0].shape
    torch.Size([1, 2, 2])
    """
    return _divided("dsplit", input, 2, 3, indices_or_sections)


def unsafe_chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """As `chunk`, with pieces of the same shapes that may be changed in place.

    >>> torch.unsafe_chunk(torch.arange(4), 2)[1]
    tensor([2, 3])
    """
    return tuple(piece.clone() for piece in input.chunk(chunks, dim))


def unsafe_split(input: Any, split_size: int, dim: int = 0) -> Any:
    """As `split` by a size, with pieces that may be changed in place.

    >>> torch.unsafe_split(torch.arange(3), 2)[1]
    tensor([2])
    """
    return tuple(piece.clone() for piece in split(input, split_size, dim))


def unsafe_split_with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> Any:
    """As `split_with_sizes`, with pieces of the same shapes that may be changed in place.

    >>> torch.unsafe_split_with_sizes(torch.arange(3), [1, 2])[1]
    tensor([1, 2])
    """
    return tuple(piece.clone() for piece in split_with_sizes(input, split_sizes, dim))


# ----- together -----


def block_diag(*tensors: Any) -> Any:
    """The matrix with the given ones (or vectors, as rows, and numbers) along its diagonal: their
    rows and columns add up.

    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    for i, x in enumerate(tensors):
        if len(shape_of(x)) > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {len(shape_of(x))} dimensions"
            )
    matrices = [reshape(x, (1,) * (2 - len(shape_of(x))) + tuple(shape_of(x))) for x in tensors]
    total = sum(shape_of(x)[1] for x in matrices)
    rows, before = [], 0
    for x in matrices:
        height, width = shape_of(x)
        sides = (before, total - before - width)
        left, right = (x.new_zeros((height, n)) for n in sides)
        rows.append(cat([left, x, right], 1))
        before += width
    return cat(rows, 0)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All combinations of r elements of a vector, in order, as rows of a matrix (combinations, r).

    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if len(shape_of(input)) != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(shape_of(input))}")
    r = int(operator.index(r))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return input.new_empty((0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(len(input)), r))
    xp: Any = backend_of(input._array)
    rows = xp.asarray(chosen, int64.array).reshape(len(chosen), r)
    return getitem(input, input._wrap(rows))


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of n elements of a vector as rows (n, N), by default N = n: from the highest down,
    or with increasing=True from 0 up.

    >>> torch.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    if len(shape_of(x)) != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = len(x) if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    x = x if x.is_floating_point() else x.long()
    xp: Any = backend_of(x._array)
    powers = xp.arange(count) if increasing else xp.arange(count - 1, -1, -1)
    return pow(unsqueeze(x, 1), x._wrap(powers))


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """The coordinates in a tensor of a shape of positions in it flattened: for each of its
    dimensions a tensor of indices' shape.

    >>> torch.unravel_index(torch.tensor([0, 5]), (2, 3))
    (tensor([0, 1]), tensor([0, 2]))
    """
    if not isinstance(indices, Variable) or indices._array.dtype.kind not in "iu":
        raise ValueError(
            "expected 'indices' to be an integer tensor, but got "
            f"{of_array(indices._array.dtype) if isinstance(indices, Variable) else indices!r}"
        )
    if not isinstance(shape, int | tuple | list):
        raise ValueError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    array = indices._array.astype(int64.array)
    found = []
    for size in reversed(shape):
        found.append(indices._wrap(array % size))
        array = array // size
    return tuple(reversed(found))


# ----- back from expanding -----


def sum_to_size(input: Any, *size: Any) -> Any:
    """The input summed over the dimensions in which a tensor of that size would be expanded to it.

    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    wanted, shape = sizes(size), shape_of(input)
    lead = len(shape) - len(wanted)
    if lead < 0 or any(n not in (1, m) for n, m in zip(wanted, shape[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(shape)}}}.")
    if wanted == shape != ():
        return input
    return sum_to(accumulated(input, None), shape=wanted)
