"""Other dtypes and devices, and PyTorch's type promotion: which dtype operands meet in.

Tensors with dimensions come first; a 0-d tensor, and then a Python number, change the result
only if they are of a higher category (bool < integer < floating).
"""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..autograd import Variable, primitive
from ..autograd.trace import tracing
from ..backends import (
    Array,
    Backend,
    HostScalar,
    backend_of,
    device,
    device_of,
    is_host,
    move,
    packed,
)
from ..dtypes import FLOATING, dtype


def _converted(array: Array, target: dtype) -> Array:
    result = array.astype(target.array)
    return packed(result) if 0 in array.strides else result  # of expanded memory: in order


@primitive
def _to_copy(xp: Backend, input: Array, *, target: dtype, source: dtype) -> Array:
    return _converted(input, target)


_to_copy.gradients(lambda g, _y, _x, *, target, source: _to_copy(g, target=source, source=target))


def cast(input: Any, target: dtype) -> Any:
    """The tensor in another dtype; itself if it has it already. A cast to an integer or bool
    dtype ends differentiation."""
    source = dtypes.of_array(input.dtype if backend_of(input) else input._array.dtype)
    if source is target:
        return input
    # No gradient flows through; but the plan of a step needs the operation
    ends = target.category != FLOATING or (source.category != FLOATING and not tracing.count)
    if ends and isinstance(input, Variable):
        return input._wrap(_converted(input._array, target))
    return _to_copy(input, target=target, source=source)


@primitive
def _to_device(
    xp: Backend, input: Array, *, target: device, source: device, non_blocking: bool = False
) -> Array:
    return move(input, target, non_blocking)


_to_device.gradients(
    lambda g, _y, _x, *, target, source, non_blocking=False: _to_device(
        g, target=source, source=target
    )
)


def to_device(input: Any, target: device, non_blocking: bool = False) -> Any:
    """The tensor on another device; itself if it is there already. With `non_blocking` a GPU reads
    pinned memory later, which must stay as it is until then."""
    here = device_of(input._array)
    if here.type == target.type and target.index in (None, here.index):
        return input
    return _to_device(input, target=target, source=here, non_blocking=non_blocking)


def result_type(*operands: Any) -> dtype:
    """The dtype that an operation on these tensors and Python numbers results in: one with
    dimensions decides before a 0-d one, and a 0-d one before a number, unless of a lower kind.

    >>> torch.result_type(torch.tensor([1]), 2.5)
    torch.float32
    """
    with_dims: dtype | None = None
    zero_dim: dtype | None = None
    number: dtype | None = None
    for operand in operands:
        if isinstance(operand, Variable):
            kind = dtypes.of_array(operand._array.dtype)
            if operand._array.ndim:
                with_dims = kind if with_dims is None else dtypes.promote_types(with_dims, kind)
            else:
                zero_dim = kind if zero_dim is None else dtypes.promote_types(zero_dim, kind)
        else:
            kind = dtypes.of_number(operand)
            number = kind if number is None else dtypes.promote_types(number, kind)
    result = with_dims
    for weaker in (zero_dim, number):
        if weaker is not None and (result is None or weaker.category > result.category):
            result = weaker
    if result is None:
        raise TypeError("result_type(): expected tensors or numbers, got no arguments")
    return result


_PLAIN = (float, int, bool)


def promote(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands in their common dtype; the same tuple if nothing needs to change.

    Python numbers stay numbers: NumPy, too, lets the array decide the dtype then.
    """
    kind = place = None
    for arg in args:
        if isinstance(arg, Variable):
            array = arg._array
            if kind is None:
                kind, place = array.dtype, type(array)
            elif array.dtype is not kind or type(array) is not place:
                return _promote(args)
        elif type(arg) is float:
            if kind is not None and kind.kind != "f":
                return _promote(args)
        elif type(arg) not in _PLAIN:
            return _promote(args)
    if kind is not None and (kind.kind == "f" or not _has_number(args)):
        return args
    return _promote(args)


def _has_number(args: tuple[Any, ...]) -> bool:
    return any(not isinstance(arg, Variable) for arg in args)


def _promote(args: tuple[Any, ...]) -> tuple[Any, ...]:
    owner = next((arg for arg in args if isinstance(arg, Variable)), None)
    plain = tuple(_plain(arg, owner) for arg in args)
    target = result_type(*plain)
    far = [a for a in plain if isinstance(a, Variable) and not is_host(a._array)]
    if far:  # a 0-d tensor on the CPU may meet tensors of another device, as a number would
        where = device_of(far[0]._array)
        plain = tuple(
            to_device(a, where)
            if isinstance(a, Variable) and is_host(a._array) and not a._array.ndim
            else a
            for a in plain
        )
    return tuple(cast(a, target) if isinstance(a, Variable) else fitting(a, target) for a in plain)


def _plain(value: Any, owner: Variable | None) -> Any:
    """NumPy's scalars as Python numbers, as their dtype must not widen a tensor's, and its arrays
    as tensors, which may: by NumPy's rules, by which float32 and int64 make float64."""
    if isinstance(value, HostScalar):
        return value.item()
    if isinstance(value, Variable | float | int):
        return value
    if owner is not None and is_host(value):
        dtypes.of_array(value.dtype)  # complains about types that tensors do not have
        xp: Any = backend_of(value)
        return owner._wrap(value.astype(xp.result_type(value.dtype, owner._array.dtype)))
    kind = type(value)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    hint = "; use torch.from_numpy(array) or tensor(...)" if where else ""
    raise TypeError(f"expected Tensor or Number as operand, but got {where}{kind.__name__}{hint}")


def fitting(number: Any, target: dtype) -> Any:
    """A number that the array library accepts beside arrays of the target dtype."""
    if target.category == dtypes.BOOL:
        return bool(number)
    if target.category == dtypes.INTEGER and not isinstance(number, float):
        bits = 8 * target.itemsize  # wrap around as PyTorch does, where NumPy would raise
        number = int(number) % (1 << bits)
        return number - (1 << bits) if target.is_signed and number >> (bits - 1) else number
    return number


_NUMBERS: Any = bool | int | float | HostScalar


def without_overflow(number: Any, target: dtype) -> Any:
    """What a number becomes in a dtype; in integers without a sign small negative ones count from
    the end. Raises RuntimeError for numbers beyond, infinite ones among integers too."""
    if not isinstance(number, _NUMBERS):
        raise TypeError(f"argument 'value' must be Number, not {type(number).__name__}")
    if target.category == dtypes.BOOL or not number:
        return fitting(number, target)
    if target.is_floating_point:
        highest = dtypes.finfo(target).max
        fits = -highest <= number <= highest or number - number != 0  # inf and nan have their own
    else:
        highest = dtypes.iinfo(target).max
        fits = -highest - target.is_signed <= number <= highest
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {target} without overflow")
    return number if target.is_floating_point else fitting(int(number), target)


def kind_of(other: Any) -> tuple[Any, dtype]:
    """The place and the dtype of the argument of `type_as`. Raises TypeError if it is no tensor."""
    if not isinstance(other, Variable):
        kind = type(other).__name__
        raise TypeError(f"type_as(): argument 'other' (position 1) must be Tensor, not {kind}")
    return device_of(other._array), dtypes.of_array(other._array.dtype)


def filling(value: Any, target: dtype | None) -> tuple[Any, dtype]:
    """The number that fills a new tensor, given as one or in a tensor of one element, and its
    dtype: its own if there is no target. Raises TypeError for anything else."""
    number: Any = value
    if isinstance(value, Variable) and value._array.size == 1:
        number = value._array.item()
    if not isinstance(number, bool | int | float | HostScalar):
        raise TypeError(f"argument 'fill_value' must be Number, not {type(value).__name__}")
    if target is not None and not isinstance(target, dtype):
        kind = type(target).__name__
        raise TypeError(f"full(): argument 'dtype' must be torch.dtype, not {kind}")
    target = target or dtypes.of_number(number)
    return without_overflow(number, target), target


def promote_floating(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """As `promote`, for operations with floating results: integers become the default dtype."""
    args = promote(args)
    first = next(a for a in args if isinstance(a, Variable))
    if first._array.dtype.kind == "f":
        return args
    target = dtypes.get_default_dtype()
    return tuple(cast(a, target) if isinstance(a, Variable) else a for a in args)
