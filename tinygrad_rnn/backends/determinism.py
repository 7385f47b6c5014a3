"""Whether the same work must give the same bits where a GPU would be faster otherwise."""

from __future__ import annotations


class _Setting:
    level = 0  # 0: it need not, 1: it must, or else a warning, 2: it must, or else an error


setting = _Setting()
