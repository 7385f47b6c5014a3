"""Einstein's sums on a GPU, as products of cuBLAS."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.backends import cupy_backend

SIZES = dict(zip("abcdefg", (2, 3, 4, 5, 1, 6, 0), strict=True))
EQUATIONS = [
    "ab->ba", "ab->a", "ab,bc->ac", "ab,cb->ca", "ab,ab->", "ab,ab->ab", "a,b->ab", "a,a->",
    "abc,acd->abd", "abc,cd->dba", "cab,cbd->acd", "abcd,cbe->ade", "abc,abd->cd", "ab,cd->ac",
    "ab,bc,cd->ad", "ab,ac,ad->abcd", "a,ab,b->", "abc,db,c->ad", ",ab->b", "ag,gb->ab", "ag,ab->g",
    "ae,eb->ab", "fa,fb,fc->abc",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_sums(equation: str, dtype: str):
    random = np.random.default_rng(0)
    shapes = [[SIZES[c] for c in label] for label in equation.partition("->")[0].split(",")]
    arrays = [(random.standard_normal(shape) * 3).astype(dtype) for shape in shapes]
    found = cupy_backend.einsum(equation, *map(cupy.array, arrays))
    wanted = np.einsum(equation, *arrays)
    assert found.dtype == dtype and found.shape == wanted.shape
    limit = {"float64": 1e-13, "float32": 1e-5}.get(dtype, 0)
    np.testing.assert_allclose(found.get(), wanted, limit, 30 * limit)


def test_in_a_graph():
    """Where CuPy's own is refused."""

    def step(x: Any) -> Any:
        w = x.detach().clone().requires_grad_()
        torch.einsum("bij,bkj,k->bi", w, w * 2, w[0, 0]).square().sum().backward()
        return w.grad

    x = torch.rand(2, 3, 3).cuda()
    graphed = torch.cuda.make_graphed_step(step, [x], 1)
    assert all(torch.equal(graphed(x), step(x)) for _ in range(3))


def test_it_is_exact_unless_tf32_is_allowed():
    x = torch.full((64, 64), 1 + 2.0**-12, device="cuda")
    matmul = torch.backends.cuda.matmul
    try:
        matmul.allow_tf32 = True
        assert torch.einsum("ij,kj->ik", x, x)[0, 0].item() == 64.0
    finally:
        matmul.allow_tf32 = False
    assert torch.einsum("ij,kj->ik", x, x)[0, 0].item() > 64.0
