"""Layers under the names and in the argument order that PyTorch's own code calls them by: those of
``torch`` itself, beside those of ``torch.nn.functional``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import bool_
from . import (
    adaptive,
    affine,
    convolution as convolutions,
    elementwise,
    embedding as rows,
    grids,
    normalization as normalize,
    norms,
    pooling,
    stochastic,
)
from .native import as_parameter, grid_sampler_2d
from .shape import shape_of
from .splitting import split

Sizes = int | Sequence[int]


# ----- normalization -----


def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Any:  # fmt: skip
    """`torch.nn.functional.layer_norm`: over the last dimensions, of sizes normalized_shape.

    >>> torch.layer_norm(torch.tensor([1.0, 3.0]), (2,)).round()
    tensor([-1.,  1.])
    """
    return normalize.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Any:  # fmt: skip
    """`torch.nn.functional.group_norm`: input is (N, C, ...), weight and bias (C).

    >>> torch.group_norm(torch.tensor([[1.0, 3.0]]), 1).round()
    tensor([[-1.,  1.]])
    """
    return normalize.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool,
    momentum: float, eps: float, cudnn_enabled: bool,
) -> Any:  # fmt: skip
    """`torch.nn.functional.batch_norm`: input is (N, C, ...), the others (C).

    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False).round()
    tensor([[-1.], [ 1.]])
    """
    statistics = running_mean, running_var
    return normalize.batch_norm(input, *statistics, weight, bias, training, momentum, eps)


def native_batch_norm(
    input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool,
    momentum: float, eps: float,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """`torch.batch_norm`, with the means and 1 / sqrt(variance + eps) of the batch, (C); these are
    empty unless training.

    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)[1]
    tensor([2.])
    """
    statistics = running_mean, running_var
    output = normalize.batch_norm(input, *statistics, weight, bias, training, momentum, eps)
    x = as_parameter(input.detach(), weight, bias)
    if not training:
        return output, x.new_empty(0), x.new_empty(0)
    dims = 0, *range(2, len(shape_of(input)))
    return output, x.mean(dims), (x.var(dims, correction=0) + eps).rsqrt()


def instance_norm(
    input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Any:  # fmt: skip
    """`torch.nn.functional.instance_norm`: input is (N, C, ...), the others (C).

    >>> x = torch.tensor([[[1.0, 3.0]]])
    >>> torch.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, False).round()
    tensor([[[-1.,  1.]]])
    """
    statistics = running_mean, running_var
    return normalize.instance_norm(input, *statistics, weight, bias, use_input_stats, momentum, eps)


# ----- rows of a table, convolutions, pools -----


def embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:  # fmt: skip
    """`torch.nn.functional.embedding`, with the table (n, d) first; no row is padding with a
    negative padding_idx.

    >>> torch.embedding(torch.tensor([[1.0], [2.0]]), torch.tensor([1]))
    tensor([[2.]])
    """
    padding = padding_idx if padding_idx >= 0 else None
    return rows.embedding(
        indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


def convolution(
    input: Any, weight: Any, bias: Any, stride: Sizes, padding: Sizes, dilation: Sizes,
    transposed: bool, output_padding: Sizes, groups: int,
) -> Any:  # fmt: skip
    """`torch.nn.functional.conv1d`, ``conv_transpose1d`` and so on, whichever the dimensions of the
    weight, (out, in / groups, ...) or transposed (in, out / groups, ...), call for.

    >>> x, w = torch.tensor([[[1.0, 2.0, 4.0]]]), torch.tensor([[[-1.0, 1.0]]])
    >>> torch.convolution(x, w, None, [1], [0], [1], False, [0], 1)
    tensor([[[1., 2.]]])
    """
    dims = len(shape_of(weight)) - 2
    if dims not in (1, 2, 3):
        raise RuntimeError(
            f"convolution: expected a weight of 3, 4 or 5 dimensions, but got {dims + 2}"
        )
    if transposed:
        function = getattr(convolutions, f"conv_transpose{dims}d")
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    function = getattr(convolutions, f"conv{dims}d")
    return function(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """`torch.nn.functional.conv1d` of input (T, B, C), with a weight (K, C, out) and zeros at both
    ends: (T + 2 pad - K + 1, B, out).

    >>> torch.conv_tbc(torch.ones(3, 1, 2), torch.ones(2, 2, 1), torch.zeros(1)).flatten()
    tensor([4., 4.])
    """
    result = convolutions.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return result.permute(2, 0, 1)


def adaptive_max_pool1d(input: Any, output_size: Sizes) -> tuple[Any, Any]:
    """`torch.nn.functional.adaptive_max_pool1d` of (N, C, L) or (C, L), with the indices.

    >>> torch.adaptive_max_pool1d(torch.tensor([[1.0, 6.0, 2.0, 4.0]]), 2)
    (tensor([[6., 4.]]), tensor([[1, 3]]))
    """
    return adaptive.adaptive_max_pool1d(input, output_size, return_indices=True)


def max_pool1d_with_indices(
    input: Any, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    dilation: Sizes = 1, ceil_mode: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """`torch.nn.functional.max_pool1d` of (N, C, L) or (C, L), with the indices.

    >>> torch.max_pool1d_with_indices(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return pooling.max_pool1d(
        input, kernel_size, stride or None, padding, dilation, ceil_mode, return_indices=True
    )


def affine_grid_generator(theta: Any, size: Sequence[int], align_corners: bool) -> Any:
    """`torch.nn.functional.affine_grid` of maps (N, 2, 3) or (N, 3, 4).

    >>> torch.affine_grid_generator(torch.eye(2, 3)[None], (1, 1, 1, 2), True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    return grids.affine_grid(theta, size, align_corners)


def grid_sampler(
    input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """`torch.grid_sampler_2d` of pictures (N, C, H, W) or volumes (N, C, D, H, W).

    >>> torch.grid_sampler(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[1.]]]])
    """
    return grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)


def native_dropout(input: Any, p: float, train: bool | None) -> tuple[Any, Any]:
    """`torch.nn.functional.dropout`, with which elements stayed, a bool tensor of the same shape.

    >>> torch.native_dropout(torch.ones(2), 0.5, False)[1]
    tensor([True, True])
    """
    ones = input.new_ones(shape_of(input))
    factors = stochastic.dropout(ones, p, train is None or train)
    empty = not math.prod(shape_of(input))  # whose mask is no bool tensor in PyTorch
    return input * factors, factors if empty else factors.to(bool_)


# ----- norms -----


def frobenius_norm(input: Any, dim: Sizes | None = None, keepdim: bool = False) -> Any:
    """The root of the sum of squares, over dim (all dimensions if None), which goes, or becomes 1
    with keepdim.

    >>> torch.frobenius_norm(torch.tensor([[3.0, 4.0]]), dim=1)
    tensor([5.])
    """
    return norms.vector_norm(input, 2, dim if dim != () else None, keepdim)


def nuclear_norm(input: Any, dim: Sequence[int] = (-2, -1), keepdim: bool = False) -> Any:
    """The sum of the singular values of matrices, whose dimensions are dim.

    >>> torch.nuclear_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor(7.)
    """
    return norms.matrix_norm(input, "nuc", tuple(dim), keepdim)


# ----- steps of recurrent cells -----


def _gates(input: Any, hidden: Any, weights: tuple[Any, ...], count: int) -> tuple[Any, Any]:
    """What each of both contributes to so many gates: (N, count * H)."""
    w_ih, w_hh, b_ih, b_hh = weights
    size = shape_of(hidden)[-1] if shape_of(hidden) else 1
    for name, weight in (("weight_ih", w_ih), ("weight_hh", w_hh)):
        rows = shape_of(weight)[0] if shape_of(weight) else 1
        if rows != count * size:
            raise RuntimeError(
                f"{name} first dim must be {count} * hidden_size = {count * size}, but got {rows}"
            )
    return affine.linear(input, w_ih, b_ih), affine.linear(hidden, w_hh, b_hh)


def _parts(gates: Any, count: int) -> Any:
    """The gates one by one."""
    return split(gates, [shape_of(gates)[-1] // count] * count, -1)


def rnn_tanh_cell(
    input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> Any:
    """The step of `torch.nn.RNNCell`: input (N, I) and hx (N, H) make the next hx.

    >>> x, h = torch.ones(1, 1), torch.zeros(1, 1)
    >>> torch.rnn_tanh_cell(x, h, torch.ones(1, 1), torch.ones(1, 1))
    tensor([[0.7616]])
    """
    a, b = _gates(input, hx, (w_ih, w_hh, b_ih, b_hh), 1)
    return elementwise.tanh(a + b)


def rnn_relu_cell(
    input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> Any:
    """The step of `torch.nn.RNNCell` with relu: input (N, I) and hx (N, H) make the next hx.

    >>> x, h = torch.ones(1, 1), torch.zeros(1, 1)
    >>> torch.rnn_relu_cell(x, h, torch.ones(1, 1), torch.ones(1, 1))
    tensor([[1.]])
    """
    a, b = _gates(input, hx, (w_ih, w_hh, b_ih, b_hh), 1)
    return elementwise.relu(a + b)


def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """The step of `torch.nn.GRUCell`: input (N, I) and hx (N, H) make the next hx. The weights are
    (3 H, I) and (3 H, H).

    >>> torch.gru_cell(torch.ones(1, 1), torch.zeros(1, 1), torch.ones(3, 1), torch.ones(3, 1))
    tensor([[0.2048]])
    """
    a, b = _gates(input, hx, (w_ih, w_hh, b_ih, b_hh), 3)
    (ar, az, an), (br, bz, bn) = _parts(a, 3), _parts(b, 3)
    new = elementwise.tanh(an + elementwise.sigmoid(ar + br) * bn)
    return new + elementwise.sigmoid(az + bz) * (hx - new)


def lstm_cell(
    input: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> tuple[Any, Any]:
    """The step of `torch.nn.LSTMCell`: input (N, I) and the state hx = (h, c), each (N, H), make
    the next h and c. The weights are (4 H, I) and (4 H, H).

    >>> state = torch.zeros(1, 1), torch.zeros(1, 1)
    >>> torch.lstm_cell(torch.ones(1, 1), state, torch.ones(4, 1), torch.ones(4, 1))[1]
    tensor([[0.5568]])
    """
    pair = isinstance(hx, tuple | list) and len(hx) == 2
    if not pair or not all(isinstance(state, Variable) for state in hx):
        raise TypeError("lstm_cell(): argument 'hx' must be a tuple of two Tensors (h, c)")
    h, c = hx
    a, b = _gates(input, h, (w_ih, w_hh, b_ih, b_hh), 4)
    i, f, g, o = _parts(a + b, 4)
    c = elementwise.sigmoid(f) * c + elementwise.sigmoid(i) * elementwise.tanh(g)
    return elementwise.sigmoid(o) * elementwise.tanh(c), c
