"""What layers do, as functions: ``from tinygrad_rnn.nn import functional as F``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..ops.activation import (
    celu as celu,
    elu as elu,
    gelu as gelu,
    glu as glu,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    leaky_relu as leaky_relu,
    logsigmoid as logsigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    silu as silu,
    softplus as softplus,
    softsign as softsign,
    threshold as threshold,
)
from ..ops.adaptive import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
    adaptive_avg_pool2d as adaptive_avg_pool2d,
    adaptive_avg_pool3d as adaptive_avg_pool3d,
    adaptive_max_pool1d as adaptive_max_pool1d,
    adaptive_max_pool2d as adaptive_max_pool2d,
    adaptive_max_pool3d as adaptive_max_pool3d,
)
from ..ops.affine import linear as linear
from ..ops.attention import (
    multi_head_attention_forward as multi_head_attention_forward,
    scaled_dot_product_attention as scaled_dot_product_attention,
)
from ..ops.bilinear import bilinear as bilinear
from ..ops.classification import (
    cross_entropy as cross_entropy,
    linear_cross_entropy as linear_cross_entropy,
    nll_loss as nll_loss,
)
from ..ops.convolution import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from ..ops.ctc import ctc_loss as ctc_loss
from ..ops.distances import (
    cosine_similarity as cosine_similarity,
    normalize as normalize,
    pairwise_distance as pairwise_distance,
    pdist as pdist,
)
from ..ops.elementwise import sigmoid as sigmoid, tanh as tanh
from ..ops.embedding import embedding as embedding, embedding_bag as embedding_bag
from ..ops.folding import (
    channel_shuffle as channel_shuffle,
    fold as fold,
    pixel_shuffle as pixel_shuffle,
    pixel_unshuffle as pixel_unshuffle,
    unfold as unfold,
)
from ..ops.fractional import (
    fractional_max_pool2d as fractional_max_pool2d,
    fractional_max_pool3d as fractional_max_pool3d,
)
from ..ops.grids import (
    affine_grid as affine_grid,
    grid_sample as grid_sample,
)
from ..ops.likelihood import (
    gaussian_nll_loss as gaussian_nll_loss,
    poisson_nll_loss as poisson_nll_loss,
)
from ..ops.loss import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    huber_loss as huber_loss,
    kl_div as kl_div,
    l1_loss as l1_loss,
    mse_loss as mse_loss,
    smooth_l1_loss as smooth_l1_loss,
)
from ..ops.margin_losses import (
    cosine_embedding_loss as cosine_embedding_loss,
    hinge_embedding_loss as hinge_embedding_loss,
    margin_ranking_loss as margin_ranking_loss,
    multi_margin_loss as multi_margin_loss,
    multilabel_margin_loss as multilabel_margin_loss,
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
    soft_margin_loss as soft_margin_loss,
    triplet_margin_loss as triplet_margin_loss,
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from ..ops.masking import one_hot as one_hot
from ..ops.normalization import (
    batch_norm as batch_norm,
    group_norm as group_norm,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
    local_response_norm as local_response_norm,
    rms_norm as rms_norm,
)
from ..ops.outputs import with_out
from ..ops.padding import pad as pad
from ..ops.pooling import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    lp_pool1d as lp_pool1d,
    lp_pool2d as lp_pool2d,
    lp_pool3d as lp_pool3d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from ..ops.resampling import (
    interpolate as interpolate,
    upsample as upsample,
    upsample_bilinear as upsample_bilinear,
    upsample_nearest as upsample_nearest,
)
from ..ops.shrinkage import (
    hardshrink as hardshrink,
    softshrink as softshrink,
    tanhshrink as tanhshrink,
)
from ..ops.softmax import (
    log_softmax as log_softmax,
    softmax as softmax,
    softmin as softmin,
)
from ..ops.stochastic import (
    alpha_dropout as alpha_dropout,
    dropout as dropout,
    dropout1d as dropout1d,
    dropout2d as dropout2d,
    dropout3d as dropout3d,
    feature_alpha_dropout as feature_alpha_dropout,
    gumbel_softmax as gumbel_softmax,
    rrelu as rrelu,
)
from ..ops.unpooling import (
    max_unpool1d as max_unpool1d,
    max_unpool2d as max_unpool2d,
    max_unpool3d as max_unpool3d,
)
from ..tensor import Tensor


def _with(function: Callable[..., Any], example: str = "") -> Callable[..., Any]:
    @functools.wraps(function)
    def in_place(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return function(input, *args, inplace=True, **kwargs)

    in_place.__name__ = in_place.__qualname__ = f"{function.__name__}_"
    in_place.__doc__ = (
        f"`{function.__name__}` in place, element by element. Returns the tensor.\n\n"
        "    >>> x = torch.tensor([-1.0, 2.0])\n"
        f"    >>> F.{function.__name__}_(x{example}) is x\n"
        "    True\n"
    )
    return in_place


relu_, leaky_relu_, elu_, selu_ = _with(relu), _with(leaky_relu), _with(elu), _with(selu)
celu_, hardtanh_, threshold_ = _with(celu), _with(hardtanh), _with(threshold, ", 0.5, 9.0")
rrelu_ = _with(rrelu)


def _with_indices(function: Callable[..., Any], sizes: int, arguments: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def pooled(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return function(input, *args, **{**kwargs, "return_indices": True})

    name = pooled.__name__ = pooled.__qualname__ = f"{function.__name__}_with_indices"
    pooled.__doc__ = (
        f"`{function.__name__}`, and where the elements were, of the same shape.\n\n"
        f"    >>> F.{name}(torch.ones(1{', 4' * sizes}), {arguments})[1].shape\n"
        f"    torch.Size([1{', 2' * sizes}])\n"
    )
    return pooled


max_pool1d_with_indices = _with_indices(max_pool1d, 1, "2")
max_pool2d_with_indices = _with_indices(max_pool2d, 2, "2")
max_pool3d_with_indices = _with_indices(max_pool3d, 3, "2")
adaptive_max_pool1d_with_indices = _with_indices(adaptive_max_pool1d, 1, "2")
adaptive_max_pool2d_with_indices = _with_indices(adaptive_max_pool2d, 2, "2")
adaptive_max_pool3d_with_indices = _with_indices(adaptive_max_pool3d, 3, "2")
fractional_max_pool2d_with_indices = _with_indices(fractional_max_pool2d, 2, "2, 2")
fractional_max_pool3d_with_indices = _with_indices(fractional_max_pool3d, 3, "2, 2")

_WITH_OUT = """
avg_pool2d avg_pool3d gelu hardshrink linear logsigmoid normalize softplus softshrink
""".split()  # noqa: SIM905, as in ops.outputs
for _name in _WITH_OUT:
    globals()[_name] = with_out(globals()[_name])
