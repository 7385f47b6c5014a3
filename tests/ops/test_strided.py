"""Views of memory with any sizes and strides, and tensors that are given other memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_rnn as tg

from ..both import t as t
from .compare import agree, numbers, torch

# Each makes views of z, a tensor of 24 elements
SOURCES = {
    "itself": lambda z: z,
    "a-part": lambda z: z[1:],
    "a-column": lambda z: z[:, 1],
    "transposed": lambda z: z.transpose(0, 2),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("place", [((2, 3), (1, 1), None), ((2, 2), (5, 0), 1), ((), (), 3)])
def test_as_strided(source, place):
    agree(lambda torch, x: source(x * 1).as_strided(*place).exp(), numbers(2, 3, 4))
    agree(lambda torch, x: source(x * 1).storage_offset(), numbers(2, 3, 4))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_as_strided_in_any_way(data):
    """Values, gradients, and what a change in place does, for random sizes and strides."""
    ndim = data.draw(st.integers(0, 3))
    size = tuple(data.draw(st.integers(0, 3)) for _ in range(ndim))
    stride = tuple(data.draw(st.integers(0, 4)) for _ in range(ndim))
    offset = data.draw(st.integers(0, 6))
    agree(lambda torch, x: x.as_strided(size, stride, offset) ** 2, numbers(24))

    def change(torch: Any, x: Any) -> Any:
        y = x * 1
        y.as_strided(size, stride, offset).mul_(2)
        return y

    spread = all(
        n < 2
        or step > sum((m - 1) * s for m, s in zip(size[i + 1 :], stride[i + 1 :], strict=True))
        for i, (n, step) in enumerate(zip(size, stride, strict=True))
    )
    if spread:  # where elements share memory the two write in another order
        agree(change, numbers(24))


def test_changes_reach_the_memory(t):
    x = t.arange(6.0)
    x.as_strided((2,), (3,), 1).zero_()
    assert x.tolist() == [0, 0, 2, 3, 0, 5]


def test_places_outside(t):
    x = t.arange(6.0)
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 24"):
        x.as_strided((2, 2), (1, 2), 3)
    with pytest.raises(RuntimeError, match="mismatch in length"):
        x.as_strided((2,), (1, 2))
    with pytest.raises(RuntimeError, match="Negative strides"):
        x.as_strided((2,), (-1,), 3)


def test_another_dtype(t):
    x = t.tensor([1.0, -2.0])
    bits = x.view(t.int32)
    assert bits.tolist() == [1065353216, -1073741824] and bits.data_ptr() == x.data_ptr()
    assert x.view(t.int16).shape == (4,) and t.ones(2, 4).view(t.float64).shape == (2, 2)
    bits[0] = 0
    assert x.tolist() == [0, -2]
    with pytest.raises(RuntimeError, match="must be divisible by 2"):
        t.ones(3).view(t.float64)
    with pytest.raises(RuntimeError, match="must be 1 to view"):
        t.ones(2, 3).t().view(t.int16)
    with pytest.raises(RuntimeError, match="cannot be 0"):
        t.tensor(1.0).view(t.int16)


def test_resize(t):
    x = t.arange(6)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]] and x.resize_(6).tolist() == [*range(6)]
    larger = t.arange(3).resize_(2, 3)
    assert larger.shape == (2, 3) and larger[0].tolist() == [0, 1, 2]
    part = t.arange(6)[2:]
    assert part.resize_(2).tolist() == [2, 3]
    assert t.arange(4).resize_as_(t.ones(2, 2)).shape == (2, 2)
    assert t.empty(0).set_(t.ones(2)).tolist() == [1, 1] and t.ones(2).set_().shape == (0,)
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        t.ones(2, requires_grad=True).resize_(3)


def test_same_memory(t):
    x = t.ones(4)
    assert x.is_set_to(x.view(4)) and not x.is_set_to(x.view(2, 2)) and not x.is_set_to(x.clone())
    assert x[2:].storage_offset() == 2 and x[2:].detach().storage_offset() == 2


@pytest.mark.cpu("NumPy's memory")
def test_memory_of_numpy_arrays():
    array = np.arange(12.0).reshape(3, 4)
    x = tg.from_numpy(array.T)  # not in C order
    assert tg.as_strided(x, (3, 2), (4, 1)).tolist() == array[:, :2].tolist()
    holes = tg.from_numpy(np.arange(8.0)[::2])
    assert tg.as_strided(holes, (2, 2), (4, 2)).tolist() == [[0, 2], [4, 6]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scatter_reduce_in_any_way(data):
    """Values and gradients for random places, with ties and zeros among the numbers."""
    reduce = data.draw(st.sampled_from(["sum", "prod", "mean", "amax", "amin"]))
    include = data.draw(st.booleans())
    rows, columns = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    index = np.array(
        data.draw(st.lists(st.integers(0, columns - 1), min_size=6, max_size=6))
    ).reshape(1, 6)[:, : data.draw(st.integers(0, 6))]
    seed = data.draw(st.integers(0, 99))
    x = np.random.default_rng(seed).integers(-2, 3, (rows, columns)) + 0.5  # no ties with these
    src = np.random.default_rng(seed + 1).integers(-2, 3, index.shape).astype(float)
    agree(
        lambda torch, x, s: x.scatter_reduce(
            1, torch.as_tensor(index), s, reduce, include_self=include
        ),
        x,
        src,
    )


def test_names():
    """What has a form in place has that form's function where PyTorch has it, too."""
    missing = {
        name for name in dir(torch)
        if name.endswith("_") and not name.startswith("_") and hasattr(tg.Tensor, name)
    } - set(dir(tg))  # fmt: skip
    assert not missing


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("how", [(0, 1, 1), (-1, 2, 1), (0, 1, 2), (-1, 0, 3)])
def test_unfold_is_a_view(source, how):
    agree(lambda torch, x: source(x * 1).unfold(*how) ** 2, numbers(2, 3, 4))
    agree(lambda torch, x: torch.tensor(source(x * 1).unfold(*how).stride()), numbers(2, 3, 4))

    def change(torch: Any, x: Any) -> Any:
        y = x * 1
        source(y).unfold(how[0], how[1], 2).mul_(2)
        return y

    if how[1] < 2:  # else elements share memory, and PyTorch refuses
        agree(change, numbers(2, 3, 4))


def test_unfold_of_what_does_not_fit(t):
    one = t.tensor(3.0)
    assert one.unfold(0, 1, 1).shape == (1,)
    assert t.ones(3).unfold(0, 2, 1).sum().item() == 4
    for x, how, message in [
        (t.ones(3), (0, 4, 1), "maximum size for tensor at dimension 0 is 3 but size is 4"),
        (one, (0, 2, 1), "maximum size for tensor at dimension 0 is 1 but size is 2"),
        (t.ones(3), (0, 2, 0), "step is 0 but must be > 0"),
        (t.ones(3), (0, -1, 1), "size is -1 but must be >= 0"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            x.unfold(*how)


@pytest.mark.cpu("PyTorch's memory")
def test_memory_with_holes_of_another_library():
    """NumPy's arrays on memory that no NumPy array owns, between whose elements others lie."""
    theirs = torch.arange(24.0).reshape(4, 6)[:, ::2]
    mine = tg.from_numpy(theirs.numpy())
    assert mine.unfold(0, 2, 1).tolist() == theirs.unfold(0, 2, 1).tolist()
    assert mine.as_strided((2, 2), (1, 6)).tolist() == theirs.as_strided((2, 2), (1, 6)).tolist()
