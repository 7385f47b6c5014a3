"""Tokens of a text, and the numbers that stand for them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from numbers import Integral
from typing import Literal, overload

from ..autograd.hints import Telling, told
from ..tensor import Tensor

Level = Literal["char", "word"]


@told
def normalize(line: str) -> str:
    """The ASCII letters of `line` in lower case, one space wherever others lay between them.

    >>> text.normalize("It's 8 o'clock, Filby.")
    'it s o clock filby'
    """
    return " ".join(re.findall("[A-Za-z]+", line)).lower()


@told
def tokenize(lines: Iterable[str], level: Level = "char") -> list[list[str]]:
    """Split each line into its characters (`level="char"`) or its words (`level="word"`).

    Raises TypeError when `lines` is a single string, and ValueError for another `level`.

    >>> text.tokenize(["on time", "again"], level="word")
    [['on', 'time'], ['again']]
    """
    if isinstance(lines, str):
        raise TypeError("lines must be several strings, got one; pass [text] or text.splitlines()")
    if level == "char":
        return [list(line) for line in lines]
    if level == "word":
        return [line.split() for line in lines]
    raise ValueError(f"level must be 'char' or 'word', got {level!r}")


class Vocab(Telling):
    """The tokens of a text, each with an index, the most frequent first.

    Index 0 is `<unk>`, for every token not in the vocabulary. Then come `reserved_tokens`, then
    the tokens seen at least `min_freq` times by falling frequency, those equally frequent in the
    order of their first appearance.

    `tokens` is flat or a list of lists (only lists nest: a tuple is one token, an n-gram).
    `idx_to_token` and `token_to_idx` are the two directions; `token_freqs` has the (token, count)
    pairs of the text by falling count, rare tokens included.

    Raises TypeError when `reserved_tokens` is one string, ValueError when it repeats a token.

    >>> vocab = text.Vocab(list("banana"))
    >>> vocab.idx_to_token, vocab[["b", "x"]]
    (['<unk>', 'a', 'n', 'b'], [3, 0])
    >>> vocab.to_tokens(torch.tensor([3, 1, 2, 1]))
    ['b', 'a', 'n', 'a']
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


def check_positive(name: str, value: int) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
