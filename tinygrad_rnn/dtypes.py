"""Data types under PyTorch's names, and PyTorch's rules for mixing them.

NumPy promotes int64 with float32 to float64; PyTorch keeps float32, because only the *category*
(bool < integer < floating) of the other operand matters. The rules here are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOOL, INTEGER, FLOATING = range(3)
_CATEGORY = {"b": BOOL, "i": INTEGER, "u": INTEGER, "f": FLOATING}


class dtype:
    """The type of a tensor's elements. Printed as PyTorch prints it: ``torch.float32``.

    Attributes:
        name: "float32", "int64", ...
        array: the array library's description of the same type.
        category: BOOL, INTEGER or FLOATING; promotion goes by it.
        scalar_name: PyTorch's name for one element's type, "Float", "Long", ...

    >>> torch.tensor([1]).dtype, torch.float32.itemsize, torch.int64.is_floating_point
    (torch.int64, 4, False)
    """

    __slots__ = ("array", "category", "itemsize", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.array = np.dtype(name)
        self.category = _CATEGORY[self.array.kind]
        self.itemsize = self.array.itemsize

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        return False

    @property
    def is_signed(self) -> bool:
        return self.array.kind in "if"

    @property
    def scalar_name(self) -> str:
        return _SCALAR_NAMES[self.name]

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[object, ...]:
        return _by_name, (self.name,)


class _OnlyName(dtype):
    """A type of which there are no tensors here, since no array library has it: programs that can
    use it name it even where they do without. Raises TypeError when an array is to have it."""

    __slots__ = ()

    def __init__(self, name: str, itemsize: int) -> None:
        self.name, self.category, self.itemsize = name, FLOATING, itemsize

    @property
    def array(self) -> np.dtype:  # type: ignore[override]
        raise TypeError(
            f"there are no tensors of {self}: NumPy and CuPy do not have this type; use "
            "torch.float16 or torch.float32"
        )

    @property
    def is_signed(self) -> bool:
        return True


float16 = dtype("float16")
bfloat16 = _OnlyName("bfloat16", 2)
float32 = dtype("float32")
float64 = dtype("float64")
int8 = dtype("int8")
int16 = dtype("int16")
int32 = dtype("int32")
int64 = dtype("int64")
uint8 = dtype("uint8")
bool_ = dtype("bool")

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)
_OF_ARRAY = {d.array: d for d in ALL}
_NAMES = {d.name: d for d in (*ALL, bfloat16)}
_PYTHON_TYPES: dict[type, dtype] = {bool: bool_, int: int64, float: float64}
_SCALAR_NAMES = {
    "bfloat16": "BFloat16", "float16": "Half", "float32": "Float", "float64": "Double",
    "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "bool": "Bool",
}  # fmt: skip


def _by_name(name: str) -> dtype:
    return _NAMES[name]


def as_dtype(value: object) -> dtype:
    """A dtype from what users pass for one: itself, Python's float, int or bool, a class such as
    LongTensor, or its name "torch.LongTensor". Raises TypeError for anything else."""
    if isinstance(value, dtype):
        return value
    if isinstance(value, type):
        found = _PYTHON_TYPES.get(value) or getattr(value, "dtype", None)
        if isinstance(found, dtype):
            return found
    for d in ALL:
        if isinstance(value, str) and value == f"torch.{d.scalar_name}Tensor":
            return d
    raise TypeError(f"expected a dtype such as torch.float32, got {value!r}")


def of_type(value: object) -> tuple[str | None, dtype]:
    """Where the tensors of a type are, if it says so, and their dtype: of "torch.LongTensor",
    "torch.cuda.LongTensor", the classes of these names, or what `as_dtype` takes. Raises ValueError
    for other names."""
    if not isinstance(value, str):
        return getattr(value, "place", None), as_dtype(value)
    for place, prefix in (("cpu", "torch."), ("cuda", "torch.cuda.")):
        for d in ALL:
            if value == f"{prefix}{d.scalar_name}Tensor":
                return place, d
    raise ValueError(f"invalid type: {value!r}: expected a name such as 'torch.FloatTensor'")


def of_array(array_dtype: np.dtype) -> dtype:
    """The dtype of an array. Raises TypeError for one that tensors do not have."""
    try:
        return _OF_ARRAY[array_dtype]
    except KeyError:
        supported = ", ".join(d.name for d in ALL)
        raise TypeError(
            f"can't convert an array of type {array_dtype}. The supported types are: {supported}."
        ) from None


_default = float32


def get_default_dtype() -> dtype:
    """The floating type of new tensors made from Python floats; float32 unless set otherwise.

    >>> torch.get_default_dtype()
    torch.float32
    """
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the floating type of new tensors. Raises TypeError for anything but a floating dtype.

    >>> torch.set_default_dtype(torch.float64)
    >>> torch.ones(1).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    global _default
    if not isinstance(d, dtype) or d.category != FLOATING:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default = of_array(d.array)


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds both: the higher category wins, within one NumPy's rule.

    >>> torch.promote_types(torch.int64, torch.float16)
    torch.float16
    """
    if type1 is type2:
        return _named(type1)
    if not (isinstance(type1, dtype) and isinstance(type2, dtype)):
        return promote_types(as_dtype(type1), as_dtype(type2))
    if type1.category != type2.category:
        return max(type1, type2, key=lambda d: d.category)
    return _OF_ARRAY[np.promote_types(type1.array, type2.array)]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether promotion allows this cast: not from floating to integer, nor to bool.

    >>> torch.can_cast(torch.int64, torch.float32), torch.can_cast(torch.float32, torch.int64)
    (True, False)
    """
    return bool(_named(from_).category <= _named(to).category)


def of_number(value: object) -> dtype:
    """The type a Python number has by itself: bool, int64, or the default floating type."""
    if isinstance(value, bool | np.bool_):
        return bool_
    return int64 if isinstance(value, int | np.integer) else _default


def _named(value: Any) -> Any:
    """The dtype that a Python type stands for; anything else as it is."""
    return _PYTHON_TYPES.get(value, value) if isinstance(value, type) else value


class _Limits:
    """What finfo and iinfo share: they are equal if their dtypes are."""

    dtype: str

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.dtype == getattr(other, "dtype", None)

    __hash__ = None  # type: ignore[assignment]


class finfo(_Limits):
    """Numerical limits of a floating dtype (default: the default dtype), as ``torch.finfo``.

    Attributes:
        bits: the size of a number.
        eps: the distance from 1 to the next number.
        max, min: the largest and the smallest finite number.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: the decimal digits that are exact, as 10 ** -digits.

    >>> torch.finfo(torch.float16).max
    65504.0
    """

    def __init__(self, type: dtype | None = None) -> None:
        kind = _default if type is None else _named(type)
        if not isinstance(kind, dtype) or kind.category != FLOATING:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                f"'{kind}'"
            )
        info = np.finfo(kind.array)
        self.dtype = kind.name
        self.bits = info.bits
        self.eps = info.eps.item()
        self.max = info.max.item()
        self.min = info.min.item()
        self.tiny = self.smallest_normal = info.tiny.item()
        self.resolution = 10.0**-info.precision

    def __repr__(self) -> str:
        limits = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in limits)
        return f"finfo({values}, dtype={self.dtype})"


class iinfo(_Limits):
    """Limits of an integer dtype, as ``torch.iinfo``.

    Attributes:
        bits: the size of a number.
        max, min: the largest and the smallest number.

    >>> torch.iinfo(torch.int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    def __init__(self, type: dtype) -> None:
        type = _named(type)
        if not isinstance(type, dtype) or type.category == FLOATING:
            raise TypeError(
                f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'"
            )
        if type.category != INTEGER:
            raise TypeError(f"{type} is not supported by torch.iinfo")
        info = np.iinfo(type.array)
        self.dtype, self.bits = type.name, info.bits
        self.max, self.min = info.max, info.min

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
