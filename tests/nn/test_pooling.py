"""Pooling: the definition as plain loops, PyTorch, indices and the way back, errors."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.testing import assert_close

from .side_by_side import agree, numbers, pytorch, refused

# ----- the definition -----


def _by_definition(x, kernel, stride, padding, dilation, reduce):
    """`reduce` of the elements of each window that are inside, over any number of dimensions."""
    sizes = [(n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for n in x.shape[1:]]
    y = np.zeros((len(x), *sizes))
    for c, *place in itertools.product(*map(range, y.shape)):
        window = []
        for tap in itertools.product(range(kernel), repeat=x.ndim - 1):
            at = [p * stride + t * dilation - padding for p, t in zip(place, tap, strict=True)]
            if all(0 <= a < n for a, n in zip(at, x.shape[1:], strict=True)):
                window.append(x[c, *at])
        y[c, *place] = reduce(window)
    return y


WINDOWS = [((2, 9), 3, 2, 1, 2), ((2, 6, 7), 2, 2, 0, 1), ((1, 7, 6), 3, 1, 1, 2),
           ((1, 4, 5, 4), 2, 1, 1, 1)]  # fmt: skip


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation"), WINDOWS)
def test_pooling_by_definition(shape, kernel, stride, padding, dilation, device):
    array, ndim = numbers(*shape), len(shape) - 1
    x = tg.tensor(array, device=device)
    largest, indices = getattr(F, f"max_pool{ndim}d")(
        x, kernel, stride, padding, dilation, return_indices=True
    )
    expected = _by_definition(array, kernel, stride, padding, dilation, max)
    np.testing.assert_array_equal(largest.cpu().numpy(), expected)
    assert tg.equal(x.flatten(1).gather(1, indices.flatten(1)), largest.flatten(1))
    avg_pool = getattr(F, f"avg_pool{ndim}d")
    for whole, reduce in ((True, lambda w: sum(w) / kernel**ndim), (False, np.mean)):
        mean = avg_pool(x, kernel, stride, padding, count_include_pad=whole)
        expected = _by_definition(array, kernel, stride, padding, 1, reduce)
        np.testing.assert_allclose(mean.cpu().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(("size", "count"), [(7, 3), (6, 3), (5, 5), (2, 5), (4, 1)])
def test_adaptive_pooling_by_definition(size, count, device):
    array = numbers(2, size)
    parts = [array[:, i * size // count : math.ceil((i + 1) * size / count)] for i in range(count)]
    x = tg.tensor(array, device=device)
    mean = np.stack([p.mean(1) for p in parts], 1)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, count).cpu().numpy(), mean, rtol=1e-12)
    largest, index = F.adaptive_max_pool1d(x, count, return_indices=True)
    np.testing.assert_array_equal(largest.cpu().numpy(), np.stack([p.max(1) for p in parts], 1))
    assert tg.equal(x.gather(1, index), largest)


# ----- as PyTorch -----

CALLS = {
    "max-ceil": (lambda f, x: f.max_pool2d(x, 2, 3, ceil_mode=True), (1, 2, 6, 8)),
    "max-view": (lambda f, x: f.max_pool1d(x.T[:, ::2], 3, 1), (9, 2)),
    "avg-ceil": (lambda f, x: f.avg_pool2d(x, 3, 2, 1, ceil_mode=True), (1, 1, 6, 5)),
    "avg-ceil-inside": (lambda f, x: f.avg_pool3d(
        x, (2, 3, 2), 2, (1, 1, 0), ceil_mode=True, count_include_pad=False), (1, 2, 4, 5)),
    "avg-divisor": (lambda f, x: f.avg_pool2d(x, 2, divisor_override=7), (1, 4, 5)),
    "lp-ceil": (lambda f, x: f.lp_pool2d(x.abs(), 3, (2, 3), ceil_mode=True), (1, 3, 5)),
    "lp-inf": (lambda f, x: f.lp_pool1d(x, math.inf, 2), (2, 5)),
    "adaptive-avg": (lambda f, x: f.adaptive_avg_pool3d(x, (2, None, 3)), (1, 2, 3, 2, 5)),
    "adaptive-max": (lambda f, x: f.adaptive_max_pool2d(x, (3, None)), (2, 1, 4, 3)),
    "unpool": (lambda f, x: f.max_unpool2d(*f.max_pool2d(x, 2, return_indices=True), 2,
                                           output_size=(5, 4)), (1, 5, 4)),
    "unpool-padded": (lambda f, x: f.max_unpool1d(
        *f.max_pool1d(x, 3, 2, 1, return_indices=True), 3, 2, 1), (2, 7)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name):
    call, shape = CALLS[name]
    agree(lambda lib, x: call(lib.nn.functional, x), numbers(*shape))


def test_equal_elements_nans_and_infinities():
    """The first of equal elements, the last nan, and padding that is never larger."""
    cases = ([1, 1, 1, 1], [math.nan, 2, math.nan, 1], [-math.inf] * 4, [math.inf, -1, 2, math.inf])
    found = []
    for lib in (tg, pytorch()):
        x = lib.tensor(cases).reshape(4, 1, 2, 2)
        for padding in (0, 1):
            found.append(lib.max_pool2d(x, 2, padding=padding))
            found += lib.nn.functional.max_pool2d(x, 2, padding=padding, return_indices=True)
    for mine, theirs in zip(found[:6], found[6:], strict=True):
        np.testing.assert_array_equal(mine.numpy(force=True), theirs.numpy())


def test_windows_of_more_than_255_elements():
    x = tg.zeros(1, 20, 20)
    x[0, 17, 3] = 1
    x.requires_grad_()
    y, index = F.max_pool2d(x, 20, return_indices=True)
    y.sum().backward()
    assert index.item() == 17 * 20 + 3
    assert tg.equal(x.grad, x.detach())


def test_a_mean_of_ones_has_no_favourites(device):
    """Where windows overlap gradients add up: to the number of windows an element is in."""
    x = tg.ones(1, 4, device=device, requires_grad=True)
    F.avg_pool1d(x, 2, 1).sum().backward()
    assert x.grad.tolist() == [[0.5, 1.0, 1.0, 0.5]]


def test_other_dtypes():
    ints = tg.tensor([[5, -3, -4, 7]])
    assert F.avg_pool1d(ints, 2).tolist() == [[1, 1]]
    assert F.max_pool2d(ints[None], (1, 2)).tolist() == [[[5, 7]]]
    half = F.avg_pool1d(tg.full((1, 4096), 17.0).half(), 4096)  # a sum of 69632 does not fit
    assert half.dtype is tg.float16 and half.item() == 17


@pytest.mark.parametrize("shape", [(0, 2, 4, 4), (2, 4, 4)])
def test_batches_of_nothing_and_no_batch(shape):
    for call in (F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        assert call(tg.ones(*shape), 2).shape == (*shape[:-2], 2, 2)


# ----- and back -----


def test_unpooling_undoes_pooling(device):
    x = tg.tensor(numbers(2, 3, 6, 4), device=device)
    pooled, index = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(pooled, index)
    assert back.shape == x.shape and int((back != 0).sum()) == pooled.numel()
    assert tg.equal(F.max_pool2d(back.abs(), 2), pooled.abs())
    assert tg.equal(back[back != 0], x[back != 0])


def test_fractional_pooling_is_at_the_given_places():
    """Windows of 2 start at trunc((i + u) * 2.5) - trunc(u * 2.5), and at 5 at last."""
    x, u = tg.arange(49.0).reshape(1, 7, 7), tg.tensor([[[0.9, 0.3]]])  # of columns, of rows
    y, index = F.fractional_max_pool2d(x, 2, (3, 3), None, True, u)
    rows, columns = [0, 3, 5], [0, 2, 5]  # trunc of 0.75, 3.25; of 2.25, 4.75 less 2
    expected = [[(r + 1) * 7 + c + 1 for c in columns] for r in rows]
    assert index.tolist() == [expected] and y.tolist() == [expected]
    tg.manual_seed(3)
    first = F.fractional_max_pool2d(x, 2, output_ratio=0.6)
    tg.manual_seed(3)
    assert tg.equal(F.fractional_max_pool2d(x, 2, output_ratio=0.6), first)


# ----- modules and errors -----


def test_modules_keep_what_they_are_told():
    pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
    assert (pool.kernel_size, pool.stride, pool.padding, pool.dilation) == (3, 2, 1, 1)
    assert nn.MaxPool2d(3).stride == 3 and nn.AvgPool1d(2).stride == (2,)
    assert nn.LPPool1d(2, 3).stride is None and nn.MaxUnpool3d(2).kernel_size == (2, 2, 2)
    x = tg.tensor(numbers(1, 2, 7, 7))
    assert_close(pool(x), F.max_pool2d(x, 3, 2, 1, ceil_mode=True))


ERRORS = {
    "pad should be at most half of effective kernel size, but got pad=2":
        lambda t: t.nn.functional.max_pool2d(t.ones(1, 4, 4), 2, padding=2),
    "pad must be non-negative":
        lambda t: t.nn.functional.avg_pool2d(t.ones(1, 4, 4), 2, padding=-1),
    "stride must be greater than zero, but got 0": lambda t: t.max_pool1d(t.ones(1, 4), 2, 0),
    "Output size is too small": lambda t: t.nn.MaxPool2d(5)(t.ones(1, 4, 4)),
    "divisor must be not zero":
        lambda t: t.nn.functional.avg_pool2d(t.ones(1, 4, 4), 2, divisor_override=0),
    "optional 0 dim batch size for input": lambda t: t.max_pool1d(t.ones(4), 2),
    "non-empty 3D or 4D (batch mode) tensor expected for input":
        lambda t: t.max_pool2d(t.ones(3, 4), 2),
    "Input dimension should be at least 3":
        lambda t: t.nn.functional.adaptive_avg_pool2d(t.ones(3, 4), (2, 2)),
    "elements of output_size must be greater than or equal to 0":
        lambda t: t.nn.functional.adaptive_avg_pool2d(t.ones(1, 4, 4), (-1, 2)),
    "elements in indices should be type int64 but got: Float":
        lambda t: t.nn.functional.max_unpool2d(t.ones(1, 2, 2), t.ones(1, 2, 2), 2),
    "Found an invalid max index: 99 (output volumes are of size 4x4)":
        lambda t: t.nn.MaxUnpool2d(2)(t.ones(1, 2, 2), t.full((1, 2, 2), 99)),
    'invalid output_size "(9, 9)" (dim 0 must be between 2 and 6)':
        lambda t: t.nn.MaxUnpool2d(2)(t.ones(1, 2, 2), t.ones(1, 2, 2).long(), (9, 9)),
    "requires specifying either an output size, or a pooling ratio":
        lambda t: t.nn.FractionalMaxPool2d(2),
    "output_ratio must be between 0 and 1 (got 1.5)":
        lambda t: t.nn.FractionalMaxPool2d(2, output_ratio=1.5),
    "too large relative to input": lambda t: t.nn.FractionalMaxPool2d(3, 3)(t.ones(1, 4, 4)),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    refused(ERRORS[text], text)
