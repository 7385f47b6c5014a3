"""A fixture `t`: a test that takes it runs twice, with this library and with PyTorch as `t`.

So what it asserts is known to be PyTorch's behaviour, wherever PyTorch is installed.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

import tinygrad_rnn

_HAS_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not _HAS_TORCH, reason="compares with PyTorch: not installed")


@pytest.fixture(params=["tinygrad_rnn", pytest.param("torch", marks=needs_torch)])
def t(request: pytest.FixtureRequest) -> Any:
    """Each library in turn."""
    return tinygrad_rnn if request.param == "tinygrad_rnn" else importlib.import_module("torch")
