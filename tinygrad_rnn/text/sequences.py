"""Batches of subsequences of a corpus, in reading order or at random."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

from ..autograd.hints import told
from ..creation import Device, tensor
from ..tensor import Tensor
from .corpora import load_time_machine
from .vocabulary import Vocab, check_positive

Sampling = Literal["sequential", "random"]
Corpus = Sequence[int] | Tensor
Batch = tuple[Tensor, Tensor]


@told
def seq_data_iter_random(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None = None
) -> Iterator[Batch]:
    """One epoch of subsequences in random order.

    From a random offset below `num_steps` on, the corpus is cut into pieces of `num_steps`, which
    are shuffled. Yields inputs and targets, int64 Tensors (batch_size, num_steps), a target being
    the token after its input. Chance comes from `rng`, or from the `random` module.

    Raises ValueError when a size is not positive or the corpus may be too short for one batch.

    >>> batches = list(text.seq_data_iter_random(range(20), batch_size=2, num_steps=5))
    >>> inputs, targets = batches[0]
    >>> inputs.shape, (targets - inputs).unique()
    (torch.Size([2, 5]), tensor([1]))
    """
    return _batches(corpus, _random_starts(corpus, batch_size, num_steps, rng), num_steps)


@told
def seq_data_iter_sequential(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None = None
) -> Iterator[Batch]:
    """One epoch in reading order: row i of a batch goes on where row i of the last one ended.

    From a random offset of at most `num_steps` the corpus is cut into `batch_size` long rows, read
    side by side, `num_steps` at a time: so the hidden state may be carried from batch to batch.
    Yields and raises as `seq_data_iter_random` does.

    >>> batches = list(text.seq_data_iter_sequential(range(40), batch_size=2, num_steps=5))
    >>> (first, targets), (second, _) = batches[:2]
    >>> first.shape, (second - first).unique()
    (torch.Size([2, 5]), tensor([5]))
    """
    return _batches(corpus, _sequential_starts(corpus, batch_size, num_steps, rng), num_steps)


def _random_starts(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None
) -> Iterator[list[int]]:
    """Where the rows of each batch begin. All is drawn when it is called."""
    _check_lengths(corpus, batch_size, num_steps, max_offset=num_steps - 1)
    offset = (random.randint if rng is None else rng.randint)(0, num_steps - 1)
    # The last piece must leave one more token, the target of its last input.
    starts = list(range(offset, len(corpus) - num_steps, num_steps))
    (random.shuffle if rng is None else rng.shuffle)(starts)
    firsts = range(0, len(starts) - batch_size + 1, batch_size)
    return (starts[first : first + batch_size] for first in firsts)


def _sequential_starts(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None
) -> Iterator[list[int]]:
    """Where the rows of each batch begin. All is drawn when it is called."""
    _check_lengths(corpus, batch_size, num_steps, max_offset=num_steps)
    offset = (random.randint if rng is None else rng.randint)(0, num_steps)
    row_length = (len(corpus) - offset - 1) // batch_size
    rows = range(offset, offset + batch_size * row_length, row_length)
    steps = range(0, row_length - num_steps + 1, num_steps)
    return ([row + step for row in rows] for step in steps)


def _batches(corpus: Corpus, starts: Iterable[list[int]], num_steps: int) -> Iterator[Batch]:
    # One gather each: making tensors of nested lists would take many times longer.
    tokens = tensor(corpus)
    where = tokens.device  # a corpus on a GPU is cut there
    steps = tensor(range(num_steps), device=where)
    for rows in starts:
        positions = tensor(rows, device=where).reshape(-1, 1) + steps
        yield tokens[positions], tokens[positions + 1]


def _check_lengths(corpus: Corpus, batch_size: int, num_steps: int, max_offset: int) -> None:
    """Refuse what may give no batch at the largest offset: no program should fail by luck."""
    check_positive("batch_size", batch_size)
    check_positive("num_steps", num_steps)
    if batch_size > (largest := max(0, (len(corpus) - 1 - max_offset) // num_steps)):
        raise ValueError(
            f"corpus has {len(corpus)} tokens, too few for batch_size={batch_size} and "
            f"num_steps={num_steps} after an offset of up to {max_offset}: the largest batch_size "
            f"that fits is {largest}; lower batch_size or num_steps, or use a longer corpus"
        )


SAMPLERS = {"sequential": seq_data_iter_sequential, "random": seq_data_iter_random}
_STARTS = {"sequential": _sequential_starts, "random": _random_starts}


@dataclass(eq=False)
class _Place:
    """How far an epoch is: the state of chance that it was drawn from, and its batches so far."""

    drawn_from: Any
    batch: int = 0


class SequenceLoader:
    """The batches of a corpus, one epoch each time it is iterated over: inputs and targets, int64
    tensors (batch_size, num_steps).

    `sampling` is "sequential" or "random" (see the two functions above); `carries_state` is True
    for sequential alone, where a hidden state may be kept from one batch to the next. There is no
    `len()`, as the number of batches can differ by one with the random offset. Batches are on
    `device` (None: where the corpus is), and so is the corpus, once and for all. `state_dict` tells
    how far it is, and a loader that loads it goes on from there.

    Raises, at once, what these functions raise, and ValueError for another `sampling`.

    >>> corpus, vocab = text.load_sample()
    >>> loader = text.SequenceLoader(corpus, batch_size=32, num_steps=35)
    >>> inputs, targets = next(iter(loader))
    >>> inputs.shape, torch.equal(inputs[:, 1:], targets[:, :-1])
    (torch.Size([32, 35]), True)
    """

    def __init__(
        self,
        corpus: Corpus,
        batch_size: int,
        num_steps: int,
        sampling: Sampling = "sequential",
        rng: random.Random | None = None,
        device: Device = None,
    ) -> None:
        if not isinstance(sampling, str) or sampling not in SAMPLERS:
            raise ValueError(f"sampling must be one of {list(SAMPLERS)}, got {sampling!r}")
        if not isinstance(rng, random.Random | None):
            raise TypeError(f"rng must be a random.Random or None, got {type(rng).__name__}")
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.carries_state = sampling == "sequential"
        self._corpus = tensor(corpus, device=device)
        self._starts = partial(_STARTS[sampling], self._corpus, batch_size, num_steps)
        self._starts(random.Random())  # checks the sizes now, and draws nothing from `rng`
        self._rng = rng
        self._place: _Place | None = None  # in the epoch begun last, if it is not over
        self._loaded = False  # the place was loaded: the next epoch is its rest

    def __iter__(self) -> Iterator[Batch]:
        place, rng = self._place, self._rng
        if self._loaded and place is not None:
            rng = random.Random()
            rng.setstate(place.drawn_from)
        else:
            place = self._place = _Place((rng or random).getstate())
        self._loaded = False
        starts = islice(self._starts(rng), place.batch, None)
        return self._counted(place, _batches(self._corpus, starts, self.num_steps))

    def _counted(self, place: _Place, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            place.batch += 1
            yield batch
        if self._place is place:
            self._place = None

    def state_dict(self) -> dict[str, Any]:
        """How far it is: how many `batch`es of the epoch in work it has given, the state of chance
        that this epoch was `drawn_from` (None between two epochs), and that of its own `rng` (None
        if it has none: then keep `random.getstate()` as well).

        >>> loader = text.SequenceLoader(range(40), batch_size=2, num_steps=5)
        >>> batches = iter(loader)
        >>> _ = next(batches)
        >>> state = loader.state_dict()
        >>> other = text.SequenceLoader(range(40), batch_size=2, num_steps=5)
        >>> other.load_state_dict(state)
        >>> torch.equal(next(iter(other))[0], next(batches)[0])
        True
        """
        place = self._place or _Place(None)
        rng = self._rng and self._rng.getstate()
        return {"batch": place.batch, "drawn_from": place.drawn_from, "rng": rng}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Be as far as a loader of the same corpus, sizes and sampling was when it returned this
        state: the next epoch is the rest of the one it was in. Raises TypeError and ValueError for
        what is none."""
        if not isinstance(state_dict, Mapping):
            kind = type(state_dict).__name__
            raise TypeError(f"load_state_dict(): state_dict must be a dict, got {kind}")
        if missing := {"batch", "drawn_from", "rng"} - {*state_dict}:
            raise ValueError(f"load_state_dict(): state_dict lacks {sorted(missing)}")
        self._loaded = state_dict["drawn_from"] is not None
        self._place = (
            _Place(_chance(state_dict["drawn_from"]), state_dict["batch"]) if self._loaded else None
        )
        if self._rng is not None and state_dict["rng"] is not None:
            self._rng.setstate(_chance(state_dict["rng"]))


def _chance(state: Any) -> Any:
    """A state of `random.Random`, whose tuples may have become lists in a file."""
    version, words, spare = state
    return version, tuple(words), spare


@told
def load_data_time_machine(
    batch_size: int, num_steps: int, use_random_iter: bool = False, max_tokens: int = 10000
) -> tuple[SequenceLoader, Vocab]:
    """A loader of *The Time Machine* by characters, in batches (batch_size, num_steps), and its
    vocabulary; raises what they raise.

    >>> loader, vocab = text.load_data_time_machine(32, 35)  # doctest: +SKIP
    """
    corpus, vocab = load_time_machine(max_tokens=max_tokens)
    sampling: Sampling = "random" if use_random_iter else "sequential"
    return SequenceLoader(corpus, batch_size, num_steps, sampling), vocab
