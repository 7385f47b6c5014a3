"""The GPU backend: CuPy's functions, and device versions of what NumPy does differently."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
from cupy import (
    absolute, add, all, amax, amin, any, arange, arccos, arccosh, arcsin, arcsinh, arctan, arctan2,
    arctanh, argmax, argmin, argsort, array_split, ascontiguousarray, bincount, bitwise_and,
    bitwise_or, bitwise_xor, broadcast_arrays, broadcast_to, ceil, clip, concatenate, copysign, cos,
    cosh, count_nonzero, cumprod, cumsum, diagonal, einsum, empty, empty_like, equal, exp, exp2,
    expand_dims, expm1, eye, flip, floor, floor_divide, fmod, from_dlpack, full, full_like, greater,
    greater_equal, invert, isfinite, isinf, isnan, less, less_equal, linspace, log, log10, log1p,
    log2, logaddexp, logical_and, logical_not, logical_or, logical_xor, matmul, maximum, median,
    minimum, moveaxis, multiply, nan_to_num, ndarray, negative, nonzero, not_equal, ones, ones_like,
    power, prod, put_along_axis, remainder, repeat, rint, roll, searchsorted, sign, signbit, sin,
    sinh, sqrt, square, stack, subtract, sum, take, take_along_axis, tan, tanh, tile, transpose,
    tril, triu, true_divide, trunc, unique, where, zeros, zeros_like,
)  # fmt: skip


def device_count() -> int:
    try:
        return cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:  # no driver, or no GPU behind it
        return 0


def asarray(value: Any, dtype: np.dtype | None = None) -> cupy.ndarray:
    return cupy.asarray(value, dtype)


def from_host(array: np.ndarray, index: int | None) -> cupy.ndarray:
    with on_device(index):
        return cupy.array(array)


def to_host(array: cupy.ndarray) -> np.ndarray:
    return cupy.asnumpy(array)


def device_index(array: cupy.ndarray) -> int | None:
    return array.device.id


def scatter_add(target: cupy.ndarray, index: Any, values: cupy.ndarray) -> None:
    cupy.add.at(target, index, values)


def check_index(index: cupy.ndarray, size: int, what: str) -> None:
    # CuPy wraps bad indices around silently, so this reads back one number: a synchronisation.
    if index.size and bool(((index < -size) | (index >= size)).any()):
        host = to_host(index)
        bad = host[(host < -size) | (host >= size)].flat[0]
        raise IndexError(f"index {bad} is out of bounds for {what} with size {size}")


def on_device(index: int | None) -> Any:
    return cupy.cuda.Device(index)


def synchronize() -> None:
    cupy.cuda.get_current_stream().synchronize()
