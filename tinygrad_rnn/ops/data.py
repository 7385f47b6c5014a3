"""Arrays from what users write: numbers, nested lists, NumPy arrays, tensors among them."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NoReturn

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
    keep theirs. Raises ValueError for ragged lists, TypeError or (without a dtype) RuntimeError
    for what is not made of numbers, RuntimeError for numbers that do not fit the dtype.
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


def whole(name: str, number: float) -> int:
    """A limit of a range of integers. Raises RuntimeError for what int64 does not have."""
    if not -(2.0**63) <= number < 2.0**63:
        raise RuntimeError(f"argument '{name}' = {number} cannot be converted to int64")
    return int(number)


def evenly(xp: Any, start: float, end: float, steps: int, target: dtypes.dtype) -> Array:
    """`steps` numbers from start to end, each counted from the nearer end: in double precision,
    and of a floating dtype those that PyTorch computes in it, with one rounding."""
    if target.is_floating_point:
        start, end = _rounded(start, target), _rounded(end, target)
        step = _rounded(_rounded(end - start, target) / max(steps - 1, 1), target)
    else:
        step = (end - start) / max(steps - 1, 1)
    i = xp.arange(steps).astype(dtypes.float64.array)
    from_end = _plus_product(end, -step, steps - 1 - i, target)
    return xp.where(i < max(steps // 2, 1), _plus_product(start, step, i, target), from_end)


def _rounded(number: float, target: dtypes.dtype) -> float:
    xp: Any = backend_for(CPU)
    return xp.asarray(number, dtypes.float64.array).astype(target.array).item()


def _plus_product(start: float, step: float, count: Array, target: dtypes.dtype) -> Array:
    """start + step * count, rounded once (in half precision twice, as PyTorch does)."""
    if target is dtypes.float16:
        return start + (step * count).astype(target.array).astype(dtypes.float64.array)
    scaled = step * 134217729.0  # 2**27 + 1: splits a number into halves of its bits
    high = scaled - (scaled - step)
    product, rest = high * count, (step - high) * count  # exact, both
    total = start + product
    part = total - start
    return total + ((start - (total - part)) + (product - part) + rest)  # what the sum lost


def _of_lists(xp: Any, data: Any, target: dtypes.dtype | None) -> Array:
    kinds = _kinds_of_numbers(data)
    if not kinds:  # there is something else among them, or nothing at all
        data = _plain(data, kinds, [], target)
    own = functools.reduce(dtypes.promote_types, kinds) if kinds else dtypes.get_default_dtype()
    target = target or own
    try:
        return xp.asarray(data, target.array)
    except (OverflowError, ValueError) as error:
        _plain(data, set(), [], target)  # says so if it is the nesting
        return _wrapped(xp, data, target, error)


def _wrapped(xp: Any, data: Any, target: dtypes.dtype, error: Exception) -> Array:
    """The data in an integer dtype that some of it is not in the range of: PyTorch lets small
    negative numbers count from the end of uint8."""
    wide = xp.asarray(data)
    limit = dtypes.iinfo(dtypes.int64).max
    if wide.dtype.kind == "O" or (wide.dtype.kind == "u" and (wide > limit).any()):
        raise ValueError(f"Overflow when unpacking long long: {error}") from None
    limit = dtypes.iinfo(target).max
    if (wide <= limit).all() and (wide >= -limit - target.is_signed).all():
        return wide.astype(dtypes.int64.array).astype(target.array)
    raise RuntimeError(f"value cannot be converted to {target} without overflow: {error}") from None


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


def _plain(data: Any, kinds: set[dtypes.dtype], path: list[int], target: Any) -> Any:
    """Nested lists of Python numbers, every list of one depth of the same length. The dtypes that
    occur are added to `kinds`."""
    if isinstance(data, Variable | HostScalar) or is_host(data):
        array = data._array if isinstance(data, Variable) else data
        kinds.add(dtypes.of_array(array.dtype))
        return array.tolist()
    if isinstance(data, bool | int | float):
        kinds.add(dtypes.of_number(data))
        return data
    if isinstance(data, str | bytes | dict) or not hasattr(data, "__getitem__"):
        _refuse(data, path, target)
    if len(data) and isinstance(data[0], Variable):  # then tensors are numbers here
        data = [_number(item, [*path, i]) for i, item in enumerate(data)]
    items = [_plain(data[i], kinds, [*path, i], target) for i in range(len(data))]
    shapes = list(map(_shape, items))
    for shape in shapes[1:]:
        if shape != shapes[0]:
            if len(shape) != len(shapes[0]):
                raise TypeError(f"expected numbers and lists not to be mixed at depth {len(path)}")
            depth, expected, got = next(
                (depth, a, b)
                for depth, (a, b) in enumerate(zip(shapes[0], shape, strict=True))
                if a != b
            )
            raise ValueError(
                f"expected sequence of length {expected} at dim {len(path) + 1 + depth} (got {got})"
            )
    return items


def _number(item: Any, path: list[int]) -> Any:
    """An item of a list of tensors: as a tensor, a 0-d one."""
    if not isinstance(item, Variable):
        return item
    array = item._array
    if array.size != 1:
        where = f"this one, at position {path} of the data, has shape {list(array.shape)}"
        if array.dtype.kind == "f":
            raise ValueError(
                "only one element tensors can be converted to Python scalars; "
                f"{where}: stack() them"
            )
        raise TypeError(
            "only integer tensors of a single element can be converted to an index; "
            f"{where}: stack() them"
        )
    return item._wrap(array.reshape(()))


def _shape(data: Any) -> list[int]:
    """The lengths of nested lists that are alike at every depth."""
    shape = []
    while isinstance(data, list):
        shape.append(len(data))
        data = data[0] if data else None
    return shape


def _refuse(data: Any, path: list[int], target: dtypes.dtype | None) -> NoReturn:
    """Raise what PyTorch does for what is neither a number nor a sequence."""
    kind, where = type(data).__name__, f" (at position {path} of the data)" if path else ""
    if isinstance(data, str) and data and path and not any(path):
        raise ValueError(f"too many dimensions 'str'{where}: expected numbers, got {data!r}")
    if isinstance(data, str | bytes):
        raise TypeError(
            f"new(): invalid data type '{kind}'{where}: expected numbers or nested lists of them"
        )
    if target is not None:
        raise TypeError(f"must be real number, not {kind}{where}")
    raise RuntimeError(
        f"Could not infer dtype of {kind}{where}: expected numbers or nested lists of them"
    )
