"""Random numbers are drawn in the order in which elements lie in memory, as in PyTorch."""

import numpy as np
import pytest

import tinygrad_rnn as tg

from ..nn.side_by_side import pytorch

LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, 1),
    "permuted": lambda x: x.permute(2, 0, 1),
    "a slice": lambda x: x[:, :2],
    "a transposed slice": lambda x: x[:, ::2].transpose(0, 2),
    "expanded": lambda x: x[:, :1].expand(4, 5, 3),
    "one row": lambda x: x[:1].transpose(0, 1),
}
DRAWS = {
    "dropout": lambda t, x: t.nn.functional.dropout(x),
    "dropout with a gradient": lambda t, x: t.nn.functional.dropout(x.requires_grad_()),
    "dropout in place": lambda t, x: t.nn.functional.dropout(x + 0, inplace=True),
    "alpha_dropout": lambda t, x: t.nn.functional.alpha_dropout(x, training=True),
    "dropout1d": lambda t, x: t.nn.functional.dropout1d(x),
    "uniform_": lambda t, x: t.empty_strided(x.shape, x.stride()).uniform_(),
    "normal_": lambda t, x: t.empty_strided(x.shape, x.stride()).normal_(),
    "bernoulli_": lambda t, x: t.empty_strided(x.shape, x.stride()).bernoulli_(0.3),
    "bernoulli_ of each": lambda t, x: t.empty_strided(x.shape, x.stride()).bernoulli_(x * 0.3),
    "bernoulli": lambda t, x: t.bernoulli(x * 0.3),
    "exponential_": lambda t, x: t.empty_strided(x.shape, x.stride()).exponential_(),
    "random_": lambda t, x: t.empty_strided(x.shape, x.stride()).random_(7),
    "log_normal_": lambda t, x: t.empty_strided(x.shape, x.stride()).log_normal_(),
    "cauchy_": lambda t, x: t.empty_strided(x.shape, x.stride()).cauchy_(),
    "geometric_": lambda t, x: t.empty_strided(x.shape, x.stride()).geometric_(0.4),
    "rand_like": lambda t, x: t.rand_like(x),
    "randn_like": lambda t, x: t.randn_like(x),
    "randn_like packed": lambda t, x: t.randn_like(x, memory_format=t.contiguous_format),
    "randint_like": lambda t, x: t.randint_like(x, 7),
    "gumbel_softmax": lambda t, x: t.nn.functional.gumbel_softmax(x),
    "rrelu": lambda t, x: t.nn.functional.rrelu(-x, training=True),
    "normal of each": lambda t, x: t.normal(x, 1.0),
}


CASES = [  # expanded memory can't be filled
    (name, layout) for name in DRAWS for layout in LAYOUTS
    if layout != "expanded" or "_" not in (name.split()[0][-1], name.split()[-1][-1])
]  # fmt: skip


@pytest.mark.parametrize("name, layout", CASES)
def test_numbers_are_drawn_in_the_order_of_memory(name, layout, device):
    results = []
    for t in (tg, pytorch()):
        options = {"device": device} if t is tg else {}
        x = LAYOUTS[layout](t.arange(1.0, 61.0, **options).reshape(4, 5, 3).div(60))
        t.manual_seed(3)
        with t.device(device if t is tg else "cpu"):
            result = DRAWS[name](t, x.detach())
        results.append((result.detach().cpu().numpy(), t.rand(1).item()))
    (ours, our_next), (theirs, their_next) = results
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert our_next == their_next  # as many were drawn


LAYERS = {
    kind: (lambda t, x, kind=kind: getattr(t.nn, kind)(3, 4, batch_first=True)(x)[0])
    for kind in ("RNN", "GRU", "LSTM")
} | {
    "conv": lambda t, x: t.nn.Conv1d(3, 4, 2)(x.transpose(1, 2)).transpose(1, 2),
    "linear": lambda t, x: t.nn.Linear(3, 4)(x.transpose(0, 1)),
    "softmax": lambda t, x: x.transpose(1, 2).softmax(-1),
    "log_softmax": lambda t, x: x.transpose(1, 2).log_softmax(-1),
    "cat": lambda t, x: t.cat([x.transpose(1, 2)] * 2),
    "attention": lambda t, x: t.nn.MultiheadAttention(3, 1, batch_first=True)(x, x, x)[0],
    "encoder": lambda t, x: t.nn.TransformerEncoderLayer(3, 1, 4, 0.3, batch_first=True)(x),
}


@pytest.mark.parametrize("name", LAYERS)
def test_dropout_behind_layers(name):
    results = []
    for t in (tg, pytorch()):
        t.manual_seed(5)
        x = t.randn(4, 5, 3)
        results.append(t.nn.functional.dropout(LAYERS[name](t, x)).numpy(force=True))
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)
