"""GPUs under PyTorch's names: how many there are, which is current, what memory they hold.

Operations run on the current GPU, number 0 unless `set_device` or `device` says otherwise; using
tensors of another one raises RuntimeError. Without CuPy or a GPU `is_available()` is False and
`device_count()` is 0; functions that only tidy up or report then do nothing, as PyTorch's, and
the others raise RuntimeError with what to install.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from .. import backends
from ..backends.generator import default_generator
from . import amp as amp

Device = backends.device | str | int | None  # None: the current one


def is_available() -> bool:
    """Whether there is a GPU that can be used.

    >>> torch.cuda.is_available() == (torch.cuda.device_count() > 0)
    True
    """
    return device_count() > 0


def device_count() -> int:
    """How many GPUs can be used.

    >>> torch.cuda.device_count() >= 0
    True
    """
    return backends.cuda_device_count()


def _place(device: Device) -> tuple[Any, int]:
    """The backend and the number of a GPU. Raises RuntimeError if there is no such GPU."""
    where = backends.as_device("cuda" if device is None else device)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    backend: Any = backends.backend_for(where)
    return backend, backend.current_device() if where.index is None else where.index


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


def synchronize(device: Device = None) -> None:
    """Wait until a GPU has done all work given to it.

    >>> if torch.cuda.is_available():
    ...     torch.cuda.synchronize()
    """
    backend, index = _place(device)
    with backend.on_device(index):
        backend.synchronize()


def memory_allocated(device: Device = None) -> int:
    """The bytes of a GPU's memory that arrays use.

    >>> torch.cuda.memory_allocated() >= 0
    True
    """
    return _memory(device)[0]


def memory_reserved(device: Device = None) -> int:
    """The bytes of a GPU's memory that this process keeps, in use or not.

    >>> torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()
    True
    """
    return _memory(device)[1]


def _memory(device: Device) -> tuple[int, int]:
    if not is_available():
        return 0, 0
    backend, index = _place(device)
    return backend.memory(index)


def empty_cache() -> None:
    """Give memory that is kept, but not in use, back to the GPUs.

    >>> torch.cuda.empty_cache()
    """
    if is_available():
        _place(None)[0].empty_cache()


def manual_seed(seed: int) -> None:
    """Seed the numbers drawn for GPUs. They come from the one generator of the host, so this is
    `tinygrad_rnn.manual_seed`; nothing happens without a GPU.

    >>> torch.cuda.manual_seed(0)
    """
    if is_available():
        default_generator.manual_seed(seed)


manual_seed_all = manual_seed
