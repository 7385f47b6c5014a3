"""Joining, splitting and rearranging tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from .conversion import cast, result_type
from .shape import Dims, broadcast_tensors, reshape, shape_of, sizes, unsqueeze, wrap_dim, wrap_dims

# ----- joining -----


@primitive
def _cat(xp: Backend, *tensors: Array, dim: int) -> Array:
    return xp.concatenate(tensors, axis=dim)


@primitive
def _stack(xp: Backend, *tensors: Array, dim: int) -> Array:
    return xp.stack(tensors, axis=dim)


def _part(g: Any, number: int, shapes: Sequence[tuple[int, ...]], dim: int) -> Any:
    start = sum(shape[dim] for shape in shapes[:number])
    return _slice(g, dim=dim, start=start, stop=start + shapes[number][dim], step=1)


_cat.gradients(lambda g, _y, number, xs_shape, *, dim: _part(g, number, xs_shape, dim))
_stack.gradients(lambda g, _y, number, _xs, *, dim: _select(g, dim=dim, index=number))


def _checked(tensors: Any, name: str) -> tuple[Any, ...]:
    """The tensors to join, in their common dtype."""
    if isinstance(tensors, Variable) or not isinstance(tensors, Sequence):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, "
            f"not {type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError(f"{name}(): expected a non-empty list of Tensors")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Variable):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}"
            )
    first = tensors[0]._array.dtype
    if all(x._array.dtype is first for x in tensors):
        return tuple(tensors)
    # Joining counts every tensor alike, 0-d or not
    target = result_type(*(x if x._array.ndim else unsqueeze(x, 0) for x in tensors))
    return tuple(cast(x, target) for x in tensors)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors one behind the other along dim; other sizes must agree.

    Raises RuntimeError for an empty sequence, 0-d tensors, or sizes that do not agree.
    """
    tensors = _checked(tensors, "torch.cat")
    for i, tensor in enumerate(tensors):
        if not tensor._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    # PyTorch lets an empty vector stand beside tensors of any shape
    tensors = tuple(x for x in tensors if x._array.shape != (0,)) or tensors[:1]
    first = tensors[0]._array.shape
    dim = wrap_dim(dim, len(first))
    for i, tensor in enumerate(tensors):
        shape = tensor._array.shape
        if len(shape) != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}"
            )
        if shape[:dim] + shape[dim + 1 :] != first[:dim] + first[dim + 1 :]:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Got {list(first)} and "
                f"{list(shape)} for tensor number {i} in the list."
            )
    return _cat(*tensors, dim=dim)


concat = concatenate = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of equal shapes along a new dimension. Raises RuntimeError if shapes differ."""
    tensors = _checked(tensors, "stack")
    first = tensors[0]._array.shape
    for i, tensor in enumerate(tensors):
        if tensor._array.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(tensor._array.shape)} at entry {i}"
            )
    return _stack(*tensors, dim=wrap_dim(dim, len(first) + 1))


def hstack(tensors: Sequence[Any]) -> Any:
    """Joined along the second dimension, vectors along the first."""
    tensors = [reshape(x, (1,)) if not x._array.ndim else x for x in tensors]
    return cat(tensors, 0 if tensors[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """Joined along the first dimension, vectors as rows."""
    return cat([reshape(x, (1, -1)) if x._array.ndim < 2 else x for x in tensors], 0)


# ----- splitting -----


@primitive(view=True)
def _slice(xp: Backend, input: Array, *, dim: int, start: int, stop: int, step: int) -> Array:
    return input[(slice(None),) * dim + (slice(start, stop, step),)]


@primitive
def _slice_scatter(
    xp: Backend, input: Array, *, shape: tuple[int, ...], dim: int, start: int, stop: int, step: int
) -> Array:
    result = xp.zeros(shape, input.dtype)
    result[(slice(None),) * dim + (slice(start, stop, step),)] = input
    return result


@primitive(view=True)
def _select(xp: Backend, input: Array, *, dim: int, index: int) -> Array:
    return input[(slice(None),) * dim + (index, ...)]


@primitive
def _select_scatter(
    xp: Backend, input: Array, *, shape: tuple[int, ...], dim: int, index: int
) -> Array:
    result = xp.zeros(shape, input.dtype)
    result[(slice(None),) * dim + (index,)] = input
    return result


_slice.gradients(lambda g, _y, x_shape, **place: _slice_scatter(g, shape=x_shape, **place))
_slice_scatter.gradients(lambda g, _y, _x, *, shape, **place: _slice(g, **place))
_select.gradients(lambda g, _y, x_shape, **place: _select_scatter(g, shape=x_shape, **place))
_select_scatter.gradients(lambda g, _y, _x, *, shape, **place: _select(g, **place))


@primitive(view=True)
def _unbind(xp: Backend, input: Array, *, dim: int) -> tuple[Array, ...]:
    place = (slice(None),) * dim
    return tuple(input[(*place, i, ...)] for i in range(input.shape[dim]))


@primitive(view=True)
def _split(xp: Backend, input: Array, *, dim: int, sizes: tuple[int, ...]) -> tuple[Array, ...]:
    parts, start = [], 0
    for size in sizes:
        parts.append(input[(slice(None),) * dim + (slice(start, start + size),)])
        start += size
    return tuple(parts)


def _filled(g: tuple[Any, ...], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The gradients of several outputs, with zeros for outputs that nobody used."""
    like = next(part for part in g if part is not None)
    return [
        _zeros(like, shape=s) if part is None else part for part, s in zip(g, shapes, strict=True)
    ]


@primitive
def _zeros(xp: Backend, like: Array, *, shape: tuple[int, ...]) -> Array:
    return xp.zeros(shape, like.dtype)


def _without(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return shape[:dim] + shape[dim + 1 :]


_unbind.gradients(
    lambda g, _y, x_shape, *, dim: _stack(*_filled(g, [_without(x_shape, dim)] * len(g)), dim=dim)
)
_split.gradients(
    lambda g, _y, x_shape, *, dim, sizes: _cat(
        *_filled(g, [(*x_shape[:dim], n, *x_shape[dim + 1 :]) for n in sizes]), dim=dim
    )
)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of the slices along dim, without that dimension."""
    ndim = len(shape_of(input))
    if not ndim:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    return _unbind(input, dim=wrap_dim(dim, ndim))


def split(
    tensor: Any, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Any, ...]:
    """Views of consecutive pieces along dim: of one size (the last may be smaller), or of each
    of several sizes, which must add up."""
    shape = shape_of(tensor)
    dim = wrap_dim(dim, len(shape))
    total, step = shape[dim], split_size_or_sections
    if isinstance(step, int):
        if step < 0 or (step == 0 and total):
            raise RuntimeError(
                f"split expects split_size be non-negative, but got split_size={step}"
            )
        parts = [min(step, total - start) for start in range(0, total, step or 1)] or [0]
    else:
        parts = list(step)
        if sum(parts) != total:
            raise RuntimeError(
                "split_with_sizes expects split_sizes to sum exactly to "
                f"{total} (input tensor's size at dimension {dim}), but got split_sizes={parts}"
            )
    return _split(tensor, dim=dim, sizes=tuple(parts))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Views of at most `chunks` consecutive pieces of equal size along dim."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if shape[dim] == 0:
        return _split(input, dim=dim, sizes=(0,) * chunks)
    return split(input, -(-shape[dim] // chunks), dim)


def select(input: Any, dim: int, index: int) -> Any:
    """A view of one slice along dim, without that dimension."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at "
            f"dimension {dim}"
        )
    return _select(input, dim=dim, index=index)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """A view of `length` slices along dim, from start on."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    start = int(start)
    first = start + shape[dim] if start < 0 else start
    if length < 0 or first < 0 or first + length > shape[dim]:
        raise RuntimeError(
            f"start ({start}) + length ({length}) exceeds dimension size ({shape[dim]})."
        )
    return _slice(input, dim=dim, start=first, stop=first + length, step=1)


# ----- rearranging -----


@primitive
def _flip(xp: Backend, input: Array, *, dims: tuple[int, ...]) -> Array:
    return xp.flip(input, dims).copy()


@primitive
def _roll(xp: Backend, input: Array, *, shifts: Any, dims: Any) -> Array:
    return xp.roll(input, shifts, dims)


@primitive
def _triangle(xp: Backend, input: Array, *, diagonal: int, upper: bool) -> Array:
    return (xp.triu if upper else xp.tril)(input, diagonal)


@primitive
def _repeat(xp: Backend, input: Array, *, repeats: tuple[int, ...]) -> Array:
    return xp.tile(input, repeats)


_flip.gradients(lambda g, _y, _x, *, dims: _flip(g, dims=dims))
_roll.gradients(lambda g, _y, _x, *, shifts, dims: _roll(g, shifts=_negated(shifts), dims=dims))
_triangle.gradients(lambda g, _y, _x, **which: _triangle(g, **which))
_repeat.gradients(lambda g, _y, x_shape, *, repeats: _fold(g, x_shape, repeats))


def _negated(shifts: Any) -> Any:
    return tuple(-s for s in shifts) if isinstance(shifts, tuple) else -shifts


def _fold(g: Any, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    lead = len(repeats) - len(shape)
    pairs = [(r, n) for r, n in zip(repeats[lead:], shape, strict=True)]
    grid = reshape(g, (*repeats[:lead], *(n for pair in pairs for n in pair)))
    axes = (*range(lead), *(lead + 2 * i for i in range(len(shape))))
    return grid.sum(axes) if axes else grid


def flip(input: Any, *dims: Any) -> Any:
    """The elements in reverse order along dims, as a copy."""
    return _flip(input, dims=wrap_dims(sizes(dims), len(shape_of(input))))


def fliplr(input: Any) -> Any:
    """Reversed along the second dimension."""
    return flip(input, 1)


def flipud(input: Any) -> Any:
    """Reversed along the first dimension."""
    return flip(input, 0)


def roll(input: Any, shifts: Dims, dims: Dims | None = None) -> Any:
    """The elements moved along dims (flattened if None), those that leave come in again."""
    if dims is None or dims == ():
        if not isinstance(shifts, int):
            shifts = sum(shifts)
        return _roll(input, shifts=shifts, dims=None)
    pair = [(x,) if isinstance(x, int) else tuple(x) for x in (shifts, dims)]
    if len(pair[0]) != len(pair[1]):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(pair[0])}, dims:{len(pair[1])}"
        )
    return _roll(
        input, shifts=pair[0], dims=tuple(wrap_dim(d, len(shape_of(input))) for d in pair[1])
    )


def _matrix(input: Any, name: str) -> Any:
    if len(shape_of(input)) < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return input


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of matrices, zeros above."""
    return _triangle(_matrix(input, "tril"), diagonal=diagonal, upper=False)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of matrices, zeros below."""
    return _triangle(_matrix(input, "triu"), diagonal=diagonal, upper=True)


def repeat(input: Any, *repeats: Any) -> Any:
    """The tensor repeated along each dimension; more repeats than dimensions add dimensions."""
    counts, ndim = sizes(repeats), len(shape_of(input))
    if len(counts) < ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: got {len(counts)} repeats for {ndim} dimensions"
        )
    return _repeat(input, repeats=counts)


def tile(input: Any, *dims: Any) -> Any:
    """As `repeat`; missing repeats in front are 1."""
    counts = sizes(dims)
    return repeat(input, (1,) * (len(shape_of(input)) - len(counts)) + counts)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Grids of coordinates of the given vectors."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    swap = indexing == "xy" and len(tensors) > 1
    order = [tensors[1], tensors[0], *tensors[2:]] if swap else list(tensors)
    n = len(order)
    grids = broadcast_tensors(
        *(reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(order))
    )
    if not swap:
        return grids
    turned = [g.transpose(0, 1) for g in grids]
    return (turned[1], turned[0], *turned[2:])


def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy, in the graph."""
    return _clone(input)


@primitive
def _clone(xp: Backend, input: Array) -> Array:
    return input.copy()


_clone.gradients(lambda g, _y, _x: g)


def contiguous(input: Any, memory_format: Any = None) -> Any:
    """The tensor itself if its memory is in order, else a copy that is."""
    return input if input._array.flags.c_contiguous else _clone(input)
