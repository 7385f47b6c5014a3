"""What runs on the CPU: compiled kernels, where the package was built with a C compiler, or NumPy;
and on how many threads the compiled ones run."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

try:
    from . import _kernels  # type: ignore[attr-defined]

    _module: Any = _kernels
except ImportError:  # built without a C compiler
    _module = None

OPERATIONS = {} if _module is None else {n: i for i, n in enumerate(_module.operations)}
SEQUENCES = 1 if _module is None else _module.block  # of a block: what one thread has at least
_NAMES = [] if _module is None else _module.instruction_sets  # None: not on this machine
_WORTH = 100_000  # products of numbers, per thread, that pay for a meeting
_MOVED = 4  # what packing a number costs, in products of numbers
_FEW = 4  # rows or columns that make a tile too empty
LARGE = 32_768  # products of numbers from which on a call of the kernels pays


def available() -> tuple[str, ...]:
    """The names of the kernels that can run here, the fastest first: "AVX-512", "AVX2", "NEON" or
    "plain", if they were built, and always "numpy".

    >>> torch.backends.cpu.available()[-1]
    'numpy'
    """
    return (*(name for name in _NAMES if name is not None), "numpy")


def in_use() -> str:
    """The name of the kernels that run now.

    >>> torch.backends.cpu.in_use() in torch.backends.cpu.available()
    True
    """
    return _settings.name


def use(name: str) -> None:
    """Choose the kernels by name, or the fastest with "auto", which is the default. The environment
    variable TINYGRAD_RNN_KERNELS does it from the start. Results agree to rounding.

    Raises ValueError for kernels that are not `available`.

    >>> torch.backends.cpu.use("auto")
    """
    _settings.choose(name)


def get_cpu_capability() -> str:
    """The instructions of the kernels in use, by PyTorch's names: "AVX512", "AVX2" or "DEFAULT".

    >>> torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")
    True
    """
    return {"AVX-512": "AVX512", "AVX2": "AVX2"}.get(_settings.name, "DEFAULT")


def run_kernel(*arguments: Any) -> None:
    """Call the compiled kernels in use: the arguments after the first of `call` in module.c.

    For `compiled.cells` alone, which knows the shapes."""
    _module.call(_settings.number, *arguments)


def run_program(*arguments: Any) -> None:
    """Run a program on the compiled kernels in use: the arguments after the first of `program` in
    module.c. For `compiled.program` alone."""
    _module.program(_settings.number, *arguments)


def pack(matrix: np.ndarray, panels: np.ndarray) -> None:
    """Make the panels that a program's products read of a matrix (depth, columns)."""
    members = members_for(matrix.size * _MOVED)
    _module.pack(_settings.number, matrix.dtype.char == "d", members, matrix, panels)


def panel_columns(dtype: np.dtype[Any]) -> int:
    """How many columns a panel has."""
    return _module.panels[_settings.number][dtype.char == "d"]


def members_for(work: int) -> int:
    """How many threads a call takes, for that many products of numbers between two meetings."""
    return max(1, min(_settings.threads, work // _WORTH))


def product(x1: np.ndarray, x2: np.ndarray, out: np.ndarray | None) -> np.ndarray | None:
    """The product of two matrices, raw arrays (m, k) and (k, n) of the same real type; None if the
    kernels don't fit them.

    They do what BLAS does, in its time, but not with its threads, which go on spinning for long
    after a product and take the cores from the recurrent kernels; and their result does not
    depend on the number of threads."""
    dtype, (m, k), n = x1.dtype, x1.shape, x2.shape[1]
    if (
        _settings.number is None
        or n < _FEW
        or 1 < m < _FEW
        or x2.shape[0] != k
        or dtype.char not in "fd"
        or dtype != x2.dtype
        or dtype.itemsize not in x2.strides
    ):
        return None
    if out is None:
        out = np.empty((m, n), dtype)
    elif out.dtype != dtype or out.shape != (m, n):
        return None
    elif np.may_share_memory(out, x1) or np.may_share_memory(out, x2):
        return None  # the kernels write while they read
    elif not out.flags.c_contiguous:
        if not out.flags.f_contiguous:
            return None
        turned = product(x2.T, x1.T, out.T)
        return None if turned is None else out
    _module.matmul(_settings.number, dtype.char == "d", members_for(m * k * n // 10), x1, x2, out)
    return out


def set_threads(threads: int) -> None:
    """Set how many threads a call takes at most; `torch.set_num_threads` tells BLAS, too.

    >>> torch.backends.cpu.set_threads(torch.backends.cpu.get_threads())
    """
    _settings.threads = threads


def get_threads() -> int:
    """How many threads a call takes at most.

    >>> torch.backends.cpu.get_threads() >= 1
    True
    """
    return _settings.threads


def _threads_at_start() -> int:
    """As for BLAS: what the environment says, or as many as this process has cores."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        if os.environ.get(variable, "").isdigit():
            return max(1, int(os.environ[variable]))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Settings:
    def __init__(self) -> None:
        self.choose(os.environ.get("TINYGRAD_RNN_KERNELS", "auto"))
        self.threads = _threads_at_start()

    def choose(self, name: str) -> None:
        there = available()
        if name != "auto" and name not in there:
            raise ValueError(
                f"there are no kernels named {name!r} here; there are {', '.join(there)}, and "
                "auto, which is the first of them"
            )
        self.name = there[0] if name == "auto" else name
        self.number = _NAMES.index(self.name) if self.name in _NAMES else None  # in module.c


_settings = _Settings()
