"""Embeddings with all options, and bags of them."""

import importlib
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from ..both import t as t
from .side_by_side import agree, differentiable, numbers, refused, same_on

TABLE = numbers(6, 3)
NUMBERS = np.array([1, 4, 1, 0, 4, 4, 5])
OFFSETS = np.array([0, 3, 3, 5])  # the second bag is empty
SAMPLES = numbers(7)


def test_gradients_scaled_by_frequency():
    def program(lib, weight):
        rows = lib.tensor(NUMBERS)
        return lib.nn.functional.embedding(
            rows, weight, padding_idx=5, scale_grad_by_freq=True) ** 2  # fmt: skip

    agree(program, TABLE, second=False)  # PyTorch has no second derivative
    x = tg.as_tensor(TABLE).requires_grad_()
    (g,) = tg.autograd.grad(program(tg, x).sum(), x, create_graph=True)
    (second,) = tg.autograd.grad(g.sum(), x)
    # the gradient is 2 * row for each row that occurs; on the way back it is divided once more
    np.testing.assert_allclose(second[:, 0].numpy(force=True), [2, 2 / 2, 0, 0, 2 / 3, 0])


@pytest.mark.parametrize("norm_type", [2.0, 1.0])
def test_rows_that_are_too_long_are_scaled_down_in_place(t, norm_type):
    weight = t.tensor([[3.0, 4.0], [0.1, 0.2], [6.0, 8.0]], requires_grad=True)
    rows = t.nn.functional.embedding(
        t.tensor([0, 1, 0]), weight, max_norm=1.0, norm_type=norm_type)  # fmt: skip
    length = 5.0 if norm_type == 2 else 7.0
    expected = [[3 / length, 4 / length], [0.1, 0.2], [6.0, 8.0]]
    np.testing.assert_allclose(weight.tolist(), expected, rtol=1e-5)
    np.testing.assert_allclose(rows.tolist(), [expected[i] for i in (0, 1, 0)], rtol=1e-5)
    rows.sum().backward()
    assert weight.grad.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0]]
    layer = t.nn.Embedding(3, 2, max_norm=0.5, norm_type=norm_type, scale_grad_by_freq=True)
    assert float(layer(t.tensor([2])).detach().norm(norm_type)) <= 0.5001
    assert repr(layer).startswith("Embedding(3, 2, max_norm=0.5")


# ----- bags -----

OPTIONS = {
    "plain": {},
    "padding": {"padding_idx": 4},
    "negative-padding": {"padding_idx": -2},
    "last-offset": {"include_last_offset": True},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_with_offsets(mode, name):
    offsets = np.append(OFFSETS, len(NUMBERS)) if name == "last-offset" else OFFSETS

    def program(lib, weight):
        rows, starts = lib.tensor(NUMBERS), lib.tensor(offsets)
        return lib.nn.functional.embedding_bag(
            rows, weight, starts, mode=mode, **OPTIONS[name]) ** 2  # fmt: skip

    agree(program, TABLE, second=False)  # of which PyTorch has none
    differentiable(program, TABLE)


def test_bags_with_gradients_scaled_by_frequency():
    """Against `embedding`: PyTorch's bags count other rows (counts[indices[i]] for the i-th row
    that occurs)."""
    grads = []
    for bagged in (True, False):
        x = tg.as_tensor(TABLE).requires_grad_()
        rows, scaled = tg.tensor(NUMBERS), {"scale_grad_by_freq": True}
        if bagged:
            y = F.embedding_bag(rows, x, tg.tensor(OFFSETS), mode="sum", **scaled)
        else:
            y = F.embedding(rows, x, **scaled)
            y = tg.stack([y[:3].sum(0), y[:0].sum(0), y[3:5].sum(0), y[5:].sum(0)])
        (y**2).sum().backward()
        grads.append(x.grad.numpy(force=True))
    np.testing.assert_allclose(*grads, rtol=1e-12)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_one_length(mode, device):
    def program(lib, weight):
        rows = lib.tensor(NUMBERS[:6].reshape(2, 3), device=weight.device)
        return lib.nn.functional.embedding_bag(rows, weight, mode=mode, padding_idx=4) ** 2

    agree(program, TABLE, second=False)
    same_on(device, program, TABLE)


def test_weights_per_sample(device):
    def program(lib, weight, samples):
        rows, offsets = (lib.tensor(x, device=weight.device) for x in (NUMBERS, OFFSETS))
        options = {"mode": "sum", "per_sample_weights": samples, "padding_idx": 0}
        return lib.nn.functional.embedding_bag(rows, weight, offsets, **options) ** 2

    agree(program, TABLE, SAMPLES, second=False)
    differentiable(program, TABLE, SAMPLES)
    same_on(device, program, TABLE, SAMPLES)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_no_bags_and_empty_bags(t, mode):
    weight, none = t.ones(4, 2), t.zeros(0, dtype=t.int64)
    bag = t.nn.functional.embedding_bag
    assert tuple(bag(none, weight, none, mode=mode).shape) == (0, 2)
    assert bag(none, weight, t.tensor([0, 0]), mode=mode).tolist() == [[0.0, 0.0]] * 2
    assert bag(t.tensor([[3, 3]]), weight, mode=mode, padding_idx=3).tolist() == [[0.0, 0.0]]


def test_the_layer(t):
    t.manual_seed(0)
    bag = t.nn.EmbeddingBag(6, 3, mode="max", padding_idx=-1, max_norm=2.0)
    assert repr(bag) == "EmbeddingBag(6, 3, max_norm=2.0, mode='max', padding_idx=5)"
    assert not bag.weight[5].any()
    t.manual_seed(0)
    drawn = t.nn.EmbeddingBag(6, 3).weight
    t.manual_seed(0)
    assert t.equal(drawn, t.nn.Embedding(6, 3).weight)
    given = t.nn.EmbeddingBag.from_pretrained(t.eye(3), mode="sum")
    assert not given.weight.requires_grad
    assert given(t.tensor([[0, 2]])).tolist() == [[1.0, 0.0, 1.0]]
    with pytest.raises(AssertionError):
        t.nn.EmbeddingBag.from_pretrained(t.ones(3))
    with pytest.raises(AssertionError):
        t.nn.EmbeddingBag(2, 3, _weight=t.ones(3, 2))


def bag(index, offsets=None, **options):
    def program(lib):
        given = {k: v(lib) if callable(v) else v for k, v in options.items()}
        where = None if offsets is None else lib.tensor(offsets)
        return lib.nn.functional.embedding_bag(lib.tensor(index), lib.ones(4, 2), where, **given)

    return program


REFUSED = [
    (bag([1, 2]), "offsets has to be a 1D Tensor"),
    (bag([[1, 2]], [0]), "if input is 2D, then offsets has to be None"),
    (bag([1, 2], [1]), "offsets[0] has to be 0"),
    (bag([1, 2], [0, 3]), "offsets[-1] can not be greater than input's length"),
    (bag([[[1]]]), "input has to be 1D or 2D Tensor"),
    (bag([[1]], mode="median"), "mode has to be one of sum, mean or max"),
    (bag([[1]], mode="max", scale_grad_by_freq=True), "max mode does not support scaling"),
    (bag([[1]], per_sample_weights=lambda lib: lib.ones(1, 1)), "only supported for mode='sum'"),
    (bag([[1]], mode="sum", per_sample_weights=lambda lib: lib.ones(2)), "same shape as the input"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1])
def test_errors_are_pytorch_s(case):
    refused(*case)


def test_numbers_outside_the_table_are_named():
    with pytest.raises(IndexError, match="got 9, but the embedding has rows 0 to 3"):
        F.embedding_bag(tg.tensor([[9]]), tg.ones(4, 2))
    with pytest.raises(NotImplementedError, match="sparse=True is not supported"):
        nn.EmbeddingBag(4, 2, sparse=True)


# ----- distances, bilinear maps -----

A, B = numbers(4, 3), numbers(4, 3, seed=1)
OTHERS = {
    "pairwise_distance": (lambda f, a, b: f.pairwise_distance(a, b), A, B),
    "pairwise_distance-1": (lambda f, a, b: f.pairwise_distance(a, b, 1, 0.1, True), A, B),
    "pdist": (lambda f, a: f.pdist(a), A),
    "pdist-3": (lambda f, a: f.pdist(a, 3.0), A),
    "pdist-inf": (lambda f, a: f.pdist(a, math.inf), A),
    "bilinear": (lambda f, a, b, w, c: f.bilinear(a, b, w, c),
                 A, numbers(4, 2), numbers(5, 3, 2), numbers(5)),
    "bilinear-batches": (lambda f, a, w: f.bilinear(a, a, w), numbers(2, 4, 3), numbers(5, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_distances_and_bilinear_maps(name, device):
    program, *values = OTHERS[name]
    second = "pdist" not in name  # PyTorch has none
    agree(lambda lib, *x: program(lib.nn.functional, *x), *values, second=second, rtol=1e-8)
    differentiable(lambda lib, *x: program(lib.nn.functional, *x), *values)
    same_on(device, lambda lib, *x: program(lib.nn.functional, *x), *values)


def test_bilinear_draws_are_pytorch_s(t):
    t.manual_seed(3)
    layer = t.nn.Bilinear(4, 3, 2)
    bound = 1 / math.sqrt(4)
    t.manual_seed(3)
    assert t.equal(layer.weight, t.empty(2, 4, 3).uniform_(-bound, bound))
    assert layer.bias.abs().max() <= bound
    assert t.nn.Bilinear(4, 3, 2, bias=False).bias is None
    with pytest.raises(ValueError, match="in1_features must be > 0"):
        t.nn.Bilinear(0, 3, 2)


def g(name, *shapes, dtype="float32"):
    return lambda lib: getattr(lib.nn.functional, name)(
        *(lib.ones(*shape, dtype=getattr(lib, dtype)) for shape in shapes)
    )


@pytest.mark.parametrize("case", [
    (g("pdist", (2, 3, 4)), "pdist only supports 2D tensors, got: 3D"),
    (g("bilinear", (2, 3), (4, 3), (5, 3, 3)), "batch dimensions do not match"),
    (g("bilinear", (2, 3), (2, 4), (5, 3, 3)), "input2 size does not match weight size"),
    (g("bilinear", (2, 3), (2, 3), (5, 3, 3), (4,)), "bias size does not match weight size"),
], ids=lambda case: case[1])  # fmt: skip
def test_their_errors_are_pytorch_s(case):
    refused(*case)


@pytest.mark.parametrize("limit", [0, 2**24])
def test_gradients_add_up_on_a_gpu_as_a_product_or_place_by_place(limit, monkeypatch):
    monkeypatch.setattr(importlib.import_module("tinygrad_rnn.ops.embedding"), "_AS_PRODUCT", limit)
    ids = tg.tensor([[3, 1, 3], [0, 3, 1]])
    gradients = []
    for device in ("cpu", "cuda"):
        weight = tg.arange(15.0, device=device).reshape(5, 3).requires_grad_()
        (F.embedding(ids.to(device), weight, padding_idx=0) ** 2).sum().backward()
        gradients.append(weight.grad.tolist())
    assert gradients[0] == gradients[1]
