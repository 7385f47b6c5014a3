"""RNN, GRU, LSTM and their cells against PyTorch: values, gradients, options, errors."""

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch==2.13.0")

MODES = ["RNN", "GRU", "LSTM"]


def pair(name: str, *args, **kwargs):
    """The layer here and in PyTorch, in float64 with the same weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = getattr(nn, name)(*args, dtype=tg.float64, **kwargs)
        theirs = getattr(torch.nn, name)(*args, dtype=torch.float64, **kwargs)
    ours.load_state_dict({k: tg.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return ours, theirs


def both(*shape: int, seed: int = 0):
    """The same random leaf here and there."""
    values = np.random.default_rng([seed, *shape]).standard_normal(shape)
    return (
        tg.tensor(values, requires_grad=True),
        torch.tensor(values, requires_grad=True),
    )


def same(ours, theirs, atol: float = 1e-12) -> None:
    """Both results agree, tuples part by part."""
    if isinstance(theirs, tuple):
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, atol)
        return
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(force=True), theirs.detach().numpy(), atol=atol, rtol=0)


def weighted(module, result):
    """One number of a layer's result, with a different weight for each element."""
    parts = []
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, tuple):
            parts.append(weighted(module, part))
        else:
            weights = np.cos(np.arange(part.numel()) * 1.7).reshape(tuple(part.shape))
            parts.append((part * module.tensor(weights, device=part.device)).sum())
    return sum(parts)


def moved(value, device):
    """Tensors, also in tuples, on a device."""
    if isinstance(value, tuple | list):
        return tuple(moved(part, device) for part in value)
    return value.to(device)


def check(ours, theirs, our_args, their_args, leaves, device=None) -> None:
    """Outputs and every gradient agree, computed on the device and compared on the CPU."""
    device = device or tg.get_default_device()
    ours.to(device)
    mine, yours = ours(*moved(our_args, device)), theirs(*their_args)
    mine = moved(mine, "cpu")
    same(mine, yours)
    weighted(tg, mine).backward()
    weighted(torch, yours).backward()
    named = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        same(weight.grad.cpu(), named[name].grad, 1e-10)
    for a, b in leaves:
        same(a.grad, b.grad, 1e-10)


OPTIONS = [
    dict(zip(("num_layers", "bidirectional", "batch_first", "bias"), values, strict=True))
    for values in itertools.product((1, 3), (False, True), (False, True), (False, True))
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
@pytest.mark.parametrize("given_state", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize("mode", MODES)
def test_layers_agree(mode, given_state, options, device):
    ours, theirs = pair(mode, 3, 4, **options)
    x = both(5, 2, 3) if not options["batch_first"] else both(2, 5, 3)
    leaves, args = [x], [[x[0]], [x[1]]]
    if given_state:
        count = options["num_layers"] * (1 + options["bidirectional"])
        states = [both(count, 2, 4, seed=s) for s in range(2 if mode == "LSTM" else 1)]
        leaves += states
        for i in range(2):
            parts = tuple(s[i] for s in states)
            args[i].append(parts if mode == "LSTM" else parts[0])
    check(ours, theirs, *args, leaves, device)


@pytest.mark.parametrize(
    "mode, options",
    [
        ("RNN", {"nonlinearity": "relu"}),
        ("LSTM", {"proj_size": 2}),
        ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
        ("LSTM", {"proj_size": 1, "bias": False}),
    ],
)
def test_special_options_agree(mode, options, device):
    ours, theirs = pair(mode, 3, 4, **options)
    x = both(5, 2, 3)
    check(ours, theirs, [x[0]], [x[1]], [x], device)


@pytest.mark.parametrize("mode", MODES)
def test_unbatched_input(mode, device):
    ours, theirs = pair(mode, 3, 4, num_layers=2, batch_first=True)
    x = both(5, 3)
    h = [both(2, 4, seed=s) for s in range(2)]
    states = [(h[0][i], h[1][i]) if mode == "LSTM" else h[0][i] for i in range(2)]
    check(ours, theirs, [x[0], states[0]], [x[1], states[1]], [x], device)


@pytest.mark.parametrize("shape", [(5, 0, 3), (1, 1, 3), (1, 4, 3)])
@pytest.mark.parametrize("mode", MODES)
def test_odd_sizes(mode, shape):
    ours, theirs = pair(mode, 3, 1, bidirectional=True)
    x = both(*shape)
    same(ours(x[0]), theirs(x[1]))


@pytest.mark.parametrize("mode", MODES)
def test_non_contiguous_input_is_not_changed(mode):
    ours, theirs = pair(mode, 3, 4)
    values = np.random.default_rng(0).standard_normal((3, 2, 10)).transpose(2, 1, 0)[::2]
    before = values.copy()
    same(ours(tg.as_tensor(values)), theirs(torch.from_numpy(values.copy())))
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("mode", MODES)
def test_initial_weights_are_pytorchs(mode):
    tg.manual_seed(11)
    torch.manual_seed(11)
    ours = getattr(nn, mode)(3, 4, num_layers=2, bidirectional=True)
    theirs = getattr(torch.nn, mode)(3, 4, num_layers=2, bidirectional=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, weight in theirs.state_dict().items():
        np.testing.assert_array_equal(
            ours.state_dict()[name].numpy(force=True), weight.numpy(force=True)
        )
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict(
        {k: torch.tensor(v.numpy(force=True)) for k, v in ours.state_dict().items()}
    )


def test_reprs_and_modes():
    for name, kwargs in [
        ("LSTM", {"proj_size": 2, "bias": False, "num_layers": 2, "dropout": 0.5}),
        ("RNN", {"nonlinearity": "relu", "batch_first": True}),
        ("GRU", {}),
    ]:
        ours, theirs = pair(name, 3, 4, **kwargs)
        assert repr(ours) == repr(theirs)
        assert ours.mode == theirs.mode
        shapes = [[tuple(w.shape) for w in ws] for ws in ours.all_weights]
        assert shapes == [[tuple(w.shape) for w in ws] for ws in theirs.all_weights]
        assert ours._all_weights == theirs._all_weights
        assert ours._flat_weights_names == theirs._flat_weights_names


class TestDropout:
    def test_is_between_layers_only_and_only_in_training(self):
        layer = nn.LSTM(3, 4, num_layers=2, dropout=1.0)
        x = tg.randn(5, 2, 3)
        output, (h, _) = layer(x)
        # the second layer sees zeros, so it must equal a run on zeros; nothing is nan
        alone = nn.LSTM(4, 4)
        state = layer.state_dict()
        alone.load_state_dict({k: state[k.replace("l0", "l1")] for k in alone.state_dict()})
        expected, (h1, _) = alone(tg.zeros(5, 2, 4))
        assert tg.equal(output, expected) and tg.equal(h[1], h1[0])
        layer.eval()
        assert not tg.equal(layer(x)[0], output)
        assert tg.equal(layer(x)[0], layer(x)[0])

    def test_final_states_are_not_dropped(self):
        layer = nn.GRU(3, 50, num_layers=2, dropout=0.5)
        x = tg.randn(5, 2, 3)
        _, h = layer(x)
        layer.eval()
        assert tg.equal(h[0], layer(x)[1][0])

    def test_one_layer_warns(self):
        with pytest.warns(UserWarning, match="num_layers greater than 1, but got dropout=0.5"):
            nn.GRU(3, 4, dropout=0.5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("given_state", [True, False])
def test_cells_agree(mode, batch, given_state, device):
    ours, theirs = pair(mode + "Cell", 3, 4)
    x = both(*(2, 3) if batch else (3,))
    args = [[x[0]], [x[1]]]
    if given_state:
        h = [both(*(2, 4) if batch else (4,), seed=s) for s in (1, 2)]
        for i in range(2):
            args[i].append((h[0][i], h[1][i]) if mode == "LSTM" else h[0][i])
    check(ours, theirs, *args, [x], device)
    assert repr(ours) == repr(theirs)


def test_a_cell_steps_as_its_layer_runs():
    layer, cell = nn.LSTM(3, 4, dtype=tg.float64), nn.LSTMCell(3, 4, dtype=tg.float64)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = tg.randn(5, 2, 3, dtype=tg.float64)
    output, _ = layer(x)
    state = None
    for t in range(5):
        state = cell(x[t], state)
        tg.testing.assert_close(state[0], output[t], rtol=1e-13, atol=1e-13)


# ----- errors -----

ERRORS = [
    (lambda n: n.RNN(0, 4), "must be greater than zero"),
    (lambda n: n.RNN(3, -1), "hidden_size must be greater than zero"),
    (lambda n: n.LSTM(3, 4, 0), "num_layers must be greater than zero"),
    (lambda n: n.GRU(3, 5.0), "hidden_size should be of type int, got: float"),
    (lambda n: n.GRU(3, 4, bias=1), "bias should be of type bool, got: int"),
    (lambda n: n.GRU(3, 4, 2, dropout=1.5), r"dropout should be a number in range \[0, 1\]"),
    (lambda n: n.GRU(3, 4, 2, dropout=True), r"dropout should be a number in range \[0, 1\]"),
    (lambda n: n.RNN(3, 4, nonlinearity="sigm"), "Unknown nonlinearity 'sigm'"),
    (lambda n: n.LSTM(3, 4, proj_size=4), "proj_size has to be smaller than hidden_size"),
    (lambda n: n.LSTM(3, 4, proj_size=-1), "proj_size should be a positive integer or zero"),
    (lambda n: n.GRU(3, 4, proj_size=2), "proj_size argument is only supported for LSTM"),
    (lambda n: n.RNN(3, 4, proj_size=2), "proj_size argument is only supported for LSTM"),
]


@pytest.mark.parametrize("call, message", ERRORS)
def test_construction_errors(call, message):
    with pytest.raises(Exception, match=message) as ours:
        call(nn)
    with pytest.raises(Exception, match=message) as theirs:
        call(torch.nn)
    assert ours.type is theirs.type


RUN_ERRORS = [
    ("RNN", (3,), None, "Expected input to be 2D or 3D, got 1D tensor instead"),
    ("GRU", (2, 5, 3, 1), None, "Expected input to be 2D or 3D, got 4D tensor instead"),
    ("RNN", (5, 2, 7), None, "input.size.-1. must be equal to input_size. Expected 3, got 7"),
    ("RNN", (0, 2, 3), None, "Expected sequence length to be larger than 0 in RNN"),
    ("RNN", (5, 2, 3), [(2, 4)], "For batched 3-D input, hx should also be 3-D but got 2-D tensor"),
    ("GRU", (5, 3), [(1, 2, 4)], "For unbatched 2-D input, hx should also be 2-D but got 3-D"),
    ("LSTM", (5, 2, 3), [(2, 4)] * 2, r"hx and cx should also be 3-D but got \(2-D, 2-D\) tensors"),
    ("RNN", (5, 2, 3), [(1, 3, 4)], r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
    ("LSTM", (5, 2, 3), [(1, 3, 4), (1, 2, 4)], r"Expected hidden\[0\] size \(1, 2, 4\)"),
    ("LSTM", (5, 2, 3), [(1, 2, 4), (1, 2, 5)], r"Expected hidden\[1\] size \(1, 2, 4\)"),
    ("RNNCell", (2, 3, 1), None, "Expected input to be 1D or 2D, got 3D instead"),
    ("GRUCell", (2, 7), None, "input has inconsistent input_size: got 7 expected 3"),
    ("GRUCell", (2, 7), [(1, 2, 4)], "GRUCell: Expected hidden to be 1D or 2D, got 3D instead"),
    ("RNNCell", (4, 3), [(2, 4)], "Input batch size 4 doesn't match hidden0 batch size 2"),
    ("GRUCell", (4, 3), [(4, 6)], "hidden0 has inconsistent hidden_size: got 6, expected 4"),
]


@pytest.mark.parametrize("mode, shape, states, message", RUN_ERRORS)
def test_running_errors(mode, shape, states, message):
    ours, theirs = getattr(nn, mode)(3, 4), getattr(torch.nn, mode)(3, 4)

    def run(layer, module):
        args = [module.ones(*shape)]
        if states:
            made = tuple(module.ones(*s) for s in states)
            args.append(made if len(made) > 1 else made[0])
        return layer(*args)

    with pytest.raises((ValueError, RuntimeError), match=message) as mine:
        run(ours, tg)
    with pytest.raises((ValueError, RuntimeError)) as yours:
        run(theirs, torch)
    assert mine.type is yours.type


def test_better_errors_than_pytorchs():
    with pytest.raises(TypeError, match=r"tuple of two tensors \(h_0, c_0\)"):
        nn.LSTM(3, 4)(tg.ones(5, 2, 3), tg.ones(1, 2, 4))
    with pytest.raises(TypeError, match=r"tuple of two tensors \(h_0, c_0\)"):
        nn.LSTMCell(3, 4)(tg.ones(2, 3), tg.ones(2, 4))
    with pytest.raises(ValueError, match="one-hot or embedded floats"):
        nn.RNN(3, 4)(tg.ones(5, 2, 3, dtype=tg.int64))
    with pytest.raises(ValueError, match=r"torch.float64\) does not match weight dtype"):
        nn.RNN(3, 4)(tg.ones(5, 2, 3, dtype=tg.float64))
    with pytest.raises(RuntimeError, match="batch_first does not concern hx"):
        nn.RNN(3, 4, batch_first=True)(tg.ones(2, 5, 3), tg.ones(2, 1, 4))
    with pytest.raises(RuntimeError, match="Unknown nonlinearity"):
        nn.RNNCell(3, 4, nonlinearity="sigm")(tg.ones(2, 3))


def test_weights_changed_between_forward_and_backward_are_noticed():
    layer = nn.GRU(3, 4)
    output, _ = layer(tg.ones(5, 2, 3))
    with tg.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


# ----- training -----


@pytest.mark.parametrize("mode", MODES)
def test_one_step_and_fifty_agree_with_pytorch(mode):
    """Loss and every gradient after one step to 1e-9, weights after 50 clipped steps to 1e-6."""
    ours, theirs = pair(mode, 28, 32)
    values = np.random.default_rng(5).standard_normal((28, 32)) * 0.1
    heads = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    tokens = np.random.default_rng(6).integers(0, 28, (51, 8, 13))
    ours_p, theirs_p = [*ours.parameters(), heads[0]], [*theirs.parameters(), heads[1]]
    our_sgd = optim.SGD(ours_p, lr=1.0)
    their_sgd = torch.optim.SGD(theirs_p, lr=1.0)

    def loss(module, function, layer, head, batch):
        x = function.one_hot(module.tensor(batch[:, :-1].T.copy()), 28).double()
        output, _ = layer(x)
        scores = function.linear(output, head).reshape(-1, 28)
        return function.cross_entropy(scores, module.tensor(batch[:, 1:].T.copy()).reshape(-1))

    for step, batch in enumerate(tokens[:50]):
        mine = loss(tg, F, ours, heads[0], batch)
        yours = loss(torch, torch.nn.functional, theirs, heads[1], batch)
        our_sgd.zero_grad()
        their_sgd.zero_grad()
        mine.backward()
        yours.backward()
        if step == 0:
            assert abs(mine.item() - yours.item()) < 1e-9
            for a, b in zip(ours_p, theirs_p, strict=True):
                same(a.grad, b.grad, 1e-9)
        norms = (
            nn.utils.clip_grad_norm_(ours_p, 1.0),
            torch.nn.utils.clip_grad_norm_(theirs_p, 1.0),
        )
        assert abs(norms[0].item() - norms[1].item()) < 1e-6
        our_sgd.step()
        their_sgd.step()
    for a, b in zip(ours_p, theirs_p, strict=True):
        same(a, b, 1e-6)
