"""What a worker process of a `DataLoader` knows about itself."""

from __future__ import annotations

from typing import Any, NamedTuple


class WorkerInfo(NamedTuple):
    """What `get_worker_info` returns.

    Attributes:
        id: the number of this worker, from 0.
        num_workers: how many there are.
        seed: what `random`, NumPy and this library were seeded with here, another in each worker.
        dataset: this worker's copy of it.

    >>> torch.utils.data.WorkerInfo(id=0, num_workers=2, seed=7, dataset=[1, 2, 3]).num_workers
    2
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_current: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process its `WorkerInfo`, elsewhere None.

    >>> torch.utils.data.get_worker_info() is None
    True
    """
    return _current


def set_worker_info(info: WorkerInfo) -> None:
    """Say that this process is a worker."""
    global _current
    _current = info
