"""Losses with margins, of triplets and of distributions, next to PyTorch's."""

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from .side_by_side import agree, numbers, pytorch, refused, same_on

REDUCTIONS = ["mean", "sum", "none"]
SIGNS = np.array([1, -1, -1, 1, 0])  # 0: both terms of a hinge count
CLASSES = np.array([2, 0, 3, 3, 1])
LISTED = np.array([[2, 0, -1, 1], [-1, 0, 1, 2], [3, 2, 1, 0], [1, 1, -1, -1], [0, -1, 2, 2]])
COUNTS = np.array([0, 1, 2, 5, 9])
X, Y, Z = (numbers(5, 4, seed=i) for i in range(3))
V, W = X[:, 0], Y[:, 0]
WEIGHT = numbers(4, low=0.1, high=2.0)
VARIANCE = numbers(5, 4, low=0.01, high=2.0)


def with_weight(name, **options):
    """The loss with a constant weight as the last input."""

    def program(lib, *args, reduction):
        *args, weight = args
        function = getattr(lib.nn.functional, name)
        return function(*args, weight=weight.detach(), reduction=reduction, **options) + (
            0 * weight.sum()
        )

    return program


def plain(name, **options):
    return lambda lib, *args, reduction: getattr(lib.nn.functional, name)(
        *args, reduction=reduction, **options
    )


# Values are made leaves, integers constants. Second derivatives: not all are PyTorch's to compute.
PROGRAMS = {
    "hinge_embedding": (plain("hinge_embedding_loss"), (V, SIGNS), True),
    "hinge_embedding-wide": (plain("hinge_embedding_loss", margin=0.4), (X, SIGNS[:, None]), True),
    "cosine_embedding": (plain("cosine_embedding_loss"), (X, Y, SIGNS), True),
    "cosine_embedding-margin": (plain("cosine_embedding_loss", margin=-0.8), (X, Y, SIGNS), True),
    "cosine_embedding-one": (plain("cosine_embedding_loss"), (V, W, np.array(-1)), True),
    "margin_ranking": (plain("margin_ranking_loss"), (V, W, SIGNS), True),
    "margin_ranking-margin": (plain("margin_ranking_loss", margin=0.7), (V, W, SIGNS), True),
    "soft_margin": (plain("soft_margin_loss"), (X, SIGNS[:, None]), True),
    "multi_margin": (plain("multi_margin_loss"), (X, CLASSES), False),
    "multi_margin-2": (plain("multi_margin_loss", p=2, margin=0.5), (X, CLASSES), False),
    "multi_margin-weight": (with_weight("multi_margin_loss"), (X, CLASSES, WEIGHT), False),
    "multi_margin-one": (plain("multi_margin_loss"), (X[0], CLASSES[:1]), False),
    "multi_margin-number": (plain("multi_margin_loss"), (X[0], CLASSES[0]), False),
    "multilabel_margin": (plain("multilabel_margin_loss"), (X, LISTED), False),
    "multilabel_margin-one": (plain("multilabel_margin_loss"), (X[0], LISTED[0]), False),
    "multilabel_margin-number": (plain("multilabel_margin_loss"), (X[0, 0], np.array(0)), False),
    "multilabel_soft_margin": (plain("multilabel_soft_margin_loss"), (X, LISTED % 2), True),
    "multilabel_soft_margin-weight": (
        with_weight("multilabel_soft_margin_loss"), (X, LISTED % 2, WEIGHT), True),
    "triplet": (plain("triplet_margin_loss"), (X, Y, Z), True),
    "triplet-options": (
        plain("triplet_margin_loss", margin=2.0, p=3, eps=1e-3, swap=True), (X, Y, Z), True),
    "triplet-one": (plain("triplet_margin_loss"), (V, W, Z[:, 0]), True),
    "triplet-distance": (
        plain("triplet_margin_with_distance_loss", swap=True, margin=0.5,
              distance_function=lambda a, b: (a - b).abs().sum(-1)), (X, Y, Z), True),
    "poisson": (plain("poisson_nll_loss"), (V, COUNTS), True),
    "poisson-full": (plain("poisson_nll_loss", full=True), (V, np.abs(W) * 3), True),
    "poisson-counts": (plain("poisson_nll_loss", log_input=False), (np.abs(V), COUNTS), True),
    "gaussian": (plain("gaussian_nll_loss"), (X, Y, VARIANCE), True),
    "gaussian-full": (plain("gaussian_nll_loss", full=True, eps=0.5), (X, Y, VARIANCE), True),
    "gaussian-rows": (plain("gaussian_nll_loss"), (X, Y, VARIANCE[:, 0]), True),
    "gaussian-columns": (plain("gaussian_nll_loss"), (X, Y, VARIANCE[:1]), True),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name, reduction):
    program, values, second = PROGRAMS[name]
    agree(lambda lib, *args: program(lib, *args, reduction=reduction), *values, second=second)


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_every_device(name, device):
    program, values, _ = PROGRAMS[name]
    same_on(device, lambda lib, *args: program(lib, *args, reduction="mean"), *values)


NUMBERED = {
    "binary_cross_entropy_with_logits": (X, np.abs(LISTED) % 2 * 1.0),
    "cosine_embedding_loss": (X, Y, SIGNS),
    "ctc_loss": (numbers(6, 2, 4), CLASSES[:4] * 0 + 1, np.array([6, 5]), np.array([2, 2])),
    "hinge_embedding_loss": (V, SIGNS),
    "kl_div": (X, np.abs(Y)),
    "margin_ranking_loss": (V, W, SIGNS),
    "triplet_margin_loss": (X, Y, Z),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", [0, 1, 2])
@pytest.mark.parametrize("name", NUMBERED)
def test_reductions_by_number(name, reduction):
    agree(
        lambda lib, *args: getattr(lib, name)(*args, reduction=reduction), *NUMBERED[name],
        second=False,
    )  # fmt: skip
    agree(lambda lib, x, t: lib.poisson_nll_loss(x, t, True, False, 1e-8, reduction), V, COUNTS)
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        tg.kl_div(tg.zeros(2), tg.zeros(2), "mean")


def test_gaussian_with_a_number_as_variance():
    x, y = tg.tensor([0.0, 1.0]), tg.tensor([1.0, 3.0])
    assert tg.equal(F.gaussian_nll_loss(x, y, 2.0), F.gaussian_nll_loss(x, y, tg.full((2,), 2.0)))


def test_soft_margin_does_not_overflow():
    x = tg.tensor([-500.0, 500.0], requires_grad=True)
    losses = F.soft_margin_loss(x, tg.ones(2), reduction="none")
    losses.sum().backward()
    assert losses.tolist() == [500.0, 0.0] and x.grad.tolist() == [-1.0, 0.0]


def test_empty_batches():
    empty = tg.zeros(0, 3)
    for name in ("multi_margin_loss", "multilabel_margin_loss"):
        target = empty.long() if "label" in name else tg.zeros(0).long()
        assert getattr(F, name)(empty, target, reduction="none").shape == (0,)
        assert getattr(F, name)(empty, target, reduction="sum").item() == 0


# ----- modules -----

MODULES = {
    "HingeEmbeddingLoss": ({"margin": 0.5}, (V, SIGNS)),
    "CosineEmbeddingLoss": ({"margin": 0.1, "reduction": "sum"}, (X, Y, SIGNS)),
    "MarginRankingLoss": ({"margin": 0.1}, (V, W, SIGNS)),
    "SoftMarginLoss": ({"reduction": "none"}, (V, SIGNS)),
    "MultiMarginLoss": ({"p": 2, "margin": 0.5}, (X, CLASSES)),
    "MultiLabelMarginLoss": ({"reduction": "sum"}, (X, LISTED)),
    "MultiLabelSoftMarginLoss": ({}, (X, LISTED % 2)),
    "TripletMarginLoss": ({"margin": 2.0, "p": 1.0, "swap": True}, (X, Y, Z)),
    "TripletMarginWithDistanceLoss": ({"margin": 2.0, "swap": True}, (X, Y, Z)),
    "PoissonNLLLoss": ({"full": True}, (V, COUNTS)),
    "GaussianNLLLoss": ({"full": True, "reduction": "sum"}, (X, Y, VARIANCE)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    torch = pytorch()
    options, values = MODULES[name]
    assert repr(getattr(nn, name)(**options)) == repr(getattr(torch.nn, name)(**options))
    agree(lambda lib, *args: getattr(lib.nn, name)(**options)(*args), *values, second=False)


def test_adaptive_softmax():
    torch = pytorch()
    tg.manual_seed(3)
    mine = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10, 15], div_value=2.0, head_bias=True)
    torch.manual_seed(3)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10, 15], 2.0, True)
    assert repr(mine) == repr(theirs)
    x, targets = numbers(6, 16).astype("float32"), np.array([0, 19, 4, 3, 12, 12])
    mine.load_state_dict({k: tg.as_tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    results = []
    for lib, module in ((tg, mine), (torch, theirs)):
        leaf = lib.tensor(x, requires_grad=True)
        output, loss = module(leaf, lib.tensor(targets))
        loss.backward()
        one = module(leaf[0], lib.tensor(targets)[0]).output
        grads = [p.grad for p in module.parameters()]
        parts = [output, loss, one, leaf.grad, module.log_prob(leaf), module.predict(leaf), *grads]
        results.append([part.numpy(force=True) for part in parts])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    probabilities = mine.log_prob(tg.tensor(x)).exp()
    assert tg.allclose(probabilities.sum(1), tg.ones(6))
    mine.reset_parameters()
    assert not tg.equal(mine.head.weight, tg.tensor(theirs.head.weight.detach().numpy()))


# ----- errors -----


def f(lib):
    return lib.nn.functional


REFUSED = {
    "hinge shape": (lambda t: f(t).hinge_embedding_loss(t.zeros(3), t.ones(4)), "size of tensor"),
    "cosine target": (lambda t: f(t).cosine_embedding_loss(t.zeros(2, 3), t.zeros(2, 3),
                                                           t.ones(2, 1)), "multi-target"),
    "cosine 0D": (lambda t: f(t).cosine_embedding_loss(t.zeros(2, 3), t.zeros(2, 3), t.ones(())),
                  "0D target tensor expects 1D input tensors, but found inputs with sizes [2, 3]"),
    "cosine 1D": (lambda t: f(t).cosine_embedding_loss(t.zeros(3), t.zeros(3), t.ones(1)),
                  "1D target tensor expects 2D input tensors"),
    "ranking": (lambda t: f(t).margin_ranking_loss(t.zeros(2), t.zeros(2), t.ones(2, 1)),
                "All input tensors should have same dimension but got sizes: input1: "),
    "soft margin shape": (lambda t: f(t).soft_margin_loss(t.zeros(2, 1), t.ones(3)),
                          "output with shape [2, 1] doesn't match the broadcast shape [2, 3]"),
    "soft margin integers": (lambda t: f(t).soft_margin_loss(t.zeros(2).long(), t.ones(2)),
                             "result type Float can't be cast to the desired output type Long"),
    "multi margin p": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3), t.zeros(2).long(), 3),
                       "only p == 1 and p == 2 supported"),
    "multi margin module p": (lambda t: t.nn.MultiMarginLoss(p=3), "only p == 1 and p == 2"),
    "multi margin module weight": (lambda t: t.nn.MultiMarginLoss(weight=t.ones(2, 2)),
                                   "expected weight to be None or 1D tensor, got 2D instead"),
    "multi margin weight": (lambda t: f(t).multi_margin_loss(
        t.zeros(2, 3), t.zeros(2).long(), weight=t.ones(3, 1)), "weight must be one-dimensional"),
    "multi margin weights": (lambda t: f(t).multi_margin_loss(
        t.zeros(2, 3), t.zeros(2).long(), weight=t.ones(2)),
        "inconsistent weight size, expected 3 but got [2]"),
    "multi margin dtype": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3), t.zeros(2)),
                           "expected scalar type Long but found Float"),
    "multi margin range": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3), t.tensor([0, 3])),
                           "target out of range"),
    "multi margin batch": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3), t.tensor([0])),
                           "Expected target size [2], but got [1]"),
    "multi margin shape": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3, 4), t.tensor([0, 1])),
                           "Expected non-empty vector or matrix"),
    "multi margin integers": (lambda t: f(t).multi_margin_loss(t.zeros(2, 3).long(),
                                                               t.zeros(2).long()),
                              "not implemented for"),
    "multilabel shape": (lambda t: f(t).multilabel_margin_loss(t.zeros(2, 3), t.zeros(1, 3).long()),
                         "inconsistent target size: [1, 3] for input of size: [2, 3]"),
    "multilabel range": (lambda t: f(t).multilabel_margin_loss(t.zeros(3), t.tensor([0, 3, 1])),
                         "argument #2 'target' is out of range"),
    "multilabel dtype": (lambda t: f(t).multilabel_margin_loss(t.zeros(3), t.zeros(3)),
                         "expected scalar type Long but found Float"),
    "multilabel soft": (lambda t: f(t).multilabel_soft_margin_loss(t.zeros(()), t.ones(())),
                        "dimension"),
    "triplet dims": (lambda t: f(t).triplet_margin_loss(t.zeros(2, 3), t.zeros(2, 3), t.zeros(3)),
                     "got: anchor 2D, positive 2D, and negative 1D inputs"),
    "triplet margin": (lambda t: f(t).triplet_margin_loss(*3 * [t.zeros(2, 3)], margin=0),
                       "margin must be greater than 0, got 0"),
    "triplet module": (lambda t: t.nn.TripletMarginLoss(margin=-1),
                       "TripletMarginLoss: expected margin to be greater than 0, got -1 instead"),
    "poisson reduction": (lambda t: f(t).poisson_nll_loss(t.zeros(2), t.ones(2), reduction="x"),
                          "x is not a valid value for reduction"),
    "gaussian negative": (lambda t: f(t).gaussian_nll_loss(t.zeros(2), t.ones(2), -t.ones(2)),
                          "var has negative entry/entries"),
    "gaussian number": (lambda t: f(t).gaussian_nll_loss(t.zeros(2), t.ones(2), -1.0),
                        "var has negative entry/entries"),
    "gaussian shape": (lambda t: f(t).gaussian_nll_loss(t.zeros(2, 3), t.ones(2, 3), t.ones(1, 1)),
                       "var is of incorrect size"),
    "huber": (lambda t: t.nn.HuberLoss(delta=1j), "delta must be a float or int, got: <class 'c"),
    "cutoffs": (lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, []), "length larger than 0"),
    "cutoffs order": (lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 1]),
                      "sequence of unique, positive integers sorted in an increasing order"),
    "adaptive target": (lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(
        t.zeros(1, 4), t.tensor([5])), "Target values should be in [0, 4]"),
    "adaptive shape": (lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(
        t.zeros(4), t.tensor([1, 2, 1, 0])), "1D target tensor expects 2D input tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])
