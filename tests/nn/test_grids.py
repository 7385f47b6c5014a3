"""Grids of coordinates and what an input has there: by hand, PyTorch, errors."""

import itertools
import math
import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.testing import assert_close

from .side_by_side import agree, numbers, pytorch, refused

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_the_identity_and_a_reflection(mode, corners, device):
    x = tg.tensor(numbers(2, 3, 4, 5), device=device)
    for row, result in (([1.0, 0, 0], x), ([-1.0, 0, 0], x.flip(3))):
        theta = tg.tensor([[row, [0, 1, 0]]] * 2, dtype=tg.float64, device=device)
        grid = F.affine_grid(theta, x.shape, align_corners=corners)
        assert_close(F.grid_sample(x, grid, mode, "border", corners), result, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize(("mode", "padding"), [*itertools.product(MODES, PADDINGS)])
def test_values_and_gradients(mode, padding, corners):
    """Inside and outside, of pictures and volumes, of one pixel too."""
    for shape in ((2, 2, 4, 3), (1, 1, 1, 5), (1, 2, 3, 2, 4))[: 2 if mode == "bicubic" else 3]:
        grid = numbers(shape[0], *(3,) * (len(shape) - 2), len(shape) - 2, low=-2.3, high=2.3)
        agree(
            lambda lib, x, at: lib.nn.functional.grid_sample(x, at, mode, padding, corners),
            numbers(*shape, low=-0.5, high=0.5), grid,
        )  # fmt: skip


@pytest.mark.parametrize("corners", [False, True])
def test_affine_grids(corners):
    for shape, size in (((2, 2, 3), (2, 1, 3, 4)), ((1, 3, 4), (1, 2, 2, 3, 2))):
        agree(
            lambda lib, theta, size=size: lib.nn.functional.affine_grid(
                theta, size, align_corners=corners
            ),
            numbers(*shape),
        )


def test_nowhere_there_is_nothing():
    grid = tg.tensor([[[[math.nan, 0.0], [math.inf, 0.0], [0.0, 0.0]]]])
    assert F.grid_sample(tg.ones(1, 1, 3, 3), grid, align_corners=False).tolist() == [[[[0, 0, 1]]]]


def test_align_corners_is_to_be_given():
    with pytest.warns(UserWarning, match="specify align_corners=True if the old behavior"):
        F.grid_sample(tg.ones(1, 1, 2, 2), tg.zeros(1, 1, 1, 2))


ERRORS = {
    "expected mode to be": lambda f, t: f.grid_sample(
        t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 2), "cubic"),
    "expected padding_mode": lambda f, t: f.grid_sample(
        t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 2), padding_mode="mirror"),
    "expected grid and input to have same batch size": lambda f, t: f.grid_sample(
        t.ones(1, 1, 2, 2), t.ones(2, 1, 1, 2), align_corners=False),
    "expected grid to have size 2 in last dimension": lambda f, t: f.grid_sample(
        t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 3), align_corners=False),
    "expected input to have non-empty spatial dimensions": lambda f, t: f.grid_sample(
        t.ones(1, 1, 0, 2), t.ones(1, 1, 1, 2), align_corners=False),
    "bicubic interpolation only supports 4D input": lambda f, t: f.grid_sample(
        t.ones(1, 1, 2, 2, 2), t.ones(1, 1, 1, 1, 3), "bicubic", align_corners=False),
    "Expected a batch of 2D affine matrices of shape Nx2x3": lambda f, t: f.affine_grid(
        t.ones(1, 3, 4), (1, 1, 2, 2), align_corners=False),
    "affine_grid only supports 4D and 5D sizes": lambda f, t: f.affine_grid(
        t.ones(1, 2, 3), (1, 1, 2), align_corners=False),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    refused(lambda t: ERRORS[text](t.nn.functional, t), text)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5, 12, 28])
def test_the_grid_of_no_change_is_pytorch_s_to_the_bit(size, corners):
    """There samples lie on the elements: what rounds them to the other side has other gradients."""
    found = []
    for t in (tg, pytorch()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch: of a size of 1
            shape = (1, 1, size, size + 1)
            grid = t.nn.functional.affine_grid(t.eye(2, 3)[None], shape, align_corners=corners)
        found.append(grid.numpy(force=True))
    np.testing.assert_array_equal(*found)
