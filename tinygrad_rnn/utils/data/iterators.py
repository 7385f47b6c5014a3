"""Going through the batches of a `DataLoader`, here in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from ... import backends
from ...creation import tensor
from ...warning import warn
from .collate import default_collate, pin_memory
from .dataset import TensorDataset, taken
from .sampler import drawn_seed


class Plan(NamedTuple):
    """How samples are fetched and made a batch of, here or in a worker.

    Attributes:
        dataset: where they come from.
        streamed: whether it is an `IterableDataset`.
        batched: whether an index is a list of indices, of a batch.
        collate_fn: makes a batch of a list of samples (not `batched`: converts a sample).
        drop_last: whether the last batch of a stream is left out if it is not full.
    """

    dataset: Any
    streamed: bool
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool

    def fetcher(self) -> Callable[[Any], Any]:
        """A function from an index to a batch; a stream begins, and ends with StopIteration."""
        return self._from_stream(iter(self.dataset)) if self.streamed else self._by_index

    def _by_index(self, index: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return self.collate_fn(taken(dataset, [index])[0])
        if type(dataset) is TensorDataset and self.collate_fn is default_collate:
            return _rows_of(dataset, index)
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn(taken(dataset, index))

    def _from_stream(self, samples: Iterator[Any]) -> Callable[[Any], Any]:
        ended = False

        def fetch(index: Any) -> Any:
            nonlocal ended
            if not self.batched:
                return self.collate_fn(next(samples))
            # Not to be asked again after its end: there are iterators that begin anew then
            batch = [] if ended else list(islice(samples, len(index)))
            ended = len(batch) < len(index)
            if not batch or (self.drop_last and ended):
                raise StopIteration
            return self.collate_fn(batch)

        return fetch


def _rows_of(dataset: TensorDataset, index: list[int]) -> list[Any]:
    """What `default_collate` makes of samples, gathered at once, and where the tensors are."""
    rows: dict[Any, Any] = {}
    batch = []
    for data in dataset.tensors:
        if data.device not in rows:
            rows[data.device] = tensor(index, device=data.device)
        batch.append(data[rows[data.device]])
    return batch


class BatchIterator:
    """What ``iter(loader)`` returns: an iterator over batches. Derive from it and write `_next`.

    Args:
        loader: its options are read now, later changes do not matter.
        plan: how to fetch.
    """

    def __init__(self, loader: Any, plan: Plan) -> None:
        self._plan = plan
        self._sampler: Iterable[Any] = loader._index_sampler
        self._base_seed = drawn_seed(loader.generator)
        self._pins = loader.pin_memory and backends.cuda_device_count() > 0
        self._reset(loader)

    def _reset(self, loader: Any) -> None:
        """Begin at the first batch."""
        self._indices = iter(self._sampler)
        self._expected: int | None = loader._reported_length
        self._yielded = 0

    def _next(self) -> Any:
        raise NotImplementedError

    def __iter__(self) -> BatchIterator:
        return self

    def __next__(self) -> Any:
        batch = self._next()
        if self._pins:
            batch = pin_memory(batch)
        self._yielded += 1
        if self._expected is not None and self._yielded > self._expected:
            warn(
                f"Length of IterableDataset {self._plan.dataset} was reported to be "
                f"{self._expected} (when accessing len(dataloader)), but {self._yielded} samples "
                "have been fetched. With several workers: does each give its own part of the "
                "data? get_worker_info() says which worker it is."
            )
        return batch

    def __len__(self) -> int:
        return len(self._sampler)  # type: ignore[arg-type]


class SingleProcessIterator(BatchIterator):
    """Fetches each batch when it is asked for."""

    def _reset(self, loader: Any) -> None:
        super()._reset(loader)
        self._fetch = self._plan.fetcher()

    def _next(self) -> Any:
        return self._fetch(next(self._indices))
