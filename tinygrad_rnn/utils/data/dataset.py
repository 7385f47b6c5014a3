"""Sets of samples: by their number, or one after the other; and sets made of others."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from ...autograd.hints import Telling, is_accidental, told
from ...backends.generator import Generator, default_generator
from ...tensor import Tensor
from ...warning import warn

T = TypeVar("T", covariant=True)


class Dataset(Telling, Generic[T]):
    """Derive from it and write ``__getitem__(index)``, which returns a sample, and ``__len__``.

    With a method ``__getitems__(indices)``, which returns a list of samples, a whole batch is
    fetched at once. ``a + b`` is a `ConcatDataset`.

    >>> class Squares(torch.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> list(torch.utils.data.DataLoader(Squares(), batch_size=3))
    [tensor([0, 1, 4])]
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T], Iterable[T]):
    """A stream: derive from it and write ``__iter__``. Samplers do not apply to it.

    Each worker of a `DataLoader` has a copy and goes through all of it: ask `get_worker_info` in
    ``__iter__`` which part this copy is to give. ``a + b`` is a `ChainDataset`.

    >>> class Count(torch.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(torch.utils.data.DataLoader(Count(), batch_size=2))
    [tensor([0, 1]), tensor([2])]
    """

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """The rows of tensors (N, ...) of the same N: sample i is ``(a[i], b[i], ...)``.

    Raises AssertionError if their first sizes differ.

    >>> torch.utils.data.TensorDataset(torch.arange(3), torch.ones(3, 2))[1]
    (tensor(1), tensor([1., 1.]))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        for number, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                kind = type(tensor).__name__
                raise TypeError(f"TensorDataset: argument {number} must be Tensor, not {kind}")
            if not tensor.dim():
                raise IndexError(f"TensorDataset: argument {number} has no dimension for samples")
        sizes = [tensor.size(0) for tensor in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(f"Size mismatch between tensors: their first sizes are {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset[Any]):
    """Equally long datasets side by side: sample i is a tuple of theirs, or for datasets given
    by name a dict.

    Raises ValueError without datasets, for some with names and some without, and if their
    lengths differ.

    >>> torch.utils.data.StackDataset(x=[1, 2, 3], y="abc")[1]
    {'x': 2, 'y': 'b'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like "
                "input/output, but both types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        for dataset in args or kwargs.values():
            if not hasattr(dataset, "__len__"):
                raise TypeError(f"datasets need a length, but {type(dataset).__name__} has none")
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: taken(data, [index])[0] for name, data in self.datasets.items()}
        return tuple(taken(data, [index])[0] for data in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [_fetched(dataset, indices) for dataset in self.datasets.values()]
            return [
                dict(zip(self.datasets, row, strict=True)) for row in zip(*columns, strict=True)
            ]
        return list(zip(*(_fetched(dataset, indices) for dataset in self.datasets), strict=True))

    def __len__(self) -> int:
        return self._length


def taken(dataset: Any, indices: Iterable[Any], what: str = "samples") -> list[Any]:
    """What a dataset has at each of these indices. Raises its own errors, but where Python or NumPy
    can only say that there is no such index, the same kind of error with the dataset's type."""
    try:
        return [dataset[index] for index in indices]
    except (LookupError, TypeError, ValueError) as error:
        if not is_accidental(error):
            raise
        kind = type(dataset).__name__
        raise type(error)(f"cannot take {what} {indices} of a {kind}: {error}") from error


def _fetched(dataset: Any, indices: list[Any]) -> list[Any]:
    """Those samples of a dataset, at once if it can."""
    if not callable(getattr(dataset, "__getitems__", None)):
        return taken(dataset, indices)
    items: list[Any] = dataset.__getitems__(indices)
    if len(items) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}"
        )
    return items


class ConcatDataset(Dataset[T]):
    """Datasets behind one another.

    Raises AssertionError without datasets and for an `IterableDataset`.

    >>> data = torch.utils.data.ConcatDataset([[1, 2], [3, 4, 5]])
    >>> len(data), data[2], data[-1]
    (5, 3, 5)
    """

    datasets: list[Dataset[T]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise AssertionError(
                    "ConcatDataset does not support IterableDataset; use ChainDataset"
                )
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """Where each of them ends."""
        parts = list(sequence)
        for number, part in enumerate(parts):
            if not hasattr(part, "__len__"):
                kind = type(part).__name__
                raise TypeError(f"datasets need a length, but number {number}, {kind}, has none")
        return list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T:
        if idx < 0:
            if -idx > len(self):
                raise ValueError(
                    f"absolute value of index should not exceed dataset length: got {idx}, the "
                    f"length is {len(self)}"
                )
            idx += len(self)
        number = bisect_right(self.cumulative_sizes, idx)
        if number == len(self.datasets):
            raise IndexError(f"index {idx} is out of range: there are {len(self)} samples")
        start = self.cumulative_sizes[number - 1] if number else 0
        return self.datasets[number][idx - start]


class ChainDataset(IterableDataset[Any]):
    """Streams behind one another.

    Raises AssertionError, when it is gone through, for what is no `IterableDataset`.

    >>> class Count(torch.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(2))
    >>> list(Count() + Count())
    [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class Subset(Dataset[T]):
    """Some samples of a dataset: sample i is ``dataset[indices[i]]``.

    A subclass with a ``__getitem__`` of its own needs a ``__getitems__`` too, or the loader would
    pass it by: NotImplementedError says so.

    >>> list(torch.utils.data.Subset("abcd", [3, 0]))
    ['d', 'a']
    """

    dataset: Dataset[T]
    indices: Sequence[int]

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__, which DataLoader "
                "calls. Add: def __getitems__(self, indices): return [self[i] for i in indices]"
            )
        if not hasattr(dataset, "__getitem__"):
            raise TypeError(f"dataset has no samples to index: got {type(dataset).__name__}")
        if isinstance(indices, str | bytes) or not hasattr(indices, "__getitem__"):
            raise TypeError(f"indices must be a sequence of ints, not {type(indices).__name__}")
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, idx: Any) -> Any:
        several = isinstance(idx, list)
        own = taken(self.indices, idx if several else [idx], "indices")
        return taken(self.dataset, [own] if several else own)[0]

    def __getitems__(self, indices: list[int]) -> list[T]:
        return _fetched(self.dataset, taken(self.indices, indices, "indices"))

    def __len__(self) -> int:
        return len(self.indices)


@told
def random_split(
    dataset: Dataset[T],
    lengths: Sequence[int | float],
    generator: Generator | None = default_generator,
) -> list[Subset[T]]:
    """Divide a dataset at random into subsets that do not overlap.

    Args:
        dataset: has a length.
        lengths: how many samples each subset gets; or which part of them, numbers that sum to 1:
            what rounding down leaves goes to the first subsets, one sample each.
        generator: for a seed of its own.

    Raises ValueError if the lengths do not add up to that of the dataset, or a part is outside
    [0, 1]. Warns of subsets without samples.

    >>> parts = torch.utils.data.random_split(range(10), [0.8, 0.2], torch.Generator())
    >>> [len(part) for part in parts]
    [8, 2]
    """
    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for number, part in enumerate(lengths):
            if not 0 <= part <= 1:
                raise ValueError(f"Fraction at index {number} is not between 0 and 1: {part}")
        counts = [math.floor(total * part) for part in lengths]
        for number in range(total - sum(counts)):
            counts[number % len(counts)] += 1
        for number, count in enumerate(counts):
            if count == 0:
                warn(
                    f"Length of split at index {number} is 0. This might result in an empty "
                    "dataset."
                )
        lengths = counts
    if sum(lengths) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! Got "
            f"{list(lengths)}, which sum to {sum(lengths)}, for {total} samples"
        )
    order = (generator or default_generator).permutation(total).tolist()
    ends = accumulate(int(length) for length in lengths)
    return [
        Subset(dataset, order[end - int(length) : end])
        for end, length in zip(ends, lengths, strict=True)
    ]
