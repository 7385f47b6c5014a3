"""`MultiheadAttention`: several attentions at once, between learned projections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from ..creation import empty
from ..dtypes import dtype as DType
from ..tensor import Tensor
from . import functional as F, init
from .layers import Linear
from .module import Module
from .parameter import Parameter


class SDPBackend(Enum):
    """The ways in which PyTorch computes `F.scaled_dot_product_attention`; here there is one.

    >>> nn.attention.SDPBackend.MATH.name
    'MATH'
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(
    backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """A context for PyTorch's choice among ways to compute attention. It changes nothing here.

    Raises AssertionError for what is no `SDPBackend`.

    >>> with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
    ...     F.scaled_dot_product_attention(*torch.ones(3, 1, 2)).tolist()
    [[1.0, 1.0]]
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else list(backends)
    if not all(isinstance(backend, SDPBackend) for backend in chosen):
        raise AssertionError(
            f"Backends must be an instance of SDPBackend or a list of SDPBackends, got {backends!r}"
        )
    yield


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that PyTorch has for it in attention."""


class MultiheadAttention(Module):
    """Each query gets an average of the values, weighted by how well their keys fit it, in
    num_heads subspaces at once (Vaswani et al., 2017).

    Args:
        embed_dim: E, the size of queries and of the result; num_heads divides it.
        num_heads: how many subspaces, of E / num_heads each.
        dropout: the probability to drop a weight while training.
        bias: whether the projections have biases.
        add_bias_kv: whether there is one more, learned, key and value.
        add_zero_attn: whether there is one more key and value of zeros.
        kdim, vdim: the sizes of keys and values, E if None.
        batch_first: inputs and output are (N, length, size) instead of (length, N, size).

    Called with query (L, N, E), key (S, N, kdim) and value (S, N, vdim), or all without N, and:
    key_padding_mask (N, S) and attn_mask (L, S) or (N * num_heads, L, S), bool, True where a key
    may NOT be seen, or numbers that are added to the scores; need_weights, average_attn_weights;
    is_causal, a hint that attn_mask is the causal one. Returns the result (L, N, E) and the weights
    (N, L, S), averaged over the heads unless average_attn_weights=False, or None.

    Raises ValueError for sizes that are not positive, AssertionError if num_heads does not divide
    embed_dim and for shapes that do not fit.

    >>> attention = nn.MultiheadAttention(embed_dim=4, num_heads=2)
    >>> result, weights = attention(*[torch.zeros(5, 3, 4)] * 3)
    >>> result.shape, weights.shape
    (torch.Size([5, 3, 4]), torch.Size([3, 5, 5]))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads
        if embed_dim % num_heads:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}"
            )

        def add(name: str, *shape: int, wanted: bool = True) -> None:
            made = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)

        same = self._qkv_same_embed_dim
        add("q_proj_weight", embed_dim, embed_dim, wanted=not same)
        add("k_proj_weight", embed_dim, self.kdim, wanted=not same)
        add("v_proj_weight", embed_dim, self.vdim, wanted=not same)
        add("in_proj_weight", 3 * embed_dim, embed_dim, wanted=same)
        add("in_proj_bias", 3 * embed_dim, wanted=bias)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        add("bias_k", 1, 1, embed_dim, wanted=add_bias_kv)
        add("bias_v", 1, 1, embed_dim, wanted=add_bias_kv)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (
            self.in_proj_weight,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
        ):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        turned = self.batch_first and query.dim() == 3
        if turned:
            alike = query is key is value
            query = query.transpose(0, 1)
            key, value = (query, query) if alike else (key.transpose(0, 1), value.transpose(0, 1))
        result, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask,
            need_weights, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, None, None, average_attn_weights, is_causal,
        )  # fmt: skip
        return (result.transpose(0, 1) if turned else result), weights
