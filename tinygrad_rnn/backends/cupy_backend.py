"""The GPU backend: CuPy's functions, and device versions of what NumPy does differently.

The host waits for the device in `to_host` and `synchronize`, in `.item()`, where the size of a
result depends on values (masks as indices, nonzero, unique, bincount), where a matrix may have no
answer (cholesky, inv, solve), and where CuPy before version 14 sorts (argsort, median). Everything
else is only put into the device's queue.

No floats are added up by atomic operations, nor by anything else whose order changes: the same
work gives the same bits.
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
    arctan2, arctanh, argmax, argmin, argsort, array_split, ascontiguousarray,
    bitwise_and, bitwise_or, bitwise_xor, broadcast_arrays, broadcast_to, ceil, clip,
    concatenate, copysign, cos, cosh, count_nonzero, cumprod, cumsum, diagonal, empty,
    empty_like, equal, exp, exp2, expand_dims, expm1, eye, flip, floor, floor_divide, fmod,
    frexp, from_dlpack, full, full_like, gcd, greater, greater_equal, hypot, invert, isfinite,
    isinf, isnan, lcm, less, less_equal, linspace, log, log10, log1p, log2,
    logical_and, logical_not, logical_or, logical_xor, maximum, median, minimum,
    moveaxis, multiply, nan_to_num, ndarray, negative, nextafter, nonzero, not_equal, ones,
    ones_like, power, prod, remainder, repeat, result_type, rint, roll, searchsorted, sign, signbit,
    sin, sinh, sqrt, square, stack, subtract, sum, take, take_along_axis, tan, tanh, tile,
    transpose, tril, triu, true_divide, trunc, unique, where, zeros, zeros_like,
)  # fmt: skip
from cupy.lib.stride_tricks import as_strided
from cupy.linalg import det, eigh, qr, slogdet, svd

from .capture import capture
from .cublas import matmul
from .cupy_checks import check_index, check_range
from .cupy_einsum import einsum
from .cupy_graphs import Graph
from .deferred import deferred
from .kernels import FUSED
from .kernels.scatter import assign, scatter_add, scatter_combine

# Where GPUs can read each other's memory, CuPy computes on the current one whatever the arrays'
# own is, and warns. The result would be on the wrong GPU, so it is an error as it is elsewhere.
warnings.filterwarnings("error", message="The device where the array resides")

fused_cells = FUSED

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
            return "no NVIDIA driver was found: install one, from www.nvidia.com/drivers"
        if error.status == 35:  # cudaErrorInsufficientDriver
            return (
                f"the NVIDIA driver is too old for this CuPy: it knows CUDA up to "
                f"{driver // 1000}.{driver % 1000 // 10}. Update the driver or install the CuPy "
                'for an older CUDA: pip install "tinygrad-rnn[cuda12]"'
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


def device_properties(index: int) -> dict[str, Any]:
    """What there is to know of a GPU, under PyTorch's names."""
    found = _runtime.getDeviceProperties(index)
    return {
        "name": found["name"].decode(),
        "major": found["major"],
        "minor": found["minor"],
        "total_memory": found["totalGlobalMem"],
        "multi_processor_count": found["multiProcessorCount"],
        "warp_size": found["warpSize"],
        "L2_cache_size": found["l2CacheSize"],
    }


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


def memory_info(index: int) -> tuple[int, int]:
    """The free and all bytes of a GPU, whoever uses it."""
    with on_device(index):
        return _runtime.memGetInfo()


class _Peaks(cupy.cuda.MemoryHook):
    """The most bytes in living arrays on each GPU, counted as they are made and freed."""

    name = "tinygrad_rnn.peaks"

    def __init__(self) -> None:
        self.used: dict[int, int] = {}
        self.most: dict[int, int] = {}

    def reset(self, index: int) -> None:
        self.used[index] = self.most[index] = memory(index)[0]

    def malloc_postprocess(self, **details: Any) -> None:
        if not details["mem_ptr"]:  # there was no memory
            return
        index = details["device_id"]
        used = self.used[index] = self.used.get(index, 0) + details["mem_size"]
        if used > self.most.get(index, 0):
            self.most[index] = used

    def free_postprocess(self, **details: Any) -> None:
        index = details["device_id"]
        self.used[index] = self.used.get(index, 0) - details["mem_size"]


_peaks: _Peaks | None = None


def reset_peak_memory(index: int) -> None:
    """Count from now on for `peak_memory`. It makes every array a little slower to make."""
    global _peaks
    if _peaks is None:
        _peaks = _Peaks()
        for each in range(device_count()):
            _peaks.reset(each)
        _peaks.__enter__()
    _peaks.reset(index)


def peak_memory(index: int) -> int:
    """The most bytes in living arrays since `reset_peak_memory`, or, where nobody counted, the
    bytes kept for this process."""
    if _peaks is None:
        reset_peak_memory(index)
        return memory(index)[1]
    return max(_peaks.most[index], memory(index)[0])


def on_device(index: int | None) -> Any:
    return cupy.cuda.Device(index)


def synchronize() -> None:
    cupy.cuda.Device().synchronize()
    report()


def report() -> None:
    """Raise what a GPU found wrong, if there was something to look at."""
    if deferred.waiting:
        deferred.report()


def program(batch: int, dtype: Any) -> None:
    """None: there are no programs on a GPU."""


# ----- streams -----


_HAS_PRIORITIES = int(cupy.__version__.partition(".")[0]) >= 14


def new_stream(priority: int) -> cupy.cuda.Stream:
    """A stream of the current GPU beside the default one."""
    options = {"priority": priority} if _HAS_PRIORITIES else {}  # which are no more than a wish
    return cupy.cuda.Stream(non_blocking=True, **options)


def current_stream() -> cupy.cuda.Stream:
    """The stream that kernels of the current GPU go to."""
    return cupy.cuda.get_current_stream()


def null_stream() -> cupy.cuda.Stream:
    """The default stream."""
    return cupy.cuda.Stream.null


def new_event(timing: bool, blocking: bool, interprocess: bool) -> cupy.cuda.Event:
    return cupy.cuda.Event(blocking, not timing, interprocess)


def elapsed_time(start: cupy.cuda.Event, end: cupy.cuda.Event) -> float:
    """Milliseconds."""
    return cupy.cuda.get_elapsed_time(start, end)


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
    if type(value) is ndarray or capture.work is None:
        return cupy.asarray(value, dtype)
    return from_host(np.asarray(value, dtype), None)


def from_host(array: np.ndarray, index: int | None, non_blocking: bool = False) -> cupy.ndarray:
    with on_device(index):
        if capture.work is None:
            # The GPU reads pinned memory itself, later: only who says so must leave it as it is
            mine = not non_blocking and is_pinned(array)
            return cupy.array(array.copy() if mine else array)
        fixed = array.copy()
        return capture.work.array(cupy.empty(array.shape, array.dtype), lambda: fixed)


def to_host(array: cupy.ndarray) -> np.ndarray:
    host = cupy.asnumpy(array)
    report()
    return host


def pinned(array: np.ndarray) -> np.ndarray:
    """A copy in memory of the host that GPUs read by themselves."""
    copy = cupyx.empty_pinned(array.shape, array.dtype)
    copy[...] = array
    return copy


def is_pinned(array: np.ndarray) -> bool:
    """Whether it is such a copy, or a view of one."""
    owner: Any = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    return isinstance(owner, cupy.cuda.PinnedMemoryPointer)


def device_index(array: cupy.ndarray) -> int | None:
    return array.device.id


def bincount(x: cupy.ndarray, weights: cupy.ndarray | None, minlength: int) -> cupy.ndarray:
    if not x.size:  # of which CuPy before version 14 wants to know the largest
        return zeros(minlength, "int64")
    if weights is None:
        return cupy.bincount(x, None, minlength)
    result = zeros(max(int(x.max()) + 1, minlength), "float64")
    scatter_add(result, x, weights)
    return result
