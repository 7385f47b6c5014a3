"""Places that are named more than once: what they are given is combined, or written, in the order
it comes in, so that the same numbers give the same bits each time. A GPU by itself does it in any
order."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import cupy
import numpy as np

from ..determinism import setting
from .compiler import NULL, source

Array = Any
_DIGITS, _TILE, _PIECE, _THREADS = 256, 1024, 128, 256  # the first three as in the sources
_COMBINED_AS = {"f": "float", "e": "float", "d": "double"}  # by dtype; integers as int64
_DTYPES = {"float": "float32", "double": "float64", "int64": "int64"}
KERNELS = {  # by the file that they are in
    "order": {"count_digits", "sort_by_digit"},
    "runs": {"combine_pieces", "combine_runs", "write_last"},
}
OPERATIONS = "add", "multiply", "maximum", "minimum"  # as NumPy calls them


def options(number: str, value: str, operation: str = "add") -> tuple[str, ...]:
    """What the kernels are compiled with: the types of places and of what is combined, and how."""
    return "-std=c++17", f"-DNUMBER={number}", f"-DVALUE={value}", f"-DOPERATION={operation}"


class _Entries(NamedTuple):
    """Entries of `width` numbers that name rows of a target.

    keys: the rows that are named, rising.
    order: the entries' numbers, in the order of the keys.
    """

    keys: Array
    order: Array
    width: int


def scatter_add(target: Array, index: Any, values: Any) -> None:
    """target[index] += values in place, with repeated positions adding up."""
    scatter_combine(target, index, values, "add")


def scatter_combine(target: Array, index: Any, values: Any, operation: str) -> None:
    """target[index] = operation(target[index], values) in place, for one of `OPERATIONS` and one
    value after the other where positions repeat."""
    entries, kind, rows = _prepared(target, index, values)
    if entries is None:
        return
    pieces = cupy.empty((-(-len(entries.keys) // _PIECE), entries.width), rows.dtype)
    result = _contiguous(target, rows.dtype)
    _run("combine_pieces", kind, entries, len(pieces), rows, pieces, operation=operation)
    _run(
        "combine_runs", kind, entries, len(entries.keys), rows, pieces, result, operation=operation
    )
    if result is not target:
        target[...] = result


def assign(target: Array, index: Any, values: Any) -> None:
    """target[index] = values in place. Of values for one place the last one stays if
    `determinism.setting` asks for that, else any of them."""
    if not (setting.level and getattr(values, "ndim", 0)):
        target[index] = values
        return
    entries, kind, rows = _prepared(target, index, values)
    if entries is None:
        return
    result = _contiguous(target, rows.dtype)
    _run("write_last", kind, entries, len(entries.keys), rows, result)
    if result is not target:
        target[...] = result


def _prepared(target: Array, index: Any, values: Any) -> tuple[_Entries | None, str, Array]:
    """The entries, None if there are none; what numbers are combined as; the values as its rows."""
    numbers, end = _named(index, target.shape)
    row = target.shape[end:]
    kind = _COMBINED_AS.get(target.dtype.char, "int64")
    rows = cupy.broadcast_to(cupy.asarray(values, target.dtype), (*numbers.shape, *row))
    rows = _contiguous(rows, _DTYPES[kind])
    if not rows.size:
        return None, kind, rows
    wide = max(target.size, numbers.size) >= 2**31
    entries = _sorted(numbers.reshape(-1), math.prod(target.shape[:end]), wide)
    return _Entries(*entries, math.prod(row)), kind, rows


def _named(index: Any, shape: tuple[int, ...]) -> tuple[Array, int]:
    """The numbers of the rows that an index names, and the first dimension of a row: all from it
    on the index does not tell apart."""
    parts = list(index) if isinstance(index, tuple) else [index]
    end = len(shape)
    while parts and isinstance(parts[-1], slice) and parts[-1] == slice(None):
        parts.pop()
        end -= 1
    if parts and parts[-1] is ...:
        parts.pop()
    if not any(part is ... for part in parts):
        end = sum(map(_dimensions, parts))
    numbers = cupy.arange(math.prod(shape[:end])).reshape(shape[:end])
    return numbers[tuple(parts)], end


def _dimensions(part: Any) -> int:
    """How many dimensions a part of an index names."""
    if part is None or isinstance(part, bool):
        return 0
    mask = hasattr(part, "dtype") and part.dtype.kind == "b"
    return part.ndim if mask else 1


def _contiguous(array: Array, dtype: Any) -> Array:
    return cupy.ascontiguousarray(array.astype(dtype, copy=False))


def _sorted(keys: Array, size: int, wide: bool) -> tuple[Array, Array]:
    """Numbers below `size` in rising order, and from where each comes; equal ones stay in order.
    Both int64 if there are so many, else int32."""
    keys, order = _contiguous(keys, "int64" if wide else "int32"), NULL
    count, number = len(keys), keys.dtype.type
    blocks = -(-count // _TILE)
    for shift in range(0, max((size - 1).bit_length(), 1), _DIGITS.bit_length() - 1):
        counts = cupy.empty(_DIGITS * blocks, keys.dtype)
        given = number(count), np.int32(shift), keys
        launch = (blocks,), (_DIGITS,)
        _kernel("count_digits", number)(*launch, (*given, counts), shared_mem=4 * _TILE)
        ends = cupy.cumsum(counts, dtype=counts.dtype)  # of integers, in one kernel of CUB's
        made = cupy.empty_like(keys), cupy.empty_like(keys)
        _kernel("sort_by_digit", number)(
            *launch, (*given, order, ends, *made), shared_mem=4 * _TILE
        )
        keys, order = made
    return keys, order


def _run(
    name: str, kind: str, entries: _Entries, count: int, *arrays: Array, operation: str = "add"
) -> None:
    """A kernel with a thread for each of so many entries, or pieces, and each column."""
    number = entries.keys.dtype.type
    sizes = number(len(entries.keys)), number(entries.width)
    blocks = -(-count * entries.width // _THREADS)
    _kernel(name, number, kind, operation)(
        (blocks,), (_THREADS,), (*sizes, entries.keys, entries.order, *arrays)
    )


@functools.cache
def _kernel(name: str, number: type, value: str = "int64", operation: str = "add") -> Any:
    file = next(file for file, names in KERNELS.items() if name in names)
    given = options("int" if number is np.int32 else "int64", value, operation)
    return cupy.RawKernel(source(file), name, given)
