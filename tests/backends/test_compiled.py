"""The compiled kernels against NumPy's, which tests/nn compares with the scan over the cell."""

import concurrent.futures
import os
import subprocess
import sys

import numpy as np
import pytest

from tinygrad_rnn.backends import cpu
from tinygrad_rnn.backends.compiled import CELLS
from tinygrad_rnn.backends.fused import FUSED
from tinygrad_rnn.backends.fused.steps import Way, Weights

SETS = [name for name in cpu.available() if name != "numpy"]
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}

pytestmark = [
    pytest.mark.skipif(not SETS, reason="the package was built without a C compiler"),
    pytest.mark.cpu("the compiled kernels"),
]


@pytest.fixture(params=SETS)
def kernels(request):
    before = cpu.in_use()
    cpu.use(request.param)
    yield request.param
    cpu.use(before)


@pytest.fixture
def threads():
    before = cpu.get_threads()
    yield cpu.set_threads
    cpu.set_threads(before)


def problem(
    mode, dtype, steps, batch, inputs, hidden, ragged=False, reverse=False, bias=True, proj=0
):
    """The arguments of a cell's forward, and gradients for its backward."""
    random = np.random.default_rng(steps * 1009 + batch * 101 + hidden)

    def numbers(*shape, scale=0.5):
        return (random.standard_normal(shape) * scale).astype(dtype)

    rows, out = GATES[mode] * hidden, proj or hidden
    ends = np.sort(random.integers(0, steps + 1, batch))[::-1] if ragged else [steps] * batch
    way = Way(tuple(int(np.sum(np.array(ends) > t)) for t in range(steps)), batch, reverse)
    biases = (numbers(rows), numbers(rows)) if bias else (None, None)
    w_hr = numbers(proj, hidden, scale=hidden**-0.5) if proj else None
    w_hh = numbers(rows, out, scale=out**-0.5)
    weights = Weights(numbers(rows, inputs), w_hh, *biases, w_hr)
    sizes = (out, hidden)[: 1 + (mode == "LSTM")]
    state, g_last = (tuple(numbers(batch, size) for size in sizes) for _ in range(2))
    return (
        (numbers(steps, batch, inputs), state, weights, way),
        numbers(steps, batch, out),
        g_last,
    )


def results(cells, mode, arguments, g_y, g_last):
    """Everything that a cell computes, forward and backward, as a list of arrays."""
    x, state, weights, way = arguments
    y, last, saved = cells[mode].forward(x, state, weights, way, True)
    back = cells[mode].backward(g_y, g_last, saved, weights, way, True)
    again = cells[mode].backward(g_y, g_last, saved, weights, way, True)
    g_x, first, _ = back
    assert same(back[2], again[2])  # what was saved is as it was
    of_weights = [g for g, w in zip(back[2], weights, strict=True) if w is not None]
    return [y, *last, g_x, *first, *of_weights]


def same(a, b):
    return all(p is q is None or np.array_equal(p, q) for p, q in zip(a, b, strict=True))


SHAPES = [  # steps, batch, inputs, hidden
    (5, 3, 1, 1),
    (4, 16, 28, 8),
    (3, 17, 5, 9),
    (6, 33, 0, 20),
    (40, 32, 7, 33),  # more columns than are collected for one product
    (2, 70, 64, 65),
    (0, 4, 3, 5),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", GATES)
def test_agree_with_numpy(kernels, threads, mode, shape, dtype):
    for number, (ragged, reverse) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        threads(1 + number)
        arguments, g_y, g_last = problem(mode, dtype, *shape, ragged, bool(reverse), number != 2)
        if number == 3:
            g_y, g_last = None, (None,) * len(g_last)
            arguments = (np.asfortranarray(arguments[0]), *arguments[1:])
        ours = results(CELLS, mode, arguments, g_y, g_last)
        numpys = results(FUSED, mode, arguments, g_y, g_last)
        for mine, theirs in zip(ours, numpys, strict=True):
            scale = max(1, np.abs(theirs).max(initial=0))
            np.testing.assert_allclose(mine / scale, theirs / scale, 0, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("proj", [1, 8, 19, 70])
def test_projections_agree_with_numpy(kernels, threads, proj, dtype, monkeypatch):
    monkeypatch.setattr(cpu, "_WORTH", 1)
    for number, shape in enumerate(SHAPES):
        threads(1 + number % 3)
        arguments, g_y, g_last = problem(
            "LSTM", dtype, *shape, number % 2, bool(number // 2 % 2), number != 3, proj
        )
        ours, numpys = (results(c, "LSTM", arguments, g_y, g_last) for c in (CELLS, FUSED))
        for mine, theirs in zip(ours, numpys, strict=True):
            scale = max(1, np.abs(theirs).max(initial=0))
            np.testing.assert_allclose(mine / scale, theirs / scale, 0, TOLERANCE[dtype])


@pytest.mark.parametrize("mode", GATES)
def test_few_sequences_without_gradients(kernels, threads, mode):
    for batch in (1, 2, 3, 4):
        threads(batch)
        proj = 11 if mode == "LSTM" and batch % 2 else 0
        arguments, _, _ = problem(
            mode, np.float64, 9, batch, 5, 19, batch > 2, batch > 3, True, proj
        )
        ours = CELLS[mode].forward(*arguments, False)
        numpys = FUSED[mode].forward(*arguments, False)
        for mine, theirs in zip([ours[0], *ours[1]], [numpys[0], *numpys[1]], strict=True):
            np.testing.assert_allclose(mine, theirs, 0, 1e-12)


@pytest.mark.parametrize("mode, proj", [*((mode, 0) for mode in GATES), ("LSTM", 21)])
def test_bits_do_not_depend_on_threads_or_on_the_batch(kernels, threads, mode, proj, monkeypatch):
    monkeypatch.setattr(cpu, "_WORTH", 1)
    (x, state, weights, way), g_y, g_last = problem(
        mode, np.float32, 7, 40, 11, 50, False, False, True, proj
    )
    threads(1)
    one = results(CELLS, mode, (x, state, weights, way), g_y, g_last)
    for count in (2, 3, 5):
        threads(count)
        assert same(one, results(CELLS, mode, (x, state, weights, way), g_y, g_last))
    part = slice(7, 26)
    some = [a[part] for a in state]
    y, last, _ = CELLS[mode].forward(x[:, part], some, weights, Way((19,) * 7, 19, False), True)
    assert np.array_equal(y, one[0][:, part]) and np.array_equal(last[0], one[1][part])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_are_within_two_units_in_the_last_place(kernels, dtype):
    """h' = tanh(x) of an RNN, h' = sigmoid(x) h of a GRU whose n is 0."""
    info = np.finfo(dtype)
    size = np.concatenate([np.geomspace(info.tiny, 100, 100_001), np.linspace(0, 30, 100_001)])
    most = 1e30  # as good as infinite; and 0 times it is 0, in the other gates
    x = np.concatenate([size, -size, [most, -most, np.nan]]).astype(dtype)[None, :, None]
    batch = x.shape[1]
    way, zeros = Way((batch,), batch, False), np.zeros((batch, 1), dtype)
    w = Weights(np.ones((1, 1), dtype), np.zeros((1, 1), dtype))
    assert cpu.in_use() == kernels
    tanh = CELLS["RNN_TANH"].forward(x, (zeros,), w, way, False)[0][0, :, 0]
    of_z = np.array([[0], [1], [0]], dtype)
    w = Weights(of_z, np.zeros((3, 1), dtype))
    sigmoid = CELLS["GRU"].forward(x, (zeros + 1,), w, way, False)[0][0, :, 0]
    exact = x[0, :, 0].astype(np.longdouble)
    with np.errstate(over="ignore"):
        exact_sigmoid = 1 / (1 + np.exp(-exact))
    for ours, theirs in ((tanh, np.tanh(exact)), (sigmoid, exact_sigmoid)):
        assert np.array_equal(np.isnan(ours), np.isnan(theirs))
        normal = np.abs(theirs) >= info.tiny
        unit = np.spacing(np.abs(theirs[normal]).astype(dtype)).astype(np.longdouble)
        assert np.max(np.abs(ours[normal] - theirs[normal]) / unit) <= 2
        assert np.all(np.abs(ours[~normal & ~np.isnan(theirs)]) <= info.tiny)
    assert list(tanh[-3:-1]) == [1, -1] and list(sigmoid[-3:-1]) == [1, 0]
    for infinite, (limit, squashed) in {np.inf: (1, 1), -np.inf: (-1, 0)}.items():
        b = np.array([infinite], dtype)
        w = Weights(np.zeros((1, 1), dtype), np.zeros((1, 1), dtype), b, np.zeros(1, dtype))
        y = CELLS["RNN_TANH"].forward(x[:, :9], (zeros[:9],), w, Way((9,), 9, False), False)[0]
        assert np.all(y == limit)
        b = np.array([0, infinite, 0], dtype)
        w = Weights(np.zeros((3, 1), dtype), np.zeros((3, 1), dtype), b, np.zeros(3, dtype))
        y = CELLS["GRU"].forward(x[:, :9], (zeros[:9] + 1,), w, Way((9,), 9, False), False)[0]
        assert np.all(y == squashed)


def test_threads_of_the_program_at_once(threads, monkeypatch):
    monkeypatch.setattr(cpu, "_WORTH", 1)
    threads(3)
    arguments, g_y, g_last = problem("LSTM", np.float32, 9, 8, 6, 24)
    alone = results(CELLS, "LSTM", arguments, g_y, g_last)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(lambda: results(CELLS, "LSTM", arguments, g_y, g_last)) for _ in range(64)
        ]
        assert all(same(alone, job.result()) for job in jobs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_of_fork_has_threads_of_its_own(threads, monkeypatch):
    monkeypatch.setattr(cpu, "_WORTH", 1)
    threads(2)
    arguments, g_y, g_last = problem("GRU", np.float32, 5, 8, 6, 24)
    alone = results(CELLS, "GRU", arguments, g_y, g_last)
    child = os.fork()
    if not child:
        os._exit(not same(alone, results(CELLS, "GRU", arguments, g_y, g_last)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(alone, results(CELLS, "GRU", arguments, g_y, g_last))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_matrices(kernels, threads, dtype, monkeypatch):
    monkeypatch.setattr(cpu, "_WORTH", 1)
    random = np.random.default_rng(0)
    for number, (m, k, n) in enumerate(
        [(4, 1, 4), (5, 70, 6), (33, 513, 31), (64, 1100, 4), (17, 2, 9), (100, 30, 90)] * 4
    ):
        threads(1 + number % 3)
        a, b = (random.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
        a = np.repeat(a, 2, 1)[:, ::2] if number % 5 == 4 else a
        a = np.asfortranarray(a) if number % 2 else a
        b = np.asfortranarray(b) if number % 3 else b
        product = cpu.product(a, b, None)
        np.testing.assert_allclose(product, a @ b, 0, TOLERANCE[dtype] * max(k, 1) ** 0.5)
        out = np.full((m, n), np.nan, dtype)
        assert cpu.product(a, b, out) is out and np.array_equal(out, product)
        out = np.full((n, m), np.nan, dtype).T  # from the transposed factors, if those fit
        if cpu.product(a, b, out) is None:
            assert a.itemsize not in a.strides
        else:
            np.testing.assert_allclose(out, product, 0, TOLERANCE[dtype] * max(k, 1) ** 0.5)


def test_what_does_not_fit_is_left_to_numpy():
    a, b = np.ones((8, 8), np.float32), np.ones((8, 8))
    assert cpu.product(a, b, None) is None  # two dtypes
    assert cpu.product(a, a[:, :2], None) is None  # nearly a vector
    assert cpu.product(a.astype(np.int64), a.astype(np.int64), None) is None
    assert cpu.product(a, np.ones((16, 16), np.float32)[::2, ::2], None) is None
    assert cpu.product(a, a, np.empty((8, 16), np.float32)[:, ::2]) is None
    assert cpu.product(a, a, a) is None  # written while it is read


def test_memory_that_does_not_fit_is_refused():
    """The module checks sizes itself, whatever Python gives it."""
    (x, state, weights, way), _, _ = problem("RNN_TANH", np.float32, 2, 3, 4, 5)
    with pytest.raises(ValueError, match=r"array \d+ has \d+ bytes, expected \d+"):
        CELLS["RNN_TANH"].forward(x[:, :, :3], state, weights, way, True)
    with pytest.raises(ValueError, match="out of range"):
        CELLS["RNN_TANH"].forward(x, state, weights, Way((4, 3), 3, False), True)
    (x, state, weights, way), _, _ = problem("LSTM", np.float32, 2, 3, 4, 5, proj=2)
    with pytest.raises(TypeError, match="array 2 is needed"):
        CELLS["LSTM"].forward(x, state, weights._replace(hr=None), way, True)
    with pytest.raises(ValueError, match="no such kernel"):
        CELLS["RNN_TANH"].forward(x, state[:1], weights, way, True)


@pytest.mark.parametrize("name", [*cpu.available(), "auto"])
def test_the_environment_chooses(name):
    program = "from tinygrad_rnn.backends import cpu; print(cpu.in_use())"
    environment = os.environ | {"TINYGRAD_RNN_KERNELS": name}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == (cpu.available()[0] if name == "auto" else name)


def test_unknown_kernels_are_refused():
    with pytest.raises(ValueError, match=r"no kernels named 'fast' here; there are .*numpy"):
        cpu.use("fast")
