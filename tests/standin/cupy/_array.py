"""The stand-in's array: a NumPy array that is treated as if it lay in a GPU's memory."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import _graph, cuda
from .standin import synchronized

_NUMBERS = (bool, int, float, complex, np.generic)
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


class ndarray:
    """An array on a device.

    Only `get` and what CuPy builds on it lead back to the host. NumPy's functions refuse the
    array (real CuPy lets NumPy dispatch to it, which hides a wrong `np.`), kernels refuse NumPy's
    arrays and arrays of a device that is not the current one.

    Attributes:
        base: the array that owns the memory, never itself a view; None if this one does.
    """

    __slots__ = ("__weakref__", "_a", "_device", "_pool", "base")
    __array_priority__ = 100
    __array_ufunc__ = None  # NumPy's ufuncs raise TypeError
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: np.ndarray, base: ndarray | None = None) -> None:
        self._a = array
        self.base = base
        self._device = cuda.runtime.getDevice() if base is None else base._device
        self._pool = cuda.allocate(array.nbytes) if base is None else None

    def __del__(self) -> None:
        pool = getattr(self, "_pool", None)  # None, too, if there was no memory for it
        if pool is not None:
            pool.freed(self._device, self._a.nbytes)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} was called on a device array")

    # ----- what the host knows without asking the device -----

    dtype = property(lambda self: self._a.dtype)
    shape = property(lambda self: self._a.shape)
    strides = property(lambda self: self._a.strides)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    device = property(lambda self: cuda.Device(self._device))
    data = property(lambda self: SimpleNamespace(ptr=self._a.ctypes.data))

    @property
    def flags(self) -> Any:
        flags = self._a.flags
        return SimpleNamespace(
            c_contiguous=flags.c_contiguous,
            f_contiguous=flags.f_contiguous,
            owndata=self.base is None,
        )

    def __len__(self) -> int:
        return len(self._a)

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
        changed(lambda: _write(array, index(), new), self)

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


def values(x: Any) -> Any:
    """What a kernel sees of an argument: an array of the current device, or a number."""
    if type(x) is ndarray:
        if x._device != cuda.runtime.getDevice():
            raise ValueError(
                f"The device where the array resides ({x._device}) is different from the current "
                f"device ({cuda.runtime.getDevice()}). Peer access is unavailable between these "
                "devices."
            )
        return x._a
    if isinstance(x, _NUMBERS):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def computed(function: Callable[[], Any], *sources: ndarray) -> Any:
    """What a kernel makes: of memory of its own, or, if NumPy makes a view of a source, a view."""
    with np.errstate(all="ignore"):  # a GPU says nothing about infinities
        result = wrap(function(), *sources)
    parts = result if isinstance(result, tuple | list) else [result]
    old = [id(source) for source in sources]  # arrays compare element by element
    new = [part._a for part in parts if part.base is None and id(part) not in old]
    if new:
        _graph.made(function, new)
    return result


def changed(function: Callable[[], Any], target: ndarray) -> ndarray:
    """The target, which a kernel has written to."""
    _graph.change(function)
    return target


def not_capturing() -> None:
    """Raise what CuPy raises where a stream that captures would have to copy from the host."""
    if _graph.capturing is not None:
        raise RuntimeError(
            "the current stream is capturing, so synchronous API calls and memory copies are "
            "disallowed"
        )


def library_is_free(name: str) -> None:
    """Raise what CuPy raises where it would call this library while a stream captures."""
    if _graph.capturing is not None:
        raise NotImplementedError(
            f"calling {name} API during stream capture is currently unsupported"
        )


def wrap(result: Any, *sources: ndarray) -> Any:
    """A result of NumPy's as device arrays: views of the sources, or owners of their memory."""
    if isinstance(result, tuple | list):
        return type(result)(wrap(part, *sources) for part in result)
    array = np.asarray(result)  # a number stays on the device, as a 0-d array
    for source in sources:
        if array is source._a:
            return source
        owner = source if source.base is None else source.base
        if array.base is owner._a or np.may_share_memory(array, owner._a):
            array.flags.writeable = True  # CuPy has no read-only views
            return ndarray(array, owner)
    return ndarray(array if array.base is None else array.copy())


def _upload(array: np.ndarray) -> ndarray:
    return ndarray(array.copy())


def index_for(key: Any, shape: tuple[int, ...]) -> tuple[Callable[[], tuple[Any, ...]], bool]:
    """A function that gives the index for NumPy, and whether it takes a kernel to follow it.

    CuPy wraps positions that are outside around where an array names them; where a number does,
    it raises IndexError as NumPy does. A mask is counted first, and the host waits for that.
    """
    parts = key if isinstance(key, tuple) else (key,)
    named = sum(_consumed(part) for part in parts)
    index: list[Any] = []
    dim, advanced = 0, False
    for part in parts:
        if type(part) is ndarray:
            advanced = True
            positions = values(part)
            if part.dtype.kind == "b":
                synchronized("indexing with a mask")
            elif part.dtype.kind not in "iu":
                raise IndexError("arrays used as indices must be of integer or boolean type.")
            elif dim < len(shape) and shape[dim]:
                index.append(functools.partial(_wrapped_around, positions, shape[dim]))
                dim += 1
                continue
            index.append(positions)
        elif part is None or part is Ellipsis or isinstance(part, slice | int | np.integer):
            index.append(part)
        else:
            raise TypeError(f"Unsupported type {type(part)} as an index")
        dim += len(shape) - named if part is Ellipsis else _consumed(part)
    if not any(part is Ellipsis for part in parts):
        index.append(Ellipsis)  # a single element is then a 0-d view
    return lambda: tuple([part() if callable(part) else part for part in index]), advanced


def _write(array: np.ndarray, index: tuple[Any, ...], new: Any) -> None:
    """array[index] = new. Of values for one place a GPU keeps any, here it is the first, so that
    nobody counts on the last."""
    if not any(isinstance(part, np.ndarray) for part in index):
        array[index] = new
        return
    places = np.arange(array.size).reshape(array.shape)[index]
    while np.ndim(new) > places.ndim and len(new) == 1:
        new = new[0]
    array.flat[places.ravel()[::-1]] = np.broadcast_to(new, places.shape).ravel()[::-1]


def _wrapped_around(positions: np.ndarray, size: int) -> np.ndarray:
    return positions.astype(np.int64) % size


def _consumed(part: Any) -> int:
    """How many dimensions a part of an index names."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if type(part) is ndarray and part.dtype.kind == "b" else 1
