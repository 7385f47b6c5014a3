"""Texts as lists of token numbers: any file's, the packaged sample's, *The Time Machine*'s."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from importlib.resources import files
from itertools import chain
from pathlib import Path

from ..autograd.hints import told
from ..files import write_atomically
from .download import DownloadError, fetch
from .vocabulary import Level, Vocab, check_positive, normalize, tokenize

TIME_MACHINE_URL = "http://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt"
TIME_MACHINE_SHA1 = "090b5e7e70c295757f55df93cb0a180b9691891a"
_LIMIT = 1 << 20  # bytes: the book has 178,979
DATA_VARIABLE = "TINYGRAD_RNN_DATA"
_ADVICE = f"get timemachine.txt by other means and name its folder in {DATA_VARIABLE}"


@told
def load_time_machine(
    path: str | os.PathLike[str] | None = None, max_tokens: int = -1, *, level: Level = "char"
) -> tuple[list[int], Vocab]:
    """The first `max_tokens` tokens (-1: all) of *The Time Machine*, and its vocabulary.

    Read from `path`, or from where `time_machine_path` finds it. The lines are normalized and
    joined without a separator, so the last letter of one touches the first of the next, as in the
    book: 170,580 characters, 28 tokens. The vocabulary is the whole text's, whatever `max_tokens`.
    Raises what `load_text` and `time_machine_path` raise.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "book.txt").write_text("The Time Machine, by H. G. Wells")
    ...     corpus, vocab = text.load_time_machine(Path(folder, "book.txt"))
    >>> "".join(vocab.to_tokens(corpus))
    'the time machine by h g wells'
    """
    path = time_machine_path() if path is None else Path(path)
    return _corpus(path, map(normalize, _read(path).splitlines()), max_tokens, level)


@told
def load_sample(max_tokens: int = -1, *, level: Level = "char") -> tuple[list[int], Vocab]:
    """As `load_time_machine`, but of the packaged sample text: needs no file and no network.

    >>> corpus, vocab = text.load_sample(max_tokens=9)
    >>> len(corpus), "".join(vocab.to_tokens(corpus))
    (9, 'the keepe')
    """
    return _corpus("sample.txt", map(normalize, sample_text().splitlines()), max_tokens, level)


def sample_text() -> str:
    """The packaged sample: a short story in plain English of about 16,000 letters.

    >>> text.sample_text()[:9]
    'THE KEEPE'
    """
    return (files("tinygrad_rnn") / "data" / "sample.txt").read_text(encoding="utf-8")


@told
def collapse_whitespace(text: str) -> str:
    """Make one space of every run of whitespace in `text`, and remove it at both ends.

    >>> text.collapse_whitespace("  one   two ")
    'one two'
    """
    return " ".join(text.split())


@told
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

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "song.txt").write_text("la la   le")
    ...     corpus, vocab = text.load_text(Path(folder, "song.txt"))
    >>> "".join(vocab.to_tokens(corpus))
    'la la le'
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
        check_positive("max_tokens (if not -1, all)", max_tokens)
    tokens = list(chain.from_iterable(tokenize(lines, level)))
    if not tokens:
        raise ValueError(f"{source} has no tokens: it is empty, or normalizing left nothing of it")
    vocab = Vocab(tokens)
    return vocab[tokens[:max_tokens] if max_tokens > 0 else tokens], vocab


# ----- Finding the file of The Time Machine -----


@told
def time_machine_path(download: bool = True, url: str = TIME_MACHINE_URL) -> Path:
    """Where `timemachine.txt` lies, downloading it on first use.

    Looked for in the folder that the environment variable TINYGRAD_RNN_DATA names, then in the
    user's cache; else fetched from `url`, http or https, into the cache. Its SHA-1 is always
    checked.

    Raises ValueError when the file in TINYGRAD_RNN_DATA is another text (one in the cache is
    fetched again), FileNotFoundError when there is none and `download` is False, and DownloadError
    when the download fails or brings another file.

    >>> path = text.time_machine_path()  # doctest: +SKIP
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
        content = fetch(url, _LIMIT)
    except DownloadError as error:
        raise DownloadError(f"{error}; {_ADVICE}") from error.__cause__
    if not _is_intact(content):
        raise DownloadError(f"{url} is not the book's text (its SHA-1 is another); {_ADVICE}")
    return content
