"""Convolution, pooling and resampling."""

from __future__ import annotations

from typing import Any

from tinygrad_rnn.nn import functional as F

from .sample import S, on


def _distinct(x: Any) -> Any:
    """Numbers farther apart than finite differences reach, so that no other becomes the largest."""
    return x + on(x, 3.0 * x.new_ones(x.shape).cumsum(-1)) * 1.5


CONVOLUTION = [
    S("conv1d", lambda x, w, b: F.conv1d(x, w, b, padding=1), (2, 2, 4), (3, 2, 3), (3,)),
    S("conv1d-same", lambda x, w: F.conv1d(x, w, padding="same"), (1, 1, 4), (1, 1, 2)),
    S("conv2d", lambda x, w, b: F.conv2d(
        x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        (1, 2, 3, 4), (4, 1, 2, 3), (4,)),
    S("conv2d-unbatched", lambda x, w: F.conv2d(x, w), (1, 3, 3), (2, 1, 2, 2)),
    S("conv3d", lambda x, w: F.conv3d(x, w, stride=2), (1, 1, 3, 2, 3), (1, 1, 2, 2, 2)),
    S("conv_transpose1d", lambda x, w, b: F.conv_transpose1d(
        x, w, b, stride=2, padding=1, output_padding=1), (2, 2, 3), (2, 1, 3), (1,)),
    S("conv_transpose2d", lambda x, w: F.conv_transpose2d(
        x, w, stride=(1, 2), dilation=(2, 1), groups=2), (1, 2, 2, 2), (2, 1, 2, 2)),
    S("unfold", lambda x: F.unfold(x, 2, dilation=(1, 2), padding=1, stride=2), (1, 2, 3, 4)),
    S("fold", lambda x: F.fold(x, (3, 3), 2, padding=1, stride=2), (1, 4, 4)),
]  # fmt: skip

POOLING = [
    S("max_pool1d", lambda x: F.max_pool1d(_distinct(x) * x, 2, 1), (1, 2, 4)),
    S("max_pool2d", lambda x: F.max_pool2d(
        _distinct(x) * x, (2, 3), 1, padding=1, dilation=(1, 2)), (1, 1, 3, 5)),
    S("max_pool3d", lambda x: F.max_pool3d(_distinct(x) * x, 2, ceil_mode=True), (1, 2, 2, 3)),
    S("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(_distinct(x) * x, 2), (1, 3, 4)),
    S("fractional_max_pool2d", lambda x: F.fractional_max_pool2d(
        _distinct(x) * x, 2, 2, _random_samples=x.new_full((1, 1, 2), 0.5)), (1, 4, 4)),
    S("max_unpool1d", lambda x: F.max_unpool1d(
        *F.max_pool1d(_distinct(x) * x, 2, return_indices=True), 2), (1, 4)),
    S("avg_pool2d", lambda x: F.avg_pool2d(
        x, 2, 2, padding=1, ceil_mode=True, count_include_pad=False), (1, 1, 3, 4)),
    S("avg_pool3d", lambda x: F.avg_pool3d(x, 2, 1, divisor_override=3), (1, 2, 3, 2)),
    S("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), (1, 3, 4)),
    S("lp_pool2d", lambda x: F.lp_pool2d(x, 3, 2), (1, 2, 4), low=0.5, high=2.0),
]  # fmt: skip

RESAMPLING = [
    S("interpolate-nearest", lambda x: F.interpolate(x, scale_factor=1.7), (1, 1, 3)),
    S("interpolate-bilinear", lambda x: F.interpolate(
        x, (3, 2), mode="bilinear", align_corners=True), (1, 1, 2, 3)),
    S("interpolate-bicubic", lambda x: F.interpolate(x, (2, 4), mode="bicubic"), (1, 1, 3, 2)),
    S("interpolate-antialias", lambda x: F.interpolate(
        x, 2, mode="bilinear", antialias=True), (1, 1, 4, 5)),
    S("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), (4, 1, 2)),
    S("channel_shuffle", lambda x: F.channel_shuffle(x, 2), (1, 4, 2)),
]  # fmt: skip

WINDOWS = CONVOLUTION + POOLING + RESAMPLING
