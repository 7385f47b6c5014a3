"""The part of a dataset that one of several processes sees."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterator, Sized
from typing import Any

from ... import distributed
from ...backends.generator import Generator
from ...random import randperm
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """The indices of a dataset that one of several processes sees: every num_replicas-th of an
    order that is the same in all of them.

    Args:
        dataset: has a length.
        num_replicas: how many processes there are.
        rank: the number of this one, from 0 on.
        shuffle: whether the order is random, another for each epoch that `set_epoch` tells.
        seed: the seed of the order, the same in all processes.
        drop_last: leave out the end of the data if it does not divide evenly; else some indices
            come twice.

    Raises ValueError without num_replicas and rank (PyTorch asks the group of processes, and there
    is none here), and for a rank that is too large.

    >>> sampler = torch.utils.data.DistributedSampler(range(5), 2, 1, shuffle=False)
    >>> list(sampler)
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        count = distributed.get_world_size() if num_replicas is None else num_replicas
        number = distributed.get_rank() if rank is None else rank
        count, number = operator.index(count), operator.index(number)
        if not 0 <= number < count:
            raise ValueError(
                f"Invalid rank {number}, rank should be in the interval [0, {count - 1}]"
            )
        if count > sys.maxsize:
            raise ValueError(f"num_replicas is out of range: {count}")
        self.dataset, self.num_replicas, self.rank = dataset, count, number
        self.epoch, self.drop_last, self.shuffle, self.seed = 0, drop_last, shuffle, seed
        total = len(dataset)
        self.num_samples = max(total // count, 0) if drop_last else math.ceil(total / count)
        self.total_size = self.num_samples * count

    def __iter__(self) -> Iterator[int]:
        total = len(self.dataset)
        order: Any = range(total)
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(total, generator=generator).tolist()
        order = list(order)
        if not self.drop_last and order:
            order *= math.ceil(self.total_size / total)
        order = order[: self.total_size]
        return iter(order[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the epoch: tell it before each, or all have the same order."""
        self.epoch = epoch
