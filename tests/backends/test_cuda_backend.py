"""Tensors on a GPU (or its stand-in): the same results as on the CPU, and errors that help.

Everything is computed on both devices, and must be equal to rounding.
"""

from __future__ import annotations

import copy
import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import backends, nn, optim
from tinygrad_rnn.backends import cupy_backend, numpy_backend
from tinygrad_rnn.backends.protocol import Backend
from tinygrad_rnn.nn import functional as F

from ..autograd import samples
from ..conftest import HAS_GPU, STANDIN


def same(result: Any, expected: Any) -> None:
    """Assert that a result on the GPU is the CPU's."""
    if isinstance(expected, list | tuple):
        assert len(result) == len(expected)
        for got, wanted in zip(result, expected, strict=True):
            same(got, wanted)
    elif isinstance(expected, torch.Tensor):
        assert result.is_cuda and not expected.is_cuda
        assert result.dtype is expected.dtype and result.shape == expected.shape
        assert result.requires_grad == expected.requires_grad
        got, wanted = result.detach().cpu().numpy(), expected.detach().numpy()
        rounding = np.finfo(wanted.dtype).eps if wanted.dtype.kind == "f" else 0
        tolerance = rounding * (1000 if HAS_GPU else 16)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    else:
        assert result == expected


# ----- the samples of the gradient tests, with their gradients -----


def _results(sample: samples.Sample, device: str, patch: pytest.MonkeyPatch) -> list[Any]:
    """The outputs, their gradients, and the gradients of those."""
    patch.setattr(torch, "tensor", functools.partial(torch.tensor, device=device))
    for name in ("MASK", "PAIRS", "INDEX"):  # the samples' constants
        patch.setattr(samples, name, getattr(samples, name).to(device))
    generator = torch.Generator().manual_seed(7)
    inputs = []
    for shape in sample.shapes:
        x = torch.rand(*shape, generator=generator, dtype=torch.float64)
        inputs.append((x * (sample.high - sample.low) + sample.low).to(device).requires_grad_())
    result = sample.call(*inputs)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    starts = [torch.ones_like(y) for y in outputs]
    first = torch.autograd.grad(outputs, inputs, starts, create_graph=True)
    roots = [g for g in first if g.requires_grad]
    starts = [torch.ones_like(g) for g in roots]
    second = torch.autograd.grad(roots, inputs, starts, allow_unused=True) if roots else []
    return [*outputs, *first, *(g for g in second if g is not None)]


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda s: s.name)
def test_samples_and_their_gradients(sample: samples.Sample):
    with pytest.MonkeyPatch.context() as patch:
        expected = _results(sample, "cpu", patch)
    with pytest.MonkeyPatch.context() as patch:
        same(_results(sample, "cuda", patch), expected)


# ----- what has no gradient, and other dtypes -----

X = [[1.5, -2.0, 0.0], [3.25, -0.5, 2.0]]
N = [[5, -3, 0], [2, 2, 7]]

CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {  # of floats x, integers n and bools m
    "comparisons": lambda x, n, m: [x == 0, x != n, x < 1, n <= 2, x > n, n <= 1],
    "equal": lambda x, n, m: [torch.equal(x, x + 0), torch.equal(x, x + 1), torch.equal(x, x[0])],
    "allclose": lambda x, n, m: [torch.allclose(x, x + 1e-9), x.isclose(x + 1, equal_nan=True)],
    "special values": lambda x, n, m: [(x / 0).isnan(), (x / 0).isinf(), (x / 0).isfinite()],
    "nan_to_num": lambda x, n, m: torch.nan_to_num(x / 0, 1.0, 2.0, 3.0),
    "logic": lambda x, n, m: [m.logical_not(), x.logical_and(m), n.logical_or(m), x.logical_xor(m)],
    "bits": lambda x, n, m: [n & 6, n | 1, n ^ 3, ~n, m & ~m, m | True, m ^ m],
    "signbit": lambda x, n, m: [x.signbit(), n.signbit(), (x * -0.0).signbit()],
    "integer arithmetic": lambda x, n, m: [n + 1, 1 - n, n * n, n / 2, n // 2, n % 3, -n, n**2],
    "integer division": lambda x, n, m: [
        torch.div(n, 2, rounding_mode="trunc"), torch.div(n, n * n + 1, rounding_mode="floor"),
        torch.fmod(n, 3), torch.remainder(n, n * n + 1),
    ],
    "float division": lambda x, n, m: [
        torch.div(x, 2, rounding_mode="trunc"), x // 2, x % 2, torch.fmod(x, -2),
    ],
    "promotion": lambda x, n, m: [n + x, n + 1.5, m + m, m + 1, m * 1.5, x.half() + n, n.int() + n],
    "rounding of integers": lambda x, n, m: [n.floor(), n.ceil(), n.trunc(), n.round(), n.sign()],
    "rounding": lambda x, n, m: [x.round(decimals=1), x.frac(), m.sign()],
    "casts": lambda x, n, m: [x.long(), x.bool(), n.float(), m.int(), n.byte(), x.half()],
    "functions of integers": lambda x, n, m: [n.abs(), n.exp(), n.sigmoid(), n.relu(), m.sin()],
    "sums": lambda x, n, m: [n.sum(), m.sum(0), n.prod(1), n.cumsum(0), n.cumprod(1), m.cumsum(1)],
    "sum dtypes": lambda x, n, m: [n.sum(dtype=torch.float32), x.half().sum(), x.sum(())],
    "statistics": lambda x, n, m: [x.mean(), x.var(0, unbiased=False), torch.std_mean(x, 1)],
    "all and any": lambda x, n, m: [m.all(), m.any(1), n.all(0, keepdim=True), n.byte().any()],
    "count_nonzero": lambda x, n, m: [n.count_nonzero(), m.count_nonzero(1)],
    "extremes": lambda x, n, m: [n.max(), x.min(), n.amax(0), x.aminmax(), x.max(n)],
    "extremes along": lambda x, n, m: [n.max(1), x.min(0, keepdim=True), n[:, 0].max(0)],
    "arg extremes": lambda x, n, m: [n.argmax(), x.argmin(1), n.argmax(0, keepdim=True)],
    "orders": lambda x, n, m: [n.sort(1, descending=True), x.argsort(0), n.topk(2), x.median(1)],
    "kthvalue": lambda x, n, m: [n.kthvalue(2, 0), x.kthvalue(1, keepdim=True), x.median()],
    "unique": lambda x, n, m: torch.unique(n, return_inverse=True, return_counts=True),
    "bincount": lambda x, n, m: [
        (n * n).ravel().bincount(), (n * n).ravel().bincount(x.ravel(), 99),
    ],
    "norms": lambda x, n, m: [x.norm(), x.norm(0), x.norm(1, 0), x.norm(float("inf"))],
    "softmax": lambda x, n, m: [x.softmax(0), x.log_softmax(1), x.half().softmax(1)],
    "empty softmax": lambda x, n, m: [x[:0].softmax(1), x[:0].logsumexp(1), x[:0].sum()],
    "where": lambda x, n, m: [torch.where(m, x, 0), torch.where(m, 1, 2.5), torch.where(m)],
    "clamps": lambda x, n, m: [n.clamp(0, 3), n.clamp(max=1.5), x.clamp(min=0), x.clamp(n, n + 1)],
    "masks": lambda x, n, m: [x.masked_fill(m, 9), x.masked_select(m), x[m], x[~m[:, 0]]],
    "masks of size 0": lambda x, n, m: [x[m & ~m], x[:0][m[:0]]],
    "nonzero": lambda x, n, m: [n.nonzero(), m.nonzero(as_tuple=True), torch.argwhere(x[0])],
    "indices": lambda x, n, m: [
        x[0], x[-1, ::2], x[..., None], x[[1, 0]], x[:, n[1] % 3], x[n % 2, n % 3], x[1, 2],
        x[n[0, 2]], x[True], x[None, 0, ..., 1],
    ],
    "gathering": lambda x, n, m: [
        x.gather(1, n % 3), x.scatter(1, n % 3, 5.0), x.take_along_dim(n[:1] % 2, 0),
        x.index_select(1, n[1] % 3), x.index_fill(0, n[0, 2:], 4.0), torch.take_along_dim(x, n % 6),
    ],
    "adding integers at indices": lambda x, n, m: [
        y.scatter_add(1, n % 3, y + y) for y in (n, n.int(), n.short(), n.char(), n.byte(), m)
    ],
    "adding at indices": lambda x, n, m: [
        n.index_add(0, n[1, :1] % 2, n[:1]), n.index_put((n[0] % 2,), n[:1, :1], accumulate=True),
        n.index_put((n[0] % 2,), torch.tensor(-1), accumulate=True),
        x.half().index_add(1, n[1] % 3, x.half(), alpha=2), x.scatter(1, n % 3, 2.0, reduce="add"),
        x.scatter(1, n % 3, x, reduce="add"),
    ],
    "one_hot": lambda x, n, m: [
        F.one_hot(n * n), F.one_hot(n * n, 50),
    ],
    "joining": lambda x, n, m: [
        torch.cat([x, n]), torch.stack([n, n], 1), torch.hstack([x, x]), torch.vstack([n, n[0]]),
        torch.cat([x, torch.empty(0, device=x.device)]), torch.meshgrid(n[0], n[1], indexing="xy"),
    ],
    "parting": lambda x, n, m: [x.split(2, 1), n.chunk(2), m.unbind(1), x.narrow(1, 1, 2)],
    "rearranging": lambda x, n, m: [x.flip(0), n.roll(1), n.roll((1, 2), (0, 1)), m.triu(1)],
    "repeating": lambda x, n, m: [x.repeat(2, 1), n.tile(2), x.expand(2, -1, 3), n[:, None] + n],
    "shapes": lambda x, n, m: [
        x.T, x.mT, x.flatten(), x.unflatten(1, (3, 1)), x.squeeze(), x.unsqueeze(-1), x.view(3, 2),
        x.movedim(0, 1), x.t().reshape(-1), x.t().contiguous(), x.diagonal(), x[0].diag(1),
    ],
    "products": lambda x, n, m: [
        x @ x.T, n @ n.T, x.mv(x[0]), x[0] @ x[1], torch.outer(x[0], n[0].float()), x.inner(x),
        torch.bmm(x[None], x.T[None]), torch.einsum("ij,kj->ik", x, x), torch.tensordot(n, n.T, 1),
        F.linear(x, x, x[:, 0]),
    ],
    "shifts": lambda x, n, m: [n << 2, n >> 1, n << n.abs()],
    "smaller and larger": lambda x, n, m: [
        torch.fmax(x, x / 0), torch.fmin(x, n), x.clamp_min(0), x.clamp_max(1), n.bool() | m,
    ],
    "sums with nan": lambda x, n, m: [torch.nanmean(x / x, 1), (0 / x).nansum(0)],
    "cumulative": lambda x, n, m: [x.cummax(1), n.cummin(0), x.logcumsumexp(1), n.diff(), x.diff()],
    "membership": lambda x, n, m: [
        torch.isin(n, n[0]), torch.bucketize(x, x[0].sort().values), torch.histc(x, 4, -3.0, 4.0),
        torch.searchsorted(n[0].sort().values, n), n.ravel().unique_consecutive(),
    ],
    "quantiles": lambda x, n, m: [
        torch.quantile(x, 0.3), torch.quantile(x, 0.5, 1), torch.nanquantile(x, 0.25, 0),
        torch.nanmedian(x), torch.msort(n),
    ],
    "places": lambda x, n, m: [
        x.take(n.abs() % 6), x.put(n[0] % 6, x[1]), x.masked_scatter(m, x * 2),
        x.index_copy(1, n[1, :1], x[:, :1]), torch.tril_indices(3, 2, device=x.device),
    ],
    "copies of parts": lambda x, n, m: [
        x.repeat_interleave(2, 1), n.repeat_interleave(n[1].abs(), 1), torch.rot90(x),
        torch.cartesian_prod(n[0], n[1]), x.tensor_split(2, 1), x.unfold(1, 2, 1),
    ],
    "padding": lambda x, n, m: [
        F.pad(x, (1, 2), value=3.0), F.pad(n, (1, -1, 2, 0)),
        *(F.pad(x, (1, 1), mode) for mode in ("reflect", "replicate", "circular")),
    ],
    "classes": lambda x, n, m: [
        F.cross_entropy(x, n[0, ::2] % 3), F.cross_entropy(x, n[0, :2] % 3, ignore_index=2),
        F.nll_loss(x.log_softmax(1), n[0, ::2] % 3, x[1].abs()), F.cross_entropy(x, x.softmax(1)),
        F.cross_entropy(x, n[0, ::2] % 3, label_smoothing=0.1, reduction="none"),
    ],
    "embedding": lambda x, n, m: F.embedding(n % 2, x, padding_idx=1),
    "numbers": lambda x, n, m: [x[0, 1].item(), n[0, 0].item(), m[0, 0].item(), float(x.sum())],
    "lists": lambda x, n, m: [x.tolist(), n[0].tolist(), m.tolist(), len(x), *map(float, n[1])],
    "truth": lambda x, n, m: [bool(x[0, 0]), bool(m.any()), 7 in n, 9 in n, int(n[0, 0])],
}  # fmt: skip


def _arguments(device: str) -> tuple[Any, Any, Any]:
    x, n = torch.tensor(X, device=device), torch.tensor(N, device=device)
    return x, n, x > 0


@pytest.mark.parametrize("name", CALLS)
def test_operations(name: str, monkeypatch: pytest.MonkeyPatch):
    expected = CALLS[name](*_arguments("cpu"))
    monkeypatch.setattr(torch, "tensor", functools.partial(torch.tensor, device="cuda"))
    same(CALLS[name](*_arguments("cuda")), expected)


CHANGES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "arithmetic": lambda x, n, m: x.add_(1).mul_(n).sub_(x, alpha=2).div_(3).pow_(2).neg_(),
    "operators": lambda x, n, m: [x.__iadd__(1), n.__imul__(n), m.__iand__(~m), n.__ifloordiv__(2)],
    "functions": lambda x, n, m: x.abs_().sqrt_().exp_().tanh_().sigmoid_().clamp_(0.6, 0.7),
    "values": lambda x, n, m: [x.fill_(2), n.zero_(), m.fill_(True), x[0].copy_(n[1])],
    "views": lambda x, n, m: [x[0].mul_(5), x.t()[1:].add_(1), x.view(-1)[::2].zero_()],
    "positions": lambda x, n, m: [
        n.index_add_(0, n[1, :1] % 2, n[:1]), x.scatter_(1, n.abs() % 3, 4.0),
        x.masked_fill_(m, 1.0), x.index_fill_(1, n[1, :1], 0.0), x.tril_(),
    ],
    "random": lambda x, n, m: [
        x.uniform_(-1, 1), x[0].normal_(), n.random_(9), m.bernoulli_(0.3), x.exponential_(),
        x.bernoulli_(m.float()),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_changes_in_place(name: str):
    results = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(3)
        arguments = _arguments(device)
        addresses = [x.data_ptr() for x in arguments]
        CHANGES[name](*arguments)
        assert [x.data_ptr() for x in arguments] == addresses
        results[device] = arguments
    same(results["cuda"], results["cpu"])


ASSIGNMENTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "number": (lambda n: 1, 5),
    "slice": (lambda n: (slice(None), slice(0, 2)), -1.5),
    "list": (lambda n: 0, [1.0, 2.0, 3.0]),
    "array": (lambda n: 0, np.ones(3)),
    "tensor of another device": (lambda n: 0, torch.ones(3)),
    "indices": (lambda n: (n[1] % 2, n[0] % 3), 8),
    "indices and tensor": (lambda n: n[0, :2] % 2, torch.ones(2, 1)),
    "mask": (lambda n: n > 2, 6.0),
    "mask of rows": (lambda n: n[:, 0] > 2, torch.tensor([[1.0, 2.0, 3.0]])),
    "ellipsis": (lambda n: (..., 0), 4),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assignments(name: str):
    index, value = ASSIGNMENTS[name]
    results = []
    for device in ("cpu", "cuda"):
        x, n, _ = _arguments(device)
        x[index(n)] = value
        leaf = torch.tensor(X, device=device, requires_grad=True)
        y = leaf * 2
        y[index(n)] = value
        (y * y).sum().backward()
        results.append([x, y, leaf.grad])
    same(results[1], results[0])


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
    assert str(y.device) == "cuda:0" and y.type() == "torch.FloatTensor"
    assert y.to("cuda") is y and y.cuda() is y and y.to(y.device) is y
    assert y.cpu().device == torch.device("cpu") and torch.equal(y.cpu(), x)
    assert x.cuda().to("cpu", torch.float64).dtype is torch.float64
    assert x.to(y).is_cuda and y.type_as(x.double()).dtype is torch.float64
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
    bad = torch.tensor([0, 2], device="cuda")
    for call in (
        lambda: x[bad],
        lambda: x[:, bad + 1],
        lambda: x[2],
        lambda: x[0, -4],
        lambda: x.index_select(0, bad),
        lambda: x.index_add(0, bad, x),
        lambda: x.__setitem__(bad, 1),
        lambda: x.index_put((bad,), torch.tensor(1.0, device="cuda")),
    ):
        with pytest.raises(IndexError, match="out of bounds for dimension"):
            call()
    with pytest.raises(RuntimeError, match="index 2 is out of bounds"):
        x.gather(0, bad[None])


def test_an_expanded_tensor_can_not_be_written(device: str):
    x = torch.ones(1, 3, device=device).expand(2, 3)
    with pytest.raises(RuntimeError, match=r"more than one element .* clone"):
        x.add_(1)
    with pytest.raises(RuntimeError, match=r"more than one element .* clone"):
        x[0] = 1


def test_shapes_that_do_not_fit_say_so(device: str):
    x = torch.ones(2, 3, device=device)
    with pytest.raises(RuntimeError, match=r"add\(\).*\(2, 3\) and \(2,\)"):
        x + torch.ones(2, device=device)
    with pytest.raises(TypeError, match="ndarray"):
        x + np.ones(3)


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


def test_only_one_number_is_read_to_check_indices(no_sync: Callable[[], Any]):
    x = torch.tensor(X, device="cuda")
    index = torch.tensor([1, 0], device="cuda")
    with pytest.raises(Exception, match=r"[Ss]ync"), no_sync():
        x[index]
    with no_sync():  # of these the host knows all it needs
        x[0], x[:, 1:], x[..., None], x.mean(0).unsqueeze(1)
        x[0] = 3
        x.masked_fill_(x > 0, 1.0)
        torch.where(x > 0, x, 0.0)


# ----- the two backends offer the same -----


@pytest.mark.parametrize("backend", [numpy_backend, cupy_backend], ids=lambda b: b.__name__)
def test_a_backend_offers_what_the_protocol_says(backend: Any):
    names = {*Backend.__annotations__, *(n for n in vars(Backend) if not n.startswith("_"))}
    assert not [name for name in names if not hasattr(backend, name)]


def test_arrays_know_their_backend():
    assert backends.backend_of(torch.ones(1, device="cuda")._array) is cupy_backend
    assert backends.backend_of(torch.ones(1)._array) is numpy_backend
    assert HAS_GPU or cupy_backend.cupy.__file__.startswith(str(STANDIN))
