"""From uniform fractions to normal numbers, rounded as PyTorch's processors do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")
BLOCK = 16  # normals are made 16 at a time: 8 uniforms give the radii, the next 8 the angles


def box_muller(fractions: Array) -> Array:
    """Standard normals from whole blocks of uniform fractions, in their own precision."""
    blocks = fractions.reshape(-1, 2, BLOCK // 2)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, 0]))  # 1 - u is in (0, 1]: a finite logarithm
    angle = 2 * math.pi * blocks[:, 1]
    normals: Array = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return normals.reshape(-1)


def multiply_add(x: Array, scale: float, shift: float) -> Array:
    """x * scale + shift rounded once, as processors' fused instruction does and NumPy does not."""
    if scale == 1 and shift == 0:
        return x
    scale, shift = float(scale), float(shift)  # integers may be too large for NumPy's
    if x.dtype == FLOAT32:  # a product of two 24-bit numbers is exact in float64's 53 bits
        product = x * np.float64(np.float32(scale))
        return (product + np.float64(np.float32(shift))).astype(FLOAT32)
    if not math.isfinite(scale + shift):
        return x * scale + shift
    # float64: carry the rounding errors of the product (Dekker) and of the sum (Knuth) along.
    (x_high, x_low), (scale_high, scale_low) = _halves(x), _halves(np.full(1, scale))
    product = x * scale
    error = x_high * scale_high - product + x_high * scale_low + x_low * scale_high
    error += x_low * scale_low
    total: Array = product + shift
    shift_part = total - product
    error += product - (total - shift_part) + (shift - shift_part)
    total += error
    return total


def _halves(x: Array) -> tuple[Array, Array]:
    """float64 as the sum of two numbers, so short that products of them are exact."""
    high = (x.view(np.int64) & -(2**27)).view(FLOAT64)
    return high, x - high
