"""Resampling: sequences, pictures and volumes of another size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import float16, float32, float64, of_array, uint8
from ..warning import warn
from .adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .blending import Taps, blend, cubic_taps, linear_taps, nearest_taps, smooth_taps
from .conversion import cast
from .shape import new_sizes, shape_of
from .windows import Sizes

Numbers = int | Sequence[int]
Factors = float | Sequence[float]
_Scales = tuple[float | None, ...]

# For each mode that blends: the number of spatial dimensions it is for
_SMOOTH = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2, "lanczos": 2}
_MODES = ("nearest", "nearest-exact", "area", *_SMOOTH)
_AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)


def _sizes(sizes: Sizes, size: Any, scale_factor: Any, recompute: Any) -> tuple[Sizes, _Scales]:
    """The sizes asked for, and the factors to compute positions with (None: from the sizes)."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    label, given = ("scale_factor", scale_factor) if size is None else ("size", size)
    values = tuple(given) if isinstance(given, Sequence) else (given,) * len(sizes)
    if len(values) != len(sizes):
        raise ValueError(
            f"Input and {label} must have the same number of spatial dimensions, but got input "
            f"with spatial dimensions of {list(sizes)} and {label} of {given}. Please provide "
            f"input tensor in (N, C, d1, ..., dK) format and {label} in (o1, ..., oK) format."
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        if not all(hasattr(type(v), "__index__") for v in values):
            raise TypeError(f"expected size to be one int or a tuple of ints, but got {size}")
        return tuple(v.__index__() for v in values), (None,) * len(sizes)
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise TypeError(f"expected scale_factor to be finite numbers, but got {given}")
    counts = tuple(int(n * factor) for n, factor in zip(sizes, values, strict=True))
    return counts, (None,) * len(sizes) if recompute else values


def _check_mode(mode: str, ndim: int, shape: Sizes) -> None:
    """Raise NotImplementedError unless the mode is one for inputs of this kind."""
    wanted = _SMOOTH.get(mode)
    if mode in _MODES and wanted is not None and ndim in (1, 2, 3) and ndim != wanted:
        raise NotImplementedError(
            f"Got {ndim + 2}D input, but {mode} mode needs {wanted + 2}D input"
        )
    if mode not in _MODES or ndim not in (1, 2, 3):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {len(shape)}D) for the "
            f"modes: {' | '.join(_MODES)} (got {mode})"
        )


def interpolate(
    input: Any, size: Numbers | None = None, scale_factor: Factors | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Any:  # fmt: skip
    """The input with other sizes of its dimensions behind (N, C).

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: the sizes to come, or one for all dimensions.
        scale_factor: or how much larger they are to be; the result is cut to integers.
        mode: "nearest", "nearest-exact" or "area" (means), "linear" (3-D input), "bilinear",
            "bicubic" or "lanczos" (4-D), "trilinear" (5-D).
        align_corners: whether the middles of the outermost elements stay where they are, rather
            than their outer edges; only for modes that blend.
        recompute_scale_factor: compute positions from the sizes, not from scale_factor.
        antialias: when it becomes smaller, blend all elements that a new one covers; only for
            "bilinear" and "bicubic", and "lanczos" is for nothing else.

    Raises ValueError for arguments that contradict each other, NotImplementedError for modes that
    do not fit the input, RuntimeError for empty sizes.

    >>> F.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> F.interpolate(torch.tensor([[[1.0, 2.0]]]), 3, mode="linear", align_corners=True)
    tensor([[[1.0000, 1.5000, 2.0000]]])
    """
    if not isinstance(input, Variable):
        raise TypeError(f"interpolate(): input must be Tensor, not {type(input).__name__}")
    shape = shape_of(input)
    ndim, sizes = len(shape) - 2, shape[2:]
    if mode not in _SMOOTH and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    if antialias and (mode not in ("bilinear", "bicubic", "lanczos") or ndim != 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("Lanczos mode requires antialias=True, and align_corners to be False")
    counts, scales = _sizes(sizes, size, scale_factor, recompute_scale_factor)
    _check_mode(mode, ndim, shape)
    if mode == "area":
        return _AREA[ndim - 1](input, counts)
    if min(sizes) <= 0 or min(counts) <= 0 or not shape[1]:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, and only the batch may be empty, but "
            f"got input of size {list(shape)} and output sizes {list(counts)}"
        )
    new_sizes((*shape[:2], *counts))
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point and not (kind is uint8 and mode not in _SMOOTH):
        raise NotImplementedError(f"interpolate: {mode} is not implemented for {kind}")
    result = cast(input, float32) if kind is float16 and mode in _SMOOTH else input
    taps = _taps(mode, bool(align_corners), antialias, "float64" if kind is float64 else "float32")
    for dim, places in enumerate(zip(sizes, counts, scales, strict=True)):
        result = blend(result, taps=taps(*places), dim=dim - ndim)
    return cast(result, kind)


def _taps(mode: str, corners: bool, antialias: bool, kind: str) -> Callable[..., Taps]:
    """What makes, from size, count and scale of a dimension, its map."""
    if antialias:
        return lambda n, m, s: smooth_taps(mode, n, m, s, corners)
    if mode in _SMOOTH:
        make = cubic_taps if mode == "bicubic" else linear_taps
        return lambda n, m, s: make(n, m, s, corners, kind)
    return lambda n, m, s: nearest_taps(n, m, s, mode == "nearest-exact", kind)


def upsample(
    input: Any, size: Numbers | None = None, scale_factor: Factors | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
) -> Any:  # fmt: skip
    """`interpolate` of (N, C, ...) under its older name, with a UserWarning that says so.

    >>> F.upsample(torch.ones(1, 1, 2), size=3).shape  # doctest: +SKIP
    torch.Size([1, 1, 3])
    """
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Any, size: Numbers | None = None, scale_factor: Factors | None = None
) -> Any:
    """``interpolate(..., mode="nearest")`` of (N, C, ...), with a UserWarning that says so.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     print(F.upsample_nearest(torch.ones(1, 1, 2, 2), scale_factor=2).shape)
    torch.Size([1, 1, 4, 4])
    """
    warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Any, size: Numbers | None = None, scale_factor: Factors | None = None
) -> Any:
    """``interpolate(..., mode="bilinear", align_corners=True)`` of (N, C, H, W), with a
    UserWarning, too.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     print(F.upsample_bilinear(torch.ones(1, 1, 2, 2), size=(3, 5)).shape)
    torch.Size([1, 1, 3, 5])
    """
    warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead."
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
