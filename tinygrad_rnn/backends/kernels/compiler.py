"""Kernels for a cell, compiled when they are first needed. CuPy keeps them on disk."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import cupy
import numpy as np

from .tiles import Arrangement, Tile, arrange, tile_for

NULL = np.uintp(0)  # for an array that is not wanted
_FOLDER = Path(__file__).parent
_VOLTA = 70  # the first compute capability with loads that acquire and additions that release
_SHARED = 48 * 1024  # bytes of shared memory that need no asking for


class Cell(NamedTuple):
    """A recurrent cell as the kernels know it.

    name: of its source, cell_<name>.cu.
    gates, saved: GATES and SAVED there.
    apart: whether the gradients of its gates differ between the two projections.
    options: for the compiler.
    """

    name: str
    gates: int
    saved: int
    apart: bool = False
    options: tuple[str, ...] = ()


@functools.cache
def source(*names: str) -> str:
    """The CUDA sources of these names, one behind the other."""
    return "\n".join((_FOLDER / f"{name}.cu").read_text() for name in names)


def sequence_source(cell: Cell) -> str:
    """Of `sequence_forward` and `sequence_backward`."""
    return source("cell", f"cell_{cell.name}", "group", "sequence")


def step_source(cell: Cell) -> str:
    """Of `step_forward` and `step_backward`."""
    return source("cell", f"cell_{cell.name}", "step")


def options(cell: Cell, real: str, tile: Tile | None = None) -> tuple[str, ...]:
    """What they are compiled with; `real` is "float" or "double"."""
    return ("-std=c++17", f"-DREAL={real}", *cell.options, *(tile.options() if tile else ()))


@functools.cache
def step_kernel(cell: Cell, name: str, dtype: np.dtype) -> Any:
    """`step_forward` or `step_backward` for arrays of a dtype."""
    real = {"f": "float", "d": "double"}[dtype.char]
    return cupy.RawKernel(step_source(cell), name, options(cell, real))


@functools.cache
def _sequence_kernel(cell: Cell, name: str, tile: Tile) -> Any:
    return cupy.RawKernel(sequence_source(cell), name, options(cell, "float", tile))


class Launch(NamedTuple):
    """A sequence kernel, to be called with its arguments on the current device."""

    kernel: Any
    threads: int
    arrangement: Arrangement

    def __call__(self, *args: Any) -> None:
        blocks, groups, _, shared = self.arrangement
        # Asked of the function, not of RawKernel: CuPy before version 14 would compile it as
        # relocatable code then and link it with a library of the CUDA toolkit
        self.kernel.kernel(
            (blocks, groups), (self.threads,), args, shared, enable_cooperative_groups=True
        )


@functools.lru_cache(1024)
def sequence_launch(cell: Cell, name: str, hidden: int, batch: int, device: int) -> Launch | None:
    """`sequence_forward` or `sequence_backward` on a device, the current one. None where it can't
    run: for a hidden size that no tile has room for, on a GPU with too little room for the batch,
    and on GPUs before Volta.

    The blocks of a group wait for each other, so all of a launch must run at once. A GPU promises
    that for cooperative launches; that they fit is checked here, because CuPy may launch fewer
    instead.
    """
    tile = tile_for(cell.gates, hidden)
    gpu = cupy.cuda.Device(device)
    has = gpu.attributes
    if tile is None or not has["CooperativeLaunch"] or int(gpu.compute_capability) < _VOLTA:
        return None
    processors, limit = has["MultiProcessorCount"], has["MaxSharedMemoryPerBlockOptin"]
    backward = name == "sequence_backward"
    plan = arrange(tile, cell.gates, backward, hidden, batch, processors, limit)
    if plan is None:
        return None
    kernel = _sequence_kernel(cell, name, tile)
    if plan.shared > max(_SHARED, kernel.max_dynamic_shared_size_bytes):
        kernel.max_dynamic_shared_size_bytes = plan.shared
    at_once = cupy.cuda.driver.occupancyMaxActiveBlocksPerMultiprocessor(
        kernel.kernel.ptr, tile.threads, plan.shared
    )
    if at_once * processors < plan.blocks * plan.groups:
        return None
    return Launch(kernel, tile.threads, plan)
