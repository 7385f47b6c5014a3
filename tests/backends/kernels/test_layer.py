"""Recurrent layers on a GPU, or its stand-in that runs the kernels on the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import cupy
import numpy as np
import pytest

from tinygrad_rnn.backends import Way, Weights, kernels
from tinygrad_rnn.backends.kernels import compiler, layer, sequence, steps, tiles

from ...conftest import HAS_GPU
from .oracle import CELLS, GATES, Case, differences, in_a_loop, on_gpu

pytestmark = pytest.mark.names_devices

STANDIN_ONLY = pytest.mark.skipif(HAS_GPU, reason="changes what the stand-in is")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Gives the stand-in other attributes, as ``gpu(MultiProcessorCount=4)``."""

    def change(**attributes: Any) -> None:
        from cupy.cuda import driver

        for name, value in attributes.items():
            if name == "COMPUTE_CAPABILITY":
                monkeypatch.setattr(driver, name, value)
            else:
                monkeypatch.setitem(driver.ATTRIBUTES, name, value)
        compiler.sequence_launch.cache_clear()

    yield change
    compiler.sequence_launch.cache_clear()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ways that layers went, as "sequence" or "steps"."""
    ways: list[str] = []

    def watch(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*args: Any) -> Any:
            ways.append(module.__name__.rsplit(".", 1)[1])
            return real(*args)

        monkeypatch.setattr(module, name, call)

    for module in (sequence, steps):
        watch(module, "forward")
        watch(module, "backward")
    return ways


@contextlib.contextmanager
def schedule(seed: int) -> Iterator[None]:
    """Threads of the stand-in take turns in another order; a GPU does as it likes."""
    if HAS_GPU:
        yield
        return
    from cupy import _raw

    before, _raw.seed = _raw.seed, seed
    try:
        yield
    finally:
        _raw.seed = before


def check(case: Case, dtype: str = "float32") -> None:
    """Right, and the same bits in whatever order threads run."""
    with schedule(0):
        found = on_gpu(case, dtype)
    with schedule(7):
        again = on_gpu(case, dtype)
    assert all(np.array_equal(found[name], again[name]) for name in found)
    wrong = differences(found, in_a_loop(case))
    limit = 1e-6 if dtype == "float32" else 1e-14
    assert all(difference < limit for difference in wrong.values()), wrong


# ----- all steps in one launch -----


@pytest.mark.parametrize("tile", [32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("mode", ["RNN_TANH", "GRU", "LSTM"])
def test_every_tile(mode, tile, ran):
    """A hidden size that nothing divides, one or two blocks more than the tile before has room
    for."""
    hidden = tile // 2 + 3
    check(Case(mode, hidden, [3, 3, 2] if tile < 512 else [1, 1]))
    assert set(ran) == {"sequence"}


CASES = {
    "one": Case("LSTM", 1, [1], inputs=1),
    "as large as the tile": Case("GRU", 32, [4, 4, 4]),
    "read by fours": Case("LSTM", 36, [3, 2], bias=False),
    "read one by one": Case("LSTM", 37, [3, 2]),
    "many steps": Case("GRU", 5, [2] * 40),
    "ragged": Case("LSTM", 6, [5, 4, 4, 1, 0]),
    "ragged, reversed": Case("LSTM", 6, [5, 4, 4, 1, 0], reverse=True),
    "ragged RNN, reversed": Case("RNN_TANH", 40, [3, 2, 1], reverse=True),
    "ragged GRU, reversed": Case("GRU", 68, [3, 2, 1], reverse=True),
    "relu": Case("RNN_RELU", 35, [4, 2, 1]),
    "no bias": Case("GRU", 9, [2, 2], bias=False),
    "no gradient of the outputs": Case("LSTM", 9, [2, 1], gy=False),
    "no gradient of the last state": Case("GRU", 9, [2, 1], last=False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_cases(case, ran):
    check(case)
    assert set(ran) == {"sequence"}


@STANDIN_ONLY
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("mode", GATES)
def test_a_batch_larger_than_the_gpu(mode, reverse, gpu, ran):
    """Two groups take seven sequences at two or three at a time, and again for the rest."""
    blocks = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 2, "LSTM": 2}[mode]
    shared = tiles.tile_for(GATES[mode], 100).shared(GATES[mode], True)
    gpu(MultiProcessorCount=2 * blocks, MaxSharedMemoryPerBlockOptin=max(49152, 2 * shared))
    launch = compiler.sequence_launch(kernels.CELLS[mode], "sequence_backward", 100, 23, 0)
    assert launch.arrangement.groups == 2 and 2 * launch.arrangement.rows < 23
    check(Case(mode, 100, [23, 20, 11, 3], reverse=reverse))
    assert set(ran) == {"sequence"}


def test_given_arrays_may_have_any_strides():
    """Views of larger arrays, an expanded gradient, an address no four floats can be read from."""
    case = Case("LSTM", 8, [3, 3])
    plain = on_gpu(case)
    a = {name: cupy.array(array) for name, array in case.arrays().items()}
    for name in a:
        wide = cupy.zeros(a[name].size + 1, "float32")
        wide[1:] = a[name].reshape(a[name].size)
        a[name] = wide[1:].reshape(a[name].shape)
    for name in ("x", "hh", "h"):
        a[name] = cupy.ascontiguousarray(a[name].T).T
    weights = Weights(a["ih"], a["hh"], a["bias_ih"], a["bias_hh"])
    way, state = Way((3, 3), 3, False), (a["h"], a["c"])
    cell = CELLS["LSTM"]
    y, _, kept = cell.forward(a["x"], state, weights, way, True)
    assert np.allclose(y.get(), plain["y"], rtol=1e-6, atol=1e-6)
    one = cupy.ones((1, 1, 1), "float32")
    ones = cell.backward(cupy.ones((2, 3, 8), "float32"), (None, None), kept, weights, way, True)
    expanded = cell.backward(
        cupy.broadcast_to(one, (2, 3, 8)), (None, None), kept, weights, way, True
    )
    assert np.array_equal(ones[0].get(), expanded[0].get())


# ----- one step after the other -----


STEPPED = {
    "float64": (Case("GRU", 7, [3, 2, 2, 0]), "float64"),
    "RNN in float64": (Case("RNN_TANH", 7, [3, 2], reverse=True), "float64"),
    "relu in float64": (Case("RNN_RELU", 7, [3, 2], bias=False), "float64"),
    "LSTM in float64": (Case("LSTM", 300, [2, 1], gy=False), "float64"),
    "projection": (Case("LSTM", 7, [3, 2, 1], proj=3, reverse=True), "float32"),
    "projection in float64": (Case("LSTM", 7, [3, 3], proj=3), "float64"),
    "projection, no gradient of the outputs": (
        Case("LSTM", 7, [3, 2], proj=2, gy=False),
        "float64",
    ),
    "no tile": (Case("RNN_TANH", 1025, [2, 1]), "float32"),
}


@pytest.mark.parametrize("case, dtype", STEPPED.values(), ids=STEPPED)
def test_step_by_step(case, dtype, ran):
    check(case, dtype)
    assert set(ran) == {"steps"}


@STANDIN_ONLY
@pytest.mark.parametrize(
    "attributes",
    [
        {"MultiProcessorCount": 2},  # of the three blocks that 70 units take
        {"CooperativeLaunch": 0},
        {"COMPUTE_CAPABILITY": "61"},
        {"MaxSharedMemoryPerBlockOptin": 1024},
    ],
    ids=lambda a: next(iter(a)),
)
def test_a_gpu_that_is_too_small(attributes, gpu, ran):
    gpu(**attributes)
    for mode in ("RNN_RELU", "GRU", "LSTM"):
        check(Case(mode, 150, [3, 2]))
    assert set(ran) == {"steps"}


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("hidden", [5, 1100])
def test_one_step(mode, hidden):
    case = Case(mode, hidden, [2])
    a = {name: cupy.array(array) for name, array in case.arrays().items()}
    weights = Weights(a["ih"], a["hh"], a["bias_ih"], a["bias_hh"])
    state = tuple(a[name] for name in ("h", "c") if name in a)
    new = CELLS[mode].step(a["x"][0], state, weights)
    wanted = in_a_loop(case)
    for name, part in zip("hc", new, strict=False):
        assert np.allclose(part.get(), wanted[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_kept(mode, dtype):
    """Without a backward to come, the results are the same."""
    case = Case(mode, 6, [3, 2, 2], proj=2 * (mode == "LSTM"))
    a = {name: cupy.array(array.astype(dtype)) for name, array in case.arrays().items()}
    weights = Weights(*[a.get(name) for name in ("ih", "hh", "bias_ih", "bias_hh", "hr")])
    state, way = tuple(a[name] for name in ("h", "c") if name in a), Way((3, 2, 2), 3, False)
    results = [CELLS[mode].forward(a["x"], state, weights, way, keep) for keep in (True, False)]
    (y, last, _), (same_y, same_last, _) = results
    for one, other in zip((y, *last), (same_y, *same_last), strict=True):
        assert np.array_equal(one.get(), other.get())


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("counts, batch", [((), 2), ((0, 0), 2), ((0, 0), 0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_to_do(mode, counts, batch, dtype):
    """No steps, sequences of length 0, no sequences: the state stays, weights have gradient 0."""
    case = Case(mode, 4, [max(batch, 1)])
    a = {name: cupy.array(array.astype(dtype)) for name, array in case.arrays().items()}
    weights = Weights(a["ih"], a["hh"], a["bias_ih"], a["bias_hh"])
    state = tuple(a[name][:batch] for name in ("h", "c") if name in a)
    way, x = Way(counts, batch, True), cupy.zeros((len(counts), batch, 3), dtype)
    cell = CELLS[mode]
    y, last, kept = cell.forward(x, state, weights, way, True)
    assert y.shape == (len(counts), batch, 4) and not y.get().any()
    gx, first, of_weights = cell.backward(y, last, kept, weights, way, True)
    assert gx.shape == x.shape and not gx.get().any()
    for before, after, gradient in zip(state, last, first, strict=True):
        assert np.array_equal(before.get(), after.get())
        assert np.array_equal(before.get(), gradient.get())
    for gradient, weight in zip(of_weights[:4], weights[:4], strict=True):
        assert gradient.shape == weight.shape and not gradient.get().any()


# ----- barriers -----

BARRIERS = ["__syncthreads();", "group.meet();"]


def _without(text: str, number: int) -> str | None:
    """The source without one of its barriers, None if there are fewer."""
    places = sorted(
        at for barrier in BARRIERS for at in range(len(text)) if text.startswith(barrier, at)
    )
    if number >= len(places):
        return None
    at = places[number]
    return text[:at] + text[at:].replace(text[at : text.index(";", at) + 1], "", 1)


NUMBER = 10  # of the barriers in group.cu and sequence.cu


def _fails(broken: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether results are wrong, or threads wait for ever, with another source of the kernels."""
    case = Case("LSTM", 68, [2, 2, 2])
    wanted = in_a_loop(case)

    def launch(cell: Any, name: str, hidden: int, batch: int, device: int) -> Any:
        made = compiler.sequence_launch(cell, name, hidden, batch, device)
        return made._replace(kernel=cupy.RawKernel(broken, name, made.kernel.options))

    monkeypatch.setattr(layer, "sequence_launch", launch)

    def fails(seed: int) -> bool:
        with schedule(seed):
            try:
                wrong = differences(on_gpu(case), wanted).values()
            except (RuntimeError, AssertionError) as error:
                return "deadlock" in str(error) or isinstance(error, AssertionError)
        return not all(difference < 1e-3 for difference in wrong)

    return any(map(fails, range(1, 9)))


WHOLE = compiler.sequence_source(kernels.CELLS["LSTM"])


@STANDIN_ONLY
@pytest.mark.parametrize("number", range(NUMBER))
def test_a_missing_barrier_is_seen(number, monkeypatch):
    broken = _without(WHOLE, number)
    assert broken is not None and _without(WHOLE, NUMBER) is None
    assert _fails(broken, monkeypatch)


@STANDIN_ONLY
@pytest.mark.parametrize(
    "right, wrong",
    [
        ("red.release.gpu", "red.relaxed.gpu"),
        ("red.release.gpu", "red.release.cta"),
        ("ld.acquire.gpu", "ld.relaxed.gpu"),
        ("ld.acquire.gpu", "ld.acquire.cta"),
    ],
)
def test_a_missing_release_or_acquire_is_seen(right, wrong, monkeypatch):
    """What a block has written is there for the others only if both say so, of the whole GPU."""
    assert WHOLE.count(right) == 1
    assert _fails(WHOLE.replace(right, wrong), monkeypatch)


@STANDIN_ONLY
def test_as_they_are_they_work(monkeypatch):
    assert not _fails(WHOLE, monkeypatch)


@STANDIN_ONLY
def test_blocks_that_do_not_run_at_once_are_refused():
    """A block that waits for one that has not begun would wait for ever."""
    launch = compiler.sequence_launch(kernels.CELLS["GRU"], "sequence_forward", 100, 4, 0)
    assert launch.arrangement.blocks == 2
    fewer = launch._replace(arrangement=launch.arrangement._replace(blocks=200))
    with pytest.raises(ValueError, match="132 fit at once"):
        fewer(*[compiler.NULL] * 20)
