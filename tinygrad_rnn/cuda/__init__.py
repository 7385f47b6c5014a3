"""GPUs under PyTorch's names: how many there are, which is current, what memory they hold.

Operations run on the current GPU, number 0 unless `set_device` or `device` says otherwise; using
tensors of another one raises RuntimeError. Without CuPy or a GPU `is_available()` is False and
`device_count()` is 0; functions that only tidy up or report then do nothing, as PyTorch's, and
the others raise RuntimeError with what to install.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from .. import dtypes as _dtypes
from ..backends.generator import default_generator
from ..legacy import TensorType as _TensorType
from ..random import (
    _as_seed,
    get_rng_state as _get_rng_state,
    set_rng_state as _set_rng_state,
)
from ..tensor import Tensor
from . import amp as amp
from .graphs import (
    CUDAGraph as CUDAGraph,
    graph as graph,
    is_current_stream_capturing as is_current_stream_capturing,
    make_graphed_step as make_graphed_step,
)
from .memory import (
    empty_cache as empty_cache,
    max_memory_allocated as max_memory_allocated,
    max_memory_reserved as max_memory_reserved,
    mem_get_info as mem_get_info,
    memory_allocated as memory_allocated,
    memory_reserved as memory_reserved,
    memory_stats as memory_stats,
    reset_max_memory_allocated as reset_max_memory_allocated,
    reset_peak_memory_stats as reset_peak_memory_stats,
)
from .places import (
    Device as Device,
    device_count as device_count,
    is_available as is_available,
    place as _place,
)
from .streams import (
    Event as Event,
    Stream as Stream,
    current_stream as current_stream,
    default_stream as default_stream,
    set_stream as set_stream,
    stream as stream,
)

HalfTensor = _TensorType(_dtypes.float16, "cuda")
FloatTensor = _TensorType(_dtypes.float32, "cuda")
DoubleTensor = _TensorType(_dtypes.float64, "cuda")
ByteTensor = _TensorType(_dtypes.uint8, "cuda")
CharTensor = _TensorType(_dtypes.int8, "cuda")
ShortTensor = _TensorType(_dtypes.int16, "cuda")
IntTensor = _TensorType(_dtypes.int32, "cuda")
LongTensor = _TensorType(_dtypes.int64, "cuda")
BoolTensor = _TensorType(_dtypes.bool_, "cuda")
OutOfMemoryError = MemoryError  # what CuPy's error derives from


def current_device() -> int:
    """The number of the GPU that ``device="cuda"`` means, and that operations run on.

    >>> torch.cuda.current_device() if torch.cuda.is_available() else 0
    0
    """
    return _place(None)[1]


def set_device(device: Device) -> None:
    """Make a GPU the current one.

    >>> if torch.cuda.is_available():
    ...     torch.cuda.set_device(0)
    """
    backend, index = _place(device)
    backend.set_device(index)


def device(device: Device) -> AbstractContextManager[Any]:
    """Make a GPU the current one for a block: ``with cuda.device(1): ...``

    >>> if torch.cuda.is_available():
    ...     with torch.cuda.device(0):
    ...         x = torch.ones(2, device="cuda")
    """
    backend, index = _place(device)
    return backend.on_device(index)


def get_device_name(device: Device = None) -> str:
    """The product name of a GPU.

    >>> isinstance(torch.cuda.get_device_name() if torch.cuda.is_available() else "", str)
    True
    """
    backend, index = _place(device)
    return backend.device_name(index)


class _CudaDeviceProperties(NamedTuple):
    """What `get_device_properties` returns."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    warp_size: int
    L2_cache_size: int

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name={self.name!r}, major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, "
            f"multi_processor_count={self.multi_processor_count}, "
            f"L2_cache_size={self.L2_cache_size // 2**20}MB)"
        )


def get_device_properties(device: Device = None) -> _CudaDeviceProperties:
    """Name, compute capability (major, minor), bytes of memory and multiprocessors of a GPU.

    >>> if torch.cuda.is_available():
    ...     assert torch.cuda.get_device_properties().total_memory > 0
    """
    backend, index = _place(device)
    return _CudaDeviceProperties(**backend.device_properties(index))


def get_device_capability(device: Device = None) -> tuple[int, int]:
    """The compute capability of a GPU: (9, 0) for an H100 or H200.

    >>> if torch.cuda.is_available():
    ...     assert torch.cuda.get_device_capability() >= (5, 0)
    """
    properties = get_device_properties(device)
    return properties.major, properties.minor


def synchronize(device: Device = None) -> None:
    """Wait until a GPU has done all work given to it.

    >>> if torch.cuda.is_available():
    ...     torch.cuda.synchronize()
    """
    backend, index = _place(device)
    with backend.on_device(index):
        backend.synchronize()


def manual_seed(seed: int | float | str) -> None:
    """Seed the numbers drawn for GPUs. They come from the one generator of the host, so this is
    `tinygrad_rnn.manual_seed`; nothing happens without a GPU.

    >>> torch.cuda.manual_seed(0)
    """
    seed = _as_seed(seed)
    if is_available():
        default_generator.manual_seed(seed)


manual_seed_all = manual_seed


# ----- the generator, which is that of all devices -----


def seed() -> None:
    """Seed from the operating system's entropy. Nothing happens without a GPU.

    >>> torch.cuda.seed() if torch.cuda.is_available() else None
    """
    if is_available():
        default_generator.seed()


seed_all = seed


def initial_seed() -> int:
    """The last seed set. Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available(): _ = torch.cuda.initial_seed()
    """
    _place(None)
    return default_generator.initial_seed()


def get_rng_state(device: Device = "cuda") -> Tensor:
    """`tinygrad_rnn.get_rng_state`. Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available(): _ = torch.cuda.get_rng_state()
    """
    _place(device)
    return _get_rng_state()


def set_rng_state(new_state: Tensor, device: Device = "cuda") -> None:
    """`tinygrad_rnn.set_rng_state`. Nothing happens without a GPU.

    >>> torch.cuda.set_rng_state(torch.get_rng_state())
    """
    if is_available():
        _place(device)
        _set_rng_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """`get_rng_state` of each GPU: they are all the same. Empty without a GPU.

    >>> len(torch.cuda.get_rng_state_all()) == torch.cuda.device_count()
    True
    """
    return [_get_rng_state() for _ in range(device_count())]


def set_rng_state_all(new_states: list[Tensor]) -> None:
    """`set_rng_state` to the first of what `get_rng_state_all` returned.

    >>> torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())
    """
    if new_states:
        set_rng_state(new_states[0])


# ----- PyTorch's questions -----


def init() -> None:
    """Nothing more than to raise RuntimeError without a GPU.

    >>> if torch.cuda.is_available(): torch.cuda.init()
    """
    _place(None)


def is_initialized() -> bool:
    """Whether there is a GPU that can be used: there is nothing to initialise.

    >>> torch.cuda.is_initialized() == torch.cuda.is_available()
    True
    """
    return is_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no bfloat16.

    >>> torch.cuda.is_bf16_supported()
    False
    """
    return False
