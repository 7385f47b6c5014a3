"""Tokens, vocabularies, corpora and batches of subsequences."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from tinygrad_rnn.creation import tensor
from tinygrad_rnn.text import (
    Vocab,
    load_sample,
    load_text,
    load_time_machine,
    normalize,
    sample_text,
    seq_data_iter_random,
    seq_data_iter_sequential,
    tokenize,
)

ITERATORS = [seq_data_iter_sequential, seq_data_iter_random]


# ----- Tokens -----


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("The Time Machine, by H. G. Wells [1898]\n", "the time machine by h g wells"),
        ("  it's -- half-past 3!  ", "it s half past"),
        ("caf\u00e9 \u65f6\u95f4 na\u00efve", "caf na ve"),
        ("12:30", ""),
        ("", ""),
    ],
)
def test_normalize(line, expected):
    assert normalize(line) == expected


@given(st.text())
def test_normalize_leaves_single_spaces_between_lower_case_letters(line):
    result = normalize(line)
    assert set(result) <= set("abcdefghijklmnopqrstuvwxyz ")
    assert "  " not in result and result == result.strip()
    assert (
        result.replace(" ", "") == "".join(c for c in line if c.isascii() and c.isalpha()).lower()
    )
    assert normalize(result) == result


def test_tokenize():
    lines = ["the time", "", "a b"]
    assert tokenize(lines) == [list("the time"), [], list("a b")]
    assert tokenize(lines, "word") == [["the", "time"], [], ["a", "b"]]


def test_tokenize_refuses_another_level_and_a_bare_string():
    with pytest.raises(ValueError, match="'char' or 'word', got 'line'"):
        tokenize(["a"], "line")
    with pytest.raises(TypeError, match="lines must be several strings"):
        tokenize("the time")


# ----- Vocabulary -----


def test_vocab_order_is_unknown_then_reserved_then_falling_frequency_then_first_seen():
    vocab = Vocab(list("cabbacd"), reserved_tokens=["<pad>", "<bos>"])
    assert vocab.idx_to_token == ["<unk>", "<pad>", "<bos>", "c", "a", "b", "d"]
    assert vocab.token_freqs == [("c", 2), ("a", 2), ("b", 2), ("d", 1)]
    assert vocab.token_to_idx == {token: i for i, token in enumerate(vocab.idx_to_token)}
    assert list(vocab) == vocab.idx_to_token
    assert len(vocab) == 7
    assert vocab.unk == 0


def test_vocab_takes_nested_and_flat_tokens_alike():
    nested = Vocab([["a", "b"], [], ["b"]])
    assert nested.idx_to_token == Vocab(["a", "b", "b"]).idx_to_token == ["<unk>", "b", "a"]
    assert Vocab("abb").idx_to_token == nested.idx_to_token
    assert Vocab(iter("abb")).idx_to_token == nested.idx_to_token
    assert Vocab([]).idx_to_token == Vocab([[]]).idx_to_token == ["<unk>"]


def test_vocab_counts_a_tuple_as_one_token():
    words = ["the", "time", "the", "time", "machine"]
    pairs = Vocab(list(itertools.pairwise(words)))
    assert pairs.token_freqs[0] == (("the", "time"), 2)
    assert pairs["the", "time"] == 1


@pytest.mark.parametrize(
    ("min_freq", "kept"), [(0, "abc"), (1, "abc"), (2, "ab"), (3, "a"), (4, "")]
)
def test_vocab_min_freq(min_freq, kept):
    vocab = Vocab("aaabbc", min_freq=min_freq)
    assert vocab.idx_to_token == ["<unk>", *kept]
    assert vocab.token_freqs == [("a", 3), ("b", 2), ("c", 1)]


def test_vocab_indexes_a_token_once_where_the_text_holds_reserved_ones():
    vocab = Vocab(["<unk>", "<pad>", "a", "<pad>"], reserved_tokens=["<pad>"])
    assert vocab.idx_to_token == ["<unk>", "<pad>", "a"]


def test_reserved_tokens_are_kept_whatever_min_freq():
    assert Vocab("a", min_freq=5, reserved_tokens=["<pad>"]).idx_to_token == ["<unk>", "<pad>"]


def test_vocab_lookup():
    vocab = Vocab("aab")
    assert vocab["a"] == 1
    assert vocab["z"] == 0
    assert vocab[["b", "z", "a"]] == [2, 0, 1]
    assert vocab[[["b"], []]] == [[2], []]
    assert "a" in vocab and "z" not in vocab


def test_to_tokens():
    vocab = Vocab("aab")
    assert vocab.to_tokens(1) == "a"
    assert vocab.to_tokens([2, 1]) == ["b", "a"]
    assert vocab.to_tokens((2, 0)) == ["b", "<unk>"]
    assert vocab.to_tokens([]) == []
    assert vocab.to_tokens(tensor([2, 1])) == ["b", "a"]
    assert vocab.to_tokens(tensor([[2, 1], [0, 0]])) == [["b", "a"], ["<unk>", "<unk>"]]
    assert vocab.to_tokens(tensor(2)) == "b"


@pytest.mark.parametrize("index", [3, -1, [0, 3]])
def test_to_tokens_refuses_an_index_outside(index):
    with pytest.raises(IndexError, match="is not in the vocabulary, use 0 to 2"):
        Vocab("aab").to_tokens(index)


@pytest.mark.parametrize("index", [1.0, "a", [None]])
def test_to_tokens_refuses_what_is_no_index(index):
    with pytest.raises(TypeError, match="indices must be integers, got"):
        Vocab("aab").to_tokens(index)


@given(st.lists(st.text(max_size=3)), st.integers(0, 3))
def test_vocab_properties(tokens, min_freq):
    vocab = Vocab(tokens, min_freq)
    counts = Counter(tokens)
    kept = vocab.idx_to_token[1:]
    assert set(kept) == {t for t in counts if counts[t] >= min_freq} - {"<unk>"}
    assert kept == sorted(kept, key=lambda t: (-counts[t], tokens.index(t)))
    assert vocab.to_tokens(vocab[tokens]) == [t if t in kept else "<unk>" for t in tokens]
    assert vocab[vocab.idx_to_token] == list(range(len(vocab)))


def test_vocab_refuses_bad_reserved_tokens():
    with pytest.raises(ValueError, match=r"got \['<pad>'\] repeatedly"):
        Vocab("a", reserved_tokens=["<pad>", "<pad>"])
    with pytest.raises(ValueError, match=r"got \['<unk>'\] repeatedly"):
        Vocab("a", reserved_tokens=["<unk>"])
    with pytest.raises(TypeError, match="reserved_tokens must be a list, got a string: '<pad>'"):
        Vocab("a", reserved_tokens="<pad>")


def test_vocab_from_tokens_rebuilds_the_indices():
    vocab = Vocab("cabbac", reserved_tokens=["<pad>"])
    again = Vocab.from_tokens(vocab.idx_to_token)
    assert again.idx_to_token == vocab.idx_to_token
    assert again.token_to_idx == vocab.token_to_idx
    assert again.token_freqs == []


def test_vocab_from_tokens_refuses_duplicates_and_a_missing_unknown_token():
    with pytest.raises(ValueError, match=r"got \['a'\] repeatedly"):
        Vocab.from_tokens(["<unk>", "a", "b", "a"])
    with pytest.raises(ValueError, match="tokens must begin with '<unk>', got \\['a'\\]"):
        Vocab.from_tokens(["a", "<unk>"])
    with pytest.raises(ValueError, match="tokens must begin with '<unk>'"):
        Vocab.from_tokens([])


# ----- Any text -----


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_load_text_keeps_every_character_but_line_breaks(tmp_path):
    path = write(tmp_path / "poem.txt", "\ufeffOh, 3 Birds!\r\n\r\n\tFly.\n")
    corpus, vocab = load_text(path)
    assert "".join(vocab.to_tokens(corpus)) == "Oh, 3 Birds! Fly."
    assert load_text(str(path))[0] == corpus


def test_load_text_reads_chinese(tmp_path):
    path = write(tmp_path / "poem.txt", "床前明月光,\n疑是地上霜。\n举头望明月,\n低头思故乡。\n")
    corpus, vocab = load_text(path)
    assert "".join(vocab.to_tokens(corpus)) == "床前明月光, 疑是地上霜。 举头望明月, 低头思故乡。"
    assert vocab.token_freqs[0] == (" ", 3)
    assert vocab["明"] != 0


def test_load_text_takes_another_normalisation(tmp_path):
    path = write(tmp_path / "poem.txt", "Oh,\nmy\r\n")
    as_is, vocab = load_text(path, normalise=str)
    assert "".join(vocab.to_tokens(as_is)) == "Oh,\nmy\r\n"
    words, vocab = load_text(path, level="word", normalise=normalize)
    assert vocab.to_tokens(words) == ["oh", "my"]


def test_max_tokens_cuts_the_corpus_and_not_the_vocabulary(tmp_path):
    path = write(tmp_path / "a.txt", "aabbbcdd")
    corpus, vocab = load_text(path, 3)
    assert vocab.to_tokens(corpus) == ["a", "a", "b"]
    assert len(vocab) == 5
    assert len(load_text(path, 100)[0]) == len(load_text(path, -1)[0]) == 8


@pytest.mark.parametrize("max_tokens", [0, -2, 1.5, "3"])
def test_max_tokens_must_be_positive_or_minus_one(max_tokens):
    with pytest.raises(ValueError, match=r"max_tokens .* must be a positive integer, got"):
        load_sample(max_tokens)


def test_load_text_names_the_place_that_is_not_utf8(tmp_path):
    path = write(tmp_path / "latin.txt", b"caf\xe9 au lait")
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8 text: byte 0xe9 at position 3"):
        load_text(path)


@pytest.mark.parametrize("content", ["", " \n\t\n", "\ufeff"])
def test_load_text_refuses_an_empty_file(tmp_path, content):
    path = write(tmp_path / "empty.txt", content)
    with pytest.raises(ValueError, match=r"empty\.txt has no tokens"):
        load_text(path)


def test_load_text_without_a_file_says_which(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"):
        load_text(tmp_path / "absent.txt")


# ----- The packaged sample -----


def test_sample_is_a_text_of_fifteen_thousand_letters_with_every_letter():
    sample = sample_text()
    letters = [c for c in sample.lower() if "a" <= c <= "z"]
    assert len(letters) >= 15_000
    assert len(set(letters)) == 26
    assert sample.isascii()
    paragraphs = [p for p in sample.split("\n\n") if len(p) > 20]
    assert len(set(paragraphs)) == len(paragraphs) > 30


def test_load_sample_is_prepared_like_the_time_machine(tmp_path):
    corpus, vocab = load_sample()
    expected = "".join(normalize(line) for line in sample_text().split("\n"))
    assert "".join(vocab.to_tokens(corpus)) == expected
    assert len(vocab) == 28
    assert load_time_machine(write(tmp_path / "copy.txt", sample_text()))[0] == corpus
    assert load_sample(100)[0] == corpus[:100]
    words, vocab = load_sample(level="word")
    assert vocab.to_tokens(words[:3]) == ["the", "keeper", "s"]
    assert vocab.to_tokens(1) == "the"
