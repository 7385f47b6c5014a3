"""`autograd.Function`: changes in place, inputs that are returned, and what is freed when."""

import gc
import weakref

import pytest

import tinygrad_rnn as tg

from ..both import t as t
from .functions import exponential, leaf, make, squared

# ----- changes in place, and inputs that are returned -----


def in_place(t):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    return make(t, forward, lambda ctx, g: g * 2)


def test_mark_dirty(t):
    x = leaf(t)
    z = x * 1
    y = in_place(t).apply(z)
    assert y is z and z.grad_fn.name() == "MadeBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_mark_dirty_of_a_view_changes_the_base(t):
    x = leaf(t)
    z = x * 1
    in_place(t).apply(z[0:1])
    assert z.tolist() == [3.0, 2.0] and "CopySlices" in repr(z.grad_fn)
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]


def test_what_is_dirty(t):
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used"):
        in_place(t).apply(leaf(t))

    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x * 3

    with pytest.raises(RuntimeError, match=r"marked as dirty .* were not returned as output"):
        make(t, forward, None).apply(leaf(t) * 1)


@pytest.mark.parametrize("look", [lambda x: x, lambda x: x.view(-1)], ids=["itself", "view"])
def test_an_input_that_is_returned(t, look):
    x = leaf(t)
    z = x * 1
    y = make(t, lambda ctx, x: look(x), lambda ctx, g: g * 5).apply(z)
    assert y is not z and y.data_ptr() == z.data_ptr()
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [5.0, 5.0]
    with pytest.raises(RuntimeError, match=r"Output 0 of Made.* is a view and is being modified"):
        y.mul_(2)


# ----- memory -----


@pytest.mark.parametrize("make_function", [squared, exponential, in_place])
def test_freed_without_the_cyclic_collector(make_function):
    gc.collect()
    gc.disable()
    try:
        x = leaf(tg)
        y = make_function(tg).apply(x * 1)
        node = weakref.ref(y.grad_fn)
        array = weakref.ref(y._array)
        del y
        assert node() is None and array() is None
    finally:
        gc.enable()
