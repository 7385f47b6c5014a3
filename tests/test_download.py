"""Downloads from a server that means no good."""

import http.server
import re
import threading
import time

import pytest

from tinygrad_rnn.text import DownloadError, download, time_machine_path
from tinygrad_rnn.text.download import fetch

pytestmark = pytest.mark.cpu("programs that run by themselves")

LIMIT = 100_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path asks for."""

    def do_GET(self):
        getattr(self, self.path[1:].partition("/")[0])()

    def start(self, length=None, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def good(self):
        self.start(LIMIT)
        self.wfile.write(b"x" * LIMIT)

    def cut(self):
        self.start(1000)
        self.wfile.write(b"x" * 500)

    def endless(self):
        self.start()
        try:
            while True:
                self.wfile.write(b"x" * 10_000)
                self.server.sent += 10_000
        except ConnectionError:
            pass

    def chunked(self):
        self.protocol_version = "HTTP/1.1"
        self.start(Transfer_Encoding="chunked")
        for _ in range(3):
            self.wfile.write(b"3\r\nabc\r\n")
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def dripping(self):
        self.start(1000)
        try:
            for _ in range(1000):
                self.wfile.write(b"x")
                time.sleep(0.02)
        except ConnectionError:
            pass

    def silent(self):
        self.server.wait.wait(20)

    def away(self):
        self.start(0, 302, Location=self.path.partition("/away/")[2])

    def round(self):
        self.start(0, 302, Location="/round")

    def log_message(self, *arguments):
        """Keep the test's output quiet."""


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.sent, server.wait = True, 0, threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.wait.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_comes(server):
    assert fetch(f"{server.url}/good", LIMIT) == b"x" * LIMIT
    assert fetch(f"{server.url}/away/{server.url}/good", LIMIT) == b"x" * LIMIT
    assert fetch(f"{server.url}/away//chunked", LIMIT) == b"abc" * 3


@pytest.mark.parametrize(
    "path, message",
    [
        ("/endless", "it has more than 100,000 bytes"),
        ("/cut", "IncompleteRead"),
        ("/round", "infinite loop"),
        ("/nothing", "BadStatusLine|closed connection"),
        ("/away/file:///etc/passwd", "[Rr]edirect.*file:///etc/passwd"),
        ("/away/ftp://127.0.0.1/x", "it redirects from http to ftp://127.0.0.1/x"),
        ("/away/data:text/plain,x", "[Rr]edirect.*data:text/plain"),
    ],
    ids=range(7),
)
def test_what_is_not_right_does_not(server, path, message):
    with pytest.raises(DownloadError, match=rf"could not download {server.url}/\w+.*: .*{message}"):
        fetch(server.url + path, LIMIT)
    assert server.sent < 100 * LIMIT


def test_the_limit_is_exact(server):
    with pytest.raises(DownloadError, match="it has more than 99,999 bytes"):
        fetch(f"{server.url}/good", LIMIT - 1)


def test_it_takes_no_longer_than_it_may(server):
    with pytest.raises(DownloadError, match=r"only .* bytes came in time"):
        fetch(f"{server.url}/dripping", LIMIT, deadline=0.2)
    with pytest.raises(DownloadError, match="timed out"):
        fetch(f"{server.url}/silent", LIMIT, patience=0.2)


def test_https_is_not_left():
    request = download.urllib.request.Request("https://localhost/x")
    follow = download._Redirections().redirect_request
    for url in ("http://localhost/x", "ftp://localhost/x", "file:///x"):
        with pytest.raises(OSError, match=re.escape(f"it redirects from https to {url}")):
            follow(request, None, 302, "Found", {}, url)
    assert follow(request, None, 302, "Found", {}, "https://other/x").full_url == "https://other/x"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "x", ""])
def test_nothing_but_http_is_asked(url, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TINYGRAD_RNN_DATA", raising=False)
    with pytest.raises(DownloadError, match=r"unknown url type.*TINYGRAD_RNN_DATA"):
        time_machine_path(url=url)
    assert not list(tmp_path.rglob("*.txt"))
