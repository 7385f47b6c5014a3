"""The gradient of a matrix that is used many times is one product; it must be the sum of many."""

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.autograd import products

pytestmark = pytest.mark.usefixtures("default_device")

USES = {
    "matmul": lambda x, w: x @ w,
    "mm": torch.mm,
    "linear": lambda x, w: torch.nn.functional.linear(x, w.t()),
    "linear, transposed": lambda x, w: torch.nn.functional.linear(x, w),
    "einsum": lambda x, w: torch.einsum("bi,ij->bj", x, w),
    "addmm": lambda x, w: torch.addmm(x, x, w, beta=2.0, alpha=0.5),
}


def steps(use, w, x, count):
    h = x
    for _ in range(count):
        h = use(h, w).tanh()
    return h


def expected(use, w, x, count):
    """The gradient from one copy of the matrix per step, each used once."""
    copies = [w.detach().clone().requires_grad_() for _ in range(count)]
    h = x
    for copy in copies:
        h = use(h, copy).tanh()
    return sum(torch.autograd.grad(h.sum(), copies))


@pytest.fixture(params=[2048, 7])
def rows(request, monkeypatch):
    """How many rows are collected: all, and few enough for several products."""
    monkeypatch.setattr(products, "ROWS", request.param)


@pytest.fixture
def values():
    return (torch.randn(4, 4, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_the_sum_of_all_steps(use, count, rows, values):
    w, x = values
    w.requires_grad_()
    loss = steps(use, w, x, count).sum()
    for _ in range(2):  # products leave nothing behind
        w.grad = None
        loss.backward(retain_graph=True)
        torch.testing.assert_close(w.grad, expected(use, w, x, count), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("first", [True, False])
def test_beside_other_gradients(first, rows, values):
    """Products and arrays meet in either order."""
    w, x = values
    w.requires_grad_()
    early = (w * 3).sum() if first else 0
    h = steps(USES["matmul"], w, x, 3)
    (g,) = torch.autograd.grad(h.sum() + early + (0 if first else (w * 3).sum()), w)
    torch.testing.assert_close(g, expected(USES["matmul"], w, x, 3) + 3)


def test_for_one_of_several_outputs(rows, values):
    w, x = values
    w.requires_grad_()
    a, b = (w * 1).chunk(2, 1)
    (g,) = torch.autograd.grad(((x @ a).tanh() @ b.t() + x @ a @ a.t()).sum(), w)
    a, b = (part.detach().clone().requires_grad_() for part in w.chunk(2, 1))
    parts = torch.autograd.grad(((x @ a).tanh() @ b.t() + x @ a @ a.t()).sum(), (a, b))
    torch.testing.assert_close(g, torch.cat(parts, 1))


def test_hooks_and_anomaly_mode_see_arrays(values):
    w, x = values
    w.requires_grad_()
    seen = []
    w.register_hook(lambda g: seen.append(g.clone()))
    y = x @ w
    y.grad_fn.register_hook(lambda out, _: seen.append(out[1]))
    with torch.autograd.set_detect_anomaly(True):
        (y.tanh() + (x @ w)).sum().backward()
    node, whole = seen
    torch.testing.assert_close(whole, w.grad)
    assert node.shape == w.shape


def test_second_order(values):
    w, x = values
    w.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda w: steps(USES["matmul"], w, x, 2), (w,))
