"""NVRTC, the compiler that CuPy uses, by itself: it needs no GPU, no driver and no CuPy."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Report(NamedTuple):
    """What a thread of a kernel uses; all but the registers in bytes."""

    registers: int
    stack: int
    spilled: int
    static_shared: int


@functools.cache
def library() -> Any:
    """libnvrtc of the package nvidia-cuda-nvrtc; skips the test where it is not installed."""
    spec = importlib.util.find_spec("nvidia")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in folders:
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*")):
            return ctypes.CDLL(str(path))
    pytest.skip('compiles with NVRTC: pip install "tinygrad-rnn[nvrtc]"')


def _text(nvrtc: Any, program: Any, name: str) -> str:
    """What the compiler has made: its "ProgramLog", or the "PTX"."""
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{name}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{name}")(program, text)
    return text.value.decode()


def _compiled(source: str, options: tuple[str, ...], name: str) -> str:
    nvrtc, program = library(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    given = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = nvrtc.nvrtcCompileProgram(program, len(options), given)
    assert status == 0, _text(nvrtc, program, "ProgramLog")
    text = _text(nvrtc, program, name)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return text


def ptx(source: str, options: tuple[str, ...]) -> str:
    """The instructions of a virtual GPU that it is compiled to."""
    return _compiled(source, options, "PTX")


def compiled(source: str, options: tuple[str, ...]) -> dict[str, Report]:
    """Compiles for a GPU and returns the report of each kernel."""
    text = _compiled(source, (*options, "--ptxas-options=-v"), "ProgramLog")
    reports = {}
    for part in text.split("Compiling entry function '")[1:]:
        stack, stores, loads = (
            int(re.search(rf"(\d+) bytes {what}", part)[1])  # type: ignore[index]
            for what in ("stack frame", "spill stores", "spill loads")
        )
        registers = int(re.search(r"Used (\d+) registers", part)[1])  # type: ignore[index]
        static = re.search(r"(\d+) bytes smem", part)
        name = part[: part.index("'")]
        reports[name] = Report(registers, stack, stores + loads, int(static[1]) if static else 0)
    return reports
