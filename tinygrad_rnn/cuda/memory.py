"""What memory GPUs hold. Without a GPU that is none."""

from __future__ import annotations

from typing import Any

from .places import Device, is_available, place


def memory_allocated(device: Device = None) -> int:
    """The bytes of a GPU's memory that arrays use, those of CUDA graphs apart.

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


def max_memory_allocated(device: Device = None) -> int:
    """The most bytes that arrays used at once since `reset_peak_memory_stats`.

    They are counted from the first call of either function on, and what is used by the thread that
    called it; until then nobody counted, and it is `memory_reserved`, which is not less.

    >>> torch.cuda.max_memory_allocated() >= torch.cuda.memory_allocated()
    True
    """
    if not is_available():
        return 0
    backend, index = place(device)
    return backend.peak_memory(index)


def max_memory_reserved(device: Device = None) -> int:
    """`memory_reserved`, as memory is kept until `empty_cache`.

    >>> torch.cuda.max_memory_reserved() >= 0
    True
    """
    return memory_reserved(device)


def reset_peak_memory_stats(device: Device = None) -> None:
    """Begin to count for `max_memory_allocated`. Does nothing without a GPU.

    >>> torch.cuda.reset_peak_memory_stats()
    """
    if is_available():
        backend, index = place(device)
        backend.reset_peak_memory(index)


reset_max_memory_allocated = reset_peak_memory_stats


def memory_stats(device: Device = None) -> dict[str, int]:
    """The numbers of the functions above under PyTorch's names for them; empty without a GPU.

    >>> isinstance(torch.cuda.memory_stats(), dict)
    True
    """
    if not is_available():
        return {}
    return {
        "allocated_bytes.all.current": memory_allocated(device),
        "allocated_bytes.all.peak": max_memory_allocated(device),
        "reserved_bytes.all.current": memory_reserved(device),
        "reserved_bytes.all.peak": max_memory_reserved(device),
    }


def mem_get_info(device: Device = None) -> tuple[int, int]:
    """The free and all bytes of a GPU's memory, whoever uses it. Raises RuntimeError without one.

    >>> free, total = torch.cuda.mem_get_info() if torch.cuda.is_available() else (0, 0)
    >>> free <= total
    True
    """
    backend, index = place(device)
    return backend.memory_info(index)


def empty_cache() -> None:
    """Give memory that is kept, but not in use, back to the GPUs.

    >>> torch.cuda.empty_cache()
    """
    if is_available():
        place(None)[0].empty_cache()


def _memory(device: Device) -> tuple[int, int]:
    if not is_available():
        return 0, 0
    backend: Any
    backend, index = place(device)
    return backend.memory(index)
