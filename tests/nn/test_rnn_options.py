"""The options that RNN, GRU and LSTM have beyond PyTorch's: against plain loops in PyTorch."""

import copy
import itertools

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.nn.regularized import Masks, draw_masks

torch = pytest.importorskip("torch", reason="the oracle is written in PyTorch")

F64 = {"dtype": tg.float64}
NAMES = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
NAMES += ["gain_ih", "gain_hh", "gain_c", "bias_c"]
ACTIVATIONS = {F.silu: torch.nn.functional.silu, None: torch.tanh}


# ----- the definition -----


def normalized(a, gain, bias, groups):
    """a, or with a gain Ba et al.'s normalisation of each group of features, and the bias."""
    if gain is not None:
        parts = [(p - p.mean()) / (p.var(unbiased=False) + 1e-5).sqrt() for p in a.split(groups)]
        a = torch.cat(parts) * gain
    return a if bias is None else a + bias


def one_step(mode, w, x, h, c, masks, reset_after, act):
    """h and c of one sequence behind one step, from the formulas in the papers."""
    size = w["weight_hh"].shape[0] // {"RNN": 1, "GRU": 3, "LSTM": 4}[mode]
    groups = [2 * size, size] if mode == "GRU" else [len(w["weight_hh"])]
    weight_hh = w["weight_hh"] * masks["weight"]
    a = normalized(w["weight_ih"] @ x, w["gain_ih"], w["bias_ih"], groups)
    b = normalized(weight_hh @ (h * masks["hidden"]), w["gain_hh"], w["bias_hh"], groups)
    if mode == "RNN":
        return act(a + b), c
    if mode == "GRU":
        r, z = torch.sigmoid(a + b)[: 2 * size].chunk(2)
        if reset_after:
            n = act(a[2 * size :] + r * b[2 * size :])
        else:
            after = weight_hh @ (r * h * masks["hidden"])
            after = normalized(after, w["gain_hh"], w["bias_hh"], groups)
            n = act(a[2 * size :] + after[2 * size :])
        return (1 - z) * n + z * h, c
    i, f, g, o = (a + b).chunk(4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * act(g)
    inner = c if w["gain_c"] is None else normalized(c, w["gain_c"], w["bias_c"], [size])
    h = torch.sigmoid(o) * act(inner)
    return (h if w["weight_hr"] is None else w["weight_hr"] @ h), c


def definition(layer, weights, x, masks, lengths):
    """Outputs (steps, batch, features), final h and c (layers * directions, batch, size) of a
    layer on x (steps, batch, features), one sequence and one step after the other."""
    mode, act = layer.mode.split("_")[0], ACTIVATIONS[layer.activation]
    directions = ["", "_reverse"] if layer.bidirectional else [""]
    finals, number = [], 0
    for k in range(layer.num_layers):
        columns = []
        for direction in directions:
            w = {name: weights.get(f"{name}_l{k}{direction}") for name in NAMES}
            m, number = masks[number], number + 1
            rows, last = [], []
            for i, length in enumerate(lengths):
                h = x.new_zeros(w["weight_hh"].shape[1])
                c = x.new_zeros(layer.hidden_size)
                outputs = [x.new_zeros(h.shape)] * x.shape[0]
                for t in reversed(range(length)) if direction else range(length):
                    drop = {
                        "weight": 1.0 if m.weight is None else m.weight,
                        "hidden": 1.0 if m.hidden is None else m.hidden[i],
                    }
                    new = one_step(mode, w, x[t, i], h, c, drop, layer.options.reset_after, act)
                    state = []
                    for keep, old, fresh in zip(m.zoneout or (0, 0), (h, c), new, strict=False):
                        share = keep if isinstance(keep, int | float) else keep[t, i].double()
                        state.append(share * old + (1 - share) * fresh)
                    h, c = state if len(state) == 2 else (state[0], c)
                    outputs[t] = h
                rows.append(torch.stack(outputs))
                last.append((h, c))
            columns.append(torch.stack(rows, 1))
            finals.append([torch.stack(part) for part in zip(*last, strict=True)])
        x = torch.cat(columns, -1)
    return x, *(torch.stack(part) for part in zip(*finals, strict=True))


def theirs(value, **kwargs):
    return torch.tensor(value.detach().cpu().numpy(), **kwargs)


def masks_of(layer, steps, batch):
    """The masks that the layer draws next, as PyTorch's tensors: layer by layer, direction by
    direction."""
    found = []
    for weights in layer.all_weights:
        drawn = draw_masks(
            layer.options, weights[1], layer._state_sizes(), (steps, batch), layer.training
        )
        fields = [None if m is None else theirs(m) for m in drawn[:2]]
        kept = [theirs(z) if isinstance(z, tg.Tensor) else z for z in drawn.zoneout]
        found.append(Masks(*fields, tuple(kept)))
    return found


def flat(result):
    output, state, *_ = result
    return [output, *(state if isinstance(state, tuple) else (state,))]


def check(layer, lengths=(5, 3, 0, 4), steps=5, device=None):
    """The layer agrees with the definition, in values and gradients."""
    device = device or tg.get_default_device()
    layer.to(device)
    rng = np.random.default_rng(3)
    for name, weight in layer.named_parameters():  # gains and their biases are 1 and 0
        if name.startswith(("gain", "bias_c")):
            weight.data.add_(tg.tensor(rng.standard_normal(tuple(weight.shape))).to(device) / 3)
    values = rng.standard_normal((steps, len(lengths), layer.input_size))
    x = tg.tensor(values, device=device, requires_grad=True)
    weights = {n: theirs(p, requires_grad=True) for n, p in layer.named_parameters()}
    their_x = torch.tensor(values, requires_grad=True)

    tg.manual_seed(7)
    expected = definition(layer, weights, their_x, masks_of(layer, steps, len(lengths)), lengths)
    tg.manual_seed(7)
    found = flat(layer(x, lengths=lengths))
    pairs = list(zip(found, expected, strict=False))  # c is there for an LSTM only
    for a, b in pairs:
        np.testing.assert_allclose(a.detach().cpu().numpy(), b.numpy(force=True), atol=1e-12)
    factors = [rng.standard_normal(tuple(a.shape)) for a, _ in pairs]
    tg.autograd.backward([a for a, _ in pairs], [tg.tensor(f, device=device) for f in factors])
    torch.autograd.backward([b for _, b in pairs], [torch.tensor(f) for f in factors])
    compared = [(x, their_x)] + [(p, weights[n]) for n, p in layer.named_parameters()]
    for a, b in compared:
        np.testing.assert_allclose(a.grad.cpu().numpy(), b.grad.numpy(force=True), atol=1e-10)


ALONE = [
    {"layer_norm": True},
    {"layer_norm": True, "bias": False},
    {"recurrent_dropout": 0.4},
    {"zoneout": 0.3},
    {"weight_drop": 0.4},
    {"activation": F.silu},
]
EVERYTHING = {
    "layer_norm": True, "recurrent_dropout": 0.4, "zoneout": 0.3, "weight_drop": 0.4,
    "activation": F.silu, "num_layers": 2, "bidirectional": True,
}  # fmt: skip
TOGETHER = [
    ("RNN", EVERYTHING),
    ("GRU", EVERYTHING),
    ("GRU", {**EVERYTHING, "reset_after": False}),
    ("LSTM", {**EVERYTHING, "zoneout": (0.5, 0.05), "proj_size": 2}),
]
CASES = [(mode, case) for mode in ("RNN", "GRU", "LSTM") for case in ALONE] + TOGETHER
CASES += [
    ("GRU", {"reset_after": False}),
    ("LSTM", {"zoneout": (0.5, 0.05)}),
    ("LSTM", {"zoneout": (0.5, 0.0), "forget_bias": 1.0}),
]


def names(case):
    mode, options = case
    return "-".join([mode, *(f"{k}={getattr(v, '__name__', v)}" for k, v in options.items())])


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", CASES, ids=names)
def test_options_are_what_the_papers_say(case, training, device):
    mode, options = case
    check(getattr(nn, mode)(3, 4, **options, **F64).train(training), device=device)


# ----- options off, and other ways in -----


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_all_off_is_pytorchs_layer(mode):
    """The same names, numbers drawn, and results, bit for bit; also beside options that are on."""
    made = {}
    for name, options in (("off", {}), ("on", EVERYTHING)):
        tg.manual_seed(11)
        made[name] = getattr(nn, mode)(3, 4, **options)
    torch.manual_seed(11)
    stock = getattr(torch.nn, mode)(3, 4, num_layers=2, bidirectional=True)
    on, off = made["on"].state_dict(), made["off"].state_dict()
    extra = [n for n in on if n not in stock.state_dict()]
    assert list(off) == list(stock.state_dict())[:4]
    assert [n for n in on if n not in extra] == list(stock.state_dict())
    assert all(n.startswith(("gain", "bias_c")) for n in extra)
    for name, value in stock.state_dict().items():
        np.testing.assert_array_equal(on[name].numpy(force=True), value.numpy(force=True))
    assert all(bool((on[n] == float(n.startswith("gain"))).all()) for n in extra)


@pytest.mark.parametrize("mode, options", TOGETHER, ids=["RNN", "GRU", "GRU-before", "LSTM"])
def test_second_derivatives(mode, options, device):
    options = {**options, "num_layers": 1, "bidirectional": False}
    options |= {"proj_size": 1} if mode == "LSTM" else {}
    layer = getattr(nn, mode)(2, 2, **options, **F64).to(device)
    x = (tg.randn(2, 2, 2, **F64) + 0.1).to(device).requires_grad_()

    def run(x, *weights):
        tg.manual_seed(5)
        output, *states = flat(layer(x, lengths=[2, 1]))
        return output, states[-1]

    leaves = (x, *(p for n, p in layer.named_parameters() if not n.startswith("weight_ih")))
    assert tg.autograd.gradcheck(run, leaves)
    assert tg.autograd.gradgradcheck(run, (x, layer.weight_hh_l0))


# ----- masks -----


def test_masks():
    """Drawn anew at each call from the library's generator, in the promised shapes and shares."""
    layer = nn.LSTM(3, 50, recurrent_dropout=0.25, weight_drop=0.5, zoneout=(0.1, 0.7))
    x = tg.zeros(20, 30, 3)
    tg.manual_seed(1)
    first, second = layer(x)[0], layer(x)[0]
    tg.manual_seed(1)
    assert tg.equal(layer(x)[0], first) and not tg.equal(first, second)
    hidden, weight, (h, c) = draw_masks(layer.options, layer.weight_hh_l0, (50, 50), (20, 30), True)
    assert hidden.shape == (30, 50) and weight.shape == (200, 50) and h.shape == (20, 30, 50)
    assert {round(v, 5) for v in hidden.unique().tolist()} == {0.0, 1.33333}
    assert weight.unique().tolist() == [0.0, 2.0] and h.dtype is c.dtype is tg.bool
    for mask, share in ((hidden == 0, 0.25), (weight == 0, 0.5), (h, 0.7), (c, 0.1)):
        assert abs(mask.float().mean().item() - share) < 5 * (0.25 / mask.numel()) ** 0.5
    layer.eval()
    assert tg.equal(layer(x)[0], layer(x)[0])


def test_extreme_probabilities_give_no_nan():
    x = tg.randn(5, 2, 3)
    without = nn.GRU(3, 4, recurrent_dropout=1.0, weight_drop=1.0, bias=False)
    assert not bool(without(x)[0].isnan().any())
    frozen = nn.LSTM(3, 4, zoneout=1.0)
    assert bool((frozen(x)[0] == 0).all()) and bool((frozen.eval()(x)[0] == 0).all())


def test_weight_drop_leaves_the_weight_alone():
    layer = nn.GRU(3, 4, weight_drop=0.5)
    before = layer.weight_hh_l0.detach().clone()
    layer(tg.randn(5, 2, 3))[0].sum().backward()
    assert tg.equal(layer.weight_hh_l0, before) and layer.weight_hh_l0.grad is not None
    assert [n for n, _ in layer.named_parameters()] == [
        n for n, _ in nn.GRU(3, 4).named_parameters()
    ]


# ----- cells -----

CELLS = [
    ("RNN", {"nonlinearity": "relu", "layer_norm": True, "zoneout": 0.2}),
    ("RNN", {"activation": F.silu, "recurrent_dropout": 0.3, "bias": False}),
    ("GRU", {"layer_norm": True, "reset_after": False, "weight_drop": 0.4, "zoneout": 0.2}),
    ("LSTM", {"layer_norm": True, "recurrent_dropout": 0.3, "zoneout": (0.2, 0.4)}),
    ("LSTM", {"weight_drop": 0.3, "forget_bias": 1.0, "activation": F.silu}),
]


@pytest.mark.parametrize("mode, options", CELLS, ids=map(names, CELLS))
def test_a_cell_steps_as_its_layer_runs(mode, options, device):
    """In a loop with masks, in `scan` and in `Recurrent`; with the same numbers in its state."""
    tg.manual_seed(2)
    layer = getattr(nn, mode)(3, 4, **options, **F64).to(device)
    tg.manual_seed(2)
    cell = getattr(nn, mode + "Cell")(3, 4, **options, **F64).to(device)
    assert [f"{n}_l0" for n in cell.state_dict()] == list(layer.state_dict())
    for a, b in zip(cell.parameters(), layer.parameters(), strict=True):
        assert tg.equal(a, b)
    x = tg.randn(5, 2, 3, **F64).to(device)
    tg.manual_seed(4)
    output, _ = layer(x)
    tg.manual_seed(4)
    assert tg.equal(nn.scan(cell, x)[0], output)
    tg.manual_seed(4)
    masks, state = cell.draw_masks(2, 5), None
    for t in range(5):
        state = cell(x[t], state, masks=masks.at(t))
        assert tg.allclose(state[0] if mode == "LSTM" else state, output[t], atol=1e-14)
    one = cell(x[0, 0])
    assert (one[0] if mode == "LSTM" else one).shape == (4,)
    many = nn.Recurrent(type(cell), 3, 4, num_layers=2, bidirectional=True, **options, **F64)
    assert not bool(many.to(device)(x)[0].isnan().any())


def test_a_cell_draws_for_each_call():
    cell = nn.RNNCell(3, 50, recurrent_dropout=0.5)
    x, h = tg.randn(2, 3), tg.randn(2, 50)
    assert not tg.equal(cell(x, h), cell(x, h))
    masks = cell.draw_masks(2)
    assert tg.equal(cell(x, h, masks), cell(x, h, masks=masks))
    cell.eval()
    assert tg.equal(cell(x, h), cell(x, h))


def test_a_cell_of_ones_own_on_a_stock_cell():
    class Bounded(nn.LSTMCell):
        def step(self, x, state):
            output, (h, c) = super().step(x, state)
            return output, (h, c.clamp(-0.125, 0.125))

    _, (_, c) = nn.scan(Bounded(3, 4, zoneout=0.1), tg.randn(20, 2, 3))
    assert c.abs().max().item() == 0.125
    assert Bounded(3, 4)(tg.ones(1, 3) * 9)[1].abs().max().item() == 0.125


# ----- what stays with the module -----


def test_forget_bias():
    tg.manual_seed(3)
    plain = nn.LSTM(3, 4, num_layers=2)
    tg.manual_seed(3)
    layer = nn.LSTM(3, 4, num_layers=2, forget_bias=1.5)
    for k in range(2):
        b_ih, b_hh = getattr(layer, f"bias_ih_l{k}"), getattr(layer, f"bias_hh_l{k}")
        assert (b_ih + b_hh)[4:8].tolist() == [1.5] * 4
        assert tg.equal(b_ih[8:], getattr(plain, f"bias_ih_l{k}")[8:])
    assert tg.equal(layer.weight_hh_l1, plain.weight_hh_l1)


def test_a_module_as_activation_is_part_of_the_layer():
    layer = nn.GRU(3, 4, num_layers=2, activation=nn.PReLU(init=0.5))
    assert list(layer.state_dict())[-1] == "activation.weight"
    assert layer.activation.weight.item() == 0.5
    layer(tg.randn(5, 2, 3))[0].sum().backward()
    assert layer.activation.weight.grad is not None
    twin = copy.deepcopy(layer)
    assert twin.activation is not layer.activation
    assert tg.equal(twin(tg.ones(1, 1, 3))[0], layer(tg.ones(1, 1, 3))[0])


def test_reprs():
    layer = nn.LSTM(3, 4, layer_norm=True, zoneout=(0.1, 0.05), forget_bias=1.0)
    assert repr(layer) == "LSTM(3, 4, layer_norm=True, zoneout=(0.1, 0.05), forget_bias=1.0)"
    cell = nn.GRUCell(3, 4, reset_after=False, activation=F.silu)
    assert repr(cell) == "GRUCell(3, 4, reset_after=False, activation=silu)"


BETWEEN = r"should be a number in range \[0, 1\] representing the probability of an element"
ERRORS = [
    ("LSTM", {"recurrent_dropout": 1.5}, ValueError, f"recurrent_dropout {BETWEEN} being zeroed"),
    ("GRU", {"recurrent_dropout": True}, ValueError, "got True"),
    ("RNN", {"weight_drop": -0.1}, ValueError, f"weight_drop {BETWEEN} being zeroed, got -0.1"),
    ("RNN", {"weight_drop": "a"}, ValueError, "got 'a'"),
    ("GRU", {"zoneout": 1.1}, ValueError, f"zoneout {BETWEEN} keeping its old value, got 1.1"),
    ("LSTM", {"zoneout": (0.1, 2.0)}, ValueError, f"zoneout {BETWEEN} .*got 2.0"),
    ("LSTM", {"zoneout": (0.1,)}, ValueError, r"a pair \(cell, hidden\), got \(0.1,\)"),
    ("GRU", {"zoneout": (0.1, 0.1)}, ValueError, "is for an LSTM; GRU(Cell)? has one state"),
    ("LSTM", {"layer_norm": 1}, TypeError, "layer_norm should be of type bool, got: int"),
    ("GRU", {"reset_after": None}, TypeError, "reset_after should be of type bool, got: NoneType"),
    ("LSTM", {"forget_bias": "1"}, TypeError, "forget_bias should be a number or None, got: str"),
    ("LSTM", {"forget_bias": 1.0, "bias": False}, ValueError, "with bias=False there is none"),
    ("RNN", {"activation": "relu"}, TypeError, "activation should be a function .* got: str"),
    ("RNN", {"activation": F.silu, "nonlinearity": "relu"}, ValueError, "give one of the two"),
    ("GRU", {"forget_bias": 1.0}, TypeError, "unexpected keyword argument 'forget_bias'"),
    ("LSTM", {"reset_after": False}, TypeError, "unexpected keyword argument 'reset_after'"),
    ("RNN", {"layernorm": True}, TypeError, "unexpected keyword argument 'layernorm'"),
]


@pytest.mark.parametrize(
    "case, kind",
    list(itertools.product(ERRORS, ["", "Cell"])),
    ids=lambda case: case if isinstance(case, str) else names(case[:2]),
)
def test_errors(case, kind):
    mode, options, error, message = case
    with pytest.raises(error, match=message):
        getattr(nn, mode + kind)(3, 4, **options)
