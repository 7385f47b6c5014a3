"""PyTorch's tensor types of old, ``LongTensor([1, 2])``, ``FloatTensor(2, 3)``, and its `range`."""

from __future__ import annotations

import math
from typing import Any

from . import dtypes
from .creation import Device, arange, new
from .tensor import Tensor, legacy_array
from .warning import warn


class TensorType(type):
    """A class whose instances are the tensors of one dtype on the CPU, or on GPUs, made as `Tensor`
    makes them."""

    dtype: dtypes.dtype
    place: str

    def __new__(cls, dtype: dtypes.dtype, place: str = "cpu") -> TensorType:
        name = f"{dtype.scalar_name}Tensor"
        where, example = ("the CPU", f"{name}([1, 0])")
        if place == "cuda":
            where, example = ("the current GPU", f"cuda.{name}")
        doc = (
            f"The tensors of {dtype} on {where}. ``{name}(2, 3)`` makes one of that shape, "
            f"``{name}([2, 3])`` one of\nthese values; prefer `zeros` and `tensor`.\n\n"
            f"    >>> torch.{example}.dtype\n    {dtype}\n"
        )
        return super().__new__(cls, name, (), {"dtype": dtype, "place": place, "__doc__": doc})

    def __init__(cls, dtype: dtypes.dtype, place: str = "cpu") -> None:
        super().__init__(cls.__name__, (), {})

    def __call__(cls, *data: Any) -> Tensor:
        if len(data) == 1 and isinstance(data[0], Tensor):
            return data[0].detach().to(cls.place, cls.dtype)
        return new(legacy_array(data, cls.dtype, cls.place))

    def __instancecheck__(cls, instance: object) -> bool:
        return (
            isinstance(instance, Tensor)
            and instance.dtype is cls.dtype
            and instance.device.type == cls.place
        )


HalfTensor = TensorType(dtypes.float16)
FloatTensor = TensorType(dtypes.float32)
DoubleTensor = TensorType(dtypes.float64)
ByteTensor = TensorType(dtypes.uint8)
CharTensor = TensorType(dtypes.int8)
ShortTensor = TensorType(dtypes.int16)
IntTensor = TensorType(dtypes.int32)
LongTensor = TensorType(dtypes.int64)
BoolTensor = TensorType(dtypes.bool_)


def range(
    start: float, end: float, step: float = 1, *, dtype: dtypes.dtype | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Any:  # fmt: skip
    """The vector of start, start + step, ... up to and with end, in the default dtype. Deprecated:
    `arange` leaves end out, as Python's own range does. Raises RuntimeError as that does.

    >>> torch.range(1, 2, 0)
    Traceback (most recent call last):
    RuntimeError: step must be nonzero
    """
    count = math.floor((end - start) / step) + 1 if step else 0
    if count < 1:
        arange(start, end, step)  # raises, and says why
    warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end)."
    )
    steps = arange(count, dtype=dtypes.float64, device=device)
    result = (steps * step + start).to(dtype or dtypes.get_default_dtype())
    return result.requires_grad_(requires_grad)
