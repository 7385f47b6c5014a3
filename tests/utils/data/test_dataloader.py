"""The loader: PyTorch's batches in PyTorch's order, with and without workers."""

import random
import subprocess
import sys
import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.utils import data

from ...both import t as t
from ...nn.side_by_side import pytorch, refused
from .test_datasets import plain, stream

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

OPTIONS = {
    "default": {},
    "batches": {"batch_size": 4},
    "full batches": {"batch_size": 4, "drop_last": True},
    "shuffled": {"batch_size": 3, "shuffle": True},
    "one by one": {"batch_size": None},
    "one by one, shuffled": {"batch_size": None, "shuffle": True},
    "sampler": {"batch_size": 2, "sampler": [5, 3, 3]},
    "batch sampler": {"batch_sampler": [[1], [2, 3], []], "collate_fn": list},
    "own collation": {"batch_size": 4, "collate_fn": len},
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", OPTIONS)
def test_batches_are_pytorch_s(name, workers):
    found = []
    for lib in (tg, pytorch()):
        lib.manual_seed(4)
        made = lib.utils.data
        rows = made.TensorDataset(lib.arange(10), lib.arange(20.0).reshape(10, 2))
        loader = made.DataLoader(rows, num_workers=workers, **OPTIONS[name])
        epochs = [[plain(list(batch) if type(batch) is list else batch) for batch in loader]
                  for _ in range(2)]  # fmt: skip
        found.append([len(loader), len(iter(loader)), epochs, lib.rand(1).item()])
    assert found[0] == found[1]
    assert len(found[0][2][0]) == found[0][0]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True},
                                     {"batch_size": None}], ids=str)  # fmt: skip
def test_streams_are_pytorch_s(options, workers):
    """Each worker has a stream of its own, and they end at different times."""
    found = []
    for lib in (tg, pytorch()):

        class Shares(lib.utils.data.IterableDataset):
            def __iter__(self, lib=lib):
                info = lib.utils.data.get_worker_info()
                number, count = (info.id, info.num_workers) if info else (0, 1)
                yield from range(number, 20 - 5 * number, count)

        loader = lib.utils.data.DataLoader(Shares(), num_workers=workers, **options)
        found.append([plain(batch) for batch in loader])
    if workers > 1:  # PyTorch's order depends on which worker is faster at the end
        found = [sorted(map(str, batches)) for batches in found]
    assert found[0] == found[1] and found[0]


def test_the_seed_alone_determines_the_batches():
    found = []
    for workers in (0, 1, 3):
        tg.manual_seed(1)
        loader = data.DataLoader(range(50), 7, shuffle=True, num_workers=workers)
        found.append([batch.tolist() for _ in range(2) for batch in loader])
    assert found[0] == found[1] == found[2] and found[0][:8] != found[0][8:]


def test_a_loader_without_workers_on_every_device(t):
    rows = t.utils.data.TensorDataset(t.arange(5.0), t.arange(5))
    batches = list(t.utils.data.DataLoader(rows, batch_size=3))
    assert [(x.tolist(), y.tolist()) for x, y in batches] == [
        ([0, 1, 2], [0, 1, 2]), ([3, 4], [3, 4]),
    ]  # fmt: skip
    assert all(x.device.type == rows.tensors[0].device.type for x, _ in batches)


def test_two_iterators_at_once(t):
    loader = t.utils.data.DataLoader(range(4), 2)
    assert [(a.tolist(), b.tolist()) for a in loader for b in loader] == [
        ([0, 1], [0, 1]), ([0, 1], [2, 3]), ([2, 3], [0, 1]), ([2, 3], [2, 3]),
    ]  # fmt: skip
    iterator = iter(loader)
    assert iter(iterator) is iterator and next(iterator).tolist() == [0, 1]


def test_attributes(t):
    sampler = t.utils.data.SequentialSampler("ab")
    loader = t.utils.data.DataLoader("ab", 2, sampler=sampler, timeout=0, pin_memory=False)
    assert (loader.dataset, loader.batch_size, loader.drop_last) == ("ab", 2, False)
    assert loader.sampler is sampler and loader.batch_sampler.sampler is sampler
    assert loader.num_workers == 0 and loader.prefetch_factor is None
    assert loader.collate_fn is t.utils.data.default_collate
    assert t.utils.data.DataLoader("ab", None).collate_fn is t.utils.data.default_convert
    assert t.utils.data.DataLoader("ab", num_workers=1).prefetch_factor == 2
    loader.num_workers = 1
    for name in ("batch_size", "sampler", "drop_last", "dataset", "batch_sampler"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoad"):
            setattr(loader, name, None)
    assert t.utils.data.DataLoader[int] is not None and t.utils.data.Dataset[int] is not None


def test_lengths_of_streams(t):
    for size, drop, expected in ((3, False, 4), (3, True, 3), (None, False, 10)):
        loader = t.utils.data.DataLoader(stream(t, 10), size, drop_last=drop)
        assert len(loader) == len(list(loader)) == expected

    class Short(t.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

        def __len__(self):
            return 2

    loader = t.utils.data.DataLoader(Short())
    assert len(list(loader)) == 3  # nobody asked for the length
    assert len(loader) == 2
    with pytest.warns(UserWarning, match=r"was reported to be 2 ?\(when accessing len\(dataloader"):
        list(loader)
    with pytest.raises(TypeError):
        len(t.utils.data.DataLoader(type("S", (t.utils.data.IterableDataset,), {})()))


def test_a_stream_that_could_begin_anew_ends(t):
    class Restarting(t.utils.data.IterableDataset):
        count = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.count = (self.count + 1) % 6
            if self.count == 0:
                raise StopIteration
            return self.count

    loader = t.utils.data.DataLoader(Restarting(), 2)
    assert [batch.tolist() for batch in loader] == [[1, 2], [3, 4], [5]]


def test_warnings():
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator"):
        if tg.cuda.is_available():
            warnings.warn("'pin_memory' argument is set as true but no accelerator", stacklevel=1)
        list(data.DataLoader("ab", pin_memory=True))


def test_more_workers_than_cores():
    for lib in (tg, pytorch()):
        with pytest.warns(UserWarning, match="This DataLoader will create 1000 worker processes"):
            lib.utils.data.DataLoader("ab", num_workers=1000)


def test_importing_the_package_does_not_import_multiprocessing():
    script = "import sys, tinygrad_rnn; assert 'multiprocessing' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


# ----- errors -----


def of(*args, **kwargs):
    return lambda lib: lib.utils.data.DataLoader(*args, **kwargs)


def on_stream(**kwargs):
    return lambda lib: lib.utils.data.DataLoader(stream(lib, 3), **kwargs)


REFUSED = {
    "workers": (of("ab", num_workers=-1), "num_workers option should be non-negative"),
    "timeout": (of("ab", timeout=-1), "timeout option should be non-negative"),
    "prefetch": (of("ab", prefetch_factor=2),
                 "prefetch_factor option could only be specified in multiprocessing."),
    "negative prefetch": (of("ab", num_workers=1, prefetch_factor=-2),
                          "prefetch_factor option should be non-negative"),
    "persistent": (of("ab", persistent_workers=True),
                   "persistent_workers option needs num_workers > 0"),
    "two orders": (of("ab", shuffle=True, sampler=[1]),
                   "sampler option is mutually exclusive with shuffle"),
    "batches": (of("ab", batch_size=2, batch_sampler=[[1]]),
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler"),
    "no batches": (of("ab", batch_size=None, drop_last=True),
                   "batch_size=None option disables auto-batching and is mutually exclusive with"),
    "batch size": (of("ab", batch_size=0), "batch_size should be a positive integer value"),
    "shuffle nothing": (of("", shuffle=True), "num_samples should be a positive integer value"),
    "stream shuffled": (on_stream(shuffle=True), "expected unspecified shuffle option, but got"),
    "stream sampler": (on_stream(sampler=[1]), "expected unspecified sampler option, but got"),
    "stream batches": (on_stream(batch_sampler=[[1]]), "expected unspecified batch_sampler option"),
    "context": (of("ab", multiprocessing_context="fork"),
                "multiprocessing_context can only be used with multi-process loading"),
    "unknown context": (of("ab", num_workers=1, multiprocessing_context="x"),
                        "multiprocessing_context option should specify a valid start method in"),
    "no context": (of("ab", num_workers=1, multiprocessing_context=3),
                   "multiprocessing_context option should be a valid context object or a string"),
    "index": (lambda lib: list(lib.utils.data.DataLoader("ab", sampler=[2])), "out of range"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


# ----- what workers draw -----


class Draws:
    """Samples of random numbers."""

    def __init__(self, lib):
        self.lib = lib

    def __len__(self):
        return 6

    def __getitem__(self, index):
        seed = self.lib.utils.data.get_worker_info().seed
        return seed % 2**31, random.random(), np.random.rand(), self.lib.rand(2)


def test_random_numbers_in_workers_are_pytorch_s():
    found = []
    for lib in (tg, pytorch()):
        lib.manual_seed(3)
        loader = lib.utils.data.DataLoader(Draws(lib), 2, num_workers=2)
        found.append([plain(batch) for _ in range(2) for batch in loader])
    assert found[0] == found[1] and len({str(batch) for batch in found[0]}) == 6
