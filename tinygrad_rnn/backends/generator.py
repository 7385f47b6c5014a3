"""Random numbers on the host: for the same seed, the numbers of PyTorch's CPU generator.

The source is mt19937, a stream of 32-bit words; a 64-bit number takes two of them, high one first.
Every draw takes exactly the words PyTorch takes, so the two stay in step over any mix of calls.

- Equal bit for bit: `uniform`, `integers`, `random`, `permutation`, `bernoulli`, and `normal` of
  fewer than 16 numbers.
- `normal` of 16 and more and `exponential` are equal up to the last bits of a logarithm, a sine
  and a cosine, which each library (and NumPy on each processor) computes in its own way. Measured
  over 20 million standard numbers: at most 5 units in the last place for float32, 2 for float64.

Where PyTorch itself differs between processors we have what most of them do: multiply-and-add
rounds once, and `bernoulli` draws from mt19937 (PyTorch on Intel processors uses MKL's stream).
"""

from __future__ import annotations

import functools
import math
import operator
import os
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from .forking import new_lock
from .transforms import BLOCK, box_muller, multiply_add

Array = npt.NDArray[Any]
DType = np.dtype[Any]
Size = tuple[int, ...]

FLOAT16, FLOAT32, FLOAT64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")

DEFAULT_SEED = 67280421310721
WIDE_SPAN = 2**28  # a choice among this many integers or more takes 64 bits, to stay even


class Generator:
    """A stream of random numbers that a seed determines.

    Args:
        device: kept as given, as an attribute. The numbers always come from the host, so that
            the same seed gives the same numbers on every device.

    `size` is always the shape of the result, a tuple; results are C-contiguous NumPy arrays.

    >>> generator = torch.Generator().manual_seed(0)
    >>> torch.rand(2, generator=generator)
    tensor([0.4963, 0.7682])
    >>> generator.initial_seed()
    0
    """

    def __init__(self, device: object = "cpu") -> None:
        self.device = device
        # One draw takes many words and may use the cached normal: without the lock two threads
        # (a data loader's, say) could interleave inside a draw, or both take the same cached value.
        self._lock = new_lock()
        self.manual_seed(DEFAULT_SEED)

    # ----- seeds and state -----

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that `seed` determines, and return the generator.

        Raises RuntimeError if `seed` is no integer, ValueError outside [-2**63, 2**64).
        """
        try:
            if isinstance(seed, bool):
                raise TypeError
            seed = operator.index(seed)
        except TypeError:
            raise RuntimeError(f"manual_seed expected seed to be an int, got {seed!r}") from None
        if not -(2**63) <= seed < 2**64:
            raise ValueError(
                "Overflow when unpacking long long: manual_seed expected "
                f"-2**63 <= seed < 2**64, got {seed}"
            )
        with self._lock:
            self._seed = seed % 2**64  # PyTorch stores 64 bits without a sign
            self._spare_normal: float | None = None
            self.__dict__.pop("_mt19937", None)
        return self

    @functools.cached_property
    def _mt19937(self) -> np.random.MT19937:
        """The seed's stream, made when first asked for: numpy.random takes long to import."""
        stream = np.random.MT19937()
        # PyTorch seeds with the low 32 bits, by the same recipe as NumPy's old RandomState
        np.random.RandomState(stream).seed(self._seed % 2**32)
        return stream

    def seed(self) -> int:
        """Seed from the operating system's entropy; returns the seed."""
        seed = int.from_bytes(os.urandom(8))
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The last seed set, as a number in [0, 2**64)."""
        return self._seed

    # The state as bytes, little-endian: name and version of the layout, seed, place in the key,
    # whether there is a spare normal, the spare normal (0 if none), mt19937's key of 624 words.
    _LAYOUT = struct.Struct("<8sQI?d2496s")
    _MAGIC = b"tgrng\0\0\1"

    def get_state(self) -> Array:
        """All that determines the numbers to come, as a new array of 2525 uint8."""
        with self._lock:
            stream = self._mt19937.state["state"]
            spare = self._spare_normal
            state = self._LAYOUT.pack(
                self._MAGIC,
                self._seed,
                stream["pos"],
                spare is not None,
                spare or 0.0,
                stream["key"].astype("<u4").tobytes(),
            )
        return np.frombuffer(bytearray(state), np.uint8)

    def set_state(self, state: Array) -> Generator:
        """Continue from where `get_state` was called, on any generator; returns itself. Raises
        TypeError if `state` is no uint8 array (or tensor), RuntimeError if no generator's."""
        state = np.asarray(state) if hasattr(state, "__array__") else state
        got = getattr(state, "dtype", type(state).__name__)
        if got != np.uint8:
            raise TypeError(f"set_state expected state to be a uint8 array, got {got}")
        if state.shape != (self._LAYOUT.size,):
            raise RuntimeError(
                f"set_state expected state of shape ({self._LAYOUT.size},), got {state.shape}"
            )
        magic, seed, position, has_spare, spare, words = self._LAYOUT.unpack(state.tobytes())
        key = np.frombuffer(words, "<u4")
        # A key of zeros would give zeros for ever; a seed never leads to it.
        if magic != self._MAGIC or position > key.size or not key.any() or not math.isfinite(spare):
            raise RuntimeError(
                f"set_state expected state to be what get_state returned (layout {self._MAGIC!r}), "
                f"got other bytes (beginning {magic!r})"
            )
        stream: Any = {"key": key.astype(np.uint32), "pos": position}
        with self._lock:
            self._mt19937.state = {"bit_generator": "MT19937", "state": stream}
            self._seed = seed
            self._spare_normal = spare if has_spare else None
        return self

    def clone_state(self) -> Generator:
        """A new generator at the same place of the same stream."""
        clone = Generator(self.device)
        clone.set_state(self.get_state())
        return clone

    def __getstate__(self) -> tuple[object, Array]:  # for pickle and copy: a lock has no copy
        return self.device, self.get_state()

    def __setstate__(self, saved: tuple[object, Array]) -> None:
        device, state = saved
        Generator.__init__(self, device)
        self.set_state(state)

    def __repr__(self) -> str:
        return f"Generator(device={str(self.device)!r}, seed={self._seed})"

    # ----- floating-point numbers -----

    def uniform(self, size: Size, low: float, high: float, dtype: DType) -> Array:
        """Numbers spread evenly over [low, high)."""
        _require_floating("uniform", dtype)
        limit = float(np.finfo(dtype).max)
        if not -limit <= low <= high <= min(limit, low + limit):
            raise RuntimeError(
                f"uniform expected finite bounds low <= high, no further apart than {dtype} can "
                f"hold, got low={low}, high={high}"
            )
        with self._lock:
            fractions = self._fractions(_count(size), dtype)
        # Bounds and width are rounded to the type computed in before they are used.
        start, end = fractions.dtype.type(low), fractions.dtype.type(high)
        numbers = multiply_add(fractions, end - start, start).astype(dtype, copy=False)
        numbers[numbers == dtype.type(high)] = low  # rounded up to the bound that is left out
        return numbers.reshape(size)

    def normal(
        self, size: Size, mean: float, std: float, dtype: DType, in_blocks: bool = True
    ) -> Array:
        """Numbers of the normal distribution with this mean and standard deviation. PyTorch makes
        those of contiguous tensors in blocks, if they are not few."""
        _require_floating("normal", dtype)
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        count = _count(size)
        with self._lock:
            few = count < BLOCK or not in_blocks
            standard = self._few_normals(count) if few else self._many_normals(count, dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # too large for dtype: inf, silently
            return multiply_add(standard, std, mean).astype(dtype, copy=False).reshape(size)

    def exponential(self, size: Size, rate: float, dtype: DType) -> Array:
        """Waiting times between events that happen `rate` times in a unit of time."""
        _require_floating("exponential", dtype)
        if not rate > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate}")
        with self._lock:
            fractions = self._fractions(_count(size), FLOAT64)
        with np.errstate(over="ignore"):
            return (-1 / rate * np.log1p(-fractions)).astype(dtype).reshape(size)

    def log_normal(self, size: Size, mean: float, std: float, dtype: DType) -> Array:
        """exp of numbers of the normal distribution with this mean and standard deviation."""
        _require_floating("log_normal", dtype)
        with self._lock:
            standard = self._normals_in_pairs(_count(size))
        with np.errstate(over="ignore"):
            return np.exp(multiply_add(standard, std, mean)).astype(dtype).reshape(size)

    def cauchy(self, size: Size, median: float, sigma: float, dtype: DType) -> Array:
        """Numbers of the Cauchy distribution with this median and scale."""
        _require_floating("cauchy", dtype)
        with self._lock:
            fractions = self._fractions(_count(size), FLOAT64)
        eps = np.finfo(FLOAT64).eps
        turns = np.clip(fractions, eps, 1 - eps) - 0.5
        return (median + sigma * np.tan(math.pi * turns)).astype(dtype).reshape(size)

    # ----- integers and choices -----

    def geometric(self, size: Size, p: float, dtype: DType) -> Array:
        """How many trials it takes to the first success, each with probability p."""
        with self._lock:
            fractions = self._fractions(_count(size), FLOAT64)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.ceil(np.log(fractions) / math.log1p(-p)).astype(dtype).reshape(size)

    def poisson(self, rates: Array) -> Array:
        """Numbers of events at these rates. They take other words than PyTorch's."""
        with self._lock:
            return np.asarray(np.random.Generator(self._mt19937).poisson(rates))

    def gamma(self, shapes: Array) -> Array:
        """Numbers of the gamma distributions with these shapes and rate 1, in float64. They take
        other words than PyTorch's."""
        with self._lock:
            return np.asarray(np.random.Generator(self._mt19937).standard_gamma(shapes))

    def binomial(self, trials: Array, chances: Array) -> Array:
        """Numbers of successes in so many trials. They take other words than PyTorch's."""
        with self._lock:
            draw = np.random.Generator(self._mt19937).binomial(trials.astype(np.int64), chances)
            return np.asarray(draw)

    def integers(self, size: Size, low: int, high: int, dtype: DType) -> Array:
        """Whole numbers low <= n < high; a floating dtype must hold each of them exactly."""
        lowest, highest = _exact_integers(dtype)
        if low >= high:
            raise RuntimeError(
                f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
            )
        if low < lowest or high - 1 > highest:
            raise RuntimeError(
                f"integers expected low >= {lowest} and high - 1 <= {highest} for {dtype}, "
                f"got low={low}, high={high}"
            )
        span = high - low
        return self._integers(size, low, span, wide=span >= WIDE_SPAN).astype(dtype, copy=False)

    def random(self, size: Size, dtype: DType) -> Array:
        """Whole numbers from 0 to the largest that dtype holds, with all below it, exactly."""
        _, highest = _exact_integers(dtype)
        return self._integers(size, 0, highest + 1, wide=dtype.itemsize == 8).astype(
            dtype, copy=False
        )

    def permutation(self, n: int) -> Array:
        """The numbers 0 .. n - 1 in random order, as int64."""
        if n < 0:
            raise RuntimeError(f"permutation expected n >= 0, got {n}")
        order = list(range(n))
        with self._lock:
            words = self._words(max(n - 1, 0))
        # Fisher-Yates: each place in turn swaps with one from itself on; the last needs no choice.
        steps = words % np.arange(n, 1, -1, dtype=np.uint64)
        for place, step in enumerate(steps.tolist()):
            other = place + step
            order[place], order[other] = order[other], order[place]
        return np.array(order, np.int64)

    def bernoulli(self, size: Size, p: float) -> npt.NDArray[np.bool_]:
        """True with probability p, as a bool array."""
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        with self._lock:
            fractions = self._fractions(_count(size), FLOAT64)
        return (fractions < p).reshape(size)

    # ----- from words to numbers; the caller holds the lock -----

    def _words(self, count: int) -> npt.NDArray[np.uint64]:
        """The next words of the stream: 32 random bits each, in arrays of 64."""
        words: npt.NDArray[np.uint64] = self._mt19937.random_raw(count)
        return words

    def _wide_words(self, count: int) -> npt.NDArray[np.uint64]:
        """Numbers of 64 random bits."""
        words = self._words(2 * count)
        wide: npt.NDArray[np.uint64] = words[::2] << np.uint64(32) | words[1::2]
        return wide

    def _fractions(self, count: int, dtype: DType) -> Array:
        """Numbers in [0, 1): 53 random bits in float64 for float64, else 24 in float32."""
        if dtype == FLOAT64:
            bits = self._wide_words(count) & np.uint64(2**53 - 1)
            return bits.view(np.int64) * 2.0**-53
        bits = self._words(count) & np.uint64(2**24 - 1)
        return bits.view(np.int64).astype(FLOAT32) * np.float32(2.0**-24)

    def _few_normals(self, count: int) -> Array:
        """Standard normals in float64, two by two; the spare one waits for the next call."""
        normals: list[float] = []
        while len(normals) < count:
            if self._spare_normal is None:
                turn, fraction = self._fractions(2, FLOAT64).tolist()
                radius, angle = math.sqrt(-2 * math.log1p(-fraction)), 2 * math.pi * turn
                normals.append(radius * math.cos(angle))
                self._spare_normal = radius * math.sin(angle)
            else:
                normals.append(self._spare_normal)
                self._spare_normal = None
        return np.array(normals)

    def _normals_in_pairs(self, count: int) -> Array:
        """The numbers of `_few_normals`, quickly for many, up to the last bits."""
        spare = [] if self._spare_normal is None or not count else [self._spare_normal]
        pairs = (count - len(spare) + 1) // 2
        turn, fraction = self._fractions(2 * pairs, FLOAT64).reshape(pairs, 2).T
        radius, angle = np.sqrt(-2 * np.log1p(-fraction)), 2 * math.pi * turn
        both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
        normals = np.concatenate([spare, both])
        if count:
            self._spare_normal = float(normals[count]) if len(normals) > count else None
        return normals[:count]

    def _many_normals(self, count: int, dtype: DType) -> Array:
        """Standard normals in whole blocks; a rest is covered by a last block of fresh words."""
        whole = count - count % BLOCK
        rest = BLOCK if count > whole else 0
        # float16 draws for the whole blocks only, other types for the rest too, which is unused.
        drawn = whole if dtype == FLOAT16 else count
        fractions = self._fractions(drawn + rest, dtype)
        normals = np.empty(count, fractions.dtype)
        normals[:whole] = box_muller(fractions[:whole])
        if rest:
            normals[-BLOCK:] = box_muller(fractions[-BLOCK:])
        return normals

    def _integers(self, size: Size, low: int, span: int, wide: bool) -> npt.NDArray[np.int64]:
        """Whole numbers low <= n < low + span, from 64 or 32 random bits each (takes the lock)."""
        with self._lock:
            words = self._wide_words(_count(size)) if wide else self._words(_count(size))
        if span < 2**64:  # else every word is a number already
            words = words % np.uint64(span) + np.uint64(low % 2**64)  # sums wrap as signed ones do
        return words.view(np.int64).reshape(size)


def _count(size: Size) -> int:
    """How many numbers an array of this size holds."""
    if any(extent < 0 for extent in size):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(size)}")
    return math.prod(size)


def _require_floating(name: str, dtype: DType) -> None:
    if dtype not in (FLOAT16, FLOAT32, FLOAT64):
        raise NotImplementedError(
            f"{name} expected dtype to be float16, float32 or float64, got {dtype}"
        )


def _exact_integers(dtype: DType) -> tuple[int, int]:
    """The lowest and highest integer that dtype holds exactly, with all between them."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    _require_floating("integers", dtype)
    limit = 2 ** (int(np.finfo(dtype).nmant) + 1)
    return -limit, limit


default_generator = Generator()


def seed_numpy(words: list[int]) -> None:
    """Seed NumPy's own global generator with numbers of 32 bits, for code of users that draws
    from it."""
    np.random.seed(np.random.SeedSequence(words).generate_state(4))
