"""A fixture `t`: a test that takes it runs with this library on every device, and with PyTorch.

So what it asserts is known to be PyTorch's behaviour, wherever PyTorch is installed. The device is
the default one: the test names none.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

import tinygrad_rnn

from .conftest import DEVICES

_HAS_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not _HAS_TORCH, reason="compares with PyTorch: not installed")

_TORCH = pytest.param("torch", marks=needs_torch)

# For tests of what only tensors in the host's memory have: NumPy arrays, and their plain repr.
_CPU = pytest.param("cpu", marks=pytest.mark.cpu("NumPy's arrays"))
on_the_cpu = pytest.mark.parametrize("t", [_CPU, _TORCH], indirect=True)


@pytest.fixture(params=[*DEVICES, _TORCH])
def t(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each library in turn, ours on each device."""
    if request.param == "torch":
        yield importlib.import_module("torch")
        return
    with tinygrad_rnn.device(request.param):
        yield tinygrad_rnn
