"""The CPU backend: NumPy's functions, and host versions of what CuPy does differently."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
from numpy import (
    absolute, add, all, amax, amin, any, arange, arccos, arccosh, arcsin, arcsinh, arctan, arctan2,
    arctanh, argmax, argmin, argsort, array_split, asarray, ascontiguousarray, bincount,
    bitwise_and, bitwise_or, bitwise_xor, broadcast_arrays, ceil, clip, concatenate, copysign, cos,
    cosh, count_nonzero, einsum, empty, empty_like, equal, exp, exp2, expand_dims, expm1, eye, flip,
    floor, floor_divide, fmod, frexp, from_dlpack, frombuffer, full, full_like, gcd, greater,
    greater_equal, hypot, invert, isfinite, isinf, isnan, lcm, less, less_equal, linspace, log,
    log10, log1p, log2, logaddexp, logical_and, logical_not, logical_or, logical_xor, matmul,
    maximum, median, minimum, moveaxis, multiply, nan_to_num, ndarray, negative, nextafter, nonzero,
    not_equal, ones, ones_like, power, remainder, repeat, rint, roll, searchsorted, sign, signbit,
    sin, sinh, sqrt, square, stack, subtract, take, take_along_axis, tan, tanh, tile, transpose,
    tril, triu, true_divide, trunc, unique, where, zeros, zeros_like,
)  # fmt: skip
from numpy.linalg import cholesky, det, eigh, inv, qr, slogdet, solve, svd

from .fused import FUSED
from .memory import keep_freed_memory

fused_cells = FUSED
keep_freed_memory()

# PyTorch lets infinities and nans flow silently, and so do we. `numpy.errstate` around each
# operation would cost more than the operation; a filter for warnings that arise in this package's
# own code costs nothing, and leaves the user's own NumPy code and error state as they were.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tinygrad_rnn\.")

# ndarray.sum and numpy.sum add up in a module of NumPy's, where the filter does not reach.
sum = np.add.reduce
prod = np.multiply.reduce
cumsum = np.add.accumulate
cumprod = np.multiply.accumulate


def diagonal(array: np.ndarray, offset: int, axis1: int, axis2: int) -> np.ndarray:
    view = array.diagonal(offset, axis1, axis2)
    view.flags.writeable = array.flags.writeable  # NumPy's own is read-only
    return view


def broadcast_to(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    view = np.broadcast_to(array, shape)
    view.flags.writeable = array.flags.writeable
    return view


def as_strided(x: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    return np.ndarray(shape, x.dtype, x, 0, strides)  # NumPy's own hides whose memory it is


def from_host(array: np.ndarray, index: int | None) -> np.ndarray:
    return array


def to_host(array: np.ndarray) -> np.ndarray:
    return array


def device_index(array: np.ndarray) -> int | None:
    return None


def scatter_add(target: np.ndarray, index: Any, values: np.ndarray) -> None:
    np.add.at(target, index, values)


def check_index(index: np.ndarray, size: int, what: str) -> None:
    if index.size and not (-size <= index.min() and index.max() < size):
        bad = index[(index < -size) | (index >= size)].flat[0]
        raise IndexError(f"index {bad} is out of bounds for {what} with size {size}")


def on_device(index: int | None) -> Any:
    return contextlib.nullcontext()


def synchronize() -> None:
    """The host computes as it is told; there is nothing to wait for."""
