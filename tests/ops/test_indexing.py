"""Brackets: reading, gradients, writing and aliasing, for indices of all kinds, as in PyTorch."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ..both import t as t
from .compare import agree, integers, numbers

pytestmark = pytest.mark.usefixtures("default_device")

# ----- any index -----


@st.composite
def shapes(draw: Any) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))


def _slices(size: int) -> Any:
    ends = st.none() | st.integers(-size - 1, size + 1)
    return st.builds(slice, ends, ends, st.none() | st.integers(1, 3))


@st.composite
def _parts(draw: Any, sizes: tuple[int, ...], count: int) -> list[Any]:
    """What may stand for dimensions of these sizes: integers, slices, masks, lists and index
    tensors, which all name `count` positions, so that they broadcast; and None in between."""
    parts: list[Any] = []
    for size in sizes:
        position = st.integers(-size, size - 1) if size else st.nothing()
        kinds = ["int", "index", "list", "number"] if size else []
        kind = draw(st.sampled_from(["slice", "slice", "mask", *kinds]))
        if draw(st.integers(0, 5)) == 0:
            parts.append(None)
        if kind == "slice":
            parts.append(draw(_slices(size)))
        elif kind == "int":
            parts.append(draw(position))
        elif kind == "number":
            parts.append(np.array(draw(position)))
        elif kind == "list":
            parts.append([draw(position) for _ in range(count)])
        elif kind == "index":
            parts.append(np.array([draw(position) for _ in range(count)]))
        else:
            mask = np.zeros(size, bool)
            mask[draw(st.permutations(range(size)))[:count]] = True
            parts.append(mask)
    return parts


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """What may stand between the brackets: parts for the first dimensions, perhaps ... and parts
    for the last ones."""
    count = draw(st.integers(1, 3))
    first = draw(st.integers(0, len(shape)))
    parts = draw(_parts(shape[:first], count))
    if draw(st.booleans()):
        last = draw(st.integers(first, len(shape)))
        parts += [Ellipsis, *draw(_parts(shape[last:], count))]
    return parts[0] if len(parts) == 1 else tuple(parts)


@st.composite
def arrays_and_indices(draw: Any) -> tuple[Any, Any]:
    shape = draw(shapes())
    return numbers(*shape), draw(indices(shape))


def _of(module: Any, index: Any) -> Any:
    """The index with its arrays as tensors."""
    if isinstance(index, tuple):
        return tuple(_of(module, part) for part in index)
    return module.tensor(index) if isinstance(index, np.ndarray) else index


ANY = given(arrays_and_indices())
OFTEN = settings(max_examples=150, deadline=None)


@OFTEN
@ANY
def test_reading_and_its_gradient(case):
    array, index = case
    agree(lambda torch, x: x[_of(torch, index)] * 1, array)


@OFTEN
@ANY
def test_writing_a_number(case):
    array, index = case

    def write(torch, x):
        y = x * 2
        y[_of(torch, index)] = 0.5
        return y

    agree(write, array)


@OFTEN
@ANY
def test_writing_a_tensor(case):
    array, index = case
    try:
        shape = np.zeros(array.shape)[index].shape
    except IndexError:
        return

    def write(torch, x, row, scale):
        y = x * 2
        # different positions, or the same value at each, as the order of writing is left open
        y[_of(torch, index)] = row * scale
        return y

    row = numbers(*shape[-1:], seed=1)
    parts = index if isinstance(index, tuple) else (index,)
    once = not any(isinstance(part, list | np.ndarray) for part in parts)
    agree(write, array, row if once else np.array(0.7), np.array(1.5))


@OFTEN
@ANY
def test_changing_what_was_read(case):
    """A view is a view for the same indices: then the change shows in the tensor that was read."""
    array, index = case

    def change(torch, x):
        y = x * 2
        part = y[_of(torch, index)]
        part += 1
        return y, part

    agree(change, array)


@OFTEN
@ANY
def test_augmented_assignment(case):
    array, index = case

    def change(torch, x):
        y = x * 2
        y[_of(torch, index)] *= 3
        return y

    agree(change, array)


# ----- particular indices -----

FEW = numbers(2, 3, 4)
READ = {
    "integer-then-index": lambda torch, x: x[0, :, torch.tensor([0, 1])],
    "index-then-integer": lambda torch, x: x[torch.tensor([0, 1]), :, 0],
    "index-slice-index": lambda torch, x: x[torch.tensor([0, 1]), :, torch.tensor([3, 2])],
    "index-none-index": lambda torch, x: x[torch.tensor([0, 1]), None, torch.tensor([2, 2])],
    "matrix-of-indices": lambda torch, x: x[:, torch.tensor([[0, 2], [1, 1]])],
    "two-that-broadcast": lambda torch, x: x[torch.tensor([[0], [1]]), torch.tensor([0, 2, 1])],
    "mask-of-two-dims": lambda torch, x: x[torch.tensor([[True, False, True]] * 2)],
    "mask-behind": lambda torch, x: x[0, torch.tensor([True, False, True])],
    "mask-of-all": lambda torch, x: x[x > 0],
    "mask-of-bytes": lambda torch, x: x[torch.tensor([1, 0], dtype=torch.uint8)],
    "true": lambda torch, x: x[True],
    "false": lambda torch, x: x[False],
    "true-behind": lambda torch, x: x[:, True],
    "tensor-true": lambda torch, x: x[torch.tensor(True)],
    "tensor-number": lambda torch, x: x[torch.tensor(1), torch.tensor(0)],
    "numpy-number": lambda torch, x: x[np.int64(1)],
    "numpy-array": lambda torch, x: x[np.array([1, 0])],
    "list": lambda torch, x: x[[1, 0, 1]],
    "list-of-bools": lambda torch, x: x[[True, False]],
    "list-with-a-slice": lambda torch, x: x[[slice(1), 0]],
    "empty-list": lambda torch, x: x[[]],
    "range": lambda torch, x: x[range(2)],
    "int32": lambda torch, x: x[torch.tensor([1, 0], dtype=torch.int32)],
    "negative": lambda torch, x: x[-1, -3, torch.tensor([-1])],
    "everything": lambda torch, x: x[()],
    "ellipsis": lambda torch, x: x[..., 0],
    "none": lambda torch, x: x[None, :, None],
    "one-element": lambda torch, x: x[0, 0, 0],
    "slice-with-tensor": lambda torch, x: x[torch.tensor(0) : torch.tensor(1)],
    "iteration": lambda torch, x: [part.sum() for part in x],
    "too-many": lambda torch, x: x[0, 0, 0, 0],
    "out-of-range": lambda torch, x: x[2],
    "index-out-of-range": lambda torch, x: x[torch.tensor([2])],
    "float": lambda torch, x: x[1.0],
    "float-tensor": lambda torch, x: x[torch.tensor([1.0])],
    "step-backwards": lambda torch, x: x[::-1],
    "wrong-mask": lambda torch, x: x[torch.tensor([True, False, True])],
    "of-a-number": lambda torch, x: x.sum()[0],
}


@pytest.mark.parametrize("read", READ.values(), ids=READ.keys())
def test_reading(read):
    agree(read, FEW)


def _changed(change: Any) -> Any:
    def call(torch: Any, x: Any, *values: Any) -> Any:
        y = x * 2
        change(torch, y, *values)
        return y

    return call


class At:
    """``At[index]``: the change that writes a value there."""

    def __class_getitem__(cls, index: Any) -> Any:
        def change(torch: Any, y: Any, value: Any) -> None:
            y[_of(torch, index)] = value

        return change


WRITE = [
    (At[0], numbers(3, 4)),
    (At[0], numbers(4)),
    (At[0], numbers(1, 1, 3, 4)),
    (At[0, 0], numbers(1, 1, 4)),
    (At[0, 0, 0], numbers(1)),
    (At[0, 0, 0], np.array(0.5)),
    (At[:, 1], np.array(0.5)),
    (At[..., ::2], numbers(2)),
    (At[np.array([1, 0])], numbers(2, 3, 4)),
    (At[0, :, np.array([1, 3])], numbers(3, 2)),
    (At[np.array([[True, False, True]] * 2)], numbers(4, 4)),
    (At[np.array([[True, False, True]] * 2)], numbers(1, 4)),
    (At[FEW > 0], 0.0),
    (At[FEW > 9], numbers(0)),
    (At[:0], 1.0),
    (At[0], 7),
    (At[0], True),
    (At[0], integers(4)),
    (At[0], numbers(4).astype("float32")),
    # errors
    (At[0], numbers(5)),
    (At[np.array([0, 1])], numbers(3, 3, 4)),
    (At[FEW > 9], numbers(3)),
    (At[2], 1.0),
    (At[np.array([2])], 1.0),
    (At[0], "text"),
    (At[0], None),
]


@pytest.mark.parametrize(("change", "value"), WRITE)
def test_writing(change, value):
    agree(_changed(change), FEW, value)


@pytest.mark.parametrize("value", [1.7, 3, True, numbers(3), np.array([True, False, True])])
def test_writing_into_integers(value):
    agree(_changed(At[0]), integers(2, 3), value)


@pytest.mark.parametrize("index, message", [
    (0, "invalid index of a 0-dim tensor. Use `tensor.item()`"), (slice(None), "slice() cannot be"),
    ((0, 0), "too many indices for tensor of dimension 0"),
])  # fmt: skip
def test_parts_of_a_number(t, index, message):
    for use in (lambda x: x[index], lambda x: x.__setitem__(index, 1.0)):
        with pytest.raises(IndexError, match=re.escape(message)):
            use(t.tensor(3.0))


def test_what_does_not_fit_is_said_in_pytorchs_words(t):
    x = t.zeros(2, 3)
    with pytest.raises(IndexError, match="too many indices for tensor of dimension 2"):
        x[0, :, 1]
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 1 with size 3"):
        x[:, 5]
    with pytest.raises(TypeError):
        x[0.5:]
    with pytest.raises(ValueError, match="step"):
        x[::-1]


def test_a_slice_of_everything_gives_the_node_no_name(t):
    x = t.zeros(2, 3, 4, requires_grad=True)
    assert x[:, 0, :].grad_fn.name() == "SelectBackward0"
    assert x[:, :, 1:].grad_fn.name() == "SliceBackward0"
    assert x[:, [0]].grad_fn.name() == "IndexBackward0"


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_a_short_list_with_a_sequence_in_it_is_a_tuple(t):
    x = t.arange(6).reshape(2, 3)
    assert x[[(0, 1)]].tolist() == x[[[0, 1]]].tolist() == x.tolist()
    assert x[[[0, 1], [1, 2]]].tolist() == x[[range(2), np.array([1, 2])]].tolist() == [1, 5]
    assert x[[..., 0]].tolist() == [0, 3] and x[[0, 1]].tolist() == x.tolist()
    assert x[[np.int64(0), 1]].tolist() == x.tolist()
    assert x[[[0]] * 32].shape == (32, 1, 3)
