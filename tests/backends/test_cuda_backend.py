"""Tensors on a GPU (or its stand-in): the same results as on the CPU, and errors that help.

Everything is computed on both devices, and must be equal to rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import backends
from tinygrad_rnn.backends import cupy_backend, numpy_backend
from tinygrad_rnn.backends.protocol import Backend
from tinygrad_rnn.nn import functional as F

from ..autograd import samples
from ..conftest import HAS_GPU, STANDIN
from .compare import same

pytestmark = pytest.mark.names_devices

# ----- the samples of the gradient tests, with their gradients -----


def _results(sample: samples.Sample, device: str) -> list[Any]:
    """The outputs, their gradients, and the gradients of those."""
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
    same(_results(sample, "cuda"), _results(sample, "cpu"))


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


# ----- the two backends offer the same -----


@pytest.mark.parametrize("backend", [numpy_backend, cupy_backend], ids=lambda b: b.__name__)
def test_a_backend_offers_what_the_protocol_says(backend: Any):
    names = {*Backend.__annotations__, *(n for n in vars(Backend) if not n.startswith("_"))}
    assert not [name for name in names if not hasattr(backend, name)]


def test_arrays_know_their_backend():
    assert backends.backend_of(torch.ones(1, device="cuda")._array) is cupy_backend
    assert backends.backend_of(torch.ones(1)._array) is numpy_backend
    assert HAS_GPU or cupy_backend.cupy.__file__.startswith(str(STANDIN))
