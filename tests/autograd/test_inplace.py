"""Changes in place and views in the graph: versions, leaves, what is refused, and random programs
of both against PyTorch's. (Single operations in place: tests/ops/test_inplace.py.)"""

import contextlib

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import tinygrad_rnn as tg

from ..both import needs_torch, t as t
from .samples import SAMPLES


def leaf(t):
    return t.tensor([1.0, 2.0, 3.0], requires_grad=True)


# ----- versions of saved values -----


def test_versions(t):
    x = t.ones(3)
    view, detached, data = x[0:2], x.detach(), x.data
    view.add_(1)
    detached.zero_()
    assert [x._version, view._version, detached._version, data._version] == [2, 2, 2, 0]
    x[0] = 5
    data.add_(1)
    assert x._version == 3 and x.tolist() == [6.0, 1.0, 1.0]


CHANGES = {
    "an input": lambda t, x: _changed(x * x, x),
    "an output": lambda t, x: _changed(x.exp(), None),
    "through a view": lambda t, x: _changed(x * x, x[0]),
    "through detach": lambda t, x: _changed(x * x, x.detach()),
    "without recording": lambda t, x: _changed(x * x, x, t.no_grad()),
    "of an in-place operation": lambda t, x: _changed(x.tanh_(), None),
}


def _changed(result, target, mode=None):
    with mode or contextlib.nullcontext():
        (result if target is None else target).mul_(2)
    return result


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_saved_value_must_not_change(t, change):
    y = change(t, leaf(t) * 1)
    with pytest.raises(RuntimeError, match=r"by an inplace operation.*; expected version"):
        y.sum().backward()


def test_the_error_says_which_value(t):
    x = leaf(t)
    y = x.exp()
    y.add_(1)
    with pytest.raises(
        RuntimeError, match=r"\[torch.FloatTensor \[3\]\], which is output 0 of Exp"
    ) as e:
        y.sum().backward()
    assert "is at version 1; expected version 0 instead" in str(e.value)


def test_what_is_not_needed_may_change(t):
    x, c = leaf(t), t.ones(3)
    y = x + c
    c.add_(1)
    u = x * 1
    z = u * t.ones(3)  # needs the constant, not u
    u.add_(1)
    w = x * 1
    v = w * w
    w.data.zero_()  # not noticed, as in PyTorch
    (y + z + v).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


# ----- leaves -----


def test_leaves_do_not_change(t):
    x = leaf(t)
    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad is"):
        x.add_(1)
    for change in (lambda: x[0:2].add_(1), lambda: x.view(-1).zero_(), lambda: x.__setitem__(0, 1)):
        with pytest.raises(RuntimeError, match=r"^a view of a leaf Variable that requires"):
            change()
    assert x.tolist() == [1.0, 2.0, 3.0] and x._version == 0


def test_leaves_change_without_recording(t):
    x = leaf(t)
    with t.no_grad():
        x[0] = 5
        x[1:].add_(1)
        x.mul_(2)
    x.data.sub_(1)
    assert x.tolist() == [9.0, 5.0, 7.0] and x.requires_grad and x.is_leaf and x._version == 3


# ----- the graph after a change -----


def test_the_base_and_its_views_move_on(t):
    base = leaf(t) * 1
    early = base[0:2]
    early.mul_(2)
    assert repr(base.grad_fn).startswith("<CopySlices")
    assert early.grad_fn.name() == "AsStridedBackward0"
    base.mul_(3)
    assert early.tolist() == [6.0, 12.0] and early.grad_fn.name() == "AsStridedBackward0"
    assert base.grad_fn.name() == "MulBackward0"


def test_a_constant_joins_the_graph(t):
    w = leaf(t)
    for change in (
        lambda c: c[:].mul_(w), lambda c: c.mul_(w), lambda c: c.copy_(w),
        lambda c: c[0].copy_(w[1]), lambda c: c.__setitem__(0, w[1]), lambda c: c.fill_(w.sum()),
        lambda c: c.view(3, 1)[0].add_(w[0]),
    ):  # fmt: skip
        c = t.ones(3)
        early = c[0:2]
        change(c)
        assert c.requires_grad and not c.is_leaf and early.requires_grad


def test_overwritten_values_get_zeros(t):
    for change in (
        lambda y: y.zero_(), lambda y: y.fill_(2.0), lambda y: y.copy_(t.ones(3)),
        lambda y: y.normal_(), lambda y: y[:].zero_(), lambda y: y.copy_(leaf(t)),
    ):  # fmt: skip
        x = leaf(t)
        y = x * 1
        change(y)
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_a_gradient_in_another_layout_than_the_base(t):
    x = t.ones(2, 3, requires_grad=True)
    base = x * 1
    base.view(-1)[1:4].mul_(5)
    (base.t() * t.arange(6.0).view(3, 2)).sum().backward()  # arrives transposed
    assert x.grad.tolist() == [[0.0, 10.0, 20.0], [5.0, 3.0, 5.0]]


@pytest.mark.parametrize("part", [np.s_[::2, 1:3], np.s_[1:, ::2], np.s_[:, ::-1]], ids=str)
@pytest.mark.parametrize("order", "CF")
def test_views_of_memory_with_gaps(part, order):
    array = np.asarray(np.arange(12.0).reshape(3, 4), order=order)[part]
    before = array.copy()
    base = tg.as_tensor(array)
    w = tg.ones(base.shape[1], dtype=tg.float64, requires_grad=True)
    base[1].mul_(w * 2)
    base.t()[0].mul_(3)
    (g,) = tg.autograd.grad(base.sum(), w)
    assert g.tolist() == [6 * before[1, 0], *(2 * before[1, 1:])]


# ----- what is refused -----


def test_views_that_one_operation_returned(t):
    base = leaf(t) * 1
    for view in (base.split(1)[0], base.unbind()[0], base.chunk(3)[0], base.split(1)[0][:]):
        with pytest.raises(RuntimeError, match=r"^Output 0 of .* is a view and is being mod"):
            view.mul_(2)
    first, *_ = base.split(1)
    base.mul_(2)
    with pytest.raises(
        RuntimeError, match="its base or another view of its base has been modified"
    ):
        first * 2
    with t.no_grad():
        first[0] = 7
        first.add_(1)
    assert base.tolist() == [8.0, 4.0, 6.0]
    plain = t.ones(3)
    plain.split(1)[0].mul_(2)
    assert plain.tolist() == [2.0, 1.0, 1.0]


def test_views_made_without_recording(t):
    for base in (leaf(t), leaf(t) * 1):
        with t.no_grad():
            view = base[0:2]
        with pytest.raises(RuntimeError, match=r"^A view was created in no_grad mode and is "):
            view.mul_(2)
        with t.no_grad():
            view.mul_(2)
        assert base.tolist() == [2.0, 4.0, 3.0]


def test_detach_in_place(t):
    y = leaf(t) * 2
    view = y[0:2]
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        view.detach_()
    assert y.detach_() is y and not y.requires_grad and y.is_leaf and view.requires_grad


CAST = "result type {} can't be cast to the desired output type {}"
MISFITS = [
    (lambda t: t.ones(3, dtype=t.int64).mul_(1.5), CAST.format("Float", "Long")),
    (lambda t: t.ones(3, dtype=t.int32).div_(2), CAST.format("Float", "Int")),
    (lambda t: t.ones(3, dtype=t.bool).add_(1), CAST.format("Long", "Bool")),
    (
        lambda t: t.ones(3).add_(t.ones(2, 3)),
        r"output with shape \[3\] doesn't match the broadcast",
    ),
    (lambda t: t.ones(3).add_(t.ones(2)), r"tensor a \(3\) must match the size of tensor b \(2\)"),
    (lambda t: t.ones(1).expand(3).mul_(2), "more than one element of the written-to tensor"),
]


@pytest.mark.parametrize(("change", "message"), MISFITS)
def test_results_that_do_not_fit(t, change, message):
    with pytest.raises(RuntimeError, match=message):
        change(t)


def test_results_that_are_converted(t):
    x = t.ones(3)
    x.add_(t.ones(3, dtype=t.float64))
    assert x.dtype is t.float32
    n = t.ones(3, dtype=t.int64)
    n[0] = 2.7
    n.add_(True)
    assert n.tolist() == [3, 2, 2] and n.dtype is t.int64


@pytest.mark.cpu("NumPy knows which arrays share memory")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_results_on_an_inputs_memory_are_views_of_it(sample):
    """Else autograd would not notice that a change in place of one also changes the other."""
    inputs = [tg.ones(*shape).requires_grad_() for shape in sample.shapes]
    results = sample.call(*inputs)
    for result in results if isinstance(results, tuple | list) else [results]:
        for x in inputs if isinstance(result, tg.Tensor) else []:
            if np.shares_memory(result.detach().numpy(), x.detach().numpy()):
                assert result._changes is x._changes


# ----- random programs -----

VIEWS = {
    "[0]": lambda t, x: x[0],
    "[-1]": lambda t, x: x[-1],
    "[1:]": lambda t, x: x[1:],
    "[::2]": lambda t, x: x[::2],
    "[..., 0]": lambda t, x: x[..., 0],
    "[..., 1:]": lambda t, x: x[..., 1:],
    "transpose": lambda t, x: x.transpose(0, -1),
    "view": lambda t, x: x.view(-1),
    "reshape": lambda t, x: x.reshape(-1),
    "unsqueeze": lambda t, x: x.unsqueeze(0),
    "expand": lambda t, x: x.unsqueeze(0).expand(2, *x.shape),
    "split": lambda t, x: x.split(1)[0],
    "unbind": lambda t, x: x.unbind()[0],
    "diagonal": lambda t, x: x.diagonal(),
    "detach": lambda t, x: x.detach(),
    "data": lambda t, x: x.data,
}
NEW = {
    "mul": lambda t, x, y: x * y,
    "add": lambda t, x, y: x + y,
    "square": lambda t, x, y: x * x,
    "tanh": lambda t, x, y: x.tanh(),
    "clone": lambda t, x, y: x.clone(),
}


def _no_grad(t, change):
    with t.no_grad():
        change()


IN_PLACE = {
    "add_": lambda t, x, y: x.add_(y),
    "mul_": lambda t, x, y: x.mul_(y),
    "mul_ number": lambda t, x, y: x.mul_(2),
    "tanh_": lambda t, x, y: x.tanh_(),
    "zero_": lambda t, x, y: x.zero_(),
    "copy_": lambda t, x, y: x.copy_(y),
    "fill_": lambda t, x, y: x.fill_(y.sum()),
    "addcmul_": lambda t, x, y: x.addcmul_(y, y),
    "[0] = y": lambda t, x, y: x.__setitem__(0, y),
    "[1:] = y": lambda t, x, y: x.__setitem__(slice(1, None), y),
    "[..., 0] = y": lambda t, x, y: x.__setitem__((..., 0), y),
    "[mask] = number": lambda t, x, y: x.__setitem__(x > 0.5, 0.25),
    "[tensor] = y": lambda t, x, y: x.__setitem__(t.tensor([0]), y),
    "[0] = self": lambda t, x, y: x.__setitem__(0, x[-1] * 2),
    "no_grad mul_": lambda t, x, y: _no_grad(t, lambda: x.mul_(3)),
    "no_grad [0] =": lambda t, x, y: _no_grad(t, lambda: x.__setitem__(0, 1.25)),
}
# Where one of the two refuses what the other can do, or PyTorch refuses more than it need
TOLERATED = (
    "refer to a single memory location",
    "refers to a single memory location",
    "its base or another view of its base has been modified",
    "a leaf Variable that requires grad is being used",
)
ERRORS = (RuntimeError, IndexError, ValueError, TypeError)


def _start(t):
    a = t.tensor([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]], dtype=t.float64, requires_grad=True)
    w = t.tensor([1.2, -0.5, 0.8], dtype=t.float64, requires_grad=True)
    c = t.tensor([[0.5, 0.1, -0.2], [0.4, 0.6, 0.7]], dtype=t.float64)
    return [a, w, a * 1.0, c, w * 2]


def _try(call, *args):
    try:
        return call(*args), None
    except ERRORS as error:
        return None, error


def _step(t, tensors, name, i, j):
    x, y = tensors[i % len(tensors)], tensors[j % len(tensors)]
    if name in IN_PLACE:
        return _try(IN_PLACE[name], t, x, y)[1]
    result, error = _try(VIEWS[name], t, x) if name in VIEWS else _try(NEW[name], t, x, y)
    if error is None:
        tensors.append(result)
    return error


def _agree(mine, theirs):
    """Stop the program where the two differ on purpose; fail where they do by mistake."""
    assume(not any(text in str(error) for error in (mine, theirs) for text in TOLERATED))
    assert (mine is None) == (theirs is None), f"{mine!r} where PyTorch has {theirs!r}"


INDEX = st.integers(0, 11)
# PyTorch's addcmul rounds once, ours twice: what is left of numbers near 1 that cancel
ROUNDING = 1e-13
STEP = st.tuples(st.sampled_from([*VIEWS, *IN_PLACE, *IN_PLACE, *NEW]), INDEX, INDEX)


@needs_torch
@pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors:UserWarning")  # PyTorch's
@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=8), st.booleans())
def test_random_programs(program, twice):
    """Views of views, changed before and after others are made: values, versions, requires_grad
    and gradients (or the gradients of gradients) are PyTorch's, or both refuse, if perhaps for
    different reasons."""
    import torch

    ours, theirs = _start(tg), _start(torch)
    for name, i, j in program:
        _try(lambda x: x.grad_fn, theirs[i % len(theirs)])  # PyTorch is late to notice some views
        _agree(_step(tg, ours, name, i, j), _step(torch, theirs, name, i, j))
    for mine, his in zip(ours, theirs, strict=True):
        x, y = mine.numpy(force=True), his.detach().numpy()
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=ROUNDING)
        assert mine._version == his._version and mine.requires_grad == his.requires_grad

    def gradients(t, tensors):
        loss = sum((x * x * (k + 1)).sum() for k, x in enumerate(tensors))
        leaves = tensors[:2]
        grads = t.autograd.grad(loss, leaves, create_graph=twice, allow_unused=True)
        if twice:
            penalty = sum(((g * g).sum() for g in grads if g is not None), t.zeros(()))
            grads += t.autograd.grad(penalty, leaves, allow_unused=True)
        return grads

    (mine, my_error), (his, his_error) = _try(gradients, tg, ours), _try(gradients, torch, theirs)
    _agree(my_error, his_error)
    for g, h in zip(mine or (), his or (), strict=True):
        assert (g is None) == (h is None)
        if g is not None:
            g, h = g.numpy(force=True), h.numpy(force=True)
            np.testing.assert_allclose(g, h, rtol=1e-7, atol=ROUNDING)
