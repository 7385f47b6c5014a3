"""Text as numbers: tokens, vocabularies, corpora, and batches of subsequences.

A *corpus* is a list of token indices and a `Vocab` says which token each index stands for:

    corpus, vocab = load_sample()
    for inputs, targets in SequenceLoader(corpus, batch_size=32, num_steps=35):
        ...  # both (32, 35), the targets one token ahead

They follow Dive into Deep Learning 8.2 and 8.3: with the same `random.seed`, the book's batches.
"""

import hashlib
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from http.client import HTTPException
from importlib.resources import files
from itertools import chain
from numbers import Integral
from pathlib import Path
from typing import Literal, overload
from urllib.error import HTTPError
from urllib.request import urlopen

from .creation import tensor
from .files import write_atomically
from .tensor import Tensor

Level = Literal["char", "word"]
Sampling = Literal["sequential", "random"]
Corpus = Sequence[int] | Tensor
Batch = tuple[Tensor, Tensor]

TIME_MACHINE_URL = "http://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt"
TIME_MACHINE_SHA1 = "090b5e7e70c295757f55df93cb0a180b9691891a"
DATA_VARIABLE = "TINYGRAD_RNN_DATA"
_ADVICE = f"get timemachine.txt by other means and name its folder in {DATA_VARIABLE}"


# ----- Tokens -----


def normalize(line: str) -> str:
    """The ASCII letters of `line` in lower case, one space wherever others lay between them."""
    return " ".join(re.findall("[A-Za-z]+", line)).lower()


def tokenize(lines: Iterable[str], level: Level = "char") -> list[list[str]]:
    """Split each line into its characters (`level="char"`) or its words (`level="word"`).

    Raises TypeError when `lines` is a single string, and ValueError for another `level`.
    """
    if isinstance(lines, str):
        raise TypeError("lines must be several strings, got one; pass [text] or text.splitlines()")
    if level == "char":
        return [list(line) for line in lines]
    if level == "word":
        return [line.split() for line in lines]
    raise ValueError(f"level must be 'char' or 'word', got {level!r}")


class Vocab:
    """The tokens of a text, each with an index, the most frequent first.

    Index 0 is `<unk>`, for every token not in the vocabulary. Then come `reserved_tokens`, then
    the tokens seen at least `min_freq` times by falling frequency, those equally frequent in the
    order of their first appearance.

    `tokens` is flat or a list of lists (only lists nest: a tuple is one token, an n-gram).
    `idx_to_token` and `token_to_idx` are the two directions; `token_freqs` has the (token, count)
    pairs of the text by falling count, rare tokens included.

    Raises TypeError when `reserved_tokens` is one string, ValueError when it repeats a token.
    """

    unk = 0  # the index of the unknown token

    def __init__(
        self,
        tokens: Iterable[str | Sequence[str]] = (),
        min_freq: int = 0,
        reserved_tokens: Iterable[str] = (),
    ) -> None:
        if isinstance(reserved_tokens, str):
            raise TypeError(f"reserved_tokens must be a list, got a string: {reserved_tokens!r}")
        nested = (item if isinstance(item, list) else [item] for item in tokens)
        self.token_freqs: list[tuple[str, int]] = Counter(chain.from_iterable(nested)).most_common()
        reserved = ["<unk>", *reserved_tokens]
        if repeated := [token for token, count in Counter(reserved).items() if count > 1]:
            raise ValueError(f"a token has one index ('<unk>' has 0), got {repeated} repeatedly")
        frequent = [token for token, count in self.token_freqs if count >= min_freq]
        self.idx_to_token = list(dict.fromkeys(reserved + frequent))  # a text may hold "<unk>"
        self.token_to_idx = {token: index for index, token in enumerate(self.idx_to_token)}

    @classmethod
    def from_tokens(cls, tokens: Iterable[str]) -> "Vocab":
        """Rebuild a vocabulary from its `idx_to_token`; `token_freqs`, unknown then, is empty.

        Raises ValueError when a token comes twice or the first one is not `<unk>`.
        """
        tokens = list(tokens)
        if tokens[:1] != ["<unk>"]:
            raise ValueError(f"tokens must begin with '<unk>', got {tokens[:1]} at the beginning")
        return cls(reserved_tokens=tokens[1:])

    def __len__(self) -> int:
        return len(self.idx_to_token)

    def __iter__(self) -> Iterator[str]:
        return iter(self.idx_to_token)

    def __contains__(self, token: object) -> bool:
        return token in self.token_to_idx

    @overload
    def __getitem__(self, tokens: str) -> int: ...
    @overload
    def __getitem__(self, tokens: list[str]) -> list[int]: ...
    def __getitem__(self, tokens: str | list[str]) -> int | list[int]:
        """The index of a token, or the list of indices of a list; `unk` for unknown tokens."""
        if isinstance(tokens, list):
            return [self[token] for token in tokens]
        return self.token_to_idx.get(tokens, self.unk)

    @overload
    def to_tokens(self, indices: int) -> str: ...
    @overload
    def to_tokens(self, indices: Sequence[int] | Tensor) -> list[str]: ...
    def to_tokens(self, indices: int | Sequence[int] | Tensor) -> str | list[str]:
        """The token of an index, or the tokens of a list, tuple or Tensor, nested alike.

        Raises IndexError for an index not in the vocabulary, TypeError for one not an integer.
        """
        plain = indices.tolist() if hasattr(indices, "tolist") else indices
        if isinstance(plain, list | tuple):
            return [self.to_tokens(index) for index in plain]
        if not isinstance(plain, int):
            raise TypeError(f"indices must be integers, got {plain!r} ({type(plain).__name__})")
        if not 0 <= plain < len(self):
            raise IndexError(f"index {plain} is not in the vocabulary, use 0 to {len(self) - 1}")
        return self.idx_to_token[plain]


# ----- Corpora -----


def load_time_machine(
    path: str | os.PathLike[str] | None = None, max_tokens: int = -1, *, level: Level = "char"
) -> tuple[list[int], Vocab]:
    """The first `max_tokens` tokens (-1: all) of *The Time Machine*, and its vocabulary.

    Read from `path`, or from where `time_machine_path` finds it. The lines are normalized and
    joined without a separator, so the last letter of one touches the first of the next, as in the
    book: 170,580 characters, 28 tokens. The vocabulary is the whole text's, whatever `max_tokens`.
    Raises what `load_text` and `time_machine_path` raise.
    """
    path = time_machine_path() if path is None else Path(path)
    return _corpus(path, map(normalize, _read(path).splitlines()), max_tokens, level)


def load_sample(max_tokens: int = -1, *, level: Level = "char") -> tuple[list[int], Vocab]:
    """As `load_time_machine`, but of the packaged sample text: needs no file and no network."""
    return _corpus("sample.txt", map(normalize, sample_text().splitlines()), max_tokens, level)


def sample_text() -> str:
    """The packaged sample: a short story in plain English of about 16,000 letters."""
    return (files("tinygrad_rnn") / "data" / "sample.txt").read_text(encoding="utf-8")


def collapse_whitespace(text: str) -> str:
    """Make one space of every run of whitespace in `text`, and remove it at both ends."""
    return " ".join(text.split())


def load_text(
    path: str | os.PathLike[str],
    max_tokens: int = -1,
    *,
    level: Level = "char",
    normalise: Callable[[str], str] = collapse_whitespace,
) -> tuple[list[int], Vocab]:
    """The first `max_tokens` tokens (-1: all) of any UTF-8 file, and the whole text's vocabulary.

    `normalise` maps the whole text to the text that is tokenized. By default every character
    stays as it is, but a run of whitespace, newlines included, becomes one space: where a line
    breaks is mostly the width of somebody's editor, which a model need not learn. Pass `str` to
    keep the text untouched, or `normalize` for lower-case English letters alone.

    Raises ValueError for a file not in UTF-8 or without tokens, and for a bad `max_tokens`.
    """
    return _corpus(path, [normalise(_read(Path(path)))], max_tokens, level)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8").removeprefix("\ufeff")  # a byte order mark
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {error.object[error.start]:#04x} at position "
            f"{error.start} ({error.reason}); save the file as UTF-8"
        ) from error


def _corpus(
    source: object, lines: Iterable[str], max_tokens: int, level: Level
) -> tuple[list[int], Vocab]:
    if max_tokens != -1:
        _check_positive("max_tokens (if not -1, all)", max_tokens)
    tokens = list(chain.from_iterable(tokenize(lines, level)))
    if not tokens:
        raise ValueError(f"{source} has no tokens: it is empty, or normalizing left nothing of it")
    vocab = Vocab(tokens)
    return vocab[tokens[:max_tokens] if max_tokens > 0 else tokens], vocab


def _check_positive(name: str, value: int) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")


# ----- Finding the file of The Time Machine -----


class DownloadError(OSError):
    """A file could not be downloaded, or what came is not that file."""


def time_machine_path(download: bool = True, url: str = TIME_MACHINE_URL) -> Path:
    """Where `timemachine.txt` lies, downloading it on first use.

    Looked for in the folder that the environment variable TINYGRAD_RNN_DATA names, then in the
    user's cache; else fetched from `url` into the cache. Its SHA-1 is always checked.

    Raises ValueError when the file in TINYGRAD_RNN_DATA is another text (one in the cache is
    fetched again), FileNotFoundError when there is none and `download` is False, and DownloadError
    when the download fails or brings another file.
    """
    if folder := os.environ.get(DATA_VARIABLE):
        given = Path(folder) / "timemachine.txt"
        if given.exists():
            if _is_intact(given.read_bytes()):
                return given
            raise ValueError(
                f"{given} is not the book's text, of SHA-1 {TIME_MACHINE_SHA1}; replace or remove "
                f"it, or read it as it is with load_time_machine(path)"
            )
    cached = _cache_folder() / "timemachine.txt"
    if not (cached.exists() and _is_intact(cached.read_bytes())):
        if not download:
            raise FileNotFoundError(f"no intact {cached}; pass download=True or {_ADVICE}")
        content = _fetch(url)
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cached, content)
    return cached


def _cache_folder() -> Path:
    windows = sys.platform == "win32"
    folder = os.environ.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME")
    home = Path.home() / ("AppData/Local" if windows else ".cache")
    return Path(folder or home) / "tinygrad_rnn"


def _is_intact(content: bytes) -> bool:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest() == TIME_MACHINE_SHA1


def _fetch(url: str) -> bytes:
    try:
        with urlopen(url, timeout=10) as response:
            content: bytes = response.read()
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise DownloadError(f"could not download {url}: {error}; {_ADVICE}") from error
    if not _is_intact(content):
        raise DownloadError(f"{url} is not the book's text (its SHA-1 is another); {_ADVICE}")
    return content


# ----- Batches of subsequences -----


def seq_data_iter_random(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None = None
) -> Iterator[Batch]:
    """One epoch of subsequences in random order.

    From a random offset below `num_steps` on, the corpus is cut into pieces of `num_steps`, which
    are shuffled. Yields inputs and targets, int64 Tensors (batch_size, num_steps), a target being
    the token after its input. Chance comes from `rng`, or from the `random` module.

    Raises ValueError when a size is not positive or the corpus may be too short for one batch.
    """
    _check_lengths(corpus, batch_size, num_steps, max_offset=num_steps - 1)
    offset = (random.randint if rng is None else rng.randint)(0, num_steps - 1)
    # The last piece must leave one more token, the target of its last input.
    starts = list(range(offset, len(corpus) - num_steps, num_steps))
    (random.shuffle if rng is None else rng.shuffle)(starts)
    firsts = range(0, len(starts) - batch_size + 1, batch_size)
    return _batches(corpus, (starts[first : first + batch_size] for first in firsts), num_steps)


def seq_data_iter_sequential(
    corpus: Corpus, batch_size: int, num_steps: int, rng: random.Random | None = None
) -> Iterator[Batch]:
    """One epoch in reading order: row i of a batch goes on where row i of the last one ended.

    From a random offset of at most `num_steps` the corpus is cut into `batch_size` long rows, read
    side by side, `num_steps` at a time: so the hidden state may be carried from batch to batch.
    Yields and raises as `seq_data_iter_random` does.
    """
    _check_lengths(corpus, batch_size, num_steps, max_offset=num_steps)
    offset = (random.randint if rng is None else rng.randint)(0, num_steps)
    row_length = (len(corpus) - offset - 1) // batch_size
    rows = range(offset, offset + batch_size * row_length, row_length)
    steps = range(0, row_length - num_steps + 1, num_steps)
    return _batches(corpus, ([row + step for row in rows] for step in steps), num_steps)


def _batches(corpus: Corpus, starts: Iterable[list[int]], num_steps: int) -> Iterator[Batch]:
    # One gather each: making tensors of nested lists would take many times longer.
    tokens, steps = tensor(corpus), tensor(range(num_steps))
    for rows in starts:
        positions = tensor(rows).reshape(-1, 1) + steps
        yield tokens[positions], tokens[positions + 1]


def _check_lengths(corpus: Corpus, batch_size: int, num_steps: int, max_offset: int) -> None:
    """Refuse what may give no batch at the largest offset: no program should fail by luck."""
    _check_positive("batch_size", batch_size)
    _check_positive("num_steps", num_steps)
    if batch_size > (largest := max(0, (len(corpus) - 1 - max_offset) // num_steps)):
        raise ValueError(
            f"corpus has {len(corpus)} tokens, too few for batch_size={batch_size} and "
            f"num_steps={num_steps} after an offset of up to {max_offset}: the largest batch_size "
            f"that fits is {largest}; lower batch_size or num_steps, or use a longer corpus"
        )


SAMPLERS = {"sequential": seq_data_iter_sequential, "random": seq_data_iter_random}


class SequenceLoader:
    """The batches of a corpus, one epoch each time it is iterated over.

    `sampling` is "sequential" or "random" (see the two functions above); `carries_state` is True
    for sequential alone, where a hidden state may be kept from one batch to the next. There is no
    `len()`, as the number of batches can differ by one with the random offset.

    Raises, at once, what these functions raise, and ValueError for another `sampling`.
    """

    def __init__(
        self,
        corpus: Corpus,
        batch_size: int,
        num_steps: int,
        sampling: Sampling = "sequential",
        rng: random.Random | None = None,
    ) -> None:
        if sampling not in SAMPLERS:
            raise ValueError(f"sampling must be one of {list(SAMPLERS)}, got {sampling!r}")
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.carries_state = sampling == "sequential"
        self._epoch = partial(SAMPLERS[sampling], tensor(corpus), batch_size, num_steps)
        self._epoch(random.Random())  # checks the sizes now, and draws nothing from `rng`
        self._rng = rng

    def __iter__(self) -> Iterator[Batch]:
        return self._epoch(self._rng)


def load_data_time_machine(
    batch_size: int, num_steps: int, use_random_iter: bool = False, max_tokens: int = 10000
) -> tuple[SequenceLoader, Vocab]:
    """A loader of *The Time Machine* by characters, and its vocabulary; raises what they raise."""
    corpus, vocab = load_time_machine(max_tokens=max_tokens)
    sampling: Sampling = "random" if use_random_iter else "sequential"
    return SequenceLoader(corpus, batch_size, num_steps, sampling), vocab
