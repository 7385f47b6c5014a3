"""Bilinear maps: linear in each of two inputs."""

from __future__ import annotations

from typing import Any

from .linalg import matmul
from .shape import permute, reshape, shape_of, squeeze, unsqueeze


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """input1 @ weight[k] @ input2 + bias[k], for each k.

    input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out); result (..., out).
    Raises RuntimeError for sizes that do not fit.

    >>> F.bilinear(torch.tensor([2.0]), torch.tensor([3.0, 4.0]), torch.ones(1, 1, 2))
    tensor([14.])
    """
    a, b, w = shape_of(input1), shape_of(input2), shape_of(weight)
    if len(w) != 3:
        raise RuntimeError(f"bilinear(): weight must be 3-D (out, in1, in2), got shape {list(w)}")
    if not a or not b:
        raise RuntimeError("bilinear(): inputs must have a dimension of features, got a scalar")
    if a[:-1] != b[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(a[:-1])} and "
            f"{list(b[:-1])}"
        )
    for number, shape in ((1, a), (2, b)):
        if shape[-1] != w[number]:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {shape[-1]} but "
                f"expected {w[number]}"
            )
    if bias is not None and shape_of(bias) != w[:1]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(shape_of(bias))} but "
            f"expected {list(w[:1])}"
        )
    # One large product for input1, then a small one for each row
    rows = matmul(input1, reshape(permute(weight, 1, 0, 2), (w[1], w[0] * w[2])))
    result = squeeze(matmul(reshape(rows, (*a[:-1], w[0], w[2])), unsqueeze(input2, -1)), -1)
    return result if bias is None else result + bias
