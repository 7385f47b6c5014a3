"""The random number generator: PyTorch's numbers, from the same seed, in the same order.

Where torch is absent the golden values at the end hold the stream in place.
"""

from __future__ import annotations

import copy
import pickle
import re
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

from tinygrad_rnn.backends.generator import DEFAULT_SEED, Generator, default_generator

torch: Any
try:
    import torch
except ImportError:
    torch = None

FLOATS = F16, F32, F64 = [np.dtype(name) for name in ("float16", "float32", "float64")]
INTEGERS = [np.dtype(name) for name in ("bool", "uint8", "int8", "int16", "int32", "int64")]
BOOL, U8, I8, I16, I32, I64 = INTEGERS
COUNTS = (0, 1, 2, 3, 15, 16, 17, 31, 32, 100, 1000)
SEEDS = (0, 1, 42, 2**32 + 7, 2**63, 2**64 - 1, -1, -(2**63), DEFAULT_SEED)
MOMENTS = [(0.0, 1.0), (0.5, 0.02), (-10.0, 3.0), (2.0, 0.0)]  # mean and standard deviation
NAN, INF = float("nan"), float("inf")


class Twins:
    """Our generator and torch's, at the beginning of the stream of one seed."""

    def __init__(self, seed: int) -> None:
        self.ours = Generator().manual_seed(seed)
        self.theirs = torch.Generator().manual_seed(seed)

    def draw(self, name: str, count: int, *arguments: Any) -> tuple[Any, Any]:
        """`count` numbers from both; the arguments are those of our method `name`."""
        if name == "permutation":
            return self.ours.permutation(count), torch.randperm(count, generator=self.theirs)
        *bounds, dtype = arguments if name != "bernoulli" else (*arguments, BOOL)
        tensor = torch.empty(count, dtype=getattr(torch, dtype.name))
        fill = getattr(tensor, "random_" if name == "integers" else f"{name}_")
        return getattr(self.ours, name)((count,), *arguments), fill(*bounds, generator=self.theirs)

    def in_step(self) -> bool:
        """Whether both streams are at the same place, by the next four words of each."""
        actual, expected = self.draw("random", 4, I32)
        return bool((actual == expected.numpy()).all())


def assert_same(actual: Any, expected: Any) -> None:
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.flags.c_contiguous
    np.testing.assert_array_equal(actual, expected)


def assert_close(actual: Any, expected: Any, scale: float = 0.0) -> None:
    """Equal up to 32 units in the last place of the result or of `scale`, the larger of them.

    Measured are 5 and, where torch runs without vector instructions, 18. A normal is a radius
    times a sine: near a zero of the sine the error is relative to `scale`, the deviation.
    """
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    unit = float(np.finfo(actual.dtype).eps) if actual.dtype.kind == "f" else 0.0
    wide = expected.astype(np.float64)
    assert (np.abs(actual - wide) <= 32 * unit * np.maximum(np.abs(wide), scale)).all()


FUSES_MULTIPLY_ADD = torch is not None and torch.backends.cpu.get_cpu_capability() != "DEFAULT"


def skip_where_torch_differs(name: str, *arguments: Any) -> None:
    """Skip what torch computes otherwise on this machine, or all if there is no torch."""
    if torch is None:
        pytest.skip("compares with torch: not installed")
    if name == "uniform" and arguments[:2] != (0.0, 1.0) and not FUSES_MULTIPLY_ADD:
        pytest.skip("torch rounds x * scale + shift twice here, as on old processors")
    if name == "bernoulli":
        twins = Twins(0)
        twins.draw(name, 1, *arguments)
        if not twins.in_step():
            pytest.skip("torch's bernoulli_ takes its numbers from MKL here, not from mt19937")


# ----- the same numbers as torch -----

RANGES = [(0.0, 1.0), (-0.0441, 0.0441), (-3, 0.1), (100, 101), (1, 1.0001), (0, 1e-3), (5, 5)]
SPANS = [(0, 1), (0, 10), (10, 11), (0, 2**28 - 1), (0, 2**28), (-5, 2**40), (-(2**63), 2**63 - 1)]
EQUAL_CALLS: list[tuple[Any, ...]] = [
    *[("uniform", *bounds, dtype) for bounds in RANGES for dtype in FLOATS],
    *[("integers", *bounds, I64) for bounds in SPANS],
    *[("integers", 0, 2, BOOL), ("integers", 0, 256, U8), ("integers", -128, 128, I8)],
    *[("integers", -7, 5, I16), ("integers", -(2**31), 2**31, I32)],
    *[("integers", -2048, 2049, F16), ("integers", 0, 2**24, F32), ("integers", 0, 2**53, F64)],
    *[("random", dtype) for dtype in INTEGERS + FLOATS],
    *[("bernoulli", p) for p in (0.0, 0.1, 0.5, 0.7, 1.0)],
    ("permutation",),
]
CLOSE_CALLS: list[tuple[Any, ...]] = [
    *[("normal", *moments, dtype) for moments in MOMENTS for dtype in FLOATS],
    *[("exponential", rate, dtype) for rate in (1.0, 2.5) for dtype in FLOATS],
]


@pytest.mark.parametrize("call", EQUAL_CALLS, ids=str)
def test_equal_numbers(call: tuple[Any, ...]) -> None:
    skip_where_torch_differs(*call)
    name, *arguments = call
    for seed in SEEDS:
        twins = Twins(seed)
        for count in COUNTS:
            assert_same(*twins.draw(name, count, *arguments))
        assert twins.in_step()


@pytest.mark.parametrize("call", CLOSE_CALLS, ids=str)
def test_numbers_equal_up_to_the_last_bits(call: tuple[Any, ...]) -> None:
    skip_where_torch_differs(*call)
    name, *arguments = call
    scale = arguments[1] if name == "normal" else 0.0
    for seed in SEEDS:
        twins = Twins(seed)
        for count in (*COUNTS, 1, 1, 14, 24, 33):  # few and odd normals leave a spare one behind
            actual, expected = twins.draw(name, count, *arguments)
            assert_close(actual, expected, scale)
            if name == "normal" and count < 16 and FUSES_MULTIPLY_ADD:
                assert_same(actual, expected)
        assert twins.in_step()


@pytest.mark.parametrize("seed", range(20))
def test_calls_of_all_kinds_stay_in_step(seed: int) -> None:
    skip_where_torch_differs("calls of all kinds")
    twins, chooser = Twins(seed), np.random.default_rng(seed)
    calls = [call for call in EQUAL_CALLS + CLOSE_CALLS if call[0] != "bernoulli"]
    for _ in range(200):
        name, *arguments = calls[chooser.integers(len(calls))]
        count = int(chooser.choice(COUNTS))
        assert_close(*twins.draw(name, count, *arguments), scale=100.0)
        assert twins.in_step()


@pytest.mark.parametrize("low", [0, 5, -(2**63)])
def test_integers_up_to_the_largest(low: int) -> None:
    skip_where_torch_differs("integers")
    twins = Twins(3)  # torch says None where 2**63 does not fit
    expected = torch.empty(100, dtype=torch.int64).random_(low, None, generator=twins.theirs)
    assert_same(twins.ours.integers((100,), low, 2**63, I64), expected)


def test_the_weights_of_a_linear_layer() -> None:
    skip_where_torch_differs("uniform")
    torch.manual_seed(0)
    layer = torch.nn.Linear(37, 12)
    ours, bound = Generator().manual_seed(0), 37**-0.5
    for parameter in (layer.weight, layer.bias):
        expected = parameter.numpy(force=True)
        assert_same(ours.uniform(expected.shape, -bound, bound, F32), expected)


# ----- seeds and state -----


def test_the_default_seed_is_torchs() -> None:
    assert default_generator.device == "cpu"
    assert Generator().initial_seed() == DEFAULT_SEED == 67280421310721


def test_manual_seed_returns_the_generator_and_forgets_the_spare_normal() -> None:
    generator = Generator()
    assert generator.manual_seed(5) is generator
    first = generator.normal((1,), 0, 1, F64)
    assert_same(generator.manual_seed(5).normal((1,), 0, 1, F64), first)


def test_seed_differs_each_time_and_is_kept() -> None:
    generator = Generator()
    seeds = [generator.seed() for _ in range(8)]
    assert len(set(seeds)) == 8
    assert generator.initial_seed() == seeds[-1]


def test_the_device_is_kept_and_changes_no_number() -> None:
    on_gpu = Generator("cuda:1")
    assert repr(on_gpu) == f"Generator(device='cuda:1', seed={DEFAULT_SEED})"
    assert_same(on_gpu.permutation(9), Generator().permutation(9))


def draw_everything(generator: Generator) -> list[Any]:
    draws = [
        generator.normal((3,), 0, 1, F64),
        generator.normal((3, 9), 0, 1, F32),
        generator.uniform((2, 2), -1, 1, F16),
        generator.random((5,), I64),
        generator.permutation(7),
        generator.bernoulli((700,), 0.5),  # crosses the 624 words of the key
    ]
    return [draw.tolist() for draw in draws]


@pytest.mark.parametrize("normals_before", [0, 1, 2])  # one leaves a spare normal
def test_a_state_is_continued_on_any_generator(normals_before: int) -> None:
    generator, other = Generator().manual_seed(11), Generator("cuda")
    generator.normal((normals_before,), 0, 1, F32)
    state = generator.get_state()
    expected = draw_everything(generator)
    assert other.set_state(state) is other
    assert_same(other.get_state(), state)
    assert (other.initial_seed(), other.device) == (11, "cuda")
    assert draw_everything(other) == expected


@pytest.mark.parametrize(
    "duplicate",
    [Generator.clone_state, copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))],
    ids=["clone_state", "copy", "deepcopy", "pickle"],
)
def test_copies_continue_apart(duplicate: Any) -> None:
    generator = Generator("cuda").manual_seed(4)
    generator.normal((1,), 0, 1, F32)
    twin = duplicate(generator)
    assert (twin.initial_seed(), twin.device) == (4, "cuda")
    assert draw_everything(twin) == draw_everything(generator)


def test_threads_share_out_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Generator._words

    def slowly(self: Generator, count: int) -> Any:
        """In the middle of a draw it is another thread's turn."""
        time.sleep(1e-4)
        return words(self, count)

    monkeypatch.setattr(Generator, "_words", slowly)
    generator, alone = Generator().manual_seed(1), Generator().manual_seed(1)
    taken: list[float] = []

    def draw() -> None:
        for _ in range(20):
            taken.extend(generator.normal((5,), 0, 1, F64).tolist())
            time.sleep(1e-4)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = np.concatenate([alone.normal((5,), 0, 1, F64) for _ in range(80)])
    assert sorted(taken) == sorted(expected.tolist())


# ----- properties and errors -----


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_uniform_never_returns_its_upper_bound(dtype: Any) -> None:
    for low, high in ((0.0, 1.0), (1.0, 1.01), (-3.0, -2.9)):
        numbers = Generator().uniform((100_000,), low, high, dtype)
        assert dtype.type(low) <= numbers.min() <= numbers.max() < dtype.type(high)


@pytest.mark.parametrize("size", [(), (0,), (2, 0, 3), (4, 5), (1, 1), (2, 2, 9)])
def test_the_shape_is_as_asked(size: tuple[int, ...]) -> None:
    generator = Generator()
    assert generator.uniform(size, 0, 1, F32).shape == size
    assert generator.normal(size, 0, 1, F32).shape == size
    assert generator.exponential(size, 1, F32).shape == size
    assert generator.integers(size, -3, 9, F32).shape == size
    assert generator.random(size, F32).shape == size
    assert generator.bernoulli(size, 0.5).shape == size


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_numbers_too_large_for_the_type_are_infinite_without_a_warning(dtype: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for count in (3, 100):
            assert np.isinf(Generator().normal((count,), 0.0, INF, dtype)).all()
            assert np.isinf(Generator().normal((count,), 0.0, 1e300, F32)).all()
            assert np.isinf(Generator().exponential((count,), 1e-300, F32)).all()


@pytest.mark.parametrize("seed", ["a", 1.5, None, True, 2**64, -(2**63) - 1])
def test_a_wrong_seed(seed: Any) -> None:
    error = ValueError if type(seed) is int else RuntimeError
    with pytest.raises(error, match=f"manual_seed expected .*, got {seed!r}"):
        Generator().manual_seed(seed)
    if torch is not None:
        with pytest.raises(error):
            torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 0), (7, 2), (19, 1), (slice(-2496, None), 0), (slice(21, 29), 255)]
)
def test_a_wrong_state_is_refused_and_changes_nothing(place: Any, value: int) -> None:
    generator = Generator()
    before, state = generator.get_state(), generator.get_state()
    state[place] = value  # the name, the version, the place, the words, the spare normal
    with pytest.raises(RuntimeError, match="set_state expected state to be what get_state"):
        generator.set_state(state)
    assert_same(generator.get_state(), before)


def test_a_state_has_one_length_and_type() -> None:
    with pytest.raises(RuntimeError, match=r"shape \(2525,\), got \(3,\)"):
        Generator().set_state(np.zeros(3, np.uint8))
    wrong: list[tuple[Any, str]] = [
        (np.zeros(2525), "float64"), ([1], "list"), ([[1], [2, 3]], "list"),
    ]  # fmt: skip
    for state, got in wrong:
        with pytest.raises(TypeError, match=f"uint8 array, got {got}"):
            Generator().set_state(state)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        *[("uniform", ((3,), *bounds, F32), RuntimeError, "got low={}, high={}".format(*bounds))
          for bounds in ((2, 1), (0, INF), (NAN, 1), (-3e38, 3e38), (0, 1e39))],
        ("normal", ((3,), 0, -1, F32), RuntimeError, "expects std >= 0.0, but found std -1"),
        ("normal", ((3,), 0, NAN, F32), RuntimeError, "expects std >= 0.0, but found std nan"),
        ("exponential", ((3,), 0, F32), RuntimeError, "lambda > 0.0, but found lambda=0"),
        ("bernoulli", ((3,), 1.1), RuntimeError, "p to be in [0, 1], but got p=1.1"),
        ("bernoulli", ((3,), NAN), RuntimeError, "p to be in [0, 1], but got p=nan"),
        ("integers", ((3,), 5, 5, I64), RuntimeError, "got from=5 >= to=5"),
        ("integers", ((3,), -1, 5, U8), RuntimeError, "for uint8, got low=-1, high=5"),
        ("integers", ((3,), 0, 257, U8), RuntimeError, "for uint8, got low=0, high=257"),
        ("integers", ((3,), 0, 2**24 + 2, F32), RuntimeError, "high - 1 <= 16777216 for float32"),
        ("permutation", (-1,), RuntimeError, "expected n >= 0, got -1"),
        ("uniform", ((2, -1), 0, 1, F32), RuntimeError, "negative dimension: [2, -1]"),
        ("uniform", ((3,), 0, 1, I64), NotImplementedError, "got int64"),
        ("normal", ((3,), 0, 1, I64), NotImplementedError, "got int64"),
        ("random", ((3,), np.dtype("complex64")), NotImplementedError, "got complex64"),
    ],
)  # fmt: skip
def test_wrong_arguments(name: str, arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        getattr(Generator(), name)(*arguments)


# ----- golden values: torch 2.13's, each from the beginning of the stream of seed 0 -----


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("uniform", ((3,), 0, 1, F32), [0.4962565898895, 0.7682217955589, 0.08847743272781]),
        ("uniform", ((3,), -0.1, 0.3, F16), [0.0985, 0.2073, -0.06464]),
        ("uniform", ((3,), -0.1, 0.3, F32), [0.098502636, 0.20728873, -0.06460903]),
        ("uniform", ((2,), -0.1, 0.3, F64), [0.2880212007226212, 0.1831279457599152]),
        ("integers", ((6,), 0, 1000, I64), [44, 239, 933, 760, 963, 379]),
        ("integers", ((3,), 0, 2**40, I64), [741280623151, 506137267392, 291447657211]),
        ("random", ((2,), I64), [900450186894289455, 3969543146641149120]),
        ("random", ((3,), U8), [172, 47, 117]),
        ("permutation", (8,), [4, 0, 7, 3, 2, 5, 1, 6]),
        ("bernoulli", ((12,), 0.5), [0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1]),
    ],
)
def test_golden_values(name: str, arguments: Any, expected: list[Any]) -> None:
    actual = getattr(Generator().manual_seed(0), name)(*arguments)
    assert_same(actual, np.array(expected, actual.dtype))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("normal", ((3,), 0.5, 2, F64), [3.581992216488087, -0.08685781152189276]),
        ("normal", ((17,), 0.5, 2, F16), [-1.752, -2.205]),
        ("normal", ((17,), 0.5, 2, F32), [-1.75167966, -2.89186239]),
        ("normal", ((17,), 0.5, 2, F64), [-4.120823600468352, -0.7665492177350193]),
        ("exponential", ((3,), 2, F32), [1.754163146, 0.6151923537]),
    ],
)
def test_golden_values_up_to_the_last_bits(
    name: str, arguments: Any, expected: list[float]
) -> None:
    actual = getattr(Generator().manual_seed(0), name)(*arguments)[:2]
    assert_close(actual, np.array(expected, actual.dtype), scale=2.0)
