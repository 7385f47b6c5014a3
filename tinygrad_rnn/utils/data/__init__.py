"""Data: sets of samples, the order in which they are seen, and batches of them.

    loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)
    for x, y in loader: ...

With one seed the batches are those of PyTorch, in the same order, however many workers there are.
"""

from .collate import default_collate as default_collate, default_convert as default_convert
from .dataloader import DataLoader as DataLoader
from .dataset import (
    ChainDataset as ChainDataset,
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    StackDataset as StackDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
)
from .distributed import DistributedSampler as DistributedSampler
from .sampler import (
    BatchSampler as BatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)
from .worker_info import WorkerInfo as WorkerInfo, get_worker_info as get_worker_info
