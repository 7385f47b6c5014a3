"""One program run with this library and with PyTorch, and the results compared.

A program takes the library (``lib.tensor``, ``lib.nn.functional``, ...) and tensors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.autograd import gradcheck, gradgradcheck

Program = Callable[..., Any]


def pytorch() -> Any:
    """PyTorch, or the test is skipped."""
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch==2.13.0")
    torch.set_num_threads(1)  # with tensors of a few elements threads only wait for each other
    return torch


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Random float64 between the limits."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


def _leaves(lib: Any, values: tuple[Any, ...], dtype: str) -> list[Any]:
    """Floats as leaves of the dtype, integers as constants."""
    made = []
    for value in values:
        array = np.asarray(value)
        if array.dtype.kind == "f":
            made.append(lib.tensor(array.astype(dtype), requires_grad=True))
        else:
            made.append(lib.tensor(array))
    return made


def _projected(lib: Any, result: Any) -> Any:
    """One number that depends on every element in another way."""
    weights = np.cos(1.0 + np.arange(result.numel())).reshape(tuple(result.shape))
    return (result * lib.tensor(weights.astype(str(result.dtype).removeprefix("torch.")))).sum()


def _derivatives(lib: Any, program: Program, values: Any, dtype: str, second: bool) -> list[Any]:
    """The result, its gradients, and the gradients of those (zeros where there are none)."""
    inputs = _leaves(lib, values, dtype)
    leaves = [x for x in inputs if x.requires_grad]
    result = program(lib, *inputs)
    _projected(lib, result).backward()
    found = [result, *(x.grad for x in leaves)]
    if second:
        result = program(lib, *inputs)
        grads = lib.autograd.grad(_projected(lib, result), leaves, create_graph=True)
        total = sum((_projected(lib, g * g) for g in grads), lib.zeros(()))
        if total.requires_grad:
            seconds = lib.autograd.grad(total, leaves, allow_unused=True)
            zeros = [x.detach() * 0 for x in leaves]
            found += [z if g is None else g for g, z in zip(seconds, zeros, strict=True)]
        else:
            found += [x.detach() * 0 for x in leaves]
    return [part.detach().numpy(force=True) for part in found]


def agree(
    program: Program, *values: Any, second: bool = True, rtol: float = 1e-10, atol: float = 1e-12
) -> None:
    """Values, gradients and second gradients are PyTorch's in float64; in float32 values and
    gradients, up to rounding."""
    torch = pytorch()
    for dtype, order in (("float64", second), ("float32", False)):
        ours = _derivatives(tg, program, values, dtype, order)
        theirs = _derivatives(torch, program, values, dtype, order)
        limits = {"rtol": rtol, "atol": atol} if order else {"rtol": 2e-5, "atol": 2e-6}
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert (a.shape, a.dtype) == (b.shape, b.dtype), f"part {number} in {dtype}"
            np.testing.assert_allclose(a, b, **limits, err_msg=f"part {number} in {dtype}")


def differentiable(program: Program, *values: Any) -> None:
    """Gradients of first and second order are those of finite differences."""
    inputs = _leaves(tg, values, "float64")

    def function(*args: Any) -> Any:
        return program(tg, *args)

    assert gradcheck(function, inputs, atol=1e-6, rtol=1e-5)
    assert gradgradcheck(function, inputs, atol=1e-6, rtol=1e-5)


def same_on(device: str, program: Program, *values: Any) -> None:
    """Result and gradients on the device are those on the CPU, to the last bits."""

    def run(where: str) -> list[Any]:
        inputs = [x.detach().to(where) for x in _leaves(tg, values, "float32")]
        leaves = [x.requires_grad_() for x in inputs if x.is_floating_point()]
        result = program(tg, *inputs)
        assert result.device.type == where
        result.sum().backward()
        return [result, *(x.grad for x in leaves)]

    for a, b in zip(run(device), run("cpu"), strict=True):
        np.testing.assert_allclose(
            a.detach().cpu().numpy(), b.numpy(force=True), rtol=1e-5, atol=1e-6
        )


def refused(program: Callable[[Any], Any], text: str, kind: type[Exception] | None = None) -> None:
    """Both libraries raise the same kind of error, with a text that both messages contain; with
    `kind` only this one does, because it is to be better here."""
    with pytest.raises(Exception) as ours:
        program(tg)
    assert text in str(ours.value), f"{text!r} is not in {ours.value}"
    if kind is not None:
        assert type(ours.value) is kind
        return
    torch = pytorch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            program(torch)
    assert type(ours.value) is type(theirs.value), f"{ours.value!r} and {theirs.value!r}"
    assert text in str(theirs.value), f"{text!r} is not in {theirs.value}"
