"""What becomes of memory that arrays no longer need."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt's names for them, from glibc's malloc.h
_OWN_CHOICE = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next arrays, where it is used and the user has not
    told it what to do by one of its environment variables.

    It gives arrays from 128 kB on back to the system at once and gets new ones page by page. A
    training step frees and needs the same sizes again, and the pages took nearly half its time.
    Arrays above 32 MB are given back as before, and so is what lies free above 256 MB.
    """
    if sys.platform != "linux" or any(name in os.environ for name in _OWN_CHOICE):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 << 20)
        mallopt(_TRIM_THRESHOLD, 256 << 20)
