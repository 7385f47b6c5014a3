"""Parameters in the layouts of Keras and ONNX, against plain NumPy forms of their definitions."""

import numpy as np
import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.utils import interchange

F64 = {"dtype": torch.float64}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ----- Keras: keras.layers.SimpleRNN, GRU, LSTM with their default activations -----


def keras_layer(mode, weights, x, act=np.tanh):
    """Outputs (batch, steps, units) of one direction on x (batch, steps, features)."""
    kernel, recurrent, bias = weights if len(weights) == 3 else (*weights, None)
    units = recurrent.shape[0]
    if bias is None:
        bias = np.zeros(kernel.shape[1])
    h, c, outputs = np.zeros((len(x), units)), np.zeros((len(x), units)), []
    for t in range(x.shape[1]):
        if mode == "RNN":
            h = act(x[:, t] @ kernel + bias + h @ recurrent)
        elif mode == "LSTM":
            i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            after = bias.ndim == 2
            x_z, x_r, x_h = np.split(x[:, t] @ kernel + (bias[0] if after else bias), 3, axis=1)
            u_z, u_r, u_h = np.split(recurrent, 3, axis=1)
            b_z, b_r, b_h = np.split(bias[1], 3) if after else (0, 0, 0)
            z, r = sigmoid(x_z + h @ u_z + b_z), sigmoid(x_r + h @ u_r + b_r)
            inner = r * (h @ u_h + b_h) if after else (r * h) @ u_h
            h = z * h + (1 - z) * np.tanh(x_h + inner)
        outputs.append(h)
    return np.stack(outputs, 1)


def keras(mode, layers, bidirectional, x, act=np.tanh):
    for weights in layers:
        half = len(weights) // 2
        if bidirectional:
            ahead = keras_layer(mode, weights[:half], x, act)
            back = keras_layer(mode, weights[half:], x[:, ::-1], act)[:, ::-1]
            x = np.concatenate([ahead, back], axis=2)
        else:
            x = keras_layer(mode, weights, x, act)
    return x


# ----- ONNX: the operators RNN, GRU and LSTM of the standard, with their default activations -----


def onnx_layer(mode, W, R, B, before, x, act=np.tanh):
    """Outputs (steps, batch, hidden) of one direction on x (steps, batch, features)."""
    hidden = R.shape[1]
    Wb, Rb = np.split(B, 2)
    H, C, outputs = np.zeros((x.shape[1], hidden)), np.zeros((x.shape[1], hidden)), []
    for X in x:
        if mode == "RNN":
            H = act(X @ W.T + H @ R.T + Wb + Rb)
        elif mode == "LSTM":
            i, o, f, c = np.split(X @ W.T + H @ R.T + Wb + Rb, 4, axis=1)
            C = sigmoid(f) * C + sigmoid(i) * np.tanh(c)
            H = sigmoid(o) * np.tanh(C)
        else:
            (Wz, Wr, Wh), (Rz, Rr, Rh) = np.split(W, 3), np.split(R, 3)
            (Wbz, Wbr, Wbh), (Rbz, Rbr, Rbh) = np.split(Wb, 3), np.split(Rb, 3)
            z = sigmoid(X @ Wz.T + H @ Rz.T + Wbz + Rbz)
            r = sigmoid(X @ Wr.T + H @ Rr.T + Wbr + Rbr)
            inner = r * (H @ Rh.T + Rbh) if before else (r * H) @ Rh.T + Rbh
            H = (1 - z) * np.tanh(X @ Wh.T + inner + Wbh) + z * H
        outputs.append(H)
    return np.stack(outputs)


def onnx(mode, layers, before, x, act=np.tanh):
    for p in layers:
        B = p.get("B", np.zeros((len(p["W"]), 2 * p["W"].shape[1])))
        columns = [onnx_layer(mode, p["W"][0], p["R"][0], B[0], before, x, act)]
        if len(B) == 2:
            back = onnx_layer(mode, p["W"][1], p["R"][1], B[1], before, x[::-1], act)
            columns.append(back[::-1])
        x = np.concatenate(columns, axis=2)
    return x


CASES = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"reset_after": False, "bias": False}),
    ("LSTM", {}),
    ("LSTM", {"bias": False}),
]
DEEP = {"num_layers": 2, "bidirectional": True}
CASES += [(mode, {**options, **DEEP}) for mode, options in CASES]


def layer_of(mode, options):
    return getattr(nn, mode)(3, 4, **options, **F64)


def outputs(mode, layers, options, x, other):
    act = np.tanh if options.get("nonlinearity") != "relu" else lambda a: np.maximum(a, 0)
    if other == "keras":
        found = keras(mode, layers, options.get("bidirectional", False), x.swapaxes(0, 1), act)
        return found.swapaxes(0, 1)
    return onnx(mode, layers, options.get("reset_after", True), x, act)


@pytest.mark.parametrize("other", ["keras", "onnx"])
@pytest.mark.parametrize("mode, options", CASES, ids=str)
def test_both_ways(mode, options, other, default_device):
    """The other's definition gives our outputs on converted parameters, and a layer of ours that
    takes random parameters of the other's gives the other's outputs."""
    convert = getattr(interchange, f"to_{other}")
    load = getattr(interchange, f"from_{other}")
    layer = layer_of(mode, options)
    x = np.random.default_rng(0).standard_normal((5, 2, 3))

    def ours():
        return layer(torch.tensor(x))[0].detach().cpu().numpy()

    converted = convert(layer)
    np.testing.assert_allclose(
        outputs(mode, converted, options, x, other), ours(), atol=1e-13, rtol=0
    )
    rng = np.random.default_rng(1)
    random = [
        {n: rng.standard_normal(a.shape) for n, a in part.items()} if other == "onnx"
        else [rng.standard_normal(a.shape) for a in part]
        for part in converted
    ]  # fmt: skip
    load(layer, random)
    np.testing.assert_allclose(outputs(mode, random, options, x, other), ours(), atol=1e-12, rtol=0)
    for part, back in zip(random, convert(layer), strict=True):
        for key in part if other == "onnx" else range(len(part)):
            np.testing.assert_array_equal(part[key], back[key])


def test_arrays_are_copies_and_plain():
    layer = nn.LSTM(3, 4)
    for arrays in (interchange.to_keras(layer)[0], interchange.to_onnx(layer)[0].values()):
        for array in arrays:
            assert type(array) is np.ndarray and array.dtype == np.float32
            array += 1
    assert layer.weight_ih_l0.abs().max().item() < 1


def test_an_activation_with_parameters_stays():
    one, two = (nn.GRU(3, 4, activation=nn.PReLU()) for _ in range(2))
    interchange.from_onnx(two, interchange.to_onnx(one))
    x = torch.randn(5, 2, 3)
    assert torch.equal(one(x)[0], two(x)[0])


BAD_LAYERS = [
    (lambda: nn.Linear(3, 4), TypeError, "expected nn.RNN, nn.GRU or nn.LSTM, got Linear"),
    (lambda: nn.LSTM(3, 4, proj_size=2), ValueError, "no counterpart of proj_size"),
    (lambda: nn.GRU(3, 4, layer_norm=True), ValueError, "no counterpart of layer_norm"),
    (lambda: nn.LSTM(3, 4, zoneout=(0, 0.1)), ValueError, "no counterpart of zoneout"),
]


@pytest.mark.parametrize("other", ["keras", "onnx"])
@pytest.mark.parametrize("make, error, message", BAD_LAYERS, ids=range(len(BAD_LAYERS)))
def test_layers_that_the_others_do_not_have(make, error, message, other):
    with pytest.raises(error, match=message):
        getattr(interchange, f"to_{other}")(make())
    with pytest.raises(error, match=message):
        getattr(interchange, f"from_{other}")(make(), [])


def test_arrays_that_do_not_fit():
    layer = nn.LSTM(3, 4)
    before = layer.weight_ih_l0.detach().clone()
    kernel, recurrent, bias = interchange.to_keras(layer)[0]
    wrong = [
        ([], "expected 1 layers, got 0"),
        ([[kernel, recurrent]], r"3 arrays of layer 0 \(kernel, recurrent_kernel, bias\), got 2"),
        ([[kernel + 1, recurrent[:2], bias]], r"recurrent_kernel of layer 0 of shape \(4, 16\)"),
    ]
    for weights, message in wrong:
        with pytest.raises(ValueError, match=message):
            interchange.from_keras(layer, weights)
    (named,) = interchange.to_onnx(layer)
    wrong = [
        ([named, named], "expected 1 layers, got 2"),
        ([{"W": named["W"], "R": named["R"]}], "expected the names W, R, B for layer 0, got W, R"),
        ([{**named, "W": named["W"][0] + 1}], r"W of layer 0 of shape \(1, 16, 3\), got"),
    ]
    for weights, message in wrong:
        with pytest.raises(ValueError, match=message):
            interchange.from_onnx(layer, weights)
    assert torch.equal(layer.weight_ih_l0, before)
