"""Brackets: reading ``x[...]``, and writing at an index out of place.

What PyTorch and NumPy do alike goes to the array library as it is. They differ where integers and
index tensors meet: for PyTorch an integer only takes a slice, for NumPy it is an index array too,
which may move dimensions. So integers are taken first, and then the rest is indexed.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, named, primitive
from ..autograd.broadcast import sum_to
from ..backends import (
    CPU,
    Array,
    Backend,
    backend_for,
    backend_of,
    device_of,
    is_host,
    move,
    packed,
)
from ..dtypes import bool_, int64
from .checking import check_same_dtype
from .shape import shape_of

Index = tuple[Any, ...]

# ----- what is between the brackets -----


def prepare_index(index: Any, array: Array) -> tuple[Index, Index | None]:
    """The index as the array library takes it, tensors and lists as arrays, in two steps: what
    makes a view, and what is to be read from that view with arrays, None if there are none.

    Raises IndexError, as PyTorch, for what can't be an index and for bad positions.
    """
    if type(index) is int:
        return (index, ...), None  # with an ellipsis the result is a view even of one element
    parts = index if isinstance(index, tuple) else (index,)
    plain = all(map(_is_plain, parts))
    if not plain:
        if isinstance(index, list) and len(index) < 32 and any(map(_divides, index)):
            parts = tuple(index)
        parts = tuple(_convert(part, array) for part in parts)
    if plain or not any(map(_is_array, parts)):
        return parts if Ellipsis in parts else (*parts, ...), None
    consumed = sum(map(_consumes, parts))
    if consumed > array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {array.ndim}")
    _check_bounds(parts, array, consumed)
    if consumed == array.ndim:  # for NumPy even an ellipsis for no dimension divides arrays
        parts = tuple(part for part in parts if part is not Ellipsis)
    if not any(type(part) is int for part in parts):
        return (), parts
    first, then = [], []
    for part in parts:
        if _is_array(part):
            first += [slice(None)] * _consumes(part)
            then.append(part)
        else:
            first.append(part)
            if type(part) is not int:
                then.append(part if part is Ellipsis else slice(None))
    return tuple(first), tuple(then)


def _is_plain(part: Any) -> bool:
    """Whether this is surely a part that the array library takes as PyTorch does."""
    kind = type(part)
    if kind is slice:
        return part.step is None and type(part.start) in _ENDS and type(part.stop) in _ENDS
    return kind is int or part is None or part is Ellipsis


_ENDS = (int, type(None))


def _divides(part: Any) -> bool:
    """Whether a (short) list with this in it stands for a tuple of parts, as in old NumPy."""
    known = slice | Variable | list | tuple | range
    return part is None or part is Ellipsis or isinstance(part, known) or is_host(part)


def _is_array(part: Any) -> bool:
    return hasattr(part, "dtype") or isinstance(part, bool)


def _consumes(part: Any) -> int:
    """How many dimensions of the tensor a part of the index is about."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if hasattr(part, "dtype") and part.dtype.kind == "b" else 1


def _listed(part: Any, array: Array) -> Any:
    """The array of a list or an array of indices. Raises ValueError for rows of other lengths,
    TypeError for what is no number."""
    try:
        host: Any = backend_for(CPU)
        found = part if hasattr(part, "dtype") else host.asarray([_item(p) for p in part])
    except ValueError as error:
        raise ValueError("expected sequences of one length in a list of indices") from error
    if found.dtype.kind not in "biuf":
        raise TypeError(f"expected a list of indices, which are ints, got {part!r:.100}")
    xp: Any = backend_of(array)
    found = xp.asarray(found)
    return found if found.size else found.astype(int64.array)


def _convert(part: Any, array: Array) -> Any:
    if type(part) is int or part is None or part is Ellipsis or isinstance(part, bool):
        return part
    if isinstance(part, slice):
        start, stop = (None if p is None else operator.index(p) for p in (part.start, part.stop))
        step = 1 if part.step is None else operator.index(part.step)
        if step <= 0:
            raise ValueError("step must be greater than zero")
        return slice(start, stop, step)
    if isinstance(part, Variable):
        found = part._array
        if type(found) is not type(array):
            if not is_host(found):
                raise RuntimeError(
                    "indices should be either on cpu or on the same device as the indexed tensor "
                    f"({device_of(array)}), but found {device_of(found)}"
                )
            found = move(found, device_of(array))
    elif isinstance(part, list | tuple | range) or hasattr(part, "__array__"):
        found = _listed(part, array)
    elif hasattr(type(part), "__index__"):
        return part.__index__()
    else:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            f"valid indices (got {type(part).__name__})"
        )
    if found.dtype.kind == "f":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if found.dtype == "uint8":
        found = found.astype(bool_.array)
    if found.ndim:
        return found
    return bool(found) if found.dtype.kind == "b" else int(found)


def _item(value: Any) -> Any:
    if isinstance(value, list | tuple | range):
        return [_item(v) for v in value]
    tensor: Any = value
    return tensor.item() if isinstance(value, Variable) else value


def _check_bounds(index: Index, array: Array, consumed: int) -> None:
    """Raise IndexError for arrays of positions outside, which CuPy would wrap around, and for masks
    of other sizes than the tensor has."""
    dim = 0
    for part in index:
        if part is Ellipsis:
            dim += array.ndim - consumed
        elif hasattr(part, "dtype"):
            sizes = array.shape[dim : dim + _consumes(part)]
            if part.dtype.kind != "b":
                xp: Any = backend_of(array)
                xp.check_index(part, sizes[0], f"dimension {dim}")
            elif part.shape != sizes:
                raise IndexError(
                    f"The shape of the mask {list(part.shape)} at index {dim} does not match the "
                    f"shape of the indexed tensor {list(array.shape)}"
                )
        if part is not Ellipsis:
            dim += _consumes(part)


def in_words(error: IndexError, index: Index, array: Array) -> IndexError:
    """The array library's complaint about integers and slices, in PyTorch's words."""
    parts = [part for part in index if _consumes(part)]
    if len(parts) <= array.ndim:
        return IndexError(str(error).replace("axis", "dimension"))
    if array.ndim or len(parts) > 1:
        return IndexError(f"too many indices for tensor of dimension {array.ndim}")
    if isinstance(parts[0], slice):
        return IndexError("slice() cannot be applied to a 0-dim tensor.")
    return IndexError(
        "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number"
    )


def _each_once(index: Index) -> bool:
    """Whether the index surely names no element twice: all but arrays of positions."""
    return not any(hasattr(part, "dtype") and part.dtype.kind != "b" for part in index)


def along(dim: int, place: int | slice | Array) -> Index:
    """The index of a place along one dimension."""
    return (*(slice(None),) * dim, place, ...)


# ----- reading -----


def _part_name(node: Any) -> str:
    """PyTorch has a name for each kind of index; of several the last one counts."""
    parts = [part for part in node.params["index"] if part is not ... and part != slice(None)]
    kinds = {int: "Select", slice: "Slice", type(None): "Unsqueeze"}
    return f"{kinds[type(parts[-1])] if parts else 'Alias'}Backward0"


@primitive(view=True, name=_part_name)
def _getitem(xp: Backend, input: Array, *, index: Index) -> Array:
    """A part that is a view: what integers, slices and new dimensions name."""
    return input[index]


@primitive(name=named("IndexBackward0"))
def _look_up(xp: Backend, input: Array, *, index: Index, name: str = "") -> Array:
    """A copy of what arrays of positions and masks name."""
    return packed(input[index])


@primitive
def _scatter_add_at(xp: Backend, values: Array, *, shape: tuple[int, ...], index: Index) -> Array:
    """Zeros with the values added at index: the gradient of brackets."""
    result = xp.zeros(shape, values.dtype)
    if _each_once(index):
        result[index] = values
    else:
        xp.scatter_add(result, index, values)
    return result


_getitem.gradients(lambda g, _y, x_shape, *, index: _scatter_add_at(g, shape=x_shape, index=index))
_look_up.gradients(
    lambda g, _y, x_shape, *, index, name="": _scatter_add_at(g, shape=x_shape, index=index)
)


def part(input: Any, index: Index) -> Any:
    """What the index names, as a view if it can be one."""
    plain = all(map(_is_plain, index))
    return _getitem(input, index=index) if plain else _look_up(input, index=index)


_scatter_add_at.gradients(lambda g, _y, _x, *, shape, index: part(g, index))


def getitem(input: Any, index: Any) -> Any:
    """``input[index]``: a view for integers, slices, None and Ellipsis; a copy for masks and
    integer tensors. Raises IndexError for bad positions or kinds of index."""
    first, then = prepare_index(index, input._array)
    try:
        found = _getitem(input, index=first) if first else input
    except IndexError as error:
        raise in_words(error, first, input._array) from None
    return found if then is None else _look_up(found, index=then)


# ----- writing -----


@primitive(name=named("IndexPutBackward0"))
def _put(
    xp: Backend, input: Array, values: Array, *, index: Index, accumulate: bool, name: str = ""
) -> Array:
    result = input.copy()
    if accumulate:
        xp.scatter_add(result, index, values)
    else:
        xp.assign(result, index, values)
    return result


@primitive
def _clear(xp: Backend, input: Array, *, index: Index) -> Array:
    result = input.copy()
    result[index] = 0
    return result


def _put_values(g: Any, shape: tuple[int, ...], index: Index) -> Any:
    """The gradient of values of that shape, which were broadcast to the place at index."""
    taken = part(g, index)
    lead = len(shape) - len(shape_of(taken))
    if lead > 0:
        taken = taken.reshape((1,) * lead + tuple(shape_of(taken)))
    return taken if tuple(taken.shape) == tuple(shape) else sum_to(taken, shape=shape)


_put.gradients(
    lambda g, _y, _x, v_shape, *, index, accumulate, name="": (
        g if accumulate else _clear(g, index=index)
    ),
    lambda g, _y, _x, v_shape, *, index, accumulate, name="": _put_values(g, v_shape, index),
)
_clear.gradients(lambda g, _y, _x, *, index: _clear(g, index=index))


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """A copy with values, broadcast to the shape of ``input[indices]``, written (or added) there.

    >>> place = (torch.tensor([0, 1]), torch.tensor([1, 0]))
    >>> torch.index_put(torch.zeros(2, 2), place, torch.tensor(5.0))
    tensor([[0., 5.],
            [5., 0.]])
    """
    for i in indices:
        if not isinstance(i, Variable | None):
            raise TypeError(
                "index_put(): argument 'indices' must be tuple of Tensors, but found element of "
                f"type {type(i).__name__}"
            )
    indices = [
        i.reshape((1,)) if isinstance(i, Variable) and not i._array.ndim else i  # type: ignore[attr-defined]
        for i in indices
    ]
    check_same_dtype("index_put", input, values)
    first, then = prepare_index(tuple(indices), input._array)
    return _put(input, values, index=first if then is None else then, accumulate=accumulate)
