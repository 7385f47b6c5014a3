"""Normalisation of batches put into the layer in front of it, for evaluation."""

from __future__ import annotations

import copy
from typing import TypeVar

from ...creation import ones_like, zeros_like
from ...tensor import Tensor
from ..batchnorm import _BatchNorm
from ..conv import _ConvNd
from ..layers import Linear
from ..parameter import Parameter

Conv = TypeVar("Conv", bound=_ConvNd)
Layer = TypeVar("Layer", bound=Linear)


def fuse_conv_bn_eval(conv: Conv, bn: _BatchNorm, transpose: bool = False) -> Conv:
    """A convolution that does, for inputs of its shape, what `conv` and then `bn` do. Raises
    AssertionError unless both are in evaluation, and bn has running statistics.

    >>> conv, bn = nn.Conv1d(1, 2, 3).eval(), nn.BatchNorm1d(2).eval()
    >>> x = torch.ones(1, 1, 4)
    >>> torch.allclose(nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)))
    True
    """
    mean, variance = _statistics(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight, of conv_w's shape, and the bias (C) of a convolution that normalises the batch,
    too: bn_rm, bn_rv, bn_w, bn_b (all C) are the mean, variance, weight and bias of that.

    >>> c = torch.ones(2)
    >>> nn.utils.fuse_conv_bn_weights(torch.ones(2, 1, 1), None, c, c, 0.0, 2 * c, c)[1].tolist()
    [-1.0, -1.0]
    """
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * (bn_rv + bn_eps).rsqrt()
    channels = 1 if transpose else 0
    shape = [1] * max(conv_w.dim(), 2)
    shape[channels] = -1
    shift = zeros_like(bn_rm) if bn_b is None else bn_b
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    kind = conv_w.dtype if conv_b is None else conv_b.dtype
    return (
        Parameter(weight, conv_w.requires_grad),
        Parameter(((bias - bn_rm) * scale + shift).to(kind), bias.requires_grad),
    )


def fuse_linear_bn_eval(linear: Layer, bn: _BatchNorm) -> Layer:
    """A linear layer that does, for inputs of its shape, what `linear` and then `bn` do. Raises
    AssertionError unless both are in evaluation, and bn has running statistics and as many
    features, or one.

    >>> linear, bn = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
    >>> x = torch.ones(4, 2)
    >>> torch.allclose(nn.utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)))
    True
    """
    mean, variance = _statistics(linear, bn)
    if bn.num_features not in (1, linear.out_features):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight (out, in) and the bias (out) of a linear layer that normalises the batch, too.

    >>> c = torch.ones(2)
    >>> nn.utils.fuse_linear_bn_weights(torch.ones(2, 1), None, c, c, 0.0, c, c)[1].tolist()
    [0.0, 0.0]
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _statistics(layer: _ConvNd | Linear, bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return bn.running_mean, bn.running_var
