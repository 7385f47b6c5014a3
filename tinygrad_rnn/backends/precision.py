"""How exact products of float32 matrices on GPUs are."""

from __future__ import annotations


class _Setting:
    precision = "highest"  # "high" and "medium" allow TF32


setting = _Setting()


def allow_tf32() -> bool:
    """Whether factors may be rounded to 10 bits behind the point, which is many times faster."""
    return setting.precision != "highest"
