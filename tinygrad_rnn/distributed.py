"""PyTorch's questions whether a program runs in several processes: here it never does.

What needs several says so when it is called; programs that ask first run as they are.
"""

from __future__ import annotations

from typing import Any, NoReturn


def is_available() -> bool:
    """False: training in several processes is not supported.

    >>> torch.distributed.is_available()
    False
    """
    return False


def is_initialized() -> bool:
    """False: training in several processes is not supported.

    >>> torch.distributed.is_initialized()
    False
    """
    return False


def is_torchelastic_launched() -> bool:
    """False: training in several processes is not supported.

    >>> torch.distributed.is_torchelastic_launched()
    False
    """
    return False


def init_process_group(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises RuntimeError: training in several processes is not supported.

    >>> torch.distributed.init_process_group("gloo")
    Traceback (most recent call last):
    RuntimeError: init_process_group(): training in several processes is not supported...
    """
    raise RuntimeError(
        "init_process_group(): training in several processes is not supported; train in one, on "
        "one device. torch.distributed.is_available() tells programs that this is so"
    )


def _no_group() -> NoReturn:
    raise ValueError(
        "Default process group has not been initialized, please make sure to call "
        "init_process_group."
    )


def get_rank(group: Any = None) -> int:
    """Raises ValueError: there is no group of processes.

    >>> torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    0
    """
    _no_group()


def get_world_size(group: Any = None) -> int:
    """Raises ValueError: there is no group of processes.

    >>> torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
    1
    """
    _no_group()


def barrier(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises ValueError: there is no group of processes.

    >>> if torch.distributed.is_initialized(): torch.distributed.barrier()
    """
    _no_group()


def all_reduce(tensor: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raises ValueError: there is no group of processes, whatever the tensor's shape.

    >>> if torch.distributed.is_initialized(): torch.distributed.all_reduce(torch.ones(1))
    """
    _no_group()


def destroy_process_group(group: Any = None) -> NoReturn:
    """Raises ValueError: there is no group of processes.

    >>> if torch.distributed.is_initialized(): torch.distributed.destroy_process_group()
    """
    _no_group()
