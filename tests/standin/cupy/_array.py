"""The stand-in's array: a NumPy array that is treated as if it lay in a GPU's memory."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _graph
from ._indexing import index_for, write
from ._memory import Memory, changed, computed, not_capturing, values, wrap
from .standin import synchronized

# The host reads how large their results are, or (CuPy 13) waits until all is sorted
_SCANNING = ("cumprod", "cumsum")
_WAITING = ("argsort", "bincount", "median", "nonzero", "unique")


def apply(ufunc: np.ufunc, *args: Any, out: Any = None, **options: Any) -> Any:
    """Run one of NumPy's ufuncs as a kernel on the current device."""
    arrays = [values(arg) for arg in args]
    if out is None:
        return computed(lambda: ufunc(*arrays, **options))
    target = values(out)
    return changed(lambda: ufunc(*arrays, out=target, **options), out)


def _operator(ufunc: np.ufunc) -> Any:
    def method(self: Any, other: Any) -> Any:
        if getattr(other, "__array_priority__", 0) > ndarray.__array_priority__:
            return NotImplemented
        return apply(ufunc, self, other)

    return method


def _operators(ufunc: np.ufunc) -> tuple[Any, Any, Any]:
    """The methods of an operator: array + x, x + array, array += x."""

    def reflected(self: Any, other: Any) -> Any:
        return apply(ufunc, other, self)

    def in_place(self: Any, other: Any) -> Any:
        return apply(ufunc, self, other, out=self)

    return _operator(ufunc), reflected, in_place


def _option(x: Any) -> Any:
    """An argument behind the first: an array counts as one of the kernel's."""
    if isinstance(x, tuple | list):
        return type(x)(_option(part) for part in x)
    return values(x) if isinstance(x, ndarray | np.ndarray) else x


def options_of(
    name: str, parameters: str, args: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """All arguments by name. Raises TypeError for those that CuPy does not take."""
    names = parameters.split()
    if len(args) > len(names) or not named.keys() <= set(names):
        raise TypeError(f"{name}() takes no arguments but ({', '.join(names)})")
    given = dict(zip(names, args, strict=False)) | named
    return {key: _option(value) for key, value in given.items() if key != "out"}


def of_array(name: str, parameters: str) -> Callable[..., Any]:
    """CuPy's function or method of that name: of an array, and of parameters that NumPy shares."""
    numpy_function = getattr(np, name)

    def function(a: Any, *args: Any, **named: Any) -> Any:
        if not isinstance(a, ndarray):
            raise TypeError(f"{name}(): Unsupported type {type(a)}")
        out = (dict(zip(parameters.split(), args, strict=False)) | named).get("out")
        options = options_of(name, parameters, args, named)
        if name in _WAITING:
            synchronized(name)
        if options.get("weights") is not None:
            raise NotImplementedError("bincount: a GPU adds weights up in any order")
        if name in _SCANNING and a.dtype.kind == "f" and options.get("axis") is None:
            raise NotImplementedError(f"{name} without axis: CUB's takes sums as it finds them")
        if options.get("kind", "stable") not in (None, "stable"):
            raise ValueError(f"unsupported kind: {options['kind']}")
        array = values(a)
        if name == "bincount" and not array.size:
            raise ValueError("zero-size array to reduction operation cupy_max")
        if name == "empty_like":
            result = wrap(np.empty_like(array, **options))
            _graph.spoil(result._a)
            return result
        if out is not None:
            target = values(out)
            return changed(lambda: numpy_function(array, **options, out=target), out)
        if not isinstance(options.get("indices"), np.ndarray):
            return computed(lambda: numpy_function(array, **options), a)
        axis, indices = options.get("axis"), options.pop("indices")
        size = a.size if axis is None else a.shape[axis]  # positions outside wrap around
        return computed(lambda: numpy_function(array, indices % size, **options), a)

    function.__name__ = name
    return function


class ndarray(Memory):
    """An array on a device: its memory, and what CuPy does with it.

    Only `get` and what CuPy builds on it lead back to the host. NumPy's functions refuse the
    array (real CuPy lets NumPy dispatch to it, which hides a wrong `np.`), kernels refuse NumPy's
    arrays and arrays of a device that is not the current one.
    """

    __slots__ = ()
    __array_priority__ = 100
    __array_ufunc__ = None  # NumPy's ufuncs raise TypeError
    __hash__ = None  # type: ignore[assignment]

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} was called on a device array")

    # ----- reads: each is a synchronisation -----

    def get(self) -> np.ndarray:
        not_capturing()
        synchronized("reading an array")
        return self._a.copy()

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        """Copy an array of the host, of this dtype and shape, without waiting."""
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if (self.dtype, self.shape) != (arr.dtype, arr.shape):
            raise TypeError(f"{arr.dtype} {arr.shape} cannot be set to {self.dtype} {self.shape}")
        if not (self._a.flags.c_contiguous or self._a.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        not_capturing()
        self._a[...] = arr

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __reduce__(self) -> Any:
        return _upload, (self.get(),)

    # ----- views -----

    def reshape(self, *shape: Any) -> ndarray:
        return computed(lambda: self._a.reshape(*shape), self)

    def transpose(self, *axes: Any) -> ndarray:
        return wrap(self._a.transpose(*axes), self)

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        return wrap(self._a.swapaxes(axis1, axis2), self)

    def ravel(self, order: str = "C") -> ndarray:
        if order == "K":
            raise NotImplementedError("ravel with order='K' not yet implemented.")
        return computed(lambda: self._a.ravel(order), self)

    def flatten(self, order: str = "C") -> ndarray:
        return computed(lambda: values(self).flatten(order))

    def view(self, dtype: Any = None) -> ndarray:
        return wrap(self._a.view() if dtype is None else self._a.view(dtype), self)

    def squeeze(self, axis: Any = None) -> ndarray:
        result = self._a.squeeze(axis)
        return self if result.ndim == self.ndim else wrap(result, self)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> ndarray:
        return wrap(self._a.diagonal(offset, axis1, axis2), self)

    @property
    def T(self) -> ndarray:
        return wrap(self._a.T, self)

    real = property(lambda self: wrap(self._a.real, self))
    imag = property(lambda self: wrap(self._a.imag, self))

    # ----- indexing -----

    def __getitem__(self, key: Any) -> ndarray:
        index, advanced = index_for(key, self.shape)
        array = values(self) if advanced else self._a
        return computed(lambda: array[index()], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        index, _ = index_for(key, self.shape)
        array, new = values(self), values(value)
        changed(lambda: write(array, index(), new), self)

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    # ----- copies -----

    def copy(self, order: str = "C") -> ndarray:
        """A copy on the current device, wherever this array is."""
        return computed(lambda: self._a.copy(order))

    def astype(
        self, dtype: Any, order: str = "K", casting: None = None, subok: None = None,
        copy: bool = True,
    ) -> ndarray:  # fmt: skip
        if not copy and self.dtype == dtype:
            return self
        array = values(self)
        return computed(lambda: array.astype(dtype, order))

    def fill(self, value: Any) -> None:
        array = values(self)
        new = values(value)
        changed(lambda: array.fill(new), self)

    # ----- operators -----

    __add__, __radd__, __iadd__ = _operators(np.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract)
    __mul__, __rmul__, __imul__ = _operators(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.true_divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__, __imod__ = _operators(np.remainder)
    __pow__, __rpow__, __ipow__ = _operators(np.power)
    __pow__ = _operator(operator.pow)  # of which NumPy 2.0 makes square roots, not of np.power
    __matmul__, __rmatmul__, __imatmul__ = _operators(np.matmul)
    __lshift__, __rlshift__, __ilshift__ = _operators(np.left_shift)
    __rshift__, __rrshift__, __irshift__ = _operators(np.right_shift)
    __and__, __rand__, __iand__ = _operators(np.bitwise_and)
    __or__, __ror__, __ior__ = _operators(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = _operators(np.bitwise_xor)
    __lt__, __le__ = _operator(np.less), _operator(np.less_equal)
    __gt__, __ge__ = _operator(np.greater), _operator(np.greater_equal)
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)  # type: ignore[assignment]

    def __neg__(self) -> ndarray:
        return apply(np.negative, self)

    def __pos__(self) -> ndarray:
        return self

    def __abs__(self) -> ndarray:
        return apply(np.absolute, self)

    def __invert__(self) -> ndarray:
        return apply(np.invert, self)

    # ----- methods that are functions, too -----

    sum = of_array("sum", "axis dtype out keepdims")
    mean = of_array("mean", "axis dtype out keepdims")
    prod = of_array("prod", "axis dtype out keepdims")
    max = of_array("max", "axis out keepdims")
    min = of_array("min", "axis out keepdims")
    all = of_array("all", "axis out keepdims")
    any = of_array("any", "axis out keepdims")
    argmax = of_array("argmax", "axis out dtype keepdims")
    argmin = of_array("argmin", "axis out dtype keepdims")
    var = of_array("var", "axis dtype out ddof keepdims")
    std = of_array("std", "axis dtype out ddof keepdims")
    cumsum = of_array("cumsum", "axis dtype out")
    cumprod = of_array("cumprod", "axis dtype out")
    argsort = of_array("argsort", "axis")
    clip = of_array("clip", "a_min a_max out")
    round = of_array("round", "decimals out")
    repeat = of_array("repeat", "repeats axis")
    take = of_array("take", "indices axis")
    nonzero = of_array("nonzero", "")

    # ----- other libraries -----

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self._a.ctypes.data, False),
            "strides": None if self._a.flags.c_contiguous else self.strides,
            "stream": 1,
            "version": 3,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._device  # kDLCUDA

    def __dlpack__(self, **options: Any) -> Any:
        return SimpleNamespace(array=self)  # stands for the capsule


def _upload(array: np.ndarray) -> ndarray:
    return ndarray(array.copy())
