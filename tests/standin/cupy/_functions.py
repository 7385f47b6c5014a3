"""CuPy's functions, made of NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import cuda, standin
from ._array import apply, index_for, ndarray, options_of, values, wrap

# The types that a GPU adds in one step
_ATOMIC = ("float16", "float32", "float64", "int32", "uint32", "uint64")


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
        """a[indices] += b, with repeated positions adding up."""
        if self.__name__ != "add":
            raise NotImplementedError(f"`{self.__name__}.at` is not supported yet")
        index, _ = index_for(indices, a.shape)
        by_number = any(isinstance(i, np.ndarray) and i.dtype.kind != "b" for i in index)
        if by_number and a.dtype not in _ATOMIC:
            raise TypeError(
                "scatter_add only supports int32, float16, float32, float64, uint32, uint64, as "
                "data type"
            )
        np.add.at(values(a), index, np.asarray(values(b)).astype(a.dtype))


def maker(name: str, parameters: str) -> Callable[..., ndarray]:
    """CuPy's function of that name: of numbers only, to a new array."""
    numpy_function = getattr(np, name)

    def function(*args: Any, **named: Any) -> ndarray:
        options = options_of(name, parameters, args, named)
        if name == "arange" and len(args) == 1:
            options["start"], options["stop"] = 0, args[0]
        result = wrap(numpy_function(**options))
        if name == "empty" and result.dtype.kind == "f":
            result.fill(np.nan)  # what nobody wrote must not look like a result
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
        return wrap(np.concatenate(arrays, axis))
    np.concatenate(arrays, axis, out=values(out))
    return out


def stack(tup: Any, axis: int = 0) -> ndarray:
    return wrap(np.stack(_arrays("stack", tup), axis))


def matmul(x1: Any, x2: Any, out: Any = None) -> ndarray:
    _arrays("matmul", (x1, x2))
    return apply(np.matmul, x1, x2, out=out)


def frexp(x: Any) -> tuple[ndarray, ndarray]:
    return tuple(wrap(list(np.frexp(*_arrays("frexp", [x])))))


def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> ndarray:
    return wrap(np.einsum(subscripts, *_arrays("einsum", operands), optimize=optimize), *operands)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if not isinstance(condition, ndarray):
        raise TypeError(f"where(): Unsupported type {type(condition)}")
    if x is None and y is None:
        standin.synchronized("where")
        return wrap(np.nonzero(values(condition)))
    return wrap(np.where(values(condition), values(x), values(y)))


# ----- between host and device -----


def array(obj: Any, dtype: Any = None, copy: bool = True) -> ndarray:
    """A new array on the current device, of an array anywhere or of numbers."""
    if isinstance(obj, ndarray):
        here = obj._device == cuda.runtime.getDevice()
        copied = obj if here and not copy else obj.copy()
        return copied if dtype is None else copied.astype(dtype, copy=False)
    host = np.array(obj, dtype)
    if host.dtype.kind not in "biuf":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    return ndarray(host)


def asarray(a: Any, dtype: Any = None) -> ndarray:
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype, copy=False)
    return array(a, dtype)


def asnumpy(a: Any) -> np.ndarray:
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def from_dlpack(array: Any) -> ndarray:
    kind, index = array.__dlpack_device__()
    if kind != 2:  # kDLCUDA
        raise BufferError(f"from_dlpack(): expected an array in GPU memory, got device type {kind}")
    with cuda.Device(index):
        return ndarray(array.__dlpack__(stream=1).array._a)
