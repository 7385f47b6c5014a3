"""Devices by name, the default one, and which backend serves which device or array."""

from __future__ import annotations

import functools
import importlib
import operator
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import numpy_backend
from .protocol import Array, Backend

_CUDA_HELP = (
    'Install CuPy for your CUDA version: pip install "tinygrad-rnn[cuda12]" or '
    'pip install "tinygrad-rnn[cuda13]", or use device="cpu".'
)


class CudaUnavailable(RuntimeError, AssertionError):
    """A GPU was asked for where none can be used. PyTorch raises AssertionError if it was built
    without CUDA, RuntimeError if there is no GPU."""


class device:
    """Where a tensor lives: ``device("cpu")``, ``device("cuda")``, ``device("cuda:1")``.

    Inside ``with device("cuda"):`` tensors are made there unless told otherwise.
    Raises RuntimeError for a type of device there is no backend for.

    >>> torch.device("cuda", 1), torch.device("cpu").type
    (device(type='cuda', index=1), 'cpu')
    >>> with torch.device("cpu"):
    ...     print(torch.ones(2).device)
    cpu
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        elif not isinstance(type, str):
            kind = type.__class__.__name__
            raise TypeError(f"device(): type must be a str or device, got {kind}")
        name, colon, number = type.partition(":")
        if name not in ("cpu", "cuda"):
            raise RuntimeError(
                f"Expected one of cpu, cuda device type at start of device string: {type}"
            )
        if colon:
            if not number.isdigit() or index is not None:
                raise RuntimeError(
                    f"Invalid device string: '{type}'; expected for example 'cuda:0'"
                )
            index = int(number)
        try:
            index = None if index is None else operator.index(index)
        except TypeError:
            kind = index.__class__.__name__
            raise TypeError(f"device(): index must be int, not {kind}") from None
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, but got {index}")
        self.type, self.index = name, index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[object, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _defaults.set((*_defaults.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        _defaults.set(_defaults.get()[:-1])


CPU = device("cpu")
_defaults: ContextVar[tuple[device, ...]] = ContextVar("defaults", default=(CPU,))
HostScalar = np.generic  # what indexing a NumPy array, or NumPy's mathematics, gives for one number

# NumPy's own scalars are what its ufuncs return for 0-d arrays.
_HOST: Any = numpy_backend
_BY_TYPE: dict[type, Backend] = dict.fromkeys(
    (np.ndarray, *(np.dtype(c).type for c in "efdbhilqBHILQ?")), _HOST
)


@functools.cache
def _cuda_backend() -> Backend:
    """The CuPy backend. Raises RuntimeError that says what to install where there is none."""
    try:
        backend: Any = importlib.import_module(".cupy_backend", __package__)
    except ImportError as error:
        raise CudaUnavailable(
            f"cuda needs CuPy, which can't be imported ({error}). {_CUDA_HELP}"
        ) from None
    _BY_TYPE[backend.ndarray] = backend
    return backend


def cuda_device_count() -> int:
    """How many GPUs can be used: 0 without CuPy, without a driver, or without a GPU."""
    try:
        backend: Any = _cuda_backend()
    except RuntimeError:
        return 0
    return backend.device_count()


def backend_of(array: Array) -> Backend | None:
    """The backend whose array this is, None for anything that is not an array."""
    return _BY_TYPE.get(type(array))


def packed(array: Array) -> Array:
    """The new array with its elements in order (C), as PyTorch lays out most results, so that
    every view of them is possible; itself if it is so already."""
    return array if array.ndim < 2 or array.flags.c_contiguous else array.copy()


def is_host(value: object) -> bool:
    """Whether this is an array in host memory."""
    return isinstance(value, np.ndarray)


def backend_for(where: device) -> Backend:
    """The backend that serves a device. Raises RuntimeError if it can't be had here."""
    if where.type == "cpu":
        return numpy_backend  # type: ignore[return-value]
    backend: Any = _cuda_backend()
    count = backend.device_count()
    if count == 0:
        raise CudaUnavailable(f'cuda can\'t be used: {backend.why_none()}. Or use device="cpu".')
    if where.index is not None and where.index >= count:
        raise RuntimeError(
            f"invalid device ordinal: {where} was asked for, and the GPUs here are cuda:0 to "
            f"cuda:{count - 1}"
        )
    return backend


def pinned(array: Array) -> Array:
    """A copy in memory of the host that GPUs read by themselves. Raises RuntimeError for an array
    of a GPU, and where there is none."""
    if not is_host(array):
        raise RuntimeError(
            f"cannot pin a tensor on {device_of(array)}: only dense CPU tensors can be pinned"
        )
    if not cuda_device_count():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    backend: Any = _cuda_backend()
    return backend.pinned(array)


def is_pinned(array: Array) -> bool:
    """Whether it is one of these, or a view of one."""
    if not is_host(array) or not _cuda_backend.cache_info().currsize:
        return False
    backend: Any = _cuda_backend()
    return backend.is_pinned(array)


def device_of(array: Array) -> device:
    """The device that holds an array."""
    backend = _BY_TYPE[type(array)]
    return CPU if backend is numpy_backend else device("cuda", backend.device_index(array))


def get_default_device() -> device:
    """The device on which tensors are made where none is named.

    >>> torch.get_default_device()
    device(type='cpu')
    """
    return _defaults.get()[-1]


def set_default_device(device: device | str | int | None) -> None:
    """Make tensors there from now on, in this thread; None means the CPU again.

    Raises RuntimeError for a device that can't be used.

    >>> torch.set_default_device("cpu")
    >>> torch.ones(2).device
    device(type='cpu')
    """
    where = CPU if device is None else as_device(device)
    backend_for(where)
    _defaults.set((*_defaults.get()[:-1], where))


def as_device(value: device | str | int | None) -> device:
    """A device from what users pass; None is the default one, a number a GPU."""
    if value is None:
        return get_default_device()
    if isinstance(value, int):
        return device("cuda", value)
    return value if isinstance(value, device) else device(value)


def move(array: Array, where: device, non_blocking: bool = False) -> Array:
    """The array on another device; itself if it is there already. With `non_blocking` a GPU reads
    pinned memory later."""
    here = device_of(array)
    if here.type == where.type and where.index in (None, here.index):
        return array
    host = _BY_TYPE[type(array)].to_host(array)
    return backend_for(where).from_host(host, where.index, non_blocking)
