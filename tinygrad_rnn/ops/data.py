"""Arrays from what users write: numbers, nested lists, NumPy arrays, tensors among them."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..autograd import Variable
from ..backends import CPU, Array, HostScalar, backend_for, is_host, move


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
        plain = _plain(data, [])
        kind = dtypes.int64 if plain is None else _kind(plain)
        target = dtype or (dtypes.get_default_dtype() if kind is None else kind)
        try:
            return xp.asarray(plain, target.array)
        except OverflowError as error:
            raise RuntimeError(
                f"value cannot be converted to {target} without overflow: {error}"
            ) from None
        except ValueError as error:
            raise ValueError(f"tensor data can't be made an array: {error}") from None
    if dtype is not None:
        return array.astype(dtype.array)
    dtypes.of_array(array.dtype)  # complains about types that tensors do not have
    return array


def _plain(data: Any, path: list[int]) -> Any:
    """Nested lists of Python numbers, every list of one depth of the same length."""
    if isinstance(data, bool | int | float):
        return data
    if isinstance(data, Variable | HostScalar) or is_host(data):
        array = data._array if isinstance(data, Variable) else data
        if getattr(array, "ndim", 0) and not path:
            return array.tolist()
        return array.tolist() if getattr(array, "ndim", 0) else array.item()
    if isinstance(data, str | bytes | dict) or not hasattr(data, "__len__"):
        kind = type(data).__name__
        if path:
            raise TypeError(f"must be real number, not {kind} (at position {path} of the data)")
        raise TypeError(
            f"new(): invalid data type '{kind}': expected numbers or nested lists of them"
        )
    items = [_plain(data[i], [*path, i]) for i in range(len(data))]
    lengths = [len(item) if isinstance(item, list) else None for item in items]
    for length in lengths[1:]:
        if length != lengths[0]:
            if None in (length, lengths[0]):
                raise TypeError(f"expected numbers and lists not to be mixed at depth {len(path)}")
            raise ValueError(
                f"expected sequence of length {lengths[0]} at dim {len(path) + 1} (got {length})"
            )
    return items


def _kind(plain: Any) -> dtypes.dtype | None:
    """The dtype of nested numbers: the highest category that occurs; None without numbers."""
    if not isinstance(plain, list):
        return dtypes.of_number(plain)
    kinds = {_kind(item) for item in plain} - {None}
    return max(kinds, key=lambda k: k.category, default=None)  # type: ignore[union-attr]
