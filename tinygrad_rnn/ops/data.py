"""Arrays from what users write: numbers, nested lists, NumPy arrays, tensors among them."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from .. import dtypes
from ..autograd import Variable
from ..backends import CPU, Array, HostScalar, backend_for, device, is_host, move


def on_gpu(data: Any) -> Array | None:
    """The array of a tensor on a GPU, or an array on the memory of anything else there that has
    `__cuda_array_interface__`, such as CuPy's arrays; None for everything else."""
    if isinstance(data, Variable):
        return None if is_host(data._array) else data._array
    if not hasattr(data, "__cuda_array_interface__"):
        return None
    array = backend_for(device("cuda")).asarray(data)
    dtypes.of_array(array.dtype)  # complains about types that tensors do not have
    return array


def copied(data: Any, dtype: dtypes.dtype | None = None) -> Array:
    """As `array_of`, but what is on a GPU stays there."""
    array = on_gpu(data)
    if array is None:
        return array_of(data, dtype)
    return array.astype(array.dtype if dtype is None else dtype.array)


def array_of(data: Any, dtype: dtypes.dtype | None = None) -> Array:
    """A new host array of the data.

    Without a dtype, Python floats get the default dtype, integers int64, and arrays and tensors
    keep theirs. Raises ValueError for ragged lists, TypeError for what is not made of numbers,
    RuntimeError for numbers that do not fit the dtype.
    """
    xp: Any = backend_for(CPU)
    if isinstance(data, Variable):
        array = move(data._array, CPU).copy()
    elif is_host(data) or isinstance(data, HostScalar):
        array = xp.asarray(data).copy()
    elif hasattr(data, "__array__"):
        array = xp.asarray(data.__array__()).copy()
    else:
        return _of_lists(xp, data, dtype)
    if dtype is not None:
        return array.astype(dtype.array)
    dtypes.of_array(array.dtype)  # complains about types that tensors do not have
    return array


def _of_lists(xp: Any, data: Any, dtype: dtypes.dtype | None) -> Array:
    kinds = _kinds_of_numbers(data)
    if not kinds:  # there is something else among them, or nothing at all
        data = _plain(data, kinds, [])
    own = functools.reduce(dtypes.promote_types, kinds) if kinds else dtypes.get_default_dtype()
    target = dtype or own
    try:
        return xp.asarray(data, target.array)
    except (OverflowError, ValueError) as error:
        _plain(data, set(), [])  # says so if it is the nesting
        raise RuntimeError(
            f"value cannot be converted to {target} without overflow: {error}"
        ) from None


_NUMBERS = {bool, int, float}


def _kinds_of_numbers(data: Any) -> set[dtypes.dtype]:
    """The dtypes of nested lists of Python's own numbers; none if there is anything else."""
    level = data if isinstance(data, list | tuple) else [data]
    while level and isinstance(level[0], list | tuple):
        if not set(map(type, level)) <= {list, tuple}:
            return set()
        level = list(itertools.chain.from_iterable(level))
    types = set(map(type, level))
    return {dtypes.of_number(kind()) for kind in types} if types <= _NUMBERS else set()


def _plain(data: Any, kinds: set[dtypes.dtype], path: list[int]) -> Any:
    """Nested lists of Python numbers, every list of one depth of the same length. The dtypes that
    occur are added to `kinds`."""
    if isinstance(data, Variable | HostScalar) or is_host(data):
        array = data._array if isinstance(data, Variable) else data
        kinds.add(dtypes.of_array(array.dtype))
        return array.tolist()
    if isinstance(data, bool | int | float):
        kinds.add(dtypes.of_number(data))
        return data
    if isinstance(data, str | bytes | dict) or not hasattr(data, "__len__"):
        kind = type(data).__name__
        if path:
            raise TypeError(f"must be real number, not {kind} (at position {path} of the data)")
        raise TypeError(
            f"new(): invalid data type '{kind}': expected numbers or nested lists of them"
        )
    items = [_plain(data[i], kinds, [*path, i]) for i in range(len(data))]
    lengths = [len(item) if isinstance(item, list) else None for item in items]
    for length in lengths[1:]:
        if length != lengths[0]:
            if None in (length, lengths[0]):
                raise TypeError(f"expected numbers and lists not to be mixed at depth {len(path)}")
            raise ValueError(
                f"expected sequence of length {lengths[0]} at dim {len(path) + 1} (got {length})"
            )
    return items
