"""The GPU backend: CuPy's functions, and device versions of what NumPy does differently.

The host waits for the device in `to_host`, `check_index` and `synchronize`, in `.item()`, and
where the size of a result depends on values: masks as indices, nonzero, unique, bincount.
Everything else is only put into the device's queue.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import cupy
import cupyx
import numpy as np
from cupy import (
    absolute, add, all, amax, amin, any, arange, arccos, arccosh, arcsin, arcsinh, arctan,
    arctan2, arctanh, argmax, argmin, argsort, array_split, ascontiguousarray, bincount,
    bitwise_and, bitwise_or, bitwise_xor, broadcast_arrays, broadcast_to, ceil, clip,
    concatenate, copysign, cos, cosh, count_nonzero, cumprod, cumsum, diagonal, einsum, empty,
    empty_like, equal, exp, exp2, expand_dims, expm1, eye, flip, floor, floor_divide, fmod,
    frexp, from_dlpack, full, full_like, gcd, greater, greater_equal, hypot, invert, isfinite,
    isinf, isnan, lcm, less, less_equal, linspace, log, log10, log1p, log2,
    logical_and, logical_not, logical_or, logical_xor, matmul, maximum, median, minimum,
    moveaxis, multiply, nan_to_num, ndarray, negative, nextafter, nonzero, not_equal, ones,
    ones_like, power, prod, remainder, repeat, rint, roll, searchsorted, sign, signbit, sin,
    sinh, sqrt, square, stack, subtract, sum, take, take_along_axis, tan, tanh, tile, transpose,
    tril, triu, true_divide, trunc, unique, where, zeros, zeros_like,
)  # fmt: skip
from cupy.lib.stride_tricks import as_strided
from cupy.linalg import det, eigh, qr, slogdet, svd

from . import determinism
from .protocol import FusedCell

# Where GPUs can read each other's memory, CuPy computes on the current one whatever the arrays'
# own is, and warns. The result would be on the wrong GPU, so it is an error as it is elsewhere.
warnings.filterwarnings("error", message="The device where the array resides")

fused_cells: dict[str, FusedCell] = {}  # recurrent layers run step by step

_runtime = cupy.cuda.runtime


# ----- devices -----


def device_count() -> int:
    """How many GPUs there are; 0 if there is no driver either."""
    try:
        return _runtime.getDeviceCount()
    except _runtime.CUDARuntimeError:
        return 0


def why_none() -> str:
    """What keeps `device_count` at 0, for an error message."""
    try:
        _runtime.getDeviceCount()
    except _runtime.CUDARuntimeError as error:
        driver = _runtime.driverGetVersion()  # 13020 for CUDA 13.2, 0 if there is none
        if not driver:
            return "no NVIDIA driver was found"
        if error.status == 35:  # cudaErrorInsufficientDriver
            return (
                f"the NVIDIA driver is too old for this CuPy: it knows CUDA up to "
                f"{driver // 1000}.{driver % 1000 // 10}. Update the driver or install the CuPy "
                "for an older CUDA"
            )
        return str(error)
    return "no NVIDIA GPU was found"


def current_device() -> int:
    """The number of the GPU that new arrays are made on."""
    return _runtime.getDevice()


def set_device(index: int) -> None:
    """Make a GPU the current one."""
    cupy.cuda.Device(index).use()


def device_name(index: int) -> str:
    """The product name of a GPU."""
    return _runtime.getDeviceProperties(index)["name"].decode()


def memory(index: int | None) -> tuple[int, int]:
    """The bytes in living arrays on a GPU, and the bytes kept for this process, these included."""
    pool = cupy.get_default_memory_pool()
    with on_device(index):
        return pool.used_bytes(), pool.total_bytes()


def empty_cache() -> None:
    """Give all memory that no array uses back to the GPUs."""
    for index in range(device_count()):
        with on_device(index):
            cupy.get_default_memory_pool().free_all_blocks()


def on_device(index: int | None) -> Any:
    return cupy.cuda.Device(index)


def synchronize() -> None:
    cupy.cuda.Device().synchronize()


# ----- linear algebra -----


def _checked(function: Any) -> Any:
    """The function, with numpy.linalg.LinAlgError for matrices that it is not defined for: the
    host waits for the device to know."""

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        with cupyx.errstate(linalg="raise"):
            return function(*args, **kwargs)

    return checked


cholesky, inv, solve = map(_checked, (cupy.linalg.cholesky, cupy.linalg.inv, cupy.linalg.solve))


# ----- arrays -----


def asarray(value: Any, dtype: np.dtype | None = None) -> cupy.ndarray:
    return cupy.asarray(value, dtype)


def from_host(array: np.ndarray, index: int | None) -> cupy.ndarray:
    with on_device(index):
        return cupy.array(array)


def to_host(array: cupy.ndarray) -> np.ndarray:
    return cupy.asnumpy(array)


def device_index(array: cupy.ndarray) -> int | None:
    return array.device.id


# GPUs add to one place from many threads in these types only. int64 adds up as uint64 does: the
# bits of a sum are the same.
_ADDED_AS = {"int64": "uint64", **dict.fromkeys(("int16", "int8", "uint8", "bool"), "int32")}


def scatter_add(target: cupy.ndarray, index: Any, values: Any) -> None:
    if target.dtype.kind == "f":
        determinism.alert("scatter_add")
    values = cupy.asarray(values, target.dtype)
    other = _ADDED_AS.get(target.dtype.name)
    if other is None:
        cupy.add.at(target, index, values)
    elif other == "uint64":
        cupy.add.at(target.view(other), index, values.view(other))
    else:
        wide = target.astype(other)
        cupy.add.at(wide, index, values.astype(other))
        target[...] = wide


def check_index(index: cupy.ndarray, size: int, what: str) -> None:
    # CuPy wraps bad indices around silently, so this reads back one number: a synchronisation.
    if index.size and bool(((index < -size) | (index >= size)).any()):
        host = to_host(index)
        bad = host[(host < -size) | (host >= size)].flat[0]
        raise IndexError(f"index {bad} is out of bounds for {what} with size {size}")
