"""Python's multiprocessing, through which tensors go as copies, and `spawn`.

No memory is shared: what one process does to a tensor, others do not see.
"""

import multiprocessing
from multiprocessing import *  # noqa: F403  (a namespace of its own, with what is below)

from .spawn import (
    ProcessContext as ProcessContext,
    ProcessExitedException as ProcessExitedException,
    ProcessRaisedException as ProcessRaisedException,
    SpawnContext as SpawnContext,
    spawn as spawn,
    start_processes as start_processes,
)

__all__ = [
    *multiprocessing.__all__,
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]


def get_all_sharing_strategies() -> set[str]:
    """The ways in which tensors get to other processes: "copy" alone.

    >>> torch.multiprocessing.get_all_sharing_strategies()
    {'copy'}
    """
    return {"copy"}


def get_sharing_strategy() -> str:
    """How tensors get to other processes: "copy".

    >>> torch.multiprocessing.get_sharing_strategy()
    'copy'
    """
    return "copy"


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing, for any of PyTorch's strategies: tensors are copied. Raises AssertionError for
    others.

    >>> torch.multiprocessing.set_sharing_strategy("file_system")
    """
    known = ("copy", "file_descriptor", "file_system")
    if new_strategy not in known:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of {known}")
