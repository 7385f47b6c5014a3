"""Views of parts of a tensor: slices and pieces."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import of_array
from .indexing import _getitem, along
from .joining import _cat, _stack
from .names import second_names
from .shape import shape_of, wrap_dim

# ----- one part -----


def select(input: Any, dim: int, index: int) -> Any:
    """A view of one slice along dim, without that dimension.

    >>> torch.select(torch.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at "
            f"dimension {dim}"
        )
    return _getitem(input, index=along(dim, index))


def narrow(input: Any, dim: int, start: int | Variable, length: int) -> Any:
    """A view of `length` slices along dim, from start (an int, or a 0-d tensor of one) on.

    >>> torch.narrow(torch.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    shape = shape_of(input)
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape))
    if isinstance(start, Variable) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start, size = int(start), shape[dim]  # type: ignore[arg-type]
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative. Got {length}")
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    first = start + size if start < 0 else start
    if first + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return _getitem(input, index=along(dim, slice(first, first + length)))


# ----- all parts -----


@primitive(view=True)
def _unbind(xp: Backend, input: Array, *, dim: int) -> tuple[Array, ...]:
    before = (slice(None),) * dim
    return tuple([input[(*before, i, ...)] for i in range(input.shape[dim])])


@primitive(view=True)
def _split(xp: Backend, input: Array, *, dim: int, sizes: tuple[int, ...]) -> tuple[Array, ...]:
    parts, start, before = [], 0, (slice(None),) * dim
    for size in sizes:
        parts.append(input[(*before, slice(start, start + size))])
        start += size
    return tuple(parts)


@primitive
def _zeros(xp: Backend, like: Array, *, shape: tuple[int, ...]) -> Array:
    return xp.zeros(shape, like.dtype)


def _filled(g: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The gradients of the parts, with zeros for those that nobody used."""
    parts = g if isinstance(g, tuple) else (g,)
    like = next(part for part in parts if part is not None)
    return [
        _zeros(like, shape=s) if part is None else part
        for part, s in zip(parts, shapes, strict=True)
    ]


_unbind.gradients(
    lambda g, _y, x_shape, *, dim: _stack(
        *_filled(g, [x_shape[:dim] + x_shape[dim + 1 :]] * x_shape[dim]), dim=dim
    )
)
_split.gradients(
    lambda g, _y, x_shape, *, dim, sizes: _cat(
        *_filled(g, [(*x_shape[:dim], n, *x_shape[dim + 1 :]) for n in sizes]), dim=dim
    )
)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of the slices along dim, without that dimension.

    >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    ndim = len(shape_of(input))
    if not ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _unbind(input, dim=wrap_dim(dim, ndim))


@second_names
def split(
    tensor: Any, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Any, ...]:
    """Views of consecutive pieces along dim: of one size (the last may be smaller), or of each
    of several sizes, which must add up.

    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    shape = shape_of(tensor)
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    total, step = shape[dim], split_size_or_sections
    if isinstance(step, int):
        if step < 0 or (step == 0 and total):
            raise RuntimeError(
                f"split expects split_size be non-negative, but got split_size={step}"
            )
        whole, rest = divmod(total, step) if step else (0, 0)
        parts = [step] * whole + [rest] * (rest > 0 or not whole)
    else:
        parts = list(step)
        if sum(parts) != total or min(parts, default=0) < 0:
            raise RuntimeError(
                "split_with_sizes expects split_sizes to sum exactly to "
                f"{total} (input tensor's size at dimension {dim}), but got split_sizes={parts}"
            )
    return _split(tensor, dim=dim, sizes=tuple(parts))


def split_with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """`split` into pieces of the given sizes.

    >>> torch.split_with_sizes(torch.arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    return split(input, split_sizes, dim)


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Views of at most `chunks` consecutive pieces of equal size along dim.

    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if shape[dim] == 0:
        return _split(input, dim=dim, sizes=(0,) * chunks)
    step = -(-shape[dim] // int(chunks))
    whole, rest = divmod(shape[dim], step)
    return _split(input, dim=dim, sizes=(step,) * whole + (rest,) * (rest > 0))


def cuts(name: str, given: Any) -> int | list[int]:
    """What is said about pieces in Python's numbers: how many there are, or where they part."""
    if isinstance(given, Variable):
        array = given._array
        if array.dtype != "int64" or array.ndim > 1:
            raise RuntimeError(
                f"{name} expected tensor_indices_or_sections to be int64, one or several ints, but "
                f"got {of_array(array.dtype)} of shape {list(array.shape)}"
            )
        given = given.tolist()  # type: ignore[attr-defined]
    each = given if isinstance(given, list | tuple) else [given]
    if not all(hasattr(type(cut), "__index__") and not isinstance(cut, bool) for cut in each):
        raise TypeError(
            f"{name}(): argument 'indices_or_sections' must be int or tuple of ints, but got "
            f"{given!r}"
        )
    return list(each) if each is given else operator.index(given)


@second_names
def tensor_split(
    input: Any, indices_or_sections: int | Sequence[int] | Variable, dim: int = 0
) -> tuple[Any, ...]:
    """Views of consecutive pieces along dim: a number of them, the first ones larger by one where
    the size does not divide; or those between the given indices.

    >>> torch.tensor_split(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got 0 dims")
    total, parts = shape[dim], cuts("tensor_split", indices_or_sections)
    if isinstance(parts, int):
        if parts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {parts}")
        small, larger = divmod(total, parts)
        return _split(input, dim=dim, sizes=(small + 1,) * larger + (small,) * (parts - larger))
    edges = [0, *(slice(cut).indices(total)[1] for cut in parts), total]
    return tuple(
        _getitem(input, index=along(dim, slice(a, max(a, b)))) for a, b in itertools.pairwise(edges)
    )
