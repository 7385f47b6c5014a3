"""PyTorch's own samples of optimizers: options that must work, and options that must not."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import optim

from .cases import run, start

torch = pytest.importorskip("torch", reason="the samples are PyTorch's")
from torch.testing._internal.common_optimizers import optim_db  # noqa: E402

OURS = {info.name: info for info in optim_db if hasattr(optim, info.name)}
LEFT_OUT = {"SparseAdam"}  # for sparse gradients
IN_BFLOAT16 = {"Muon": 0.5}  # PyTorch's: how much of one step their 30 steps may differ


def converted(value: Any) -> Any:
    """A sample's options and parameters, with our tensors."""
    if isinstance(value, torch.Tensor):
        made = tg.tensor(value.numpy(force=True))
        return tg.nn.Parameter(made) if isinstance(value, torch.nn.Parameter) else made
    if isinstance(value, dict):
        return {key: converted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(converted(item) for item in value)
    return value


def closure_of(lib: Any, params: list[Any], optimizer: Any) -> Any:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = sum(((p - 1) ** 2).sum() + p.tanh().sum() for p in params)
        loss.backward()
        return loss

    return closure


def test_all_names_are_here():
    assert {info.name for info in optim_db} == OURS.keys() | LEFT_OUT


@pytest.mark.parametrize("name", OURS)
def test_samples(name: str) -> None:
    for sample in OURS[name].optim_inputs_func(device="cpu"):
        found = []
        for lib, options in ((tg, converted(sample.kwargs)), (torch, sample.kwargs)):
            params = [p for p in start(lib) if name != "Muon" or p.dim() == 2]
            optimizer = getattr(lib.optim, name)(params, **options)
            if name == "LBFGS":
                for _ in range(3):
                    optimizer.step(closure_of(lib, params, optimizer))
                found.append([p.numpy(force=True) for p in params])
            else:
                found.append(run(lib, optimizer, params, range(30)))
        # a rate that is a float32 tensor is multiplied by in float32, or in float64
        rate = sample.kwargs.get("lr")
        rtol = 1e-6 if isinstance(rate, torch.Tensor) else 1e-12
        atol = IN_BFLOAT16.get(name, 1e-12) * float(sample.kwargs.get("lr", 1e-3))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=max(atol, 1e-12), err_msg=sample.desc)


@pytest.mark.parametrize("name", OURS)
def test_samples_of_errors(name: str) -> None:
    for sample in OURS[name].optim_error_inputs_func(device="cpu", dtype=torch.float32):
        given = sample.optimizer_error_input
        if "complex" in given.desc:
            continue
        if sample.error_type is UserWarning:
            twice = tg.zeros(2, 2, requires_grad=True)
            with pytest.warns(UserWarning, match=sample.error_regex):
                getattr(optim, name)([twice, twice])
            continue
        params = [tg.zeros(2, 2, requires_grad=True)] if given.params is None else given.params
        if "across param groups" in given.desc:
            params = [{"params": (p := tg.zeros(1, 1, requires_grad=True))}, {"params": p}]
        with warnings.catch_warnings(), pytest.raises(sample.error_type, match=sample.error_regex):
            getattr(optim, name)(converted(params), **converted(given.kwargs))
