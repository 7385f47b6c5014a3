"""Attention: averages of values, weighted by how well keys fit queries (Vaswani et al., 2017)."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Variable
from ..dtypes import bool_, float16, float32, of_array
from ..warning import warn
from .affine import linear
from .choice import where
from .conversion import cast
from .diagonals import tril
from .exponentials import softmax
from .joining import cat
from .linalg import bmm, matmul
from .padding import pad
from .rearranging import repeat_interleave
from .reduction import all, mean
from .shape import expand, permute, reshape, shape_of, squeeze, transpose, unsqueeze
from .splitting import chunk
from .stochastic import dropout


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query @ key^T * scale + mask) @ value.

    Args:
        query, key, value: (..., L, E), (..., S, E) and (..., S, V), of one floating dtype.
        attn_mask: broadcasts to (..., L, S): bool, True where a query may see a key, or numbers
            that are added to the scores.
        dropout_p: the probability to drop a weight. Give 0 for evaluation.
        is_causal: query i sees keys 0 to i only; with no attn_mask.
        scale: 1 / sqrt(E) if None.
        enable_gqa: key and value may have fewer heads, (..., heads, S, E), which are shared.

    Returns (..., L, V); zeros for a query that sees nothing. Raises RuntimeError for shapes and
    dtypes that do not fit.

    >>> value = torch.tensor([[1.0], [3.0]])
    >>> F.scaled_dot_product_attention(torch.zeros(1, 4), torch.ones(2, 4), value)
    tensor([[2.]])
    """
    shapes = [shape_of(x) for x in (query, key, value)]
    if min(map(len, shapes)) < 2:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be at least 2 "
            f"dimensional, but got shapes {', '.join(str(list(s)) for s in shapes)}"
        )
    kinds = [of_array(x._array.dtype) for x in (query, key, value)]
    if not kinds[0].is_floating_point or len(set(kinds)) > 1:
        raise RuntimeError(
            "Expected query, key, and value to have the same floating dtype, but got "
            f"{', '.join(map(str, kinds))}"
        )
    if kinds[0] is float16:  # scores may not fit
        q, k, v = (cast(x, float32) for x in (query, key, value))
        result = scaled_dot_product_attention(
            q, k, v, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
        return cast(result, float16)
    if enable_gqa:
        key, value = (
            repeat_interleave(x, shapes[0][-3] // shape_of(x)[-3], -3) for x in (key, value)
        )
    scale = 1 / math.sqrt(max(shapes[0][-1], 1)) if scale is None else scale
    scores = matmul(query * scale, transpose(key, -2, -1))
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError(
                "scaled_dot_product_attention: Explicit attn_mask should not be set when "
                "is_causal=True"
            )
        visible = tril(query.new_ones(shape_of(scores)[-2:], dtype=bool_))
        weights = softmax(where(visible, scores, -math.inf), -1)
    elif attn_mask is None:
        weights = softmax(scores, -1)
    else:
        weights = _masked_softmax(scores, attn_mask, kinds[0])
    return matmul(dropout(weights, dropout_p, dropout_p > 0), value)


def _masked_softmax(scores: Any, mask: Any, kind: Any) -> Any:
    """The softmax of masked scores; zeros where the mask hides all of a row, which would be nan."""
    own = of_array(mask._array.dtype)
    if own is bool_:
        hidden = all(~mask, -1, True)
        scores = where(mask | hidden, scores, -math.inf)
    elif own is kind or own.is_floating_point:
        hidden = all(mask == -math.inf, -1, True)
        scores = scores + where(hidden, 0.0, mask).to(kind)
    else:
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {own} and query.dtype: {kind} instead."
        )
    return where(hidden, 0.0, softmax(scores, -1))


# ----- several heads -----


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Attention in num_heads subspaces at once, between learned projections: what
    `nn.MultiheadAttention` does; see there for the arguments.

    Args:
        query, key, value: (L, N, E), (S, N, E_k), (S, N, E_v), or without N.
        in_proj_weight: (3 E, E), the projections of query, key and value, one below the other;
            with use_separate_proj_weight the three are given as q_proj_weight (E, E),
            k_proj_weight (E, E_k) and v_proj_weight (E, E_v) instead.
        in_proj_bias: (3 E) or None.
        bias_k, bias_v: (1, 1, E), one more key and value to attend to; or None.
        add_zero_attn: whether there is one more key and value of zeros.
        out_proj_weight, out_proj_bias: (E, E) and (E), of the last projection.
        static_k, static_v: (N * num_heads, S, E / num_heads), in place of projected ones.
        attn_mask, key_padding_mask: bool, True where a key may NOT be seen, or numbers that are
            added to the scores; (L, S) or (N * num_heads, L, S), and (N, S).

    Returns the result (L, N, E) and, with need_weights, the weights (N, L, S), averaged over the
    heads, or (N, num_heads, L, S). Raises RuntimeError and AssertionError as PyTorch's.

    >>> x, w, b = torch.zeros(5, 3, 4), torch.zeros(12, 4), None
    >>> y, weights = F.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, b, None, None, False, 0.0, w[:4], b)
    >>> y.shape, weights.shape
    (torch.Size([5, 3, 4]), torch.Size([3, 5, 5]))
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (unsqueeze(x, 1) for x in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = unsqueeze(key_padding_mask, 0)
    length, batch, width = shape_of(query)
    if width != embed_dim_to_check:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}"
        )
    if width % num_heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    if key_padding_mask is not None and attn_mask is not None:
        _check_same_kind(key_padding_mask, attn_mask)
    causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if causal else _additive("attn_mask", attn_mask, query)
    padding = _additive("key_padding_mask", key_padding_mask, query)
    mask = _attention_mask(mask, (length, shape_of(key)[0]), batch * num_heads)

    # Projections, each (length, N * heads, E / heads)
    if use_separate_proj_weight:
        if shape_of(key)[:2] != shape_of(value)[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {list(shape_of(key)[:2])} do not match value's "
                f"{list(shape_of(value)[:2])}"
            )
        weights: Any = q_proj_weight, k_proj_weight, v_proj_weight
    else:
        if shape_of(key) != shape_of(value):
            raise AssertionError(
                f"key shape {list(shape_of(key))} does not match value shape "
                f"{list(shape_of(value))}"
            )
        _check_three("in_proj_weight", in_proj_weight, width)
        weights = None if query is key is value else tuple(chunk(in_proj_weight, 3))
    if weights is None:
        q, k, v = chunk(linear(query, in_proj_weight, in_proj_bias), 3, -1)
    else:
        biases: Any = (None,) * 3
        if in_proj_bias is not None:
            _check_three("in_proj_bias", in_proj_bias, width)
            biases = chunk(in_proj_bias, 3)
        q, k, v = map(linear, (query, key, value), weights, biases)

    # One more key and value that every query sees
    extra = 0
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k, v = (cat([x, expand(b, 1, batch, width)]) for x, b in ((k, bias_k), (v, bias_v)))
        extra += 1
    elif bias_k is not None or bias_v is not None:
        raise AssertionError("bias_k and bias_v must be given together")
    q = _heads(q, batch * num_heads)
    k = _heads(k, batch * num_heads) if static_k is None else _static("k", static_k, q)
    v = _heads(v, batch * num_heads) if static_v is None else _static("v", static_v, q)
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros((batch * num_heads, 1, shape_of(x)[2]))], 1) for x in (k, v))
        extra += 1
    if mask is not None and extra:
        mask = pad(mask, (0, extra))
    source = shape_of(k)[1]
    if padding is not None:
        padding = pad(padding, (0, extra)) if extra else padding
        padding = expand(reshape(padding, (batch, 1, 1, source)), -1, num_heads, -1, -1)
        padding = reshape(padding, (batch * num_heads, 1, source))
        mask = padding if mask is None else mask + padding

    found = None
    p = dropout_p if training else 0.0
    if need_weights:
        scores = bmm(q * math.sqrt(num_heads / width), transpose(k, 1, 2))
        found = dropout(softmax(scores if mask is None else scores + mask, -1), p)
        result = bmm(found, v)
        found = reshape(found, (batch, num_heads, length, source))
        found = mean(found, 1) if average_attn_weights else found
    else:
        result = scaled_dot_product_attention(q, k, v, mask, p, causal)
    result = linear(
        reshape(transpose(result, 0, 1), (length, batch, width)), out_proj_weight, out_proj_bias
    )
    if not batched:
        result = squeeze(result, 1)
        found = found if found is None else squeeze(found, 0)
    return result, found


def _check_three(name: str, joined: Any, width: int) -> None:
    """Raise unless a parameter holds those of query, key and value one below the other."""
    if shape_of(joined)[:1] != (3 * width,):
        raise RuntimeError(
            f"{name} must have 3 * embed_dim = {3 * width} rows, but has the shape "
            f"{list(shape_of(joined))}"
        )


def _check_shapes(
    query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, num_heads: int
) -> bool:
    """Whether the inputs are batched. Raises AssertionError unless they all are, or none is."""
    ndim = len(shape_of(query))
    if ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor"
        )
    kind = "batched (3-D)" if ndim == 3 else "unbatched (2-D)"
    found = [len(shape_of(x)) for x in (key, value)]
    if found != [ndim, ndim]:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {ndim}-D but found "
            f"{found[0]}-D and {found[1]}-D tensors respectively"
        )
    if key_padding_mask is not None and len(shape_of(key_padding_mask)) != ndim - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {ndim - 1}-D but "
            f"found {len(shape_of(key_padding_mask))}-D tensor"
        )
    if attn_mask is not None:
        if len(shape_of(attn_mask)) not in (2, 3):
            raise AssertionError(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                f"{len(shape_of(attn_mask))}-D tensor"
            )
        expected = (num_heads, shape_of(query)[0], shape_of(key)[0])
        if ndim == 2 and len(shape_of(attn_mask)) == 3 and shape_of(attn_mask) != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {shape_of(attn_mask)}"
            )
    return ndim == 3


def _check_same_kind(key_padding_mask: Any, attn_mask: Any) -> None:
    if key_padding_mask._array.dtype != attn_mask._array.dtype:
        warn(
            "Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type "
            "for both instead."
        )


def _additive(name: str, mask: Any, query: Any) -> Any:
    """A mask as numbers to add: -inf where it is True, or itself."""
    if mask is None:
        return None
    if not isinstance(mask, Variable):
        raise TypeError(f"{name} must be a Tensor, not {type(mask).__name__}")
    kind = of_array(mask._array.dtype)
    if kind is bool_:
        return query.new_zeros(shape_of(mask)).masked_fill_(mask, -math.inf)
    if not kind.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported, got {kind}")
    return mask


def _attention_mask(mask: Any, size: tuple[int, int], heads: int) -> Any:
    """The mask as (1, L, S) or (N * heads, L, S). Raises RuntimeError for other shapes."""
    if mask is None:
        return None
    shape = shape_of(mask)
    expected = size if len(shape) == 2 else (heads, *size)
    if shape != expected:
        raise RuntimeError(
            f"The shape of the {len(shape)}D attn_mask is {list(shape)}, but should be {expected}."
        )
    return unsqueeze(mask, 0) if len(shape) == 2 else mask


def _heads(x: Any, heads: int) -> Any:
    """(length, N, E) as (N * heads, length, E / heads)."""
    length, batch, width = shape_of(x)
    return permute(reshape(x, (length, heads, batch * width // heads if heads else 0)), 1, 0, 2)


def _static(name: str, given: Any, query: Any) -> Any:
    heads, _, width = shape_of(query)
    shape = shape_of(given)
    if len(shape) != 3 or (shape[0], shape[2]) != (heads, width):
        raise AssertionError(
            f"expecting static_{name} of shape ({heads}, S, {width}), but got {list(shape)}"
        )
    return given
