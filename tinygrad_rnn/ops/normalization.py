"""Normalisation: inputs brought to mean 0 and variance 1, over features, channels or batches."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import no_grad, primitive
from ..backends import Array, Backend, packed
from ..dtypes import finfo, float16, float32, of_array
from .arithmetic import mul, pow
from .conversion import cast
from .elementwise import rsqrt
from .padding import pad
from .rearranging import contiguous
from .reduction import _mean
from .shape import reshape, shape_of
from .splitting import narrow
from .standardization import Dims, count, normalize


# For statistics that are given: of an operation of its own the result may be changed in place.
@primitive(broadcasts=True)
def _affine(xp: Backend, input: Array, weight: Array, bias: Array) -> Array:
    """input * weight + bias."""
    result = packed(input) * weight
    result += bias
    return result


_affine.gradients(
    lambda g, _y, _x, w, _b: g * w,
    lambda g, _y, x, _w, _b: g * x,
    lambda g, _y, _x, _w, _b: g,
)


def _wide(name: str, input: Any, *others: Any) -> tuple[Any, ...]:
    """All in the dtype to compute in: float32 for float16, else the input's own.

    Raises RuntimeError for integers and for others of another dtype.
    """
    kind = of_array(input._array.dtype)
    if not kind.is_floating_point:
        raise NotImplementedError(f"{name} is not implemented for {kind}; convert with .float()")
    wide = float32 if kind is float16 else kind
    for other in others:
        if other is not None and of_array(other._array.dtype) not in (kind, wide):
            raise RuntimeError(
                f"{name}: mixed dtype: expected parameters of {kind}, the input's dtype, but got "
                f"{of_array(other._array.dtype)}"
            )
    return tuple(x if x is None else cast(x, wide) for x in (input, *others))


def _narrowed(result: Any, input: Any) -> Any:
    return cast(result, of_array(input._array.dtype))


# ----- over the last dimensions -----


def _last_dims(input: Any, normalized_shape: Sequence[int], **parameters: Any) -> Dims:
    """The dimensions that normalized_shape means. Raises RuntimeError if it does not fit."""
    if isinstance(normalized_shape, int):
        raise TypeError(
            f"normalized_shape must be tuple of ints, not int: write ({normalized_shape},)"
        )
    wanted, shape = list(normalized_shape), shape_of(input)
    if not wanted:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for name, parameter in parameters.items():
        if parameter is not None and list(shape_of(parameter)) != wanted:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(shape_of(parameter))} and normalized_shape = {wanted}"
            )
    if list(shape[-len(wanted) :]) != wanted:
        raise RuntimeError(
            f"Given normalized_shape={wanted}, expected input with shape "
            f"[*, {', '.join(map(str, wanted))}], but got input of size{list(shape)}"
        )
    return tuple(range(len(shape) - len(wanted), len(shape)))


def layer_norm(
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Any:
    """(input - mean) / sqrt(variance + eps) * weight + bias, with the mean and the biased variance
    over the last dimensions, of sizes normalized_shape (Ba et al., 2016).

    weight and bias have the shape normalized_shape. Raises RuntimeError for shapes and dtypes that
    do not fit.

    >>> F.layer_norm(torch.tensor([1.0, 3.0]), (2,), eps=0)
    tensor([-1.,  1.])
    """
    dims = _last_dims(input, normalized_shape, weight=weight, bias=bias)
    x, weight, bias = _wide("layer_norm", input, weight, bias)
    name = "NativeLayerNormBackward0"
    return _narrowed(normalize(x, weight, bias, dims=dims, eps=eps, name=name)[0], input)


def rms_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Any:
    """input / sqrt(mean(input ** 2) + eps) * weight, with the mean over the last dimensions, of
    sizes normalized_shape (Zhang and Sennrich, 2019).

    eps is that of the dtype if None. Raises RuntimeError for shapes that do not fit.

    >>> F.rms_norm(torch.tensor([3.0, 3.0]), (2,))
    tensor([1., 1.])
    """
    dims = _last_dims(input, normalized_shape, weight=weight)
    (x,) = _wide("rms_norm", contiguous(input))
    if eps is None:
        eps = finfo(of_array(x._array.dtype)).eps
    result = x * rsqrt(_mean(x * x, dims=dims, keepdim=True) + eps)
    result = _narrowed(result, input)
    if weight is None:
        return result
    return cast(mul(result, weight), of_array(input._array.dtype))


# ----- over batches and channels -----


def _columns(ndim: int, channels: int, **parameters: Any) -> list[Any]:
    """Parameters (channels) in a shape that broadcasts to (N, channels, ...).

    Raises RuntimeError if one has another number of elements.
    """
    for name, parameter in parameters.items():
        if parameter is not None and parameter.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {parameter.numel()}")
    shape = (channels,) + (1,) * (ndim - 2)
    return [p if p is None else reshape(p, shape) for p in parameters.values()]


def _track(running: Any, new: Any, momentum: float) -> None:
    """Move a running statistic (C) towards a new one of as many elements."""
    if running is not None:
        new = cast(new, of_array(running._array.dtype))
        running.lerp_(reshape(new, shape_of(running)), momentum)


def _track_both(
    mean: Any, variance: Any, count: int, momentum: float, running_mean: Any, running_var: Any
) -> None:
    """Move the running statistics, of which the variance is the unbiased one."""
    with no_grad():
        _track(running_mean, mean, momentum)
        _track(running_var, variance * (count / max(count - 1, 1)), momentum)


def _by_given(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps) * weight + bias, as one product and one sum."""
    scale = rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return _affine(x, scale, shift if bias is None else shift + bias)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(input - mean) / sqrt(variance + eps) * weight + bias for each channel (Ioffe and Szegedy,
    2015).

    Args:
        input: (N, C) or (N, C, ...).
        running_mean, running_var: (C), the statistics to use unless training; while training,
            those of the batch are used, and these moved towards them (the variance unbiased).
        weight, bias: (C).
        momentum: how far the running statistics are moved.

    Raises ValueError for a single value per channel while training and an eps that is not
    positive, RuntimeError for sizes and dtypes that do not fit and missing statistics.

    >>> x = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    >>> F.batch_norm(x, None, None, training=True).round()
    tensor([[-1.,  0.],
            [ 1.,  0.]])
    """
    shape = shape_of(input)
    if len(shape) < 2 and 0 not in shape:
        raise IndexError(
            "batch_norm: Dimension out of range: expected an input (N, C) or (N, C, ...), but got "
            f"shape {list(shape)}"
        )
    dims = (0, *range(2, len(shape)))
    number = count(shape, dims)
    if training and number == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(shape)}"
        )
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    x, mean, variance, scale, shift = _wide(
        "batch_norm", input, running_mean, running_var, weight, bias
    )
    channels = shape[1] if len(shape) > 1 else 0
    mean, variance, scale, shift = _columns(
        len(shape), channels, running_mean=mean, running_var=variance, weight=scale, bias=shift
    )
    if training:
        result, mean, variance = normalize(x, scale, shift, dims=dims, eps=eps)
        if number:
            _track_both(mean, variance, number, momentum, running_mean, running_var)
        return _narrowed(result, input)
    for name, given in (("running_mean", running_mean), ("running_var", running_var)):
        if given is None:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
    return _narrowed(_by_given(x, mean, variance, scale, shift, eps), input)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """As `batch_norm`, with statistics of each channel of each sequence or picture alone (Ulyanov
    et al., 2016).

    input is (N, C, ...). With use_input_stats=False the running statistics are used; otherwise
    they are moved towards the mean over the batch. Raises ValueError for a single value per
    channel, RuntimeError for sizes and dtypes that do not fit and missing statistics.

    >>> F.instance_norm(torch.tensor([[[1.0, 3.0], [5.0, 9.0]]])).round()
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    shape = shape_of(input)
    dims = tuple(range(2, len(shape)))
    number = count(shape, dims)
    if use_input_stats and number == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{list(shape)}: (N, C, ...)"
        )
    x, mean, variance, scale, shift = _wide(
        "instance_norm", input, running_mean, running_var, weight, bias
    )
    mean, variance, scale, shift = _columns(
        len(shape), shape[1], running_mean=mean, running_var=variance, weight=scale, bias=shift
    )
    if use_input_stats:
        result, means, variances = normalize(x, scale, shift, dims=dims, eps=eps)
        if running_mean is not None and shape[0]:
            means, variances = (
                _mean(s.detach(), dims=(0,), keepdim=False) for s in (means, variances)
            )
            _track_both(means, variances, number, momentum, running_mean, running_var)
        return _narrowed(result, input)
    if mean is None or variance is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    return _narrowed(_by_given(x, mean, variance, scale, shift, eps), input)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """As `layer_norm`, over groups of channels of each sample (Wu and He, 2018).

    input is (N, C, ...), weight and bias (C). Raises RuntimeError unless num_groups divides C and
    for sizes and dtypes that do not fit, ValueError for a single value per group.

    >>> F.group_norm(torch.tensor([[1.0, 3.0, 5.0, 9.0]]), 2).round()
    tensor([[-1.,  1., -1.,  1.]])
    """
    shape = shape_of(input)
    if len(shape) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(shape)}"
        )
    batch, channels = shape[:2]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(shape)} and num_groups={num_groups}"
        )
    if math.prod(shape) == num_groups:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(shape)} "
            f"for {num_groups} groups"
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and shape_of(parameter) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(shape_of(parameter))} and input of shape "
                f"{list(shape)}"
            )
    x, *parameters = _wide("group_norm", input, weight, bias)
    size = channels // num_groups
    groups = reshape(x, (batch, num_groups, size, math.prod(shape[2:])))
    scale, shift = (p if p is None else reshape(p, (num_groups, size, 1)) for p in parameters)
    name = "NativeGroupNormBackward0"
    result, _, _ = normalize(groups, scale, shift, dims=(2, 3), eps=eps, name=name)
    return _narrowed(reshape(result, shape), input)


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """input / (k + alpha * m) ** beta, where m is the mean of the squares of `size` neighbouring
    channels, zeros beyond the first and the last (Krizhevsky et al., 2012).

    input is (N, C, ...) with at least 3 dimensions, ValueError otherwise.

    >>> F.local_response_norm(torch.ones(1, 1, 2), 2, alpha=2.0, beta=1.0)
    tensor([[[0.5000, 0.5000]]])
    """
    shape = shape_of(input)
    if len(shape) < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)"
        )
    if not math.prod(shape):
        return input
    if size < 1:
        raise RuntimeError(f"local_response_norm: size should be greater than zero, but got {size}")
    squares = reshape(input * input, (*shape[:2], math.prod(shape[2:])))
    squares = pad(squares, (0, 0, size // 2, (size - 1) // 2))
    windows = [narrow(squares, 1, first, shape[1]) for first in range(size)]
    total = reshape(functools.reduce(operator.add, windows), shape)
    floating = of_array(total._array.dtype).is_floating_point
    mean = total / size if floating else total // size  # as PyTorch's integers
    return input / pow(mean * alpha + k, beta)
