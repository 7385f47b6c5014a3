"""Starting values for weights: functions that fill a tensor in place and return it.

All draw PyTorch's numbers for the same seed; none is recorded by autograd. fan_in and fan_out are
the inputs and outputs of a weight (out, in, ...), each times the size of the dimensions behind.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

from ..autograd import no_grad
from ..backends.generator import Generator
from ..creation import arange, eye
from ..dtypes import float64
from ..ops.choice import where
from ..random import randperm
from ..tensor import Tensor
from ..warning import warn

F = TypeVar("F", bound=Callable[..., Any])


def _filler(fill: F) -> F:
    """Run outside of autograd, as leaves that require gradients are filled too."""

    @functools.wraps(fill)
    def filling(*args: Any, **kwargs: Any) -> Any:
        with no_grad():
            return fill(*args, **kwargs)

    return filling  # type: ignore[return-value]


# ----- plain values -----


@_filler
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform on [a, b), for a tensor of any shape.

    >>> nn.init.uniform_(torch.empty(1000), -1, 1).abs().max() <= 1
    tensor(True)
    """
    return tensor.uniform_(a, b, generator=generator)


@_filler
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal with this mean and standard deviation, for a tensor of any shape.

    >>> nn.init.normal_(torch.empty(2, 3), std=0.01).shape
    torch.Size([2, 3])
    """
    return tensor.normal_(mean, std, generator=generator)


@_filler
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal with this mean and standard deviation, where draws outside [a, b] are repeated; for a
    tensor of any shape.

    >>> nn.init.trunc_normal_(torch.empty(1000)).abs().max() <= 2
    tensor(True)
    """

    def below(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect."
        )
    draw = _draw_by_normal if below(b) - below(a) > 0.3 else _draw_by_uniform
    values, wrong = draw(tensor, mean, std, a, b, generator)
    while wrong.any():
        again, refused = draw(tensor, mean, std, a, b, generator)
        values = where(wrong, again, values)
        wrong = wrong & refused
    return tensor.copy_(values)


def _draw_by_normal(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> tuple[Tensor, Tensor]:
    """Draws, and which of them are outside [a, b]: good where most are inside."""
    low, high = like.new_tensor([a, b]).tolist()  # as the dtype can represent them
    draws = like.new_empty(like.shape).normal_(mean, std, generator=generator)
    return draws, (draws < low) | (draws > high)


def _draw_by_uniform(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> tuple[Tensor, Tensor]:
    """Draws, and which of them are to be refused so that the others are as dense as the normal
    distribution: good where [a, b] is narrow or far from the mean."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    draws = like.new_empty(like.shape).uniform_(a, b, generator=generator)
    density = ((draws - mean) / std) ** 2 * -0.5 - peak
    levels = like.new_empty(like.shape).uniform_(generator=generator).log()
    return draws, levels > density


@_filler
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value for all elements, in any shape.

    >>> nn.init.constant_(torch.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return tensor.fill_(val)


@_filler
def ones_(tensor: Tensor) -> Tensor:
    """Ones, in any shape.

    >>> nn.init.ones_(torch.empty(2))
    tensor([1., 1.])
    """
    return tensor.fill_(1)


@_filler
def zeros_(tensor: Tensor) -> Tensor:
    """Zeros, in any shape.

    >>> nn.init.zeros_(torch.empty(2))
    tensor([0., 0.])
    """
    return tensor.fill_(0)


@_filler
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, in a tensor (n, m). Raises ValueError unless it is 2-D.

    >>> nn.init.eye_(torch.empty(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    _two_dimensional(tensor)
    return tensor.copy_(eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def _two_dimensional(tensor: Tensor) -> None:
    if tensor.dim() != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported, but got one with {tensor.dim()}"
        )


# ----- by the number of inputs and outputs -----


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much a nonlinearity shrinks a signal: the factor that weights before it make up for.

    param is the negative slope (default 0.01) of "leaky_relu". Raises ValueError for an unknown
    nonlinearity, or a param that is no number.

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, int | float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}: expected leaky_relu, {', '.join(_GAINS)}"
        )
    return _GAINS[nonlinearity]


_GAINS: dict[str, float] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), 1),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1),
    "sigmoid": 1,
    "tanh": 5 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3 / 4,
}


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """fan_in and fan_out."""
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: got "
            f"shape {list(tensor.shape)}"
        )
    behind = math.prod(tensor.shape[2:])
    return tensor.shape[1] * behind, tensor.shape[0] * behind


@_filler
def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform on [-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    The tensor is (out, in, ...). Raises ValueError for fewer than 2 dimensions.

    >>> nn.init.xavier_uniform_(torch.empty(3, 5)).abs().max() <= (6 / 8) ** 0.5
    tensor(True)
    """
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return tensor.uniform_(-bound, bound, generator=generator)


@_filler
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal, with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    The tensor is (out, in, ...). Raises ValueError for fewer than 2 dimensions.

    >>> nn.init.xavier_normal_(torch.empty(3, 2)).shape
    torch.Size([3, 2])
    """
    deviation = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return tensor.normal_(0.0, deviation, generator=generator)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The one of fan_in and fan_out that mode names."""
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _is_empty(tensor: Tensor) -> bool:
    if not tensor.numel():
        warn("Initializing zero-element tensors is a no-op")
    return not tensor.numel()


@_filler
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform on [-b, b), b = gain sqrt(3 / fan), the fan being the one that mode names and the
    gain that of the nonlinearity, with negative slope a (He et al., 2015).

    Raises ValueError for fewer than 2 dimensions (out, in, ...), an unknown mode or nonlinearity.

    >>> nn.init.kaiming_uniform_(torch.empty(300, 200)).abs().max() <= (6 / 200) ** 0.5
    tensor(True)
    """
    if _is_empty(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))
    return tensor.uniform_(-bound, bound, generator=generator)


@_filler
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal, with standard deviation gain / sqrt(fan): see `kaiming_uniform_`. The tensor
    is (out, in, ...).

    >>> nn.init.kaiming_normal_(torch.empty(300, 200)).std().round(decimals=1)
    tensor(0.1000)
    """
    if _is_empty(tensor):
        return tensor
    deviation = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return tensor.normal_(0.0, deviation, generator=generator)


# ----- matrices with structure -----


@_filler
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et
    al., 2013). Dimensions behind the first count as one.

    Raises ValueError for fewer than 2 dimensions.

    >>> w = nn.init.orthogonal_(torch.empty(2, 3))
    >>> torch.allclose(w @ w.T, torch.eye(2), atol=1e-6)
    True
    """
    if tensor.dim() < 2:
        raise ValueError(
            f"Only tensors with 2 or more dimensions are supported, but got one with {tensor.dim()}"
        )
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    draws = tensor.new_empty((rows, tensor.numel() // rows)).normal_(0, 1, generator=generator)
    tall = rows >= draws.shape[1]  # of a square matrix the columns, as PyTorch has it
    values = _orthonormal_rows(draws.T if tall else draws)
    return tensor.copy_((values.T if tall else values).reshape(tensor.shape)).mul_(gain)


def _orthonormal_rows(matrix: Tensor) -> Tensor:
    """Each row less its projection on the rows before, at length 1 (Gram and Schmidt): what a QR
    decomposition with a positive diagonal gives."""
    rows = matrix.to(float64).contiguous()
    for i in range(len(rows)):
        before, row = rows[:i], rows[i]
        for _ in range(2):  # once leaves rounding errors that are not orthogonal; twice is enough
            row = row - (before @ row) @ before
        rows[i] = row / row.norm()
    return rows


@_filler
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normal, in a tensor (n, m), with a share `sparsity` of each column set to zero (Martens,
    2010).

    Raises ValueError unless the tensor is 2-D.

    >>> (nn.init.sparse_(torch.empty(10, 2), sparsity=0.3) == 0).sum(0)
    tensor([3, 3])
    """
    _two_dimensional(tensor)
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    tensor.normal_(0, std, generator=generator)
    for column in range(columns):
        tensor[randperm(rows)[:zeros], column] = 0
    return tensor


@_filler
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The weights (out, in / groups, ...) of a convolution that hands on as many channels unchanged
    as it can, in each group: 1 in the middle, else 0.

    Raises ValueError unless there are 3, 4 or 5 dimensions and groups divides the first.

    >>> nn.init.dirac_(torch.empty(2, 2, 3))[1]
    tensor([[0., 0., 0.],
            [0., 1., 0.]])
    """
    ndim, rows = tensor.dim(), tensor.shape[0] if tensor.dim() else 0
    if ndim not in (3, 4, 5):
        raise ValueError(f"Only tensors with 3, 4, or 5 dimensions are supported, but got {ndim}")
    if rows % groups:
        raise ValueError(f"dim 0 must be divisible by groups, but they are {rows} and {groups}")
    outputs, middle = rows // groups, [size // 2 for size in tensor.shape[2:]]
    tensor.zero_()
    for first in range(0, rows, outputs or 1):
        channels = arange(min(outputs, tensor.shape[1]), device=tensor.device)
        tensor[(channels + first, channels, *middle)] = 1
    return tensor


# ----- older names -----


def _older(new: F) -> F:
    old = new.__name__[:-1]

    @functools.wraps(new)
    def filling(*args: Any, **kwargs: Any) -> Any:
        text = f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new.__name__}`."
        warn(text, FutureWarning)
        return new(*args, **kwargs)

    filling.__name__ = filling.__qualname__ = old
    return filling  # type: ignore[return-value]


uniform, normal = _older(uniform_), _older(normal_)
constant, dirac = _older(constant_), _older(dirac_)
xavier_uniform, xavier_normal = _older(xavier_uniform_), _older(xavier_normal_)
kaiming_uniform, kaiming_normal = _older(kaiming_uniform_), _older(kaiming_normal_)
orthogonal, sparse = _older(orthogonal_), _older(sparse_)
