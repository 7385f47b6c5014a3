"""Results on a GPU, or its stand-in, against those on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_rnn as torch

from ..conftest import HAS_GPU


def same(result: Any, expected: Any) -> None:
    """Assert that a result on the GPU is the CPU's."""
    if isinstance(expected, list | tuple):
        assert len(result) == len(expected)
        for got, wanted in zip(result, expected, strict=True):
            same(got, wanted)
    elif isinstance(expected, torch.Tensor):
        assert result.is_cuda and not expected.is_cuda
        assert result.dtype is expected.dtype and result.shape == expected.shape
        assert result.requires_grad == expected.requires_grad
        got, wanted = result.detach().cpu().numpy(), expected.detach().numpy()
        rounding = np.finfo(wanted.dtype).eps if wanted.dtype.kind == "f" else 0
        tolerance = rounding * (1000 if HAS_GPU else 16)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    else:
        assert result == expected
