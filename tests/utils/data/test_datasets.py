"""Datasets, samplers and batches of samples: the same program on ours and on PyTorch."""

import collections.abc
import itertools
import types
import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.utils import data

from ...both import t as t
from ...nn.side_by_side import pytorch, refused

Point = collections.namedtuple("Point", "x y")


def plain(value):
    """Tensors as their dtype and numbers, in the same containers."""
    if hasattr(value, "requires_grad"):
        return str(value.dtype), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value).__name__, {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | collections.deque):
        return type(value).__name__, [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return "array", value.tolist()
    return value


def stream(lib, count):
    """An iterable dataset of numbers."""

    class Stream(lib.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(count))

        def __len__(self):
            return count

    return Stream()


# ----- datasets -----


def test_rows_of_tensors(t):
    x, y = t.arange(6.0).reshape(3, 2), t.arange(3)
    dataset = t.utils.data.TensorDataset(x, y)
    assert len(dataset) == 3 and dataset.tensors == (x, y)
    assert plain(dataset[1]) == plain((t.tensor([2.0, 3.0]), t.tensor(1)))
    assert plain(dataset[1:]) == plain((x[1:], y[1:]))


def test_side_by_side(t):
    stack = t.utils.data.StackDataset
    pair = stack([1, 2, 3], "abc")
    assert (len(pair), pair[2], pair.__getitems__([0, 2])) == (3, (3, "c"), [(1, "a"), (3, "c")])
    named = stack(n=[1, 2, 3], s=t.utils.data.Subset("xabc", [1, 2, 3]))
    assert named[1] == {"n": 2, "s": "b"}
    assert named.__getitems__([2, 0]) == [{"n": 3, "s": "c"}, {"n": 1, "s": "a"}]
    assert list(t.utils.data.DataLoader(pair, 2))[1][1] == ("c",)


def test_behind_one_another(t):
    joined = t.utils.data.ConcatDataset([[1, 2], [], "abc"])
    assert [joined[i] for i in range(len(joined))] == [1, 2, "a", "b", "c"]
    assert (joined[-1], joined[-5], joined.cumulative_sizes) == ("c", 1, [2, 2, 5])
    rows = t.utils.data.TensorDataset(t.arange(2))
    assert [int(row[0]) for row in rows + rows] == [0, 1, 0, 1]
    with pytest.raises(IndexError):
        joined[5]


def test_streams_behind_one_another(t):
    both = stream(t, 2) + stream(t, 3)
    assert isinstance(both, t.utils.data.ChainDataset)
    assert (list(both), len(both)) == ([0, 1, 0, 1, 2], 5)


def test_subsets(t):
    calls = []

    class Noted(t.utils.data.Dataset):
        def __getitem__(self, index):
            return index

        def __getitems__(self, indices):
            calls.append(indices)
            return [10 * i for i in indices]

    subset = t.utils.data.Subset(Noted(), [5, 7, 9])
    assert (len(subset), subset[1], subset.__getitems__([0, 2])) == (3, 7, [50, 90])
    assert t.utils.data.Subset(t.arange(9), [5, 7, 9])[[0, 1]].tolist() == [5, 7]
    assert t.utils.data.Subset("abc", [2, 0]).__getitems__([1]) == ["a"]
    assert plain(list(t.utils.data.DataLoader(subset, 2))) == plain(
        [t.tensor([50, 70]), t.tensor([90])]
    )
    assert calls[1:] == [[5, 7], [9]]


@pytest.mark.parametrize("lengths", [[7, 3], [0.5, 0.3, 0.2], [0.33, 0.33, 0.34], [10], [4, 0, 6]])
def test_random_splits_are_pytorch_s(lengths):
    found = []
    for lib in (tg, pytorch()):
        lib.manual_seed(5)
        parts = lib.utils.data.random_split(range(10), lengths)
        again = lib.utils.data.random_split("abcdefghij", lengths, lib.Generator().manual_seed(1))
        found.append([part.indices for part in (*parts, *again)])
        assert sorted(itertools.chain(*found[-1][: len(lengths)])) == list(range(10))
    assert found[0] == found[1]


def test_a_split_without_samples_warns():
    for lib in (tg, pytorch()):
        with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
            lib.utils.data.random_split(range(2), [0.9, 0.1])


# ----- samplers -----

SAMPLERS = {
    "in order": lambda d: d.SequentialSampler("abcdef"),
    "random": lambda d: d.RandomSampler(range(50)),
    "more": lambda d: d.RandomSampler(range(7), num_samples=40),
    "fewer": lambda d: d.RandomSampler(range(7), num_samples=3),
    "with replacement": lambda d: d.RandomSampler(range(7), True, 70),
    "of a subset": lambda d: d.SubsetRandomSampler([5, 3, 11, 2]),
    "weighted": lambda d: d.WeightedRandomSampler([0.1, 0.0, 2.0, 0.7], 90),
    "one weighted": lambda d: d.WeightedRandomSampler([0.1, 0.3, 2.0, 0.7], 1),
    "weighted, all different": lambda d: d.WeightedRandomSampler([0.1, 0.3, 2.0], 3, False),
    "batches": lambda d: d.BatchSampler(d.RandomSampler(range(10)), 4, False),
    "full batches": lambda d: d.BatchSampler(d.SequentialSampler(range(10)), 4, True),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_give_pytorch_s_order(name):
    found = []
    for lib in (tg, pytorch()):
        lib.manual_seed(9)
        sampler = SAMPLERS[name](lib.utils.data)
        found.append([len(sampler), list(sampler), list(sampler), lib.rand(1).item()])
    assert found[0] == found[1] and len(found[0][1]) == found[0][0]


def test_samplers_with_a_generator_of_their_own():
    found = []
    for lib in (tg, pytorch()):
        made, before = lib.utils.data, lib.get_rng_state()
        generator = lib.Generator().manual_seed(3)
        samplers = [
            made.RandomSampler(range(9), generator=generator),
            made.RandomSampler(range(9), True, generator=generator),
            made.SubsetRandomSampler(range(9), generator),
            made.WeightedRandomSampler(lib.ones(9), 5, generator=generator),
        ]
        found.append([list(sampler) for sampler in samplers for _ in range(2)])
        assert lib.equal(before, lib.get_rng_state())
    assert found[0] == found[1]


def test_many_weighted_samples_need_little_memory():
    sampler = data.WeightedRandomSampler(tg.arange(1.0, 50_001.0), 50_000)
    picked = tg.tensor(list(sampler))
    assert picked.min() >= 0 and picked.max() < 50_000
    assert 32_000 < picked.float().mean() < 34_700  # two thirds: the weights rise


# ----- batches -----


def samples(t):
    """Lists of samples, by name."""
    array = np.array([1.0, 2.0])
    return {
        "tensors": [t.ones(2, 3), t.zeros(2, 3)],
        "one": [t.arange(3)],
        "scalars": [t.tensor(1), t.tensor(2)],
        "empty": [t.zeros(0, 2), t.zeros(0, 2)],
        "floats": [1.0, 2.5],
        "ints": [1, 2],
        "bools": [True, False],
        "strings": ["a", "bc"],
        "bytes": (b"a", b"bc"),
        "arrays": [array, array],
        "small arrays": [array.astype("f4"), array.astype("f4")],
        "array scalars": [np.float32(1), np.float32(2)],
        "wide scalars": [np.float64(1), np.float64(2)],
        "short scalars": [np.int16(1), np.int16(2)],
        "numpy bools": [np.bool_(True), np.bool_(False)],
        "0-d arrays": [np.array(1), np.array(2)],
        "dicts": [{"a": 1, "b": {"c": 1.0}}, {"a": 2, "b": {"c": 2.0}}],
        "ordered": [collections.OrderedDict(z=1, a=2)] * 2,
        "default dicts": [collections.defaultdict(int, a=2)] * 2,
        "fixed dicts": [types.MappingProxyType({"a": 2})] * 2,
        "tuples": [(1, "x", (2.0,)), (2, "y", (3.0,))],
        "named": [Point(1, t.ones(1)), Point(2, t.zeros(1))],
        "lists": [[1, 2], [3, 4]],
        "deques": [collections.deque([1, 2]), collections.deque([3, 4])],
        "ranges": [range(2), range(2)],
        "no members": [(), ()],
        "nested": [{"p": Point([1, 2], "s"), "q": (array, {})}] * 2,
    }


@pytest.mark.parametrize("name", samples(tg))
def test_batches(name):
    torch = pytorch()
    for function in ("default_collate", "default_convert"):
        ours = getattr(data, function)(samples(tg)[name])
        theirs = getattr(torch.utils.data, function)(samples(torch)[name])
        assert plain(ours) == plain(theirs), function


def test_what_containers_have_besides_members_stays(t):
    batch = t.utils.data.default_collate([collections.defaultdict(list, a=1)] * 2)
    assert batch["new"] == []


def test_conversion_leaves_alone_what_is_no_number(t):
    text, thing = np.array(["a"]), object()
    kept = t.utils.data.default_convert([text, thing, None, "a", b"b"])
    assert kept[0] is text and kept[1] is thing and kept[2:] == [None, "a", b"b"]


@pytest.mark.cpu("NumPy's arrays")
def test_arrays_share_memory_with_their_conversion():
    array = np.zeros(3)
    data.default_convert({"a": array})["a"][1] = 5
    assert array[1] == 5


# ----- errors -----


def of(name, *args, **kwargs):
    return lambda lib: getattr(lib.utils.data, name)(*args, **kwargs)


REFUSED = {
    "rows": (lambda lib: lib.utils.data.TensorDataset(lib.ones(2), lib.ones(3)),
             "Size mismatch between tensors"),
    "stack": (of("StackDataset"), "At least one dataset should be passed"),
    "stack lengths": (of("StackDataset", "ab", "c"), "Size mismatch between datasets"),
    "stack names": (of("StackDataset", "ab", x="cd"), "both types are given"),
    "concat": (of("ConcatDataset", []), "datasets should not be an empty iterable"),
    "concat streams": (lambda lib: lib.utils.data.ConcatDataset([stream(lib, 2)]),
                       "ConcatDataset does not support IterableDataset"),
    "concat index": (lambda lib: lib.utils.data.ConcatDataset(["ab"])[-3],
                     "absolute value of index should not exceed dataset length"),
    "chain": (lambda lib: list(lib.utils.data.ChainDataset(["ab"])),
              "ChainDataset only supports IterableDataset"),
    "no getitem": (lambda lib: lib.utils.data.Dataset()[0],
                   "Subclasses of Dataset should implement __getitem__."),
    "half a subset": (lambda lib: type("Mine", (lib.utils.data.Subset,),
                                       {"__getitem__": lambda self, i: i})("ab", [0]),
                      "Mine overrides __getitem__ but not __getitems__"),
    "split": (of("random_split", range(5), [3, 3]),
              "Sum of input lengths does not equal the length of the input dataset!"),
    "split parts": (of("random_split", range(5), [1.5, -0.5]),
                    "Fraction at index 0 is not between 0 and 1"),
    "random": (of("RandomSampler", "ab", 1), "replacement should be a boolean value, but got"),
    "random from none": (of("RandomSampler", ""),
                         "num_samples should be a positive integer value, but got num_samples=0"),
    "random count": (of("RandomSampler", "ab", num_samples=1.5),
                     "num_samples should be a positive integer value, but got num_samples=1.5"),
    "weighted": (of("WeightedRandomSampler", [1.0], True),
                 "num_samples should be a positive integer value, but got num_samples=True"),
    "weighted again": (of("WeightedRandomSampler", [1.0], 1, 3),
                       "replacement should be a boolean value, but got replacement=3"),
    "weights": (of("WeightedRandomSampler", [[1.0]], 1),
                "weights should be a 1d sequence but given weights have shape (1, 1)"),
    "batch size": (of("BatchSampler", "ab", 0, True),
                   "batch_size should be a positive integer value, but got batch_size=0"),
    "batch rest": (of("BatchSampler", "ab", 1, 1), "drop_last should be a boolean value, but got"),
    "collate": (of("default_collate", [None, None]), "found <class 'NoneType'>"),
    "collate sets": (of("default_collate", [{1}, {2}]), "found <class 'set'>"),
    "collate strings": (of("default_collate", [np.array(["a"])]), "found <U1"),
    "collate sizes": (of("default_collate", [[1], [1, 2]]),
                      "each element in list of batch should be of equal size"),
    "collate shapes": (lambda lib: lib.utils.data.default_collate([lib.ones(1), lib.ones(2)]),
                       "equal size"),
    "collate keys": (of("default_collate", [{"a": 1}, {"b": 1}]), "a"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_all_names_are_here():
    torch = pytorch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {name for name in torch.utils.data.__all__ if not name.startswith("_")}
    pipes = {"DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "functional_datapipe",
             "argument_validation", "runtime_validation", "runtime_validation_disabled",
             "guaranteed_datapipes_determinism", "non_deterministic"}  # fmt: skip
    assert theirs - pipes - {"DistributedSampler"} <= set(dir(data))
