"""Shapes that broadcast: results and the gradients summed back, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from .compare import agree, numbers

pytestmark = pytest.mark.usefixtures("default_device")

CALLS = {
    "add": lambda torch, a, b: a + b,
    "add-alpha": lambda torch, a, b: torch.add(a, b, alpha=3),
    "sub": lambda torch, a, b: a - b,
    "mul": lambda torch, a, b: a * b,
    "div": lambda torch, a, b: a / b,
    "pow": lambda torch, a, b: a.abs() ** b,
    "maximum": lambda torch, a, b: torch.maximum(a, b),
    "fmin": lambda torch, a, b: torch.fmin(a, b),
    "where": lambda torch, a, b: torch.where(a > b, a, b),
    "clamp": lambda torch, a, b: a.clamp(b, b + 1),
    "lerp": lambda torch, a, b: torch.lerp(a, b, 0.25),
    "atan2": lambda torch, a, b: torch.atan2(a, b),
    "hypot": lambda torch, a, b: torch.hypot(a, b),
    "logaddexp": lambda torch, a, b: torch.logaddexp(a, b),
    "xlogy": lambda torch, a, b: torch.xlogy(a, b.abs()),
    "masked_fill": lambda torch, a, b: a.masked_fill(b > 0, 1.5),
    "broadcast_tensors": lambda torch, a, b: torch.broadcast_tensors(a, b),
    "expand": lambda torch, a, b: a.expand(b.shape),
    "isclose": lambda torch, a, b: torch.isclose(a, b),
}


@st.composite
def pairs(draw: Any) -> tuple[Any, Any]:
    """Two arrays whose shapes broadcast; now and then they do not."""
    whole = draw(st.lists(st.integers(0, 3), max_size=4))
    shapes = []
    for _ in range(2):
        part = [1 if draw(st.booleans()) else n for n in whole]
        part = part[draw(st.integers(0, len(part))) :]
        if part and draw(st.integers(0, 15)) == 0:
            part[0] += 1
        shapes.append(part)
    return numbers(*shapes[0], seed=1), numbers(*shapes[1], seed=2)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_elementwise(call):
    @settings(max_examples=30, deadline=None)
    @given(pairs())
    def check(pair):
        agree(call, *pair)

    check()


@st.composite
def products(draw: Any) -> tuple[Any, Any]:
    """Two arrays for a product of matrices or vectors, with batches that broadcast."""
    sizes = st.integers(0, 3)
    n, m, p = draw(sizes), draw(sizes), draw(sizes)
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    left, right = ([1 if draw(st.booleans()) else n for n in batch] for _ in range(2))
    left, right = left[draw(st.integers(0, 2)) :], right[draw(st.integers(0, 2)) :]
    a = (*left, n, m) if draw(st.integers(0, 3)) else (m,)
    b = (*right, m, p) if draw(st.integers(0, 3)) else (m,)
    return numbers(*a, seed=1), numbers(*b, seed=2)


@settings(max_examples=100, deadline=None)
@given(products())
def test_matmul(pair):
    agree(lambda torch, a, b: a @ b, *pair)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_reductions(data):
    shape = data.draw(st.lists(st.integers(0, 3), max_size=4))
    ndim = max(len(shape), 1)
    one = st.integers(-ndim - 1, ndim)  # the outer two are out of range
    several = st.lists(st.integers(0, ndim - 1), min_size=1, unique=True)
    dim = data.draw(st.none() | one | several)
    keepdim = data.draw(st.booleans())
    name = data.draw(st.sampled_from(["sum", "mean", "amax", "std", "logsumexp", "norm", "all"]))

    def reduce(torch: Any, x: Any) -> Any:
        named = {"p": 2} if name == "norm" else {}
        return getattr(torch, name)(x, dim=dim, keepdim=keepdim, **named)

    if dim is None and name in ("amax", "logsumexp"):
        return
    agree(reduce, numbers(*shape))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_reshaping(data):
    shape = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    other = data.draw(st.permutations(shape))
    if data.draw(st.booleans()) and other:
        other[data.draw(st.integers(0, len(other) - 1))] = -1
    order = data.draw(st.permutations(range(len(shape))))

    def call(torch: Any, x: Any) -> Any:
        return x.permute(*order).reshape(other), x.reshape(other).flatten()

    agree(call, numbers(*shape))


def test_numpy_arrays_must_be_made_tensors_first():
    agree(lambda torch, x: torch.add(x, torch.as_tensor(np.ones(3))), numbers(3))
