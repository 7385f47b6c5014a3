"""Gradients where they are a choice (see `edges`): as PyTorch chooses."""

import numpy as np
import pytest

import tinygrad_rnn as tg

from ..ops.compare import agree
from .edges import EDGES, calls


@pytest.mark.parametrize("name", EDGES)
def test_as_pytorch(name):
    call, *arrays = EDGES[name]
    agree(call, *arrays, rtol=3e-8, atol=1e-12)  # PyTorch has some constants in float32 alone


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_recorded_gradients_are_the_others():
    """Rules give the same numbers of tensors (create_graph=True) as of arrays."""
    for call, arrays in calls():
        inputs = [tg.tensor(a, requires_grad=True) for a in arrays]
        found = []
        for recorded in (False, True):
            try:
                result = call(tg, *inputs)
                results = result if isinstance(result, tuple | list) else [result]
                ends = [y for y in results if y.requires_grad]
                grads = tg.autograd.grad(
                    ends, inputs, [tg.full_like(y, 0.7) for y in ends], create_graph=recorded,
                    allow_unused=True, materialize_grads=True,
                )  # fmt: skip
            except RuntimeError as error:
                found.append([type(error)])
            else:
                found.append([g.numpy(force=True) for g in grads])
        for a, b in zip(*found, strict=True):
            if isinstance(a, type):
                assert a is b
            else:
                np.testing.assert_allclose(a, b, 1e-9, 1e-12)
