"""Locks that a forked process finds free: a fork waits until no other thread holds one. Or else
the child would have a lock that nobody gives back, and half of what it guards."""

from __future__ import annotations

import os
import threading
import weakref

_locks: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
_one_fork = threading.Lock()
_held: list[threading.Lock] = []


def new_lock() -> threading.Lock:
    """A lock that no thread holds while a process is forked."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _hold() -> None:
    _one_fork.acquire()
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _give_back() -> None:
    while _held:
        _held.pop().release()
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_give_back, after_in_child=_give_back)
