"""Padding layers beside PyTorch's."""

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn

from .side_by_side import numbers, pytorch, refused

KINDS = {"Constant": (7.5,), "Zero": (), "Reflection": (), "Replication": (), "Circular": ()}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_layers(kind, ndim, device):
    """Of one number and of two for each dimension; the text, results and gradients."""
    torch, name = pytorch(), f"{kind}Pad{ndim}d"
    for padding, shape in (
        (1, (2, *range(3, 3 + ndim))),
        (tuple(range(2 * ndim)), (1, 2, *range(6, 6 + ndim))),
    ):
        mine = getattr(nn, name)(padding, *KINDS[kind])
        theirs = getattr(torch.nn, name)(padding, *KINDS[kind])
        assert repr(mine) == repr(theirs)
        array = numbers(*shape)
        x = tg.tensor(array, device=device, requires_grad=True)
        y = torch.tensor(array, requires_grad=True)
        result, expected = mine(x), theirs(y)
        np.testing.assert_array_equal(result.detach().cpu().numpy(), expected.detach().numpy())
        (result**2).sum().backward()
        (expected**2).sum().backward()
        np.testing.assert_allclose(x.grad.cpu().numpy(), y.grad.numpy(force=True), rtol=1e-12)


@pytest.mark.parametrize("kind", ["Reflection", "Replication"])
@pytest.mark.parametrize(
    ("ndim", "shape"), [(1, (6,)), (1, (1, 2, 3, 6)), (2, (6, 6)), (3, (3,) * 3)]
)
def test_no_other_numbers_of_dimensions(kind, ndim, shape):
    for library in (tg, pytorch()):
        layer = getattr(library.nn, f"{kind}Pad{ndim}d")(1)
        with pytest.raises(NotImplementedError, match=f"not supported for {len(shape)}D input"):
            layer(library.ones(*shape))


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (lambda t: t.nn.CircularPad1d(1)(t.ones(3)), "expected 2D or 3D input (got 1D input)"),
        (lambda t: t.nn.CircularPad3d(1)(t.ones(3, 3)), "expected 4D or 5D input (got 2D input)"),
    ],
)
def test_errors(program, text):
    refused(program, text)


def test_a_reflection_is_smaller_than_the_input():
    with pytest.raises(RuntimeError, match="should be at most 2"):
        nn.ReflectionPad1d(3)(tg.ones(1, 3))
