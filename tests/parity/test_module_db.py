"""Our modules against PyTorch's, on PyTorch's own samples for them.

Whatever has the name of a class that PyTorch tests is tested here, in training and in evaluation:
the drawn parameters, results, gradients (in float64 of both orders), buffers, repr and state dict;
then the errors that PyTorch says it raises. `DIFFERENCES` is the list of everything that is not as
in PyTorch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from .op_samples import (
    MOST,
    SEED,
    TOLERANCE,
    Unsupported,
    check_gradients,
    fresh,
    ours,
    run_ours,
    run_theirs,
    same,
    torch,
    translate,
)

from torch.nn.modules.lazy import LazyModuleMixin  # isort: skip
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db  # isort: skip

MODULES = {
    info.module_cls.__name__: info
    for info in module_db
    if info.module_cls is getattr(torch.nn, info.module_cls.__name__, None)
    and hasattr(ours.nn, info.module_cls.__name__)
}
MODES = {"train": True, "eval": False}
LIMIT = {torch.float64: 24, torch.float32: 8}

# ----- where we differ, and why -----


@dataclass
class Difference:
    reason: str
    where: Callable[[Any], bool] = lambda given: True  # the constructor's arguments


NONE = Difference("", lambda given: False)
DIFFERENCES = {
    "LinearCrossEntropyLoss": Difference(
        "there are no options for computing in parts",
        lambda given: given.kwargs.get("options") is not None,
    ),
}
# PyTorch's own rounding errors in float32, against its float64, where they are large: differences
# of sums of logarithms of some hundreds
ROUNDING = {"CTCLoss": {"rtol": 1e-5, "atol": 1.1e-4}}


# ----- building and calling the same module twice -----


def _samples(info: Any, dtype: Any, training: bool) -> list[Any]:
    """At most `LIMIT` of PyTorch's samples, drawn at random: the Transformers have hundreds."""
    torch.default_generator.manual_seed(SEED)
    found = list(info.module_inputs_func(info, "cpu", dtype, True, training))
    return Random(SEED).sample(found, min(LIMIT[dtype], MOST, len(found)))


def _bundle(given: Any) -> tuple[Any, Any, Any]:
    """The arguments of a constructor or of a call, as the functions of op_samples take them."""
    return None, given.args, given.kwargs


def _call(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *args, **kwargs: function(*args, **kwargs)


def _pair(name: str, sample: Any, dtype: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's, made of the same arguments under the same seed."""
    arguments = _bundle(sample.constructor_input)
    theirs = run_theirs(_call(getattr(torch.nn, name)), arguments)
    mine = run_ours(_call(getattr(ours.nn, name)), translate(arguments))
    return mine.to(translate(dtype)), theirs.to(dtype)


def _check_state(mine: Any, theirs: Any, what: str, **tolerance: float) -> None:
    state, my_state = theirs.state_dict(), mine.state_dict()
    assert list(my_state) == list(state), what
    for key, value in state.items():
        same(my_state[key], value, f"{what}: {key}", **tolerance)


def _check(name: str, sample: Any, dtype: Any, training: bool, device: str | None) -> None:
    info, tolerance = MODULES[name], TOLERANCE.get(dtype, {})
    if dtype == torch.float32:
        tolerance = ROUNDING.get(name, tolerance)
    mine, theirs = _pair(name, sample, dtype)
    assert repr(mine) == repr(theirs)
    if not isinstance(theirs, LazyModuleMixin):  # those draw at the call
        _check_state(mine, theirs, "as drawn", **tolerance)
        mine.load_state_dict(translate(dict(theirs.state_dict())))
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    (mine if device is None else mine.to(device)).train(training)
    theirs.train(training)

    bundle = fresh(_bundle(sample.forward_input))
    my_bundle = translate(bundle, device)
    result = run_theirs(_call(theirs), bundle)
    my_result = run_ours(_call(mine), my_bundle)
    same(my_result, result, "result", **tolerance)
    _check_state(mine, theirs, "after a call", **tolerance)
    if device is None:
        check_gradients(
            [*my_bundle, *mine.parameters()], my_result, [*bundle, *theirs.parameters()], result,
            second=info.supports_gradgrad and dtype == torch.float64, **tolerance,
        )  # fmt: skip


def _cases(*dtypes: Any) -> list[Any]:
    return [
        pytest.param(name, dtype, mode, id=f"{name}-{str(dtype).removeprefix('torch.')}-{mode}")
        for name, info in MODULES.items()
        for dtype in dtypes
        for mode in (MODES if info.train_and_eval_differ else ["train"])
        if dtype in info.supported_dtypes("cpu")
    ]


def _for_each_sample(name: str, dtype: Any, mode: str, device: str | None) -> None:
    difference = DIFFERENCES.get(name, NONE)
    checked, reasons = 0, set()
    for sample in _samples(MODULES[name], dtype, MODES[mode]):
        if difference.where(sample.constructor_input):
            reasons.add(difference.reason)
            continue
        try:
            _check(name, sample, dtype, MODES[mode], device)
            checked += 1
        except Unsupported as error:
            reasons.add(str(error))
    if not checked:
        pytest.skip("; ".join(sorted(reasons)) or "PyTorch has no samples")


@pytest.mark.parametrize(("name", "dtype", "mode"), _cases(torch.float64, torch.float32))
def test_modules(name, dtype, mode):
    _for_each_sample(name, dtype, mode, None)


@pytest.mark.parametrize(("name", "dtype", "mode"), _cases(torch.float32))
def test_modules_on_a_gpu(name, dtype, mode):
    _for_each_sample(name, dtype, mode, "cuda")


# ----- errors -----


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")  # PyTorch's patterns
@pytest.mark.parametrize("name", [n for n, i in MODULES.items() if i.module_error_inputs_func])
def test_errors(name):
    """The kinds are PyTorch's, and the messages have what PyTorch looks for in its own."""
    info, difference = MODULES[name], DIFFERENCES.get(name, NONE)
    for bad in info.module_error_inputs_func(info, "cpu", torch.float32, False, True):
        sample = bad.module_error_input
        if difference.where(sample.constructor_input):
            continue
        at_call = bad.error_on is ModuleErrorEnum.FORWARD_ERROR
        try:
            arguments = translate(_bundle(sample.constructor_input))
            inputs = translate(_bundle(sample.forward_input)) if at_call else None
        except Unsupported:
            continue
        make = _call(getattr(ours.nn, name))
        module = run_ours(make, arguments) if at_call else None
        with pytest.raises(bad.error_type, match=bad.error_regex):
            run_ours(*(_call(module), inputs) if at_call else (make, arguments))


# ----- arguments -----


CLASSES = [
    name
    for name, cls in vars(torch.nn).items()
    if isinstance(cls, type) and isinstance(getattr(ours.nn, name, None), type)
]


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_arguments(name, method):
    """Names, order and defaults are PyTorch's; what is ours alone comes behind them."""
    theirs = getattr(getattr(torch.nn, name), method, None)
    mine = getattr(getattr(ours.nn, name), method, None)
    if not hasattr(theirs, "__code__") or not hasattr(mine, "__code__"):
        return
    parameters = [*inspect.signature(mine).parameters.values()]
    expected = [*inspect.signature(theirs).parameters.values()]
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in expected):
        return
    assert [p.name for p in parameters[: len(expected)]] == [p.name for p in expected]
    for own, wanted in zip(parameters, expected, strict=False):
        named = getattr(own.default, "__name__", own), getattr(wanted.default, "__name__", wanted)
        assert own.default == wanted.default or named[0] == named[1], own
