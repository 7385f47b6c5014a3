"""Convolutions: the definition as plain loops, PyTorch, and what a network does with them."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.testing import assert_close

from .side_by_side import agree, numbers, pytorch, refused, same_on

# ----- the definition -----


def _by_definition(x, w, stride, padding, dilation, groups):
    """Every output element as the sum that it is, over any number of dimensions."""
    ndim = x.ndim - 2
    padded = np.pad(x, ((0, 0), (0, 0), *[(padding, padding)] * ndim))
    sizes = [(n - dilation * (k - 1) - 1) // stride + 1
             for n, k in zip(padded.shape[2:], w.shape[2:], strict=True)]  # fmt: skip
    y = np.zeros((len(x), len(w), *sizes))
    per_group = len(w) // groups
    for n, o, *place in itertools.product(*map(range, y.shape)):
        for c, *tap in itertools.product(*map(range, w.shape[1:])):
            at = [p * stride + t * dilation for p, t in zip(place, tap, strict=True)]
            y[n, o, *place] += padded[n, o // per_group * w.shape[1] + c, *at] * w[o, c, *tap]
    return y


@pytest.mark.parametrize(
    ("x", "w", "stride", "padding", "dilation", "groups"),
    [
        ((2, 3, 7), (4, 3, 3), 1, 0, 1, 1),
        ((2, 4, 9), (6, 2, 3), 2, 2, 2, 2),
        ((2, 2, 5, 6), (3, 2, 2, 3), 1, 1, 1, 1),
        ((1, 4, 7, 8), (4, 1, 3, 3), 3, 1, 1, 4),
        ((2, 3, 4, 4), (5, 3, 1, 1), 1, 0, 1, 1),
        ((1, 2, 4, 5, 4), (2, 1, 2, 3, 2), 2, 1, 1, 2),
    ],
)
def test_convolution_by_definition(x, w, stride, padding, dilation, groups, device):
    conv = getattr(F, f"conv{len(x) - 2}d")
    a, b, bias = numbers(*x), numbers(*w), numbers(w[0])
    expected = _by_definition(a, b, stride, padding, dilation, groups)
    expected += bias.reshape(-1, *(1,) * (len(x) - 2))
    tensors = (tg.tensor(v, device=device) for v in (a, b, bias))
    result = conv(*tensors, stride, padding, dilation, groups)
    np.testing.assert_allclose(result.cpu().numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "w", "padding", "dilation", "groups"),
    [
        ((2, 3, 7), (4, 3, 3), 4, 1, 1),
        ((2, 4, 5, 7), (6, 2, 3, 2), (2, 0), (1, 3), 2),
        ((1, 2, 4, 5), (3, 2, 4, 5), 0, 1, 1),
        ((0, 2, 4, 5), (3, 2, 2, 2), 0, 1, 1),
        ((2, 1, 3, 4, 5), (2, 1, 2, 3, 2), (1, 2, 0), (2, 1, 2), 1),
    ],
)
def test_gradients_where_windows_overlap(x, w, padding, dilation, groups, device):
    """With stride 1 the gradient of the input is put together in another way."""

    def program(lib, a, b):
        conv = getattr(lib.nn.functional, f"conv{len(x) - 2}d")
        return conv(a, b, None, 1, padding, dilation, groups)

    agree(program, numbers(*x), numbers(*w))
    same_on(device, program, numbers(*x), numbers(*w))


@pytest.mark.parametrize("groups", [1, 2])
def test_the_transpose_is_the_adjoint(groups, device):
    """<y, conv(x)> = <conv_transpose(y), x>, whatever x and y."""
    x, w = tg.tensor(numbers(2, 4, 7, 8)), tg.tensor(numbers(6, 4 // groups, 3, 2))
    x, w = x.to(device), w.to(device)
    how = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": groups}
    y = F.conv2d(x, w, **how)
    z = tg.tensor(numbers(*y.shape, seed=1), device=device)
    back = F.conv_transpose2d(z, w, output_padding=(0, 0), **how)
    assert back.shape == x.shape
    assert_close((y * z).sum(), (back * x).sum())


def test_large_batches_are_computed_in_parts():
    """9 samples of which 3 at a time fit: as each alone."""
    layer = nn.Conv2d(32, 8, 3, padding=1)
    x = tg.randn(8, 32, 32, 32).requires_grad_()
    y = layer(x)
    y.backward(weights := tg.randn(*y.shape))
    whole, layer.weight.grad = layer.weight.grad, None
    for i in range(8):
        one = x.detach()[i].requires_grad_()
        alone = layer(one)
        assert_close(alone, y[i])
        alone.backward(weights[i])
        assert_close(one.grad, x.grad[i], rtol=1e-4, atol=1e-5)
    assert_close(layer.weight.grad, whole, rtol=1e-4, atol=1e-3)


# ----- as PyTorch -----

CALLS = {
    "same-even": (lambda f, x, w: f.conv2d(x, w, padding="same", dilation=(1, 3)),
                  (1, 2, 5, 6), (2, 2, 2, 4)),
    "valid": (lambda f, x, w: f.conv1d(x, w, padding="valid"), (1, 2, 5), (2, 2, 2)),
    "unbatched": (lambda f, x, w: f.conv3d(x, w, stride=2), (2, 3, 4, 5), (2, 2, 2, 2, 2)),
    "transpose": (lambda f, x, w: f.conv_transpose2d(
        x, w, stride=(3, 2), padding=(1, 0), output_padding=(2, 1), groups=2, dilation=(1, 2)),
        (2, 4, 3, 2), (4, 3, 2, 3)),
    "transpose-3d": (lambda f, x, w: f.conv_transpose3d(x, w, padding=1),
                     (1, 2, 3, 2, 2), (2, 1, 2, 3, 2)),
    "no-samples": (lambda f, x, w: f.conv1d(x, w), (0, 2, 5), (3, 2, 2)),
    "turned": (lambda f, x, w: f.conv2d(x.transpose(2, 3)[:, :, ::2], w.flip(2)),
               (2, 2, 5, 6), (2, 2, 2, 3)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's, about its speed
@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name):
    call, *shapes = CALLS[name]
    agree(lambda lib, *tensors: call(lib.nn.functional, *tensors), *(numbers(*s) for s in shapes))


@pytest.mark.parametrize("shape", [(2, 0, 5), (0, 5)])
def test_nothing_comes_of_no_channels(shape):
    """Not even the bias, as in PyTorch, which has no gradients there."""
    x, weight = tg.ones(shape, requires_grad=True), tg.ones(3, 0, 2, requires_grad=True)
    result = F.conv1d(x, weight, tg.ones(3))
    assert result.shape == (*shape[:-2], 0, 4)
    result.sum().backward()
    assert (x.grad.shape, weight.grad.shape) == (x.shape, weight.shape)


def test_integers_and_half_precision():
    x, w = np.arange(10).reshape(1, 1, 10), np.array([[[1, -2, 3]]])
    assert F.conv1d(tg.tensor(x), tg.tensor(w)).tolist() == [[[2 * i + 4 for i in range(8)]]]
    half = F.conv1d(tg.ones(1, 300, 1).half(), tg.full((1, 300, 1), 0.1).half())
    assert half.dtype is tg.float16 and abs(half.item() - 30) < 0.05  # added up in float32


LAYERS = [
    ("Conv1d", (2, 4, 3), {"padding": 2, "padding_mode": "circular"}, (3, 2, 8)),
    ("Conv2d", (2, 4, (3, 2)), {"padding": "same", "padding_mode": "reflect"}, (3, 2, 5, 6)),
    ("Conv2d", (2, 4, 3), {"padding": "valid", "padding_mode": "replicate"}, (2, 5, 6)),
    ("Conv2d", (4, 6, 5), {"groups": 2, "bias": False, "stride": 2, "padding": (1, 2)},
     (1, 4, 7, 9)),
    ("Conv3d", (1, 2, 2), {"padding": 1, "padding_mode": "replicate", "dilation": 2},
     (1, 1, 3, 4, 3)),
    ("ConvTranspose1d", (2, 4, 3), {"stride": 2, "output_padding": 1}, (3, 2, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"groups": 2, "dilation": 2, "bias": False}, (4, 3, 3)),
    ("ConvTranspose3d", (1, 2, (1, 2, 3)), {"padding": (0, 1, 1)}, (1, 1, 2, 3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
@pytest.mark.parametrize("lazy", [False, True])
def test_layers(name, args, options, shape, lazy):
    """Parameters drawn, text, state dict and results are PyTorch's."""
    made = []
    for lib in (tg, pytorch()):
        lib.manual_seed(5)
        make = getattr(lib.nn, f"Lazy{name}" if lazy else name)
        layer = make(*args[lazy:], **options)
        made.append((layer, layer(lib.tensor(numbers(*shape).astype("float32")))))
    (mine, my_result), (theirs, result) = made
    assert repr(mine) == repr(theirs) and list(mine.state_dict()) == list(theirs.state_dict())
    assert type(mine) is getattr(nn, name)
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(force=True), q.numpy(force=True))
    np.testing.assert_allclose(
        my_result.numpy(force=True), result.numpy(force=True), rtol=1e-5, atol=1e-6
    )


def test_layers_can_be_copied_and_pickled():
    layer, x = nn.Conv2d(1, 2, 3, padding_mode="circular", padding=1), tg.randn(1, 1, 4, 4)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert tg.equal(twin(x), layer(x)) and twin.weight is not layer.weight


def test_the_size_of_a_transposed_convolution():
    layer, x = nn.ConvTranspose2d(1, 1, 3, stride=3, padding=1), tg.ones(1, 1, 2, 2)
    for size in ((4, 5), (1, 1, 6, 4)):
        assert layer(x, output_size=size).shape[2:] == size[-2:]
    with pytest.raises(ValueError, match=r"valid sizes range from \[4, 4\] to \[6, 6\]"):
        layer(x, output_size=(7, 4))
    with pytest.raises(ValueError, match="output_size must have 2 or 4 elements"):
        layer(x, output_size=(4,))


# ----- in a network -----


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(16 * 5 * 5, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(F.max_pool2d(self.conv2(x), 2), inplace=True)  # pooling does not need its result
        return self.fc(x.flatten(1))


def test_lenet_learns(device):
    net = LeNet().to(device)
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    x, labels = tg.randn(16, 1, 28, 28, device=device), tg.arange(16, device=device) % 10
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_the_graph_has_one_node_per_convolution():
    y = LeNet().conv1(tg.ones(1, 1, 4, 4))
    assert y.grad_fn.name() == "ConvolutionBackward0"
    assert [f and f.name() for f, _ in y.grad_fn.next_functions] == [
        None, "torch::autograd::AccumulateGrad", "torch::autograd::AccumulateGrad"
    ]  # fmt: skip


# ----- errors -----

ERRORS = {
    "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [3, 4]":
        lambda t: t.nn.functional.conv2d(t.ones(3, 4), t.ones(2, 3, 1, 1)),
    "expected input[1, 3, 8, 8] to have 1 channels, but got 3 channels instead":
        lambda t: t.nn.Conv2d(1, 2, 3)(t.ones(1, 3, 8, 8)),
    "Calculated padded input size per channel: (4 x 4). Kernel size: (5 x 5)":
        lambda t: t.nn.Conv2d(1, 2, 5, padding=1)(t.ones(1, 1, 2, 2)),
    "expected bias to be 1-dimensional with 6 elements, but got bias of size [5] instead":
        lambda t: t.conv2d(t.ones(1, 3, 8, 8), t.ones(6, 3, 5, 5), t.ones(5)),
    "non-positive stride is not supported":
        lambda t: t.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 2), stride=0),
    "negative padding is not supported":
        lambda t: t.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 2), padding=-1),
    "Given groups=2, expected weight to be divisible by 2 at dimension 0":
        lambda t: t.conv1d(t.ones(1, 2, 4), t.ones(3, 1, 2), groups=2),
    "list of 2 values to match the convolution dimensions, but got stride=[1, 1, 1]":
        lambda t: t.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 2), stride=(1, 1, 1)),
    "padding='same' is not supported for strided convolutions":
        lambda t: t.nn.Conv1d(1, 1, 3, stride=2, padding="same"),
    "Invalid padding string": lambda t: t.nn.Conv1d(1, 1, 3, padding="full"),
    "padding_mode must be one of": lambda t: t.nn.Conv1d(1, 1, 3, padding_mode="mirror"),
    "in_channels must be divisible by groups": lambda t: t.nn.Conv1d(3, 2, 1, groups=2),
    "groups must be a positive integer": lambda t: t.nn.Conv1d(3, 2, 1, groups=0),
    "output padding must be smaller than either stride or dilation":
        lambda t: t.conv_transpose1d(t.ones(1, 1, 4), t.ones(1, 1, 2), output_padding=1),
    "Given transposed=1, weight of size [6, 3, 5], expected input[1, 3, 8] to have 6 channels":
        lambda t: t.conv_transpose1d(t.ones(1, 3, 8), t.ones(6, 3, 5)),
    "Output size is too small":
        lambda t: t.conv_transpose1d(t.ones(1, 1, 1), t.ones(1, 1, 1), padding=1),
    'Only "zeros" padding mode is supported for ConvTranspose1d':
        lambda t: t.nn.ConvTranspose1d(1, 1, 3, padding_mode="reflect"),
    "received an invalid combination of arguments": lambda t: t.conv1d([1.0], t.ones(1, 1, 1)),
    "to LazyConv1d, but got input of size": lambda t: t.nn.LazyConv1d(1, 1)(t.ones(1, 1, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    refused(ERRORS[text], text)


def test_an_input_of_another_dtype_is_named():
    with pytest.raises(RuntimeError, match=r"Input type \(torch.float64\) and weight type"):
        nn.Conv1d(1, 1, 1)(tg.ones(1, 1, 1, dtype=tg.float64))
