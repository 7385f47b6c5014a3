"""Gradient clipping, and parameters as a vector."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)

from ..both import t as t
from .side_by_side import numbers, pytorch, refused


def leaf(values, grad=None, lib=tg):
    x = lib.zeros(len(values), requires_grad=True)
    x.grad = lib.tensor(values) if grad is None else grad
    return x


def with_gradients(lib, device=None):
    """Parameters with gradients of several shapes, one of them without."""
    made = []
    for seed, shape in enumerate([(3, 4), (5,), (), (2, 3, 2)]):
        p = lib.zeros(shape, requires_grad=True, device=device)
        values = lib.tensor(numbers(*shape, seed=seed), dtype=lib.float32, device=device)
        p.grad = values.reshape(shape)
        made.append(p)
    made.insert(1, lib.zeros(3, requires_grad=True, device=device))
    return made


ORDERS = [2.0, 1.0, 3.0, 0.5, 0.0, math.inf, -math.inf, "inf"]


# ----- by norm -----


def test_the_example_of_pytorch_s_documents():
    a, b = leaf([3.0, 4.0]), leaf([0.0, 12.0])
    total = clip_grad_norm_([a, b], 1.0)
    assert total.shape == () and total.item() == pytest.approx(13)
    np.testing.assert_allclose(a.grad.numpy(force=True), [3 / 13, 4 / 13], rtol=1e-6)
    np.testing.assert_allclose(b.grad.numpy(force=True), [0, 12 / 13], rtol=1e-6)


@pytest.mark.parametrize("max_norm", [0.5, 3.0, 1e6, 0.0, -1.0])
@pytest.mark.parametrize("order", ORDERS)
def test_clipping_as_pytorch_does(order, max_norm):
    torch = pytorch()
    ours, theirs = with_gradients(tg), with_gradients(torch)
    a = clip_grad_norm_(iter(ours), max_norm, order)
    b = torch.nn.utils.clip_grad_norm_(iter(theirs), max_norm, order)
    np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), rtol=1e-6)
    assert ours[1].grad is None
    for p, q in zip(ours, theirs, strict=True):
        if q.grad is not None:
            np.testing.assert_allclose(
                p.grad.numpy(force=True), q.grad.numpy(force=True), rtol=1e-6
            )


@pytest.mark.parametrize("order", ORDERS)
def test_total_norm_as_pytorch_has_it(order):
    torch = pytorch()
    values = [numbers(3, 4).astype("float32"), numbers(5), numbers(2, 3).T]
    a = get_total_norm([tg.as_tensor(v) for v in values], order)
    b = torch.nn.utils.get_total_norm([torch.from_numpy(v) for v in values], order)
    assert str(a.dtype) == str(b.dtype)
    np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), rtol=1e-6)
    assert get_total_norm(tg.tensor([3.0, 4.0])).item() == 5
    assert get_total_norm([]).item() == 0


def test_on_every_device(device):
    ours, host = with_gradients(tg, device), with_gradients(tg)
    total = clip_grad_norm_(ours, 1.0)
    assert total.device.type == device
    assert total.item() == pytest.approx(clip_grad_norm_(host, 1.0).item())
    clip_grad_value_(ours, 0.1)
    clip_grad_value_(host, 0.1)
    for p, q in zip(ours, host, strict=True):
        if q.grad is not None:
            np.testing.assert_allclose(p.grad.cpu().numpy(), q.grad.numpy(force=True), rtol=1e-6)


def test_a_gpu_is_not_waited_for(no_sync):
    parameters = with_gradients(tg, "cuda")
    with no_sync():
        clip_grad_norm_(parameters, 1.0)
        clip_grad_value_(parameters, 1.0)


def test_gradients_on_two_devices(device):
    a, b = leaf([3.0, 4.0]), tg.zeros(1, requires_grad=True, device=device)
    b.grad = tg.tensor([12.0], device=device)
    assert clip_grad_norm_([a, b], 1.0).item() == pytest.approx(13)
    assert b.grad.item() == pytest.approx(12 / 13) and a.grad[0].item() == pytest.approx(3 / 13)


def test_small_gradients_stay_as_they_are():
    a = leaf([0.3, 0.4])
    version = a.grad._version
    assert clip_grad_norm_(a, 1.0).item() == pytest.approx(0.5)
    assert a.grad.tolist() == tg.tensor([0.3, 0.4]).tolist()
    assert a.grad._version == version or a.is_cuda  # where nobody waits to know, it is multiplied


def test_clipping_keeps_memory_and_is_noticed_by_autograd():
    a = leaf([3.0, 4.0])
    grad, pointer = a.grad, a.grad.data_ptr()
    x = tg.ones(2, requires_grad=True)
    loss = (x * grad).sum()
    clip_grad_norm_(a, 1.0)
    assert a.grad is grad and grad.data_ptr() == pointer
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_transposed_and_half_precision_gradients():
    a = tg.zeros(4, 3, requires_grad=True)
    a.grad = tg.tensor(numbers(3, 4), dtype=tg.float32).t()
    expected = np.linalg.norm(a.grad.numpy(force=True))
    assert clip_grad_norm_(a, 1.0).item() == pytest.approx(expected, rel=1e-6)
    assert np.linalg.norm(a.grad.numpy(force=True)) == pytest.approx(1, rel=1e-5)
    h = tg.zeros(2, dtype=tg.float16, requires_grad=True)
    h.grad = tg.tensor([300.0, 400.0], dtype=tg.float16)
    total = clip_grad_norm_(h, 5.0)
    assert total.dtype is tg.float16 and total.item() == 500 and h.grad.tolist() == [3.0, 4.0]


def test_a_norm_that_is_not_finite():
    a, b = leaf([1.0, math.inf]), leaf([2.0])
    with pytest.raises(RuntimeError, match=r"The total norm of order 2.0 .* is non-finite"):
        clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)
    assert a.grad.tolist() == [1.0, math.inf] and b.grad.tolist() == [2.0]
    total = clip_grad_norm_([a, b], 1.0)
    assert total.item() == math.inf and b.grad.tolist() == [0.0]
    c = leaf([1.0, math.nan])
    clip_grad_norm_([b, c], 1.0)
    assert b.grad.isnan().all() and c.grad.isnan().all()


def test_max_norm_inf_only_measures():
    """PyTorch makes all gradients nan here if one is infinite."""
    a, b = leaf([1.0, math.inf]), leaf([2.0])
    assert clip_grad_norm_([a, b], math.inf).item() == math.inf
    clip_grads_with_norm_([a, b], math.inf, tg.tensor(math.inf))
    assert a.grad.tolist() == [1.0, math.inf] and b.grad.tolist() == [2.0]


def test_a_norm_computed_before():
    a, b = leaf([3.0, 4.0]), leaf([0.0, 12.0])
    assert clip_grads_with_norm_([a, b], 2.6, get_total_norm([a.grad, b.grad])) is None
    np.testing.assert_allclose(b.grad.numpy(force=True), [0, 2.4], rtol=1e-6)


def test_no_gradients():
    x = tg.zeros(2, requires_grad=True)
    for parameters in (x, [x], []):
        assert clip_grad_norm_(parameters, 1.0).item() == 0
    used_up: Iterator[tg.Tensor] = iter([])
    with pytest.warns(UserWarning, match="is an empty generator, no gradient clipping") as caught:
        assert clip_grad_norm_(used_up, 1.0).item() == 0
    assert caught[0].filename == __file__


def test_no_nan_where_empty_parameters_are():
    a, empty = leaf([3.0, 4.0]), leaf([])
    assert clip_grad_norm_([a, empty], 1.0, math.inf).item() == 4


# ----- by value -----


def test_clip_by_value():
    a = leaf([3.0, -4.0, 0.5, math.nan, -math.inf])
    grad = a.grad
    assert clip_grad_value_(a, 1) is None
    assert a.grad is grad and str(a.grad.tolist()) == "[1.0, -1.0, 0.5, nan, -1.0]"
    clip_grad_value_([a, tg.zeros(2, requires_grad=True)], 0.25)
    assert a.grad[:3].tolist() == [0.25, -0.25, 0.25]


# ----- vectors -----


def test_parameters_to_a_vector_and_back():
    a, b = tg.rand(2, 3).requires_grad_(), tg.rand(4).requires_grad_()
    vector = parameters_to_vector(iter([a, b]))
    assert vector.tolist() == [*a.flatten().tolist(), *b.tolist()]
    (vector**2).sum().backward()
    assert tg.equal(b.grad, 2 * b)
    new = tg.arange(10.0)
    vector_to_parameters(new, iter([a, b]))
    assert a.tolist() == [[0, 1, 2], [3, 4, 5]] and b.tolist() == [6, 7, 8, 9]
    assert a.is_leaf and a.requires_grad
    new.mul_(2)  # as in PyTorch, the parameters are views of the vector
    assert b.tolist() == [12, 14, 16, 18]


REFUSED = {
    "nothing": (lambda lib: lib.nn.utils.parameters_to_vector([]), "non-empty list of Tensors"),
    "vector": (lambda lib: lib.nn.utils.vector_to_parameters([1.0], [lib.ones(1)]),
               "expected torch.Tensor, but got: list"),
    "short": (lambda lib: lib.nn.utils.vector_to_parameters(lib.ones(3), [lib.ones(2, 2)]),
              "shape '[2, 2]' is invalid for input of size 3"),
    "integers": (lambda lib: lib.nn.utils.get_total_norm([lib.ones(2).long()]), "floating"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_the_old_name_warns(t):
    x = t.tensor([3.0, 4.0], requires_grad=True)
    x.grad = x.detach() * 1
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert float(t.nn.utils.clip_grad_norm(x, 1.0)) == 5.0
