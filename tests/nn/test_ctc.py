"""Connectionist temporal classification against all alignments written out, and PyTorch's."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn import functional as F

from .side_by_side import agree, numbers, pytorch, refused, same_on


def log_probs(*shape, seed=0):
    return tg.as_tensor(numbers(*shape, seed=seed)).log_softmax(-1)


def collapsed(path, blank):
    """What a path of classes means: repeated ones once, blanks not at all."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def by_enumeration(scores, labels, blank):
    """-log of the summed probabilities of all paths that mean the labels."""
    steps, classes = scores.shape
    total = sum(
        math.exp(sum(scores[t, c] for t, c in enumerate(path)))
        for path in itertools.product(range(classes), repeat=steps)
        if collapsed(path, blank) == labels
    )
    return -math.log(total) if total else math.inf


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [[], [1], [1, 1], [1, 3], [1, 3, 1], [3, 3, 3], [1, 1, 1, 1]])
def test_all_alignments(labels, blank, device):
    scores = log_probs(5, 4)
    loss = F.ctc_loss(
        scores.to(device), tg.tensor(labels, dtype=tg.int64, device=device), 5, len(labels), blank,
        reduction="sum",
    )  # fmt: skip
    assert loss.item() == pytest.approx(
        by_enumeration(scores.numpy(force=True), labels, blank), rel=1e-12
    )


TARGETS = np.array([[1, 1, 2], [3, 2, 1], [2, 0, 0], [1, 2, 3]])
COUNTS, STEPS = [3, 2, 1, 0], [7, 5, 6, 4]


def program(padded=True, lengths=list, **options):
    def call(lib, x, targets):
        if not padded:
            targets = lib.cat([row[:n] for row, n in zip(targets, COUNTS, strict=True)])
        steps, counts = (lengths(n) if lengths in (list, tuple) else lib.tensor(n)
                         for n in (STEPS, COUNTS))  # fmt: skip
        return lib.nn.functional.ctc_loss(x.log_softmax(2), targets, steps, counts, **options)

    return call


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reduction": "sum"},
        {"reduction": "none"},
        {"padded": False},
        {"lengths": tuple},
        {"lengths": "tensor"},
        {"blank": 4, "reduction": "sum"},
    ],
)
def test_next_to_pytorch(options, device):
    values = numbers(7, 4, 5), TARGETS
    agree(program(**options), *values, second=False)
    same_on(device, program(**options), *values)


def test_gradients_of_the_logarithms_themselves():
    """Without log_softmax PyTorch's gradient is not the derivative, and so is ours."""

    def call(lib, x):
        labels = lib.tensor([[1, 2]])
        return lib.nn.functional.ctc_loss(x, labels, [4], [2], reduction="none")

    agree(call, log_probs(5, 1, 3).numpy(force=True), second=False)


@pytest.mark.parametrize("zero", [False, True])
def test_impossible_alignments(zero):
    """Three labels do not fit one step; no labels and no steps fit each other."""

    def call(lib, x):
        targets = lib.tensor([[1, 2, 1], [1, 2, 1], [1, 2, 1]])
        losses = lib.nn.functional.ctc_loss(
            x, targets, [1, 5, 0], [3, 3, 0], reduction="none", zero_infinity=zero
        )
        return losses

    torch = pytorch()
    values = log_probs(5, 3, 3).numpy(force=True)
    mine, theirs = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    losses, expected = call(tg, mine), call(torch, theirs)
    losses.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(losses.numpy(force=True), expected.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(
        mine.grad.numpy(force=True), theirs.grad.numpy(), rtol=1e-10, atol=1e-14
    )


def test_a_long_sequence_and_half_precision():
    targets = tg.randint(1, 30, (2, 60))
    x = log_probs(300, 2, 30).float()
    loss = F.ctc_loss(x, targets, [300, 250], [60, 40], reduction="none")
    exact = F.ctc_loss(x.double(), targets, [300, 250], [60, 40], reduction="none")
    assert tg.allclose(loss.double(), exact, rtol=1e-5)
    half = F.ctc_loss(x.half(), targets, [300, 250], [60, 40], reduction="none")
    assert half.dtype is tg.float16 and tg.allclose(half.double(), exact, rtol=1e-2)


def test_unbatched():
    x, targets = log_probs(5, 4), tg.tensor([1, 2])
    batched = F.ctc_loss(x.unsqueeze(1), targets.unsqueeze(0), [5], [2], reduction="none")
    for steps, count in ((5, 2), (tg.tensor(5), tg.tensor(2)), ([5], (2,))):
        loss = F.ctc_loss(x, targets, steps, count, reduction="none")
        assert loss.shape == () and tg.equal(loss, batched[0])


def call(**changes):
    def program(lib):
        given = {"log_probs": lib.zeros(5, 2, 4), "targets": lib.tensor([[1, 2], [3, 1]]),
                 "input_lengths": [5, 5], "target_lengths": [2, 2]}  # fmt: skip
        changed = {k: v(lib) if callable(v) else v for k, v in changes.items()}
        return lib.nn.functional.ctc_loss(**(given | changed))

    return program


REFUSED = {
    "long input": (call(input_lengths=[6, 5]), "to have value at most 5, but got value 6"),
    "negative input": (call(input_lengths=[-1, 5]), "to have value at least 0, but got value -1"),
    "negative target": (call(target_lengths=[-2, 2]), "to have value at least 0, but got value -2"),
    "long target": (call(target_lengths=[3, 2]), "size at least 3 at dimension 1, but got size 2"),
    "number": (call(input_lengths=[5]), "input_lengths must be of size batch_size"),
    "number of targets": (call(target_lengths=[2]), "target_lengths must be of size batch_size"),
    "fractions": (call(input_lengths=lambda t: t.ones(2), target_lengths=lambda t: t.ones(2)),
                  "input_lengths must be integral"),
    "flat targets": (call(targets=lambda t: t.tensor([1, 2, 3])),
                     "to have size 4 at dimension 0, but got size 3"),
    "batch": (call(targets=lambda t: t.tensor([[1, 2]])), "to have size 2 at dimension 0"),
    "3-d targets": (call(targets=lambda t: t.ones(1, 2, 2).long()), "Expected 1 to 2 dimensions"),
    "blank": (call(blank=4), "blank must be in label range"),
    "no steps": (call(log_probs=lambda t: t.zeros(0, 2, 4), input_lengths=[0, 0]),
                 "log_probs tensor must not be empty"),
    "integers": (call(log_probs=lambda t: t.zeros(5, 2, 4).long()), "not implemented for"),
    "one dimension": (call(log_probs=lambda t: t.zeros(4)), "Expected 3-dimensional tensor"),
    "reduction": (call(reduction="x"), "x is not a valid value for reduction"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_labels_that_are_no_classes():
    """PyTorch reads past the end of the memory here."""
    for wrong in (4, -1):
        program = call(targets=lambda t, wrong=wrong: t.tensor([[1, 2], [wrong, 1]]))
        with pytest.raises(RuntimeError, match=f"targets: {wrong} is out of range: there are 4"):
            program(tg)
    F.ctc_loss(tg.zeros(5, 2, 4), tg.tensor([[1, 2], [1, -1]]), [5, 5], [2, 1])  # behind the end
