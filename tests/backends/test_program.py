"""Programs of the compiled kernels against the same in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tinygrad_rnn.backends import cpu
from tinygrad_rnn.backends.compiled.program import Assembled, Constant, Program, Unsuited, make

pytestmark = [
    pytest.mark.skipif(cpu.available() == ("numpy",), reason="no compiled kernels here"),
    pytest.mark.cpu("the compiled kernels"),
]

KERNELS = [name for name in cpu.available() if name != "numpy"]
SIZES = [(1, 1), (3, 5), (8, 16), (11, 33), (32, 70)]  # sequences, columns

ELEMENTWISE = {
    "COPY": lambda a: a,
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "MAX": np.maximum,
    "MIN": np.minimum,
    "LE": lambda a, b: (a <= b).astype(a.dtype),
    "LT": lambda a, b: (a < b).astype(a.dtype),
    "EQ": lambda a, b: (a == b).astype(a.dtype),
    "WHERE": lambda a, b, c: np.where(a != 0, b, c),
    "ABS": np.abs,
    "TANH": np.tanh,
    "SIGMOID": lambda a: 1 / (1 + np.exp(-a)),
    "SQRT": np.sqrt,
    "EXP": np.exp,
    "EXPM1": np.expm1,
    "LOG": np.log,
    "LOG1P": np.log1p,
    "SIN": np.sin,
    "COS": np.cos,
    "ERF": np.vectorize(math.erf, otypes=[np.float64]),
}
OVER_COLUMNS = {
    "SUM": lambda a: a.sum(-1, keepdims=True),
    "DOT": lambda a, b: (a * b).sum(-1, keepdims=True),
    "LARGEST_OF": lambda a: a.max(-1, keepdims=True),
}
ARGUMENTS = {"WHERE": 3} | dict.fromkeys(
    ["ADD", "SUB", "MUL", "DIV", "MAX", "MIN", "LE", "LT", "EQ", "DOT"], 2
)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 1e30, -1.0, 1.0]


@pytest.fixture(params=KERNELS, autouse=True)
def kernels(request):
    before = cpu.in_use()
    cpu.use(request.param)
    yield request.param
    cpu.use(before)


def numbers(random: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return random.standard_normal(shape).astype(dtype)


def run(program: Program, given: dict[Any, Any], steps: int, *wanted: Any) -> list[np.ndarray]:
    started = Assembled(program).start(given)
    started(0, steps)
    return [started.array(matrix) for matrix in wanted]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*ELEMENTWISE, *OVER_COLUMNS])
def test_operations(name, dtype):
    """On whole matrices, on one row or one column for all, and on parts of wider ones."""
    random = np.random.default_rng(0)
    reference = (ELEMENTWISE | OVER_COLUMNS)[name]
    tolerance = (
        {"rtol": 2e-6, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-13, "atol": 1e-14}
    )
    for batch, columns in SIZES:
        shapes = [(2, batch, columns), (2, 1, columns), (2, batch, 1), (1, 1, 1)]
        for turn in range(4 if name in ELEMENTWISE else 1):
            args = [
                numbers(random, shapes[0 if k == turn % 3 else (turn + k) % 4], dtype)
                for k in range(ARGUMENTS.get(name, 1))
            ]
            if all(arg.shape[2] < columns for arg in args):
                args[0] = numbers(random, shapes[0], dtype)
            args[0].ravel()[: len(SPECIAL)] = SPECIAL[: args[0].size]
            if name in OVER_COLUMNS:
                args = [np.clip(np.nan_to_num(arg), -9, 9) for arg in args]
                tolerance = {"rtol": 0, "atol": 1e-4 if dtype == np.float32 else 1e-12}
            program = Program(batch, np.dtype(dtype))
            wide = program.given("wide", columns + 7).part(3, columns + 3)
            values = [wide if k == 0 else program.given(k, a.shape[2]) for k, a in enumerate(args)]
            memory = np.zeros((2, batch, columns + 7), dtype)
            memory[:, :, 3 : columns + 3] = args[0]
            out = program.space(2, 1 if name in OVER_COLUMNS else columns)
            program.emit(name, *values, out=out)
            given = {"wide": memory} | {k: arg for k, arg in enumerate(args) if k}
            (found,) = run(program, given, 2, out)
            with np.errstate(all="ignore"):
                wide_args = [np.broadcast_to(arg, (2, batch, columns)) for arg in args]
                expected = reference(*(arg.astype(np.float64) for arg in wide_args))
            if dtype == np.float32 and name in ("LE", "LT", "EQ", "WHERE", "MAX", "MIN", "COPY"):
                np.testing.assert_array_equal(found, expected.astype(dtype))
            else:
                with np.errstate(all="ignore"):
                    expected = expected.astype(dtype)
                np.testing.assert_allclose(found, expected, **tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "batch, depth, columns", [(1, 1, 1), (5, 7, 3), (16, 530, 33), (33, 64, 70)]
)
def test_products(dtype, batch, depth, columns):
    random = np.random.default_rng(0)
    a, b = numbers(random, (3, batch, depth), dtype), numbers(random, (columns, depth), dtype)
    program = Program(batch, np.dtype(dtype))
    packed = program.packed(Constant("b", b.shape, b.dtype).T)
    out, more = program.space(3, columns), program.space(3, columns)
    program.emit("PRODUCT", program.given("a", depth), packed, out=out)
    program.emit("COPY", 2, out=more)
    program.emit("PRODUCT_ADD", program.given("a", depth), packed, out=more)
    found, added = run(program, {"a": a, "b": b}, 3, out, more)
    tolerance = (
        {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    )
    np.testing.assert_allclose(found, a @ b.T, **tolerance)
    np.testing.assert_allclose(added, a @ b.T + 2, **tolerance)


def test_steps_and_places():
    """A running sum, forwards and backwards, with as many places as there are steps, and with two
    that take turns."""
    x = np.arange(40.0).reshape(5, 4, 2)
    for order, first, by in [(x, 0, 1), (x[::-1], 4, -1)]:
        for places in (6, 2):
            program = Program(4, np.dtype(np.float64))
            state = program.space(places, 2)
            before, after = (state, state.later()) if by == 1 else (state.later(), state)
            program.emit("ADD", before, program.given("x", 2), out=after)
            started = Assembled(program).start({"x": x})
            memory = started.array(state)
            memory[(0 if by == 1 else 5) % places] = 0
            started(first, 5, by)
            last = memory[(5 if by == 1 else 0) % places]
            np.testing.assert_array_equal(last, order.sum(0))
            if places == 6:
                sums = order.cumsum(0)
                np.testing.assert_array_equal(memory[1:] if by == 1 else memory[:-1][::-1], sums)


@pytest.mark.parametrize("batch", [1, 7, 8, 30])
def test_sums_over_the_batch_do_not_depend_on_the_threads(batch):
    x = np.random.default_rng(0).standard_normal((50, batch, 300)).astype(np.float32)
    found = []
    threads = cpu.get_threads()
    for count in (1, 2, 3):
        cpu.set_threads(count)
        program = Program(batch, x.dtype)
        sums = program.column_sums(program.given("x", 300))
        started = Assembled(program).start({"x": x})
        started.array(sums)[...] = 0
        started(0, 50)
        found.append(started.array(sums)[0].sum(0))
    cpu.set_threads(threads)
    np.testing.assert_allclose(found[0], x.astype(np.float64).sum((0, 1)), rtol=1e-4, atol=1e-3)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_places_are_used_again_and_what_does_not_matter_is_left_out():
    program = Program(4, np.dtype(np.float64))
    value, x = program.given("x", 3), np.ones((1, 4, 3))
    program.emit("EXP", value)  # nobody reads it
    first = program.emit("ADD", value, 1)
    parts = [first.part(0, 1), first.part(1, 2)]
    ratio = program.emit(
        "DIV", first, parts[0]
    )  # not in the place of `first`, which it still reads
    for _ in range(20):
        ratio = program.emit("MUL", program.emit("ADD", ratio, 1), 0.5)
    out = program.space(1, 3)
    program.emit("ADD", ratio, parts[1], out=out)
    code, _ = program.assemble()
    assert len(code) == 43
    assert len(program.slots) <= 1 + 2 + 1 + 3  # x, two numbers, the result, and three in turn
    (found,) = run(program, {"x": x}, 1, out)
    np.testing.assert_array_equal(found, np.full((1, 4, 3), 3.0))


def test_what_no_program_does():
    program = Program(4, np.dtype(np.float64))
    with pytest.raises(Unsuited):
        program.emit("ADD", program.given("x", 3), program.given("y", 4))
    with pytest.raises(Unsuited):
        program.emit("ADD", program.given("x", 3), Constant("c", (5, 3), np.dtype(np.float64)))
    with pytest.raises(Unsuited):
        program.packed(Constant("c", (5, 3), np.dtype(np.float32)))
    assert make(0, np.dtype(np.float32)) is None
    assert make(4, np.dtype(np.float16)) is None
    cpu.use("numpy")
    assert make(4, np.dtype(np.float32)) is None


def test_arrays_that_do_not_fit_are_refused():
    """By the module itself: no program may read or write beside its arrays."""
    program = Program(4, np.dtype(np.float64))
    out = program.space(2, 3)
    program.emit("ADD", program.given("x", 3), 1, out=out)
    ready = Assembled(program)
    for shape in [(2, 4, 2), (2, 3, 3), (4, 3)]:
        with pytest.raises((ValueError, IndexError)):
            ready.start({"x": np.zeros(shape)})(0, 1)
    with pytest.raises(ValueError, match="no such steps"):
        ready.start({"x": np.zeros((2, 4, 3))})(0, 2, -1)
