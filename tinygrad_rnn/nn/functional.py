"""What layers do, as functions: ``from tinygrad_rnn.nn import functional as F``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..ops import random
from ..ops.activation import (
    celu as celu,
    elu as elu,
    gelu as gelu,
    glu as glu,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    leaky_relu as leaky_relu,
    log_softmax as log_softmax,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    silu as silu,
    softmax as softmax,
    softmin as softmin,
    softplus as softplus,
    softsign as softsign,
    threshold as threshold,
)
from ..ops.arithmetic import mul
from ..ops.classification import cross_entropy as cross_entropy, nll_loss as nll_loss
from ..ops.elementwise import sigmoid as sigmoid, tanh as tanh
from ..ops.embedding import embedding as embedding
from ..ops.linalg import linear as linear
from ..ops.loss import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    huber_loss as huber_loss,
    kl_div as kl_div,
    l1_loss as l1_loss,
    mse_loss as mse_loss,
    smooth_l1_loss as smooth_l1_loss,
)
from ..ops.masking import one_hot as one_hot
from ..ops.norms import norm
from ..ops.padding import pad as pad
from ..ops.shape import broadcast_tensors
from ..tensor import Tensor


def _with(function: Callable[..., Any]) -> Callable[..., Any]:
    def in_place(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return function(input, *args, inplace=True, **kwargs)

    in_place.__name__ = in_place.__qualname__ = f"{function.__name__}_"
    in_place.__doc__ = f"`{function.__name__}` in place. Returns the tensor."
    return in_place


relu_, leaky_relu_, elu_, selu_ = _with(relu), _with(leaky_relu), _with(elu), _with(selu)
celu_, hardtanh_, threshold_ = _with(celu), _with(hardtanh), _with(threshold)

# ----- dropout -----


def check_probability(p: float) -> float:
    """p itself. Raises ValueError unless it is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return p


def _drop(
    input: Tensor, mask_shape: tuple[int, ...], p: float, training: bool, inplace: bool
) -> Tensor:
    """The input times a mask of 0 (with probability p) and 1 / (1 - p)."""
    check_probability(p)
    if not training or p == 0:
        return input
    if not input.is_floating_point():
        raise RuntimeError(
            f"dropout: expected a floating input, got {input.dtype}; convert with .float()"
        )
    mask = random.bernoulli(input.new_empty(mask_shape), 1 - p)
    if p < 1:
        mask.div_(1 - p)
    return input.mul_(mask) if inplace else mul(input, mask)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """While training, elements become 0 with probability p and the others grow by 1 / (1 - p)
    (Hinton et al., 2012); otherwise the input itself.

    Raises ValueError unless p is in [0, 1].
    """
    return _drop(input, input.shape, p, training, inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """As `dropout`, for whole channels of (N, C, L) or (C, L). Raises RuntimeError for other
    numbers of dimensions."""
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input: (N, C, L) "
            "or (C, L); dropout drops single elements of any shape"
        )
    return _drop(input, (*input.shape[:-1], 1), p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """As `dropout`, for whole channels of (N, C, H, W); a 3D input counts as (N, C, L)."""
    if input.dim() != 4:
        warnings.warn(
            f"dropout2d: expected a 4D input (N, C, H, W), but received a {input.dim()}D input, of "
            "which the first two dimensions count as (N, C); use dropout1d or dropout instead",
            stacklevel=2,
        )
    mask_shape = (*input.shape[:2], *(1 for _ in input.shape[2:]))
    return _drop(input, mask_shape, p, training, inplace)


# ----- lengths and angles -----


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """The input divided by its p-norm over dim, or by eps if that is larger."""
    return input / norm(input, p, dim, True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along dim; norms below eps count as eps.

    The shapes broadcast. Raises RuntimeError for integers.
    """
    if not (x1.is_floating_point() or x2.is_floating_point()):
        raise RuntimeError(
            "expected common dtype to be floating point, yet common dtype is "
            f"{x1.dtype}; convert with .float()"
        )
    x1, x2 = broadcast_tensors(x1, x2)
    lengths = [norm(x, 2, dim, True).clamp(min=eps) for x in (x1, x2)]
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)
