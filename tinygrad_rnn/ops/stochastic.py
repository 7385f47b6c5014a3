"""Functions that draw random numbers while training: dropouts, and activations with noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..backends import backend_of, device_of, move
from ..backends.generator import default_generator
from ..dtypes import float64, of_array
from ..warning import warn
from . import activation, random
from .arithmetic import add, log, mul, zeros_like
from .exponentials import softmax
from .order import argmax
from .shape import shape_of

# ----- dropout -----


def check_probability(p: float) -> float:
    """p itself. Raises ValueError unless it is in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return p


def _kept(name: str, input: Any, shape: tuple[int, ...], p: float) -> Any:
    """1 with probability 1 - p, else 0, in a shape that broadcasts to the input's."""
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point:
        raise RuntimeError(f"{name}: expected a floating input, got {kind}; convert with .float()")
    like = input.detach() if shape == shape_of(input) else input.new_empty(shape)
    return random.bernoulli(like, 1 - p)


def _drop(
    name: str, input: Any, shape: tuple[int, ...], p: float, training: bool, inplace: bool
) -> Any:
    """The input times a mask, in a shape that broadcasts, of 0 (with probability p) and
    1 / (1 - p)."""
    check_probability(p)
    if not training or p == 0:
        return input
    mask = _kept(name, input, shape, p)
    if p < 1:
        mask.div_(1 - p)
    return input.mul_(mask) if inplace else mul(input, mask)


def _channels(name: str, input: Any, training: bool) -> tuple[int, ...]:
    """The shape of a mask for whole channels of (N, C, ...). Raises RuntimeError for other inputs
    while training."""
    shape = shape_of(input)
    if training and len(shape) < 2:
        raise RuntimeError(
            f"{name}: Feature dropout requires at least 2 dimensions in the input, got {len(shape)}"
        )
    return (*shape[:2], *(1 for _ in shape[2:]))


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, elements become 0 with probability p and the others grow by 1 / (1 - p)
    (Hinton et al., 2012); otherwise the input itself. Of any shape.

    Raises ValueError unless p is in [0, 1].

    >>> F.dropout(torch.ones(3), p=1.0)
    tensor([0., 0., 0.])
    """
    return _drop("dropout", input, shape_of(input), p, training, inplace)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """As `dropout`, for whole channels of (N, C, L) or (C, L). Raises RuntimeError for other
    numbers of dimensions.

    >>> F.dropout1d(torch.ones(1, 4, 2), p=0.5).sum(2).unique()
    tensor([0., 4.])
    """
    shape = shape_of(input)
    if len(shape) not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {len(shape)}D input: (N, C, L) "
            "or (C, L); dropout drops single elements of any shape"
        )
    return _drop("dropout1d", input, (*shape[:-1], 1), p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """As `dropout`, for whole channels of (N, C, H, W); a 3D input counts as (N, C, L).

    >>> F.dropout2d(torch.ones(1, 4, 2, 2), p=0.5).shape
    torch.Size([1, 4, 2, 2])
    """
    ndim = len(shape_of(input))
    if ndim != 4:
        warn(
            f"dropout2d: expected a 4D input (N, C, H, W), but received a {ndim}D input, of "
            "which the first two dimensions count as (N, C); use dropout1d or dropout instead"
        )
    return _drop("dropout2d", input, _channels("dropout2d", input, training), p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """As `dropout`, for whole channels of (N, C, D, H, W) or (C, D, H, W).

    >>> F.dropout3d(torch.ones(1, 4, 2, 2, 2), p=0.5).shape
    torch.Size([1, 4, 2, 2, 2])
    """
    shape = shape_of(input)
    if len(shape) not in (4, 5):
        warn(
            "dropout3d: expected a 4D input (C, D, H, W) or a 5D one (N, C, D, H, W), but received "
            f"a {len(shape)}D input, of which the first two dimensions count as (N, C)"
        )
    mask = (shape[0], 1, 1, 1) if len(shape) == 4 else _channels("dropout3d", input, training)
    return _drop("dropout3d", input, mask, p, training, inplace)


def feature_dropout(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Any:
    """As `dropout`, for whole channels of (N, C, ...)."""
    return _drop(
        "feature_dropout",
        input,
        _channels("feature_dropout", input, training),
        p,
        training,
        inplace,
    )


_LOWEST = 1.7580993408473766  # alpha times the scale of selu: what it tends to far below 0


def _alpha_drop(
    name: str, input: Any, shape: tuple[int, ...], p: float, training: bool, inplace: bool
) -> Any:
    """Klambauer et al., "Self-Normalizing Neural Networks" (2017): dropped elements become the
    lowest value of selu, and an affine map restores mean 0 and variance 1."""
    check_probability(p)
    if not training or p == 0 or not math.prod(shape_of(input)):
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else mul(input, zeros_like(input))
    mask = _kept(name, input, shape, p)
    scale = 1 / math.sqrt((_LOWEST**2 * p + 1) * (1 - p))
    shift = (mask - 1) * (_LOWEST * scale) + _LOWEST * scale * p
    mask = mask * scale
    return input.mul_(mask).add_(shift) if inplace else add(mul(input, mask), shift)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """While training, elements become with probability p what selu makes of very small numbers,
    and all are scaled and shifted so that mean 0 and variance 1 stay (Klambauer et al., 2017).

    Raises ValueError unless p is in [0, 1].

    >>> F.alpha_dropout(torch.zeros(8), p=0.5, training=True).unique()
    tensor([-0.7792,  0.7792])
    """
    return _alpha_drop("alpha_dropout", input, shape_of(input), p, training, inplace)


def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Any:
    """As `alpha_dropout`, for whole channels of (N, C, ...).

    >>> F.feature_alpha_dropout(torch.zeros(1, 8, 2), p=0.5, training=True).unique()
    tensor([-0.7792,  0.7792])
    """
    name = "feature_alpha_dropout"
    return _alpha_drop(name, input, _channels(name, input, training), p, training, inplace)


# ----- activations -----


def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Any:
    """input where positive, else a slope times input: while training a slope for each element,
    drawn from [lower, upper), otherwise their mean (Xu et al., 2015).

    Raises RuntimeError if lower is above upper or one is not finite.

    >>> F.rrelu(torch.tensor([-2.0, 2.0]), 0.25, 0.75)
    tensor([-1.,  2.])
    """
    for name, limit in (("lower", lower), ("upper", upper)):
        if not math.isfinite(limit):
            raise RuntimeError(f"rrelu: {name} bound must be finite, got {limit}")
    if lower > upper:
        raise RuntimeError(
            f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}"
        )
    if not training:
        return activation.leaky_relu(input, (lower + upper) / 2, inplace)
    array = input._array
    if array.dtype.kind != "f":
        raise NotImplementedError(
            f"rrelu() is not implemented for {of_array(array.dtype)}; convert with .float()"
        )
    xp: Any = backend_of(array)
    negative = array <= 0
    draws = default_generator.uniform((int(negative.sum()),), lower, upper, float64.array)
    slopes = xp.ones_like(array)
    slopes[negative] = move(draws.astype(array.dtype), device_of(array))
    return input.mul_(input._wrap(slopes)) if inplace else mul(input, input._wrap(slopes))


def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """A draw from the classes that logits (unnormalised log-probabilities) give along dim, relaxed
    so that gradients flow, in logits' shape: softmax((logits + Gumbel noise) / tau) (Jang et
    al., 2017).

    With `hard` the result is one-hot, and its gradient that of the relaxed draw. eps is not used.

    >>> F.gumbel_softmax(torch.tensor([0.0, 99.0]), hard=True)
    tensor([0., 1.])
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    noise = -log(random.exponential(logits.new_empty(shape_of(logits))))
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    chosen = argmax(soft.detach(), dim, keepdim=True)
    one_hot = zeros_like(soft).detach().scatter_(dim, chosen, 1.0)
    return one_hot - soft.detach() + soft


# ----- under the names of the package: as `functional`'s, with `train` and without defaults -----


def _named(function: Callable[..., Any], inplace: bool) -> Callable[..., Any]:
    def call(input: Any, p: float, train: bool) -> Any:
        return function(input, p, train, inplace)

    call.__name__ = call.__qualname__ = function.__name__ + "_" * inplace
    shape = "(N, C, ...)" if "feature" in function.__name__ else "any shape"
    call.__doc__ = (
        f"`nn.functional.{function.__name__}`{' in place' * inplace}, of {shape}.\n\n"
        f"    >>> torch.{call.__name__}(torch.ones(1, 2), 1.0, True)\n"
        "    tensor([[0., 0.]])\n"
    )
    return call


DROPOUTS = dropout, feature_dropout, alpha_dropout, feature_alpha_dropout
(
    plain_dropout,
    plain_feature_dropout,
    plain_alpha_dropout,
    plain_feature_alpha_dropout,
) = (_named(function, False) for function in DROPOUTS)
dropout_, feature_dropout_, alpha_dropout_, feature_alpha_dropout_ = (
    _named(function, True) for function in DROPOUTS
)
