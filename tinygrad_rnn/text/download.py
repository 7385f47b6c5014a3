"""Fetching files from the web: by HTTP and nothing else, of a bounded size, in a bounded time."""

from __future__ import annotations

import time
import urllib.request
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

_CHUNK = 1 << 16  # bytes


class DownloadError(OSError):
    """A file could not be downloaded, or what came is not that file.

    >>> try:
    ...     raise text.DownloadError("could not download http://localhost/timemachine.txt")
    ... except OSError as error:
    ...     print(error)
    could not download http://localhost/timemachine.txt
    """


def fetch(url: str, limit: int, *, patience: float = 10, deadline: float = 120) -> bytes:
    """The content of a file on the web.

    A redirection may lead to https, never away from it or to something else than HTTP.

    Args:
        limit: bytes that the file may have.
        patience: seconds that the server may be silent.
        deadline: seconds that the whole content may take.

    Raises DownloadError.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (  # not those for files and FTP, which urlopen has
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirections(),
    ):
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=patience) as response:
            return _content(response, limit, time.monotonic() + deadline)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: no URL at all
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise DownloadError(f"could not download {url}: {error}") from error


def _content(response: Any, limit: int, deadline: float) -> bytes:
    content = bytearray()
    while part := response.read1(_CHUNK):  # what there is, or else silence would count anew
        content += part
        if len(content) > limit:
            raise OSError(f"it has more than {limit:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(content):,} bytes came in time")
    if response.length:
        raise IncompleteRead(bytes(content), response.length)
    return bytes(content)


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows those that keep the scheme, or change it to https."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str):  # type: ignore[no-untyped-def]
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in (before, "https"):
            raise URLError(f"it redirects from {before} to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
