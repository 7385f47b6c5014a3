"""Resampling, windows as columns, channels as pixels: definitions, PyTorch, errors."""

import itertools

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.testing import assert_close

from .side_by_side import agree, numbers, pytorch, refused

# ----- another size -----

RATIOS = [(5, None, 7), (7, None, 3), (4, 2.0, None), (5, 0.6, None), (3, 2.7, None), (1, None, 4),
          (6, None, 6), (4, None, 1)]  # fmt: skip


PLAIN, BLENDS = ("nearest", "nearest-exact", "area"), ("linear", "bilinear", "bicubic", "trilinear")
DIMS = {"linear": (1,), "trilinear": (3,), "bilinear": (2,), "bicubic": (2,), "lanczos": (2,)}
MODES = [
    *itertools.product(PLAIN, [None], [False]),
    *itertools.product(BLENDS, [False, True], [False]),
    *itertools.product(["bilinear", "bicubic"], [False, True], [True]),
    ("lanczos", False, True),
]


@pytest.mark.parametrize(("mode", "corners", "antialias"), MODES)
def test_interpolation(mode, corners, antialias):
    """Results and gradients in both dtypes are PyTorch's, for sizes and factors up and down."""
    for ndim, (n, factor, size) in itertools.product(DIMS.get(mode, (1, 2)), RATIOS):
        agree(
            lambda lib, x, factor=factor, size=size: lib.nn.functional.interpolate(
                x, size, factor, mode, corners, antialias=antialias
            ),
            numbers(1, 2, *(n + i for i in range(ndim)) if size is None else (n,) * ndim),
        )


def test_interpolation_of_many_sizes_names_the_same_neighbour():
    """Positions are rounded as PyTorch rounds them, in the dtype of the values."""
    torch = pytorch()
    for n, m in itertools.product(range(1, 40, 3), range(1, 60, 7)):
        x = np.arange(n, dtype="float32").reshape(1, 1, n)
        for mode, dtype in itertools.product(("nearest", "nearest-exact"), ("float32", "float64")):
            mine = F.interpolate(tg.tensor(x.astype(dtype)), m, mode=mode).numpy(force=True)
            theirs = torch.nn.functional.interpolate(torch.tensor(x.astype(dtype)), m, mode=mode)
            np.testing.assert_array_equal(
                mine, theirs.numpy(), err_msg=f"{n} to {m}, {mode}, {dtype}"
            )


def test_interpolation_on_every_device(device):
    x = tg.tensor([[[1.0, 3.0]]], device=device, requires_grad=True)
    y = F.interpolate(x, 4, mode="linear")
    assert y.device.type == device and y.tolist() == [[[1.0, 1.5, 2.5, 3.0]]]
    y.backward(tg.tensor([[[1.0, 2.0, 3.0, 4.0]]], device=device))
    assert x.grad.tolist() == [[[1 + 1.5 + 0.75, 0.5 + 2.25 + 4]]]


def test_what_is_infinite_stays_where_it_is():
    x = tg.tensor([[[1.0, 2.0, float("inf"), 4.0]]])
    assert F.interpolate(x, 8, mode="linear")[0, 0, :3].tolist() == [1.0, 1.25, 1.75]
    assert F.interpolate(x, scale_factor=2)[0, 0, [0, 3, 4, 7]].tolist() == [1, 2, float("inf"), 4]


def test_bytes_are_copied():
    x = tg.tensor([[[1, 255]]], dtype=tg.uint8)
    assert F.interpolate(x, 3).tolist() == [[[1, 1, 255]]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda f, x: f.upsample(x, scale_factor=2), lambda f, x: f.interpolate(x, scale_factor=2)),
        (lambda f, x: f.upsample_nearest(x, 5), lambda f, x: f.interpolate(x, 5)),
        (lambda f, x: f.upsample_bilinear(x, 5),
         lambda f, x: f.interpolate(x, 5, mode="bilinear", align_corners=True)),
    ],
)  # fmt: skip
def test_older_names(old, new):
    x = tg.randn(1, 1, 2, 3)
    with pytest.warns(UserWarning, match="is deprecated. Use `nn.functional.interpolate` instead."):
        result = old(F, x)
    assert tg.equal(result, new(F, x))


def test_upsampling_layers():
    x = tg.tensor(numbers(1, 2, 3, 4))
    for layer, call in (
        (nn.Upsample(size=(5, 2)), {"size": (5, 2)}),
        (nn.Upsample(None, (2, 3), "bicubic"), {"scale_factor": (2, 3), "mode": "bicubic"}),
        (nn.UpsamplingNearest2d(scale_factor=2), {"scale_factor": 2}),
        (nn.UpsamplingBilinear2d(7), {"size": 7, "mode": "bilinear", "align_corners": True}),
    ):  # fmt: skip
        assert_close(layer(x), F.interpolate(x, **call))
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2.0, mode='nearest')"


# ----- windows as columns -----


def test_unfold_by_definition(device):
    x = tg.tensor(numbers(2, 3, 5, 6), device=device)
    columns = F.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=(1, 2))
    padded = F.pad(x, (1, 1, 1, 1)).cpu().numpy()
    places = itertools.product(range(5), range(0, 6, 2))
    expected = [padded[:, :, r : r + 3 : 2, c : c + 3].reshape(2, -1) for r, c in places]
    np.testing.assert_array_equal(columns.cpu().numpy(), np.stack(expected, 2))


def test_fold_counts_the_windows():
    x = tg.tensor(numbers(2, 3, 5, 6))
    how = {"kernel_size": (2, 3), "padding": (0, 1), "stride": (1, 2)}
    back = F.fold(F.unfold(x, **how), (5, 6), **how)
    counts = F.fold(F.unfold(tg.ones(1, 1, 5, 6, dtype=tg.float64), **how), (5, 6), **how)
    assert_close(back, x * counts)
    assert set(counts.flatten().tolist()) == {1.0, 2.0, 4.0}
    one = nn.Fold((5, 6), **how)(nn.Unfold(**how)(x[0]))
    assert_close(one, back[0])


def test_convolution_is_a_product_of_columns():
    x, w = tg.tensor(numbers(2, 3, 5, 6)), tg.tensor(numbers(4, 3, 2, 3))
    product = w.flatten(1) @ F.unfold(x, (2, 3))
    assert_close(product.reshape(2, 4, 4, 4), F.conv2d(x, w))


# ----- channels as pixels -----


@pytest.mark.parametrize("shape", [(8, 2, 3), (2, 4, 3, 1), (2, 0, 4, 2, 2)])
def test_pixel_shuffle_and_back(shape):
    x = tg.tensor(numbers(*shape))
    large = nn.PixelShuffle(2)(x)
    assert large.shape == (*shape[:-3], shape[-3] // 4, shape[-2] * 2, shape[-1] * 2)
    np.testing.assert_array_equal(
        large.numpy(force=True),
        pytorch().pixel_shuffle(pytorch().tensor(x.numpy(force=True)), 2).numpy(force=True),
    )
    assert tg.equal(nn.PixelUnshuffle(2)(large), x)


def test_channel_shuffle_and_back(device):
    x = tg.tensor(numbers(2, 6, 3), device=device)
    mixed = nn.ChannelShuffle(2)(x)
    assert tg.equal(mixed[:, [0, 2, 4, 1, 3, 5]], x)
    assert tg.equal(F.channel_shuffle(mixed, 3), x)


# ----- errors -----

ERRORS = {
    "only one of size or scale_factor should be defined":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 2, 2),
    "either size or scale_factor should be defined":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2)),
    "must have the same number of spatial dimensions, but got input with spatial dimensions of [2]":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), (2, 3)),
    "align_corners option can only be set with the interpolating modes":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 3, align_corners=True),
    "Got 3D input, but bilinear mode needs 4D input":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 3, mode="bilinear"),
    "Input Error: Only 3D, 4D and 5D input Tensors supported (got 2D)":
        lambda t: t.nn.functional.interpolate(t.ones(1, 2), scale_factor=2.0, mode="linear"),
    "Input and output sizes should be greater than 0":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 0),
    "Anti-alias option is restricted to bilinear":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 3, antialias=True),
    "recompute_scale_factor is not meaningful with an explicit size":
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), 3, recompute_scale_factor=True),
    "expected size to be one": lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2), (2.5,)),
    "but its components must be at least one": lambda t: t.nn.functional.unfold(t.ones(1, 4, 4), 5),
    "dilation should be greater than zero": lambda t: t.nn.Unfold(2, dilation=0)(t.ones(1, 4, 4)),
    "padding should be non-negative": lambda t: t.nn.Unfold(2, padding=-1)(t.ones(1, 4, 4)),
    "but got input.size(1)=11": lambda t: t.nn.Fold((4, 4), 2)(t.ones(1, 11, 9)),
    "number of sliding blocks 3 * 3 = 9, but got input.size(2)=8":
        lambda t: t.nn.Fold((4, 4), 2)(t.ones(1, 12, 8)),
    "input.size(-3)=3 is not divisible by 4": lambda t: t.pixel_shuffle(t.ones(3, 4, 4), 2),
    "pixel_unshuffle expects width to be divisible by downscale_factor":
        lambda t: t.pixel_unshuffle(t.ones(3, 4, 5), 2),
    "pixel_shuffle expects a positive upscale_factor, but got 0":
        lambda t: t.nn.PixelShuffle(0)(t.ones(3, 4, 4)),
    "Number of channels must be divisible by groups. Got 4 channels and 3 groups.":
        lambda t: t.channel_shuffle(t.ones(1, 4, 2, 2), 3),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    refused(ERRORS[text], text)
