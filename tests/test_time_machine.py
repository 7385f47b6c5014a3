"""Finding and downloading The Time Machine."""

import hashlib
import http.server
import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from tinygrad_rnn.text import (
    DownloadError,
    corpora,
    load_data_time_machine,
    load_time_machine,
    seq_data_iter_random,
    seq_data_iter_sequential,
    time_machine_path,
)

ITERATORS = [seq_data_iter_sequential, seq_data_iter_random]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


CONTENT = b"The Time Traveller\n(for so it will be convenient)\n"


@pytest.fixture
def places(monkeypatch, tmp_path):
    """An empty data folder and cache, and CONTENT standing in for the book."""
    monkeypatch.setattr(corpora, "TIME_MACHINE_SHA1", hashlib.sha1(CONTENT).hexdigest())
    monkeypatch.setattr(corpora.sys, "platform", "linux")
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
    with pytest.raises(FileNotFoundError, match=r"no intact .*TINYGRAD_RNN_DATA"):
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
        with pytest.raises(
            DownloadError, match=r"could not download .*TINYGRAD_RNN_DATA"
        ) as caught:
            time_machine_path(url=url)
    assert isinstance(caught.value, OSError)
    assert "\n" not in str(caught.value)
    assert files_below(places) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(places, server, monkeypatch):
    cached = time_machine_path(url=server.url)
    write(cached, b"damaged")

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(corpora.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        time_machine_path(url=server.url)
    assert cached.read_bytes() == b"damaged"
    assert files_below(places) == ["cache/tinygrad_rnn/timemachine.txt"]


def test_the_file_is_complete_and_on_disk_before_it_gets_its_name(places, server, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor):
        status = os.fstat(descriptor)
        steps.append(("fsync", "folder" if stat.S_ISDIR(status.st_mode) else status.st_size))
        fsync(descriptor)

    def record_replace(source, target):
        steps.append(("replace", Path(source).read_bytes() == CONTENT))
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(corpora.os, "fsync", record_fsync)
    monkeypatch.setattr(corpora.os, "replace", record_replace)
    time_machine_path(url=server.url)
    assert steps == [("fsync", len(CONTENT)), ("replace", True), ("fsync", "folder")]


@pytest.mark.parametrize(
    ("platform", "variable", "fallback"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "XDG_CACHE_HOME", ".cache"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_cache_folder_of_each_system(places, monkeypatch, platform, variable, fallback):
    monkeypatch.setattr(corpora.sys, "platform", platform)
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
