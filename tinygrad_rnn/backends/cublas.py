"""Products of matrices on GPUs: cuBLAS by its own C interface.

CuPy's products refuse to run while a stream captures a CUDA graph; cuBLAS itself does not. So all
products of floating numbers go this way, whether captured or not: the same calls give the same
bits. Each stream has a handle with a workspace of its own, so that a graph finds the workspace
where it was, and results do not depend on what other streams do.

cuBLAS counts columns first. A row-major matrix is for it the transposed one, and C = A B is
C' = B' A', so the factors trade places.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

import cupy
import numpy as np

from .precision import allow_tf32

_WORKSPACE = 32 << 20  # bytes; what NVIDIA advises for its largest GPUs
_DEFAULT_ALGORITHM = -1

# The numbers of cublas_api.h and library_types.h: of a type of numbers, and of what to add up in
_TYPES = {"f": (0, 68), "d": (1, 70), "e": (2, 68)}
_ADDED_IN_TF32 = 77

# handle, transposed (2), m, n, k, factor, A, type, rows apart, matrices apart, B the same, factor
# of C, C the same, how many, added up in, algorithm
_I, _L, _P = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
_GEMM: list[Any] = [
    _P,
    _I,
    _I,
    _I,
    _I,
    _I,
    _P,
    _P,
    _I,
    _I,
    _L,
    _P,
    _I,
    _I,
    _L,
    _P,
    _P,
    _I,
    _I,
    _L,
    _I,
    _I,
    _I,
]

_ERRORS = {
    1: "not initialized", 3: "out of memory", 7: "invalid value", 8: "architecture mismatch",
    11: "mapping error", 13: "execution failed", 14: "internal error", 15: "not supported",
}  # fmt: skip


class _Scalars(NamedTuple):
    """1 and 0 in the host's memory, for the factors."""

    one: Any
    zero: Any

    @property
    def addresses(self) -> tuple[int, int]:
        return ctypes.addressof(self.one), ctypes.addressof(self.zero)


_FLOATS = _Scalars(ctypes.c_float(1), ctypes.c_float(0))
_DOUBLES = _Scalars(ctypes.c_double(1), ctypes.c_double(0))
_FACTORS = {"f": _FLOATS.addresses, "e": _FLOATS.addresses, "d": _DOUBLES.addresses}


def _check(status: int, what: str) -> None:
    if status:
        raise RuntimeError(f"cuBLAS: {what} failed: {_ERRORS.get(status, f'status {status}')}")


@functools.cache
def _library() -> Any:
    """The cuBLAS that CuPy has loaded. PyDLL, as a call takes less than giving up Python's lock."""
    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    try:
        _ = cupy.cuda.cublas  # CuPy finds it wherever it is installed, and loads it
        library = ctypes.PyDLL(f"libcublas.so.{major}")
    except (ImportError, OSError) as error:
        raise RuntimeError(
            f"products on a GPU need cuBLAS, which can't be loaded ({error}). Install the CUDA "
            f'toolkit, or its libraries: pip install "cupy-cuda{major}x[ctk]"'
        ) from error
    library.cublasCreate_v2.argtypes = [_P]
    library.cublasSetStream_v2.argtypes = [_P, _P]
    library.cublasSetWorkspace_v2.argtypes = [_P, _P, ctypes.c_size_t]
    library.cublasGemmStridedBatchedEx.argtypes = _GEMM
    return library


class _Handle:
    """cuBLAS on one stream of one GPU."""

    def __init__(self, stream: int) -> None:
        library, number = _library(), ctypes.c_void_p()
        _check(library.cublasCreate_v2(ctypes.addressof(number)), "cublasCreate")
        self.number = number.value
        _check(library.cublasSetStream_v2(self.number, stream), "cublasSetStream")
        self.workspace = cupy.empty(_WORKSPACE, "uint8")
        address = self.workspace.data.ptr
        status = library.cublasSetWorkspace_v2(self.number, address, _WORKSPACE)
        _check(status, "cublasSetWorkspace")


_handles: dict[tuple[int, int], _Handle] = {}


def prepare() -> _Handle:
    """The handle of the current stream; a stream must have it before it captures."""
    key = cupy.cuda.runtime.getDevice(), cupy.cuda.get_current_stream().ptr
    if key not in _handles:
        _handles[key] = _Handle(key[1])
    return _handles[key]


class _Factor(NamedTuple):
    """A stack of matrices as cuBLAS is told of them.

    Attributes:
        array: keeps the memory; (rows, columns) or (count, rows, columns).
        transposed: whether memory holds columns first.
        apart: elements from one row, or column, to the next.
        stack: elements from one matrix to the next; 0 for the same again.
    """

    array: cupy.ndarray
    transposed: int
    apart: int
    stack: int


def _factor(x: cupy.ndarray) -> _Factor:
    """The stack as it lies in memory, or a copy of it if cuBLAS can't read that."""
    size, (rows, columns) = x.itemsize, x.shape[-2:]
    down, right = x.strides[-2:]
    stack = x.strides[0] // size if x.ndim == 3 else 0
    # A dimension of one element has no stride to speak of
    if (right == size or columns == 1) and (down >= columns * size or rows == 1):
        return _Factor(x, 0, max(down // size if rows > 1 else columns, 1), stack)
    if (down == size or rows == 1) and (right >= rows * size or columns == 1):
        return _Factor(x, 1, max(right // size if columns > 1 else rows, 1), stack)
    return _factor(x.copy())


def _multiply(a: cupy.ndarray, b: cupy.ndarray, out: cupy.ndarray) -> None:
    """out = a b, for stacks of matrices, of which a or b may be a single one."""
    code = out.dtype.char
    left, right = _factor(b), _factor(a)
    m, n, k = out.shape[-1], out.shape[-2], a.shape[-1]
    kind, added_in = _TYPES[code]
    if code == "f" and allow_tf32():
        added_in = _ADDED_IN_TF32
    one, zero = _FACTORS[code]
    status = _library().cublasGemmStridedBatchedEx(
        prepare().number, left.transposed, right.transposed, m, n, k, one,
        left.array.data.ptr, kind, left.apart, left.stack,
        right.array.data.ptr, kind, right.apart, right.stack, zero,
        out.data.ptr, kind, m, m * n, len(out) if out.ndim == 3 else 1, added_in,
        _DEFAULT_ALGORITHM,
    )  # fmt: skip
    _check(status, "cublasGemmStridedBatchedEx")


def _stacked(x: cupy.ndarray, stack: tuple[int, ...]) -> cupy.ndarray:
    """Matrices in a stack of these dimensions as one of a single dimension, or a single matrix."""
    if x.ndim == 2 or math.prod(x.shape[:-2]) == 1:
        return x.reshape(x.shape[-2:])
    return cupy.broadcast_to(x, (*stack, *x.shape[-2:])).reshape(-1, *x.shape[-2:])


def matmul(x1: cupy.ndarray, x2: cupy.ndarray, out: cupy.ndarray | None = None) -> cupy.ndarray:
    """As numpy.matmul. Products of integers are CuPy's own."""
    if x1.dtype.char not in _TYPES or x2.dtype.char not in _TYPES or not (x1.ndim and x2.ndim):
        return cupy.matmul(x1, x2, out)
    if x1.dtype != x2.dtype:
        kind = np.result_type(x1.dtype, x2.dtype)
        x1, x2 = x1.astype(kind, copy=False), x2.astype(kind, copy=False)
    if x1.shape[-1] != x2.shape[-2 if x2.ndim > 1 else 0]:
        raise ValueError(f"matmul: shapes {x1.shape} and {x2.shape} do not fit")
    if x1.ndim == x2.ndim == 1:  # adding up is the same each time, and needs no library
        return _into(out, (x1 * x2).sum())
    a = x1[None] if x1.ndim == 1 else x1
    b = x2[:, None] if x2.ndim == 1 else x2
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*stack, *x1.shape[-2:-1], *x2.shape[1:][-1:])
    fits = out is not None and out.shape == shape and out.dtype == a.dtype
    result: Any = out if fits and out.flags.c_contiguous else cupy.empty(shape, a.dtype)  # type: ignore[union-attr]
    rows, columns = a.shape[-2], b.shape[-1]
    if not a.shape[-1]:
        result.fill(0)
    elif not result.size:
        pass
    elif b.ndim == 2 and a.flags.c_contiguous:  # one tall matrix instead of a stack
        _multiply(a.reshape(-1, a.shape[-1]), b, result.reshape(-1, columns))
    elif math.prod(stack) == 1:
        _multiply(_stacked(a, stack), _stacked(b, stack), result.reshape(rows, columns))
    else:
        _multiply(_stacked(a, stack), _stacked(b, stack), result.reshape(-1, rows, columns))
    return result if result is out else _into(out, result)


def _into(out: cupy.ndarray | None, result: cupy.ndarray) -> cupy.ndarray:
    """The result, in `out` if there is one."""
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError(f"matmul: out has shape {out.shape}, the result {result.shape}")
    out[...] = result
    return out
