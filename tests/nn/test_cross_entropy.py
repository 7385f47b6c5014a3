"""Cross entropy and its relatives: by definition, by finite differences, against PyTorch."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

from .side_by_side import agree, differentiable, numbers, refused, same_on

REDUCTIONS = ["mean", "sum", "none"]
WEIGHT = np.array([0.5, 2.0, 1.0, 0.25])
WEIGHTED = list(itertools.product(REDUCTIONS, [None, WEIGHT]))
SMOOTH = list(itertools.product(REDUCTIONS, [None, WEIGHT], [0.0, 0.3]))

# shapes of scores and of targets
SHAPES = [((5, 4), (5,)), ((4,), ()), ((3, 4, 2), (3, 2)), ((2, 4, 3, 2), (2, 3, 2))]


def classes(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng([seed, *shape]).integers(0, 4, shape))


def cross_entropy(weight=None, **options):
    """A program: the loss of scores and targets, with a weight in their dtype."""

    def program(lib, input, target):
        own = None if weight is None else lib.tensor(weight, dtype=input.dtype)
        return lib.nn.functional.cross_entropy(input, target, weight=own, **options)

    return program


def nll_loss(weight=None, **options):
    def program(lib, input, target):
        own = None if weight is None else lib.tensor(weight, dtype=input.dtype)
        return lib.nn.functional.nll_loss(input, target, weight=own, **options)

    return program


# ----- cross entropy -----


def test_cross_entropy_by_definition():
    scores, targets = numbers(5, 4), [0, 3, 1, 1, 2]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    expected = -np.log(probabilities[range(5), targets])
    x, t = tg.tensor(scores, requires_grad=True), tg.tensor(targets)
    losses = F.cross_entropy(x, t, reduction="none")
    np.testing.assert_allclose(losses.numpy(force=True), expected, rtol=1e-13)
    loss = F.cross_entropy(x, t)
    np.testing.assert_allclose(loss.item(), expected.mean(), rtol=1e-13)
    loss.backward()
    one_hot = np.eye(4)[targets]
    np.testing.assert_allclose(x.grad.numpy(force=True), (probabilities - one_hot) / 5, atol=1e-15)


@pytest.mark.parametrize("options", SMOOTH)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_cross_entropy_of_indices(shapes, options):
    reduction, weight, smoothing = options
    scores, targets = numbers(*shapes[0]), classes(*shapes[1])
    named = {"reduction": reduction, "label_smoothing": smoothing}
    agree(cross_entropy(weight, **named), scores, targets)
    agree(cross_entropy(weight, ignore_index=1, **named), 40 * scores, targets, atol=1e-11)
    if targets.ndim:
        targets.flat[0] = -100
        agree(cross_entropy(weight, **named), scores, targets)


@pytest.mark.parametrize("options", SMOOTH)
@pytest.mark.parametrize("shape", [shapes[0] for shapes in SHAPES], ids=str)
def test_cross_entropy_of_probabilities(shape, options):
    reduction, weight, smoothing = options
    program = cross_entropy(weight, reduction=reduction, label_smoothing=smoothing)
    agree(program, numbers(*shape), numbers(*shape, low=0, high=1))


@pytest.mark.parametrize("options", WEIGHTED)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_nll_loss(shapes, options):
    reduction, weight = options
    values = numbers(*shapes[0]), classes(*shapes[1])
    agree(nll_loss(weight, reduction=reduction), *values)
    agree(nll_loss(weight, reduction=reduction, ignore_index=2), *values)


@pytest.mark.parametrize("program", [
    cross_entropy(), cross_entropy(WEIGHT, reduction="none"), cross_entropy(label_smoothing=0.2),
    cross_entropy(ignore_index=1), nll_loss(WEIGHT),
])  # fmt: skip
def test_gradients_are_those_of_finite_differences(program):
    differentiable(program, numbers(3, 4), np.array([1, 3, 0]))
    differentiable(program, numbers(2, 4, 2), np.array([[1, 3], [0, 2]]))


def test_third_derivatives_of_cross_entropy():
    def gradient_of_gradient(lib, x, t):
        (g,) = lib.autograd.grad(lib.nn.functional.cross_entropy(x, t), x, create_graph=True)
        return lib.autograd.grad((g**2).sum(), x, create_graph=True)[0]

    agree(gradient_of_gradient, numbers(3, 4), np.array([1, 3, 0]))


def test_log_softmax_and_nll_loss_are_cross_entropy():
    x, t = tg.as_tensor(numbers(5, 4)), tg.tensor([0, 3, 1, 1, 2])
    tg.testing.assert_close(F.nll_loss(F.log_softmax(x, dim=1), t), F.cross_entropy(x, t))


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
@pytest.mark.parametrize("scale", [1, 100, 1e4])
def test_any_size_of_scores(scale, dtype):
    """Rows are shifted where exp would overflow; the loss is a difference of scores there."""
    x = tg.tensor([[1.0, -1.0, 0.0]], dtype=dtype) * scale
    x.requires_grad_()
    loss = F.cross_entropy(x, tg.tensor([1]))
    loss.backward()
    assert loss.dtype is dtype and x.grad.dtype is dtype
    expected = math.log(sum(math.exp(s * scale) for s in (0, -2, -1))) + 2 * scale
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-3)
    np.testing.assert_allclose(x.grad.sum().item(), 0, atol=1e-3)


def test_scores_of_minus_infinity_are_impossible_classes():
    x = tg.tensor([[0.0, 0.0, -math.inf]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([0]))
    loss.backward()
    np.testing.assert_allclose(loss.item(), math.log(2), rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(force=True), [[-0.5, 0.5, 0.0]], atol=1e-6)
    assert F.cross_entropy(x, tg.tensor([2])).item() == math.inf
    assert math.isnan(F.cross_entropy(tg.full((1, 3), -math.inf), tg.tensor([0])).item())


def test_targets_of_one_byte():
    x, t = tg.as_tensor(numbers(5, 4)), tg.tensor([0, 3, 1, 1, 2])
    assert tg.equal(F.cross_entropy(x, t.byte()), F.cross_entropy(x, t))


def test_neither_scores_nor_targets_are_changed():
    scores, targets = numbers(5, 4, 2), classes(5, 2)
    targets[0, 0] = -100
    x, t = tg.tensor(scores, requires_grad=True), tg.tensor(targets)
    F.cross_entropy(x, t, label_smoothing=0.1).backward()
    F.cross_entropy(x, t).backward()
    assert (x.numpy(force=True) == scores).all() and (t.numpy(force=True) == targets).all()


@pytest.mark.cpu("a GPU keeps the targets apart; tests/autograd/test_misuse.py has it")
def test_a_target_changed_before_backward_is_noticed():
    x, t = tg.as_tensor(numbers(5, 4)).requires_grad_(), tg.tensor([0, 3, 1, 1, 2])
    loss = F.cross_entropy(x, t)
    t[0] = 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_scores_that_are_not_contiguous():
    x = numbers(4, 5)
    agree(lambda lib, x, t: lib.nn.functional.cross_entropy(x.t(), t), x, np.array([0, 3, 1, 1, 2]))
    agree(
        lambda lib, x, t: lib.nn.functional.cross_entropy(x[:, ::2], t),
        numbers(3, 8),
        np.array([0, 3, 1]),
    )


def test_an_empty_batch():
    x = tg.zeros(0, 3, requires_grad=True)
    assert math.isnan(F.cross_entropy(x, tg.zeros(0, dtype=tg.int64)).item())
    total = F.cross_entropy(x, tg.zeros(0, dtype=tg.int64), reduction="sum")
    total.backward()
    assert total.item() == 0 and x.grad.shape == (0, 3)


@pytest.mark.cpu("a GPU's host does not wait to know it")
@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])
def test_all_targets_ignored(function):
    x = tg.as_tensor(numbers(3, 4)).requires_grad_()
    ignored = tg.full((3,), -100)
    with pytest.warns(UserWarning, match="every target is ignore_index") as caught:
        loss = function(x, ignored)
    assert math.isnan(loss.item()) and caught[0].filename == __file__
    loss.backward()
    assert x.grad.tolist() == [[0.0] * 4] * 3
    total = function(x, ignored, reduction="sum")
    total.backward()
    assert total.item() == 0 and x.grad.tolist() == [[0.0] * 4] * 3


# ----- on every device -----

ON_DEVICES = {
    "indices": (cross_entropy(), numbers(5, 4), classes(5)),
    "large": (cross_entropy(), 100 * numbers(5, 4), classes(5)),
    "ignored": (cross_entropy(ignore_index=1), numbers(3, 4, 2), classes(3, 2)),
    "smooth": (cross_entropy(label_smoothing=0.1), numbers(5, 4), classes(5)),
    "probabilities": (cross_entropy(), numbers(5, 4), numbers(5, 4, low=0, high=1)),
    "nll": (nll_loss(reduction="sum"), numbers(5, 4), classes(5)),
}


@pytest.mark.parametrize("name", ON_DEVICES)
def test_on_every_device(name, device):
    same_on(device, *ON_DEVICES[name])


def test_weights_on_every_device(device):
    weight = tg.tensor(WEIGHT, dtype=tg.float32)
    criterion = nn.CrossEntropyLoss(weight, ignore_index=0).to(device)
    x, t = tg.tensor(numbers(5, 4), dtype=tg.float32), tg.tensor([0, 3, 1, 1, 2])
    expected = F.cross_entropy(x, t, weight, ignore_index=0)
    tg.testing.assert_close(criterion(x.to(device), t.to(device)).cpu(), expected)


# ----- errors -----


def ce(scores, targets, **options):
    """A program that makes its tensors."""

    def program(lib):
        x = lib.zeros(*scores)
        t = targets(lib) if callable(targets) else lib.tensor(targets)
        made = {k: v(lib) if callable(v) else v for k, v in options.items()}
        return lib.nn.functional.cross_entropy(x, t, **made)

    return program


REFUSED = {
    "int32": (ce((4, 3), lambda lib: lib.zeros(4, dtype=lib.int32)),
              "expected target dtype to be Long or Byte, but got "),
    "float": (ce((4, 3), [0.0, 1.0, 2.0, 0.0]),
              "expected target dtype to be Long or Byte, but got "),
    "outside": (ce((4, 3), [0, 1, 5, 0]), "Target 5 is out of bounds"),
    "below": (ce((4, 3), [0, 1, -1, 0]), "Target -1 is out of bounds"),
    "batch": (ce((4, 3), [0, 1, 2]),
              "Expected input batch_size (4) to match target batch_size (3)."),
    "layout": (ce((2, 5, 3), lambda lib: lib.zeros(2, 5).long()),
               "Expected target size [2, 3], got [2, 5]"),
    "flat": (ce((2, 5, 3), lambda lib: lib.zeros(10).long()),
             "Expected input batch_size (2) to match target batch_size (10)."),
    "column": (ce((4, 3), lambda lib: lib.zeros(4, 1).long()),
               "0D or 1D target tensor expected, multi-target not supported"),
    "long probabilities": (ce((4, 3), lambda lib: lib.zeros(4, 3).long()),
                           "Expected floating point type for target with class probabilities"),
    "scalar": (ce((4, 3), 1), "Expected input batch_size (4) to match target batch_size (0)."),
    "vector": (ce((3,), [0, 1]), "1D target must have size 1, but got target size: 2"),
    "weight": (ce((4, 3), [0, 1, 2, 0], weight=lambda lib: lib.ones(4)),
               "weight tensor should be defined either for all 3 classes or no classes but got "
               "weight tensor of shape: [4]"),
    "weight dtype": (ce((4, 3), [0, 1, 2, 0], weight=lambda lib: lib.ones(3).double()), "expected"),
    "weight grad": (ce((4, 3), [0, 1, 2, 0], weight=lambda lib: lib.ones(3, requires_grad=True)),
                    "not differentiable with respect to argument 'weight'"),
    "reduction": (ce((4, 3), [0, 1, 2, 0], reduction="avg"),
                  "avg is not a valid value for reduction"),
    "smoothing": (ce((4, 3), [0, 1, 2, 0], label_smoothing=1.5),
                  "label_smoothing must be between 0.0 and 1.0. Got: 1.5"),
    "ignore": (ce((4, 3), lambda lib: lib.ones(4, 3), ignore_index=1),
               "ignore_index is not supported for floating point target"),
    "list": (lambda lib: lib.nn.functional.cross_entropy(lib.zeros(4, 3), [0, 1, 2, 0]),
             "argument 'target'"),
    "nll": (lambda lib: lib.nn.functional.nll_loss(lib.zeros(4, 3), lib.tensor([0, 1, 5, 0])),
            "Target 5 is out of bounds"),
    "nll scalar": (lambda lib: lib.nn.functional.nll_loss(lib.zeros(()), lib.tensor(0)),
                   "Expected 1 or more dimensions (got 0)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_errors_that_help():
    wrong_layout = ce((2, 5, 3), lambda lib: lib.zeros(2, 5).long())
    refused(wrong_layout, "If the input [2, 5, 3] is (N, T, C), move the classes", RuntimeError)
    flat = ce((2, 5, 3), lambda lib: lib.zeros(10).long())
    refused(flat, "input.reshape(-1, C) with target.reshape(-1)", ValueError)
    refused(ce((4, 3), lambda lib: lib.zeros(4, 1).long()), "use target.squeeze(1)", RuntimeError)
    refused(ce((4, 3), [0, 1, 5, 0]), "there are 3 classes", IndexError)
    integer_scores = lambda lib: lib.nn.functional.cross_entropy(  # noqa: E731
        lib.zeros(2, 3).long(), lib.tensor([0, 1])
    )
    refused(integer_scores, "takes floating scores", NotImplementedError)


@pytest.mark.filterwarnings("ignore:every target is ignore_index")
@pytest.mark.parametrize("weight", [None, [0.5, 0.0, 2.0]])
@pytest.mark.parametrize("target", [[-100, -100], [-100, 2], [1, 2]])
def test_gradients_where_labels_are_ignored(target, weight, device):
    """Of a mean over none the value is nan, and all gradients are 0, on every device."""
    logits = numbers(2, 3)
    x = tg.tensor(logits, device=device, requires_grad=True)
    w = None if weight is None else tg.tensor(weight, dtype=x.dtype, device=device)
    loss = F.cross_entropy(x, tg.tensor(target, device=device), w)
    loss.backward()
    own = [1.0 if weight is None else weight[c] for c in target if c >= 0]
    assert math.isnan(loss.item()) == (not sum(own))
    rows = iter(own)
    expected = np.zeros((2, 3))
    for row, label in enumerate(target):
        if label >= 0 and sum(own):
            powers = np.exp(logits[row])
            expected[row] = (powers / powers.sum() - np.eye(3)[label]) * next(rows) / sum(own)
    np.testing.assert_allclose(x.grad.cpu().numpy(), expected, 1e-10, 1e-12)
