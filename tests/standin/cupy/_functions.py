"""CuPy's functions, made of NumPy's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _graph, cuda, standin
from ._array import apply, ndarray, options_of
from ._memory import changed, computed, library_is_free, not_capturing, values, wrap


class ufunc:
    """A function of each element: of arrays and numbers."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self._ufunc = getattr(np, name)

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None) -> Any:
        if len(args) != self._ufunc.nin:
            raise TypeError(f"{self.__name__}() takes {self._ufunc.nin} arguments")
        return apply(self._ufunc, *args, out=out, **({} if dtype is None else {"dtype": dtype}))

    def at(self, a: ndarray, indices: Any, b: Any) -> None:
        raise NotImplementedError(
            f"{self.__name__}.at: a GPU changes repeated places in any order, which gives other "
            "bits each time"
        )


def maker(name: str, parameters: str) -> Callable[..., ndarray]:
    """CuPy's function of that name: of numbers only, to a new array."""
    numpy_function = getattr(np, name)

    def function(*args: Any, **named: Any) -> ndarray:
        options = options_of(name, parameters, args, named)
        if name == "arange" and len(args) == 1:
            options["start"], options["stop"] = 0, args[0]
        if name != "empty":
            return computed(lambda: numpy_function(**options))
        result = wrap(np.empty(**options))
        _graph.spoil(result._a)  # what nobody wrote must not look like a result
        return result

    function.__name__ = name
    return function


# ----- functions of several arrays -----


def _arrays(name: str, arrays: Any) -> list[np.ndarray]:
    for array in arrays:
        if not isinstance(array, ndarray):
            raise TypeError(f"{name}(): Unsupported type {type(array)}")
    return [values(array) for array in arrays]


def broadcast_arrays(*args: Any) -> list[ndarray]:
    return wrap(list(np.broadcast_arrays(*_arrays("broadcast_arrays", args))), *args)


def concatenate(tup: Any, axis: int | None = 0, out: Any = None) -> ndarray:
    arrays = _arrays("concatenate", tup)
    if out is None:
        return computed(lambda: np.concatenate(arrays, axis))
    target = values(out)
    return changed(lambda: np.concatenate(arrays, axis, out=target), out)


def stack(tup: Any, axis: int = 0) -> ndarray:
    arrays = _arrays("stack", tup)
    return computed(lambda: np.stack(arrays, axis))


def matmul(x1: Any, x2: Any, out: Any = None) -> ndarray:
    _arrays("matmul", (x1, x2))
    library_is_free("cuBLAS")
    return apply(np.matmul, x1, x2, out=out)


def result_type(*arrays_and_dtypes):
    return np.result_type(*(getattr(x, "dtype", x) for x in arrays_and_dtypes))


def frexp(x: Any) -> tuple[ndarray, ndarray]:
    arrays = _arrays("frexp", [x])
    return tuple(computed(lambda: list(np.frexp(*arrays))))


def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> ndarray:
    arrays = _arrays("einsum", operands)
    if len(arrays) > 1:
        library_is_free("cuBLAS")
    return computed(lambda: np.einsum(subscripts, *arrays, optimize=optimize), *operands)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if not isinstance(condition, ndarray):
        raise TypeError(f"where(): Unsupported type {type(condition)}")
    if x is None and y is None:
        standin.synchronized("where")
        return wrap(np.nonzero(values(condition)))
    chosen = values(condition), values(x), values(y)
    return computed(lambda: np.where(*chosen))


# ----- between host and device -----


def array(obj: Any, dtype: Any = None, copy: bool = True) -> ndarray:
    """A new array on the current device, of an array anywhere or of numbers."""
    if isinstance(obj, ndarray):
        here = obj._device == cuda.runtime.getDevice()
        copied = obj if here and not copy else obj.copy()
        return copied if dtype is None else copied.astype(dtype, copy=False)
    not_capturing()
    host = np.array(obj, dtype)
    if host.dtype.kind not in "biuf":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    return ndarray(host)


def asarray(a: Any, dtype: Any = None) -> ndarray:
    if hasattr(a, "__cuda_array_interface__") and not isinstance(a, ndarray):
        a = _on(a.__cuda_array_interface__)
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype, copy=False)
    return array(a, dtype)


def _on(there: dict[str, Any]) -> ndarray:
    """An array on memory that somebody else describes."""
    address, _ = there["data"]
    dtype, shape, strides = np.dtype(there["typestr"]), there["shape"], there["strides"]
    reach = sum(
        (n - 1) * step
        for n, step in zip(shape, strides or np.empty(shape, dtype).strides, strict=True)
    )
    memory = (ctypes.c_char * (reach + dtype.itemsize)).from_address(address)
    return ndarray(np.ndarray(shape, dtype, memory, 0, strides))


def asnumpy(a: Any) -> np.ndarray:
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def from_dlpack(array: Any) -> ndarray:
    kind, index = array.__dlpack_device__()
    if kind != 2:  # kDLCUDA
        raise BufferError(f"from_dlpack(): expected an array in GPU memory, got device type {kind}")
    with cuda.Device(index):
        return ndarray(array.__dlpack__(stream=1).array._a)
