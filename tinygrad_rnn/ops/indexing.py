"""Indexing: brackets, and gathering and scattering along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.broadcast import sum_to
from ..backends import Array, Backend, backend_of, device_of, is_host, move
from ..dtypes import bool_, int64, of_array
from .choice import where
from .conversion import cast
from .shape import shape_of, wrap_dim

# ----- brackets -----


@primitive(view=True)
def _getitem(xp: Backend, input: Array, *, index: Any) -> Array:
    return input[index]


@primitive
def _scatter_add_at(xp: Backend, values: Array, *, shape: tuple[int, ...], index: Any) -> Array:
    """Zeros with the values added at index: the gradient of brackets."""
    result = xp.zeros(shape, values.dtype)
    if _is_basic(index):
        result[index] = values
    else:
        xp.scatter_add(result, index, values)
    return result


_getitem.gradients(lambda g, _y, x_shape, *, index: _scatter_add_at(g, shape=x_shape, index=index))
_scatter_add_at.gradients(lambda g, _y, _x, *, shape, index: _getitem(g, index=index))


def _is_basic(index: tuple[Any, ...]) -> bool:
    """Whether the index makes a view: integers, slices, None and Ellipsis only."""
    return not any(hasattr(part, "dtype") for part in index)


def prepare_index(index: Any, array: Array) -> tuple[Any, ...]:
    """What is between the brackets as the array library takes it: tensors and lists as arrays.

    Raises IndexError, as PyTorch, for what can't be an index and for bad positions.
    """
    if type(index) is int or type(index) is slice:
        parts: tuple[Any, ...] = (index,)
    elif isinstance(index, tuple):
        parts = index
    elif isinstance(index, list) and any(
        isinstance(p, slice | type(None) | Variable) for p in index
    ):
        parts = tuple(index)
    else:
        parts = (index,)
    converted = tuple(_convert(part, array) for part in parts)
    consumed = sum(
        (p.ndim if p.dtype.kind == "b" else 1) if hasattr(p, "dtype") else 1
        for p in converted
        if p is not None and p is not Ellipsis and p is not True and p is not False
    )
    if consumed > array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {array.ndim}")
    _check_bounds(converted, array, consumed)
    return converted


def _convert(part: Any, array: Array) -> Any:
    if type(part) is int or part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        if part.step is not None and int(part.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(*(None if p is None else int(p) for p in (part.start, part.stop, part.step)))
    if isinstance(part, Variable):
        index = part._array
        if index.dtype.kind == "f":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if index.dtype == "uint8":
            index = index.astype(bool_.array)
        if type(index) is not type(array):
            if not is_host(index):
                raise RuntimeError(
                    "indices should be either on cpu or on the same device as the indexed tensor "
                    f"({device_of(array)}), but found {device_of(index)}"
                )
            index = move(index, device_of(array))
        return int(index) if index.ndim == 0 and index.dtype.kind != "b" else index
    if isinstance(part, bool):
        return part
    if isinstance(part, list | tuple | range) or hasattr(part, "__array__"):
        xp: Any = backend_of(array)
        values = part if hasattr(part, "dtype") else [_item(p) for p in part]
        index = xp.asarray(values)
        if index.dtype.kind == "f":
            if index.size:
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
            index = index.astype(int64.array)
        return index
    if hasattr(part, "__index__"):
        return part.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {type(part).__name__})"
    )


def _item(value: Any) -> Any:
    if isinstance(value, list | tuple | range):
        return [_item(v) for v in value]
    return value._array.item() if isinstance(value, Variable) else value


def _check_bounds(index: tuple[Any, ...], array: Array, consumed: int) -> None:
    """Raise IndexError for positions outside: here, where CuPy would wrap them around."""
    dim = 0
    for part in index:
        if part is None or part is True or part is False:
            continue
        if part is Ellipsis:
            dim += array.ndim - consumed
            continue
        size = array.shape[dim]
        if type(part) is int:
            if not -size <= part < size:
                raise IndexError(
                    f"index {part} is out of bounds for dimension {dim} with size {size}"
                )
        elif hasattr(part, "dtype"):
            if part.dtype.kind == "b":
                for i, n in enumerate(part.shape):
                    if n != array.shape[dim + i]:
                        raise IndexError(
                            f"The shape of the mask {list(part.shape)} at index {i} does not "
                            f"match the shape of the indexed tensor {list(array.shape)} at index {dim + i}"
                        )
                dim += part.ndim - 1
            else:
                xp: Any = backend_of(array)
                xp.check_index(part, size, f"dimension {dim}")
        dim += 1


def getitem(input: Any, index: Any) -> Any:
    """``input[index]``: a view for integers, slices, None and Ellipsis; a copy for masks and
    integer tensors. Raises IndexError for bad positions or kinds of index."""
    return _getitem(input, index=prepare_index(index, input._array))


@primitive
def _put(xp: Backend, input: Array, values: Array, *, index: Any, accumulate: bool) -> Array:
    result = input.copy()
    if accumulate:
        xp.scatter_add(result, index, values)
    else:
        result[index] = values
    return result


@primitive
def _clear(xp: Backend, input: Array, *, index: Any) -> Array:
    result = input.copy()
    result[index] = 0
    return result


def _broadcast_item(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    from_index = _getitem(g, index=index)
    extra = len(shape) - len(shape_of(from_index))
    return (
        from_index if extra <= 0 else from_index.reshape((1,) * extra + tuple(shape_of(from_index)))
    )


_clear.gradients(lambda g, _y, _x, *, index: _clear(g, index=index))


def _put_values(g: Any, _y: Any, _x: Any, v_shape: Any, *, index: Any, accumulate: bool) -> Any:
    return _fit(_broadcast_item(g, index, v_shape), v_shape)


def _fit(g: Any, shape: tuple[int, ...]) -> Any:
    return sum_to(g, shape=shape) if tuple(g.shape) != tuple(shape) else g


_put.gradients(
    lambda g, _y, _x, v_shape, *, index, accumulate: g if accumulate else _clear(g, index=index),
    lambda g, _y, _x, v_shape, *, index, accumulate: _put_values(
        g, None, None, v_shape, index=index, accumulate=accumulate
    ),
)


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """A copy with values written (or added) at the positions that the index tensors name."""
    index = prepare_index(tuple(indices), input._array)
    return _put(input, values, index=index, accumulate=accumulate)


# ----- along one dimension -----


def _place(xp: Backend, index: Array, dim: int) -> tuple[Any, ...]:
    """Index arrays that name, for every element of index, its own place but for dim."""
    grid = [
        xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - d)) for d, n in enumerate(index.shape)
    ]
    grid[dim] = index
    return tuple(grid)


@primitive
def _gather(xp: Backend, input: Array, index: Array, *, dim: int) -> Array:
    return input[_place(xp, index, dim)]


@primitive
def _scatter_add(xp: Backend, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    result = input.copy()
    part = src[tuple(slice(n) for n in index.shape)]
    xp.scatter_add(result, _place(xp, index, dim), part)
    return result


@primitive
def _scatter(xp: Backend, input: Array, index: Array, src: Array, *, dim: int) -> Array:
    result = input.copy()
    scalar = not hasattr(src, "shape") or src.ndim == 0
    part = src if scalar else src[tuple(slice(n) for n in index.shape)]
    result[_place(xp, index, dim)] = part
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
    lambda g, _y, x_shape, i, *, dim: _scatter_add(_zeros(g, shape=x_shape), i, g, dim=dim), None
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


def _index_tensor(index: Any, name: str) -> Any:
    if not isinstance(index, Variable) or index._array.dtype.kind not in "iu":
        got = of_array(index._array.dtype) if isinstance(index, Variable) else type(index).__name__
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {got}")
    return index


def _checked(input: Any, dim: int, index: Any, name: str, src: Any = None) -> int:
    """The wrapped dim, once the index fits the input (and src), with PyTorch's errors if not."""
    _index_tensor(index, name)
    shape, wanted = shape_of(input), shape_of(index)
    dim = wrap_dim(dim, len(shape))
    if len(shape or (1,)) != len(wanted or (1,)):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as input tensor: {name}() got "
            f"{len(wanted)} and {len(shape)}"
        )
    for d, (n, size) in enumerate(zip(wanted, shape, strict=False)):
        if d != dim and n > size:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(wanted)} to be no "
                f"larger than self {list(shape)} apart from dimension {dim}"
            )
    if isinstance(src, Variable):
        for d, (n, size) in enumerate(zip(wanted, shape_of(src), strict=False)):
            if n > size:
                raise RuntimeError(
                    f"Expected index {list(wanted)} to be no larger than src "
                    f"{list(shape_of(src))} at dimension {d}"
                )
    xp: Any = backend_of(index._array)
    size = shape[dim] if shape else 1
    array = index._array
    if array.size:
        try:
            xp.check_index(array, size, f"dimension {dim}")
        except IndexError as error:
            raise RuntimeError(str(error)) from None
    return dim


def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """out[i][j][k] = input[i][index[i][j][k]][k] for dim = 1; the result has index's shape."""
    dim = _checked(input, dim, index, "gather")
    if not shape_of(input):
        return input.reshape((1,)).index_select(0, index.reshape((-1,))).reshape(shape_of(index))
    return _gather(input, index, dim=dim)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of input with src added at index along dim: the reverse of `gather`."""
    dim = _checked(input, dim, index, "scatter_add", src)
    return _scatter_add(input, index, src, dim=dim)


def scatter(
    input: Any,
    dim: int,
    index: Any,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Any:
    """A copy of input with src (a tensor, or a number as `value`) written at index along dim."""
    src = value if src is None else src
    dim = _checked(input, dim, index, "scatter", src)
    if isinstance(src, Variable) and src._array.dtype != input._array.dtype:
        raise RuntimeError(
            "scatter(): Expected self.dtype to be equal to src.dtype, got "
            f"{of_array(input._array.dtype)} and {of_array(src._array.dtype)}"
        )
    if reduce == "add":
        if not isinstance(src, Variable):
            src = input._wrap(input._array.dtype.type(0) * 0 + src)
            src = src.expand(shape_of(index))
        return _scatter_add(input, index, src, dim=dim)
    if reduce is not None:
        raise RuntimeError(f"reduce argument must be 'add' or None, got {reduce!r}")
    return _scatter(input, index, src, dim=dim)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """As `gather`, with input and indices broadcast against each other but for dim."""
    _index_tensor(indices, "take_along_dim")
    if dim is None:
        return gather(input.reshape((-1,)), 0, indices.reshape((-1,)))
    shape, wanted = list(shape_of(input)), list(shape_of(indices))
    if len(shape) != len(wanted):
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {len(shape)} dimensions for input, and {len(wanted)} dimensions for indices"
        )
    dim = wrap_dim(dim, len(shape))
    common = [max(a, b) for a, b in zip(shape, wanted, strict=True)]
    common[dim] = shape[dim]
    input = input.expand(common)
    common[dim] = wanted[dim]
    return gather(input, dim, indices.expand(common))


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices along dim that a vector of indices names, as a copy."""
    _index_tensor(index, "index_select")
    if len(shape_of(index)) > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    xp: Any = backend_of(index._array)
    if not shape:
        return input.clone()
    xp.check_index(index._array, shape[dim], f"dimension {dim}")
    return _getitem(input, index=(slice(None),) * dim + (index._array.reshape(-1),))


def _index_write(input: Any, dim: int, index: Any, source: Any, accumulate: bool) -> Any:
    dim = wrap_dim(dim, len(shape_of(input)))
    xp: Any = backend_of(index._array)
    xp.check_index(index._array, shape_of(input)[dim], f"dimension {dim}")
    place = (slice(None),) * dim + (index._array.reshape(-1),)
    return _put(input, source, index=place, accumulate=accumulate)


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """A copy of input with the slices of source added at a vector of indices along dim."""
    return _index_write(input, dim, index, source if alpha == 1 else source * alpha, True)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """A copy of input with the slices of source written at a vector of indices along dim."""
    return _index_write(input, dim, index, source, False)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of input with a number written at a vector of indices along dim."""
    return _index_write(input, dim, index, value, False)


# ----- masks -----


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """A copy of input with value where the bool mask holds; the mask broadcasts."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{of_array(mask._array.dtype)}"
        )
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        value = cast(value, of_array(input._array.dtype))
    elif isinstance(value, float) and input._array.dtype.kind in "iu":
        raise RuntimeError("value cannot be converted to the input's integer dtype without loss")
    return where(mask, value, input)


def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the bool mask holds, as a vector."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = (input._array + mask._array).shape if shape_of(input) != shape_of(mask) else None
    if shape is not None:
        input, mask = input.expand(shape), mask.expand(shape)
    return getitem(input, mask)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The positions of nonzero elements: rows of a matrix, or a vector per dimension."""
    xp: Any = backend_of(input._array)
    array = input._array if input._array.ndim else input._array.reshape(1)
    found = xp.nonzero(array)
    if as_tuple:
        return tuple(input._wrap(f) for f in found)
    columns = found[: input._array.ndim]
    count = found[0].shape[0]
    if not columns:
        return input._wrap(xp.zeros((count, 0), int64.array))
    return input._wrap(xp.stack(columns, axis=1))


argwhere = nonzero


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """int64 zeros with a 1 at each element of an integer tensor, along a new last dimension.

    Raises RuntimeError for negative classes and for classes beyond num_classes.
    """
    array = tensor._array
    xp: Any = backend_of(array)
    if array.dtype != int64.array:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor, got "
            f"{of_array(array.dtype)}"
        )
    if array.size == 0 and num_classes <= 0:
        raise RuntimeError(
            "Can not infer total number of classes from empty tensor." if num_classes == -1
            else f"Class values must be smaller than num_classes={num_classes}."
        )  # fmt: skip
    if array.size:
        lowest, highest = int(array.min()), int(array.max())
        if lowest < 0:
            raise RuntimeError("Class values must be non-negative.")
        if num_classes == -1:
            num_classes = highest + 1
        elif highest >= num_classes:
            raise RuntimeError(
                f"Class values must be smaller than num_classes: got {highest} for {num_classes}"
            )
    if num_classes < 1 and array.size:
        raise RuntimeError("num_classes should be positive")
    classes = xp.arange(num_classes)
    return tensor._wrap((array[..., None] == classes).astype(int64.array))
