"""Mutation testing of the gradient rules: every small fault in them is noticed by the tests."""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import itertools
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

import tinygrad_rnn as tg
from tinygrad_rnn.autograd.gradcheck import _differentiable, _outputs, _projection
from tinygrad_rnn.autograd.primitive import REGISTERED
from tinygrad_rnn.backends import cpu, numpy_backend
from tinygrad_rnn.backends.fused import FUSED, steps
from tinygrad_rnn.nn import planning
from tinygrad_rnn.ops import lowered, planned

from .equivalent import EQUIVALENT, reason
from .faults import Fault, faults
from .figures import figure, progress

ROOT = Path(tg.__file__).parent
ROOMS = tuple(str(ROOT / room) for room in ("ops", "autograd/primitive.py", "backends/fused"))
AHEAD = {lowered._backward.__code__}  # what runs forward, and prepares the way back
PACKAGE = [name for name in sys.modules if name.startswith("tinygrad_rnn.")]
KERNELS = cpu.in_use()  # of the CPU
ATOL, RTOL = 1e-6, 1e-5  # those of the gradient tests
# The tests that a fault meets where no sample notices it, by parts of the function's name
WIDER = {
    "ops.planned": ("tests/nn/test_planning.py",),
    "ops.line": ("tests/nn/test_planning.py",),
    "ops.lower": ("tests/nn/test_planning.py", "tests/nn/test_planning_random.py"),
    "ops.hankel": ("tests/ops/test_special_functions.py",),
    "ops.ctc": ("tests/nn/test_ctc.py",),
    "ops.classification": ("tests/nn/test_cross_entropy.py",),
    "ops.standard_gamma": ("tests/ops/test_standard_gamma.py",),
    "ops.conversion": ("tests/autograd/test_gradients.py", "-k", "conversion"),
}


class Watched:
    """A call whose derivatives the tests check, and these as they are without a fault."""

    def __init__(self, call: Callable[..., Any], inputs: list[Any], second: bool = True) -> None:
        self.call, self.inputs, self.second = call, inputs, second
        self.forward: set[CodeType] = set()
        self.backward: set[CodeType] = set()
        _forget()
        outputs = _note(self.forward, self.backward, _outputs, call, inputs)
        self.expected = _note(self.backward, self.backward, self.attempt, outputs)

    def derivatives(self, outputs: list[Any]) -> list[Any]:
        """What gradcheck and gradgradcheck look at: gradients of first order, computed with
        arrays and with tensors, and those of their projections."""
        checked = _differentiable(self.inputs)
        starts: Any = [_projection(y._array.shape, y, 7 + i) for i, y in enumerate(outputs)]
        options: dict[str, Any] = {"allow_unused": True, "materialize_grads": True}
        found = tg.autograd.grad(outputs, checked, starts, retain_graph=True, **options)
        starts = [start.requires_grad_() for start in starts]
        again = tg.autograd.grad(outputs, checked, starts, create_graph=True, **options)
        found = (*found, *again)
        if self.second:
            weights: list[Any] = [_projection(y._array.shape, y, i) for i, y in enumerate(again)]
            pairs = [(y, w) for y, w in zip(again, weights, strict=True) if y.requires_grad]
            if pairs:
                found += tg.autograd.grad(
                    [y for y, _ in pairs], [*checked, *starts], [w for _, w in pairs], **options
                )
        return [x.detach().numpy() for x in found]

    def attempt(self, outputs: list[Any]) -> list[Any]:
        """The derivatives; or what kind of error is in their place."""
        try:
            return self.derivatives(outputs)
        except (RuntimeError, NotImplementedError) as error:
            return [type(error)]

    def notices(self) -> bool:
        """Whether a derivative is another now, or cannot be had."""
        try:
            found = self.attempt(_outputs(self.call, self.inputs))
        except Exception:
            return True
        return len(found) != len(self.expected) or not all(map(_same, found, self.expected))


def _same(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return a is b
    return (a.shape, a.dtype) == (b.shape, b.dtype) and np.allclose(a, b, RTOL, ATOL, True)


def _note(
    seen: set[CodeType], ahead: set[CodeType], function: Callable[..., Any], *args: Any
) -> Any:
    """The function's result; the code of all functions that ran meanwhile is added to `seen`, or,
    if that was to prepare the way back, to `ahead`."""
    depth = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal depth
        if event in ("call", "return") and frame.f_code in AHEAD:
            depth += 1 if event == "call" else -1
        if event == "call":
            (ahead if depth or frame.f_code in AHEAD else seen).add(frame.f_code)

    sys.setprofile(note)
    try:
        return function(*args)
    finally:
        sys.setprofile(None)


def watched() -> list[Watched]:
    """All gradient samples, and the tables of edges."""
    sys.path.insert(0, str(ROOT.parent))
    numpy_backend.fused_cells = FUSED  # also where there is a compiled twin
    samples = importlib.import_module("tests.autograd.samples").SAMPLES
    inputs = importlib.import_module("tests.autograd.test_gradients")._inputs
    found = [Watched(sample.call, inputs(sample)) for sample in samples]
    for call, arrays in importlib.import_module("tests.autograd.edges").calls():
        leaves = [tg.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        found.append(Watched(lambda *x, call=call: call(tg, *x), leaves, second=False))
    return found + _of_layers()


def _of_layers() -> list[Watched]:
    """The calls of the tests of fused layers, and of users' steps that run by a plan."""
    fused = importlib.import_module("tests.ops.test_recurrent")
    own = importlib.import_module("tests.nn.own_steps")
    # As there: several products are summed
    steps.COLUMNS = planned.COLUMNS = lowered.COLUMNS = 6
    found = []
    for case in fused.CASES:
        mode, lengths, *sizes, bias, reverse = case.values
        inputs = fused.inputs_of(mode, len(lengths), (max(lengths), *sizes), bias)

        def both(*_: Any, args: Any = (mode, lengths, reverse, inputs)) -> Any:
            return fused.both(*args)[0]

        leaves = [x for x in inputs if x is not None]
        found.append(Watched(both, leaves, second=False))
        found.append(Watched(lambda *x, call=both: call(*x)[1:], leaves, second=False))
    own.W.make()
    kernels = dict.fromkeys((KERNELS, "numpy"))
    for step, lengths, name in itertools.product(own.STEPS, (None, [6, 0, 3]), kernels):
        if lengths and step is own.constant_output:
            continue
        x = own.tensor(6, 3, own.FEATURES, seed=10).requires_grad_()
        state = own.STATES.get(step, own.state)(3)

        def scan(*_: Any, args: Any = (step, x, state, lengths), name: str = name) -> Any:
            cpu.use(name)
            y, end = tg.nn.scan(*args)
            return y, *own.flat(end)

        leaves = [x, *own.flat(state), *own.W.all]
        for part in (slice(None), slice(1), slice(1, None)):
            found.append(Watched(lambda *x, f=scan, part=part: f(*x)[part], leaves, second=False))
    return found


def targets(calls: Iterable[Watched]) -> dict[FunctionType, bool]:
    """The functions to put faults into, and whether each is a gradient rule: all rules, and what
    runs backward alone."""
    rules = {rule.__code__ for op in REGISTERED for rule in op.rules if rule}
    backward: set[CodeType] = set().union(*(call.backward for call in calls))
    # (what runs forward in a call that takes gradients itself tells nothing)
    engine = str(ROOT / "autograd" / "engine.py")
    forward = [
        call.forward for call in calls if engine not in (code.co_filename for code in call.forward)
    ]
    backward -= set().union(*forward)
    codes = [code for code in backward if code.co_filename.startswith(ROOMS)]
    codes += [code for code in rules - {*codes} if code.co_filename.startswith(str(ROOT))]
    codes.sort(key=lambda code: (code.co_filename, code.co_firstlineno, code.co_qualname))
    found = {f.__code__: f for f in gc.get_objects() if isinstance(f, FunctionType)}
    return {found[code]: code in rules for code in codes if code in found}


def survives(fault: Fault, calls: Iterable[Watched], tests: Sequence[str]) -> bool:
    """Whether nothing notices the fault: of the calls those that run the function, then the tests
    (pytest's arguments), in a process of their own."""
    function, original = fault.function, fault.function.__code__
    covering = [call for call in calls if original in call.forward | call.backward]
    function.__code__ = fault.code
    _forget()
    try:
        return not any(call.notices() for call in covering) and _pass(tests)
    finally:
        function.__code__ = original
        _forget()


@functools.cache
def _caches() -> list[Any]:
    kind = type(_caches)
    return [c for c in gc.get_objects() if isinstance(c, kind) and c.__module__ in PACKAGE]


def _forget() -> None:
    """Empty the package's caches: what is in them was computed with other code."""
    planning._plans.clear()
    for cache in _caches():
        cache.cache_clear()


def _pass(tests: Sequence[str]) -> bool:
    if not tests:
        return True
    child = os.fork()
    if not child:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
            cpu.use(KERNELS)
            pytest = importlib.import_module("pytest")
            os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]) != 0)
    return os.waitpid(child, 0)[1] == 0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress mutants", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of the functions to change")
    parser.add_argument("--quick", action="store_true", help="samples only, not the wider tests")
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    calls = watched()
    entries = {(name, start) for name, starts in EQUIVALENT.items() for start, _ in starts}
    count, survivors, excused, used = 0, 0, 0, set()
    start = time.perf_counter()
    for function, rule in targets(calls).items():
        for fault in faults(function, rule):
            if args.only not in fault.name:
                continue
            count += 1
            progress(f"{count} faults, {survivors} not noticed: {fault.name}")
            entry = reason(fault.name, fault.change)
            tests = next((tests for part, tests in WIDER.items() if part in fault.name), ())
            if not survives(fault, calls, () if entry or args.quick else tests):
                continue
            if entry is None:
                survivors += 1
                print(f"{fault.name}: {fault.change}", flush=True)
            else:
                excused += 1
                used.add(entry)
    unused = sorted(entry for entry in entries - used if args.only in entry[0])
    for name, change in unused:
        print(f"listed as equivalent, but it is noticed, or not there: {name}: {change}")
    print(f"{count} faults in {time.perf_counter() - start:.0f} s, {excused} without an effect")
    real, kept = count - excused, not survivors and not unused
    figure("mutants", "faults noticed", f"{real - survivors} of {real}", "all", kept)
    return 0 if kept else 1
