"""The order in which samples are seen: iterables of their indices."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, TypeVar

from ...autograd.hints import Telling
from ...backends.generator import Generator, default_generator
from ...creation import as_tensor
from ...dtypes import float64, int64
from ...random import multinomial
from .dataset import taken

T = TypeVar("T", covariant=True)


def drawn_seed(generator: Generator | None) -> int:
    """A seed for another generator."""
    return int((generator or default_generator).random((), int64.array))


class Sampler(Telling, Iterable[T]):
    """Derive from it and write ``__iter__``, which gives indices, and perhaps ``__len__``.

    >>> class Backwards(torch.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> list(torch.utils.data.DataLoader("abc", sampler=Backwards()))
    [['c'], ['b'], ['a']]
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... to the end of data_source.

    >>> list(torch.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The indices of data_source in random order, anew each time.

    Args:
        data_source: has a length.
        replacement: draw each index from all, rather than go through all before one comes again.
        num_samples: how many; as many as there are if None.
        generator: for a seed of its own; without one, a seed is drawn from the default generator
            each time.

    Raises TypeError unless replacement is a bool, ValueError unless num_samples is an int >= 1.

    >>> sorted(torch.utils.data.RandomSampler("abc"))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.generator = num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many indices there will be: the dataset may change its length."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(drawn_seed(None))
        if self.replacement:
            for first in range(0, count, 32):
                size = (min(32, count - first),)
                yield from generator.integers(size, 0, n, int64.array).tolist()
        else:
            for _ in range(count // n):
                yield from generator.permutation(n).tolist()
            # Drawn even if nothing is taken of it, so that a generator goes on as in PyTorch
            yield from generator.permutation(n)[: count % n].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order.

    >>> sorted(torch.utils.data.SubsetRandomSampler([5, 3, 8]))
    [3, 5, 8]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        if not hasattr(indices, "__len__"):
            raise TypeError(f"indices should be a sequence, got: {type(indices).__name__}")
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        generator = self.generator or default_generator
        for place in generator.permutation(len(self.indices)).tolist():
            yield from taken(self.indices, [place], "indices")

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices 0, ..., n - 1 drawn with probabilities proportional to weights (n).

    Raises ValueError unless weights are one-dimensional, num_samples is an int >= 1, and
    replacement is a bool.

    >>> list(torch.utils.data.WeightedRandomSampler([0.0, 2.0, 0.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.dim() != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement = num_samples, replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        draw = multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        return iter(draw.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of batch_size indices that a sampler gives; the last may be shorter, and is left out
    with drop_last.

    Raises ValueError unless batch_size is an int >= 1 and drop_last a bool.

    >>> list(torch.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        check_positive("batch_size", batch_size)
        batch_size = min(batch_size, sys.maxsize)
        if not isinstance(sampler, Iterable):
            raise TypeError(f"sampler should be iterable, got: {type(sampler).__name__}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


def check_positive(name: str, value: Any) -> None:
    """Raise ValueError unless it is an int >= 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
