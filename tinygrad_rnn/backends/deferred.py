"""Errors that a GPU has found and the host, which did not wait for it, does not know of yet."""

from __future__ import annotations

from collections.abc import Callable


class _Deferred:
    """Where the host reads values: ``if deferred.waiting: deferred.report()``.

    Attributes:
        waiting: whether something was looked at on a GPU that nobody asked about since.
        report: asks, which waits for the GPU. Raises what was found wrong.
    """

    waiting = False
    report: Callable[[], None]


deferred = _Deferred()
