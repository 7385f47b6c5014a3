"""Every kernel compiled for real GPUs, on a machine that needs none."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tinygrad_rnn.backends.kernels import CELLS, compiler, scatter, tiles

from . import nvrtc

REGISTERS = 65536  # of a processor
KILO = 1024
# Of the A100, H100 and B200: processors, and bytes of shared memory that a block may have
GPUS = {
    "sm_80": (108, 163 * KILO),
    "sm_90": (132, 227 * KILO),
    "sm_100": (148, 227 * KILO),
}
# What CuPy passes besides
CUPYS = ("-ftz=true",)


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("mode", CELLS)
def test_sequence_kernels(mode, gpu):
    """All tiles: the weights stay in registers, and blocks fit their processor."""
    nvrtc.library()
    cell = CELLS[mode]
    source = compiler.sequence_source(cell)
    shapes = tiles.TILES[cell.gates]
    if mode == "RNN_RELU":  # the same kernels but for a line
        shapes = shapes[-2:]

    def compiled(tile: tiles.Tile) -> dict[str, nvrtc.Report]:
        options = (*compiler.options(cell, "float", tile), f"-arch={gpu}", *CUPYS)
        return nvrtc.compiled(source, options)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(compiled, shapes))
    for tile, kernels in zip(shapes, reports, strict=True):
        assert kernels.keys() == {"sequence_forward", "sequence_backward"}
        for name, report in kernels.items():
            assert report.spilled == report.stack == report.static_shared == 0, (tile, name)
            assert tile.registers(cell.gates) < report.registers, (tile, name)
            given = -(-report.registers // 8) * 8  # they come by eights
            assert given * tile.threads <= REGISTERS, (tile, name)


@pytest.mark.parametrize("mode", CELLS)
def test_instructions(mode):
    """What the emulator does not know: nothing is double precision by mistake; what other blocks
    write is not read through the cache that is for constants (.nc); and of what depends on warps
    there is nothing, nor any barrier but that of a whole block."""
    cell = CELLS[mode]
    tile = tiles.TILES[cell.gates][-1]
    options = (*compiler.options(cell, "float", tile), "-arch=compute_80", *CUPYS)
    text = nvrtc.ptx(compiler.sequence_source(cell), options)
    for wrong in (".f64", ".nc.", "shfl", "vote", "match.", "activemask", "bar.warp", "atom."):
        assert wrong not in text, wrong
    assert set(re.findall(r"(?:bar|barrier)\.[\w.]+", text)) == {"bar.sync"}
    assert "ld.acquire.gpu" in text and "red.release.gpu" in text
    assert "ld.global.v4." in text  # rows are read by fours


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("mode", CELLS)
def test_step_kernels(mode, gpu):
    cell = CELLS[mode]
    for real in ("float", "double"):
        options = (*compiler.options(cell, real), f"-arch={gpu}", *CUPYS)
        kernels = nvrtc.compiled(compiler.step_source(cell), options)
        assert kernels.keys() == {"step_forward", "step_backward"}
        assert all(report.spilled == 0 for report in kernels.values())


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("number", ["int", "int64"])
def test_scatter_kernels(number, gpu):
    compiled = [("order", "int64", "add"), ("runs", "float", "add"), ("runs", "double", "maximum")]
    compiled += [("runs", "int64", operation) for operation in scatter.OPERATIONS]
    for file, value, operation in compiled:
        options = (*scatter.options(number, value, operation), f"-arch={gpu}", *CUPYS)
        kernels = nvrtc.compiled(compiler.source(file), options)
        assert kernels.keys() == scatter.KERNELS[file]
        assert all(report.spilled == report.stack == 0 for report in kernels.values())


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("gates", tiles.TILES)
def test_a_usual_batch_runs_in_one_launch(gates, gpu):
    """32 sequences, at the largest hidden size of each tile."""
    processors, limit = GPUS[gpu]
    for tile in tiles.TILES[gates]:
        for backward in (False, True):
            plan = tiles.arrange(tile, gates, backward, tile.capacity, 32, processors, limit)
            if tile.capacity // tile.units > processors:
                assert plan is None
                assert (gpu, tile.capacity) == ("sm_80", 1024) and gates > 1
                continue
            assert plan is not None and plan.shared <= limit
            assert plan.blocks * plan.groups <= processors
