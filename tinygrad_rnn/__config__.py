"""What the library runs on, in words."""

from __future__ import annotations

import platform

from . import backends
from .backends import cpu
from .settings import get_num_threads
from .version import __version__


def show() -> str:
    """The versions and backends, a line each.

    >>> print(torch.__config__.show())
    tinygrad_rnn ...
    """
    gpus = backends.cuda_device_count()
    lines = [
        f"tinygrad_rnn {__version__}",
        f"  - Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"  - CPU kernels: {', '.join(cpu.available())}",
        f"  - GPUs: {gpus or 'none'}",
    ]
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """The number of threads, in words.

    >>> print(torch.__config__.parallel_info())
    Threads: ...
    """
    return f"Threads: {get_num_threads()}\n"
