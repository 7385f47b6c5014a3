"""Creation, moves, copies, errors and waiting: what concerns devices more than operations."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

from .compare import same

pytestmark = pytest.mark.names_devices

X = [[1.5, -2.0, 0.0], [3.25, -0.5, 2.0]]

# ----- creation and random numbers -----


@pytest.mark.parametrize(
    "make",
    [
        lambda device: torch.zeros(2, 3, device=device),
        lambda device: torch.ones((2,), dtype=torch.int64, device=device),
        lambda device: torch.full((2, 2), 3.5, device=device),
        lambda device: torch.eye(2, 3, device=device),
        lambda device: torch.arange(5, device=device),
        lambda device: torch.arange(0.0, 1.0, 0.25, device=device),
        lambda device: torch.linspace(0, 1, 5, device=device),
        lambda device: torch.logspace(0, 2, 3, device=device),
        lambda device: torch.scalar_tensor(3, device=device),
        lambda device: torch.tensor([[1, 2], [3, 4]], device=device),
        lambda device: torch.tensor(2.5, device=device, requires_grad=True),
        lambda device: torch.as_tensor(np.arange(3), device=device),
        lambda device: torch.zeros_like(torch.ones(2, device=device)),
        lambda device: torch.full_like(torch.ones(2, device=device), 7),
        lambda device: torch.ones(2, device=device).new_zeros(3),
        lambda device: torch.ones(2, device=device).new_full((2,), 4),
        lambda device: torch.ones(2, device=device).new_tensor([1, 2]),
        lambda device: torch.rand(3, 4, device=device),
        lambda device: torch.randn(40, device=device, dtype=torch.float64),
        lambda device: torch.randint(10, (5,), device=device),
        lambda device: torch.randperm(7, device=device),
        lambda device: torch.normal(1.0, 2.0, (4,), device=device),
        lambda device: torch.normal(torch.zeros(20, device=device), 2.0),
        lambda device: torch.rand_like(torch.ones(3, device=device)),
        lambda device: torch.randn_like(torch.ones(30, device=device)),
        lambda device: torch.randint_like(torch.ones(3, device=device), 5),
        lambda device: torch.bernoulli(torch.full((9,), 0.4, device=device)),
        lambda device: torch.multinomial(torch.arange(6.0, device=device), 3),
        lambda device: torch.multinomial(torch.ones(2, 6, device=device), 9, replacement=True),
    ],
)
def test_creation_and_random_numbers(make: Callable[[str], Any]):
    torch.manual_seed(5)
    expected = make("cpu")
    torch.manual_seed(5)
    same(make("cuda"), expected)


def test_empty_tensors():
    assert torch.empty(2, 3, device="cuda").shape == (2, 3)
    assert torch.empty_like(torch.ones(2, device="cuda")).is_cuda


# ----- between devices -----


def test_moves():
    x = torch.tensor(X)
    y = x.to("cuda")
    assert y.is_cuda and y.device == torch.device("cuda:0") and y.get_device() == 0
    assert str(y.device) == "cuda:0" and y.type() == "torch.cuda.FloatTensor"
    assert y.to("cuda") is y and y.cuda() is y and y.to(y.device) is y
    assert y.cpu().device == torch.device("cpu") and torch.equal(y.cpu(), x)
    assert x.cuda().to("cpu", torch.float64).dtype is torch.float64
    assert x.to(y).is_cuda and y.type_as(x.double()).dtype is torch.float64
    assert x.type(torch.cuda.FloatTensor).is_cuda and y.type(torch.FloatTensor).is_cpu
    assert isinstance(y, torch.cuda.FloatTensor) and not isinstance(y, torch.FloatTensor)
    assert torch.cuda.LongTensor([1, 2]).device == y.device
    y[0, 0] = 99
    assert x[0, 0].item() == 1.5


def test_gradients_come_back_to_the_device_of_the_leaf():
    x = torch.tensor(X, requires_grad=True)
    y = x.to("cuda")
    assert y.requires_grad and y.grad_fn.name() == "ToDeviceBackward0"
    loss = (y * y * y).sum()
    (g,) = torch.autograd.grad(loss, x, create_graph=True)
    assert g.device == x.device and torch.equal(g, 3 * x * x)
    g.sum().backward()
    assert x.grad is not None and torch.equal(x.grad, 6 * x)
    leaf = torch.tensor(X, device="cuda", requires_grad=True)
    leaf.cpu().exp().sum().backward()
    assert leaf.grad is not None and leaf.grad.is_cuda
    same(leaf.grad, torch.tensor(X).exp())


@pytest.mark.parametrize("order", ["cpu first", "cuda first"])
@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: a + b,
        lambda a, b: a @ b.T,
        lambda a, b: torch.where(a > 0, a, b),
        lambda a, b: torch.cat([a, b]),
        lambda a, b: torch.stack([a, b]),
        lambda a, b: torch.maximum(a, b),
        lambda a, b: a < b,
        lambda a, b: a.add_(b),
        lambda a, b: torch.einsum("ij,ij->i", a, b),
        lambda a, b: a.gather(0, b.long() * 0),
        lambda a, b: a.scatter_add(0, a.long() * 0, b),
        lambda a, b: F.linear(a, b),
        lambda a, b: a.masked_fill(b > 0, 1),
        lambda a, b: a.index_select(0, b[0].long() * 0),
        lambda a, b: a.index_add(0, a[0, :2].long() * 0, b),
    ],
)
def test_mixing_devices_raises_and_names_both(call: Callable[..., Any], order: str):
    here, there = torch.tensor(X), torch.tensor(X, device="cuda")
    pair = (here, there) if order == "cpu first" else (there, here)
    with pytest.raises(RuntimeError, match="same device") as caught:
        call(*pair)
    assert "cpu" in str(caught.value) and "cuda:0" in str(caught.value)


def test_a_number_on_the_cpu_may_meet_tensors_on_the_gpu():
    x = torch.tensor(X, device="cuda", requires_grad=True)
    scale = torch.tensor(2.0, requires_grad=True)
    same([x * scale, scale - x, x + torch.tensor(1)], [
        torch.tensor(X, requires_grad=True) * 2,
        2 - torch.tensor(X, requires_grad=True),
        torch.tensor(X, requires_grad=True) + 1,
    ])  # fmt: skip
    (x * scale).sum().backward()
    assert scale.grad is not None and scale.grad.device == torch.device("cpu")
    assert scale.grad.item() == np.array(X).sum()


def test_indices_on_the_cpu_may_be_used_on_the_gpu():
    x = torch.tensor(X, device="cuda")
    same(x[torch.tensor([1, 0])], torch.tensor(X)[[1, 0]])
    same(x[torch.tensor(X) > 0], torch.tensor(X)[torch.tensor(X) > 0])
    with pytest.raises(RuntimeError, match=r"either on cpu or on the same device .*cuda:0"):
        torch.tensor(X)[torch.tensor([1], device="cuda")]


def test_values_for_the_host():
    x = torch.tensor(X, device="cuda", requires_grad=True)
    assert x[1, 0].item() == 3.25 and x.tolist() == X
    with pytest.raises(TypeError, match=r"can't convert cuda:0 .* Use Tensor.cpu\(\)"):
        x.detach().numpy()
    with pytest.raises(TypeError, match=r"Use Tensor.cpu\(\)"):
        np.asarray(x.detach())
    assert x.numpy(force=True).tolist() == X
    assert x.detach().cpu().numpy().tolist() == X
    assert f"{x[0, 0]:.2f}" == "1.50"


def test_repr_says_where():
    assert repr(torch.tensor([1.0, 2.0], device="cuda")) == "tensor([1., 2.], device='cuda:0')"
    x = torch.ones(1, device="cuda", requires_grad=True)
    assert repr(x) == "tensor([1.], device='cuda:0', requires_grad=True)"
    assert repr(x * 2) == "tensor([2.], device='cuda:0', grad_fn=<MulBackward0>)"


def test_copies_and_files():
    x = torch.tensor(X, device="cuda", requires_grad=True)
    x.sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad and twin.data_ptr() != x.data_ptr()
    same([twin.detach(), twin.grad], [torch.tensor(X), torch.ones(2, 3)])
    loaded = pickle.load(io.BytesIO(pickle.dumps(x)))
    assert loaded.requires_grad and loaded.device == x.device
    same(loaded.detach(), torch.tensor(X))


def test_dlpack_shares_memory():
    x = torch.tensor(X, device="cuda")
    assert tuple(x.__dlpack_device__()) == (2, 0)
    y = torch.from_dlpack(x)
    assert y.device == x.device and y.data_ptr() == x.data_ptr()
    y[0, 0] = 42
    assert x[0, 0].item() == 42
    with pytest.raises(BufferError, match="require gradient"):
        torch.from_dlpack(torch.ones(1, device="cuda", requires_grad=True))


# ----- errors -----


def test_positions_are_checked_although_a_gpu_would_wrap_them_around():
    x = torch.tensor(X, device="cuda")
    for call in (lambda: x[2], lambda: x[0, -4]):  # numbers of the host; see test_checks for others
        with pytest.raises(IndexError, match="out of bounds for dimension"):
            call()


def test_an_expanded_tensor_can_not_be_written(device: str):
    x = torch.ones(1, 3, device=device).expand(2, 3)
    with pytest.raises(RuntimeError, match=r"more than one element .* clone"):
        x.add_(1)
    with pytest.raises(RuntimeError, match=r"more than one element .* clone"):
        x[0] = 1


def test_shapes_that_do_not_fit_say_so(device: str):
    x = torch.ones(2, 3, device=device)
    with pytest.raises(RuntimeError, match=r"size of tensor a \(3\) must match .* b \(2\)"):
        x + torch.ones(2, device=device)


def test_changes_of_saved_values_are_noticed(device: str):
    x = torch.ones(3, device=device, requires_grad=True)
    for change in (lambda y: y.mul_(2), lambda y: y[1:].mul_(2), lambda y: y.detach().zero_()):
        y = (x * 1).tanh()
        loss = (y * y).sum()
        change(y)  # a view shares its base's counter
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


# ----- the device keeps working -----


def _step(device: str) -> tuple[list[Any], Callable[[], Any]]:
    """A small recurrent network, and one step of its training."""
    generator = torch.Generator().manual_seed(1)
    shapes = ((4, 5), (5, 5), (5,), (5, 3))
    weights = [torch.randn(*s, generator=generator).to(device).requires_grad_() for s in shapes]
    x = torch.randn(6, 2, 4, generator=generator).to(device)
    target = torch.eye(3, device=device)[:2]
    w_in, w_state, bias, w_out = weights

    def step() -> Any:
        state = torch.zeros(2, 5, device=device)
        for x_t in x.unbind(0):
            state = torch.tanh(x_t @ w_in + state @ w_state + bias)
        logits = torch.cat([state @ w_out, state[:, :1]], 1)[:, :3]
        loss = -(logits.log_softmax(1) * target).sum(1).mean() + 1e-3 * w_out.norm()
        loss.backward()
        norm = torch.stack([w.grad.norm() for w in weights]).norm()
        scale = torch.clamp(1.0 / (norm + 1e-6), max=1.0)
        with torch.no_grad():
            for w in weights:
                w.sub_(w.grad * scale, alpha=0.1)
                w.grad.zero_()
        return loss.detach()

    return weights, step


def test_a_training_step_never_waits_for_the_device(no_sync: Callable[[], Any]):
    weights, step = _step("cuda")
    expected, step_on_cpu = _step("cpu")
    step()  # a GPU's kernels are compiled when they are first used
    with no_sync():
        loss = step()
    step_on_cpu()
    same([loss, *weights], [step_on_cpu(), *expected])


def _layers_step(cell: Any, algorithm: Any, device: str) -> tuple[list[Any], Callable[[], None]]:
    torch.manual_seed(2)
    layer, head = cell(3, 4, num_layers=2, bidirectional=True), nn.Linear(8, 2)
    x, y = torch.randn(5, 2, 3).to(device), torch.randn(5, 2, 2).to(device)
    weights = [*layer.to(device).parameters(), *head.to(device).parameters()]
    optimizer = algorithm(weights, lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        F.mse_loss(head(layer(x)[0]), y).backward()
        nn.utils.clip_grad_norm_(weights, 0.5)
        optimizer.step()

    return weights, step


@pytest.mark.parametrize("algorithm", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
def test_training_layers_never_waits(cell: Any, algorithm: Any, no_sync: Callable[[], Any]):
    weights, step = _layers_step(cell, algorithm, "cuda")
    step()
    with no_sync():
        step()
    expected, step_on_cpu = _layers_step(cell, algorithm, "cpu")
    step_on_cpu()
    step_on_cpu()
    same(weights, expected)


def test_indexing_does_not_wait(no_sync: Callable[[], Any]):
    x = torch.tensor(X, device="cuda")
    index = torch.tensor([1, 0], device="cuda")
    with no_sync():
        x[index], x.gather(0, index[None]), x.index_select(1, index)
        x[0], x[:, 1:], x[..., None], x.mean(0).unsqueeze(1)
        x[0] = 3
        x.masked_fill_(x > 0, 1.0)
        torch.where(x > 0, x, 0.0)
        x.max(1), x.cummax(1), F.pad(x, (1, 1), "reflect")
