"""The same elements in another order, or several times: flip, roll, repeat, meshgrid, clone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, named, primitive
from ..backends import Array, Backend, backend_of, packed
from .checking import check_same_dtype
from .indexing import _look_up, along
from .joining import stack
from .reduction import _sum
from .shape import (
    Dims,
    broadcast_tensors,
    new_sizes,
    reshape,
    shape_of,
    sizes,
    transpose,
    wrap_dim,
    wrap_dims,
)

# ----- rearranging -----


@primitive
def _flip(xp: Backend, input: Array, *, dims: tuple[int, ...]) -> Array:
    return xp.flip(input, dims).copy()


@primitive
def _roll(xp: Backend, input: Array, *, shifts: Any, dims: Any) -> Array:
    return packed(xp.roll(input, shifts, dims))


@primitive
def _repeat(xp: Backend, input: Array, *, repeats: tuple[int, ...]) -> Array:
    return xp.tile(input, repeats)


_flip.gradients(lambda g, _y, _x, *, dims: _flip(g, dims=dims))
_roll.gradients(lambda g, _y, _x, *, shifts, dims: _roll(g, shifts=_negated(shifts), dims=dims))
_repeat.gradients(lambda g, _y, x_shape, *, repeats: _fold(g, x_shape, repeats))


def _negated(shifts: Any) -> Any:
    return tuple(-s for s in shifts) if isinstance(shifts, tuple) else -shifts


def _fold(g: Any, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    lead = len(repeats) - len(shape)
    pairs = [(r, n) for r, n in zip(repeats[lead:], shape, strict=True)]
    grid = reshape(g, (*repeats[:lead], *(n for pair in pairs for n in pair)))
    axes = (*range(lead), *(lead + 2 * i for i in range(len(shape))))
    return _sum(grid, dims=axes, keepdim=False) if axes else grid


def flip(input: Any, *args: Any, dims: Any = None) -> Any:
    """The elements in reverse order along dims, as a copy of the same shape.

    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), dims=(0,))
    tensor([[3, 4],
            [1, 2]])
    """
    return _flip(input, dims=wrap_dims(sizes(args, dims), len(shape_of(input))))


def fliplr(input: Any) -> Any:
    """Reversed along the second dimension; the shape stays.

    >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if len(shape_of(input)) < 2:
        raise RuntimeError("fliplr: Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Any) -> Any:
    """Reversed along the first dimension; the shape stays.

    >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    return flip(input, 0)


def roll(input: Any, shifts: Dims, dims: Dims | None = None) -> Any:
    """The elements moved along dims (flattened if None), those that leave come in again;
    the shape stays.

    >>> torch.roll(torch.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    moves, axes = ((x,) if isinstance(x, int) else tuple(x or ()) for x in (shifts, dims))
    if not moves:
        raise RuntimeError("`shifts` required")
    if not axes and len(moves) == 1:
        return _roll(input, shifts=moves[0], dims=None)
    if len(moves) != len(axes):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(axes)}"
        )
    if not shape_of(input):
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    return _roll(input, shifts=moves, dims=tuple(wrap_dim(d, len(shape_of(input))) for d in axes))


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """The plane of two dimensions turned k times by 90 degrees, from the first to the second.

    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if len(shape_of(input)) < 2:
        raise RuntimeError(f"expected total dims >= 2, but got {len(shape_of(input))}")
    a, b = wrap_dims(tuple(dims), len(shape_of(input)))
    if k % 4 == 0:
        return clone(input)
    if k % 4 == 2:
        return flip(input, a, b)
    return flip(transpose(input, a, b), a if k % 4 == 1 else b)


def repeat(input: Any, *args: Any, repeats: Any = None) -> Any:
    """The tensor repeated along each dimension; more repeats than dimensions add dimensions.

    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts, ndim = sizes(args, repeats), len(shape_of(input))
    if len(counts) < ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: got {len(counts)} repeats for {ndim} dimensions"
        )
    return _repeat(input, repeats=counts)


def tile(input: Any, *args: Any, dims: Any = None) -> Any:
    """As `repeat`, but repeats may be fewer than dimensions: those missing in front are 1.

    >>> torch.tile(torch.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    counts = sizes(args, dims)
    return repeat(input, (1,) * (len(shape_of(input)) - len(counts)) + counts)


def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each slice along dim (of the flattened input if None) repeated: as often as the number
    `repeats`, or its own element of the vector `repeats`. ``repeat_interleave(repeats)``: the
    indices 0, 1, ..., each repeated so often.

    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    xp: Any = backend_of(input._array)
    if not isinstance(repeats, int | Variable | None):
        raise TypeError(
            "repeat_interleave(): argument 'repeats' must be Tensor or int, not "
            f"{type(repeats).__name__}"
        )
    if repeats is None:
        if len(shape_of(input)) != 1:
            raise RuntimeError("repeat_interleave only accepts a 1D vector as repeats")
        input, repeats = input._wrap(xp.arange(len(input))), input
    x = reshape(input, (-1,)) if dim is None or not shape_of(input) else input
    dim = wrap_dim(dim or 0, len(shape_of(x)))
    counts = repeats
    if isinstance(repeats, Variable):
        counts = repeats._array.reshape(-1)
        if counts.dtype.kind not in "iu":
            raise RuntimeError("repeats has to be Long or Int tensor")
        if counts.shape[0] not in (1, shape_of(x)[dim]):
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got {counts.shape[0]} "
                f"and {shape_of(x)[dim]}"
            )
        counts = counts.tolist() * (shape_of(x)[dim] if counts.shape[0] == 1 else 1)
    if (min(counts, default=0) if isinstance(counts, list) else counts) < 0:
        raise RuntimeError("repeats can not be negative")
    if not isinstance(counts, list):
        new_sizes((shape_of(x)[dim] * counts,))
    places = xp.repeat(xp.arange(shape_of(x)[dim]), counts)
    return _look_up(x, index=along(dim, places))


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Grids of coordinates of the given vectors (n), (m), ...: a tensor (n, m, ...) for each; with
    indexing="xy" (m, n, ...).

    >>> x, y = torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4, 5]), indexing="ij")
    >>> x.shape, y[0]
    (torch.Size([2, 3]), tensor([3, 4, 5]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for x in tensors:
        if len(shape_of(x)) > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensors but got: {list(shape_of(x))}"
            )
    check_same_dtype("torch.meshgrid", *tensors)
    places = list(range(len(tensors)))
    if indexing == "xy":
        places[:2] = places[1::-1]
    last = len(tensors) - 1
    spread = [reshape(x, (-1, *(1,) * (last - i))) for x, i in zip(tensors, places, strict=True)]
    return broadcast_tensors(*spread)


def cartesian_prod(*tensors: Any) -> Any:
    """All combinations of the elements of k vectors, as the rows of a matrix (combinations, k).

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, (-1,)) for grid in meshgrid(*tensors)], 1)


def named_as(name: str, input: Any) -> Any:
    """A tensor in the graph as a copy, whose node has that name: what PyTorch calls an operation
    that is several here."""
    return _clone(input, name=name) if input.requires_grad else input


def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy, of the same shape, in the graph.

    >>> x = torch.zeros(2)
    >>> torch.clone(x).add_(1), x
    (tensor([1., 1.]), tensor([0., 0.]))
    """
    return _clone(input)


@primitive(name=named("CloneBackward0"))
def _clone(xp: Backend, input: Array, *, name: str = "") -> Array:
    return input.copy()


_clone.gradients(lambda g, _y, _x, *, name="": g)


def contiguous(input: Any, memory_format: Any = None) -> Any:
    """The tensor itself if its memory is in order, else a copy that is, of the same shape.

    >>> torch.ones(2, 3).T.contiguous().stride()
    (2, 1)
    """
    return input if input._array.flags.c_contiguous else _clone(input)
