"""What real CuPy has no counterpart of: watching for synchronisations.

A host that reads a device's values waits for all work given to it. Inside `no_sync` a read is an
error instead, which is how a test proves that a training step keeps the device busy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from . import _graph

syncs = 0  # how many reads there were
_allowed = True


@contextlib.contextmanager
def no_sync() -> Iterator[None]:
    """Refuse every read of device values by the host inside the block."""
    global _allowed
    before, _allowed = _allowed, False
    try:
        yield
    finally:
        _allowed = before


def synchronized(what: str) -> None:
    """Note a synchronisation. Raises RuntimeError inside `no_sync`."""
    global syncs
    if _graph.capturing is not None:
        raise RuntimeError(f"{what} waits for the device, but the current stream is capturing")
    if not _allowed:
        raise RuntimeError(f"{what} waits for the device, inside no_sync()")
    syncs += 1
