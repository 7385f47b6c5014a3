"""Tokens, vocabularies, corpora and batches of subsequences."""

import hashlib
import http.server
import os
import random
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_rnn import text
from tinygrad_rnn.creation import tensor
from tinygrad_rnn.text import (
    DownloadError,
    SequenceLoader,
    Vocab,
    load_data_time_machine,
    load_sample,
    load_text,
    load_time_machine,
    normalize,
    sample_text,
    seq_data_iter_random,
    seq_data_iter_sequential,
    time_machine_path,
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
    pairs = Vocab(list(zip(words, words[1:], strict=False)))
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
    with pytest.raises(ValueError, match="max_tokens .* must be a positive integer, got"):
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


# ----- The file of The Time Machine -----

CONTENT = b"The Time Traveller\n(for so it will be convenient)\n"


@pytest.fixture
def places(monkeypatch, tmp_path):
    """An empty data folder and cache, and CONTENT standing in for the book."""
    monkeypatch.setattr(text, "TIME_MACHINE_SHA1", hashlib.sha1(CONTENT).hexdigest())
    monkeypatch.setattr(text.sys, "platform", "linux")
    monkeypatch.setenv("TINYGRAD_RNN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def server():
    """A local web server: `server.answer` is what it sends, `server.requests` what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            status, body, length = self.server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Keep the test's output quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answer = 200, CONTENT, len(CONTENT)
        server.requests = []
        server.url = f"http://127.0.0.1:{server.server_port}/timemachine.txt"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def files_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_download_lands_in_the_cache_and_is_not_repeated(places, server):
    path = time_machine_path(url=server.url)
    assert path == places / "cache" / "tinygrad_rnn" / "timemachine.txt"
    assert path.read_bytes() == CONTENT
    assert files_below(places) == ["cache/tinygrad_rnn/timemachine.txt"]
    assert time_machine_path(url=server.url) == time_machine_path(download=False) == path
    assert server.requests == ["/timemachine.txt"]


def test_a_file_in_the_data_folder_comes_first(places, server):
    path = write(places / "data" / "timemachine.txt", CONTENT)
    assert time_machine_path(url=server.url) == path
    assert server.requests == []


def test_a_wrong_file_in_the_data_folder_is_refused_and_kept(places, server):
    path = write(places / "data" / "timemachine.txt", b"another text")
    with pytest.raises(ValueError, match=r"data.timemachine\.txt is not the book's text"):
        time_machine_path(url=server.url)
    assert path.read_bytes() == b"another text"
    assert server.requests == []


def test_a_damaged_file_in_the_cache_is_fetched_again(places, server):
    cached = time_machine_path(url=server.url)
    write(cached, CONTENT[:10])
    with pytest.raises(FileNotFoundError, match="no intact .*TINYGRAD_RNN_DATA"):
        time_machine_path(download=False)
    assert time_machine_path(url=server.url).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_without_download_a_missing_file_is_an_error(places, server):
    with pytest.raises(FileNotFoundError, match="pass download=True"):
        time_machine_path(download=False, url=server.url)
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"a login page", 12), "is not the book's text"),
        ((200, CONTENT[:10], 10), "is not the book's text"),
        ((200, CONTENT[:10], len(CONTENT)), "could not download .*IncompleteRead"),
        ((404, b"gone", 4), "could not download .*404"),
    ],
    ids=["another text", "shorter", "cut off", "not found"],
)
def test_a_bad_download_leaves_no_file(places, server, answer, message):
    server.answer = answer
    with pytest.raises(DownloadError, match=message) as caught:
        time_machine_path(url=server.url)
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files_below(places) == []


def test_no_network_is_a_download_error_of_one_line(places):
    with socket.socket() as unused:  # bound, but never listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/timemachine.txt"
        with pytest.raises(DownloadError, match="could not download .*TINYGRAD_RNN_DATA") as caught:
            time_machine_path(url=url)
    assert isinstance(caught.value, OSError)
    assert "\n" not in str(caught.value)
    assert files_below(places) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(places, server, monkeypatch):
    cached = time_machine_path(url=server.url)
    write(cached, b"damaged")

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(text.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        time_machine_path(url=server.url)
    assert cached.read_bytes() == b"damaged"
    assert files_below(places) == ["cache/tinygrad_rnn/timemachine.txt"]


def test_the_file_is_complete_and_on_disk_before_it_gets_its_name(places, server, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor):
        steps.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def record_replace(source, target):
        steps.append(("replace", Path(source).read_bytes() == CONTENT))
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(text.os, "fsync", record_fsync)
    monkeypatch.setattr(text.os, "replace", record_replace)
    time_machine_path(url=server.url)
    assert steps == [("fsync", len(CONTENT)), ("replace", True)]


@pytest.mark.parametrize(
    ("platform", "variable", "fallback"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "XDG_CACHE_HOME", ".cache"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_cache_folder_of_each_system(places, monkeypatch, platform, variable, fallback):
    monkeypatch.setattr(text.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: places / "home")
    for folder, root in ((str(places / "own"), places / "own"), ("", places / "home" / fallback)):
        monkeypatch.setenv(variable, folder)
        path = write_in(root / "tinygrad_rnn")
        assert time_machine_path(download=False) == path


def write_in(folder):
    folder.mkdir(parents=True)
    return write(folder / "timemachine.txt", CONTENT)


def test_load_time_machine_finds_the_file_and_joins_its_lines(places):
    write(places / "data" / "timemachine.txt", CONTENT)
    corpus, vocab = load_time_machine(max_tokens=20)
    assert "".join(vocab.to_tokens(corpus)) == "the time travellerfo"
    assert "v" in vocab


def test_load_time_machine_refuses_a_file_without_letters(tmp_path):
    with pytest.raises(ValueError, match=r"digits\.txt has no tokens"):
        load_time_machine(write(tmp_path / "digits.txt", "12 34\n\n"))


@pytest.fixture
def book(monkeypatch):
    """The book's own file, where a copy is at hand."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TINYGRAD_RNN_DATA") or shared)
    if not (folder / "timemachine.txt").exists():
        pytest.skip("no timemachine.txt: name its folder in TINYGRAD_RNN_DATA to run this test")
    monkeypatch.setenv("TINYGRAD_RNN_DATA", str(folder))


def test_the_time_machine_has_the_numbers_of_the_book(book):
    corpus, vocab = load_time_machine()
    assert len(corpus) == 170_580
    assert len(vocab) == 28
    assert vocab.to_tokens(corpus[:36]) == list("the time machine by h g wellsithe ti")
    assert vocab.idx_to_token[:6] == ["<unk>", " ", "e", "t", "a", "i"]
    words, vocab = load_time_machine(level="word")
    assert vocab.to_tokens(words[:4]) == ["the", "time", "machine", "by"]
    assert vocab.token_freqs[:3] == [("the", 2261), ("i", 1267), ("and", 1245)]


@pytest.mark.parametrize("use_random_iter", [False, True])
def test_load_data_time_machine(book, use_random_iter):
    loader, vocab = load_data_time_machine(32, 35, use_random_iter)
    assert loader.carries_state is not use_random_iter
    assert len(vocab) == 28
    batches = list(loader)
    assert len(batches) in (7, 8)  # 10,000 characters
    assert all(x.shape == y.shape == (32, 35) for x, y in batches)


# ----- Batches -----


def epoch(iterator, corpus, batch_size, num_steps, rng=None):
    """All batches as pairs of lists of rows."""
    return [(x.tolist(), y.tolist()) for x, y in iterator(corpus, batch_size, num_steps, rng)]


# A corpus of range(n) makes each token its own position, so a batch shows where it was cut.
@st.composite
def sizes(draw):
    batch_size, num_steps = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    shortest = num_steps * (batch_size + 1) + 1
    return draw(st.integers(shortest, shortest + 60)), batch_size, num_steps


@pytest.mark.parametrize("iterator", ITERATORS)
def test_batches_are_int64_tensors(iterator):
    for x, y in iterator(list(range(40)), 2, 5, random.Random(0)):
        assert x.shape == y.shape == (2, 5)
        assert x.dtype == y.dtype == tensor([1]).dtype
        assert str(x.dtype).endswith("int64")


@pytest.mark.parametrize("iterator", ITERATORS)
@given(size=sizes(), seed=st.integers(0, 1000))
def test_every_row_is_a_piece_of_the_corpus_and_its_target_is_one_ahead(iterator, size, seed):
    length, batch_size, num_steps = size
    batches = epoch(iterator, range(length), batch_size, num_steps, random.Random(seed))
    assert batches
    for x, y in batches:
        assert len(x) == len(y) == batch_size
        for row, target in zip(x, y, strict=True):
            assert row == list(range(row[0], row[0] + num_steps))
            assert target == [token + 1 for token in row]
            assert target[-1] < length
    seen = [token for x, _ in batches for row in x for token in row]
    assert len(seen) == len(set(seen))


@given(size=sizes(), seed=st.integers(0, 1000))
def test_sequential_rows_go_on_from_batch_to_batch(size, seed):
    length, batch_size, num_steps = size
    batches = epoch(
        seq_data_iter_sequential, range(length), batch_size, num_steps, random.Random(seed)
    )
    offset = batches[0][0][0][0]
    assert 0 <= offset <= num_steps
    row_length = (length - offset - 1) // batch_size
    assert len(batches) == row_length // num_steps
    for i in range(batch_size):
        read = [token for x, _ in batches for token in x[i]]
        start = offset + i * row_length
        assert read == list(range(start, start + len(batches) * num_steps))


@given(size=sizes(), seed=st.integers(0, 1000))
def test_random_rows_start_at_multiples_of_num_steps_after_the_offset(size, seed):
    length, batch_size, num_steps = size
    batches = epoch(seq_data_iter_random, range(length), batch_size, num_steps, random.Random(seed))
    starts = [row[0] for x, _ in batches for row in x]
    offset = starts[0] % num_steps
    pieces = (length - offset - 1) // num_steps
    assert all(start % num_steps == offset for start in starts)
    assert max(starts) < offset + pieces * num_steps
    assert len(batches) == pieces // batch_size


def test_all_offsets_occur():
    def offsets(iterator):
        rng = random.Random(0)
        return {epoch(iterator, range(50), 1, 4, rng)[0][0][0][0] for _ in range(100)}

    assert offsets(seq_data_iter_sequential) == {0, 1, 2, 3, 4}
    assert {start % 4 for start in offsets(seq_data_iter_random)} == {0, 1, 2, 3}


def test_random_batches_are_shuffled_and_cover_the_corpus():
    batches = epoch(seq_data_iter_random, range(1000), 1, 5, random.Random(0))
    starts = [x[0][0] for x, _ in batches]
    assert starts != sorted(starts)
    assert sorted(starts) == list(range(min(starts), 1000 - 5, 5))


# The draws of the book, said plainly: the offset first, and then, for random, one shuffle.
@pytest.mark.parametrize("seed", range(5))
def test_the_draws_are_those_of_the_book(seed):
    corpus, batch_size, num_steps = list(range(100, 183)), 3, 4

    random.seed(seed)
    offset = random.randint(0, num_steps)
    length = (len(corpus) - offset - 1) // batch_size
    rows = [corpus[offset + i * length : offset + (i + 1) * length] for i in range(batch_size)]
    expected = [
        [row[at : at + num_steps] for row in rows]
        for at in range(0, length // num_steps * num_steps, num_steps)
    ]
    random.seed(seed)
    assert [x for x, _ in epoch(seq_data_iter_sequential, corpus, 3, 4)] == expected

    random.seed(seed)
    rest = corpus[random.randint(0, num_steps - 1) :]
    pieces = [rest[k * num_steps :][:num_steps] for k in range((len(rest) - 1) // num_steps)]
    random.shuffle(pieces)
    expected = [
        pieces[b * batch_size : (b + 1) * batch_size] for b in range(len(pieces) // batch_size)
    ]
    random.seed(seed)
    assert [x for x, _ in epoch(seq_data_iter_random, corpus, 3, 4)] == expected


@pytest.mark.parametrize("iterator", ITERATORS)
def test_a_generator_of_chance_replaces_the_random_module(iterator):
    random.seed(7)
    state = random.getstate()
    given = epoch(iterator, range(90), 2, 5, random.Random(7))
    assert random.getstate() == state
    assert epoch(iterator, range(90), 2, 5) == given
    assert random.getstate() != state


@pytest.mark.parametrize(
    ("iterator", "largest"), [(seq_data_iter_sequential, 5), (seq_data_iter_random, 6)]
)
def test_a_corpus_too_short_is_refused_whatever_the_offset(iterator, largest):
    corpus = range(35)  # sequential: 5 * 5 + 1 + an offset of 5; random: 6 * 5 + 1 + 4
    for seed in range(50):
        rng = random.Random(seed)
        assert epoch(iterator, corpus, largest, 5, rng)
        with pytest.raises(ValueError) as caught:
            iterator(corpus, largest + 1, 5, rng)
        message = str(caught.value)
        for part in (
            "35 tokens",
            f"batch_size={largest + 1}",
            "num_steps=5",
            f"fits is {largest};",
        ):
            assert part in message


@pytest.mark.parametrize("iterator", ITERATORS)
@pytest.mark.parametrize("length", [0, 1, 5, 9])
def test_a_corpus_shorter_than_one_sequence_is_refused(iterator, length):
    with pytest.raises(ValueError, match=rf"corpus has {length} tokens, .* fits is 0"):
        iterator(range(length), 1, 5)


@pytest.mark.parametrize("iterator", [*ITERATORS, SequenceLoader])
@pytest.mark.parametrize("value", [0, -1, 2.0])
def test_sizes_must_be_positive_integers(iterator, value):
    with pytest.raises(ValueError, match=f"batch_size must be a positive integer, got {value}"):
        iterator(range(100), value, 5)
    with pytest.raises(ValueError, match=f"num_steps must be a positive integer, got {value}"):
        iterator(range(100), 2, value)


# ----- The loader -----


@pytest.mark.parametrize("iterator", ITERATORS)
def test_loader_gives_a_new_epoch_each_time(iterator):
    sampling = "sequential" if iterator is seq_data_iter_sequential else "random"
    loader = SequenceLoader(range(200), 2, 5, sampling, rng=random.Random(3))
    rng = random.Random(3)
    for _ in range(3):
        batches = [(x.tolist(), y.tolist()) for x, y in loader]
        assert batches == epoch(iterator, range(200), 2, 5, rng)
    assert (loader.batch_size, loader.num_steps) == (2, 5)


def test_loader_without_rng_uses_the_random_module_and_only_when_iterated():
    random.seed(5)
    state = random.getstate()
    loader = SequenceLoader(range(200), 2, 5)
    assert random.getstate() == state
    batches = [(x.tolist(), y.tolist()) for x, y in loader]
    random.seed(5)
    assert batches == epoch(seq_data_iter_sequential, range(200), 2, 5)


def test_a_corpus_may_be_a_tensor():
    from_list = epoch(seq_data_iter_random, list(range(90)), 2, 5, random.Random(1))
    assert epoch(seq_data_iter_random, tensor(list(range(90))), 2, 5, random.Random(1)) == from_list
    assert len(list(SequenceLoader(tensor(list(range(90))), 2, 5))) in (7, 8)


def test_loader_carries_state_only_when_sequential():
    assert SequenceLoader(range(50), 2, 5).carries_state is True
    assert SequenceLoader(range(50), 2, 5, "random").carries_state is False


def test_loader_refuses_bad_arguments_at_once():
    with pytest.raises(ValueError, match=r"one of \['sequential', 'random'\], got 'shuffled'"):
        SequenceLoader(range(50), 2, 5, "shuffled")
    with pytest.raises(ValueError, match="corpus has 10 tokens, .* fits is 0"):
        SequenceLoader(range(10), 4, 5)
