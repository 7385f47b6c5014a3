"""`cupy.RawKernel`: kernels run on the CPU, through `emulator.h`.

Arguments are checked as nobody checks them on a GPU: CuPy passes on what it is given, and a wrong
type, a view with strides or an array of another device is then read as something else.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from . import _graph
from ._array import ndarray
from ._driver import ATTRIBUTES, occupancyMaxActiveBlocksPerMultiprocessor
from ._memory import values

seed = 1  # of the order in which threads take turns

_EMULATOR = Path(__file__).parents[1] / "emulator.h"
_TYPES = {
    "int": np.int32, "unsigned": np.uint32, "long long": np.int64, "float": np.float32,
    "double": np.float64,
}  # fmt: skip
_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)'
)
_SHARED = re.compile(r"extern\s+__shared__\s+(\w+)\s+(\w+)\[\];")
# Assembly: instructions that read or change a counter, and hold other accesses to memory in place
_PTX = re.compile(
    r'asm volatile\(\s*"((red|ld)\.[\w.]+) [^"]*"\s*:\s*(?:"=r"\((\w+)\))?\s*:\s*"l"\((\w+)\)\s*'
    r':\s*"memory"\)'
)
_LAUNCH = """
extern "C" const char* launch_{name}(void** args, const unsigned* n, size_t shared, unsigned seed,
                                      const emulator::Memory* written, size_t count)
{{
    return emulator::{run}([](void** args) {{ {name}({values}); }}, args,
        {{n[0], n[1], n[2]}}, {{n[3], n[4], n[5]}}{rest});
}}"""


class _Parameter(NamedTuple):
    text: str
    type: str
    dtype: Any  # of the values, or of those it points at
    pointer: bool


def _parameters(text: str, names: dict[str, str]) -> list[_Parameter]:
    """The parameters of a kernel; types may have other names."""
    found = []
    for part in text.split(","):
        type, _ = re.fullmatch(r"\s*(.*?)(\w+)\s*", part, re.S).groups()  # type: ignore[union-attr]
        name = re.sub(r"const|[*]", "", type).strip()
        while name not in _TYPES:
            name = names[name]
        found.append(_Parameter(" ".join(part.split()), type.strip(), _TYPES[name], "*" in type))
    return found


def _kernels(code: str, options: tuple[str, ...]) -> dict[str, list[_Parameter]]:
    """The parameters of each kernel of a source."""
    code = re.sub(r"//.*", "", code)
    names = {new: old for old, new in re.findall(r"typedef ([\w ]+) (\w+);", code)}
    names |= dict(re.findall(r"-D(\w+)=(\w+)", " ".join(options)))
    return {name: _parameters(text, names) for name, text in _KERNEL.findall(code)}


@functools.cache
def _library(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """The kernels of a source, as a library with a function `launch_...` for each."""
    if shutil.which("g++") is None:
        pytest.skip("without a GPU, kernels run where there is a g++")
    fibers = "__syncthreads" in code
    run, rest = ("launch", ", shared, seed, written, count") if fibers else ("run_through", "")
    code = _PTX.sub(_played, code)
    if "asm" in re.sub(r"//.*", "", code):
        raise NotImplementedError("the emulator knows no other assembly than " + _PTX.pattern)
    text = _SHARED.sub(r"\1* \2 = (\1*)emulator::current->block->shared;", code)
    for name, parameters in _kernels(code, options).items():
        given = ", ".join(f"*({p.type}*)args[{i}]" for i, p in enumerate(parameters))
        text += _LAUNCH.format(name=name, run=run, values=given, rest=rest)
    text = f'#include "{_EMULATOR}"\n{text}'
    command = ["g++", "-O1", "-w", "-shared", "-fPIC", "-x", "c++", *options, "-"]
    key = hashlib.sha256(repr((text, command, _EMULATOR.read_text())).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"emulated-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{key}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as own:  # others may be at it, too
            made = Path(own) / "kernels.so"
            subprocess.run([*command, "-o", str(made)], input=text.encode(), check=True)
            made.replace(path)
    return ctypes.CDLL(str(path))


def _played(instruction: re.Match[str]) -> str:
    """An instruction of PTX as the emulator plays it."""
    whole, name, result, address = instruction.groups()
    return f'{f"{result} = " if result else ""}emulator::{name}("{whole}", {address})'


def _written(arrays: list[np.ndarray]) -> list[int]:
    """The memory of arrays, each part once: where it begins, how many words of 4 bytes it has."""
    parts: list[list[int]] = []
    for start, end in sorted((a.ctypes.data, a.ctypes.data + a.nbytes) for a in arrays):
        if parts and start < parts[-1][1]:
            parts[-1][1] = max(end, parts[-1][1])
        elif start < end:
            parts.append([start, end])
    return [number for start, end in parts for number in (start, (end - start) // 4)]


class RawKernel:
    """One kernel of a source, compiled when it first runs. CuPy's may be made for cooperative
    launches, too, but those of CuPy 13 are then compiled in another way than for tests.

    Attributes:
        kernel: the compiled function; launches that are to be cooperative say so to it.
    """

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        self.code, self.name, self.options = code, name, options
        self.parameters = _kernels(code, options)[name]
        self.max_dynamic_shared_size_bytes = 48 * 1024
        self.kernel = _Function(self)

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], *,
        shared_mem: int = 0,
    ) -> None:  # fmt: skip
        self.kernel(grid, block, args, shared_mem)

    def _launch(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...],
        shared_mem: int, cooperative: bool,
    ) -> None:  # fmt: skip
        grid, block = ((*size, 1, 1)[:3] for size in (grid, block))
        self._check_launch(grid, block, shared_mem, cooperative)
        if len(args) != len(self.parameters):
            raise TypeError(f"{self.name} takes {len(self.parameters)} arguments, got {len(args)}")
        memory = [self._argument(*pair) for pair in zip(args, self.parameters, strict=True)]
        pointers = (ctypes.c_void_p * len(memory))(*[part.ctypes.data for part in memory])
        launch = getattr(_library(self.code, self.options), f"launch_{self.name}")
        launch.restype = ctypes.c_char_p
        sizes = (ctypes.c_uint * 6)(*grid, *block)
        given = zip(args, self.parameters, strict=True)
        written = _written([
            values(arg) for arg, p in given
            if isinstance(arg, ndarray) and not p.text.startswith("const")
        ])  # fmt: skip
        parts, count = (ctypes.c_size_t * len(written))(*written), len(written) // 2

        def work(*alive: Any) -> None:
            failure = launch(
                pointers, sizes, ctypes.c_size_t(shared_mem), ctypes.c_uint(seed), parts,
                ctypes.c_size_t(count),
            )  # fmt: skip
            if failure is not None:
                raise RuntimeError(f"{self.name}: {failure.decode()}")

        _graph.change(functools.partial(work, memory, args))

    def _check_launch(self, grid: Any, block: Any, shared: int, cooperative: bool) -> None:
        if not all(isinstance(n, int) and n > 0 for n in (*grid, *block)):
            raise ValueError(f"{self.name}: a launch of {grid} blocks of {block} threads")
        limit = ATTRIBUTES["MaxSharedMemoryPerBlockOptin"]
        if shared > min(self.max_dynamic_shared_size_bytes, limit):
            raise RuntimeError(
                f"CUDA_ERROR_INVALID_VALUE: {self.name} is given {shared} bytes of shared memory, "
                f"and may have {self.max_dynamic_shared_size_bytes} of {limit}"
            )
        threads, blocks = int(np.prod(block)), int(np.prod(grid))
        on_one = occupancyMaxActiveBlocksPerMultiprocessor(0, threads, shared)
        at_once = on_one * ATTRIBUTES["MultiProcessorCount"]
        if threads > 1024 or (cooperative and blocks > at_once):
            raise ValueError(
                f"{self.name}: {blocks} blocks of {threads} threads, {at_once} fit at once"
            )

    def _argument(self, arg: Any, parameter: _Parameter) -> np.ndarray:
        """The memory that holds the argument's value."""
        wrong = f"{self.name}: {parameter.text} is given a {type(arg).__name__}"
        if not parameter.pointer:
            if type(arg) is not parameter.dtype:
                raise TypeError(wrong)
            return np.array(arg)
        if type(arg) is np.uintp and not arg:
            return np.array(arg)
        if not isinstance(arg, ndarray):
            raise TypeError(wrong)
        array = values(arg)
        if array.dtype != parameter.dtype or not array.flags.c_contiguous:
            raise TypeError(f"{wrong} of {array.dtype} with strides {array.strides}")
        return np.array(array.ctypes.data, np.uintp)


class _Function:
    """`cupy.cuda.Function`, for one kernel."""

    def __init__(self, kernel: RawKernel) -> None:
        self.ptr = id(kernel)
        self._kernel = kernel

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...],
        shared_mem: int = 0, stream: Any = None, enable_cooperative_groups: bool = False,
    ) -> None:  # fmt: skip
        self._kernel._launch(grid, block, args, shared_mem, enable_cooperative_groups)
