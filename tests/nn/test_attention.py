"""Attention and the Transformer: against PyTorch, with its parameters."""

import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from ..both import t as t
from .side_by_side import agree, differentiable, numbers, pytorch, refused, same_on

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # PyTorch's advice

Q, K, V = numbers(2, 4, 3), numbers(2, 5, 3, seed=1), numbers(2, 5, 2, seed=2)
VISIBLE = np.random.default_rng(0).random((4, 5)) > 0.4
VISIBLE[1] = False  # this query sees nothing
OPTIONS = {
    "plain": lambda lib: {},
    "scale": lambda lib: {"scale": 0.3},
    "causal": lambda lib: {"is_causal": True},
    "bool": lambda lib: {"attn_mask": lib.tensor(VISIBLE)},
    "added": lambda lib: {"attn_mask": lib.tensor(numbers(4, 5)).to(lib.float64)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_scaled_dot_product_attention(name):
    def program(lib, q, k, v):
        options = OPTIONS[name](lib)
        if "attn_mask" in options and options["attn_mask"].is_floating_point():
            options["attn_mask"] = options["attn_mask"].to(q.dtype)
        return lib.nn.functional.scaled_dot_product_attention(q, k, v, **options)

    agree(program, Q, K, V, second=False)
    differentiable(program, Q, K, V)


def test_attention_on_every_device(device):
    def program(lib, q, k, v):
        mask = lib.tensor(VISIBLE, device=q.device)
        return lib.nn.functional.scaled_dot_product_attention(q, k, v, mask)

    same_on(device, program, Q, K, V)


def test_a_query_that_sees_nothing_gets_zeros(t):
    q, mask = t.ones(2, 4, requires_grad=True), t.tensor([[True, True], [False, False]])
    for given in (mask, t.zeros(2, 2).masked_fill(~mask, -math.inf)):
        result = t.nn.functional.scaled_dot_product_attention(q, t.ones(2, 4), t.ones(2, 4), given)
        assert result.tolist() == [[1.0] * 4, [0.0] * 4]
    result.sum().backward()
    assert q.grad.isfinite().all()


def test_shared_heads(t):
    q, k, v = t.randn(2, 6, 4, 3), t.randn(2, 3, 5, 3), t.randn(2, 3, 5, 2)
    attend = t.nn.functional.scaled_dot_product_attention
    expected = attend(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    assert t.allclose(attend(q, k, v, enable_gqa=True), expected, atol=1e-6)


def test_dropped_weights_keep_the_mean():
    value = tg.ones(400, 1)
    result = F.scaled_dot_product_attention(
        tg.zeros(200, 4), tg.zeros(400, 4), value, dropout_p=0.5
    )
    assert abs(float(result.mean()) - 1) < 0.01 and float(result.std()) > 0.01


# ----- several heads -----


def pair(name, *args, **options):
    """The layer of both libraries with PyTorch's parameters, in float64."""
    torch = pytorch()
    theirs = getattr(torch.nn, name)(*args, **options).double()
    mine = getattr(nn, name)(*args, **options).double()
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict(theirs.state_dict())
    return torch, mine, theirs


def same(mine, theirs, atol=1e-12):
    for a, b in zip(mine, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), atol=atol)


LAYERS = [
    {}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"batch_first": True},
    {"kdim": 3, "vdim": 5}, {"add_bias_kv": True, "add_zero_attn": True, "kdim": 3},
]  # fmt: skip
CALLS = {
    "plain": {},
    "no-weights": {"need_weights": False},
    "each-head": {"average_attn_weights": False},
    "padding": {"key_padding_mask": np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], bool)},
    "mask": {"attn_mask": np.triu(np.ones((4, 5), bool), 2), "need_weights": False},
    "mask-of-heads": {"attn_mask": numbers(4, 4, 5)},
    "both": {
        "attn_mask": np.triu(np.ones((4, 5), bool), 2),
        "key_padding_mask": np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], bool),
    },
}


@pytest.mark.parametrize("options", LAYERS, ids=str)
@pytest.mark.parametrize("call", CALLS)
def test_multihead_attention(call, options):
    torch, mine, theirs = pair("MultiheadAttention", 4, 2, **options)
    sizes = 4, options.get("kdim", 4), options.get("vdim", 4)
    inputs = [numbers(n, 2, size) for n, size in zip((4, 5, 5), sizes, strict=True)]
    if options.get("batch_first"):
        inputs = [x.swapaxes(0, 1).copy() for x in inputs]

    def run(lib, layer):
        xs = [lib.as_tensor(x).clone().requires_grad_() for x in inputs]
        given = {k: lib.as_tensor(v) if isinstance(v, np.ndarray) else v
                 for k, v in CALLS[call].items()}  # fmt: skip
        result, weights = layer(*xs, **given)
        (result**2).sum().backward()
        return [result, weights, *(x.grad for x in xs), *(p.grad for p in layer.parameters())]

    same(run(tg, mine), run(torch, theirs))


def test_attention_without_a_batch_and_to_itself(t):
    layer = t.nn.MultiheadAttention(4, 2)
    x = t.randn(3, 4)
    result, weights = layer(x, x, x)
    batched, _ = layer(x[:, None], x[:, None], x[:, None])
    assert result.shape == (3, 4) and weights.shape == (3, 3)
    assert t.allclose(result, batched[:, 0], atol=1e-6)
    causal = t.triu(t.ones(3, 3, dtype=t.bool), 1)
    hinted, _ = layer(x, x, x, attn_mask=causal, need_weights=False, is_causal=True)
    assert t.allclose(hinted, layer(x, x, x, attn_mask=causal)[0], atol=1e-6)


def test_attention_draws_are_pytorch_s():
    torch = pytorch()
    for options in ({}, {"kdim": 3, "vdim": 5, "add_bias_kv": True}):
        torch.manual_seed(1), tg.manual_seed(1)
        theirs, mine = (lib.nn.MultiheadAttention(4, 2, **options) for lib in (torch, tg))
        same(mine.parameters(), theirs.parameters(), atol=1e-7)


# ----- the Transformer -----

KINDS = [{}, {"norm_first": True}, {"activation": "gelu", "bias": False}, {"batch_first": True}]


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_transformer(options):
    torch, mine, theirs = pair("Transformer", 4, 2, 2, 1, 8, 0.0, **options)
    source, target = numbers(3, 3, 4), numbers(3, 3, 4, seed=1)

    def run(lib, model):
        src, tgt = (lib.as_tensor(x).clone().requires_grad_() for x in (source, target))
        mask = model.generate_square_subsequent_mask(3, dtype=lib.float64)
        padding = lib.tensor([[False, False, True]] * 3)
        kept = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
        floats = {k: lib.zeros(3, 3, dtype=lib.float64).masked_fill(v, -math.inf)
                  for k, v in kept.items()}  # fmt: skip
        result = model(src, tgt, tgt_mask=mask, tgt_is_causal=True, **floats)
        (result**2).sum().backward()
        return [result, src.grad, tgt.grad, *(p.grad for p in model.parameters())]

    same(run(tg, mine), run(torch, theirs), atol=1e-10)
    mine.eval(), theirs.eval()
    x = numbers(3, 4)
    same([mine(tg.as_tensor(x), tg.as_tensor(x))],
         [theirs(torch.from_numpy(x), torch.from_numpy(x))], atol=1e-10)  # fmt: skip


def test_transformer_draws_are_pytorch_s():
    torch = pytorch()
    torch.manual_seed(1), tg.manual_seed(1)
    sizes = 4, 2, 1, 1, 8
    same(tg.nn.Transformer(*sizes).parameters(), torch.nn.Transformer(*sizes).parameters(), 1e-7)


def test_layers_of_a_stack_are_copies(t):
    layer = t.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
    stack = t.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    x = t.randn(3, 2, 4)
    assert t.allclose(stack(x), layer(layer(x)), atol=1e-5)
    assert len({id(p) for p in stack.parameters()}) == 2 * len(list(layer.parameters()))


def attention(*shapes, heads=2, **masks):
    def program(lib):
        made = {k: lib.ones(*v) if isinstance(v, tuple) else v for k, v in masks.items()}
        return lib.nn.MultiheadAttention(4, heads)(*(lib.ones(*s) for s in shapes), **made)

    return program


def dot(*shapes, **options):
    return lambda lib: lib.nn.functional.scaled_dot_product_attention(
        *(lib.ones(*s) for s in shapes), **{k: v(lib) for k, v in options.items()}
    )


REFUSED = [
    (attention((3, 2, 4), (3, 4), (3, 4)), "to be 3-D but found 2-D and 2-D tensors"),
    (attention((4,), (4,), (4,)), "query should be unbatched 2D or batched 3D tensor"),
    (attention((3, 2, 5), (3, 2, 5), (3, 2, 5)), "was expecting embedding dimension of 4"),
    (attention((3, 2, 4), (3, 2, 4), (2, 2, 4)), "does not match value"),
    (attention(*[(3, 2, 4)] * 3, attn_mask=(2, 3)), "The shape of the 2D attn_mask is"),
    (attention(*[(3, 2, 4)] * 3, attn_mask=(5, 3, 3)), "The shape of the 3D attn_mask is"),
    (attention(*[(3, 2, 4)] * 3, is_causal=True), "Need attn_mask if specifying the is_causal"),
    (lambda lib: lib.nn.MultiheadAttention(4, 3), "embed_dim must be divisible by num_heads"),
    (lambda lib: lib.nn.MultiheadAttention(0, 3), "must be greater than 0"),
    (dot((3,), (3, 4), (3, 4)), "at least 2 dimensional"),
    (dot((2, 4), (3, 4), (3, 4), attn_mask=lambda lib: lib.ones(2, 3, dtype=lib.int64)),
     "Expected attn_mask dtype to be bool or float or to match query dtype"),
    (dot((3, 4), (3, 4), (3, 4), attn_mask=lambda lib: lib.ones(3, 3), is_causal=(
        lambda lib: True)), "attn_mask should not be set when is_causal=True"),
    (lambda lib: lib.nn.TransformerEncoderLayer(4, 2, activation="tanh"), "should be relu/gelu"),
    (lambda lib: lib.nn.Transformer(4, 2, 1, 1, 8)(lib.ones(3, 2, 4), lib.ones(3, 1, 4)),
     "the batch number of src and tgt must be equal"),
    (lambda lib: lib.nn.Transformer(4, 2, 1, 1, 8)(lib.ones(3, 5), lib.ones(3, 4)),
     "the feature number of src and tgt must be equal to d_model"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_errors_are_pytorch_s(case):
    refused(*case)
