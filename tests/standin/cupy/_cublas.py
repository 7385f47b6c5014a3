"""A stand-in for libcublas, as ctypes opens it: products of matrices in column-major order, by
address. Arguments are checked as cuBLAS checks them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _graph

OK, NOT_INITIALIZED, INVALID_VALUE = 0, 1, 7
_TYPES = {0: np.float32, 1: np.float64, 2: np.float16}
_COMPUTE = {68: np.float32, 77: np.float32, 70: np.float64}
_TF32 = 77


def _matrix(address: int, dtype: Any, rows: int, columns: int, ld: int) -> np.ndarray:
    size = dtype().itemsize
    buffer = (ctypes.c_char * (((columns - 1) * ld + rows) * size)).from_address(address)
    return np.ndarray((rows, columns), dtype, buffer, 0, (size, ld * size))


def _rounded(x: np.ndarray) -> np.ndarray:
    """As TF32 takes numbers: 10 bits behind the point."""
    return (x.view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)).view(np.float32)


class _Function:
    def __init__(self, call: Callable[..., int]) -> None:
        self.call = call
        self.argtypes: Any = None
        self.restype: Any = None

    def __call__(self, *args: Any) -> int:
        if len(args) != len(self.argtypes):
            raise TypeError(f"{len(args)} arguments for {len(self.argtypes)}")
        for arg, kind in zip(args, self.argtypes, strict=True):
            kind(arg)  # as ctypes does, complains of what can't be one
        return self.call(*args)


class Library:
    """What ``ctypes.PyDLL("libcublas.so.13")`` returns."""

    def __init__(self) -> None:
        self.handles: set[int] = set()
        self.calls = 0
        self.cublasCreate_v2 = _Function(self._create)
        self.cublasSetStream_v2 = _Function(self._set)
        self.cublasSetWorkspace_v2 = _Function(self._set)
        self.cublasGemmStridedBatchedEx = _Function(self._gemm)

    def _create(self, handle: int) -> int:
        number = len(self.handles) + 1
        self.handles.add(number)
        ctypes.c_void_p.from_address(handle).value = number
        return OK

    def _set(self, handle: int, *value: int) -> int:
        return OK if handle in self.handles else NOT_INITIALIZED

    def _gemm(
        self, handle: int, op_a: int, op_b: int, m: int, n: int, k: int, alpha: int,
        a: int, type_a: int, lda: int, stride_a: int,
        b: int, type_b: int, ldb: int, stride_b: int, beta: int,
        c: int, type_c: int, ldc: int, stride_c: int, count: int, compute: int, algorithm: int,
    ) -> int:  # fmt: skip
        self.calls += 1
        rows_a, columns_a = (k, m) if op_a else (m, k)
        rows_b, columns_b = (n, k) if op_b else (k, n)
        kinds = {type_a, type_b, type_c}
        if handle not in self.handles:
            return NOT_INITIALIZED
        if min(m, n, k, count) < 1 or lda < rows_a or ldb < rows_b or ldc < m or len(kinds) > 1:
            return INVALID_VALUE
        wide = _COMPUTE[compute]
        scalar = ctypes.c_double if wide is np.float64 else ctypes.c_float
        factor, kept = (scalar.from_address(address).value for address in (alpha, beta))
        dtype = _TYPES[type_a]
        size = dtype().itemsize

        def work() -> None:
            for i in range(count):
                x = _matrix(a + i * stride_a * size, dtype, rows_a, columns_a, lda)
                y = _matrix(b + i * stride_b * size, dtype, rows_b, columns_b, ldb)
                z = _matrix(c + i * stride_c * size, dtype, m, n, ldc)
                x, y = (part.astype(wide) for part in (x, y))
                if compute == _TF32:
                    x, y = _rounded(x), _rounded(y)
                product = factor * ((x.T if op_a else x) @ (y.T if op_b else y))
                z[...] = product if not kept else product + kept * z

        _graph.change(work)
        return OK


library = Library()


class PyDLL(ctypes.PyDLL):
    """ctypes' own, except for the library that there is none of here."""

    def __new__(cls, name: str | None, *args: Any, **options: Any) -> Any:
        return library if name and name.startswith("libcublas") else super().__new__(cls)


ctypes.PyDLL = PyDLL  # type: ignore[misc]
