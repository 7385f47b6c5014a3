"""Comparing tensors in tests, and checking gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .autograd import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from .creation import as_tensor
from .dtypes import float16, float32, float64
from .ops.comparison import isclose
from .tensor import Tensor

# (rtol, atol) that allow for the rounding of a few operations; integers must be equal
_TOLERANCES = {float16: (1e-3, 1e-5), float32: (1.3e-6, 1e-5), float64: (1e-7, 1e-7)}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Args:
        actual, expected: tensors, numbers or arrays of the same shape, or sequences and mappings
            of them.
        rtol, atol: both or neither; by default what the dtype's rounding allows.
        equal_nan: whether nan equals nan.
        check_device, check_dtype: whether those must agree too.
        msg: the message of the error, or a function of the one that it would have.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"rtol and atol: give both or neither, got rtol={rtol}, atol={atol}")
    try:
        _compare(actual, expected, "", rtol, atol, equal_nan, check_device, check_dtype)
    except AssertionError as error:
        text = msg(str(error)) if callable(msg) else msg or str(error)
        raise AssertionError(text) from None


def _compare(actual: Any, expected: Any, where: str, *options: Any) -> None:
    if isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            raise AssertionError(f"The keys differ{where}: {set(actual) ^ set(expected)}")
        for key in expected:
            _compare(actual[key], expected[key], f"{where}[{key!r}]", *options)
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        if len(actual) != len(expected):
            raise AssertionError(f"The lengths differ{where}: {len(actual)} and {len(expected)}")
        for number, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, e, f"{where}[{number}]", *options)
    else:
        _compare_tensors(as_tensor(actual), as_tensor(expected), where, *options)


def _compare_tensors(
    actual: Tensor,
    expected: Tensor,
    where: str,
    rtol: float | None,
    atol: float | None,
    equal_nan: bool,
    check_device: bool,
    check_dtype: bool,
) -> None:
    place = f" at {where}" if where else ""
    checks = [("shape", True), ("device", check_device), ("dtype", check_dtype)]
    for name, wanted in checks:
        a, e = getattr(actual, name), getattr(expected, name)
        if wanted and a != e:
            raise AssertionError(
                f"The values for attribute '{name}' do not match{place}: {a} != {e}"
            )
    kinds = [x.dtype for x in (actual, expected)]
    if rtol is None:
        rtol = max(_TOLERANCES.get(kind, (0.0, 0.0))[0] for kind in kinds)
    if atol is None:
        atol = max(_TOLERANCES.get(kind, (0.0, 0.0))[1] for kind in kinds)
    a, e = actual.detach().double().cpu(), expected.detach().double().cpu()
    bad = isclose(a, e, rtol, atol, equal_nan).logical_not()
    count = int(bad.sum())
    if count:
        error = (a - e).abs().nan_to_num(float("inf")).masked_fill(~bad, -1.0).flatten()
        worst = int(error.argmax())
        raise AssertionError(
            f"{count} of {bad.numel()} elements differ{place}: the worst is {a.flatten()[worst]} "
            f"instead of {e.flatten()[worst]} at index {_unravel(worst, tuple(a.shape))}, "
            f"{float(error[worst]):.3g} off (allowed: {atol:g} + {rtol:g} * |expected|)"
        )


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element from its place in the flattened tensor."""
    index = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.append(place)
    return tuple(reversed(index))
