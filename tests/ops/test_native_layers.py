"""The layers of ``torch`` itself, beside those of ``nn.functional``, against PyTorch's; and
``torch.range``, and the names of old in ``nn.init``."""

import pytest

import tinygrad_rnn as tg

from ..both import t as t
from .compare import agree, integers, numbers

C3, X = numbers(3, seed=5, low=0.5, high=1.5), numbers(2, 3, 4, seed=1)
CELL = numbers(2, 3, seed=2), numbers(2, 5, seed=3)


def _cell(gates):
    return (
        numbers(gates * 5, 3, seed=6), numbers(gates * 5, 5, seed=7), numbers(gates * 5, seed=8),
        numbers(gates * 5, seed=9),
    )  # fmt: skip


CALLS = {
    "layer_norm": (lambda m, x, w: m.layer_norm(x, (4,), w, w, 1e-5, False), X, numbers(4)),
    "group_norm": (lambda m, x, w: m.group_norm(x, 3, w, w, 1e-5, True), X, C3),
    "rms_norm": (lambda m, x, w: m.rms_norm(x, (4,), w), X, numbers(4)),
    "batch_norm": (
        lambda m, x, w, r: m.batch_norm(x, w, w, r.detach(), r.detach(), False, 0.1, 1e-5, True),
        X, C3, C3,
    ),
    "native_batch_norm": (
        lambda m, x, w: m.native_batch_norm(x, w, w, None, None, True, 0.1, 1e-5)[0], X, C3,
    ),
    "native_batch_norm-statistics": (
        lambda m, x: [y.detach() for y in m.native_batch_norm(
            x, None, None, None, None, True, 0.1, 1e-5)], X,
    ),
    "native_batch_norm-eval": (
        lambda m, x, r: [y.detach() for y in m.native_batch_norm(
            x, None, None, r.detach(), r.detach(), False, 0.1, 1e-5)], X, C3,
    ),
    "instance_norm": (
        lambda m, x, w: m.instance_norm(x, w, w, None, None, True, 0.1, 1e-5, True), X, C3,
    ),
    "embedding": (lambda m, w, i: m.embedding(w, i), numbers(4, 2), integers(2, 3, low=0, high=4)),
    "embedding-padding": (
        lambda m, w, i: m.embedding(w, i, 2), numbers(4, 2), integers(2, 3, low=0, high=4),
    ),
    "convolution": (
        lambda m, x, w: m.convolution(x, w, None, [2], [1], [1], False, [0], 1),
        X, numbers(5, 3, 2),
    ),
    "convolution-transposed": (
        lambda m, x, w, b: m.convolution(x, w, b, [2, 1], [1, 0], [1, 1], True, [1, 0], 1),
        numbers(2, 3, 4, 4), numbers(3, 2, 3, 2), numbers(2),
    ),
    "conv_tbc": (lambda m, x, w, b: m.conv_tbc(x, w, b, 1), X, numbers(2, 4, 5), numbers(5)),
    "adaptive_max_pool1d": (lambda m, x: m.adaptive_max_pool1d(x, 2), X),
    "max_pool1d_with_indices": (lambda m, x: m.max_pool1d_with_indices(x, 2, [], 1), X),
    "with_indices": (lambda m, x: m.nn.functional.max_pool2d_with_indices(x, 2), X),
    "adaptive_with_indices": (
        lambda m, x: m.nn.functional.adaptive_max_pool2d_with_indices(x, (2, None)), X,
    ),
    "affine_grid_generator": (
        lambda m, a: m.affine_grid_generator(a, (2, 1, 3, 4), False), numbers(2, 2, 3),
    ),
    "grid_sampler": (
        lambda m, x, g: m.grid_sampler(x, g, 0, 1, True), numbers(2, 1, 3, 4),
        numbers(2, 2, 2, 2, seed=1, low=-0.9, high=0.9),
    ),
    "native_dropout": (lambda m, x: m.native_dropout(x, 0.4, False), X),
    "frobenius_norm": (lambda m, x: m.frobenius_norm(x, (0, 2), True), X),
    "nuclear_norm": (lambda m, x: m.nuclear_norm(x, (1, 2)), X),
    "norm_except_dim": (lambda m, x: m.norm_except_dim(x, 2, 1), X),
    "detach_copy": (lambda m, x: m.detach_copy(x).detach(), X),
    "slice_copy": (lambda m, x: m.slice_copy(x, -1, 1, 100, 2), X),
    "rnn_tanh_cell": (lambda m, *a: m.rnn_tanh_cell(*a), *CELL, *_cell(1)),
    "rnn_relu_cell": (lambda m, *a: m.rnn_relu_cell(*a), *CELL, *_cell(1)),
    "gru_cell": (lambda m, *a: m.gru_cell(*a), *CELL, *_cell(3)),
    "gru_cell-without-biases": (lambda m, *a: m.gru_cell(*a), *CELL, *_cell(3)[:2]),
    "lstm_cell": (
        lambda m, x, h, c, *w: m.lstm_cell(x, (h, c), *w), *CELL, numbers(2, 5), *_cell(4),
    ),
    "lstm_cell-no-tuple": (lambda m, x, h, *w: m.lstm_cell(x, h, *w), *CELL, *_cell(4)),
    "convolution-of-a-vector": (
        lambda m, x: m.convolution(x, x, None, [1], [0], [1], False, [0], 1), numbers(3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    call, *values = CALLS[name]
    agree(call, *values)


def test_native_dropout_says_what_stayed(device):
    x = tg.full((1000,), 3.0, device=device)
    for train in (True, None):
        y, stayed = tg.native_dropout(x, 0.25, train)
        assert stayed.dtype is tg.bool and 650 < stayed.sum() < 850
        assert tg.equal(y, stayed * 4.0)


@pytest.mark.filterwarnings("ignore:torch.range is deprecated")
def test_range(t):
    for arguments in ((1, 4), (0.5, 2, 0.5), (3, 1, -1), (2, 2), (1, 2.9)):
        found = t.range(*arguments)
        assert found.dtype is t.float32 and found.tolist() == _range(*arguments)
    assert t.range(1, 3, dtype=t.int64).tolist() == [1, 2, 3]
    for bad in ((1, 2, 0), (2, 1), (1, 2, -1)):
        with pytest.raises(RuntimeError, match="step"):
            t.range(*bad)


def _range(start, end, step=1):
    found = []
    while (start <= end) if step > 0 else (start >= end):
        found.append(start)
        start += step
    return found


def test_dirac(t):
    for shape, groups in (((4, 2, 3), 1), ((4, 2, 3, 3), 2), ((2, 3, 1, 2, 4), 1)):
        w = t.nn.init.dirac_(t.empty(shape), groups)
        assert w.sum() == groups * min(shape[0] // groups, shape[1])
        x = t.rand(1, shape[1] * groups, *(6,) * (len(shape) - 2))
        y = getattr(t.nn.functional, f"conv{len(shape) - 2}d")(x, w, padding=0, groups=groups)
        inner = tuple(
            slice(k // 2, k // 2 + n) for k, n in zip(shape[2:], y.shape[2:], strict=True)
        )
        assert t.equal(y[0, 0], x[(0, 0, *inner)])
    for shape, groups in (((2, 2), 1), ((3, 2, 2), 2)):
        with pytest.raises(ValueError):
            t.nn.init.dirac_(t.empty(shape), groups)


def test_older_names_warn(t):
    with pytest.warns(FutureWarning, match="nn.init.xavier_uniform_"):
        w = t.nn.init.xavier_uniform(t.empty(2, 2))
    with pytest.warns(FutureWarning, match="nn.init.constant_"):
        assert t.nn.init.constant(w, 3.0).unique().tolist() == [3]
