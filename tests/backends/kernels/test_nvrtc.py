"""Every kernel compiled for real GPUs, on a machine that needs none."""

from __future__ import annotations

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
    for file, values in (("order", ["int64"]), ("runs", ["float", "double", "int64"])):
        for value in values:
            options = (*scatter.options(number, value), f"-arch={gpu}", *CUPYS)
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
