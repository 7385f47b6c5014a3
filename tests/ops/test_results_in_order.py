"""Results that PyTorch lays out in C order, so that every `view` of them works, are so here."""

import pytest

import tinygrad_rnn as tg

from ..both import t as t
from .test_memory_order import LAYOUTS

# In C order whatever the input's order is, so that every view of them is possible. (PyTorch leaves
# a few of permuted inputs in another.)
IN_ORDER = {
    "sum": lambda t, x: x.sum(1), "mean": lambda t, x: x.mean(0), "amax": lambda t, x: x.amax(0),
    "any": lambda t, x: (x > 1).any(1), "prod": lambda t, x: x.prod(1),
    "var": lambda t, x: x.var(1), "std": lambda t, x: x.std(1), "norm": lambda t, x: x.norm(dim=1),
    "largest": lambda t, x: x.norm(t.inf, dim=1), "logsumexp": lambda t, x: x.logsumexp(1),
    "sum keepdim": lambda t, x: x.sum(1, keepdim=True), "cumsum": lambda t, x: x.cumsum(1),
    "cumprod": lambda t, x: x.cumprod(0), "roll": lambda t, x: x.roll(1, 0),
    "tril": lambda t, x: x.permute(1, 0, 2).tril(), "stack": lambda t, x: t.stack([x, x], 1),
    "masked_fill": lambda t, x: x.masked_fill(x > 1, 0.0),
    "index": lambda t, x: x[:, t.tensor([1, 0])],
    "index of the last": lambda t, x: x[..., [1, 0]],
    "index_select": lambda t, x: x.index_select(1, t.tensor([1, 0])),
    "repeat_interleave": lambda t, x: x.repeat_interleave(2, 1),
    "reflect": lambda t, x: t.nn.functional.pad(x, (1, 1), mode="reflect"),
    "einsum": lambda t, x: t.einsum("abc,dc->abd", x, x[0]),
    "expanded": lambda t, x: x[:, :1].expand(x.shape).long(),
    "logsigmoid": lambda t, x: t.nn.functional.logsigmoid(x),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:]),
    "rms_norm": lambda t, x: t.nn.functional.rms_norm(x, x.shape[-1:]),
    "group_norm": lambda t, x: t.nn.functional.group_norm(x, 1),
    "instance_norm": lambda t, x: t.nn.functional.instance_norm(x),
    "batch_norm": lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True),
    "batch_norm by given": lambda t, x: t.nn.functional.batch_norm(
        x, t.zeros(x.shape[1]), t.ones(x.shape[1])
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "permuted"])
@pytest.mark.parametrize("name", IN_ORDER)
def test_results_that_can_be_viewed_as_a_vector(name, layout, t):
    x = LAYOUTS[layout](t.arange(1.0, 61.0).reshape(4, 5, 3).div(60))
    y = IN_ORDER[name](t, x)
    if t is tg or layout == "contiguous":
        assert y.is_contiguous() and y.view(-1).shape == (y.numel(),)
