"""The CPU backend: NumPy's functions, and host versions of what CuPy does differently."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
from numpy import (
    absolute, add, all, amax, amin, any, arange, arccos, arccosh, arcsin, arcsinh, arctan, arctan2,
    arctanh, argmax, argmin, argsort, array_split, asarray, ascontiguousarray, bincount,
    bitwise_and, bitwise_or, bitwise_xor, broadcast_arrays, ceil, concatenate, copysign, cos,
    cosh, count_nonzero, einsum, empty, empty_like, equal, exp, exp2, expand_dims, expm1, eye, flip,
    floor, floor_divide, fmod, frexp, frombuffer, full, full_like, gcd, greater,
    greater_equal, hypot, invert, isfinite, isinf, isnan, lcm, less, less_equal, linspace, log,
    log10, log1p, log2, logical_and, logical_not, logical_or, logical_xor,
    maximum, median, minimum, moveaxis, multiply, nan_to_num, ndarray, negative, nextafter, nonzero,
    not_equal, ones, ones_like, power, remainder, repeat, result_type, rint, roll, searchsorted,
    sign, signbit, sin, sinh, sqrt, square, stack, subtract, take, take_along_axis, tan, tanh, tile,
    transpose, tril, triu, true_divide, trunc, unique, zeros, zeros_like,
)  # fmt: skip
from numpy.linalg import cholesky, det, eigh, inv, qr, slogdet, solve, svd

from . import cpu
from .compiled import CELLS
from .compiled.program import make as program
from .memory import keep_freed_memory

fused_cells = CELLS
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
# So do these, which warn of nan.
det = np.errstate(all="ignore")(det)
slogdet = np.errstate(all="ignore")(slogdet)
nan_to_num = np.errstate(over="ignore")(nan_to_num)


_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_FEW = 1024  # for fewer numbers NumPy's own is faster
_THREADED = (
    8192  # about the size of a matrix for whose product with a vector BLAS wakes its threads
)


def where(condition: Any, *choices: Any) -> Any:
    """As numpy.where, but by exclusive or and products of the numbers' bits with 0 and 1. NumPy's
    branches at each element, which takes ten times as long if the condition has no pattern."""
    if len(choices) < 2 or type(condition) is not ndarray or condition.size < _FEW:
        return np.where(condition, *choices)
    kind = result_type(*choices)
    bits = _BITS.get(kind.itemsize)
    if bits is None or condition.dtype != bool:
        return np.where(condition, *choices)
    a, b = (asarray(choice, kind).view(bits) for choice in choices)
    # In memory of its own, in the order that the condition's elements have there
    result = empty_like(condition, kind, shape=np.broadcast(condition, a, b).shape)
    if not b.ndim and not b:
        multiply(a, condition, out=result.view(bits))
    elif not a.ndim and not a:
        multiply(b, ~condition, out=result.view(bits))
    else:
        bitwise_xor((a ^ b) * condition, b, out=result.view(bits))
    return result


def from_dlpack(source: Any) -> Any:
    """As numpy.from_dlpack. NumPy 2.0 marks all that comes as read-only, and forbids to unmark it;
    what was read-only it did not let out."""
    array = np.from_dlpack(source)
    return asarray(_Writable(array)) if np.__version__.startswith("2.0.") else array


class _Writable:
    """The memory of an array, as any program may write it."""

    def __init__(self, array: Any) -> None:
        self._array = array  # keeps the memory
        interface = array.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}


def clip(array: Any, low: Any, high: Any, out: Any = None) -> Any:
    """As numpy.clip, with an infinity for the bound that is missing: for one bound NumPy takes
    three times as long as for both."""
    if array.dtype.kind == "f":
        low, high = -np.inf if low is None else low, np.inf if high is None else high
    return array.clip(low, high, out=out)


def diagonal(array: np.ndarray, offset: int, axis1: int, axis2: int) -> np.ndarray:
    view = array.diagonal(offset, axis1, axis2)
    view.flags.writeable = array.flags.writeable  # NumPy's own is read-only
    return view


def matmul(x1: np.ndarray, x2: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """As numpy.matmul, which takes three times as long as dot to start on two small matrices
    (large results dot fills with zeros first); larger ones go to the compiled kernels."""
    if x1.ndim == x2.ndim == 2:
        result = cpu.product(x1, x2, out) if x1.size * x2.shape[1] >= cpu.LARGE else None
        if result is not None:
            return result
        if x1.size < 4096 and out is None:
            return ndarray.dot(x1, x2)
    elif x1.ndim + x2.ndim == 3 and out is None:
        matrix, vector = (x1.T, x2) if x1.ndim == 2 else (x2, x1)
        product = cpu.product(vector[None], matrix, None) if matrix.size >= _THREADED else None
        if product is not None:
            return product[0]
    return np.matmul(x1, x2, out)


def broadcast_to(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.size == 1 and 0 not in shape and len(shape) >= array.ndim:  # in a third of the time
        return np.ndarray(shape, array.dtype, array, 0, (0,) * len(shape))
    view = np.broadcast_to(array, shape)
    view.flags.writeable = array.flags.writeable
    return view


def as_strided(x: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    if not x.flags.c_contiguous:  # memory with holes, of another library
        return np.lib.stride_tricks.as_strided(x, shape, strides)
    return np.ndarray(shape, x.dtype, x, 0, strides)  # NumPy's own hides whose memory it is


def from_host(array: np.ndarray, index: int | None, non_blocking: bool = False) -> np.ndarray:
    return array


def to_host(array: np.ndarray) -> np.ndarray:
    return array


def device_index(array: np.ndarray) -> int | None:
    return None


def scatter_add(target: np.ndarray, index: Any, values: np.ndarray) -> None:
    scatter_combine(target, index, values, "add")


def scatter_combine(target: np.ndarray, index: Any, values: np.ndarray, operation: str) -> None:
    combine = getattr(np, operation).at
    if target.dtype == np.float16:  # combined in float32, rounded once
        result = target.astype(np.float32)
        combine(result, index, values)
        target[...] = result
    else:
        combine(target, index, values)


def assign(target: np.ndarray, index: Any, values: Any) -> None:
    target[index] = values


def check_range(
    index: np.ndarray, low: int, high: int, error: type[Exception], message: str, below: str = ""
) -> None:
    if index.size == 1:
        if low <= index.item() < high:
            return
    elif not index.size or np.maximum.reduce(index.view(_BITS[index.itemsize]), axis=None) < high:
        return  # as numbers without sign: negative ones would be large
    if not (low <= index.min() and index.max() < high):
        bad = index[(index < low) | (index >= high)].flat[0]
        raise error((below if bad < 0 and below else message).format(bad))


def check_index(
    index: np.ndarray, size: int, what: str, error: type[Exception] = IndexError
) -> None:
    message = f"index {{}} is out of bounds for {what} with size {size}"
    check_range(index, -size, size, error, message)


_HERE = contextlib.nullcontext()


def on_device(index: int | None) -> Any:
    return _HERE


def synchronize() -> None:
    """The host computes as it is told; there is nothing to wait for."""
