"""Taking and placing elements along one dimension, at indices that tensors hold."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable, named, primitive
from ..backends import Array, Backend, backend_of, device_of
from ..dtypes import bool_, dtype, int32, int64, of_array
from .checking import check_same_dtype
from .conversion import cast
from .indexing import _look_up, _put, _scatter_add_at, getitem, index_put
from .masking import masked_fill
from .shape import expand, reshape, shape_of, wrap_dim

_ONLY_INT64 = {"take_along_dim", "index_copy", "index_fill", "take", "put"}


def _check_kind(name: str, input: Any, index: Any) -> None:
    """Raise RuntimeError (of index_fill IndexError) unless index is a tensor of int64, for most
    functions also of int32, beside the input."""
    kind = of_array(index._array.dtype) if isinstance(index, Variable) else type(index).__name__
    empty = isinstance(kind, dtype) and not index._array.size and not kind.is_floating_point
    if empty and name.startswith(("gather", "scatter")):
        return  # of any integers
    if kind is not int64 and (kind is not int32 or name in _ONLY_INT64):
        error = IndexError if name == "index_fill" else RuntimeError
        raise error(f"{name}(): Expected dtype int64 for index, got {kind}; convert by .long()")
    if type(index._array) is not type(input._array):
        raise RuntimeError(
            f"{name}(): expected all tensors to be on the same device, but found at least two "
            f"devices, {device_of(input._array)} and {device_of(index._array)}; move one with "
            ".to(device)"
        )


# ----- an index for every element -----


def _place(xp: Backend, index: Array, dim: int) -> tuple[Any, ...]:
    """Index arrays that name, for every element of index, its own place but for dim."""
    grid = [
        xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - d)) for d, n in enumerate(index.shape)
    ]
    grid[dim] = index
    return tuple(grid)


def _corner(array: Array, shape: tuple[int, ...]) -> Array:
    return array[tuple(slice(n) for n in shape)]


@primitive(name=named("GatherBackward0"))
def _gather(
    xp: Backend, input: Array, index: Array, *, dim: int, squeezed: bool = False, name: str = ""
) -> Array:
    """With `squeezed`, without the dimension dim, which index has of size 1."""
    result = input[_place(xp, index, dim)]
    return result.squeeze(dim) if squeezed else result


@primitive
def _scatter_add(xp: Backend, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    result = input.copy()
    xp.scatter_add(result, _place(xp, index, dim), _corner(src, index.shape))
    return result


@primitive
def _scatter(xp: Backend, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    result = input.copy()
    whole = getattr(src, "ndim", 0)
    xp.assign(result, _place(xp, index, dim), _corner(src, index.shape) if whole else src)
    return result


@primitive
def _zeros(xp: Backend, like: Array, *, shape: tuple[int, ...]) -> Array:
    return xp.zeros(shape, like.dtype)


def _pad_to(g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of taking the leading corner of a tensor of this shape."""
    if tuple(g.shape) == tuple(shape):
        return g
    return _scatter_add_at(g, shape=shape, index=tuple(slice(n) for n in g.shape))


_gather.gradients(
    lambda g, _y, x_shape, i, *, dim, squeezed=False, name="": _scatter_add(
        _zeros(g, shape=x_shape), i, reshape(g, shape_of(i)) if squeezed else g, dim=dim
    ),
    None,
)
_scatter_add.gradients(
    lambda g, _y, _x, i, s_shape, *, dim: g,
    None,
    lambda g, _y, _x, i, s_shape, *, dim: _pad_to(_gather(g, i, dim=dim), s_shape),
)
_scatter.gradients(
    lambda g, _y, _x, i, _s, *, dim: _scatter(g, i, 0.0, dim=dim),
    None,
    lambda g, _y, _x, i, s_shape, *, dim: _pad_to(_gather(g, i, dim=dim), s_shape),
)


def _checked(
    name: str, input: Any, dim: int, index: Any, src: Any = None, from_end: bool = False
) -> int:
    """The wrapped dim, once the index fits the input (and src), with PyTorch's errors if not.
    Negative ones count from the end, if they may."""
    _check_kind(name, input, index)
    shape, wanted = shape_of(input), shape_of(index)
    dim = wrap_dim(dim, len(shape))
    if isinstance(src, Variable) and src._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got "
            f"{of_array(input._array.dtype)} and {of_array(src._array.dtype)}"
        )
    if not index._array.size:
        return dim
    for other, values in (("input", input), ("src", src)):
        count = len(shape_of(values)) if isinstance(values, Variable) else len(wanted)
        if max(count, 1) != max(len(wanted), 1):
            raise RuntimeError(
                f"Index tensor must have the same number of dimensions as {other} tensor: {name}() "
                f"got {len(wanted)} and {count}"
            )
    for d, (n, size) in enumerate(zip(wanted, shape, strict=False)):
        if d != dim and n > size:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(wanted)} to be no "
                f"larger than self {list(shape)} apart from dimension {dim}"
            )
    if isinstance(src, Variable):
        for d, (n, size) in enumerate(zip(wanted or (1,), shape_of(src) or (1,), strict=False)):
            if n > size:
                raise RuntimeError(
                    f"Expected index {list(wanted)} to be no larger than src "
                    f"{list(shape_of(src))} at dimension {d}"
                )
    _check_bounds(index, shape[dim] if shape else 1, dim, RuntimeError, from_end)
    return dim


def _check_bounds(
    index: Any, size: int, dim: int, error: type[Exception], from_end: bool = False
) -> None:
    message = f"index {{}} is out of bounds for dimension {dim} with size {size}"
    xp: Any = backend_of(index._array)
    xp.check_range(index._array, -size if from_end else 0, size, error, message)


def _as_vectors(input: Any, *others: Any) -> tuple[Any, ...]:
    """The tensors, with numbers as vectors of one element if the input is one or an index is."""
    return tuple(
        reshape(x, (1,)) if isinstance(x, Variable) and not x._array.ndim else x
        for x in (input, *others)
    )


def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """out[i][j][k] = input[i][index[i][j][k]][k] for dim = 1; the result has index's shape.
    index has as many dimensions as input, and but for dim sizes of at most input's.

    >>> x = torch.tensor([[1, 2], [3, 4]])
    >>> torch.gather(x, 1, torch.tensor([[1, 0], [0, 0]]))
    tensor([[2, 1],
            [3, 3]])
    """
    return picked(input, _checked("gather", input, dim, index), index)


def picked(
    input: Any, dim: int, index: Any, name: str = "GatherBackward0", squeezed: bool = False
) -> Any:
    """As `gather`, for an index that is known to fit: the host need not wait for a GPU to check.
    With `squeezed`, without the dimension dim, which index has of size 1."""
    dim, shape = wrap_dim(dim, len(shape_of(input))), shape_of(index)
    wanted = shape[:dim] + shape[dim + 1 :] if squeezed else shape
    if not index._array.size:
        return reshape(getitem(reshape(input, (-1,)), slice(0, 0)), wanted)
    x, places = _as_vectors(input, index)
    return _shaped(_gather(x, places, dim=dim, squeezed=squeezed, name=name), wanted)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """The tensor in this shape: itself if it has it."""
    return x if shape_of(x) == shape else reshape(x, shape)


def _scattered(operation: Any, input: Any, dim: int, index: Any, src: Any) -> Any:
    if not index._array.size:
        return input.clone()
    x, places, source = _as_vectors(input, index, src)
    return _shaped(operation(x, places, source, dim=dim), shape_of(input))


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of input with src added at index along dim: the reverse of `gather`. Shapes are
    those of `scatter`.

    >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([0, 0, 2]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    dim = _checked("scatter_add", input, dim, index, src)
    return _scattered(_scatter_add, input, dim, index, src)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """As `gather`, with input and indices broadcast against each other but for dim, whose size is
    that of indices; of both flattened if dim is None.

    >>> x = torch.tensor([[3, 1], [2, 4]])
    >>> torch.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    _check_kind("take_along_dim", input, indices)
    if dim is None:
        return take_along_dim(reshape(input, (-1,)), reshape(indices, (-1,)), 0)
    shape, wanted = list(shape_of(input)), list(shape_of(indices))
    if len(shape) != len(wanted):
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {len(shape)} dimensions for input, and {len(wanted)} dimensions for indices"
        )
    dim = wrap_dim(dim, len(shape))
    common = [b if a == 1 else a for a, b in zip(shape, wanted, strict=True)]
    common[dim] = shape[dim]
    input = expand(input, common)
    common[dim] = wanted[dim]
    indices = expand(indices, common)
    dim = _checked("take_along_dim", input, dim, indices, from_end=True)
    return picked(input, dim, indices)


# ----- a vector of indices for whole slices -----


def _slices(name: str, input: Any, dim: int, index: Any, from_end: bool = False) -> tuple[Any, ...]:
    """What is between the brackets for the slices along dim that a vector of indices names, the
    negative ones counted from the end, if there may be any.

    Raises IndexError for an index that is no vector, or out of bounds.
    """
    _check_kind(name, input, index)
    if len(shape_of(index)) > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    _check_bounds(index, shape_of(input)[dim], dim, IndexError, from_end)
    return (slice(None),) * dim + (index._array.reshape(-1),)


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices along dim, whose size becomes that of index, that a vector of indices names, as a
    copy.

    >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1, 1, 0]))
    tensor([[2, 2, 1],
            [4, 4, 3]])
    """
    dim = wrap_dim(dim, len(shape_of(input)))
    x, places = _as_vectors(input, index)
    place = _slices("index_select", x, dim, places)
    result = _look_up(x, index=place, name="IndexSelectBackward0")
    return result if shape_of(input) else reshape(result, ())


def _write_slices(
    name: str, input: Any, dim: int, index: Any, source: Any, accumulate: bool = False
) -> Any:
    dim = wrap_dim(dim, len(shape_of(input)))
    x, places = _as_vectors(input, index)
    place = _slices(name, x, dim, places)
    wanted = (*shape_of(x)[:dim], shape_of(places)[0], *shape_of(x)[dim + 1 :])
    if (shape_of(source) or (1,)) != wanted:
        raise RuntimeError(
            f"{name}(): source has shape {list(shape_of(source))}, but {list(wanted)} is needed "
            f"for {wanted[dim]} slices along dimension {dim} of {list(shape_of(input))}"
        )
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, but got (self) "
            f"{of_array(input._array.dtype)} and (source) {of_array(source._array.dtype)}"
        )
    node = "IndexAddBackward0" if accumulate else "IndexCopyBackward0"
    result = _put(x, source, index=place, accumulate=accumulate, name=node)
    return _shaped(result, shape_of(input))


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """A copy of input with the slices of source added at a vector of indices along dim.

    >>> torch.index_add(torch.zeros(3), 0, torch.tensor([0, 0, 2]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    source = source if alpha == 1 else cast(source * alpha, of_array(source._array.dtype))
    return _write_slices("index_add", input, dim, index, source, accumulate=True)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """A copy of input with the slices of source written at a vector of indices along dim.

    >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    return _write_slices("index_copy", input, dim, index, source)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of input with a number written at a vector of indices along dim.

    >>> torch.index_fill(torch.zeros(2, 3), 1, torch.tensor([0, 2]), 7)
    tensor([[7., 0., 7.],
            [7., 0., 7.]])
    """
    dim = wrap_dim(dim, len(shape_of(input)))
    x, places = _as_vectors(input, index)
    xp: Any = backend_of(x._array)
    chosen = xp.zeros(shape_of(x), bool_.array)
    chosen[_slices("index_fill", x, dim, places, from_end=True)] = True
    return masked_fill(input, input._wrap(chosen.reshape(shape_of(input))), value)


# ----- positions in the flattened tensor -----


def take(input: Any, index: Any) -> Any:
    """The elements at positions in the flattened input, in index's shape.

    >>> torch.take(torch.tensor([[1, 2], [3, 4]]), torch.tensor([0, 3, -1]))
    tensor([1, 4, 4])
    """
    _check_kind("take", input, index)
    return getitem(reshape(input, (-1,)), (index,))


def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """A copy of input with the elements of source written (or added) at positions in the
    flattened input.

    >>> torch.put(torch.zeros(2, 2), torch.tensor([0, 3]), torch.tensor([5.0, 6.0]))
    tensor([[5., 0.],
            [0., 6.]])
    """
    _check_kind("put", input, index)
    check_same_dtype("put", input, source)
    flat = reshape(input, (math.prod(shape_of(input)),))
    source = reshape(source, shape_of(index))
    return reshape(index_put(flat, (index,), source, accumulate), shape_of(input))
