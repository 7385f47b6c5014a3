"""`DataLoader`: a dataset in batches."""

from __future__ import annotations

import functools
import importlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ... import backends
from ...autograd.hints import Telling
from ...backends.generator import Generator
from ...warning import warn
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .iterators import BatchIterator, Plan, SingleProcessIterator
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T = TypeVar("T", covariant=True)
_FIXED = frozenset(
    ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
)


@functools.cache
def _workers() -> Any:
    """The module of worker processes: importing multiprocessing takes longer than all of this
    package's data tools together, and most programs never need it."""
    return importlib.import_module(".workers", __package__)


class _Endless(Sampler[None]):
    """The indices of a stream: it needs none."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Telling, Generic[T]):
    """Go through a dataset in batches: ``for batch in loader``, each time anew.

    Args:
        dataset: has ``__getitem__`` and ``__len__``, or is an `IterableDataset`.
        batch_size: samples of a batch, (batch_size, *sample.shape); None gives samples one by one,
            without a dimension for the batch.
        shuffle: a new random order each time.
        sampler: an iterable of indices, instead of shuffle.
        batch_sampler: an iterable of lists of indices, instead of all of these.
        num_workers: how many processes fetch batches in advance; 0: they are fetched here when
            they are asked for. Processes rather than threads, because what datasets do in Python
            runs on one core at a time in threads.
        collate_fn: makes a batch of a list of samples: `default_collate`; with batch_size=None
            of a sample: `default_convert`.
        pin_memory: put batches into memory that GPUs read by themselves, if there is a GPU.
        drop_last: leave out a last batch that is not full.
        timeout: how many seconds to wait for a batch of a worker; 0: as long as it takes.
        worker_init_fn: called with its number in each worker, after that was seeded.
        multiprocessing_context: how processes begin: "fork", "spawn", "forkserver", a context of
            multiprocessing, or None for Python's choice. But for "fork" the dataset and the
            functions are pickled.
        generator: where seeds for the order and for the workers are drawn; None: the default one.
        prefetch_factor: how many batches each worker is ahead, 2 if None.
        persistent_workers: keep the workers for the next time.
        pin_memory_device: for PyTorch's sake.
        in_order: give batches in the order of their indices, or else as soon as they are there.

    The seed alone determines the batches and their order, not the number of workers (streams
    aside, see `IterableDataset`). Worker i is seeded with a base seed plus i. An exception in a
    worker is raised here, with the traceback that it had there in its message.

    Raises ValueError for options that exclude each other or are out of range; RuntimeError when
    a worker dies, or does not answer in time.

    >>> loader = torch.utils.data.DataLoader(torch.arange(5), batch_size=2)
    >>> len(loader), list(loader)
    (3, [tensor([0, 1]), tensor([2, 3]), tensor([4])])
    """

    _ready = False
    _iterator: BatchIterator | None = None  # of persistent workers
    _reported_length: int | None = None  # of a stream, if it was asked for

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable "
                "multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. Let "
                "num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor <= 0:
            raise ValueError(
                "prefetch_factor option should be non-negative, and not 0, but got "
                f"{prefetch_factor}"
            )
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        streamed = isinstance(dataset, IterableDataset)
        if streamed:
            _check_stream(shuffle=shuffle or None, sampler=sampler, batch_sampler=batch_sampler)
        for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None and not isinstance(value, Iterable):
                raise TypeError(f"{name} should be iterable, got: {type(value).__name__}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None:
            if streamed:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.num_workers = dataset, num_workers
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        if collate_fn is None:
            collate_fn = default_collate if batch_sampler is not None else default_convert
        self.collate_fn, self.worker_init_fn = collate_fn, worker_init_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.in_order = timeout, in_order
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.multiprocessing_context = multiprocessing_context
        self._streamed = streamed
        self._ready = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How processes begin: a context of multiprocessing, or None for Python's choice."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, value: Any) -> None:
        if value is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading "
                f"(num_workers > 0), but got num_workers={self.num_workers}"
            )
        self._context = None if value is None else _workers().checked_context(value)

    @property
    def _index_sampler(self) -> Iterable[Any]:
        """Gives what a batch, or a sample, is fetched by."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Any:
        if self._iterator is not None:
            self._iterator._reset(self)
            return self._iterator
        if self.pin_memory and not backends.cuda_device_count():
            warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't be used."
            )
        plan = Plan(
            self.dataset, self._streamed, self.batch_sampler is not None, self.collate_fn,
            self.drop_last,
        )  # fmt: skip
        if self.num_workers == 0:
            return SingleProcessIterator(self, plan)
        iterator: BatchIterator = _workers().WorkerIterator(self, plan)
        if self.persistent_workers:
            self._iterator = iterator
        return iterator

    def __len__(self) -> int:
        """The number of batches; for a stream, what its own length says."""
        if not self._streamed:
            return len(self._index_sampler)  # type: ignore[arg-type]
        length = len(self.dataset)
        if self.batch_size is not None:
            rounded = math.floor if self.drop_last else math.ceil
            length = rounded(length / self.batch_size)
        self._reported_length = length
        return length

    def check_worker_number_rationality(self) -> None:
        """Warn of more workers than there are cores."""
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        if self.num_workers > cores:
            warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our "
                f"suggested max number of worker in current system is {cores}, which is smaller "
                "than what this DataLoader is going to create. Please be aware that excessive "
                "worker creation might get DataLoader running slow or even freeze, lower the "
                "worker number to avoid potential slowness/freeze if necessary."
            )


def _check_stream(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                f"{name}={value}"
            )
