"""A Python function called on every element."""

import pytest

import tinygrad_rnn as tg

from ..both import on_the_cpu, t as t


@on_the_cpu
def test_elements_are_replaced(t):
    x = t.arange(6.0).reshape(2, 3)
    assert x.t().apply_(lambda v: v * 10 + 1).data_ptr() == x.data_ptr()  # a view, in its order
    assert x.tolist() == [[1, 11, 21], [31, 41, 51]]
    assert x.map_(t.tensor([1.0, 2.0, 3.0]), lambda a, b: a * b).tolist() == [
        [1, 22, 63], [31, 82, 153],
    ]  # fmt: skip
    assert t.zeros(2, 2).map2_(
        t.tensor([1.0, 2.0]), t.tensor([[10.0], [20.0]]), lambda a, b, c: a + b + c
    ).tolist() == [[11, 12], [21, 22]]
    kinds = []
    assert t.tensor([1, 2]).apply_(lambda v: kinds.append(type(v)) or 2.9).tolist() == [2, 2]
    assert kinds == [int, int]
    assert t.tensor(3.0).apply_(lambda v: v + 1).item() == 4
    assert t.ones(0).apply_(lambda v: v).shape == (0,)


@on_the_cpu
def test_errors(t):
    x = t.ones(2)
    for call, error in (
        (lambda: x.apply_(3), TypeError),
        (lambda: x.apply_(lambda v: "x"), TypeError),
        (lambda: x.map_(t.ones(2).double(), lambda a, b: a), TypeError),
        (lambda: x.map_(t.ones(3), lambda a, b: a), RuntimeError),
        (lambda: x.apply_(lambda v: v / 0), ZeroDivisionError),
        (lambda: x.clone().requires_grad_().apply_(abs), RuntimeError),
        (lambda: x.map_(t.ones(2, requires_grad=True), min), RuntimeError),
    ):
        with pytest.raises(error):
            call()
    assert x.tolist() == [1, 1]


@pytest.mark.cpu("apply_ is the CPU's alone")
def test_what_was_saved_is_watched():
    x = tg.ones(2, requires_grad=True)
    y = x.exp()
    y.detach().apply_(lambda v: v + 1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
